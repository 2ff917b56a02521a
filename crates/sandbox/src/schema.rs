//! What merging must know of the objects' fields: which lists are keyed, which are sets, which parts are one value.
//!
//! Paths are field names from the root, without the elements of lists. The keys are those that the Kubernetes API
//! documents as `x-kubernetes-list-map-keys` and `patchMergeKey`.

use serde_json::Value;

use crate::kinds::Kind;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ListKind {
    /// One value: whoever writes it writes all of it.
    Atomic,
    /// Each element stands for itself.
    Set,
    /// Elements are told apart by these fields; the first is the one of strategic merge patches.
    Keyed(&'static [&'static str]),
}

/// A place in an object, for asking [`Path::list`] and [`Path::is_atomic`].
#[derive(Debug, Clone)]
pub(crate) struct Path {
    kind: Kind,
    fields: Vec<String>,
}

impl Path {
    pub(crate) fn root(kind: Kind) -> Self {
        Self { kind, fields: Vec::new() }
    }

    pub(crate) fn field(&self, name: &str) -> Self {
        let mut fields = self.fields.clone();
        fields.push(name.to_owned());
        Self { kind: self.kind, fields }
    }

    fn last(&self) -> &str {
        self.fields.last().map_or("", String::as_str)
    }

    fn parent(&self) -> &str {
        self.fields.len().checked_sub(2).map_or("", |at| self.fields[at].as_str())
    }

    pub(crate) fn list(&self) -> ListKind {
        use ListKind::{Atomic, Keyed, Set};
        let in_metadata = self.parent() == "metadata";
        match self.last() {
            "finalizers" if in_metadata => Set,
            "finalizers" => Atomic,
            "ownerReferences" if in_metadata => Keyed(&["uid"]),
            "containers"
            | "initContainers"
            | "ephemeralContainers"
            | "volumes"
            | "env"
            | "imagePullSecrets"
            | "secrets"
            | "claims" => Keyed(&["name"]),
            "ports" => match (self.kind, self.parent()) {
                (Kind::Service, "spec") => Keyed(&["port", "protocol"]),
                (_, "containers" | "initContainers" | "ephemeralContainers") => Keyed(&["containerPort", "protocol"]),
                _ => Atomic,
            },
            "volumeMounts" => Keyed(&["mountPath"]),
            "volumeDevices" => Keyed(&["devicePath"]),
            "hostAliases" | "podIPs" => Keyed(&["ip"]),
            "topologySpreadConstraints" => Keyed(&["topologyKey", "whenUnsatisfiable"]),
            "conditions" if self.parent() == "status" => Keyed(&["type"]),
            "addresses" => Set,
            _ => Atomic,
        }
    }

    /// Whether the map here is owned and replaced as a whole.
    pub(crate) fn is_atomic(&self) -> bool {
        matches!(
            self.last(),
            "selector"
                | "labelSelector"
                | "nodeSelector"
                | "secretKeyRef"
                | "configMapKeyRef"
                | "fieldRef"
                | "resourceFieldRef"
                | "secretRef"
                | "targetRef"
                | "involvedObject"
                | "regarding"
                | "ownerReferences"
        )
    }
}

/// The value of a key field, with the API's default where it is left out.
pub(crate) fn key_field(item: &Value, field: &str) -> Value {
    match &item[field] {
        Value::Null if field == "protocol" => "TCP".into(),
        Value::Null => "".into(),
        value => value.clone(),
    }
}

/// Whether two elements of a keyed list are the same one.
pub(crate) fn same_element(a: &Value, b: &Value, keys: &[&str]) -> bool {
    keys.iter().all(|key| key_field(a, key) == key_field(b, key))
}
