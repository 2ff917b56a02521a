//! Holds documents and comments to what is there: links resolve, and cited sections, invariants and decisions exist.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::workspace::Workspace;

/// Others' documents, and what is made.
const SKIPPED: [&str; 7] = [".git", "target", "node_modules", "samples", "seeds", "corpus", "artifacts"];
const TEXTS: [&str; 7] = ["md", "rs", "ts", "scss", "sql", "yaml", "toml"];
const COMMENTS: [&str; 3] = ["//", "#", "--"];

#[test]
fn whatever_documents_and_comments_refer_to_is_there() {
    let root = &Workspace::find().unwrap().root;
    let invariants = numbers(&fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap(), "");
    let decisions: Vec<_> = fs::read_dir(root.join("docs/decisions")).unwrap().map(|entry| entry.unwrap()).collect();
    let is_decision = |number: &str| {
        decisions.iter().any(|file| file.file_name().to_string_lossy().starts_with(&format!("{number:0>4}-")))
    };
    let mut problems = Vec::new();
    for file in texts(root) {
        let text = fs::read_to_string(&file).unwrap();
        let is_document = file.extension().is_some_and(|extension| extension == "md");
        let is_told = |line: &str| is_document || COMMENTS.iter().any(|mark| line.trim().starts_with(mark));
        for (at, line) in text.lines().enumerate().filter(|(_, line)| is_told(line)) {
            let mut complain = |what: String| problems.push(format!("{}:{}: {what}", file.display(), at + 1));
            for link in between(line, "](", ")").filter(|link| is_document || link.contains(".md")) {
                if !resolves(&file, link) {
                    complain(format!("the link {link} leads nowhere"));
                }
            }
            for invariant in between(line, "(invariant ", ")").filter(|n| !invariants.contains(&(*n).to_owned())) {
                complain(format!("ARCHITECTURE.md has no invariant {invariant}"));
            }
            let numbers_after =
                line.split("decision ").skip(1).map(|rest| rest.split(|c: char| !c.is_ascii_digit()).next());
            for decision in numbers_after.flatten().filter(|number| !number.is_empty() && !is_decision(number)) {
                complain(format!("there is no decision {decision}"));
            }
            for (cited, section) in sections(line) {
                let path = if is_document { format!("docs/{}", cited.trim_start_matches("docs/")) } else { cited };
                let headings = fs::read_to_string(root.join(&path)).unwrap_or_default();
                if !path.starts_with("docs/") || !numbers(&headings, "#").contains(&section) {
                    complain(format!("{path} has no §{section}; cite it as docs/NAME.md §NUMBER"));
                }
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn each_test_that_a_document_names_is_there() {
    let root = &Workspace::find().unwrap().root;
    let sources = ["server", "crates"].map(|folder| texts(&root.join(folder))).concat();
    let sources = sources.iter().filter(|file| file.extension().is_some_and(|extension| extension == "rs"));
    let code: String = sources.map(|file| fs::read_to_string(file).unwrap()).collect();
    let table = fs::read_to_string(root.join("docs/asvs.md")).unwrap();
    // Tests are named as sentences.
    let is_test = |word: &&str| word.matches('_').count() > 3 && !word.contains(|c: char| c.is_ascii_uppercase());
    let named = table.split('`').filter(is_test);
    let missing: Vec<_> = named.filter(|name| !code.contains(&format!("fn {name}("))).collect();
    assert!(missing.is_empty(), "docs/asvs.md names tests that are not there: {missing:?}");
}

fn texts(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| !path.is_symlink());
    let kept = paths.filter(|path| !SKIPPED.iter().any(|skipped| path.ends_with(skipped)));
    let is_text = |path: &PathBuf| path.extension().is_some_and(|known| TEXTS.iter().any(|text| known == *text));
    kept.flat_map(|path| if path.is_dir() { texts(&path) } else { Some(path).filter(is_text).into_iter().collect() })
        .collect()
}

/// What stands between the two; no link has a bracket in it, unlike a regular expression.
fn between<'t>(line: &'t str, open: &'t str, close: &'t str) -> impl Iterator<Item = &'t str> {
    let found = line.split(open).skip(1).filter_map(move |rest| rest.split_once(close));
    found.map(|(inner, _)| inner).filter(|inner| !inner.contains(['[', ' ']))
}

/// Each section that is cited, with its document: of `docs/krt.md §1.3–1.4` both.
fn sections(line: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (at, _) in line.match_indices(".md §") {
        let before = line[..at].rsplit(|c: char| !(c.is_ascii_alphanumeric() || "-_/.".contains(c))).next();
        let cited = line[at + 4..].chars().take_while(|c| "§0123456789.–, and".contains(*c)).collect::<String>();
        let numbers = cited.split(|c: char| !(c.is_ascii_digit() || c == '.')).map(|number| number.trim_matches('.'));
        let document = format!("{}.md", before.unwrap_or_default());
        found.extend(numbers.filter(|number| !number.is_empty()).map(|number| (document.clone(), number.to_owned())));
    }
    found
}

/// The numbers that lines begin with, after these marks: `2` of `## 2. States`, `2.1` of `### 2.1 Fields`.
fn numbers(text: &str, marks: &str) -> Vec<String> {
    let lines = text.lines().filter(|line| line.starts_with(marks));
    let words = lines.filter_map(|line| line.trim_start_matches('#').split_whitespace().next());
    let numbers = words.filter(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    numbers.map(|number| number.trim_end_matches('.').to_owned()).collect()
}

fn resolves(from: &Path, link: &str) -> bool {
    let (path, fragment) = link.split_once('#').unwrap_or((link, ""));
    let target = if path.is_empty() { from.to_owned() } else { from.parent().unwrap().join(path) };
    let is_heading = |line: &str| {
        let kept = line.trim_start_matches('#').trim().to_lowercase();
        let kept = kept.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        line.starts_with('#') && kept.collect::<String>().replace(' ', "-") == fragment
    };
    let has_heading = || fs::read_to_string(&target).is_ok_and(|text| text.lines().any(is_heading));
    link.contains("://") || (target.exists() && (fragment.is_empty() || has_heading()))
}
