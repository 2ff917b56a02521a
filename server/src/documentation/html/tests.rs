use std::collections::BTreeSet;

use super::*;
use crate::documentation::{PageContext, page};

fn shown(markdown: &str) -> domain::DocumentationPage {
    let paths = ["docs/README.md", "docs/img/a.png", "docs/more.md"];
    let documents: BTreeSet<String> = paths.iter().map(|path| (*path).to_owned()).collect();
    let (runtime, version) = ("demo".parse().unwrap(), "v1".parse().unwrap());
    page(
        &PageContext { runtime: &runtime, version: &version, documents: &documents },
        "docs/README.md",
        markdown.as_bytes(),
    )
}

fn html(markdown: &str) -> String {
    shown(markdown).html
}

#[test]
fn the_usual_markdown_is_shown_as_what_it_means() {
    for (markdown, expected) in [
        ("a *b* **c** ~~d~~ `e<f`", "<p>a <em>b</em> <strong>c</strong> <del>d</del> <code>e&lt;f</code></p>\n"),
        ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n"),
        ("3. a", "<ol start=\"3\">\n<li>a</li>\n</ol>\n"),
        ("- [x] a\n- [ ] b", "<ul>\n<li>☑ a</li>\n<li>☐ b</li>\n</ul>\n"),
        ("> a", "<blockquote>\n<p>a</p>\n</blockquote>\n"),
        (
            "```py\n<x>\n```",
            "<pre tabindex=\"0\" role=\"region\" aria-label=\"py code\"><code>&lt;x&gt;\n</code></pre>\n",
        ),
        ("a\\\nb\n\n---", "<p>a<br>\nb</p>\n<hr>\n"),
        (
            "[x](more.md \"T\")",
            "<p><a href=\"/runtimes/demo/versions/v1/documentation?page=docs%2Fmore.md\" title=\"T\">x</a></p>\n",
        ),
        (
            "[x](https://example.org/?a=1&b=\"2\")",
            "<p><a rel=\"noopener noreferrer\" href=\"https://example.org/?a=1&amp;b=&quot;2&quot;\">x</a></p>\n",
        ),
        (
            "![a *b*](img/a.png)",
            "<p><img loading=\"lazy\" src=\"/api/v1/runtimes/demo/versions/v1/docs/img/a.png\" alt=\"a b\"></p>\n",
        ),
        (
            "![logo](https://example.org/a.png)",
            "<p><a rel=\"noopener noreferrer\" class=\"docs__remote\" href=\"https://example.org/a.png\">\
             logo (picture on another host)</a></p>\n",
        ),
        (
            "[![ci](https://example.org/a.png)](https://example.org)",
            "<p><a rel=\"noopener noreferrer\" href=\"https://example.org\">ci</a></p>\n",
        ),
    ] {
        assert_eq!(html(markdown), expected, "{markdown}");
    }
    let table = html("| a | b |\n|---|--:|\n| 1 | 2 |");
    assert!(table.contains("<th scope=\"col\">a</th><th scope=\"col\" class=\"docs__right\">b</th>"), "{table}");
    assert!(table.contains("<tbody>\n<tr><td>1</td><td class=\"docs__right\">2</td></tr>\n</tbody>"), "{table}");
}

#[test]
fn headings_go_below_the_page_s_and_make_the_contents() {
    let page = shown("# One `x`\n\n### Three\n\n## Two!\n\n# One x\n\n# One x-1\n\n###### Six\n\n#\n");
    let contents: Vec<_> = page.contents.iter().map(|h| (h.level, h.id.as_str(), h.text.as_str())).collect();
    assert_eq!(
        contents,
        [
            (1, "doc-one-x", "One x"),
            (2, "doc-three", "Three"),
            (2, "doc-two", "Two!"),
            (1, "doc-one-x-1", "One x"),
            (1, "doc-one-x-1-1", "One x-1"),
            (2, "doc-six", "Six"),
        ]
    );
    assert!(
        page.html.starts_with("<h2 id=\"doc-one-x\">One <code>x</code></h2>\n<h4 id=\"doc-three\">"),
        "{}",
        page.html
    );
    assert!(page.html.contains("<h6 id=\"doc-six\">Six</h6>"), "{}", page.html);
}

/// Whatever is written, only these elements and attributes come out.
#[test]
fn nothing_that_could_run_comes_out() {
    for hostile in [
        "<script>alert(1)</script>",
        "a <script>alert(1)</script> b",
        "<img src=x onerror=alert(1)>",
        "<img src=\"javascript:alert(1)\" alt=\"\\\" onerror=alert(1) x=\\\"\">",
        "<img src=\"img/a.png\" onload=\"alert(1)\" alt='\"><script>alert(1)</script>'>",
        "<a href=\"javascript:alert(1)\">x</a>",
        "<svg onload=alert(1)><a xlink:href=javascript:alert(1)>x</a></svg>",
        "<iframe src=https://evil.example></iframe>",
        "<form action=https://evil.example><button>x</button></form>",
        "<style>*{background:url(https://evil.example)}</style>",
        "<base href=https://evil.example><meta http-equiv=refresh content=0>",
        "[x](javascript:alert(1))",
        "[x](<java\tscript:alert(1)>)",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "[x](&#106;avascript:alert(1))",
        "<javascript:alert(1)>",
        "![x](javascript:alert(1))",
        "![x](data:image/svg+xml,<svg onload=alert(1)>)",
        "![\" onerror=\"alert(1)](img/a.png)",
        "[x](https://a.example/\"onmouseover=\"alert(1))",
        "[x](more.md '\" onclick=\"alert(1)')",
        "[x]: javascript:alert(1)\n\n[x]",
        "# <script>alert(1)</script>\" onclick=\"alert(1)",
        "```\"><script>alert(1)</script>\nx\n```",
        "`<script>alert(1)</script>`",
        "| <script> |\n|---|\n| <img src=x onerror=alert(1)> |",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        "<scr<script>ipt>alert(1)</script>",
        "<<script>alert(1)//<</script>",
        "<!-- --><script>alert(1)</script><!-- -->",
        "<details open ontoggle=alert(1)>",
        "[x](../../krt.yml) ![x](../krt.yml)",
    ] {
        let out = html(hostile);
        for element in elements(&out) {
            check_element(&element, hostile);
        }
    }
}

/// The tags of a text in which every `<` that is not a tag's is escaped.
fn elements(html: &str) -> Vec<String> {
    html.split('<').skip(1).map(|rest| rest.split_once('>').expect("an unclosed tag").0.to_owned()).collect()
}

fn check_element(element: &str, hostile: &str) {
    let name = element.trim_start_matches('/').split(' ').next().unwrap();
    let known = [
        "p", "a", "span", "img", "em", "strong", "del", "code", "pre", "h2", "h3", "table", "thead", "tbody", "tr",
        "th", "td", "div", "br", "ul", "li",
    ];
    assert!(known.contains(&name), "{hostile}: <{element}>");
    // Every value is in quotes and has none within, so what is outside of quotes are the attributes' names.
    let outside: String = element.split('"').step_by(2).collect();
    for attribute in outside.split_whitespace().skip(1) {
        let name = attribute.trim_end_matches('=');
        let known =
            ["href", "rel", "src", "alt", "title", "class", "id", "loading", "tabindex", "role", "aria-label", "scope"];
        assert!(known.contains(&name), "{hostile}: {name} in <{element}>");
    }
    for (at, value) in element.split('"').enumerate() {
        let before = element.split('"').nth(at.saturating_sub(1)).unwrap_or_default();
        if at % 2 == 1 && (before.ends_with("href=") || before.ends_with("src=")) {
            let safe = ["https://", "/runtimes/demo/", "/api/v1/runtimes/demo/versions/v1/docs/", "#doc-"];
            assert!(safe.iter().any(|start| value.starts_with(start)), "{hostile}: {value}");
            assert!(!value.contains("krt.yml"), "{hostile}: {value}");
        }
    }
}

#[test]
fn raw_html_keeps_its_text_and_its_pictures() {
    let image = "<img loading=\"lazy\" src=\"/api/v1/runtimes/demo/versions/v1/docs/img/a.png\" alt=\"A\">";
    assert_eq!(html("<p align=center><img src='img/a.png' alt=A></p>"), format!("<p>{image}</p>\n"));
    assert_eq!(html("press <kbd>l</kbd> &amp; <b>go</b><br>on"), "<p>press l &amp; go<br>\non</p>\n");
    assert_eq!(html("<!-- a note -->"), "");
}

#[test]
fn neither_depth_nor_length_is_without_bound() {
    let deep = html(&format!("{} x", ">".repeat(5_000)));
    assert_eq!(deep.matches("<blockquote>").count(), MAX_DEPTH);
    assert_eq!(deep.matches("</blockquote>").count(), MAX_DEPTH);
    let long = html(&"é".repeat(1 << 20));
    assert!(long.ends_with("too long to be shown here.</em></p>\n"));
    assert!(long.len() < 3 << 20);
}

#[test]
fn a_page_that_would_become_many_times_its_markdown_ends_before_the_block_that_makes_it_so() {
    // Every row has as many cells as there are columns, and all but the first are empty.
    let columns = 600;
    let table = format!("|{}\n|{}\n{}", "a|".repeat(columns), ":-:|".repeat(columns), "|a\n".repeat(400));
    assert!(table.len() < 6_000);
    let page = shown(&format!("# Before\n\ntext\n\n{table}\n\n# After"));
    assert_eq!(
        page.html,
        "<h2 id=\"doc-before\">Before</h2>\n<p>text</p>\n<p><em>The rest is too long to be shown here.</em></p>\n"
    );
    assert_eq!(page.contents.len(), 1);
    assert!(!shown("| a |\n|---|\n| b |").html.contains("too long"));
}

#[test]
fn footnotes_are_numbered_and_led_to() {
    let html =
        html("a[^x] b[^long-name] c[^x] d[^nowhere]\n\n[^x]: First.\n[^long-name]: Second,\n    *of two lines*.\n");
    let reference = |number: u8| format!("<sup><a href=\"#footnote-{number}\">{number}</a></sup>");
    let text = format!("<p>a{one} b{two} c{one} d[^nowhere]</p>\n", one = reference(1), two = reference(2));
    assert!(html.starts_with(&text), "{html}");
    let first = "<div class=\"docs__footnote\" id=\"footnote-1\"><sup>1</sup>\n<p>First.</p>\n</div>\n";
    assert!(html.contains(first), "{html}");
    assert!(html.contains("id=\"footnote-2\"><sup>2</sup>\n<p>Second,\n<em>of two lines</em>.</p>"), "{html}");
}

#[test]
fn what_stands_in_front_of_a_page_is_no_part_of_it() {
    for markdown in ["\u{feff}# Title", "---\ntitle: Title\n---\n# Title", "\u{feff}---\r\ntitle: x\r\n---\r\n# Title"]
    {
        let page = shown(markdown);
        assert_eq!(page.html, "<h2 id=\"doc-title\">Title</h2>\n", "{markdown:?}");
        assert_eq!(page.contents.len(), 1);
    }
}
