//! Two archives, and what changes for callers from one to the other.

use std::collections::BTreeMap;

use domain::CallerChanges;
use krt::{Checked, Limits, Protos, Side, check, compare};

use crate::support::{MANIFEST, Tar};

/// An archive with these proto files; the first is the entrypoint's.
pub(crate) fn archive(version: &str, protos: &[(&str, &str)]) -> Checked {
    archive_within(version, protos, &Limits::default())
}

pub(crate) fn archive_within(version: &str, protos: &[(&str, &str)], limits: &Limits) -> Checked {
    let manifest = MANIFEST.replace("greeter-v1", version).replace("public_input.proto", protos[0].0);
    let tar = Tar::default().file("krt.yml", manifest).file("src/greeter/main.py", "");
    let tar = protos.iter().fold(tar, |tar, (name, text)| tar.file(name, text));
    check(tar.packed().as_slice(), limits).expect("a valid archive")
}

pub(crate) fn callers_of(before: (&Checked, &Protos), after: (&Checked, &Protos)) -> CallerChanges {
    let none = BTreeMap::new();
    let before = Side { manifest: &before.0.manifest, config: &none, digests: None, protos: Some(before.1) };
    let after = Side { manifest: &after.0.manifest, config: &none, digests: None, protos: Some(after.1) };
    compare(before, after).callers
}

#[track_caller]
pub(crate) fn changes(before: &[(&str, &str)], after: &[(&str, &str)]) -> CallerChanges {
    let (before, after) = (archive("v1", before), archive("v2", after));
    callers_of((&before, &before.protos), (&after, &after.protos))
}

/// With a service that takes and answers the message `M`, of one file.
pub(crate) fn of_m(syntax: &str, body: &str) -> String {
    format!("{syntax}\npackage p;\nservice S {{ rpc Greet (M) returns (M); }}\n{body}\n")
}

pub(crate) const PROTO3: &str = "syntax = \"proto3\";";

#[track_caller]
pub(crate) fn assert_breaks(found: &CallerChanges, expected: &[&str]) {
    assert_eq!(found.breaking, expected);
    assert_eq!(found.not_compared, [""; 0]);
}
