//! From what `krt` says to what the page shows.

use domain::{FileCheck, Problem};
use krt::{CheckError, Checked};

/// `read_bytes` of the file were enough to know it.
pub(crate) fn of(checked: Result<Checked, CheckError>, read_bytes: u64) -> FileCheck {
    let refused = |problems, manifest_text| FileCheck {
        content: None,
        graphs: Vec::new(),
        manifest_text,
        problems,
        read_bytes,
        complete: false,
    };
    match checked {
        Ok(checked) => {
            let content = checked.manifest.content();
            FileCheck {
                graphs: content.workflows.iter().filter_map(graph::lay_out).collect(),
                content: Some(content),
                manifest_text: Some(checked.manifest_text),
                problems: checked.warnings,
                read_bytes,
                complete: checked.complete,
            }
        }
        Err(CheckError::Refused { problems, manifest_text }) => refused(problems, manifest_text),
        Err(error @ (CheckError::TooLarge { .. } | CheckError::Read(_))) => {
            refused(vec![Problem::error("", error.to_string())], None)
        }
    }
}
