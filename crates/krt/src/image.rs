//! Image references by the distribution grammar: `[host[:port]/]path[:tag][@digest]` (docs/krt.md §2.4).

use domain::visible;

/// The longest host and path together.
const MAX_NAME_LEN: usize = 255;
const MAX_TAG_LEN: usize = 128;

/// A parsed reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageReference<'t> {
    /// With its port, if it has one.
    pub host: Option<&'t str>,
    pub path: &'t str,
    pub tag: Option<&'t str>,
    /// With its algorithm: `sha256:…`.
    pub digest: Option<&'t str>,
}

/// Why a text is not an image reference. `Display` says what is right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    #[error("an image reference is needed, such as `registry.example.com/team/image:1.0`")]
    Empty,
    #[error("`{}` has spaces in it, and an image reference has none; write it as `registry.example.com/team/image:1.0`", visible(.0))]
    Space(String),
    #[error("an image reference does not begin with `{shown}://`; begin with the registry's host", shown = visible(.0))]
    Scheme(String),
    #[error(
        "`{}` is not a registry host; write letters, digits, `-` and `.`, with a port if needed: `registry.example.com:5000`", visible(.0)
    )]
    Host(String),
    #[error("an image's path is lower-case; write `{lower}` instead of `{0}`", lower = .0.to_lowercase())]
    UpperCase(String),
    #[error(
        "`{}` cannot be in an image's path; use lower-case letters and digits, single `.`, `_` or `__`, and `-` between them", visible(.0)
    )]
    Path(String),
    #[error("the image's name has {0} characters; it has at most {MAX_NAME_LEN} without its tag and digest")]
    TooLong(usize),
    #[error(
        "`{}` is not a tag; use up to {MAX_TAG_LEN} letters, digits, `_`, `.` and `-`, not beginning with `.` or `-`", visible(.0)
    )]
    Tag(String),
    #[error("`{}` is not a digest; write `sha256:` and 64 hexadecimal digits", visible(.0))]
    Digest(String),
}

/// Parses a reference.
///
/// The part before the first slash is a host when it has a `.` or a `:`, or is `localhost`; otherwise the path begins
/// with it, as in `konstellation/kre-py`.
pub fn parse(text: &str) -> Result<ImageReference<'_>, ImageError> {
    if text.is_empty() {
        return Err(ImageError::Empty);
    }
    if text.contains(char::is_whitespace) {
        return Err(ImageError::Space(text.to_owned()));
    }
    if let Some((scheme, _)) = text.split_once("://") {
        return Err(ImageError::Scheme(scheme.to_owned()));
    }
    let (rest, digest) = match text.split_once('@') {
        Some((rest, digest)) => (rest, Some(checked_digest(digest)?)),
        None => (text, None),
    };
    let (host, rest) = match rest.split_once('/') {
        Some((host, path)) if is_host(host) => (Some(checked_host(host)?), path),
        _ => (None, rest),
    };
    let (path, tag) = match rest.split_once(':') {
        Some((path, tag)) => (path, Some(checked_tag(tag)?)),
        None => (rest, None),
    };
    check_path(path)?;
    let name_len = host.map_or(0, |host| host.len() + 1) + path.len();
    if name_len > MAX_NAME_LEN {
        return Err(ImageError::TooLong(name_len));
    }
    Ok(ImageReference { host, path, tag, digest })
}

fn is_host(text: &str) -> bool {
    text.contains(['.', ':']) || text == "localhost"
}

fn checked_host(text: &str) -> Result<&str, ImageError> {
    let refused = || ImageError::Host(text.to_owned());
    let (name, port) = if let Some(rest) = text.strip_prefix('[') {
        let (address, rest) = rest.split_once(']').ok_or_else(refused)?;
        address.parse::<std::net::Ipv6Addr>().map_err(|_| refused())?;
        (None, if rest.is_empty() { None } else { Some(rest.strip_prefix(':').ok_or_else(refused)?) })
    } else {
        match text.split_once(':') {
            Some((name, port)) => (Some(name), Some(port)),
            None => (Some(text), None),
        }
    };
    let label = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let name_ok = name.is_none_or(|name| name.split('.').all(label));
    let port_ok = port
        .is_none_or(|port| port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port != 0));
    if name_ok && port_ok { Ok(text) } else { Err(refused()) }
}

fn checked_tag(text: &str) -> Result<&str, ImageError> {
    let inner = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
    if text.is_empty() || text.len() > MAX_TAG_LEN || text.starts_with(['.', '-']) || !text.bytes().all(inner) {
        return Err(ImageError::Tag(text.to_owned()));
    }
    Ok(text)
}

fn checked_digest(text: &str) -> Result<&str, ImageError> {
    let refused = || ImageError::Digest(text.to_owned());
    let (algorithm, hex) = text.split_once(':').ok_or_else(refused)?;
    let named = algorithm.split(['+', '.', '-', '_']).all(|part| {
        part.starts_with(|c: char| c.is_ascii_alphabetic()) && part.bytes().all(|b| b.is_ascii_alphanumeric())
    });
    let long_enough = match algorithm {
        "sha256" => hex.len() == 64,
        "sha384" => hex.len() == 96,
        "sha512" => hex.len() == 128,
        _ => hex.len() >= 32,
    };
    if named && long_enough && hex.bytes().all(|b| b.is_ascii_hexdigit()) { Ok(text) } else { Err(refused()) }
}

fn check_path(path: &str) -> Result<(), ImageError> {
    if path.is_empty() {
        return Err(ImageError::Empty);
    }
    for part in path.split('/') {
        if part.bytes().any(|b| b.is_ascii_uppercase()) {
            return Err(ImageError::UpperCase(part.to_owned()));
        }
        if !is_path_part(part) {
            return Err(ImageError::Path(part.to_owned()));
        }
    }
    Ok(())
}

/// Words of letters and digits, with one `.`, one or two `_`, or any number of `-` between each two.
fn is_path_part(part: &str) -> bool {
    let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if !part.starts_with(word) || !part.ends_with(word) {
        return false;
    }
    part.split(word).all(|gap| matches!(gap, "" | "." | "_" | "__") || gap.bytes().all(|b| b == b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_taken_apart() {
        let hex = "0123456789abcdef".repeat(4);
        let digest = format!("sha256:{hex}");
        let with_digest = format!("a.b/c:1@{digest}");
        for (text, host, path, tag, digest) in [
            ("busybox", None, "busybox", None, None),
            ("busybox:1.37", None, "busybox", Some("1.37"), None),
            ("konstellation/kre-py:latest", None, "konstellation/kre-py", Some("latest"), None),
            ("localhost/a", Some("localhost"), "a", None, None),
            ("localhost:5000/a/b__c:x_Y-z.0", Some("localhost:5000"), "a/b__c", Some("x_Y-z.0"), None),
            ("Registry.Example.com/a", Some("Registry.Example.com"), "a", None, None),
            ("[::1]:5000/a---b:t", Some("[::1]:5000"), "a---b", Some("t"), None),
            ("127.0.0.1:5000/a", Some("127.0.0.1:5000"), "a", None, None),
            (with_digest.as_str(), Some("a.b"), "c", Some("1"), Some(digest.as_str())),
            ("host:5000", None, "host", Some("5000"), None),
        ] {
            assert_eq!(parse(text), Ok(ImageReference { host, path, tag, digest }), "{text}");
        }
    }

    #[test]
    fn each_wrong_part_is_named() {
        let long = "a".repeat(256);
        let long_tag = format!("a:{}", "t".repeat(129));
        for (text, fragment) in [
            ("", "is needed"),
            (":tag", "is needed"),
            ("a.b/", "is needed"),
            ("@sha256:00", "not a digest"),
            ("a b", "spaces"),
            (" a", "spaces"),
            ("https://a.b/c", "`https://`"),
            ("Konstellation/kre-py", "write `konstellation`"),
            ("a/B:x", "write `b`"),
            ("-a.b/c", "registry host"),
            ("a..b/c", "registry host"),
            ("a_b.c/d", "registry host"),
            ("a:/c", "registry host"),
            ("a:70000/c", "registry host"),
            ("a:x/c", "registry host"),
            ("[::1/c", "registry host"),
            ("a//b", "image's path"),
            ("/a", "image's path"),
            ("a/", "image's path"),
            ("a___b", "image's path"),
            ("a..b", "image's path"),
            ("a._b", "image's path"),
            ("-a", "image's path"),
            ("a-", "image's path"),
            ("é", "image's path"),
            (&long, "256 characters"),
            ("a:", "not a tag"),
            ("a:-x", "not a tag"),
            ("a:b:c", "not a tag"),
            ("a:b/c:é", "registry host"),
            (&long_tag, "not a tag"),
            ("a@", "not a digest"),
            ("a@sha256", "not a digest"),
            ("a@sha256:abc", "not a digest"),
            ("a@b@c", "not a digest"),
        ] {
            let message = parse(text).map_err(|error| error.to_string());
            assert!(message.as_ref().is_err_and(|message| message.contains(fragment)), "{text}: {message:?}");
        }
    }
}
