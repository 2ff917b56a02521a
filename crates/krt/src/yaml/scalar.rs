//! What a scalar is: text, a number, true or false, or nothing.

use granit_parser::{ScalarStyle, Tag};

/// What a scalar is by YAML's core schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ScalarKind {
    Null,
    Bool(bool),
    Integer(i64),
    /// With a fraction, or beyond 64 bits.
    Number,
    Text,
}

/// The core schema (YAML 1.2.2 §10.3.2).
pub(crate) fn kind_of(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> ScalarKind {
    if style != ScalarStyle::Plain || tag.is_some_and(|tag| tag.core_suffix() == Some("str")) {
        return ScalarKind::Text;
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return ScalarKind::Null,
        "true" | "True" | "TRUE" => return ScalarKind::Bool(true),
        "false" | "False" | "FALSE" => return ScalarKind::Bool(false),
        ".nan" | ".NaN" | ".NAN" => return ScalarKind::Number,
        _ => {}
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let digits = |text: &str, radix: u32| !text.is_empty() && text.chars().all(|c| c.is_digit(radix));
    let integer = |parsed: Option<i64>| parsed.map_or(ScalarKind::Number, ScalarKind::Integer);
    if let Some(hex) = text.strip_prefix("0x").filter(|hex| digits(hex, 16)) {
        return integer(i64::from_str_radix(hex, 16).ok());
    }
    if let Some(octal) = text.strip_prefix("0o").filter(|octal| digits(octal, 8)) {
        return integer(i64::from_str_radix(octal, 8).ok());
    }
    if digits(unsigned, 10) {
        return integer(text.parse().ok());
    }
    let infinite = matches!(unsigned, ".inf" | ".Inf" | ".INF");
    let numeric = unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && unsigned.contains(|c: char| c.is_ascii_digit())
        && unsigned.parse::<f64>().is_ok();
    if infinite || numeric { ScalarKind::Number } else { ScalarKind::Text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_are_what_the_core_schema_says() {
        for (text, kind) in [
            ("", ScalarKind::Null),
            ("~", ScalarKind::Null),
            ("null", ScalarKind::Null),
            ("nULL", ScalarKind::Text),
            ("True", ScalarKind::Bool(true)),
            ("false", ScalarKind::Bool(false)),
            // These were booleans in YAML 1.1.
            ("yes", ScalarKind::Text),
            ("off", ScalarKind::Text),
            ("0", ScalarKind::Integer(0)),
            ("-12", ScalarKind::Integer(-12)),
            ("+3", ScalarKind::Integer(3)),
            ("0x1F", ScalarKind::Integer(31)),
            ("0o17", ScalarKind::Integer(15)),
            ("99999999999999999999", ScalarKind::Number),
            ("1.0", ScalarKind::Number),
            ("-.5e3", ScalarKind::Number),
            (".inf", ScalarKind::Number),
            (".NaN", ScalarKind::Number),
            ("1.0.0", ScalarKind::Text),
            ("2020-08-10", ScalarKind::Text),
            ("0x", ScalarKind::Text),
            ("-", ScalarKind::Text),
            (".", ScalarKind::Text),
            ("v1", ScalarKind::Text),
            ("infinity", ScalarKind::Text),
        ] {
            assert_eq!(kind_of(text, ScalarStyle::Plain, None), kind, "{text}");
            assert_eq!(kind_of(text, ScalarStyle::DoubleQuoted, None), ScalarKind::Text, "{text}");
        }
    }

    #[test]
    fn a_tag_makes_text_of_a_number() {
        let tag = Tag::new("tag:yaml.org,2002:", "str");
        assert_eq!(kind_of("1.0", ScalarStyle::Plain, Some(&tag)), ScalarKind::Text);
    }
}
