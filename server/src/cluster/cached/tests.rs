use serde_json::{Value, json};

use super::*;

fn pod() -> Pod {
    let running = json!({ "running": { "startedAt": "2026-01-01T00:00:00Z" } });
    let container = |name: &str| {
        json!({
            "name": name, "image": "runner:1", "imageID": "sha256:0", "containerID": "c", "ready": true, "started": true,
            "restartCount": 2, "state": running, "lastState": { "terminated": { "exitCode": 1, "reason": "Error" } },
        })
    };
    let condition =
        |kind: &str| json!({ "type": kind, "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z" });
    serde_json::from_value(json!({
        "metadata": {
            "name": "p", "namespace": "n", "uid": "u", "resourceVersion": "7", "generateName": "p-",
            "labels": { "version-name": "v1", "type": "node", "pod-template-hash": "5d" },
            "annotations": { "mesh": "x".repeat(1000), RESTARTED_AT: "2026-01-01T00:00:00Z" },
            "ownerReferences": [{ "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "r", "uid": "o" }],
            "managedFields": [{ "manager": "kubelet", "fieldsV1": { "f:status": { "f:phase": {} } } }],
        },
        "spec": { "nodeName": "machine", "containers": [{ "name": "node", "image": "runner:1", "env": [] }] },
        "status": {
            "phase": "Running", "podIP": "10.0.0.1", "qosClass": "BestEffort",
            "conditions": [condition("Initialized"), condition("Ready"), condition("PodScheduled")],
            "containerStatuses": [container("node")], "initContainerStatuses": [container("krt-files")],
        },
    }))
    .unwrap()
}

#[test]
fn of_a_pod_only_what_is_read_is_kept() {
    let (cached, packed) = to_cached(pod());
    assert_eq!((cached.metadata.uid.as_deref(), packed), (Some("u"), None));
    let cached = serde_json::to_value(&cached).unwrap();
    assert_eq!(cached["metadata"]["labels"], json!({ "version-name": "v1", "type": "node" }));
    assert_eq!(cached["metadata"]["annotations"], json!({ RESTARTED_AT: "2026-01-01T00:00:00Z" }));
    assert_eq!(cached["metadata"]["ownerReferences"][0]["name"], "r");
    assert_eq!(cached["spec"], json!({ "containers": [], "nodeName": "machine" }));
    let conditions: Vec<_> = cached["status"]["conditions"].as_array().unwrap().iter().map(|c| &c["type"]).collect();
    assert_eq!(conditions, ["Ready", "PodScheduled"]);
    for list in ["containerStatuses", "initContainerStatuses"] {
        let status = &cached["status"][list][0];
        assert_eq!((&status["restartCount"], &status["lastState"]["terminated"]["exitCode"]), (&json!(2), &json!(1)));
    }
    for gone in ["/metadata/managedFields", "/metadata/generateName", "/status/podIP"] {
        assert_eq!(cached.pointer(gone), None, "{gone}");
    }
}

#[test]
fn of_a_deployment_the_template_is_packed_and_comes_back_as_it_was() {
    let template = json!({
        "metadata": { "labels": { "a": "b" } },
        "spec": { "containers": [{ "name": "node", "image": "runner:1", "env": [{ "name": "A", "value": "1" }] }] },
    });
    let spec = json!({ "replicas": 2, "selector": { "matchLabels": { "a": "b" } }, "template": template });
    let condition = |kind: &str| json!({ "type": kind, "status": "True", "message": "m" });
    let live: Deployment = serde_json::from_value(json!({
        "metadata": { "name": "d", "generation": 3, "annotations": { LAST_APPLIED: "{}", "kai-server/x": "1" } },
        "spec": spec,
        "status": { "replicas": 2, "conditions": [condition("Available"), condition("ReplicaFailure")] },
    }))
    .unwrap();
    let (mut cached, packed) = to_cached(live.clone());
    let light = serde_json::to_value(&cached).unwrap();
    assert_eq!((&light["spec"]["replicas"], &light["spec"]["template"]), (&json!(2), &json!({})));
    assert_eq!(light["status"]["conditions"].as_array().unwrap().len(), 1);
    assert_eq!(light["metadata"]["annotations"], json!({ "kai-server/x": "1" }));
    cached.unpack(&packed.unwrap());
    assert_eq!(cached.spec, live.spec);
}

#[test]
fn what_is_compared_with_what_is_wanted_is_kept_whole() {
    let secret: Value =
        json!({ "metadata": { "name": "s" }, "data": { "A": "eA==" }, "type": "Opaque", "immutable": true });
    let service: Value =
        json!({ "metadata": { "name": "s" }, "spec": { "selector": { "a": "b" }, "clusterIP": "10.0.0.1" } });
    let (secret_kept, _) = to_cached(serde_json::from_value::<Secret>(secret.clone()).unwrap());
    let (service_kept, _) = to_cached(serde_json::from_value::<Service>(service.clone()).unwrap());
    assert_eq!(serde_json::from_value::<Secret>(secret).unwrap(), secret_kept);
    assert_eq!(serde_json::from_value::<Service>(service).unwrap(), service_kept);
}
