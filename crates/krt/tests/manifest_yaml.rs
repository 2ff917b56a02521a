//! The YAML beneath a manifest: what is broken is one problem with its place, what is hostile is refused early, and
//! the conveniences of YAML work.

mod rules;

use std::fmt::Write as _;

use domain::Problem;
use krt::{ArchiveIndex, parse_manifest};
use rules::{V1, V2, marked_place, read};

#[track_caller]
fn one_problem(manifest: &str) -> Problem {
    let problems = read(manifest).expect_err("refused");
    assert_eq!(problems.len(), 1, "{problems:#?}");
    problems[0].clone()
}

#[test]
fn a_broken_document_is_one_problem_with_its_place() {
    for (from, to, fragment) in [
        ("description: Shows it all.", "description: a: ‸b", "not valid YAML"),
        ("description: Shows it all.", "description: ‸\"open", "not valid YAML"),
        ("  variables:\n", "\t‸variables:\n", "not valid YAML"),
        ("subscriptions: [entrypoint]\n", "subscriptions: [entrypoint\n", "not valid YAML"),
        ("description: Shows it all.", "description: ‸*nowhere", "not valid YAML"),
        ("description: Shows it all.", "? ‸[a]\n: b", "a field's name must be a plain word"),
        ("description: Shows it all.", "<<: x", "`<<` needs a mapping"),
        ("description: Shows it all.", "description: a\n‸---\nb: c", "a second YAML document"),
        ("description: Shows it all.", "description: &a [‸*a]", "refers to a value that contains it"),
    ] {
        assert_eq!(V2.matches(from).count(), 1, "`{from}` is not there once");
        let marked = V2.replace(from, to);
        let problem = one_problem(&marked.replace('‸', ""));
        assert!(problem.message.contains(fragment), "{to}: {problem}");
        assert!(problem.line.is_some_and(|line| line >= 3) && problem.column.is_some(), "{to}: {problem}");
        if let Some((line, _)) = marked_place(&marked) {
            assert!(problem.line.is_some_and(|found| found.abs_diff(line) <= 1), "{to}: {problem}, not line {line}");
        }
    }
}

#[test]
fn a_manifest_is_a_mapping() {
    for (manifest, fragment) in [
        ("", "the manifest is empty"),
        ("# nothing\n", "the manifest is empty"),
        ("just a text\n", "the file must be a manifest: fields such as `version` and `workflows`; found the text"),
        ("- a\n", "found a list"),
        ("---\n", "found nothing"),
        ("42", "found the number"),
    ] {
        let problem = one_problem(manifest);
        assert!(problem.message.contains(fragment), "{manifest:?}: {problem}");
        assert_eq!(problem.line, Some(1), "{manifest:?}: {problem}");
    }
}

#[test]
fn a_manifest_is_utf_8() {
    let problems =
        parse_manifest(b"version: a\ndescription: \xc3\xa9t\xe9\n", &ArchiveIndex::default()).expect_err("refused");
    assert_eq!(problems.len(), 1);
    assert_eq!((problems[0].line, problems[0].column), (Some(2), Some(16)));
    assert!(problems[0].message.contains("UTF-8"));
}

#[test]
fn places_are_counted_in_characters() {
    let wide = V2.replace("subscriptions: [entrypoint]", "subscriptions: [\"entrypoint\", \"é€😀\", etll]");
    let problems = read(&wide).expect_err("refused");
    let columns: Vec<_> = problems.iter().map(|problem| problem.column).collect();
    assert_eq!(columns, [Some(39), Some(46)], "{problems:?}");
}

#[test]
fn line_ends_of_windows_and_a_byte_order_mark_are_read() {
    let (expected, _) = read(V2).expect("valid");
    let (windows, warnings) = read(&V2.replace('\n', "\r\n")).expect("valid");
    assert_eq!((windows, warnings), (expected.clone(), Vec::new()));
    let (marked, warnings) = read(&format!("\u{feff}{V2}")).expect("valid");
    assert_eq!((marked, warnings), (expected, Vec::new()));
    let problem = one_problem(&V2.replace('\n', "\r\n").replace("replicas: 2", "replicas: two"));
    assert_eq!((problem.line, problem.column), (Some(26), Some(19)));
}

#[test]
fn anchors_aliases_and_merge_keys_work() {
    let aliases = V1
        .replace("image: konstellation/kre-py:latest", "image: &py konstellation/kre-py:latest")
        .replace("image: busybox", "image: *py");
    let (manifest, warnings) = read(&aliases).expect("valid");
    assert!(warnings.is_empty(), "{warnings:?}");
    assert_eq!(manifest.workflows[1].nodes[1].image, "konstellation/kre-py:latest");

    let merged = V1
        .replace("  - name: greeter\n", "  - &first\n    name: greeter\n")
        .replace("  - name: printer\n    image: busybox\n", "  - <<: *first\n    name: printer\n");
    let (manifest, warnings) = read(&merged).expect("valid");
    assert!(warnings.is_empty(), "{warnings:?}");
    let printer = &manifest.workflows[1].nodes[1];
    assert_eq!(
        (printer.image.as_str(), printer.src.as_str(), printer.gpu),
        ("konstellation/kre-py:latest", "bin/printer", true)
    );
}

#[test]
fn duplicate_fields_are_found_wherever_they_are() {
    let manifest = V2.replace("author", "").replace(
        "        gpu: true\n",
        "        gpu: true\n        gpu: false\n        extra:\n          deep: {a: 1, a: 2}\n",
    );
    let problems = read(&manifest).expect_err("refused");
    let errors: Vec<_> = problems
        .iter()
        .filter(|problem| problem.severity == domain::Severity::Error)
        .map(|problem| (problem.line, problem.path.as_str()))
        .collect();
    assert_eq!(errors, [(Some(26), "workflows[0].nodes[1].gpu"), (Some(28), "workflows[0].nodes[1].extra.deep.a")]);
}

#[test]
fn hostile_documents_are_refused_early() {
    let mut laughs = String::from("l0: &l0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n");
    for at in 1..20 {
        let inner = vec![format!("*l{}", at - 1); 9].join(", ");
        let _ = writeln!(laughs, "l{at}: &l{at} [{inner}]");
    }
    let repeated = format!("a: &a {}\nb: [{}]\n", "x".repeat(100_000), vec!["*a"; 1000].join(", "));
    let mut deep_by_aliases = String::from("d0: &d0 [[[[[[[[x]]]]]]]]\n");
    for at in 1..9 {
        let _ = writeln!(deep_by_aliases, "d{at}: &d{at} [[[[[[[[*d{}]]]]]]]]", at - 1);
    }
    for (manifest, fragment) in [
        ("[".repeat(200_000), "deep"),
        ("{a: ".repeat(50_000), "deep"),
        ((0..200).fold(String::new(), |text, depth| format!("{text}{}-\n", " ".repeat(depth))), "deep"),
        (deep_by_aliases, "nested more than 32 deep"),
        (laughs, "at most 50000 values"),
        (repeated, "repeat too much text"),
        (format!("a: [{}]", "b, ".repeat(60_000)), "at most 50000 values"),
    ] {
        let problems = read(&manifest).expect_err("refused");
        assert!(problems.iter().any(|problem| problem.message.contains(fragment)), "{fragment}: {problems:?}");
        assert!(problems.iter().all(|problem| problem.message.len() < 4000));
    }
}

#[test]
fn thousands_of_mistakes_are_answered_soon() {
    let mut manifest = V2.to_owned();
    for at in 0..3000 {
        let _ = write!(
            manifest,
            "      - name: node-{at}\n        image: X\n        src: src/some/where/else/{at}.py\n        subscriptions: [nod-{at}]\n"
        );
    }
    let mut index = ArchiveIndex::default();
    for at in 0..50_000 {
        index.add_file(format!("src/some/where/{at}/main.py"));
    }
    let begun = std::time::Instant::now();
    let problems = parse_manifest(manifest.as_bytes(), &index).expect_err("refused");
    assert!(problems.len() <= 201, "{}", problems.len());
    // A second or two; without a bound on the search for suggestions it is minutes.
    assert!(begun.elapsed().as_secs() < 30, "{:?}", begun.elapsed());
}

#[test]
fn no_prefix_and_no_changed_character_of_a_manifest_panics() {
    for manifest in [V1, V2] {
        for (at, _) in manifest.char_indices() {
            let _ = read(&manifest[..at]).map_err(|problems| assert!(!problems.is_empty()));
            let replacements = ["\0", "[", "{", "&", "*", "!", ":", "-", "\t", "\"", "|", "?", "é", ""];
            let replacement = replacements[at % replacements.len()];
            let changed = format!("{}{replacement}{}", &manifest[..at], &manifest[at + 1..]);
            if let Err(problems) = read(&changed) {
                assert!(!problems.is_empty());
            }
        }
    }
}
