//! Where the links and images of a document lead to, and as what a document is served.

use std::collections::BTreeSet;

use super::PageContext;

/// The target of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// Another host, or a mail address.
    Elsewhere(String),
    /// Within the version's documentation: a URL of this server, or a place on the same page.
    Here(String),
    /// Nothing that may be followed; why, for people.
    Nowhere(&'static str),
}

pub(super) struct Links<'a> {
    documents: &'a BTreeSet<String>,
    /// Of the page: `docs/guide`.
    folder: String,
    /// URL of the documentation screen.
    screen: String,
    /// URL under which the files are served.
    files: String,
}

impl<'a> Links<'a> {
    pub(super) fn new(context: &PageContext<'a>, path: &str) -> Self {
        let PageContext { runtime, version, documents } = context;
        Self {
            documents,
            folder: path.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned(),
            screen: format!("/runtimes/{runtime}/versions/{version}/documentation"),
            files: format!("/api/v1/runtimes/{runtime}/versions/{version}/docs"),
        }
    }

    pub(super) fn link(&self, to: &str) -> Target {
        let to = readable(to);
        if let Some(elsewhere) = elsewhere(&to, &["http:", "https:", "mailto:"]) {
            return elsewhere;
        }
        if let Some(fragment) = to.strip_prefix('#') {
            return Target::Here(anchor(fragment));
        }
        let (path, fragment) = to.split_once('#').unwrap_or((&to, ""));
        match self.document(path) {
            Ok(found) if is_page(&found) => {
                let anchor = if fragment.is_empty() { String::new() } else { anchor(fragment) };
                Target::Here(format!("{}?page={}{anchor}", self.screen, encoded(&found, "")))
            }
            Ok(found) => Target::Here(self.file(&found)),
            Err(why) => Target::Nowhere(why),
        }
    }

    pub(super) fn image(&self, from: &str) -> Target {
        let from = readable(from);
        if let Some(elsewhere) = elsewhere(&from, &["http:", "https:"]) {
            return elsewhere;
        }
        match self.document(&from) {
            Ok(found) if content_type(&found).is_some_and(|kind| kind.starts_with("image/")) => {
                Target::Here(self.file(&found))
            }
            Ok(_) => Target::Nowhere("this is not a picture"),
            Err(why) => Target::Nowhere(why),
        }
    }

    fn file(&self, document: &str) -> String {
        let path = document.strip_prefix("docs/").unwrap_or(document);
        format!("{}/{}", self.files, encoded(path, "/"))
    }

    /// The stored document that a relative path means.
    fn document(&self, path: &str) -> Result<String, &'static str> {
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let decoded = decoded(path);
        if decoded.starts_with('/') || decoded.is_empty() {
            return Err("this leads out of the documentation");
        }
        let mut parts: Vec<&str> = self.folder.split('/').filter(|part| !part.is_empty()).collect();
        for part in decoded.split('/') {
            match part {
                "" | "." => {}
                // From the file's root there is no way up.
                ".." if parts.pop().is_none() => return Err("this leads out of the documentation"),
                ".." => {}
                part => parts.push(part),
            }
        }
        let path = parts.join("/");
        match self.documents.contains(&path) {
            true => Ok(path),
            false if path.starts_with("docs/") => Err("the file has no such document"),
            false => Err("this leads out of the documentation"),
        }
    }
}

/// As what a document is served to be shown; none for what is only to be saved. What could run anything is not in here,
/// but for SVG, which is served with a policy under which it cannot.
pub(crate) fn content_type(path: &str) -> Option<&'static str> {
    let extension = path.rsplit('/').next().unwrap_or(path).rsplit_once('.').map_or("", |(_, extension)| extension);
    Some(match extension.to_ascii_lowercase().as_str() {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "avif" => "image/avif",
        "svg" => "image/svg+xml",
        "md" | "markdown" | "txt" | "csv" | "json" | "yml" | "yaml" | "proto" | "py" | "go" | "sh" | "toml" => {
            "text/plain; charset=utf-8"
        }
        _ => return None,
    })
}

/// Whether it is shown as a page of the documentation.
fn is_page(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    path.ends_with(".md") || path.ends_with(".markdown")
}

/// A heading's id in the page, from what a link writes after `#`.
fn anchor(fragment: &str) -> String {
    format!("#{}", encoded(&super::html::prefixed(&decoded(fragment)), ""))
}

/// Without what browsers pass over when they look for a scheme.
fn readable(url: &str) -> String {
    url.trim().chars().filter(|c| !c.is_control()).collect()
}

/// Of a URL with a scheme or a host: those with one of these schemes, else that it leads nowhere.
fn elsewhere(url: &str, schemes: &[&str]) -> Option<Target> {
    if url.starts_with("//") || url.starts_with("\\") || url.starts_with("/\\") {
        return Some(Target::Nowhere("a link to another host needs https:// in front"));
    }
    let head = url.split(['/', '?', '#']).next().unwrap_or_default();
    if !head.contains(':') {
        return None;
    }
    let head = head.to_ascii_lowercase();
    match schemes.iter().any(|scheme| head.starts_with(scheme)) {
        true => Some(Target::Elsewhere(url.to_owned())),
        false => Some(Target::Nowhere("links of this kind are not followed")),
    }
}

/// Percent-encoded but for unreserved characters and those of `keep`.
fn encoded(text: &str, keep: &str) -> String {
    let mut url = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || keep.as_bytes().contains(&byte) {
            url.push(char::from(byte));
        } else {
            url.push_str(&format!("%{byte:02X}"));
        }
    }
    url
}

fn decoded(text: &str) -> String {
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let (bytes, mut plain, mut at) = (text.as_bytes(), Vec::new(), 0);
    while let Some(byte) = bytes.get(at) {
        match (byte, digit(bytes.get(at + 1)), digit(bytes.get(at + 2))) {
            (b'%', Some(high), Some(low)) => {
                plain.push(u8::try_from(high * 16 + low).unwrap_or_default());
                at += 3;
            }
            _ => {
                plain.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_links(path: &str, check: impl FnOnce(&Links<'_>)) {
        let documents = ["docs/README.md", "docs/guide/start.md", "docs/img/a b.png", "docs/x.html", "docs/x.svg"];
        let documents = documents.iter().map(|path| (*path).to_owned()).collect();
        let (runtime, version) = ("demo".parse().unwrap(), "v1".parse().unwrap());
        check(&Links::new(&PageContext { runtime: &runtime, version: &version, documents: &documents }, path));
    }

    #[test]
    fn links_within_the_documentation_are_found_from_where_they_are() {
        let screen = "/runtimes/demo/versions/v1/documentation";
        let files = "/api/v1/runtimes/demo/versions/v1/docs";
        with_links("docs/README.md", |links| {
            for (to, url) in [
                ("guide/start.md", format!("{screen}?page=docs%2Fguide%2Fstart.md")),
                (
                    "./guide/start.md#How it works",
                    format!("{screen}?page=docs%2Fguide%2Fstart.md#doc-How%20it%20works"),
                ),
                ("../docs/guide/start.md", format!("{screen}?page=docs%2Fguide%2Fstart.md")),
                ("img/a%20b.png", format!("{files}/img/a%20b.png")),
                ("x.html?raw=1", format!("{files}/x.html")),
                ("#usage", "#doc-usage".to_owned()),
            ] {
                assert_eq!(links.link(to), Target::Here(url), "{to}");
            }
            assert_eq!(links.image("img/a b.png"), Target::Here(format!("{files}/img/a%20b.png")));
        });
        with_links("docs/guide/start.md", |links| {
            assert_eq!(links.link("../x.html"), Target::Here(format!("{files}/x.html")));
            assert_eq!(links.image("../x.svg"), Target::Here(format!("{files}/x.svg")));
        });
    }

    #[test]
    fn what_leads_out_or_could_run_leads_nowhere() {
        with_links("docs/README.md", |links| {
            for to in [
                "../krt.yml",
                "../../krt.yml",
                "..%2Fkrt.yml",
                "%2e%2e/krt.yml",
                "../docs/../krt.yml",
                "/api/v1/runtimes",
                "//evil.example/x",
                "\\\\evil.example",
                "/\\evil.example",
                "missing.md",
                "",
                "javascript:alert(1)",
                "JaVaScRiPt:alert(1)",
                " javascript:alert(1)",
                "java\nscript:alert(1)",
                "\u{1}javascript:alert(1)",
                "javascript&colon;alert(1)",
                "data:text/html,<script>alert(1)</script>",
                "vbscript:x",
                "file:///etc/passwd",
                "blob:x",
            ] {
                assert!(matches!(links.link(to), Target::Nowhere(_)), "{to}: {:?}", links.link(to));
                assert!(matches!(links.image(to), Target::Nowhere(_)), "{to}");
            }
            for not_a_picture in ["x.html", "guide/start.md", "mailto:a@b.c"] {
                assert!(matches!(links.image(not_a_picture), Target::Nowhere(_)), "{not_a_picture}");
            }
        });
    }

    #[test]
    fn other_hosts_are_told_apart() {
        with_links("docs/README.md", |links| {
            for to in ["https://example.org/a#b", "HTTP://example.org", "mailto:a@example.org"] {
                assert_eq!(links.link(to), Target::Elsewhere(to.to_owned()));
            }
            assert_eq!(links.image("https://example.org/a.png"), Target::Elsewhere("https://example.org/a.png".into()));
        });
    }

    #[test]
    fn only_what_cannot_run_is_shown() {
        for (path, kind) in [
            ("docs/a.PNG", Some("image/png")),
            ("docs/a.svg", Some("image/svg+xml")),
            ("docs/a.md", Some("text/plain; charset=utf-8")),
            ("docs/a.html", None),
            ("docs/a.xhtml", None),
            ("docs/a.js", None),
            ("docs/a.pdf", None),
            ("docs/png", None),
            ("docs.png/a", None),
        ] {
            assert_eq!(content_type(path), kind, "{path}");
        }
    }
}
