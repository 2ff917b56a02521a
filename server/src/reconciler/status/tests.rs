use domain::Failure;
use k8s_openapi::api::networking::v1::Ingress;
use serde_json::json;

use super::*;
use crate::reconciler::fixture;

fn deployment(name: &str, wanted: i32, status: serde_json::Value) -> Deployment {
    serde_json::from_value(json!({
        "metadata": { "name": name, "generation": 2, "labels": { "version-name": "v1" } },
        "spec": { "replicas": wanted, "selector": {}, "template": {} },
        "status": status,
    }))
    .unwrap()
}

fn complete(replicas: i32) -> serde_json::Value {
    json!({ "observedGeneration": 2, "replicas": replicas, "updatedReplicas": replicas, "availableReplicas": replicas })
}

/// All three Deployments of the version are complete.
fn observed(version: &VersionRecord) -> Observed {
    let mut observed = Observed::default();
    let nodes = version.manifest.workflows.iter().flat_map(|w| w.nodes.iter().map(move |n| (w, n)));
    let names = nodes.map(|(w, n)| node_deployment(&version.name, &w.name, &n.name));
    for name in names.chain([entrypoint_deployment(&version.name)]) {
        observed.deployments.insert(name.clone(), deployment(&name, 1, complete(1)).into());
    }
    observed
}

fn first(version: &VersionRecord) -> String {
    let workflow = &version.manifest.workflows[0];
    node_deployment(&version.name, &workflow.name, &workflow.nodes[0].name)
}

fn pod(name: &str, status: serde_json::Value, ending: Option<&str>) -> Pod {
    serde_json::from_value(json!({
        "metadata": {
            "name": name, "uid": name, "deletionTimestamp": ending,
            "labels": { "version-name": "v1", "workflow-name": "work", "node-name": "first", "type": "node" },
        },
        "status": status,
    }))
    .unwrap()
}

fn started() -> VersionRecord {
    VersionRecord { desired: Desired::Started, settled: true, ..fixture::version(1, "v1") }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn derived(version: &VersionRecord, observed: &Observed, now: Timestamp) -> Status {
    derive(version, observed, None, &CrashLogs::default(), now)
}

#[test]
fn pods_that_are_replaced_one_after_another_degrade_nothing() {
    let version = started();
    let mut seen = observed(&version);
    let name = first(&version);
    let mut health = |wanted, status| {
        seen.deployments.insert(name.clone(), deployment(&name, wanted, status).into());
        derived(&version, &seen, at(0)).health
    };
    let rolling = |available| json!({ "observedGeneration": 2, "replicas": 5, "updatedReplicas": 2, "availableReplicas": available });
    assert_eq!(health(4, rolling(3)), Health::Healthy, "a quarter may be missing");
    assert!(matches!(health(4, rolling(2)), Health::Degraded { .. }));
    let missing = json!({ "observedGeneration": 2, "replicas": 4, "updatedReplicas": 4, "availableReplicas": 3 });
    assert!(matches!(health(4, missing), Health::Degraded { .. }), "nothing is being replaced");
    let anew = json!({ "observedGeneration": 2, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 0 });
    assert!(matches!(health(1, anew), Health::Degraded { .. }), "one that was deleted and made anew");
}

#[test]
fn a_change_on_its_way_to_the_pods_of_a_version_that_runs_is_told() {
    let version = started();
    let mut seen = observed(&version);
    assert_eq!(derived(&version, &seen, at(0)).waiting, None);
    let rolling = json!({ "observedGeneration": 2, "replicas": 2, "updatedReplicas": 1, "availableReplicas": 1 });
    let name = first(&version);
    seen.deployments.insert(name.clone(), deployment(&name, 1, rolling).into());
    let waiting = derived(&version, &seen, at(0)).waiting.unwrap();
    assert_eq!(waiting, "rolling out a change: the pods of 2 of 3 deployments are up to date");
    let stopped = VersionRecord { desired: Desired::Stopped, settled: true, ..version };
    assert_eq!(derived(&stopped, &seen, at(0)).waiting, None);
}

#[test]
fn after_a_long_outage_a_version_is_healthy_once_no_pod_is_left_that_lived_through_it() {
    let version = VersionRecord { pods_restarted_at: Some(at(7)), ..started() };
    let mut seen = observed(&version);
    let running = json!({ "phase": "Running", "conditions": [{ "type": "Ready", "status": "True" }] });
    let mut restarted = pod("new", running.clone(), None);
    restarted.metadata.annotations = Some([(RESTARTED_AT.to_owned(), at(7).to_string())].into());
    seen.pods.insert("old".to_owned(), pod("old", running.clone(), None).into());
    let degraded = Health::Degraded { reason: format!("work/first: {RESTARTING}") };
    assert_eq!(derived(&version, &seen, at(8)).health, degraded, "before they restart");
    let name = first(&version);
    let rolling = json!({ "observedGeneration": 2, "replicas": 2, "updatedReplicas": 1, "availableReplicas": 1 });
    seen.deployments.insert(name.clone(), deployment(&name, 1, rolling).into());
    seen.pods.insert("new".to_owned(), restarted.into());
    assert_eq!(derived(&version, &seen, at(9)).health, degraded, "while they do");
    seen.deployments.insert(name.clone(), deployment(&name, 1, complete(1)).into());
    seen.pods.insert("old".to_owned(), pod("old", running, Some("1970-01-01T00:00:40Z")).into());
    assert_eq!(derived(&version, &seen, at(10)).health, Health::Healthy, "the last one is on its way out");
}

#[test]
fn a_pod_that_crashes_beside_enough_others_degrades_and_one_that_is_over_does_not() {
    let version = started();
    let mut seen = observed(&version);
    let crashing = json!({ "phase": "Running", "containerStatuses": [{
        "name": "node", "image": "i", "imageID": "", "ready": false, "restartCount": 4,
        "state": { "waiting": { "reason": "CrashLoopBackOff" } },
        "lastState": { "terminated": { "exitCode": 137, "reason": "OOMKilled" } },
    }] });
    seen.pods.insert("p".to_owned(), pod("p", crashing.clone(), None).into());
    let status = derived(&version, &seen, at(0));
    let Health::Degraded { reason } = status.health else { panic!("{status:?}") };
    assert_eq!(
        reason,
        "work/first: crash-looping: container `node` ended with exit code 137 (OOMKilled), restarted 4 times"
    );
    let mut over = crashing;
    over["phase"] = json!("Failed");
    seen.pods.insert("p".to_owned(), pod("p", over, None).into());
    assert_eq!(derived(&version, &seen, at(0)).health, Health::Healthy);
}

#[test]
fn a_stop_says_what_is_left_and_since_when_it_is_overdue() {
    let version = VersionRecord { settled: false, deadline: Some(at(120)), ..fixture::version(1, "v1") };
    let mut seen = Observed::default();
    seen.pods.insert("p".to_owned(), pod("p", json!({}), Some("1970-01-01T00:01:00Z")).into());
    let waiting = |seen: &Observed, second| derived(&version, seen, at(second)).waiting.unwrap();
    assert_eq!(waiting(&seen, 65), "waiting for 1 pod and 0 deployments to be deleted");
    let overdue = "waiting for 1 pod and 0 deployments to be deleted; pod p is overdue since 00:01:00 UTC";
    assert_eq!(waiting(&seen, 119), overdue);
    assert_eq!(waiting(&seen, 120), format!("overdue since 00:02:00 UTC, still in progress: {overdue}"));
}

#[test]
fn a_stop_names_what_a_finalizer_holds_and_only_once_it_was_told_to_go() {
    let version = VersionRecord { settled: false, ..fixture::version(1, "v1") };
    let ingress = |ending: Option<&str>| -> Ingress {
        let metadata = json!({
            "name": "v1-preview", "labels": { "version-name": "v1" }, "deletionTimestamp": ending,
            "finalizers": ["example.org/balancer"],
        });
        serde_json::from_value(json!({ "metadata": metadata })).unwrap()
    };
    let mut seen = Observed::default();
    let mut waiting = |ending| {
        seen.ingresses.insert("v1-preview".to_owned(), ingress(ending).into());
        derived(&version, &seen, at(0)).waiting.unwrap()
    };
    assert_eq!(waiting(None), "waiting for 0 pods and 0 deployments to be deleted");
    assert_eq!(
        waiting(Some("1970-01-01T00:00:00Z")),
        "waiting for 0 pods and 0 deployments to be deleted; ingress v1-preview is blocked by the finalizer example.org/balancer"
    );
}

#[test]
fn only_a_stop_is_overdue() {
    let failure = Failure { at: at(0), node: None, reason: "x".to_owned(), events: Vec::new(), log: Vec::new() };
    let starting = VersionRecord {
        desired: Desired::Started,
        settled: false,
        deadline: Some(at(1)),
        failure: Some(failure),
        ..fixture::version(1, "v1")
    };
    let waiting = derived(&starting, &observed(&starting), at(9)).waiting.unwrap();
    assert_eq!(waiting, "3 of 3 deployments ready");
}
