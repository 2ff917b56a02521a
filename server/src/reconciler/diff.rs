//! Whether an object in the cluster still is what it should be.

use serde::Serialize;
use serde_json::Value;

/// Whether `live` differs from `wanted` in any field that `wanted` sets. Fields that it does not set belong to others
/// (defaults, status, an autoscaler's annotation) and make no difference.
pub(crate) fn differs<K: Serialize>(wanted: &K, live: &K) -> bool {
    match (serde_json::to_value(wanted), serde_json::to_value(live)) {
        (Ok(wanted), Ok(live)) => !holds(&wanted, &live),
        // What cannot be compared is written again; server-side apply changes nothing where nothing differs.
        _ => true,
    }
}

/// The fields of `wanted` that `live` does not have as they are wanted, as `spec.replicas`.
pub(crate) fn differences<K: Serialize>(wanted: &K, live: &K) -> Vec<String> {
    let mut paths = Vec::new();
    if let (Ok(wanted), Ok(live)) = (serde_json::to_value(wanted), serde_json::to_value(live)) {
        collect(&wanted, &live, "", &mut paths);
    }
    paths
}

fn collect(wanted: &Value, live: &Value, path: &str, paths: &mut Vec<String>) {
    if holds(wanted, live) {
        return;
    }
    match (wanted, live) {
        (Value::Object(wanted), Value::Object(live)) => {
            for (key, wanted) in wanted {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                collect(wanted, live.get(key).unwrap_or(&Value::Null), &path, paths);
            }
        }
        (Value::Array(wanted), Value::Array(live)) if wanted.len() == live.len() => {
            for (index, (wanted, live)) in wanted.iter().zip(live).enumerate() {
                collect(wanted, live, &format!("{path}[{index}]"), paths);
            }
        }
        _ => paths.push(path.to_owned()),
    }
}

fn holds(wanted: &Value, live: &Value) -> bool {
    match (wanted, live) {
        (Value::Object(wanted), Value::Object(live)) => wanted
            .iter()
            .all(|(key, wanted)| live.get(key).map_or_else(|| is_empty(wanted), |live| holds(wanted, live))),
        // Lists have the order that we gave them: server-side apply keeps the applier's.
        (Value::Array(wanted), Value::Array(live)) => {
            wanted.len() == live.len() && wanted.iter().zip(live).all(|(wanted, live)| holds(wanted, live))
        }
        (wanted, live) => wanted == live || (is_empty(wanted) && is_empty(live)),
    }
}

/// The API server leaves out what is empty ("omitempty" in its types), which is not a difference.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_others_add_is_no_difference_and_what_they_change_is() {
        let wanted = json!({"spec": {"replicas": 1, "env": [{"name": "A", "value": "1"}, {"name": "E", "value": ""}]}});
        let mut live = json!({
            "metadata": {"annotations": {"autoscaler": "x"}},
            "spec": {"replicas": 1, "strategy": {}, "env": [{"name": "A", "value": "1", "x": 1}, {"name": "E"}]},
        });
        assert!(!differs(&wanted, &live));
        live["spec"]["replicas"] = json!(2);
        assert!(differs(&wanted, &live));
    }

    #[test]
    fn a_list_that_grew_or_shrank_differs() {
        let wanted = json!({"env": ["a", "b"]});
        assert!(differs(&wanted, &json!({"env": ["a"]})));
        assert!(differs(&wanted, &json!({"env": ["a", "b", "c"]})));
        assert!(differs(&wanted, &json!({})));
    }
}
