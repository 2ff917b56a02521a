//! Sets of field paths, as `metadata.managedFields` writes them (the `FieldsV1` format).

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::schema::{self, ListKind, Path};

/// A set of paths as a tree. Steps are `f:field`, `k:{"key":…}` for elements of keyed lists, `v:value` for those of sets.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Fields {
    /// The path that ends here is in the set.
    member: bool,
    below: BTreeMap<String, Fields>,
}

/// What a write did.
#[derive(Debug, Default)]
pub(crate) struct Difference {
    /// Leaves that are new or have another value.
    pub(crate) changed: Fields,
    pub(crate) removed: Fields,
}

impl Fields {
    fn leaf() -> Self {
        Self { member: true, below: BTreeMap::new() }
    }

    /// All fields of a value: its leaves, and the elements of its keyed lists.
    pub(crate) fn of(value: &Value, path: &Path) -> Self {
        match value {
            Value::Object(map) if !map.is_empty() && !path.is_atomic() => {
                let below = map.iter().map(|(k, v)| (format!("f:{k}"), Self::of(v, &path.field(k)))).collect();
                Self { member: false, below }
            }
            Value::Array(items) if !items.is_empty() => match path.list() {
                ListKind::Atomic => Self::leaf(),
                ListKind::Set => {
                    Self { member: false, below: items.iter().map(|v| (format!("v:{v}"), Self::leaf())).collect() }
                }
                ListKind::Keyed(keys) => {
                    let of_item = |item: &Value| {
                        let mut fields = Self::of(item, path);
                        fields.member = true;
                        (step(item, keys), fields)
                    };
                    Self { member: false, below: items.iter().map(of_item).collect() }
                }
            },
            _ => Self::leaf(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        !self.member && self.below.values().all(Self::is_empty)
    }

    pub(crate) fn child(&self, step: &str) -> Option<&Fields> {
        self.below.get(step)
    }

    pub(crate) fn steps(&self) -> impl Iterator<Item = (&str, &Fields)> {
        self.below.iter().map(|(step, fields)| (step.as_str(), fields))
    }

    pub(crate) fn is_member(&self) -> bool {
        self.member
    }

    pub(crate) fn union(mut self, other: &Fields) -> Self {
        self.member |= other.member;
        for (step, fields) in &other.below {
            let mine = self.below.remove(step).unwrap_or_default();
            self.below.insert(step.clone(), mine.union(fields));
        }
        self
    }

    pub(crate) fn intersection(&self, other: &Fields) -> Self {
        let both = |(step, mine): (&String, &Fields)| {
            let common = mine.intersection(other.below.get(step)?);
            (!common.is_empty()).then(|| (step.clone(), common))
        };
        Self { member: self.member && other.member, below: self.below.iter().filter_map(both).collect() }
    }

    pub(crate) fn without(&self, other: &Fields) -> Self {
        let rest = |(step, mine): (&String, &Fields)| {
            let rest = other.below.get(step).map_or_else(|| mine.clone(), |theirs| mine.without(theirs));
            (!rest.is_empty()).then(|| (step.clone(), rest))
        };
        Self { member: self.member && !other.member, below: self.below.iter().filter_map(rest).collect() }
    }

    pub(crate) fn to_json(&self) -> Value {
        let mut map = Map::new();
        if self.member && !self.below.is_empty() {
            map.insert(".".into(), Value::Object(Map::new()));
        }
        map.extend(self.below.iter().map(|(step, fields)| (step.clone(), fields.to_json())));
        Value::Object(map)
    }

    pub(crate) fn from_json(value: &Value) -> Self {
        let Some(map) = value.as_object() else { return Self::default() };
        let below: BTreeMap<_, _> =
            map.iter().filter(|(s, _)| *s != ".").map(|(s, v)| (s.clone(), Self::from_json(v))).collect();
        Self { member: below.is_empty() || map.contains_key("."), below }
    }

    /// The members as people read them: `.spec.template.spec.containers[name="a"].image`.
    pub(crate) fn paths(&self) -> Vec<String> {
        let mut found = Vec::new();
        self.collect_paths("", &mut found);
        found
    }

    fn collect_paths(&self, at: &str, found: &mut Vec<String>) {
        if self.member {
            found.push(at.to_owned());
        }
        for (step, fields) in &self.below {
            let part = match step.split_once(':') {
                Some(("f", field)) => format!(".{field}"),
                Some(("k", keys)) => {
                    let keys: Map<String, Value> = serde_json::from_str(keys).unwrap_or_default();
                    format!("[{}]", keys.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join(","))
                }
                Some((_, value)) => format!("[={value}]"),
                None => String::new(),
            };
            fields.collect_paths(&format!("{at}{part}"), found);
        }
    }
}

/// The step to an element of a keyed list; the keys are sorted, as Kubernetes writes them.
pub(crate) fn step(item: &Value, keys: &[&str]) -> String {
    let mut keys = keys.to_vec();
    keys.sort_unstable();
    let parts: Vec<_> =
        keys.iter().map(|key| format!("{}:{}", Value::from(*key), schema::key_field(item, key))).collect();
    format!("k:{{{}}}", parts.join(","))
}

/// Compares two states of an object.
pub(crate) fn difference(old: &Value, new: &Value, path: &Path) -> Difference {
    let mut difference = Difference::default();
    compare(Some(old), Some(new), path, &mut difference.changed, &mut difference.removed);
    difference
}

fn compare(old: Option<&Value>, new: Option<&Value>, path: &Path, changed: &mut Fields, removed: &mut Fields) {
    match (old, new) {
        (None, None) => {}
        (Some(old), None) => *removed = Fields::of(old, path),
        (None, Some(new)) => *changed = Fields::of(new, path),
        (Some(old), Some(new)) if old == new => {}
        (Some(Value::Object(old)), Some(Value::Object(new))) if !path.is_atomic() => {
            for key in old.keys().chain(new.keys().filter(|k| !old.contains_key(*k))) {
                let (mut c, mut r) = (Fields::default(), Fields::default());
                compare(old.get(key), new.get(key), &path.field(key), &mut c, &mut r);
                keep(changed, format!("f:{key}"), c);
                keep(removed, format!("f:{key}"), r);
            }
        }
        (Some(Value::Array(old)), Some(Value::Array(new))) => match path.list() {
            ListKind::Atomic => *changed = Fields::leaf(),
            ListKind::Set => {
                for item in new.iter().filter(|item| !old.contains(item)) {
                    keep(changed, format!("v:{item}"), Fields::leaf());
                }
                for item in old.iter().filter(|item| !new.contains(item)) {
                    keep(removed, format!("v:{item}"), Fields::leaf());
                }
            }
            ListKind::Keyed(keys) => {
                let in_list = |list: &[Value], item: &Value| list.iter().any(|i| schema::same_element(i, item, keys));
                let all = new.iter().chain(old.iter().filter(|item| !in_list(new, item)));
                for item in all {
                    let find = |list: &'_ [Value]| list.iter().position(|i| schema::same_element(i, item, keys));
                    let (was, is) = (find(old).map(|at| &old[at]), find(new).map(|at| &new[at]));
                    let (mut c, mut r) = (Fields::default(), Fields::default());
                    compare(was, is, path, &mut c, &mut r);
                    c.member |= was.is_none();
                    r.member |= is.is_none();
                    keep(changed, step(item, keys), c);
                    keep(removed, step(item, keys), r);
                }
            }
        },
        (Some(_), Some(_)) => *changed = Fields::leaf(),
    }
}

fn keep(into: &mut Fields, step: String, fields: Fields) {
    if !fields.is_empty() {
        into.below.insert(step, fields);
    }
}
