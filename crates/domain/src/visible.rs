//! Texts as a message repeats them: what nobody would see is written out.

use std::borrow::Cow;

/// The text with its characters that are not to be seen, or look like a space and are none, as `<U+00A0>`.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unseen) {
        return Cow::Borrowed(text);
    }
    let written = text.chars().map(|c| if is_unseen(c) { format!("<{}>", code_point(c)) } else { c.to_string() });
    Cow::Owned(written.collect())
}

/// As Unicode writes it: `U+00A0`.
pub fn code_point(c: char) -> String {
    format!("U+{:04X}", u32::from(c))
}

/// Spaces other than U+0020, format characters (joiners, directions, marks of byte order) and control characters.
pub fn is_unseen(c: char) -> bool {
    c.is_control()
        || (c.is_whitespace() && c != ' ')
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// Whether the character makes what comes after it run the other way (Unicode TR 9, §2): in a name it would reach whatever
/// the name stands in.
pub fn changes_direction(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_would_see_is_written_out() {
        for (text, expected) in [
            ("src/modèle 1.py", "src/modèle 1.py"),
            ("a\u{a0}b", "a<U+00A0>b"),
            ("demo\u{200b}", "demo<U+200B>"),
            ("\u{feff}demo", "<U+FEFF>demo"),
            ("a\u{202e}b\nc\td", "a<U+202E>b<U+000A>c<U+0009>d"),
        ] {
            assert_eq!(visible(text), expected);
        }
    }
}
