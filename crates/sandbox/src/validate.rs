//! Checks on objects, with Kubernetes' own reasons and messages, for the mistakes that a client can make here.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::Value;

use crate::{
    kinds::Kind,
    object,
    selectors::LabelSelector,
    status::{Cause, Failure},
};

/// The most that the values of a Secret or ConfigMap may hold together.
const MAX_DATA_BYTES: usize = 1024 * 1024;

const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', \
                         and must start and end with an alphanumeric character";
const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must \
                     start and end with an alphanumeric character";
const LABEL_1035: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an \
                          alphabetic character, and end with an alphanumeric character";
const LABEL_VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', \
                           and must start and end with an alphanumeric character";

/// Checks a new state of an object; `old` is the stored one on updates.
pub(crate) fn object(kind: Kind, new: &Value, old: Option<&Value>) -> Result<(), Failure> {
    let mut causes = Vec::new();
    if old.is_none() {
        name(kind, object::name(new), &mut causes);
    }
    labels(new, "/metadata/labels", "metadata.labels", &mut causes);
    match kind {
        Kind::Deployment | Kind::ReplicaSet => workload(new, old, &mut causes),
        Kind::Pod => pod(new, old, &mut causes),
        Kind::Service => service(new, old, &mut causes),
        Kind::Secret | Kind::ConfigMap => data(kind, new, old, &mut causes),
        Kind::Ingress => ingress(new, &mut causes),
        Kind::EndpointSlice if object::text(new, "/addressType").is_empty() => {
            causes.push(Cause::required("addressType"));
        }
        _ => {}
    }
    if causes.is_empty() { Ok(()) } else { Err(Failure::invalid(kind, object::name(new), causes)) }
}

fn name(kind: Kind, name: &str, causes: &mut Vec<Cause>) {
    let (valid, rule, limit) = match kind {
        Kind::Service => (is_label(name) && name.starts_with(|c: char| c.is_ascii_lowercase()), LABEL_1035, 63),
        Kind::Namespace => (is_label(name), LABEL, 63),
        _ => (name.split('.').all(is_label), SUBDOMAIN, 253),
    };
    if !valid {
        causes.push(Cause::invalid("metadata.name", &name.into(), rule));
    } else if name.len() > limit {
        let why = format!("must be no more than {limit} characters");
        causes.push(Cause::invalid("metadata.name", &name.into(), &why));
    }
}

fn is_label(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

fn is_label_value(text: &str) -> bool {
    let ends = |c: Option<char>| c.is_none_or(|c| c.is_ascii_alphanumeric());
    text.len() <= 63
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
        && ends(text.chars().next())
        && ends(text.chars().last())
}

fn labels(new: &Value, pointer: &str, field: &str, causes: &mut Vec<Cause>) {
    for (key, value) in object::map(new, pointer).into_iter().flatten() {
        let plain = key.rsplit('/').next().unwrap_or_default();
        if plain.is_empty() || !is_label_value(plain) {
            causes.push(Cause::invalid(field, &key.as_str().into(), "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"));
        }
        if !value.as_str().is_some_and(is_label_value) {
            causes.push(Cause::invalid(field, value, LABEL_VALUE));
        }
    }
}

fn workload(new: &Value, old: Option<&Value>, causes: &mut Vec<Cause>) {
    let selector = &new["spec"]["selector"];
    let is_set = |field: &str| {
        selector.get(field).is_some_and(|v| v != &Value::Array(vec![]) && v.as_object().is_none_or(|m| !m.is_empty()))
    };
    if !is_set("matchLabels") && !is_set("matchExpressions") {
        causes.push(Cause::required("spec.selector"));
    } else {
        let template = object::map(new, "/spec/template/metadata/labels");
        if !LabelSelector::from_object(selector).matches_labels(template) {
            let sent = template.cloned().map_or(Value::Null, Value::Object);
            let why = "`selector` does not match template `labels`";
            causes.push(Cause::invalid("spec.template.metadata.labels", &sent, why));
        }
    }
    if old.is_some_and(|old| old["spec"]["selector"] != *selector) {
        causes.push(Cause::invalid("spec.selector", selector, "field is immutable"));
    }
    match new["spec"]["replicas"].as_i64() {
        Some(0..) => {}
        _ => {
            causes.push(Cause::invalid("spec.replicas", &new["spec"]["replicas"], "must be greater than or equal to 0"))
        }
    }
    labels(new, "/spec/template/metadata/labels", "spec.template.metadata.labels", causes);
    let template = &new["spec"]["template"]["spec"];
    let policy = object::text(template, "/restartPolicy");
    if template.is_object() && policy != "Always" {
        let message = format!("Unsupported value: {policy:?}: supported values: \"Always\"");
        let field = "spec.template.spec.restartPolicy".into();
        causes.push(Cause { reason: "FieldValueNotSupported", message, field });
    }
    containers(template, "spec.template.spec", causes);
}

fn containers(spec: &Value, field: &str, causes: &mut Vec<Cause>) {
    if object::list(spec, "/containers").is_empty() {
        causes.push(Cause::required(format!("{field}.containers")));
    }
    let volumes: Vec<_> = object::list(spec, "/volumes").iter().map(|v| object::text(v, "/name")).collect();
    let mut seen = Vec::new();
    for list in ["initContainers", "containers"] {
        for (at, container) in object::list(spec, &format!("/{list}")).iter().enumerate() {
            let here = format!("{field}.{list}[{at}]");
            let name = object::text(container, "/name");
            if name.is_empty() {
                causes.push(Cause::required(format!("{here}.name")));
            } else if !is_label(name) || name.len() > 63 {
                causes.push(Cause::invalid(format!("{here}.name"), &name.into(), LABEL));
            } else if seen.contains(&name) {
                let message = format!("Duplicate value: {name:?}");
                causes.push(Cause { reason: "FieldValueDuplicate", message, field: format!("{here}.name") });
            }
            seen.push(name);
            if object::text(container, "/image").is_empty() {
                causes.push(Cause::required(format!("{here}.image")));
            }
            for (at, mount) in object::list(container, "/volumeMounts").iter().enumerate() {
                let volume = object::text(mount, "/name");
                if !volumes.contains(&volume) {
                    let message = format!("Not found: {volume:?}");
                    let field = format!("{here}.volumeMounts[{at}].name");
                    causes.push(Cause { reason: "FieldValueNotFound", message, field });
                }
            }
            for (at, variable) in object::list(container, "/env").iter().enumerate() {
                if object::text(variable, "/name").is_empty() {
                    causes.push(Cause::required(format!("{here}.env[{at}].name")));
                }
                if variable.get("value").is_some_and(|v| !v.is_string()) {
                    let why = "must be a string";
                    causes.push(Cause::invalid(format!("{here}.env[{at}].value"), &variable["value"], why));
                }
            }
        }
    }
}

fn pod(new: &Value, old: Option<&Value>, causes: &mut Vec<Cause>) {
    containers(&new["spec"], "spec", causes);
    if old.is_some_and(|old| immutable_part(old) != immutable_part(new)) {
        let why = "pod updates may not change fields other than `spec.containers[*].image`,\
                   `spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to \
                   existing tolerations),`spec.terminationGracePeriodSeconds`";
        causes.push(Cause::forbidden("spec", why));
    }
}

/// A pod's spec without what may change while it runs.
fn immutable_part(pod: &Value) -> Value {
    let mut spec = pod["spec"].clone();
    for field in ["activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds"] {
        object::remove(&mut spec, "", field);
    }
    for list in ["/containers", "/initContainers"] {
        for container in spec.pointer_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            object::remove(container, "", "image");
            object::remove(container, "", "imagePullPolicy");
        }
    }
    spec
}

fn service(new: &Value, old: Option<&Value>, causes: &mut Vec<Cause>) {
    let spec = &new["spec"];
    let ports = object::list(spec, "/ports");
    let ip = object::text(spec, "/clusterIP");
    if ports.is_empty() && spec["type"] != "ExternalName" && ip != "None" {
        causes.push(Cause::required("spec.ports"));
    }
    for (at, port) in ports.iter().enumerate() {
        if !matches!(port["port"].as_i64(), Some(1..=65535)) {
            let why = "must be between 1 and 65535, inclusive";
            causes.push(Cause::invalid(format!("spec.ports[{at}].port"), &port["port"], why));
        }
        let name = object::text(port, "/name");
        if ports.len() > 1 && name.is_empty() {
            causes.push(Cause::required(format!("spec.ports[{at}].name")));
        }
        if !name.is_empty() && ports[..at].iter().any(|p| p["name"] == name) {
            let field = format!("spec.ports[{at}].name");
            causes.push(Cause { reason: "FieldValueDuplicate", message: format!("Duplicate value: {name:?}"), field });
        }
    }
    if old.is_some_and(|o| object::text(o, "/spec/type") != "ExternalName" && object::text(o, "/spec/clusterIP") != ip)
    {
        causes.push(Cause::invalid("spec.clusterIPs[0]", &ip.into(), "may not change once set"));
    }
}

fn data(kind: Kind, new: &Value, old: Option<&Value>, causes: &mut Vec<Cause>) {
    let mut size = 0;
    for part in ["data", "binaryData"] {
        for (key, value) in object::map(new, &format!("/{part}")).into_iter().flatten() {
            let letters = key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
            if key.is_empty() || key.len() > 253 || !letters || key == "." || key.starts_with("..") {
                let why = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'";
                causes.push(Cause::invalid(format!("{part}[{key}]"), &key.as_str().into(), why));
            }
            let Some(text) = value.as_str() else {
                causes.push(Cause::invalid(format!("{part}[{key}]"), value, "must be a string"));
                continue;
            };
            if kind == Kind::ConfigMap && part == "data" {
                size += text.len();
            } else {
                match BASE64_STANDARD.decode(text) {
                    Ok(bytes) => size += bytes.len(),
                    Err(_) => causes.push(Cause::invalid(format!("{part}[{key}]"), value, "illegal base64 data")),
                }
            }
        }
    }
    if size > MAX_DATA_BYTES {
        let message = format!("Too long: may not be more than {MAX_DATA_BYTES} bytes");
        let field = if kind == Kind::Secret { "data" } else { "" };
        causes.push(Cause { reason: "FieldValueTooLong", message, field: field.into() });
    }
    if let Some(old) = old {
        if kind == Kind::Secret && old["type"] != new["type"] {
            causes.push(Cause::invalid("type", &new["type"], "field is immutable"));
        }
        let same = ["data", "binaryData"].iter().all(|part| old.get(part) == new.get(part));
        if old["immutable"] == true && (!same || new["immutable"] != true) {
            causes.push(Cause::forbidden("data", "field is immutable when `immutable` is set"));
        }
    }
}

fn ingress(new: &Value, causes: &mut Vec<Cause>) {
    let rules = object::list(new, "/spec/rules");
    if rules.is_empty() && new["spec"].get("defaultBackend").is_none() {
        let why = "either `defaultBackend` or `rules` must be specified";
        causes.push(Cause::invalid("spec", &new["spec"], why));
    }
    for (at, rule) in rules.iter().enumerate() {
        let host = object::text(rule, "/host");
        let plain = host.strip_prefix("*.").unwrap_or(host);
        if !host.is_empty() && !plain.split('.').all(is_label) {
            causes.push(Cause::invalid(format!("spec.rules[{at}].host"), &host.into(), SUBDOMAIN));
        }
        for (number, path) in object::list(rule, "/http/paths").iter().enumerate() {
            let here = format!("spec.rules[{at}].http.paths[{number}]");
            let needs_slash = matches!(object::text(path, "/pathType"), "Prefix" | "Exact");
            if needs_slash && !object::text(path, "/path").starts_with('/') {
                let why = "must be an absolute path";
                causes.push(Cause::invalid(format!("{here}.path"), &path["path"], why));
            }
            if object::text(path, "/backend/service/name").is_empty() && path["backend"].get("resource").is_none() {
                causes.push(Cause::required(format!("{here}.backend.service.name")));
            }
        }
    }
}
