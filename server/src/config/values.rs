//! The syntax of single settings: sizes and name-value pairs.

use std::{collections::BTreeMap, fmt, str::FromStr};

/// A number of bytes, written `1048576`, `1MiB` or `2 GiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteCount(pub u64);

const UNITS: [(&str, u64); 3] = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];

impl FromStr for ByteCount {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (digits, factor) = UNITS
            .iter()
            .find_map(|(unit, factor)| text.strip_suffix(unit).map(|digits| (digits.trim_end(), *factor)))
            .unwrap_or((text, 1));
        digits
            .parse::<u64>()
            .ok()
            .and_then(|count| count.checked_mul(factor))
            .filter(|bytes| *bytes > 0)
            .map(Self)
            .ok_or_else(|| "enter a number of bytes above zero, such as 1048576, 512MiB or 2GiB".to_owned())
    }
}

impl fmt::Display for ByteCount {
    /// In the largest unit that needs no fraction.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match UNITS.iter().rev().find(|(_, factor)| self.0.is_multiple_of(*factor)) {
            Some((unit, factor)) => write!(f, "{} {unit}", self.0 / factor),
            None => write!(f, "{} bytes", self.0),
        }
    }
}

/// `NAME=VALUE`, several of them one per line, or a JSON object of strings. Lines, and not commas, because values such
/// as a MongoDB URI have commas in them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pairs(pub BTreeMap<String, String>);

impl FromStr for Pairs {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.trim_start().starts_with('{') {
            return serde_json::from_str(text)
                .map(Self)
                .map_err(|e| format!("this is not a JSON object of strings: {e}"));
        }
        text.lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .map(|line| match line.split_once('=') {
                Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().to_owned(), value.to_owned())),
                _ => Err(format!("`{line}` is not NAME=VALUE")),
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl Pairs {
    /// All of them in one map; of two with one name the later counts.
    pub fn merge(all: Vec<Self>) -> BTreeMap<String, String> {
        all.into_iter().flat_map(|pairs| pairs.0).collect()
    }
}

/// The URL without its password, and without its query, which may hold one too; for messages.
pub(crate) fn without_password(url: &str) -> String {
    match reqwest::Url::parse(url) {
        Ok(mut url) => {
            // Fails only for a URL that cannot hold a password.
            let _ = url.set_password(None);
            url.set_query(None);
            url.to_string()
        }
        Err(_) => url.split_once(':').map_or_else(String::new, |(scheme, _)| format!("{scheme}:…")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_shown() {
        for (text, bytes, shown) in [
            ("1", 1, "1 bytes"),
            ("1024", 1024, "1 KiB"),
            ("3KiB", 3072, "3 KiB"),
            ("2 GiB", 2 << 30, "2 GiB"),
            ("1536MiB", 1536 << 20, "1536 MiB"),
        ] {
            let size: ByteCount = text.parse().unwrap();
            assert_eq!((size.0, size.to_string().as_str()), (bytes, shown), "{text}");
        }
        for wrong in ["", "0", "-1", "1.5GiB", "GiB", "1GB", "99999999999GiB"] {
            assert!(wrong.parse::<ByteCount>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn pairs_are_lines_or_json() {
        let lines: Pairs = "A=1\n\n  B=x=y,z \n".parse().unwrap();
        let json: Pairs = r#"{"A": "1", "B": "x=y,z"}"#.parse().unwrap();
        assert_eq!(lines, json);
        assert_eq!(lines.0["B"], "x=y,z");
        for wrong in ["A", "=1", r#"{"A": 1}"#] {
            assert!(wrong.parse::<Pairs>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_url_for_people_has_no_password() {
        for (url, shown) in [
            ("postgres://kai:s3cret@db.local:5432/kai?password=s3cret", "postgres://kai@db.local:5432/kai"),
            ("sqlite:///data/kai.db", "sqlite:///data/kai.db"),
            ("sqlite::memory:", "sqlite::memory:"),
            ("postgres://kai:s3/cret@db/kai", "postgres:…"),
        ] {
            assert_eq!(without_password(url), shown);
        }
    }
}
