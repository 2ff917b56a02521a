//! Which proto files of an archive count for callers, and what is said of those that are missing or cannot be read.

mod callers_support;
mod support;

use std::fmt::Write as _;

use callers_support::{PROTO3, archive, archive_within, assert_breaks, callers_of, changes, of_m};
use krt::{Limits, Protos};

const IMPORTING: &str = "syntax = \"proto3\";\npackage p;\nimport \"types/m.proto\";\n\
                         service S { rpc Greet (q.M) returns (q.M); }\n";

#[test]
fn a_break_in_an_imported_file_is_found_beside_the_entrypoint_s_and_at_the_root() {
    let m = |fields: &str| format!("syntax = \"proto3\";\npackage q;\nmessage M {{ {fields} }}\n");
    let (was, now) = (m("string a = 1; string b = 2;"), m("string a = 1;"));
    for (first, second) in
        [("a.proto", "types/m.proto"), ("api/a.proto", "api/types/m.proto"), ("api/a.proto", "types/m.proto")]
    {
        let found = changes(&[(first, IMPORTING), (second, &was)], &[(first, IMPORTING), (second, &now)]);
        assert_breaks(&found, &["field `b` (2) of `q.M` is gone"]);
    }
    // A file that is imported by way of another one.
    let between = "syntax = \"proto3\";\npackage q;\nimport \"deep.proto\";\nmessage M { d.D d = 1; }\n";
    let deep = |name: &str| format!("syntax = \"proto3\";\npackage d;\nmessage D {{ string {name} = 1; }}\n");
    let of = |deep: &str| {
        changes(
            &[
                ("a.proto", IMPORTING),
                ("types/m.proto", between),
                ("deep.proto", "syntax = \"proto3\"; package d; message D { string a = 1; }"),
            ],
            &[("a.proto", IMPORTING), ("types/m.proto", between), ("deep.proto", deep)],
        )
    };
    assert_breaks(&of(&deep("b")), &["number 1 of `d.D` is field `b` instead of `a`"]);
}

#[test]
fn a_type_that_moves_to_an_imported_file_stays_what_it_is() {
    let one = "syntax = \"proto3\";\npackage p;\nservice S { rpc Greet (M) returns (M); }\nmessage M { E e = 1; }\nenum E { A = 0; }\n";
    let two = "syntax = \"proto3\";\npackage p;\nimport \"m.proto\";\nservice S { rpc Greet (M) returns (M); }\n";
    let m = "syntax = \"proto3\";\npackage p;\nimport public \"e.proto\";\nmessage M { E e = 1; }\n";
    let e = "syntax = \"proto2\";\npackage p;\nenum E { A = 0; }\n";
    let split = [("a.proto", two), ("m.proto", m), ("e.proto", e)];
    for (before, after) in [(&[("a.proto", one)][..], &split[..]), (&split[..], &[("a.proto", one)][..])] {
        let found = changes(before, after);
        assert!(found.is_same(), "{found:?}");
    }
}

#[test]
fn a_service_behind_a_public_import_is_the_entrypoint_s() {
    let first = "syntax = \"proto3\";\nimport public \"s.proto\";\n";
    let second =
        |rpcs: &str| format!("syntax = \"proto3\";\npackage p;\nservice Entrypoint {{ {rpcs} }}\nmessage M {{}}\n");
    let (was, now) = (
        second("rpc Greet (M) returns (M); rpc Other (M) returns (M);"),
        second("rpc Greet (M) returns (stream M); rpc More (M) returns (M);"),
    );
    let found = changes(&[("a.proto", first), ("s.proto", &was)], &[("a.proto", first), ("s.proto", &now)]);
    assert_breaks(
        &found,
        &["rpc `p.Entrypoint/Greet` answers a stream of `p.M` instead of `p.M`", "rpc `p.Entrypoint/Other` is gone"],
    );
    assert_eq!(found.added, ["rpc `p.Entrypoint/More` is new"]);
    // The workflow's entrypoint is one of them.
    assert_eq!(archive("v1", &[("a.proto", first), ("s.proto", &was)]).warnings, []);
    // A service behind another import is not.
    let found = changes(
        &[("a.proto", first), ("s.proto", &was)],
        &[("a.proto", "syntax = \"proto3\";\nimport \"s.proto\";\n"), ("s.proto", &was)],
    );
    assert_breaks(&found, &["rpc `p.Entrypoint/Greet` is gone", "rpc `p.Entrypoint/Other` is gone"]);
}

#[test]
fn what_is_not_in_the_archive_is_not_compared_and_the_rest_is() {
    let with = |fields: &str| {
        format!(
            "syntax = \"proto3\";\npackage p;\nimport \"google/type/money.proto\";\nimport \"google/protobuf/any.proto\";\n\
                 service S {{ rpc Greet (M) returns (M); }}\nmessage M {{ google.protobuf.Any any = 9; {fields} }}\n"
        )
    };
    let (was, now) = (with("google.type.Money price = 1; string a = 2;"), with("google.type.Money price = 1;"));
    let found = changes(&[("a.proto", &was)], &[("a.proto", &now)]);
    assert_eq!(found.breaking, ["field `a` (2) of `p.M` is gone"]);
    assert_eq!(
        found.not_compared,
        ["`google.type.Money`: `google/type/money.proto` is not in the archive of either version"]
    );
    // What one of the two has, it is not said to have changed.
    let money = "syntax = \"proto3\";\npackage google.type;\nmessage Money { int64 units = 2; }\n";
    let found = changes(&[("a.proto", &was), ("google/type/money.proto", money)], &[("a.proto", &was)]);
    assert_eq!(found.breaking, [""; 0]);
    assert_eq!(found.not_compared, ["`google.type.Money`: `google/type/money.proto` is not in the archive of `v2`"]);
    // A type that certainly is another one is told.
    let found = changes(&[("a.proto", &was)], &[("a.proto", &with("string price = 1; string a = 2;"))]);
    assert_breaks(&found, &["field `price` of `p.M` is `string` instead of `google.type.Money`"]);
    let broken = changes(
        &[("a.proto", &was), ("google/type/money.proto", money)],
        &[("a.proto", &was), ("google/type/money.proto", "\nmessage {")],
    );
    assert_eq!(broken.breaking, [""; 0]);
    assert!(
        broken.not_compared[0].contains("`google/type/money.proto` of `v2` cannot be read (line 2: "),
        "{broken:?}"
    );
}

#[test]
fn rpcs_behind_what_is_missing_are_not_said_to_be_gone() {
    let service = "service S { rpc Greet (M) returns (M); } message M {}";
    let inside = format!("syntax = \"proto3\";\npackage p;\n{service}\n");
    let outside = "syntax = \"proto3\";\nimport public \"far.proto\";\n";
    let missing = |version: &str| {
        format!("more rpcs may be behind a public import: `far.proto` is not in the archive of `{version}`")
    };
    let found = changes(&[("a.proto", &inside)], &[("a.proto", outside)]);
    assert_eq!((found.breaking, found.not_compared), (vec![], vec![missing("v2")]));
    let found = changes(&[("a.proto", outside)], &[("a.proto", &inside)]);
    assert_eq!((found.added, found.not_compared), (vec![], vec![missing("v1")]));
    // Nor is a workflow's entrypoint said to be none of them.
    assert_eq!(archive("v1", &[("a.proto", outside)]).warnings, []);
}

#[test]
fn a_file_that_cannot_be_read_is_warned_of_and_not_compared() {
    let (valid, broken) = (of_m(PROTO3, "message M {}"), of_m(PROTO3, "message M { string a; }"));
    let found = changes(&[("a.proto", &valid)], &[("a.proto", &broken)]);
    assert_eq!((found.breaking.len(), found.added.len(), found.not_compared.len()), (0, 0, 1), "{found:?}");
    assert!(found.not_compared[0].starts_with("`a.proto` of `v2` cannot be read (line 4: "), "{found:?}");
    let warnings = archive("v1", &[("a.proto", &broken)]).warnings;
    assert_eq!(warnings.len(), 1);
    assert!(warnings[0].message.starts_with("the proto file cannot be read (line 4: "), "{warnings:?}");
    let relative = of_m("syntax = \"proto3\";\nimport './m.proto';", "message M {}");
    let warnings = archive("v1", &[("a.proto", &relative)]).warnings;
    assert!(warnings[0].message.contains("(line 2: an import's path has no `.`, `..`"), "{warnings:?}");
}

#[test]
fn files_that_import_each_other_are_read_once() {
    let first = "syntax = \"proto3\";\npackage p;\nimport \"b.proto\";\nservice S { rpc Greet (B) returns (B); }\nmessage A {}\n";
    let second = "syntax = \"proto3\";\npackage p;\nimport public \"a.proto\";\nimport public \"b.proto\";\nmessage B { A a = 1; B b = 2; }\n";
    let files = [("a.proto", first), ("b.proto", second)];
    assert!(changes(&files, &files).is_same());
}

#[test]
fn only_what_the_entrypoint_s_file_leads_to_is_kept_and_within_limits() {
    let (m, other) = ("syntax = \"proto3\";\npackage q;\nmessage M {}\n", "syntax = \"proto3\";\nmessage Other {}\n");
    let files = [("a.proto", IMPORTING), ("types/m.proto", m), ("other.proto", other)];
    let checked = archive("v1", &files);
    assert_eq!(checked.protos.texts.keys().collect::<Vec<_>>(), ["a.proto", "types/m.proto"]);

    // One that does not fit is known to be there.
    let limits = Limits { max_protos_bytes: IMPORTING.len() as u64 + 1, ..Limits::default() };
    let limited = archive_within("v2", &files, &limits);
    assert_eq!(limited.protos.texts.keys().collect::<Vec<_>>(), ["a.proto"]);
    let found = callers_of((&checked, &checked.protos), (&limited, &limited.protos));
    assert_eq!(found.breaking, [""; 0]);
    assert!(found.not_compared[0].contains("`types/m.proto` of `v2` was not kept: "), "{found:?}");

    let mut many = "syntax = \"proto3\";\n".to_owned();
    for at in 0..400 {
        writeln!(many, "import \"f{at}.proto\";").unwrap();
    }
    let names: Vec<String> = (0..400).map(|at| format!("f{at}.proto")).collect();
    let files: Vec<_> =
        [("a.proto", many.as_str())].into_iter().chain(names.iter().map(|name| (name.as_str(), ""))).collect();
    let checked = archive("v1", &files);
    assert_eq!((checked.protos.texts.len(), checked.protos.unread.len()), (300, 101));
    let large = format!("{IMPORTING}// {}", "x".repeat(1 << 20));
    let checked = archive("v1", &[("a.proto", &large)]);
    assert_eq!((checked.protos.texts.len(), checked.protos.unread.len()), (0, 1));
    assert!(checked.warnings[0].message.starts_with("the proto file cannot be read (it has more than 256 KiB)"));
}

#[test]
fn a_version_of_which_only_the_entrypoint_s_file_was_kept_is_compared_as_far_as_it_goes() {
    let m = "syntax = \"proto3\";\npackage q;\nmessage M {}\n";
    let (before, after) =
        (archive("v1", &[("a.proto", IMPORTING)]), archive("v2", &[("a.proto", IMPORTING), ("types/m.proto", m)]));
    let kept = Protos::without_imports("a.proto", IMPORTING);
    let found = callers_of((&before, &kept), (&after, &after.protos));
    assert_eq!(found.breaking, [""; 0]);
    assert_eq!(found.not_compared, ["`q.M`: `types/m.proto` was not kept when `v1` was added"]);
}

#[test]
fn a_file_of_long_names_is_refused_before_they_multiply() {
    let package = vec!["abcdefgh"; 100].join(".");
    let text = format!("syntax = \"proto3\";\npackage {package};\nmessage M {{}}\n");
    let found = changes(&[("a.proto", &text)], &[("a.proto", &text)]);
    assert!(found.not_compared[0].contains("more than 512 bytes"), "{found:?}");
}

#[test]
fn nothing_that_is_nested_without_end_ends_the_server() {
    for endless in
        ["message A {", "message A { optional group G = 1 {", "option (a) = { b {", "option (a) = { b <", "a [", "((("]
    {
        let text = endless.repeat(6_000);
        let found = changes(&[("a.proto", &text)], &[("a.proto", &text)]);
        assert!(found.not_compared[0].contains("cannot be read"), "{found:?}");
    }
}
