//! Values that the API fills in where a client says nothing: those that people see or that controllers need.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use crate::{
    kinds::Kind,
    object::{self, default},
    store::State,
};

/// Fills in defaults. `old` is the stored object, for fields that keep their value when left out.
pub(crate) fn complete(kind: Kind, new: &mut Value, old: Option<&Value>) {
    write_only(kind, new);
    match kind {
        Kind::Namespace => {
            if old.is_none() {
                let name = object::name(new).to_owned();
                object::set(new, &["metadata", "labels", "kubernetes.io/metadata.name"], name);
                object::set(new, &["spec", "finalizers"], json!(["kubernetes"]));
                object::set(new, &["status", "phase"], "Active");
            } else if let Some(kept) = old.and_then(|o| o.pointer("/spec/finalizers")) {
                object::set(new, &["spec", "finalizers"], kept.clone());
            }
        }
        Kind::Pod => {
            new.pointer_mut("/spec").into_iter().for_each(pod_spec);
            if old.is_none() {
                new["status"] = json!({ "phase": "Pending", "qosClass": "BestEffort" });
            } else if let Some(node) = old.and_then(|o| o.pointer("/spec/nodeName")) {
                object::set(new, &["spec", "nodeName"], node.clone());
            }
        }
        Kind::Service => service(new, old),
        Kind::Secret => default(new, "type", "Opaque"),
        Kind::Deployment => {
            let Some(spec) = new.pointer_mut("/spec") else { return };
            default(spec, "replicas", 1);
            default(spec, "revisionHistoryLimit", 10);
            default(spec, "progressDeadlineSeconds", 600);
            default(spec, "strategy", json!({}));
            if let Some(strategy) = spec.pointer_mut("/strategy") {
                default(strategy, "type", "RollingUpdate");
                if strategy["type"] == "RollingUpdate" {
                    default(strategy, "rollingUpdate", json!({}));
                    default(&mut strategy["rollingUpdate"], "maxSurge", "25%");
                    default(&mut strategy["rollingUpdate"], "maxUnavailable", "25%");
                }
            }
            spec.pointer_mut("/template/spec").into_iter().for_each(pod_spec);
        }
        Kind::ReplicaSet => {
            new.pointer_mut("/spec").into_iter().for_each(|spec| default(spec, "replicas", 1));
            new.pointer_mut("/spec/template/spec").into_iter().for_each(pod_spec);
        }
        Kind::Ingress => {
            for rule in new.pointer_mut("/spec/rules").and_then(Value::as_array_mut).into_iter().flatten() {
                for path in rule.pointer_mut("/http/paths").and_then(Value::as_array_mut).into_iter().flatten() {
                    default(path, "pathType", "ImplementationSpecific");
                }
            }
        }
        Kind::Endpoints | Kind::ConfigMap | Kind::Event | Kind::EndpointSlice => {}
    }
}

/// Turns a Secret's `stringData`, which is never stored, into `data`.
pub(crate) fn write_only(kind: Kind, new: &mut Value) {
    if kind != Kind::Secret {
        return;
    }
    if let Some(Value::Object(texts)) = object::remove(new, "", "stringData") {
        for (key, text) in texts {
            let encoded = BASE64_STANDARD.encode(text.as_str().unwrap_or_default());
            object::set(new, &["data", &key], encoded);
        }
    }
}

/// Gives out what only the server can: addresses.
pub(crate) fn allocate(state: &mut State, kind: Kind, new: &mut Value) {
    if kind != Kind::Service || object::text(new, "/spec/type") == "ExternalName" {
        return;
    }
    if object::text(new, "/spec/clusterIP").is_empty() {
        let ip = state.next_ip(96);
        object::set(new, &["spec", "clusterIP"], ip);
    }
    let ip = new["spec"]["clusterIP"].clone();
    object::set(new, &["spec", "clusterIPs"], json!([ip]));
    if matches!(object::text(new, "/spec/type"), "NodePort" | "LoadBalancer") {
        let first = 30_000 + state.revision() % 2_000;
        for (at, port) in
            (0_u64..).zip(new.pointer_mut("/spec/ports").and_then(Value::as_array_mut).into_iter().flatten())
        {
            default(port, "nodePort", first + at);
        }
    }
}

fn service(new: &mut Value, old: Option<&Value>) {
    for port in new.pointer_mut("/spec/ports").and_then(Value::as_array_mut).into_iter().flatten() {
        default(port, "protocol", "TCP");
        let number = port["port"].clone();
        default(port, "targetPort", number);
    }
    let Some(spec) = new.pointer_mut("/spec") else { return };
    default(spec, "type", "ClusterIP");
    if spec["type"] == "ExternalName" {
        return;
    }
    default(spec, "sessionAffinity", "None");
    default(spec, "internalTrafficPolicy", "Cluster");
    default(spec, "ipFamilies", json!(["IPv4"]));
    default(spec, "ipFamilyPolicy", "SingleStack");
    for field in ["clusterIP", "clusterIPs"] {
        if let Some(kept) = old.and_then(|o| o["spec"].get(field)) {
            default(spec, field, kept.clone());
        }
    }
}

fn pod_spec(spec: &mut Value) {
    if !spec.is_object() {
        return;
    }
    default(spec, "restartPolicy", "Always");
    default(spec, "dnsPolicy", "ClusterFirst");
    default(spec, "schedulerName", "default-scheduler");
    default(spec, "terminationGracePeriodSeconds", 30);
    default(spec, "securityContext", json!({}));
    for list in ["initContainers", "containers"] {
        for container in spec.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            let image = object::text(container, "/image");
            let tag = image.rsplit('/').next().and_then(|last| last.split_once(':')).map(|(_, tag)| tag);
            let floats = !image.contains('@') && tag.is_none_or(|tag| tag == "latest");
            default(container, "imagePullPolicy", if floats { "Always" } else { "IfNotPresent" });
            default(container, "resources", json!({}));
            default(container, "terminationMessagePath", "/dev/termination-log");
            default(container, "terminationMessagePolicy", "File");
            for port in container.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
                default(port, "protocol", "TCP");
            }
            for probe in ["readinessProbe", "livenessProbe", "startupProbe"] {
                if let Some(probe) = container.get_mut(probe) {
                    default(probe, "timeoutSeconds", 1);
                    default(probe, "periodSeconds", 10);
                    default(probe, "successThreshold", 1);
                    default(probe, "failureThreshold", 3);
                }
            }
        }
    }
    for volume in spec.get_mut("volumes").and_then(Value::as_array_mut).into_iter().flatten() {
        for source in ["secret", "configMap", "projected"] {
            if let Some(source) = volume.get_mut(source) {
                default(source, "defaultMode", 420);
            }
        }
    }
}
