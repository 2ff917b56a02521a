//! What changes for callers from one interface to the next. Strict where protobuf leaves room: what one client can
//! take, as a field that is renamed, breaks another.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use domain::CallerChanges;

use super::{Field, FieldType, Interface, Label, Message, Missing, Payload, Rpc, Type, TypeRef};

/// Findings of one kind that are listed; there may be thousands, and nobody reads them.
const MAX_LISTED: usize = 50;
/// Files that are listed as those that may define a type.
const MAX_FILES_LISTED: usize = 3;

/// What of `before` no longer holds, what came, and what could not be compared. Each comes with its version's name.
pub(crate) fn changes(before: (&str, &Interface), after: (&str, &Interface)) -> CallerChanges {
    let mut comparison =
        Comparison { names: [before.0, after.0], found: CallerChanges::default(), unknown: BTreeMap::new() };
    let (before, after) = (before.1, after.1);
    comparison.rpcs(before, after);
    for name in used(before) {
        match (before.types.get(name), after.types.get(name)) {
            (Some(Type::Message(was)), Some(Type::Message(now))) => comparison.message(name, was, now),
            (Some(Type::Enum(was)), Some(Type::Enum(now))) => comparison.enumeration(name, was, now),
            (Some(Type::Message(_)), Some(Type::Enum(_))) => {
                comparison.breaks(format!("`{name}` is an enum instead of a message"));
            }
            (Some(Type::Enum(_)), Some(Type::Message(_))) => {
                comparison.breaks(format!("`{name}` is a message instead of an enum"));
            }
            // What no longer uses it has been told already, and what comes with every compiler does not change.
            (_, None) | (None, _) => {}
        }
    }
    comparison.finish()
}

struct Comparison<'n> {
    /// Of the two versions.
    names: [&'n str; 2],
    found: CallerChanges,
    /// Types that could not be found, as written, with why; and in which of the two versions.
    unknown: BTreeMap<(String, Vec<Missing>), [bool; 2]>,
}

impl Comparison<'_> {
    fn breaks(&mut self, text: String) {
        self.found.breaking.push(text);
    }

    fn rpcs(&mut self, before: &Interface, after: &Interface) {
        for (name, rpc) in &before.rpcs {
            match after.rpcs.get(name) {
                Some(now) => self.rpc(name, rpc, now),
                None if after.unseen_services.is_empty() => self.breaks(removed(name, after)),
                // It may be in the file that could not be looked into.
                None => {}
            }
        }
        if before.unseen_services.is_empty() {
            for name in after.rpcs.keys().filter(|name| !before.rpcs.contains_key(*name)) {
                self.found.added.push(format!("rpc `{name}` is new"));
            }
        }
        for (interface, version) in [before, after].into_iter().zip(self.names) {
            let of = format!("`{version}`");
            let unseen = interface.unseen_services.iter();
            self.found
                .not_compared
                .extend(unseen.map(|file| format!("more rpcs may be behind a public import: {}", file.sentence(&of))));
        }
    }

    fn rpc(&mut self, name: &str, was: &Rpc, now: &Rpc) {
        for (verb, was, now) in [("takes", &was.request, &now.request), ("answers", &was.response, &now.response)] {
            let is_other = self.is_other_type(&was.of, &now.of);
            if is_other || was.is_stream != now.is_stream {
                self.breaks(format!(
                    "rpc `{name}` {verb} {} instead of {}",
                    payload_in_words(now),
                    payload_in_words(was)
                ));
            }
        }
    }

    fn message(&mut self, name: &str, was: &Message, now: &Message) {
        self.fields("field", name, &was.fields, &now.fields);
        self.fields("extension", name, &was.extensions, &now.extensions);
        for range in &was.extension_ranges {
            if !is_covered(range.start, range.end, now) {
                let (first, last) = (range.start, i64::from(range.end) - 1);
                self.breaks(format!("`{name}` can no longer be extended by all numbers from {first} to {last}"));
            }
        }
    }

    fn fields(&mut self, what: &str, of: &str, was: &BTreeMap<i32, Field>, now: &BTreeMap<i32, Field>) {
        let names_before: HashSet<&str> = was.values().map(|field| field.name.as_str()).collect();
        let numbers: HashMap<&str, i32> = now.iter().map(|(number, field)| (field.name.as_str(), *number)).collect();
        for (number, field) in was {
            let Field { name, .. } = field;
            match (now.get(number), numbers.get(name.as_str())) {
                (Some(other), _) if other.name == *name => self.field(what, of, field, other),
                (Some(other), _) => {
                    self.breaks(format!("number {number} of `{of}` is {what} `{}` instead of `{name}`", other.name));
                }
                (None, Some(moved)) => {
                    self.breaks(format!("{what} `{name}` of `{of}` has number {moved} instead of {number}"));
                }
                (None, None) => self.breaks(format!("{what} `{name}` ({number}) of `{of}` is gone")),
            }
        }
        for (number, field) in now.iter().filter(|(number, _)| !was.contains_key(number)) {
            match field.label {
                _ if names_before.contains(field.name.as_str()) => {}
                Label::Required => self.breaks(format!("`{of}` requires the new {what} `{}`", field.name)),
                _ => self.found.added.push(format!("{what} `{}` ({number}) of `{of}` is new", field.name)),
            }
        }
    }

    fn field(&mut self, what: &str, of: &str, was: &Field, now: &Field) {
        let name = &was.name;
        if was.label != now.label || self.is_other_field_type(&was.of, &now.of) {
            self.breaks(format!(
                "{what} `{name}` of `{of}` is `{}` instead of `{}`",
                type_in_words(now),
                type_in_words(was)
            ));
        }
        match (&was.oneof, &now.oneof) {
            (Some(from), Some(to)) if from != to => {
                self.breaks(format!("{what} `{name}` of `{of}` is in oneof `{to}` instead of `{from}`"));
            }
            (None, Some(to)) => self.breaks(format!("{what} `{name}` of `{of}` is in oneof `{to}` now")),
            (Some(from), None) => self.breaks(format!("{what} `{name}` of `{of}` is no longer in oneof `{from}`")),
            _ => {}
        }
        if was.json_name != now.json_name {
            let (json, before) = (&now.json_name, &was.json_name);
            self.breaks(format!("{what} `{name}` of `{of}` is `{json}` in JSON instead of `{before}`"));
        }
    }

    fn is_other_field_type(&mut self, was: &FieldType, now: &FieldType) -> bool {
        match (was, now) {
            (FieldType::Plain(was), FieldType::Plain(now)) | (FieldType::Group(was), FieldType::Group(now)) => {
                self.is_other_type(was, now)
            }
            (FieldType::Map(key, was), FieldType::Map(other_key, now)) => {
                self.is_other_type(was, now) || key != other_key
            }
            _ => true,
        }
    }

    /// Notes what cannot be told; that is no finding.
    fn is_other_type(&mut self, was: &TypeRef, now: &TypeRef) -> bool {
        // No name of a message or enum is that of a scalar type, wherever it is defined.
        let is_told = matches!((was, now), (TypeRef::Scalar(_), _) | (_, TypeRef::Scalar(_)));
        if is_told {
            return was != now;
        }
        let mut is_known = true;
        for (version, of) in [was, now].into_iter().enumerate() {
            if let TypeRef::Unknown { written, missing } = of {
                self.unknown.entry((written.clone(), missing.clone())).or_default()[version] = true;
                is_known = false;
            }
        }
        is_known && was != now
    }

    fn enumeration(&mut self, name: &str, was: &BTreeMap<String, i32>, now: &BTreeMap<String, i32>) {
        let new = now.iter().filter(|(value, _)| !was.contains_key(*value));
        let new_names: HashMap<i32, &str> = new.map(|(value, number)| (*number, value.as_str())).collect();
        let mut renamed = HashSet::new();
        for (value, number) in was {
            match (now.get(value), new_names.get(number)) {
                (Some(same), _) if same == number => {}
                (Some(moved), _) => {
                    self.breaks(format!("value `{value}` of `{name}` has number {moved} instead of {number}"));
                }
                (None, Some(other)) => {
                    renamed.insert(*number);
                    self.breaks(format!("number {number} of `{name}` is value `{other}` instead of `{value}`"));
                }
                (None, None) => self.breaks(format!("value `{value}` ({number}) of `{name}` is gone")),
            }
        }
        for (value, number) in now.iter().filter(|(value, _)| !was.contains_key(*value)) {
            if !renamed.contains(number) {
                self.found.added.push(format!("value `{value}` ({number}) of `{name}` is new"));
            }
        }
    }

    fn finish(mut self) -> CallerChanges {
        for ((written, missing), versions) in &self.unknown {
            let of = match versions {
                [true, true] => "either version".to_owned(),
                [is_before, _] => format!("`{}`", self.names[usize::from(!is_before)]),
            };
            let mut why: Vec<_> = missing.iter().take(MAX_FILES_LISTED).map(|file| file.sentence(&of)).collect();
            match missing.len().saturating_sub(MAX_FILES_LISTED) {
                _ if missing.is_empty() => why.push(format!("no file that is imported by {of} defines it")),
                0 => {}
                more => why.push(format!("and {more} more")),
            }
            self.found.not_compared.push(format!("`{written}`: {}", why.join("; ")));
        }
        for list in [&mut self.found.breaking, &mut self.found.added, &mut self.found.not_compared] {
            let more = list.len().saturating_sub(MAX_LISTED);
            list.truncate(MAX_LISTED);
            if more > 0 {
                list.push(format!("and {more} more"));
            }
        }
        self.found
    }
}

/// An rpc that moved to another service or package is found by its own name.
fn removed(name: &str, after: &Interface) -> String {
    let own = |name: &str| name.rsplit('/').next().unwrap_or_default().to_owned();
    match after.rpcs.keys().find(|other| own(other) == own(name)) {
        Some(moved) => format!("rpc `{name}` is called `{moved}` now"),
        None => format!("rpc `{name}` is gone"),
    }
}

/// Whether a message may still be extended by all of these numbers.
fn is_covered(start: i32, end: i32, now: &Message) -> bool {
    let mut ranges: Vec<_> = now.extension_ranges.iter().collect();
    ranges.sort_by_key(|range| range.start);
    let reached = ranges
        .iter()
        .fold(start, |reached, range| if range.start <= reached { reached.max(range.end) } else { reached });
    reached >= end
}

fn payload_in_words(payload: &Payload) -> String {
    let of = payload.of.name();
    if payload.is_stream { format!("a stream of `{of}`") } else { format!("`{of}`") }
}

fn type_in_words(field: &Field) -> String {
    let of = match &field.of {
        FieldType::Map(key, value) => return format!("map<{key}, {}>", value.name()),
        FieldType::Plain(of) => of.name().to_owned(),
        FieldType::Group(of) => format!("group {}", of.name()),
    };
    match field.label {
        Label::Single => of,
        Label::Repeated => format!("repeated {of}"),
        Label::Required => format!("required {of}"),
    }
}

impl TypeRef {
    fn name(&self) -> &str {
        match self {
            Self::Scalar(name) => name,
            Self::Named(name) | Self::Unknown { written: name, .. } => name,
        }
    }
}

/// The types that rpcs use, and those that these use.
fn used(interface: &Interface) -> BTreeSet<&str> {
    fn named(of: &TypeRef) -> Option<&str> {
        match of {
            TypeRef::Named(name) => Some(name),
            TypeRef::Scalar(_) | TypeRef::Unknown { .. } => None,
        }
    }
    let payloads = interface.rpcs.values().flat_map(|rpc| [&rpc.request.of, &rpc.response.of]);
    let mut left: Vec<&str> = payloads.filter_map(named).collect();
    let mut used = BTreeSet::new();
    while let Some(name) = left.pop() {
        if used.insert(name)
            && let Some(Type::Message(message)) = interface.types.get(name)
        {
            let fields = message.fields.values().chain(message.extensions.values());
            left.extend(fields.filter_map(|field| match &field.of {
                FieldType::Plain(of) | FieldType::Group(of) | FieldType::Map(_, of) => named(of),
            }));
        }
    }
    used
}
