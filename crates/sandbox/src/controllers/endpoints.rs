//! Endpoints and EndpointSlices: which pods stand behind each Service, and which of them are ready.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Map, Value, json};

use super::{
    Controller, Queue,
    pod::NODE,
    replicaset::{as_controller, is_ready, owned_by},
};
use crate::{
    admission,
    kinds::Kind,
    object::{self, Object},
    selectors::LabelSelector,
    store::{Change, Event, Key, State, Store},
};

const NAME: &str = "endpointslice-controller.k8s.io";

/// The values of a selector, in the order of its keys.
type Values = Vec<String>;

/// Services by the keys, then the values, of their selectors.
type BySelector = BTreeMap<Vec<String>, HashMap<Values, BTreeSet<Key>>>;

/// Finds the Services of a pod without asking each: Services are filed by their selector's keys, then its values.
#[derive(Default)]
pub(super) struct Endpoints {
    /// One file for each namespace.
    filed: HashMap<String, BySelector>,
}

impl Endpoints {
    fn file(&mut self, service: &Value, present: bool) {
        let Some(selector) = selector(service) else { return };
        let mut pairs: Vec<_> = selector.iter().collect();
        pairs.sort_by_key(|(key, _)| *key);
        let keys = pairs.iter().map(|(key, _)| (*key).clone()).collect();
        let values: Values = pairs.iter().map(|(_, value)| value.as_str().unwrap_or_default().to_owned()).collect();
        let by_values = self.filed.entry(object::namespace(service).to_owned()).or_default().entry(keys).or_default();
        let services = by_values.entry(values.clone()).or_default();
        if present {
            services.insert(Key::of(service));
        } else {
            services.remove(&Key::of(service));
            if services.is_empty() {
                by_values.remove(&values);
            }
        }
    }

    fn queue_services_of(&self, pod: &Value, queue: &mut Queue) {
        let Some(labels) = object::labels(pod) else { return };
        for (keys, by_values) in self.filed.get(object::namespace(pod)).into_iter().flatten() {
            let values: Option<Values> =
                keys.iter().map(|key| labels.get(key).and_then(Value::as_str).map(str::to_owned)).collect();
            for key in values.and_then(|values| by_values.get(&values)).into_iter().flatten() {
                queue.add(key.clone());
            }
        }
    }
}

fn selector(service: &Value) -> Option<&Map<String, Value>> {
    object::map(service, "/spec/selector").filter(|s| !s.is_empty())
}

impl Controller for Endpoints {
    fn kinds(&self) -> &'static [Kind] {
        // Services first: pods are looked up among them.
        &[Kind::Service, Kind::Pod, Kind::EndpointSlice, Kind::Endpoints]
    }

    fn observe(&mut self, event: &Event, queue: &mut Queue) {
        match event.kind {
            Kind::Service => {
                if let Some(previous) = event.previous() {
                    self.file(&previous, false);
                }
                self.file(&event.object(), event.change != Change::Deleted);
                queue.add(Key::of(&event.object()));
            }
            Kind::Pod => {
                for pod in [Some(event.object()), event.previous()].into_iter().flatten() {
                    self.queue_services_of(&pod, queue);
                }
            }
            // Deleted or changed by hand: it is created again.
            Kind::EndpointSlice => {
                let slice = event.object();
                if let Some(owner) = object::controller(&slice) {
                    queue.add(Key::new(object::namespace(&slice), object::text(owner, "/name")));
                }
            }
            _ => queue.add(Key::of(&event.object())),
        }
    }

    fn reconcile(&mut self, store: &Store, key: &Key, _queue: &mut Queue) {
        store.write(|state| {
            let service = state.get(Kind::Service, key);
            let Some(service) = service.filter(|s| !object::is_ending(s) && selector(s).is_some()) else {
                return;
            };
            let Some(selector) = selector(&service).map(LabelSelector::from_labels) else { return };
            let mut pods = state.list(Kind::Pod, Some(&key.namespace), &selector);
            pods.retain(|pod| {
                let over = matches!(object::text(pod, "/status/phase"), "Failed" | "Succeeded");
                !over && !object::text(pod, "/status/podIP").is_empty()
            });
            write_slice(state, &service, &pods);
            write_endpoints(state, &service, &pods);
        });
    }
}

/// The port numbers that the pods listen on.
fn ports(service: &Value, pods: &[Object]) -> Vec<Value> {
    let resolve = |port: &Value| match &port["targetPort"] {
        Value::String(name) => {
            let containers = pods.iter().flat_map(|pod| object::list(pod, "/spec/containers"));
            let found = containers.flat_map(|c| object::list(c, "/ports")).find(|p| p["name"] == name.as_str());
            found.map(|p| p["containerPort"].clone())
        }
        Value::Null => Some(port["port"].clone()),
        number => Some(number.clone()),
    };
    let ports = object::list(service, "/spec/ports").iter();
    ports
        .filter_map(|port| {
            let number = resolve(port)?;
            let name = object::text(port, "/name");
            Some(json!({ "name": name, "port": number, "protocol": port["protocol"] }))
        })
        .collect()
}

fn target(pod: &Value) -> Value {
    let metadata = &pod["metadata"];
    json!({ "kind": "Pod", "namespace": metadata["namespace"], "name": metadata["name"], "uid": metadata["uid"] })
}

fn write_slice(state: &mut State, service: &Value, pods: &[Object]) {
    let always_ready = service["spec"]["publishNotReadyAddresses"] == true;
    let endpoints: Vec<_> = pods
        .iter()
        .map(|pod| {
            let (serving, terminating) = (is_ready(pod), object::is_ending(pod));
            json!({
                "addresses": [pod["status"]["podIP"]],
                "conditions": {
                    "ready": always_ready || (serving && !terminating),
                    "serving": serving,
                    "terminating": terminating,
                },
                "nodeName": NODE,
                "targetRef": target(pod),
            })
        })
        .collect();
    let mut labels = object::labels(service).cloned().unwrap_or_default();
    labels.insert("kubernetes.io/service-name".into(), object::name(service).into());
    labels.insert("endpointslice.kubernetes.io/managed-by".into(), NAME.into());
    let ports = ports(service, pods);
    let fill = |slice: &mut Value| {
        object::set(slice, &["metadata", "labels"], labels.clone());
        slice["endpoints"] = endpoints.into();
        slice["ports"] = ports.into();
    };
    match state.dependents(object::uid(service), Kind::EndpointSlice).first().map(|slice| Key::of(slice)) {
        Some(key) => {
            admission::modify(state, Kind::EndpointSlice, &key, fill);
        }
        None => {
            let mut slice = json!({
                "metadata": {
                    "generateName": format!("{}-", object::name(service)),
                    "ownerReferences": owned_by(service),
                },
                "addressType": "IPv4",
            });
            fill(&mut slice);
            create(state, Kind::EndpointSlice, object::namespace(service), slice);
        }
    }
}

fn write_endpoints(state: &mut State, service: &Value, pods: &[Object]) {
    let (ready, not_ready): (Vec<_>, Vec<_>) =
        pods.iter().filter(|pod| !object::is_ending(pod)).partition(|pod| is_ready(pod));
    let addresses = |pods: &[&Object]| -> Vec<Value> {
        pods.iter()
            .map(|pod| json!({ "ip": pod["status"]["podIP"], "nodeName": NODE, "targetRef": target(pod) }))
            .collect()
    };
    let mut subset = json!({ "ports": ports(service, pods) });
    for (field, pods) in [("addresses", &ready), ("notReadyAddresses", &not_ready)] {
        if !pods.is_empty() {
            subset[field] = addresses(pods).into();
        }
    }
    let subsets = if ready.is_empty() && not_ready.is_empty() { json!([]) } else { json!([subset]) };
    let key = Key::of(service);
    let labels = object::labels(service).cloned();
    let fill = |endpoints: &mut Value| {
        if let Some(labels) = labels {
            object::set(endpoints, &["metadata", "labels"], labels);
        }
        endpoints["subsets"] = subsets;
    };
    if state.has(Kind::Endpoints, &key) {
        admission::modify(state, Kind::Endpoints, &key, fill);
    } else {
        let owner = owned_by(service);
        let mut endpoints = json!({ "metadata": { "name": key.name, "ownerReferences": owner } });
        fill(&mut endpoints);
        create(state, Kind::Endpoints, &key.namespace, endpoints);
    }
}

/// Refused only in a namespace that ends, where nothing is to be made.
fn create(state: &mut State, kind: Kind, namespace: &str, object: Value) {
    if let Err(failure) = admission::create(state, kind, namespace, object, &as_controller(NAME)) {
        tracing::debug!(%failure, "the sandbox could not create an object");
    }
}
