//! Markdown to HTML, element by element. Headings go one level down, below the page's own.

use std::collections::HashMap;

use domain::Heading;
use pulldown_cmark::{Alignment, CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::{
    links::{Links, Target},
    raw::{self, RawToken},
};

/// Lists and quotes within each other, beyond which there is only text.
const MAX_DEPTH: usize = 32;

/// About the most HTML of one page: a small table can have a cell for each of its rows and columns, most of them empty.
const MAX_HTML_BYTES: usize = 2 << 20;

pub(super) struct Rendered {
    pub(super) html: String,
    /// The headings in their order.
    pub(super) contents: Vec<Heading>,
    /// The block that would have made the page too long is left out, and all behind it.
    pub(super) cut: bool,
}

pub(super) fn render(markdown: &str, links: &Links<'_>) -> Rendered {
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS | Options::ENABLE_FOOTNOTES;
    let mut writer = Writer {
        links,
        out: String::with_capacity(markdown.len() * 2),
        headings: Vec::new(),
        ids: HashMap::new(),
        heading: None,
        open_links: Vec::new(),
        image: None,
        raw: None,
        depth: 0,
        alignments: Vec::new(),
        column: 0,
        in_head: false,
        footnotes: Vec::new(),
    };
    let mut within = 0_usize;
    let mut whole_blocks = (0, 0);
    let mut cut = false;
    for event in Parser::new_ext(markdown, options) {
        match &event {
            Event::Start(_) => within += 1,
            Event::End(_) => within = within.saturating_sub(1),
            _ => {}
        }
        writer.take(event);
        if writer.out.len() > MAX_HTML_BYTES {
            writer.out.truncate(whole_blocks.0);
            writer.headings.truncate(whole_blocks.1);
            cut = true;
            break;
        }
        if within == 0 {
            whole_blocks = (writer.out.len(), writer.headings.len());
        }
    }
    Rendered { html: writer.out, contents: nested(writer.headings), cut }
}

/// The id of a heading in the page; no other element's id begins so.
pub(super) fn prefixed(id: &str) -> String {
    format!("doc-{id}")
}

pub(super) fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
}

struct Writer<'l> {
    links: &'l Links<'l>,
    out: String,
    /// With the levels as written.
    headings: Vec<Heading>,
    ids: HashMap<String, usize>,
    /// Where in `out` the heading that is being written begins, and its text so far.
    heading: Option<(usize, String)>,
    /// What closes each link that is open.
    open_links: Vec<&'static str>,
    /// Source, title and alternative text so far of the image that is being read.
    image: Option<(String, String)>,
    /// The block of raw HTML that is being read.
    raw: Option<String>,
    depth: usize,
    alignments: Vec<Alignment>,
    column: usize,
    in_head: bool,
    /// Their labels, in the order in which they are first named; that is how they are numbered.
    footnotes: Vec<String>,
}

impl Writer<'_> {
    fn take(&mut self, event: Event<'_>) {
        if let Some((_, alt)) = &mut self.image {
            match event {
                Event::Text(text) | Event::Code(text) => alt.push_str(&text),
                Event::SoftBreak | Event::HardBreak => alt.push(' '),
                Event::End(TagEnd::Image) => {
                    if let Some((from, alt)) = self.image.take() {
                        self.picture(&from, &alt);
                    }
                }
                _ => {}
            }
            return;
        }
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) => match &mut self.raw {
                Some(raw) => raw.push_str(&text),
                None => self.text(&text),
            },
            Event::Code(text) => {
                self.out.push_str("<code>");
                self.text(&text);
                self.out.push_str("</code>");
            }
            Event::Html(html) | Event::InlineHtml(html) => match &mut self.raw {
                Some(raw) => raw.push_str(&html),
                None => self.raw_html(&html),
            },
            Event::SoftBreak => self.text("\n"),
            Event::HardBreak => self.out.push_str("<br>\n"),
            Event::Rule => self.out.push_str("<hr>\n"),
            Event::TaskListMarker(done) => self.out.push_str(if done { "☑ " } else { "☐ " }),
            Event::FootnoteReference(label) => {
                let number = self.footnote(&label);
                self.out.push_str(&format!("<sup><a href=\"#footnote-{number}\">{number}</a></sup>"));
            }
            Event::InlineMath(text) | Event::DisplayMath(text) => self.text(&text),
        }
    }

    fn text(&mut self, text: &str) {
        if let Some((_, heading)) = &mut self.heading {
            heading.push_str(text);
        }
        escape(text, &mut self.out);
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Paragraph => self.out.push_str("<p>"),
            Tag::Heading { .. } => self.heading = Some((self.out.len(), String::new())),
            Tag::BlockQuote(_) => self.open("<blockquote>\n"),
            Tag::CodeBlock(kind) => {
                // A screen reader's or keyboard's way into what may be wider than the page.
                let language = match &kind {
                    CodeBlockKind::Fenced(info) => info.split_whitespace().next().unwrap_or_default(),
                    CodeBlockKind::Indented => "",
                };
                self.out.push_str("<pre tabindex=\"0\" role=\"region\" aria-label=\"");
                escape(language, &mut self.out);
                self.out.push_str(if language.is_empty() { "Code\"><code>" } else { " code\"><code>" });
            }
            Tag::HtmlBlock => self.raw = Some(String::new()),
            Tag::List(None) => self.open("<ul>\n"),
            Tag::List(Some(first)) => self.open(&format!("<ol start=\"{first}\">\n")),
            Tag::Item => self.open("<li>"),
            Tag::Table(alignments) => {
                self.alignments = alignments;
                self.out.push_str(
                    "<div class=\"docs__table\" tabindex=\"0\" role=\"region\" aria-label=\"Table\"><table>\n",
                );
            }
            Tag::TableHead => {
                (self.in_head, self.column) = (true, 0);
                self.out.push_str("<thead><tr>");
            }
            Tag::TableRow => {
                self.column = 0;
                self.out.push_str("<tr>");
            }
            Tag::TableCell => {
                let class = match self.alignments.get(self.column) {
                    Some(Alignment::Right) => " class=\"docs__right\"",
                    Some(Alignment::Center) => " class=\"docs__center\"",
                    _ => "",
                };
                let cell = if self.in_head { "<th scope=\"col\"" } else { "<td" };
                self.out.push_str(&format!("{cell}{class}>"));
                self.column += 1;
            }
            Tag::Emphasis => self.out.push_str("<em>"),
            Tag::Strong => self.out.push_str("<strong>"),
            Tag::Strikethrough => self.out.push_str("<del>"),
            Tag::Link { dest_url, title, .. } => self.link(&dest_url, &title),
            Tag::Image { dest_url, .. } => self.image = Some((dest_url.into_string(), String::new())),
            Tag::FootnoteDefinition(label) => {
                let number = self.footnote(&label);
                self.open(&format!("<div class=\"docs__footnote\" id=\"footnote-{number}\"><sup>{number}</sup>\n"));
            }
            // Not asked for from the parser.
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph => self.out.push_str("</p>\n"),
            TagEnd::Heading(level) => self.end_heading(level),
            TagEnd::BlockQuote(_) => self.close("</blockquote>\n"),
            TagEnd::CodeBlock => self.out.push_str("</code></pre>\n"),
            TagEnd::HtmlBlock => {
                let before = self.out.len();
                if let Some(raw) = self.raw.take() {
                    self.raw_html(&raw);
                }
                if self.out[before..].trim().is_empty() {
                    self.out.truncate(before);
                } else {
                    self.out.insert_str(before, "<p>");
                    self.out.push_str("</p>\n");
                }
            }
            TagEnd::List(false) => self.close("</ul>\n"),
            TagEnd::List(true) => self.close("</ol>\n"),
            TagEnd::Item => self.close("</li>\n"),
            TagEnd::Table => self.out.push_str("</tbody></table></div>\n"),
            TagEnd::TableHead => {
                self.in_head = false;
                self.out.push_str("</tr></thead>\n<tbody>\n");
            }
            TagEnd::TableRow => self.out.push_str("</tr>\n"),
            TagEnd::TableCell => self.out.push_str(if self.in_head { "</th>" } else { "</td>" }),
            TagEnd::Emphasis => self.out.push_str("</em>"),
            TagEnd::Strong => self.out.push_str("</strong>"),
            TagEnd::Strikethrough => self.out.push_str("</del>"),
            TagEnd::FootnoteDefinition => self.close("</div>\n"),
            TagEnd::Link => {
                let close = self.open_links.pop().unwrap_or_default();
                self.out.push_str(close);
            }
            _ => {}
        }
    }

    /// Its number, from 1.
    fn footnote(&mut self, label: &str) -> usize {
        let known = self.footnotes.iter().position(|other| other == label);
        let at = known.unwrap_or_else(|| {
            self.footnotes.push(label.to_owned());
            self.footnotes.len() - 1
        });
        at + 1
    }

    fn open(&mut self, element: &str) {
        self.depth += 1;
        if self.depth <= MAX_DEPTH {
            self.out.push_str(element);
        }
    }

    fn close(&mut self, element: &str) {
        if self.depth <= MAX_DEPTH {
            self.out.push_str(element);
        }
        self.depth = self.depth.saturating_sub(1);
    }

    fn end_heading(&mut self, level: HeadingLevel) {
        let Some((at, text)) = self.heading.take() else { return };
        let id = self.new_id(&text);
        let level = level as u8;
        let element = (level + 1).min(6);
        let mut opening = format!("<h{element} id=\"");
        escape(&id, &mut opening);
        opening.push_str("\">");
        self.out.insert_str(at, &opening);
        self.out.push_str(&format!("</h{element}>\n"));
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if !text.is_empty() {
            self.headings.push(Heading { level, id, text });
        }
    }

    /// As other sites make them, so that links to headings work here too.
    fn new_id(&mut self, text: &str) -> String {
        let kept = text.trim().chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        let slug: String = kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect();
        let mut id = slug.clone();
        // A later heading may be called what an earlier one was numbered to.
        while let Some(seen) = self.ids.get_mut(&id) {
            *seen += 1;
            id = format!("{slug}-{seen}");
            if !self.ids.contains_key(&id) {
                break;
            }
            id.clone_from(&slug);
        }
        self.ids.insert(id.clone(), 0);
        prefixed(&id)
    }

    fn link(&mut self, to: &str, title: &str) {
        let (mut opening, close) = match self.links.link(to) {
            Target::Elsewhere(url) => {
                let mut opening = "<a rel=\"noopener noreferrer\" href=\"".to_owned();
                escape(&url, &mut opening);
                (opening + "\"", "</a>")
            }
            Target::Here(url) => {
                // What is no page is not for the pages' router.
                let external = if url.starts_with("/api/") { "rel=\"external\" " } else { "" };
                let mut opening = format!("<a {external}href=\"");
                escape(&url, &mut opening);
                (opening + "\"", "</a>")
            }
            Target::Nowhere(why) => {
                let mut opening = "<span class=\"docs__dead\" title=\"".to_owned();
                escape(why, &mut opening);
                self.out.push_str(&opening);
                self.out.push_str("\">");
                self.open_links.push("</span>");
                return;
            }
        };
        if !title.is_empty() {
            opening.push_str(" title=\"");
            escape(title, &mut opening);
            opening.push('"');
        }
        self.out.push_str(&opening);
        self.out.push('>');
        self.open_links.push(close);
    }

    /// A picture of another host is not loaded, but linked to.
    fn picture(&mut self, from: &str, alt: &str) {
        if let Some((_, heading)) = &mut self.heading {
            heading.push_str(alt);
        }
        let named = if alt.trim().is_empty() { "picture" } else { alt };
        match self.links.image(from) {
            Target::Here(url) => {
                self.out.push_str("<img loading=\"lazy\" src=\"");
                escape(&url, &mut self.out);
                self.out.push_str("\" alt=\"");
                escape(alt, &mut self.out);
                self.out.push_str("\">");
            }
            Target::Elsewhere(url) if self.open_links.is_empty() => {
                self.out.push_str("<a rel=\"noopener noreferrer\" class=\"docs__remote\" href=\"");
                escape(&url, &mut self.out);
                self.out.push_str("\">");
                escape(named, &mut self.out);
                self.out.push_str(" (picture on another host)</a>");
            }
            Target::Elsewhere(_) => escape(named, &mut self.out),
            Target::Nowhere(why) => {
                self.out.push_str("<span class=\"docs__dead\" title=\"");
                escape(why, &mut self.out);
                self.out.push_str("\">");
                escape(named, &mut self.out);
                self.out.push_str("</span>");
            }
        }
    }

    fn raw_html(&mut self, html: &str) {
        for piece in raw::tokens(html) {
            match piece {
                RawToken::Text(text) => self.text(&text),
                RawToken::LineBreak => self.out.push_str("<br>\n"),
                RawToken::Image { from, alt } => self.picture(&from, &alt),
            }
        }
    }
}

/// Levels as they lie within each other, from 1: a document may begin with its third and leave some out.
fn nested(mut headings: Vec<Heading>) -> Vec<Heading> {
    let mut around: Vec<u8> = Vec::new();
    for heading in &mut headings {
        while around.last().is_some_and(|level| *level >= heading.level) {
            around.pop();
        }
        around.push(heading.level);
        // There are six levels.
        heading.level = u8::try_from(around.len()).unwrap_or(6);
    }
    headings
}

#[cfg(test)]
mod tests;
