//! Typed access to YAML values. It knows where each value is and reports one of another type.

use std::str::FromStr;

use domain::NameError;

use super::{placeholder::placeholder, report::Report};
use crate::{
    limits::MAX_REPLICAS,
    problems::shown,
    yaml::{Field, Node, Position, Scalar, ScalarKind, Value, plain_kind},
};

/// A value, its path, and the position at which problems with it are reported.
#[derive(Clone)]
pub(super) struct Item<'n> {
    pub(super) path: String,
    pub(super) at: Position,
    node: &'n Node,
}

/// The fields of a mapping.
pub(super) struct Fields<'n> {
    path: String,
    pub(super) at: Position,
    fields: &'n [Field],
}

impl<'n> Item<'n> {
    pub(super) fn root(node: &'n Node) -> Self {
        Self { path: String::new(), at: node.at, node }
    }

    fn of_field(path: &str, field: &'n Field) -> Self {
        let item = Self { path: join(path, &field.key), at: field.value.at, node: &field.value };
        // An absent value has no position that a person can see; its field's name has.
        if item.is_null() {
            return Self { at: field.key_at, ..item };
        }
        item
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(&self.node.value, Value::Scalar(Scalar { kind: ScalarKind::Null, .. }))
    }

    /// The fields of a mapping; `what` says in a few words what it should be.
    pub(super) fn fields(&self, what: &str, report: &mut Report<'_>) -> Option<Fields<'n>> {
        self.peek_fields().or_else(|| self.wrong(what, report))
    }

    /// The elements of a list; an empty list is one.
    pub(super) fn list(&self, what: &str, report: &mut Report<'_>) -> Option<Vec<Item<'n>>> {
        match &self.node.value {
            Value::List(_) => Some(self.elements()),
            _ => self.wrong(what, report),
        }
    }

    /// Reports a placeholder in a text, or quotes that YAML does not know. Answers whether it did.
    pub(super) fn has_placeholder(&self, text: &str, report: &mut Report<'_>) -> bool {
        if text.starts_with(['\u{201c}', '\u{201d}', '\u{201e}', '\u{2018}', '\u{2019}', '\u{ab}']) {
            let message = format!(
                "{} is `{}`; typographic quotes are part of the text: write it without quotes, or with `\"`",
                self.name_shown(),
                shown(text)
            );
            report.error(self.at, &self.path, message);
            return true;
        }
        let found = placeholder(text);
        if let Some(found) = found {
            let message = format!(
                "{} contains the placeholder `{}`; replace it with the value, because nothing fills it in later",
                self.name_shown(),
                shown(found)
            );
            report.error(self.at, &self.path, message);
        }
        found.is_some()
    }

    /// A text that is not empty.
    pub(super) fn text(&self, report: &mut Report<'_>) -> Option<&'n str> {
        match &self.node.value {
            Value::Scalar(Scalar { text, kind: ScalarKind::Text }) if text.trim().is_empty() => {
                report.error(self.at, &self.path, format!("{} is empty; write a text", self.name_shown()));
                None
            }
            Value::Scalar(Scalar { text, kind: ScalarKind::Text }) if text.contains('\0') => {
                let message = format!("{} has a NUL character (`\\0`); remove it", self.name_shown());
                report.error(self.at, &self.path, message);
                None
            }
            Value::Scalar(Scalar { text, kind: ScalarKind::Text }) => Some(text),
            Value::Scalar(Scalar { text, kind }) if *kind != ScalarKind::Null => {
                let hint = format!("text (in quotes: `\"{}\"`)", shown(text));
                self.wrong(&hint, report)
            }
            _ => self.wrong("text", report),
        }
    }

    /// A resource name (docs/krt.md §2.2).
    pub(super) fn name<T: FromStr<Err = NameError>>(&self, example: &str, report: &mut Report<'_>) -> Option<T> {
        match &self.node.value {
            Value::Scalar(Scalar { text, kind: ScalarKind::Text }) => match text.parse() {
                Ok(name) => Some(name),
                Err(_) if self.has_placeholder(text, report) => None,
                Err(error) => {
                    report.error(self.at, &self.path, error.to_string());
                    None
                }
            },
            // Quotes alone do not help: no name begins like a number.
            _ => self.wrong(&format!("text, a name such as `{example}`"), report),
        }
    }

    /// The elements, if it is a list, without a report.
    pub(super) fn elements(&self) -> Vec<Item<'n>> {
        match &self.node.value {
            Value::List(items) => items
                .iter()
                .enumerate()
                .map(|(at, node)| Item { path: element(&self.path, at), at: node.at, node })
                .collect(),
            _ => Vec::new(),
        }
    }

    /// The fields, if it is a mapping, without a report.
    pub(super) fn peek_fields(&self) -> Option<Fields<'n>> {
        match &self.node.value {
            Value::Map(fields) => Some(Fields { path: self.path.clone(), at: self.at, fields }),
            _ => None,
        }
    }

    /// One of its fields, if it is a mapping that has it, without a report.
    pub(super) fn peek(&self, name: &str) -> Option<Item<'n>> {
        self.peek_fields()?.get(name)
    }

    /// The text of a scalar of any type, without a report.
    pub(super) fn raw(&self) -> Option<&'n str> {
        match &self.node.value {
            // The parser gives a text for an absent value, which nobody wrote.
            Value::Scalar(Scalar { kind: ScalarKind::Null, .. }) => None,
            Value::Scalar(scalar) => Some(&scalar.text),
            _ => None,
        }
    }

    pub(super) fn boolean(&self, report: &mut Report<'_>) -> Option<bool> {
        match &self.node.value {
            Value::Scalar(Scalar { kind: ScalarKind::Bool(value), .. }) => Some(*value),
            Value::Scalar(Scalar { text, kind: ScalarKind::Text })
                if matches!(plain_kind(text), ScalarKind::Bool(_)) =>
            {
                self.wrong_quotes(text, "`true` or `false`", report)
            }
            Value::Scalar(Scalar { text, kind: ScalarKind::Text }) if self.has_placeholder(text, report) => None,
            Value::Scalar(Scalar { text, kind: ScalarKind::Text }) => {
                // The booleans of YAML 1.1, which other programs still read.
                let meant = match text.to_ascii_lowercase().as_str() {
                    "yes" | "on" | "y" => "; write `true`",
                    "no" | "off" | "n" => "; write `false`",
                    _ => "",
                };
                self.wrong(&format!("`true` or `false`{meant}"), report)
            }
            _ => self.wrong("`true` or `false`", report),
        }
    }

    /// A number of replicas.
    pub(super) fn count(&self, report: &mut Report<'_>) -> Option<u32> {
        let wanted = "a whole number of at least 1";
        match &self.node.value {
            Value::Scalar(Scalar { text, kind: ScalarKind::Text })
                if matches!(plain_kind(text), ScalarKind::Integer(_)) =>
            {
                self.wrong_quotes(text, wanted, report)
            }
            Value::Scalar(Scalar { text, kind: ScalarKind::Text }) if self.has_placeholder(text, report) => None,
            Value::Scalar(Scalar { text, kind: ScalarKind::Integer(_) }) if is_octal_to_some(text) => {
                let plain = text.trim_start_matches(['+', '-', '0']);
                let message = format!(
                    "{} is `{}`, which some programs read in base 8 and others in base 10; write it without the `0` in front: `{}`",
                    self.name_shown(),
                    shown(text),
                    if plain.is_empty() { "0" } else { plain },
                );
                self.error(message, report);
                None
            }
            Value::Scalar(Scalar { kind: ScalarKind::Integer(value), .. }) => match u32::try_from(*value) {
                Ok(count @ 1..=MAX_REPLICAS) => Some(count),
                Ok(1..) => self.wrong(&format!("at most {MAX_REPLICAS}"), report),
                _ => self.wrong(wanted, report),
            },
            _ => self.wrong(wanted, report),
        }
    }

    /// Reports that the value should be something else.
    pub(super) fn wrong<T>(&self, wanted: &str, report: &mut Report<'_>) -> Option<T> {
        let message = format!("{} must be {wanted}; found {}", self.name_shown(), self.found());
        report.error(self.at, &self.path, message);
        None
    }

    /// Reports a text that is right without its quotes.
    fn wrong_quotes<T>(&self, text: &str, wanted: &str, report: &mut Report<'_>) -> Option<T> {
        let message = format!(
            "{} must be {wanted}, which is written without quotes; found `\"{text}\"`, write `{text}`",
            self.name_shown(),
            text = shown(text)
        );
        report.error(self.at, &self.path, message);
        None
    }

    pub(super) fn error(&self, message: impl Into<String>, report: &mut Report<'_>) {
        report.error(self.at, &self.path, message);
    }

    fn found(&self) -> String {
        match &self.node.value {
            Value::Map(_) => "a mapping".to_owned(),
            Value::List(items) if items.is_empty() => "an empty list".to_owned(),
            Value::List(_) => "a list".to_owned(),
            Value::Scalar(Scalar { text, kind }) => match kind {
                // The parser gives `~` for an absent value, too.
                ScalarKind::Null if matches!(text.as_str(), "" | "~") => "nothing".to_owned(),
                ScalarKind::Null => {
                    let text = shown(text);
                    format!(
                        "`{text}`, which in YAML means nothing; if it is meant as text, put it in quotes: `\"{text}\"`"
                    )
                }
                ScalarKind::Bool(value) => format!("`{value}`"),
                ScalarKind::Integer(_) | ScalarKind::Number => format!("the number `{}`", shown(text)),
                ScalarKind::Text => format!("the text `{}`", shown(text)),
            },
        }
    }

    fn name_shown(&self) -> String {
        match self.path.rsplit('.').next().unwrap_or_default() {
            "" => "the file".to_owned(),
            last if last.ends_with(']') => "this element".to_owned(),
            last => format!("`{}`", shown(last)),
        }
    }
}

impl<'n> Fields<'n> {
    pub(super) fn get(&self, name: &str) -> Option<Item<'n>> {
        self.fields.iter().find(|field| field.key == name).map(|field| Item::of_field(&self.path, field))
    }

    /// The field, or a report that it is missing. `advice` says what to add.
    pub(super) fn require(&self, name: &str, advice: &str, report: &mut Report<'_>) -> Option<Item<'n>> {
        let found = self.get(name);
        if found.is_none() {
            report.error(self.at, &join(&self.path, name), format!("`{name}` is missing; {advice}"));
        }
        found
    }

    /// The field, unless it is absent or has no value.
    pub(super) fn optional(&self, name: &str) -> Option<Item<'n>> {
        self.get(name).filter(|item| !item.is_null())
    }

    /// Warns of each field that is not known (docs/krt.md §2.5). `elsewhere` names those that have a meaning in another
    /// place or version, with that.
    pub(super) fn warn_of_unknown(&self, known: &[&str], elsewhere: &[(&str, &str)], report: &mut Report<'_>) {
        for field in self.fields {
            if known.contains(&field.key.as_str()) {
                continue;
            }
            let message = match elsewhere.iter().find(|(name, _)| *name == field.key) {
                Some((name, meaning)) => format!("`{name}` {meaning}; it is ignored here"),
                None => {
                    let close = report.did_you_mean(&field.key, known.iter().copied());
                    format!("`{}` is not a known field and is ignored{close}", shown(&field.key))
                }
            };
            report.warn(field.key_at, &join(&self.path, &field.key), message);
        }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|field| field.key == name)
    }
}

/// YAML 1.1 reads such a number in base 8, YAML 1.2 in base 10.
fn is_octal_to_some(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    digits.len() > 1 && digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit())
}

pub(super) fn join(path: &str, name: &str) -> String {
    if path.is_empty() { shown(name) } else { format!("{path}.{}", shown(name)) }
}

pub(super) fn element(path: &str, at: usize) -> String {
    format!("{path}[{at}]")
}
