//! Whether an object in the cluster still is what it should be: only what an apply of ours can change counts.
//!
//! Server-side apply owns what it sends, field by field (Kubernetes documentation, "Server-Side Apply", "Merge
//! strategy"): entries of keyed lists and of maps are ours one by one, and others may add theirs; atomic lists and maps
//! are ours as a whole. Comparing more strictly than that would find differences that no apply ends (decision 21).

use serde::Serialize;
use serde_json::{Map, Value};

/// The fields that applying `wanted` would change of `live`, as `spec.template.spec.containers[node].image`.
pub(crate) fn differences<K: Serialize>(wanted: &K, live: &K) -> Vec<String> {
    match (serde_json::to_value(wanted), serde_json::to_value(live)) {
        (Ok(mut wanted), Ok(live)) => {
            // Says what an apply is based on, and not what is wanted.
            let metadata = wanted.get_mut("metadata").and_then(Value::as_object_mut);
            metadata.and_then(|metadata| metadata.remove("resourceVersion"));
            of_values(&wanted, &live)
        }
        _ => Vec::new(),
    }
}

fn of_values(wanted: &Value, live: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare(wanted, live, &FieldPath::default(), &mut found);
    found
}

/// The paths that a manager owns by `metadata.managedFields` (the `FieldsV1` format), written as [`differences`] writes
/// them.
pub(crate) fn field_paths(owned: &Value) -> Vec<String> {
    let mut found = Vec::new();
    collect_paths(owned, &FieldPath::default(), &mut found);
    found
}

fn collect_paths(owned: &Value, path: &FieldPath, found: &mut Vec<String>) {
    let below = owned.as_object().into_iter().flatten().filter(|(step, _)| *step != ".");
    let mut is_leaf = true;
    for (step, owned) in below {
        is_leaf = false;
        match step.split_once(':') {
            Some(("f", field)) => collect_paths(owned, &path.field(field), found),
            Some(("k", keys)) => {
                let element = serde_json::from_str(keys).unwrap_or(Value::Null);
                collect_paths(owned, &path.element(&name_of(&element, keys_of(&path.field))), found);
            }
            _ => is_leaf = true,
        }
    }
    if is_leaf {
        found.push(path.path.clone());
    }
}

/// Where a value stands, for its name and for who owns what is in it.
#[derive(Default)]
struct FieldPath {
    path: String,
    /// The name of the last field, without an element's key.
    field: String,
    /// Within an atomic list or map, where nothing of others is kept.
    atomic: bool,
}

impl FieldPath {
    fn field(&self, name: &str) -> Self {
        let path = if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) };
        Self { path, field: name.to_owned(), atomic: self.atomic || ATOMIC_MAPS.contains(&name) }
    }

    fn element(&self, key: &str) -> Self {
        Self { path: format!("{}[{key}]", self.path), field: self.field.clone(), atomic: self.atomic }
    }
}

/// Maps that server-side apply replaces as a whole (`x-kubernetes-map-type: atomic`), among those that we send.
const ATOMIC_MAPS: [&str; 2] = ["selector", "nodeSelector"];

/// What tells the elements of a list apart (`x-kubernetes-list-map-keys`), for the lists that we send. A port has
/// `containerPort` in a container and `port` in a Service. A list that is not here is atomic.
fn keys_of(list: &str) -> &'static [&'static str] {
    match list {
        "containers" | "initContainers" | "volumes" | "env" => &["name"],
        "volumeMounts" => &["mountPath"],
        "ports" => &["containerPort", "port", "protocol"],
        _ => &[],
    }
}

fn compare(wanted: &Value, live: &Value, path: &FieldPath, found: &mut Vec<String>) {
    match (wanted, live) {
        (Value::Object(wanted), Value::Object(live)) => {
            for (name, value) in wanted {
                compare(value, live.get(name).unwrap_or(&Value::Null), &path.field(name), found);
            }
            if path.atomic {
                let foreign = live.iter().filter(|(name, value)| !wanted.contains_key(*name) && !is_empty(value));
                found.extend(foreign.map(|(name, _)| path.field(name).path));
            }
        }
        (Value::Array(wanted), Value::Array(live)) => match keys_of(&path.field) {
            [] => {
                let path = FieldPath { path: path.path.clone(), field: String::new(), atomic: true };
                if wanted.len() == live.len() {
                    for (index, (wanted, live)) in wanted.iter().zip(live).enumerate() {
                        compare(wanted, live, &path.element(&index.to_string()), found);
                    }
                } else {
                    found.push(path.path);
                }
            }
            keys => {
                for wanted in wanted {
                    let same = |live: &&Value| keys.iter().all(|key| wanted.get(key) == live.get(key));
                    let live = live.iter().find(same).unwrap_or(&Value::Null);
                    compare(wanted, live, &path.element(&name_of(wanted, keys)), found);
                }
            }
        },
        (wanted, live) if wanted == live => {}
        (wanted, live) if is_empty(wanted) && is_empty(live) && !MEANT_WHEN_EMPTY.contains(&path.field.as_str()) => {}
        (wanted, Value::Null) if is_zero(wanted) && ZERO_IS_LEFT_OUT.contains(&path.field.as_str()) => {}
        _ => found.push(path.path.clone()),
    }
}

/// Fields of ours that the API server leaves out when they are false or zero.
const ZERO_IS_LEFT_OUT: [&str; 2] = ["paused", "minReadySeconds"];

/// Fields of ours that say by being there what kind of thing something is, and have nothing in them.
const MEANT_WHEN_EMPTY: [&str; 1] = ["emptyDir"];

fn is_zero(value: &Value) -> bool {
    *value == Value::Bool(false) || value.as_i64() == Some(0)
}

fn name_of(element: &Value, keys: &[&str]) -> String {
    match keys.iter().find_map(|key| element.get(key)) {
        Some(Value::String(name)) => name.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    }
}

/// The API server leaves out what is empty ("omitempty" in its types), which is not a difference.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => Map::is_empty(fields),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_others_add_beside_ours_is_no_difference_and_what_they_change_of_ours_is() {
        let wanted = json!({
            "spec": {
                "replicas": 1, "paused": false, "minReadySeconds": 0,
                "template": { "spec": {
                    "containers": [{
                        "name": "node", "image": "a:1",
                        "env": [{"name": "A", "value": "1"}, {"name": "E", "value": ""}],
                        "ports": [{"containerPort": 9000, "protocol": "TCP", "name": "grpc"}],
                    }],
                    "volumes": [{"name": "files", "emptyDir": {}}],
                }},
            },
        });
        let mut live = json!({
            "metadata": {"annotations": {"autoscaler": "x"}},
            "spec": {
                "replicas": 1, "strategy": {},
                "template": { "spec": {
                    "containers": [
                        {"name": "istio-proxy", "image": "proxy:1"},
                        {
                            "name": "node", "image": "a:1", "imagePullPolicy": "Always",
                            "env": [{"name": "X", "value": "theirs"}, {"name": "E"}, {"name": "A", "value": "1"}],
                            "ports": [
                                {"containerPort": 9000, "protocol": "UDP"},
                                {"containerPort": 9000, "protocol": "TCP", "name": "grpc"},
                            ],
                        },
                    ],
                    "volumes": [{"name": "theirs", "hostPath": {"path": "/"}}, {"name": "files", "emptyDir": {}}],
                    "tolerations": [{"key": "theirs"}],
                }},
            },
        });
        assert_eq!(of_values(&wanted, &live), [""; 0]);
        let node = &mut live["spec"]["template"]["spec"]["containers"][1];
        node["image"] = json!("evil/miner:1");
        node["env"][2]["value"] = json!("2");
        live["spec"]["paused"] = json!(true);
        live["spec"]["minReadySeconds"] = json!(3600);
        live["spec"]["template"]["spec"]["volumes"][1] = json!({"name": "files", "hostPath": {"path": "/"}});
        let found = of_values(&wanted, &live);
        let container = "spec.template.spec.containers[node]";
        assert_eq!(
            found,
            [
                "spec.minReadySeconds",
                "spec.paused",
                &format!("{container}.env[A].value"),
                &format!("{container}.image"),
                "spec.template.spec.volumes[files].emptyDir",
            ]
        );
    }

    #[test]
    fn an_entry_of_ours_that_is_gone_differs() {
        let wanted = json!({"env": [{"name": "A", "value": "1"}], "data": {"a": "1"}});
        assert_eq!(of_values(&wanted, &json!({"env": [], "data": {"a": "1"}})), ["env[A]"]);
        assert_eq!(of_values(&wanted, &json!({"env": [{"name": "A", "value": "1"}], "data": {}})), ["data.a"]);
    }

    #[test]
    fn an_atomic_list_or_map_is_ours_as_a_whole() {
        let wanted = json!({"command": ["a", "b"], "selector": {"app": "x"}, "tolerations": [{"key": "gpu"}]});
        assert_eq!(of_values(&wanted, &wanted), [""; 0]);
        for (live, differs) in [
            (json!({"command": ["a"], "selector": {"app": "x"}, "tolerations": [{"key": "gpu"}]}), "command"),
            (json!({"command": ["a", "c"], "selector": {"app": "x"}, "tolerations": [{"key": "gpu"}]}), "command[1]"),
            (
                json!({"command": ["a", "b"], "selector": {"app": "x", "no": "body"}, "tolerations": [{"key": "gpu"}]}),
                "selector.no",
            ),
            (
                json!({"command": ["a", "b"], "selector": {"app": "x"}, "tolerations": [{"key": "gpu", "effect": "E"}]}),
                "tolerations[0].effect",
            ),
        ] {
            assert_eq!(of_values(&wanted, &live), [differs], "{live}");
        }
    }
}
