//! What stands in the cells of a row.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::age;
use crate::{kinds::Kind, names, object};

pub(super) fn of(kind: Kind, object: &Value, now: Timestamp) -> Vec<Value> {
    let name = object::name(object);
    let age = age(object, now);
    let number = |pointer: &str| object::number(object, pointer);
    match kind {
        Kind::Namespace => cells([name.into(), object::text(object, "/status/phase").into(), age]),
        Kind::Pod => pod(object, age),
        Kind::Service => service(object, age),
        Kind::Endpoints => cells([name.into(), endpoints(object), age]),
        Kind::Secret => {
            let data = object::map(object, "/data").map_or(0, |d| d.len());
            vec![name.into(), object["type"].clone(), data.into(), age.into()]
        }
        Kind::ConfigMap => {
            let entries = |part: &str| object::map(object, part).map_or(0, |d| d.len());
            vec![name.into(), (entries("/data") + entries("/binaryData")).into(), age.into()]
        }
        Kind::Event => event(object, now),
        Kind::Deployment => {
            let ready = format!("{}/{}", number("/status/readyReplicas"), number("/spec/replicas"));
            let (updated, available) = (number("/status/updatedReplicas"), number("/status/availableReplicas"));
            let mut row = vec![json!(name), json!(ready), json!(updated), json!(available), json!(age)];
            row.extend(template(object));
            row
        }
        Kind::ReplicaSet => {
            let counts = ["/spec/replicas", "/status/replicas", "/status/readyReplicas"].map(|p| json!(number(p)));
            let mut row = vec![json!(name)];
            row.extend(counts);
            row.push(json!(age));
            row.extend(template(object));
            row
        }
        Kind::EndpointSlice => {
            let ports = object::list(object, "/ports").iter().map(|p| p["port"].to_string());
            let addresses = object::list(object, "/endpoints").iter().flat_map(|e| object::list(e, "/addresses"));
            let addresses = addresses.filter_map(Value::as_str).map(str::to_owned);
            let kind = object::text(object, "/addressType").to_owned();
            cells([name.into(), kind, joined(ports, "<unset>"), joined(addresses, "<unset>"), age])
        }
        Kind::Ingress => {
            let hosts = object::list(object, "/spec/rules").iter().map(|r| object::text(r, "/host"));
            let hosts = hosts.map(|h| if h.is_empty() { "*" } else { h }.to_owned());
            let class = object.pointer("/spec/ingressClassName").and_then(Value::as_str).unwrap_or("<none>");
            let addresses = object::list(object, "/status/loadBalancer/ingress").iter();
            let addresses = addresses.map(|i| object::text(i, "/ip").to_owned());
            let ports = if object::list(object, "/spec/tls").is_empty() { "80" } else { "80, 443" };
            cells([name.into(), class.into(), joined(hosts, "*"), joined(addresses, ""), ports.into(), age])
        }
    }
}

fn cells<const N: usize>(texts: [String; N]) -> Vec<Value> {
    texts.into_iter().map(Value::from).collect()
}

fn joined(parts: impl Iterator<Item = String>, none: &str) -> String {
    let parts: Vec<_> = parts.collect();
    if parts.is_empty() { none.to_owned() } else { parts.join(",") }
}

fn pairs(object: &Value, pointer: &str) -> String {
    let labels = object::map(object, pointer).into_iter().flatten();
    joined(labels.map(|(k, v)| format!("{k}={}", v.as_str().unwrap_or_default())), "<none>")
}

fn template(object: &Value) -> Vec<Value> {
    let field = |field: &str| {
        let containers = object::list(object, "/spec/template/spec/containers").iter();
        joined(containers.map(|c| object::text(c, field).to_owned()), "<none>")
    };
    cells([field("/name"), field("/image"), pairs(object, "/spec/selector/matchLabels")])
}

fn pod(pod: &Value, age: String) -> Vec<Value> {
    let statuses = object::list(pod, "/status/containerStatuses");
    let ready = statuses.iter().filter(|s| s["ready"] == true).count();
    let all = object::list(pod, "/spec/containers").len();
    let restarts: i64 = statuses.iter().map(|s| object::number(s, "/restartCount")).sum();
    let or_none = |pointer: &str| match object::text(pod, pointer) {
        "" => "<none>".to_owned(),
        text => text.to_owned(),
    };
    cells([
        object::name(pod).into(),
        format!("{ready}/{all}"),
        pod_status(pod),
        restarts.to_string(),
        age,
        or_none("/status/podIP"),
        or_none("/spec/nodeName"),
        "<none>".into(),
        "<none>".into(),
    ])
}

/// What kubectl shows as a pod's status: the most telling of its containers' states.
fn pod_status(pod: &Value) -> String {
    if object::is_ending(pod) {
        return "Terminating".into();
    }
    let init = object::list(pod, "/status/initContainerStatuses");
    for (at, status) in init.iter().enumerate() {
        let state = &status["state"];
        if state.pointer("/terminated/exitCode").is_some_and(|code| code == 0) {
            continue;
        }
        let reason = match object::text(state, "/terminated/reason") {
            "" => object::text(state, "/waiting/reason"),
            reason => reason,
        };
        return match reason {
            "" | "PodInitializing" => format!("Init:{at}/{}", init.len()),
            reason => format!("Init:{reason}"),
        };
    }
    let telling = object::list(pod, "/status/containerStatuses").iter().rev().find_map(|status| {
        let reasons = ["/state/waiting/reason", "/state/terminated/reason"].map(|p| object::text(status, p));
        reasons.into_iter().find(|reason| !reason.is_empty())
    });
    telling.unwrap_or_else(|| object::text(pod, "/status/phase")).to_owned()
}

fn service(service: &Value, age: String) -> Vec<Value> {
    let ports = object::list(service, "/spec/ports").iter().map(|p| {
        let protocol = object::text(p, "/protocol");
        match p["nodePort"].as_i64() {
            Some(node) => format!("{}:{node}/{protocol}", p["port"]),
            None => format!("{}/{protocol}", p["port"]),
        }
    });
    let kind = object::text(service, "/spec/type");
    let external = match kind {
        "LoadBalancer" => "<pending>",
        "ExternalName" => object::text(service, "/spec/externalName"),
        _ => "<none>",
    };
    let ip = match object::text(service, "/spec/clusterIP") {
        "" => "<none>",
        ip => ip,
    };
    cells([
        object::name(service).into(),
        kind.into(),
        ip.into(),
        external.into(),
        joined(ports, "<none>"),
        age,
        pairs(service, "/spec/selector"),
    ])
}

fn endpoints(endpoints: &Value) -> String {
    let subsets = object::list(endpoints, "/subsets").iter();
    let pairs = subsets.flat_map(|subset| {
        let ports = object::list(subset, "/ports");
        object::list(subset, "/addresses").iter().flat_map(move |address| {
            ports.iter().map(move |port| format!("{}:{}", object::text(address, "/ip"), port["port"]))
        })
    });
    joined(pairs, "<none>")
}

fn event(event: &Value, now: Timestamp) -> Vec<Value> {
    let involved = &event["involvedObject"];
    let kind = object::text(involved, "/kind").to_lowercase();
    vec![
        json!(names::age(object::text(event, "/lastTimestamp"), now)),
        event["type"].clone(),
        event["reason"].clone(),
        json!(format!("{kind}/{}", object::text(involved, "/name"))),
        event["source"]["component"].clone(),
        event["message"].clone(),
        event["count"].clone(),
        json!(object::name(event)),
    ]
}
