//! A version's documentation: Markdown from its KRT file, made into HTML that is safe to put into a page.
//!
//! Safe by construction: only elements and attributes that are written here come out, all text is escaped, and raw HTML
//! in the Markdown is reduced to its text. Whatever a link or an image points at is resolved here; the page loads
//! nothing but what is stored with the version. Decision 0008 has the reasons.

mod html;
mod links;
mod raw;
mod text;

use std::collections::BTreeSet;

use domain::{DocumentationPage, RuntimeId, VersionName};

use links::Links;
pub(crate) use links::content_type;

/// The page that is shown first.
pub(crate) const FIRST: &str = "docs/README.md";
/// More of one page is not shown: nobody reads it in a browser.
const MAX_PAGE_BYTES: usize = 1 << 20;

/// Which version the page is of, and what there is to link to.
pub(crate) struct PageContext<'a> {
    pub(crate) runtime: &'a RuntimeId,
    pub(crate) version: &'a VersionName,
    /// The paths of all its documents, `docs/…`.
    pub(crate) documents: &'a BTreeSet<String>,
}

/// `path` is the page's own, against which its links are resolved.
pub(crate) fn page(context: &PageContext<'_>, path: &str, content: &[u8]) -> DocumentationPage {
    let text = text::decoded(content);
    let text = text::without_front_matter(&text);
    let end = (0..=text.len().min(MAX_PAGE_BYTES)).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    let links = Links::new(context, path);
    let html::Rendered { mut html, contents, cut } = html::render(&text[..end], &links);
    if cut || end < text.len() {
        html.push_str("<p><em>The rest is too long to be shown here.</em></p>\n");
    }
    DocumentationPage { path: path.to_owned(), html, contents }
}
