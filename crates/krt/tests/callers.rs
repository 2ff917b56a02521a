//! What changes for callers from one archive to another, as protobuf's compilers read their proto files.

mod callers_support;
mod support;

use callers_support::{PROTO3, assert_breaks, changes, of_m};
use domain::CallerChanges;

const PROTO2: &str = "syntax = \"proto2\";";
const EDITION: &str = "edition = \"2023\";";

/// From one content of its file to another.
#[track_caller]
fn of_bodies(syntax: &str, before: &str, after: &str) -> CallerChanges {
    changes(&[("a.proto", &of_m(syntax, before))], &[("a.proto", &of_m(syntax, after))])
}

#[test]
fn options_do_not_hide_the_field_behind_them() {
    let message = |fields: &str| format!("message M {{ {fields} }}");
    let ruled = "string a = 1 [(validate.rules).string = {min_len: 1}]; string b = 2; string c = 3;";
    let found = of_bodies(PROTO3, &message(ruled), &message(&ruled.replace("string b = 2; ", "")));
    assert_breaks(&found, &["field `b` (2) of `p.M` is gone"]);
    // Also when the file that defines them is imported and not in the archive.
    let imports = format!("{PROTO3}\nimport \"validate/validate.proto\";");
    let found = of_bodies(&imports, &message(ruled), &message(&ruled.replace("string b = 2; ", "")));
    assert_breaks(&found, &["field `b` (2) of `p.M` is gone"]);
}

#[test]
fn an_option_that_comes_or_goes_changes_nothing() {
    let plain =
        "message M { string a = 1; map<string, int32> b = 2; E e = 3; repeated int32 f = 4; } enum E { NONE = 0; }";
    let optioned = "message M { option deprecated = true; option (x) = { y: [1, 2] z { w: '}' } };
        string a = 1 [deprecated = true, (v.rules).string = {pattern: \"^[{;]$\", in: ['a', \"]\"]}];
        map<string, int32> b = 2 [(v.rules).map.min_pairs = 1];
        E e = 3 [(v.rules).enum = {defined_only: true}]; repeated int32 f = 4 [packed = false]; }
        enum E { option (y) = -1; NONE = 0 [(z) = \"x\"]; }
        extend M { }";
    for (before, after) in [(plain, optioned), (optioned, plain)] {
        let found = of_bodies(PROTO3, before, after);
        assert!(found.is_same(), "{found:?}");
    }
}

#[test]
fn a_map_with_options_and_another_type_is_seen() {
    let found = of_bodies(
        PROTO3,
        "message M { map<string, int32> a = 1; }",
        "message M { map<string, int64> a = 1 [(validate.rules).map = {min_pairs: 1}]; }",
    );
    assert_breaks(&found, &["field `a` of `p.M` is `map<string, int64>` instead of `map<string, int32>`"]);
    let found = of_bodies(
        PROTO3,
        "message M { map<string, int32> a = 1 [deprecated = true]; map<string, M> b = 2; }",
        "message M { map<int32, int32> a = 1; repeated M b = 2; }",
    );
    assert_breaks(
        &found,
        &[
            "field `a` of `p.M` is `map<int32, int32>` instead of `map<string, int32>`",
            "field `b` of `p.M` is `repeated p.M` instead of `map<string, p.M>`",
        ],
    );
}

#[test]
fn a_name_of_an_enum_s_number_may_not_go() {
    let with = |values: &str| format!("message M {{ E e = 1; }} enum E {{ option allow_alias = true; {values} }}");
    let of = |before: &str, after: &str| of_bodies(PROTO3, &with(before), &with(after));
    let both = "NONE = 0; OLD = 1; NEW = 1;";
    assert_breaks(&of(both, "NONE = 0; NEW = 1;"), &["value `OLD` (1) of `p.E` is gone"]);
    assert_breaks(
        &of("NONE = 0; OLD = 1;", "NONE = 0; NEW = 1;"),
        &["number 1 of `p.E` is value `NEW` instead of `OLD`"],
    );
    assert_breaks(&of(both, "NONE = 0; NEW = 1; OLD = 2;"), &["value `OLD` of `p.E` has number 2 instead of 1"]);
    let found = of("NONE = 0; OLD = 1;", both);
    assert_breaks(&found, &[]);
    assert_eq!(found.added, ["value `NEW` (1) of `p.E` is new"]);
    // Their order means nothing.
    assert!(of(both, "NONE = 0; NEW = 1; OLD = 1;").is_same());
}

#[test]
fn a_field_that_moves_into_a_oneof_or_out_of_it_is_a_break() {
    let free = "message M { string a = 1; string b = 2; }";
    let first = "message M { oneof one { string a = 1; } string b = 2; }";
    let other = "message M { oneof other { string a = 1; } string b = 2; }";
    for (before, after, expected) in [
        (free, first, "field `a` of `p.M` is in oneof `one` now"),
        (first, free, "field `a` of `p.M` is no longer in oneof `one`"),
        (first, other, "field `a` of `p.M` is in oneof `other` instead of `one`"),
    ] {
        assert_breaks(&of_bodies(PROTO3, before, after), &[expected]);
    }
    // `optional` makes a oneof that nobody sees.
    assert!(of_bodies(PROTO3, free, "message M { optional string a = 1; string b = 2; }").is_same());
}

#[test]
fn an_extension_that_goes_or_becomes_another_is_a_break() {
    let with = |extensions: &str| format!("message M {{ optional string a = 1; extensions 100 to 199; {extensions} }}");
    let of = |before: &str, after: &str| of_bodies(PROTO2, &with(before), &with(after));
    let two = "extend M { optional string x = 100; optional M y = 101; }";
    assert_breaks(&of(two, "extend M { optional M y = 101; }"), &["extension `p.M.x` (100) of `p.M` is gone"]);
    assert_breaks(
        &of(two, &two.replace("string x", "int32 x")),
        &["extension `p.M.x` of `p.M` is `int32` instead of `string`"],
    );
    let found = of("", two);
    assert_breaks(&found, &[]);
    assert_eq!(found.added.len(), 2, "{found:?}");
    let range = |range: &str| format!("message M {{ extensions {range}; }}");
    assert!(of_bodies(PROTO2, &range("100 to 199"), &range("100 to 150, 151 to max")).is_same());
    assert_breaks(
        &of_bodies(PROTO2, &range("100 to 199"), &range("120 to 199")),
        &["`p.M` can no longer be extended by all numbers from 100 to 199"],
    );
    // By another file of the archive.
    let first = of_m("syntax = \"proto2\";\nimport \"x.proto\";", "").replace("(M)", "(q.M)");
    let second =
        "syntax = \"proto2\";\npackage q;\nmessage M { extensions 5 to 9; }\nextend M { optional string x = 5; }\n";
    let without = second.replace("extend M { optional string x = 5; }", "");
    let found = changes(&[("a.proto", &first), ("x.proto", second)], &[("a.proto", &first), ("x.proto", &without)]);
    assert_breaks(&found, &["extension `q.x` (5) of `q.M` is gone"]);
}

#[test]
fn what_is_required_is_told_in_every_syntax() {
    let new = |label: &str, option: &str| {
        format!("message M {{ {label} string a = 1; {label} string b = 2 {option}; }}")
            .replace("required string a", "optional string a")
    };
    let requires = ["`p.M` requires the new field `b`"];
    assert_breaks(&of_bodies(PROTO2, "message M { optional string a = 1; }", &new("required", "")), &requires);
    let legacy = "[features.field_presence = LEGACY_REQUIRED]";
    assert_breaks(&of_bodies(EDITION, "message M { string a = 1; }", &new("", legacy)), &requires);
    let aggregate = "[features = { field_presence: LEGACY_REQUIRED }]";
    assert_breaks(&of_bodies(EDITION, "message M { string a = 1; }", &new("", aggregate)), &requires);
    // The same in another writing.
    let (was, now) = (
        of_m(PROTO2, "message M { required string a = 1; }"),
        of_m(EDITION, &format!("message M {{ string a = 1 {legacy}; }}")),
    );
    let found = changes(&[("a.proto", &was)], &[("a.proto", &now)]);
    assert!(found.is_same(), "{found:?}");
    let found = of_bodies(EDITION, "message M { string a = 1; }", &format!("message M {{ string a = 1 {legacy}; }}"));
    assert_breaks(&found, &["field `a` of `p.M` is `required string` instead of `string`"]);
    let presence = "message M { string a = 1 [features.field_presence = IMPLICIT]; reserved b; }";
    assert!(of_bodies(EDITION, "message M { string a = 1; }", presence).is_same());
}

#[test]
fn numbers_are_those_that_protobuf_reads() {
    let same = of_bodies(
        PROTO3,
        "message M { string a = 010; string b = 0x1F; E e = 3; } enum E { NONE = 0; LESS = -0x10; MORE = 017; }",
        "message M { string a = 8; string b = 31; E e = 03; } enum E { NONE = 0; LESS = -16; MORE = 15; }",
    );
    assert!(same.is_same(), "{same:?}");
    let found = of_bodies(PROTO3, "message M { string a = 010; }", "message M { string a = 10; }");
    assert_breaks(&found, &["field `a` of `p.M` has number 10 instead of 8"]);
}

#[test]
fn groups_are_fields_and_messages() {
    let with = |fields: &str| format!("message M {{ optional group G = 1 {{ {fields} }} optional string z = 9; }}");
    let found =
        of_bodies(PROTO2, &with("optional string a = 2; optional string b = 3;"), &with("optional string a = 2;"));
    assert_breaks(&found, &["field `b` (3) of `p.M.G` is gone"]);
    let message = "message M { message G { optional string a = 2; } optional G g = 1; optional string z = 9; }";
    let found = of_bodies(PROTO2, &with("optional string a = 2;"), message);
    assert_breaks(&found, &["field `g` of `p.M` is `p.M.G` instead of `group p.M.G`"]);
    // What an edition calls them.
    let (was, now) = (
        of_m(PROTO2, &with("optional string a = 2;")),
        of_m(
            EDITION,
            "message M { message G { string a = 2; } G g = 1 [features.message_encoding = DELIMITED]; string z = 9; }",
        ),
    );
    let found = changes(&[("a.proto", &was)], &[("a.proto", &now)]);
    assert!(found.is_same(), "{found:?}");
}

#[test]
fn a_name_in_json_is_a_name() {
    let with = |option: &str| format!("message M {{ string a_b = 1 {option}; }}");
    assert!(of_bodies(PROTO3, &with(""), &with("[json_name = \"aB\"]")).is_same());
    assert_breaks(
        &of_bodies(PROTO3, &with(""), &with("[json_name = \"other\"]")),
        &["field `a_b` of `p.M` is `other` in JSON instead of `aB`"],
    );
}

#[test]
fn a_name_means_what_is_nearest_to_it() {
    let body =
        |of: &str| format!("message M {{ message N {{ string a = 1; }} {of} n = 1; }} message N {{ string b = 1; }}");
    assert!(of_bodies(PROTO3, &body("N"), &body("p.M.N")).is_same());
    assert!(of_bodies(PROTO3, &body("N"), &body(".p.M.N")).is_same());
    assert_breaks(&of_bodies(PROTO3, &body("N"), &body("p.N")), &["field `n` of `p.M` is `p.N` instead of `p.M.N`"]);
}

#[test]
fn what_breaks_callers_is_said_one_by_one() {
    const BEFORE: &str = "syntax = \"proto3\";
        package p;
        message In { string text = 1; Deep deep = 2; optional int32 n = 3; }
        message Deep { repeated string tags = 1; Kind kind = 2; }
        enum Kind { NONE = 0; ONE = 1; }
        message Out { bool ok = 1; }
        message Unused { string a = 1; }
        service S { rpc Greet (In) returns (Out); rpc Other (In) returns (Out); }";
    let after = |from: &str, to: &str| {
        assert!(BEFORE.contains(from), "{from}");
        changes(&[("a.proto", BEFORE)], &[("a.proto", &BEFORE.replace(from, to))])
    };
    for (from, to, said) in [
        ("rpc Other (In) returns (Out);", "", "rpc `p.S/Other` is gone"),
        ("service S", "service T", "rpc `p.S/Greet` is called `p.T/Greet` now"),
        ("package p;", "package q;", "rpc `p.S/Greet` is called `q.S/Greet` now"),
        ("Greet (In) returns (Out)", "Greet (Deep) returns (Out)", "rpc `p.S/Greet` takes `p.Deep` instead of `p.In`"),
        ("string text = 1;", "", "field `text` (1) of `p.In` is gone"),
        ("string text = 1;", "reserved 1;", "field `text` (1) of `p.In` is gone"),
        ("string text = 1;", "bytes text = 1;", "field `text` of `p.In` is `bytes` instead of `string`"),
        ("string text = 1;", "string body = 1;", "number 1 of `p.In` is field `body` instead of `text`"),
        ("string text = 1;", "string text = 4;", "field `text` of `p.In` has number 4 instead of 1"),
        ("repeated string tags", "string tags", "field `tags` of `p.Deep` is `string` instead of `repeated string`"),
        ("ONE = 1;", "", "value `ONE` (1) of `p.Kind` is gone"),
        ("enum Kind { NONE = 0; ONE = 1; }", "message Kind {}", "`p.Kind` is a message instead of an enum"),
    ] {
        let found = after(from, to);
        assert!(found.breaking.iter().any(|text| text == said), "{said}: {found:?}");
    }
    for (from, to) in [
        ("optional int32 n", "int32 n"),
        ("message Unused { string a = 1; }", ""),
        ("string text = 1;", "/* the text */ string text = 1 [deprecated = true];"),
    ] {
        assert!(after(from, to).is_same(), "{to}");
    }
    let more = after("bool ok = 1;", "bool ok = 1; string why = 2;");
    assert_breaks(&more, &[]);
    assert_eq!(more.added, ["field `why` (2) of `p.Out` is new"]);
}

#[test]
fn a_list_without_end_is_cut() {
    let rpcs: String = (0..200).fold(String::new(), |rpcs, n| format!("{rpcs}rpc R{n} (A) returns (A);"));
    let many = format!("{PROTO3} message A {{}} service S {{ rpc Greet (A) returns (A); {rpcs} }}");
    let few = format!("{PROTO3} message A {{}} service S {{ rpc Greet (A) returns (A); }}");
    let found = changes(&[("a.proto", &many)], &[("a.proto", &few)]);
    assert_eq!(found.breaking.len(), 51);
    assert_eq!(found.breaking.last().map(String::as_str), Some("and 150 more"));
}
