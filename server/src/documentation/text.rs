//! From a document's bytes to the Markdown in them: marks of the encoding and what site generators keep in front of a
//! page are no part of it.

use std::borrow::Cow;

/// Front matter has some lines; beyond these it is a page that begins with a rule.
const FRONT_MATTER_MAX_LINES: usize = 200;

/// UTF-8, or UTF-16 when a mark says so. What is neither is shown with replacement characters; the upload warns of it.
pub(super) fn decoded(content: &[u8]) -> Cow<'_, str> {
    let units = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
        Cow::Owned(char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect())
    };
    match content {
        [0xff, 0xfe, rest @ ..] => units(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => units(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest),
        content => String::from_utf8_lossy(content),
    }
}

/// The page without the fields in front of it that Jekyll (`---`, YAML), Hugo (`+++`, TOML) and others read.
pub(super) fn without_front_matter(text: &str) -> &str {
    let mut lines = text.split_inclusive('\n');
    let Some(first) = lines.next() else { return text };
    let (ends, separator): (&[&str], char) = match first.trim_end() {
        "---" => (&["---", "..."], ':'),
        "+++" => (&["+++"], '='),
        _ => return text,
    };
    let mut length = first.len();
    let mut has_field = false;
    for line in lines.take(FRONT_MATTER_MAX_LINES) {
        length += line.len();
        let line = line.trim_end();
        if ends.contains(&line) {
            // With nothing that looks like a field it was a rule, and so is this.
            return if has_field { &text[length..] } else { text };
        }
        let name = line.split(separator).next().unwrap_or_default().trim();
        let is_field = line.contains(separator) && !name.is_empty() && !name.contains(' ');
        has_field |= is_field;
        let is_other = line.is_empty() || line.starts_with([' ', '\t', '-', '#', '[', ']', '}']);
        if !is_field && !is_other {
            return text;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_by_their_marks() {
        let utf_16 = |mark: [u8; 2], bytes: fn(u16) -> [u8; 2]| {
            let units = "# Größe 😀".encode_utf16().flat_map(bytes);
            [mark.to_vec(), units.collect()].concat()
        };
        for content in [
            "# Größe 😀".as_bytes().to_vec(),
            "\u{feff}# Größe 😀".as_bytes().to_vec(),
            utf_16([0xff, 0xfe], u16::to_le_bytes),
            utf_16([0xfe, 0xff], u16::to_be_bytes),
        ] {
            assert_eq!(decoded(&content), "# Größe 😀");
        }
        assert_eq!(decoded(b"caf\xe9"), "caf\u{fffd}");
        assert_eq!(decoded(b"\xff\xfea"), "");
        assert_eq!(decoded(b""), "");
    }

    #[test]
    fn front_matter_is_taken_off_and_a_rule_is_not() {
        for (text, expected) in [
            ("---\ntitle: A\n---\n# A\n", "# A\n"),
            ("---\r\ntitle: A\r\ntags:\r\n  - b\r\n- c\r\n---\r\n# A", "# A"),
            ("---\ntitle: A\n# a comment\n\n...\n# A", "# A"),
            ("+++\ntitle = \"A\"\n[params]\nx = 1\n+++\nA", "A"),
            ("---\ntitle: A\n---", ""),
            ("---\n\n---\n", "---\n\n---\n"),
            ("---\nA sentence: with a colon.\n\n---\n", "---\nA sentence: with a colon.\n\n---\n"),
            ("---\ntitle: A\nnever closed\n", "---\ntitle: A\nnever closed\n"),
            ("# A\n---\nb: c\n---\n", "# A\n---\nb: c\n---\n"),
            ("", ""),
        ] {
            assert_eq!(without_front_matter(text), expected, "{text:?}");
        }
    }
}
