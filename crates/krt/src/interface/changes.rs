//! What changes for callers from one proto file to the next. Strict where protobuf leaves room: what one client can
//! take, as a field that is renamed, breaks another.

use std::collections::BTreeSet;

use domain::CallerChanges;

use super::{Interface, Member, Rpc, Side, Type};

/// Findings of one kind that are listed; there may be thousands, and nobody reads them.
const MAX_LISTED: usize = 50;

/// What of `before` no longer holds, what came, and what is not in the files.
pub fn changes(before: &Interface, after: &Interface) -> CallerChanges {
    let mut found = CallerChanges::default();
    for (name, rpc) in &before.rpcs {
        match after.rpcs.get(name) {
            None => found.breaking.push(removed(name, after)),
            Some(now) => found.breaking.extend(rpc_changes(name, rpc, now)),
        }
    }
    for name in after.rpcs.keys().filter(|name| !before.rpcs.contains_key(*name)) {
        found.added.push(format!("rpc `{name}` is new"));
    }
    let mut elsewhere = BTreeSet::new();
    for name in used(before) {
        match (before.types.get(&name), after.types.get(&name)) {
            (Some(was), Some(now)) => type_changes(&name, was, now, &mut found),
            // What no longer uses it has been told already.
            (Some(_), None) => {}
            (None, _) if name.starts_with("google.protobuf.") => {}
            (None, _) => {
                elsewhere.insert(name);
            }
        }
    }
    for name in elsewhere {
        found.not_compared.push(format!("`{name}` is defined in another file"));
    }
    for list in [&mut found.breaking, &mut found.added, &mut found.not_compared] {
        let more = list.len().saturating_sub(MAX_LISTED);
        list.truncate(MAX_LISTED);
        if more > 0 {
            list.push(format!("and {more} more"));
        }
    }
    found
}

/// An rpc that moved to another service or package is found by its own name.
fn removed(name: &str, after: &Interface) -> String {
    let own = |name: &str| name.rsplit('/').next().unwrap_or_default().to_owned();
    match after.rpcs.keys().find(|other| own(other) == own(name)) {
        Some(moved) => format!("rpc `{name}` is called `{moved}` now"),
        None => format!("rpc `{name}` is gone"),
    }
}

fn rpc_changes(name: &str, was: &Rpc, now: &Rpc) -> Vec<String> {
    let side = |verb: &str, was: &Side, now: &Side| {
        let words =
            |side: &Side| if side.stream { format!("a stream of `{}`", side.of) } else { format!("`{}`", side.of) };
        (was != now).then(|| format!("rpc `{name}` {verb} {} instead of {}", words(now), words(was)))
    };
    [side("takes", &was.request, &now.request), side("answers", &was.response, &now.response)]
        .into_iter()
        .flatten()
        .collect()
}

fn type_changes(name: &str, was: &Type, now: &Type, found: &mut CallerChanges) {
    if was.is_enum != now.is_enum {
        let kind = |of: &Type| if of.is_enum { "an enum" } else { "a message" };
        found.breaking.push(format!("`{name}` is {} instead of {}", kind(now), kind(was)));
        return;
    }
    let what = if was.is_enum { "value" } else { "field" };
    for (number, member) in &was.members {
        let Member { name: field, of, .. } = member;
        let text = match now.members.get(number) {
            None => match now.members.iter().find(|(_, other)| other.name == *field) {
                Some((moved, _)) => format!("{what} `{field}` of `{name}` has number {moved} instead of {number}"),
                None => format!("{what} `{field}` ({number}) of `{name}` is gone"),
            },
            Some(other) if other.name != *field => {
                format!("number {number} of `{name}` is {what} `{}` instead of `{field}`", other.name)
            }
            Some(other) if other.of != *of => {
                format!("{what} `{field}` of `{name}` is `{}` instead of `{of}`", other.of)
            }
            Some(_) => continue,
        };
        found.breaking.push(text);
    }
    for (number, member) in now.members.iter().filter(|(number, _)| !was.members.contains_key(number)) {
        let moved = was.members.values().any(|other| other.name == member.name);
        match () {
            () if moved => {}
            () if member.of.starts_with("required ") => {
                found.breaking.push(format!("`{name}` requires the new {what} `{}`", member.name));
            }
            () => found.added.push(format!("{what} `{}` ({number}) of `{name}` is new", member.name)),
        }
    }
}

/// The types that rpcs use, and those that these use.
fn used(interface: &Interface) -> BTreeSet<String> {
    let sides = interface.rpcs.values().flat_map(|rpc| [&rpc.request.of, &rpc.response.of]);
    let mut left: Vec<_> = sides.cloned().collect();
    let mut used = BTreeSet::new();
    while let Some(name) = left.pop() {
        if let Some(of) = interface.types.get(&name) {
            left.extend(of.members.values().filter_map(|member| member.uses.clone()).filter(|n| !used.contains(n)));
        }
        used.insert(name);
    }
    used
}

#[cfg(test)]
mod tests {
    use super::{super::read, *};

    const BEFORE: &str = "
        package p;
        message In { string text = 1; Deep deep = 2; optional int32 n = 3; }
        message Deep { repeated string tags = 1; Kind kind = 2; }
        enum Kind { NONE = 0; ONE = 1; }
        message Out { bool ok = 1; }
        message Unused { string a = 1; }
        service S { rpc Call (In) returns (Out); rpc Other (In) returns (Out); }";

    fn after(changes_to: &[(&str, &str)]) -> CallerChanges {
        let text = changes_to.iter().fold(BEFORE.to_owned(), |text, (from, to)| {
            assert!(text.contains(from), "{from}");
            text.replace(from, to)
        });
        changes(&read(BEFORE), &read(&text))
    }

    #[test]
    fn what_breaks_callers_is_said_one_by_one() {
        for (from, to, said) in [
            ("rpc Other (In) returns (Out);", "", "rpc `p.S/Other` is gone"),
            ("service S", "service T", "rpc `p.S/Call` is called `p.T/Call` now"),
            ("package p;", "package q;", "rpc `p.S/Call` is called `q.S/Call` now"),
            ("Call (In) returns (Out)", "Call (Deep) returns (Out)", "rpc `p.S/Call` takes `p.Deep` instead of `p.In`"),
            (
                "Call (In) returns (Out)",
                "Call (In) returns (stream Out)",
                "rpc `p.S/Call` answers a stream of `p.Out` instead of `p.Out`",
            ),
            ("string text = 1;", "", "field `text` (1) of `p.In` is gone"),
            ("string text = 1;", "reserved 1;", "field `text` (1) of `p.In` is gone"),
            ("string text = 1;", "bytes text = 1;", "field `text` of `p.In` is `bytes` instead of `string`"),
            ("string text = 1;", "string body = 1;", "number 1 of `p.In` is field `body` instead of `text`"),
            ("string text = 1;", "string text = 4;", "field `text` of `p.In` has number 4 instead of 1"),
            (
                "repeated string tags",
                "string tags",
                "field `tags` of `p.Deep` is `string` instead of `repeated string`",
            ),
            ("ONE = 1;", "", "value `ONE` (1) of `p.Kind` is gone"),
            ("bool ok = 1;", "bool ok = 1; required bool sure = 2;", "`p.Out` requires the new field `sure`"),
        ] {
            let found = after(&[(from, to)]);
            assert!(found.breaking.iter().any(|text| text == said), "{said}: {found:?}");
        }
    }

    #[test]
    fn what_callers_need_not_know_breaks_nothing() {
        for (from, to) in [
            ("optional int32 n", "int32 n"),
            ("message Unused { string a = 1; }", ""),
            ("string text = 1;", "/* the text */ string text = 1 [deprecated = true];"),
        ] {
            assert!(after(&[(from, to)]).is_same(), "{to}");
        }
        let more = after(&[
            ("bool ok = 1;", "bool ok = 1; string why = 2;"),
            ("rpc Call", "rpc New (In) returns (Out); rpc Call"),
        ]);
        assert_eq!(more.added, ["rpc `p.S/New` is new", "field `why` (2) of `p.Out` is new"]);
        assert!(more.breaking.is_empty(), "{more:?}");
    }

    #[test]
    fn what_is_in_other_files_is_said_to_be_left_out() {
        let text = "import \"other.proto\"; service S { rpc Call (other.In) returns (google.protobuf.Empty); }";
        let found = changes(&read(text), &read(text));
        assert_eq!(found.not_compared, ["`other.In` is defined in another file"]);
        assert!(found.breaking.is_empty() && found.added.is_empty());
    }

    #[test]
    fn a_message_of_itself_and_a_list_without_end_are_bounded() {
        let own = "message A { A a = 1; } service S { rpc Call (A) returns (A); }";
        assert!(changes(&read(own), &read(own)).is_same());
        let rpcs: String = (0..200).map(|n| format!("rpc R{n} (A) returns (A);")).collect();
        let many = read(&format!("message A {{}} service S {{ {rpcs} }}"));
        let found = changes(&many, &Interface::default());
        assert_eq!(found.breaking.len(), MAX_LISTED + 1);
        assert_eq!(found.breaking.last().map(String::as_str), Some("and 150 more"));
    }
}
