//! All messages for one manifest with more than ten mistakes, word by word: what a person reads is looked at as a whole.

use std::fmt::Write as _;

use krt::{ArchiveIndex, parse_manifest};

#[test]
fn a_manifest_with_ten_mistakes_is_told_all_of_them_at_once() {
    let mut index = ArchiveIndex::default();
    index.add_proto("public_input.proto", "service Entrypoint {\n  rpc Sort (R) returns (R) {};\n}\n");
    for file in ["src/etl/main.py", "src/classificator/main.py", "src/classificator/model.py", "bin/answer"] {
        index.add_file(file);
    }
    let problems = parse_manifest(include_bytes!("messages/ten_mistakes.yml"), &index).expect_err("refused");
    let mut said = String::new();
    for problem in &problems {
        let _ = writeln!(said, "{:?} {problem}", problem.severity);
    }
    let expected = include_str!("messages/ten_mistakes.txt");
    assert_eq!(said, expected, "if the new words are better, they belong into messages/ten_mistakes.txt:\n\n{said}");
}
