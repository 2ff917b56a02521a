//! Warnings about documentation that pages will not show as its author expects.

use domain::{Problem, Severity, is_unseen};

use super::{DOCS, formats::wide_encoding_of};
use crate::{ArchiveIndex, problems::shown};

/// The page that is shown first.
const FIRST: &str = "docs/README.md";

/// Whether it is shown as text.
pub(super) fn is_page(path: &str) -> bool {
    let extension = path.rsplit_once('.').map_or("", |(_, extension)| extension).to_ascii_lowercase();
    matches!(extension.as_str(), "md" | "markdown" | "txt")
}

/// A warning of a page in another encoding.
pub(super) fn not_utf_8(path: &str, content: &[u8]) -> Option<Problem> {
    let what = match wide_encoding_of(content) {
        Some(encoding) => format!("is {encoding}"),
        None if str::from_utf8(content).is_err() => "is not UTF-8, so some of its characters are not shown".to_owned(),
        None => return None,
    };
    Some(warning(path, format!("{what}; save it as UTF-8 text")))
}

/// A warning if there is no first page but a file that may be meant as it.
pub(super) fn misnamed_first(index: &ArchiveIndex) -> Option<Problem> {
    if index.is_file(FIRST) {
        return None;
    }
    let is_meant = |name: &&str| {
        let last = name.split('/').next_back().unwrap_or_default();
        let stem: String = last.chars().take_while(|c| *c != '.').filter(|c| !is_unseen(*c)).collect();
        stem.eq_ignore_ascii_case("readme") || stem.eq_ignore_ascii_case("index")
    };
    let in_docs = |name: &&str| name.get(..DOCS.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(DOCS));
    let at_top = |name: &&str| name.matches('/').count() == 1;
    let named = index.files().filter(in_docs).filter(at_top).find(is_meant)?;
    Some(warning(
        named,
        format!(
            "is not shown as the first page of the documentation; rename it to `{FIRST}`, in exactly these letters"
        ),
    ))
}

fn warning(path: &str, message: String) -> Problem {
    Problem { severity: Severity::Warning, ..Problem::error(shown(path), message) }
}
