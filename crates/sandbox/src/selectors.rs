//! Label and field selectors.

use serde_json::{Map, Value};

use crate::{kinds::Kind, object, status::Failure};

#[derive(Debug, Clone, PartialEq, Eq)]
enum Test {
    In(Vec<String>),
    /// Also true of objects without the label.
    NotIn(Vec<String>),
    Exists,
    Missing,
}

/// A parsed `labelSelector`. The empty one matches everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LabelSelector(Vec<(String, Test)>);

impl LabelSelector {
    /// Reads the text form: `a=b,c!=d,e in (f,g),h notin (i),j,!k`.
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        let wrong = || Failure::bad_request(format!("unable to parse requirement: {text:?}"));
        let mut tests = Vec::new();
        for part in split_outside_parentheses(text) {
            let part = part.trim();
            let (key, test) = if let Some((key, values)) = part.split_once('(') {
                let values = values.trim_end().strip_suffix(')').ok_or_else(wrong)?;
                let values = values.split(',').map(|v| v.trim().to_owned()).collect();
                match key.split_whitespace().collect::<Vec<_>>()[..] {
                    [key, "in"] => (key, Test::In(values)),
                    [key, "notin"] => (key, Test::NotIn(values)),
                    _ => return Err(wrong()),
                }
            } else if let Some((key, value)) = part.split_once("!=") {
                (key, Test::NotIn(vec![value.trim().to_owned()]))
            } else if let Some((key, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
                (key, Test::In(vec![value.trim().to_owned()]))
            } else if let Some(key) = part.strip_prefix('!') {
                (key, Test::Missing)
            } else {
                (part, Test::Exists)
            };
            let key = key.trim();
            if key.is_empty() || key.contains(char::is_whitespace) {
                return Err(wrong());
            }
            tests.push((key.to_owned(), test));
        }
        Ok(Self(tests))
    }

    /// A Service's selector: all of these labels.
    pub(crate) fn from_labels(labels: &Map<String, Value>) -> Self {
        let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
        Self(labels.iter().map(|(key, value)| (key.clone(), Test::In(vec![text(value)]))).collect())
    }

    /// A Deployment's selector: `matchLabels` and `matchExpressions`.
    pub(crate) fn from_object(selector: &Value) -> Self {
        let mut all = object::map(selector, "/matchLabels").map(Self::from_labels).unwrap_or_default();
        for expression in object::list(selector, "/matchExpressions") {
            let values =
                object::list(expression, "/values").iter().filter_map(|v| v.as_str().map(str::to_owned)).collect();
            let test = match object::text(expression, "/operator") {
                "In" => Test::In(values),
                "NotIn" => Test::NotIn(values),
                "Exists" => Test::Exists,
                _ => Test::Missing,
            };
            all.0.push((object::text(expression, "/key").to_owned(), test));
        }
        all
    }

    pub(crate) fn matches(&self, object: &Value) -> bool {
        self.matches_labels(object::labels(object))
    }

    pub(crate) fn matches_labels(&self, labels: Option<&Map<String, Value>>) -> bool {
        self.0.iter().all(|(key, test)| {
            let value = labels.and_then(|l| l.get(key)).and_then(Value::as_str);
            match test {
                Test::In(values) => value.is_some_and(|v| values.iter().any(|x| x == v)),
                Test::NotIn(values) => value.is_none_or(|v| values.iter().all(|x| x != v)),
                Test::Exists => value.is_some(),
                Test::Missing => value.is_none(),
            }
        })
    }

    /// The labels that must have exactly one value, by which an index can be asked.
    pub(crate) fn equalities(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().filter_map(|(key, test)| match test {
            Test::In(values) => match &values[..] {
                [value] => Some((key.as_str(), value.as_str())),
                _ => None,
            },
            _ => None,
        })
    }
}

fn split_outside_parentheses(text: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0_i32, 0, Vec::new());
    for (at, letter) in text.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts.retain(|p| !p.trim().is_empty());
    parts
}

/// A parsed `fieldSelector`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FieldSelector(Vec<Field>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Field {
    pointer: String,
    value: String,
    equal: bool,
}

impl FieldSelector {
    /// Reads `a=b,c!=d`; the fields that may be named depend on the kind, as in Kubernetes.
    pub(crate) fn parse(text: &str, kind: Kind) -> Result<Self, Failure> {
        let mut fields = Vec::new();
        for part in text.split(',').map(str::trim).filter(|p| !p.is_empty()) {
            let (field, value, equal) = if let Some((field, value)) = part.split_once("!=") {
                (field, value, false)
            } else if let Some((field, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
                (field, value, true)
            } else {
                return Err(Failure::bad_request(format!("invalid selector: {text:?}; can't understand {part:?}")));
            };
            if !is_supported(kind, field) {
                return Err(Failure::bad_request(format!("field label not supported: {field}")));
            }
            let pointer = format!("/{}", field.replace('.', "/"));
            fields.push(Field { pointer, value: value.to_owned(), equal });
        }
        Ok(Self(fields))
    }

    /// Narrows to one object, as a `get` by watch does.
    pub(crate) fn with_name(mut self, name: &str) -> Self {
        self.0.push(Field { pointer: "/metadata/name".into(), value: name.to_owned(), equal: true });
        self
    }

    pub(crate) fn matches(&self, object: &Value) -> bool {
        self.0.iter().all(|field| {
            let equal = match object.pointer(&field.pointer) {
                Some(Value::String(text)) => *text == field.value,
                Some(Value::Null) | None => field.value.is_empty(),
                Some(other) => field.value.parse::<Value>().is_ok_and(|value| value == *other),
            };
            equal == field.equal
        })
    }
}

fn is_supported(kind: Kind, field: &str) -> bool {
    let more: &[&str] = match kind {
        Kind::Pod => &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.nominatedNodeName",
        ],
        Kind::Event => &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
        Kind::Secret => &["type"],
        Kind::Namespace => &["status.phase"],
        Kind::ReplicaSet => &["status.replicas"],
        Kind::Service => &["spec.clusterIP", "spec.type"],
        _ => &[],
    };
    matches!(field, "metadata.name" | "metadata.namespace") || more.contains(&field)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_form_of_a_label_requirement_matches_what_it_says() {
        let object = json!({ "metadata": { "labels": { "app": "a", "tier": "web" } } });
        for (selector, expected) in [
            ("app=a", true),
            ("app==a,tier=web", true),
            ("app = b", false),
            ("app!=b", true),
            ("app!=a", false),
            ("other!=a", true),
            ("app in (a, b),tier", true),
            ("app in (b)", false),
            ("app notin (b,c)", true),
            ("app notin (a)", false),
            ("!other", true),
            ("!app", false),
            ("other", false),
            ("", true),
        ] {
            assert_eq!(LabelSelector::parse(selector).unwrap().matches(&object), expected, "{selector}");
        }
        for wrong in ["a b", "app in b)", "app within (a)", "=a"] {
            assert!(LabelSelector::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_field_selector_compares_the_kinds_own_fields_only() {
        let pod = json!({ "metadata": { "name": "a" }, "status": { "phase": "Running" } });
        for (selector, expected) in [
            ("metadata.name=a,status.phase=Running", true),
            ("status.phase!=Running", false),
            ("spec.nodeName=", true),
            ("metadata.name==b", false),
        ] {
            assert_eq!(FieldSelector::parse(selector, Kind::Pod).unwrap().matches(&pod), expected, "{selector}");
        }
        assert!(FieldSelector::parse("spec.replicas=1", Kind::Deployment).is_err());
    }
}
