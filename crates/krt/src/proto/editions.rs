//! Files of protobuf's editions 2023 and 2024, which protox-parse does not know. What differs in their grammar is
//! little, so it is rewritten to proto3: fields have no labels there either, and features are options. The lines stay.

use std::borrow::Cow;

use super::Unreadable;

const EDITIONS: [&str; 2] = ["2023", "2024"];

/// The edition that the text says it is of; none of proto2 and proto3.
pub(crate) fn edition(text: &str) -> Option<&str> {
    let mut tokens = Tokens { text, at: 0 };
    let is_of_one = (tokens.next(), tokens.next()) == (Some("edition"), Some("="));
    tokens.next().filter(|_| is_of_one).map(|edition| edition.trim_matches(['"', '\'']))
}

/// The text as proto3 if it is of an edition; as it is if not.
pub(super) fn as_proto3(text: &str) -> Result<Cow<'_, str>, Unreadable> {
    let Some(edition) = edition(text) else { return Ok(Cow::Borrowed(text)) };
    let tokens: Vec<&str> = Tokens { text, at: 0 }.collect();
    let word = |at: usize| tokens.get(at).copied().unwrap_or_default();
    if !EDITIONS.contains(&edition) {
        return Err(Unreadable::whole(format!("edition `{edition}` is not known")));
    }
    let mut written = String::with_capacity(text.len());
    let mut taken = 0;
    let (mut in_reserved, mut in_option_import) = (false, false);
    for (at, token) in tokens.iter().enumerate() {
        let begins = at == 0 || matches!(word(at - 1), ";" | "{" | "}");
        if begins {
            in_reserved = *token == "reserved";
            in_option_import = *token == "import" && word(at + 1) == "option";
        }
        let replaced = match *token {
            "edition" if at == 0 => "syntax".to_owned(),
            _ if at == 2 => "\"proto3\"".to_owned(),
            _ if in_option_import => String::new(),
            // Of symbols that other files may not name; none is told from what they may.
            "export" | "local" if begins && matches!(word(at + 1), "message" | "enum") => String::new(),
            // proto3 has no defaults; with brackets it is an option like any other.
            "default" if matches!(word(at - 1), "[" | ",") && word(at + 1) == "=" => "(default)".to_owned(),
            // Names are written without quotes.
            name if in_reserved && !begins && is_name(name) => format!("\"{name}\""),
            _ => continue,
        };
        // Each token is a part of the text.
        let start = token.as_ptr() as usize - text.as_ptr() as usize;
        written.push_str(&text[taken..start]);
        written.push_str(&replaced);
        taken = start + token.len();
    }
    written.push_str(&text[taken..]);
    Ok(Cow::Owned(written))
}

/// Not a number, and not the `to` and `max` of a range.
fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && !matches!(word, "to" | "max")
}

/// Words, strings with their quotes, and signs, without comments. Of a text that is broken anything; the parser says
/// what is wrong with it.
struct Tokens<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Iterator for Tokens<'t> {
    type Item = &'t str;

    fn next(&mut self) -> Option<&'t str> {
        loop {
            let rest = &self.text[self.at..];
            let first = rest.chars().next()?;
            let (length, is_token) = match first {
                _ if first.is_whitespace() => (first.len_utf8(), false),
                _ if rest.starts_with("//") => (rest.find('\n').unwrap_or(rest.len()), false),
                _ if rest.starts_with("/*") => (rest[2..].find("*/").map_or(rest.len(), |end| end + 4), false),
                '"' | '\'' => (string_length(rest, first), true),
                _ if is_word(first) => (rest.find(|c| !is_word(c)).unwrap_or(rest.len()), true),
                _ => (first.len_utf8(), true),
            };
            self.at += length;
            if is_token {
                return Some(&rest[..length]);
            }
        }
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// With its quotes.
fn string_length(text: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        if c == quote && !is_escaped {
            return at + 1;
        }
        is_escaped = c == '\\' && !is_escaped;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::super::parse;

    #[test]
    fn files_of_editions_are_read() {
        let file = parse(
            "// with a comment
            edition = '2024';
            import option 'custom.proto';
            import public 'other.proto';
            option features.field_presence = IMPLICIT;
            export message A {
              reserved old, older;
              reserved 9 to 11, 20 to max;
              string name = 1 [default = '];', /* 'x */ (a).b = 1];
              int32 reserved = 2 [features.field_presence = LEGACY_REQUIRED, default = 5];
              local enum E { reserved OLD; ONE = 1; }
              extensions 12 to 15;
            }",
        )
        .unwrap();
        assert_eq!(file.dependency, ["other.proto"]);
        assert_eq!(file.public_dependency, [0]);
        let message = &file.message_type[0];
        assert_eq!(message.field.iter().map(|field| field.name()).collect::<Vec<_>>(), ["name", "reserved"]);
        assert_eq!(message.reserved_name, ["old", "older"]);
        assert_eq!(message.enum_type[0].value[0].name(), "ONE");
    }

    #[test]
    fn an_edition_that_is_not_known_is_not_guessed_at() {
        let reason = parse("edition = \"2042\"; message A {}").unwrap_err();
        assert_eq!(reason.to_string(), "edition `2042` is not known");
        for broken in ["edition = ", "edition = 2023 'x", "edition = \"2023\"; /*", "edition = '2023'; é"] {
            assert!(parse(broken).is_err(), "{broken}");
        }
        let broken = parse("edition = \"2023\";\nmessage A { string a = 1 }").unwrap_err();
        assert!(broken.to_string().starts_with("line 2: "), "{broken}");
    }
}
