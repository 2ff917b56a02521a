//! From what `krt` says to what the page shows. `read_bytes` of the file were enough to know it.

use domain::{FileCheck, Problem};
use krt::Checked;

pub(crate) fn accepted(checked: Checked, read_bytes: u64) -> FileCheck {
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

pub(crate) fn refused(problems: Vec<Problem>, manifest_text: Option<String>, read_bytes: u64) -> FileCheck {
    FileCheck { content: None, graphs: Vec::new(), manifest_text, problems, read_bytes, complete: false }
}

/// A limit was passed; `message` says which.
pub(crate) fn too_large(message: &str, read_bytes: u64) -> FileCheck {
    refused(vec![Problem::error("", format!("the file is too large: {message}"))], None, read_bytes)
}
