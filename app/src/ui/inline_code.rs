//! Text in which names stand between backticks, as the server writes its messages; they are shown as code.

use leptos::{either::Either, prelude::*};

/// The text with its names as code. An unpaired backtick stays as it is.
pub fn render_inline_code(text: &str) -> AnyView {
    parts(text)
        .into_iter()
        .map(|(part, is_name)| match is_name {
            true => Either::Left(view! { <code translate="no">{part}</code> }),
            false => Either::Right(part),
        })
        .collect_view()
        .into_any()
}

/// The parts in order, each with whether it stood between backticks.
fn parts(text: &str) -> Vec<(String, bool)> {
    if text.matches('`').count() % 2 == 1 {
        return vec![(text.to_owned(), false)];
    }
    let parts = text.split('`').enumerate().map(|(at, part)| (part.to_owned(), at % 2 == 1));
    parts.filter(|(part, _)| !part.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::parts;

    #[test]
    fn names_between_backticks_are_told_apart() {
        let part = |text: &str, is_name| (text.to_owned(), is_name);
        assert_eq!(
            parts("there is no `a`; use `b`"),
            [part("there is no ", false), part("a", true), part("; use ", false), part("b", true),]
        );
        assert_eq!(parts("plain"), [part("plain", false)]);
        assert_eq!(parts("a ` alone"), [part("a ` alone", false)]);
        assert_eq!(parts(""), []);
    }
}
