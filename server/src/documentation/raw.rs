//! Raw HTML in Markdown: its text, its line breaks and its images are kept, all else is dropped. What comes out is
//! never markup, so a tag that this reads wrongly shows as odd text and does nothing.

/// The tokens that are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RawToken {
    Text(String),
    LineBreak,
    Image { from: String, alt: String },
}

/// Elements whose content is no text.
const CONTENT_DROPPED: [&str; 6] = ["script", "style", "template", "iframe", "object", "noscript"];

pub(super) fn tokens(html: &str) -> Vec<RawToken> {
    let mut found = Vec::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        text(&mut found, &rest[..at]);
        rest = &rest[at..];
        if let Some(comment) = rest.strip_prefix("<!--") {
            rest = comment.split_once("-->").map_or("", |(_, after)| after);
            continue;
        }
        if !rest[1..].starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '!' || c == '?') {
            text(&mut found, "<");
            rest = &rest[1..];
            continue;
        }
        let (tag, after) = tag(rest);
        rest = after;
        let name: String = tag.chars().take_while(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
        match name.as_str() {
            "br" => found.push(RawToken::LineBreak),
            "img" => found.push(RawToken::Image {
                from: attribute(tag, "src").unwrap_or_default(),
                alt: attribute(tag, "alt").unwrap_or_default(),
            }),
            dropped if CONTENT_DROPPED.contains(&dropped) => rest = past_end_of(rest, dropped),
            _ => {}
        }
    }
    text(&mut found, rest);
    found
}

fn text(found: &mut Vec<RawToken>, text: &str) {
    if !text.is_empty() {
        found.push(RawToken::Text(text.to_owned()));
    }
}

/// What is between `<` and the `>` that is not in quotes, and what follows.
fn tag(html: &str) -> (&str, &str) {
    let mut quote = None;
    for (at, c) in html.char_indices().skip(1) {
        match (quote, c) {
            (None, '>') => return (&html[1..at], &html[at + 1..]),
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            _ => {}
        }
    }
    (&html[1..], "")
}

fn past_end_of<'h>(html: &'h str, name: &str) -> &'h str {
    // Lower-casing ASCII leaves every byte where it is.
    let end = format!("</{name}");
    match html.to_ascii_lowercase().find(&end) {
        Some(at) => tag(&html[at..]).1,
        None => "",
    }
}

/// The value of an attribute, in quotes or up to a space.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let lower = tag.to_ascii_lowercase();
    let mut from = 0;
    while let Some(found) = lower.get(from..)?.find(name) {
        let start = from + found;
        from = start + name.len();
        let apart = lower[..start].ends_with(|c: char| c.is_ascii_whitespace() || c == '"' || c == '\'');
        let Some(value) = tag[from..].trim_start().strip_prefix('=').filter(|_| apart) else { continue };
        let value = value.trim_start();
        let text = match value.chars().next() {
            Some(quote @ ('"' | '\'')) => value[1..].split(quote).next(),
            _ => value.split(|c: char| c.is_ascii_whitespace()).next(),
        };
        return text.map(|text| text.replace("&amp;", "&"));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> RawToken {
        RawToken::Text(text.to_owned())
    }

    #[test]
    fn text_line_breaks_and_images_are_kept() {
        let image = |from: &str, alt: &str| RawToken::Image { from: from.to_owned(), alt: alt.to_owned() };
        for (html, expected) in [
            ("<details><summary>More</summary>", vec![plain("More")]),
            ("a<br/>b<BR>", vec![plain("a"), RawToken::LineBreak, plain("b"), RawToken::LineBreak]),
            ("<img width=3 src=\"img/a.png\" alt='x > y'>", vec![image("img/a.png", "x > y")]),
            ("<IMG SRC=img/a.png data-src=b>", vec![image("img/a.png", "")]),
            ("<!-- hidden --> seen", vec![plain(" seen")]),
            ("<script>alert('<b>')</script>after", vec![plain("after")]),
            ("<STYLE>p{}</STYLE >after", vec![plain("after")]),
            ("1 < 2", vec![plain("1 "), plain("<"), plain(" 2")]),
            ("<script>never ends", vec![]),
            ("<!-- never ends", vec![]),
            ("<a href='never ends", vec![]),
            ("é<p title=\"é>\">ß", vec![plain("é"), plain("ß")]),
        ] {
            assert_eq!(tokens(html), expected, "{html}");
        }
    }
}
