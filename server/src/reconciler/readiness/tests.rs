//! What pods look like in the API, and what is said of them.

use serde_json::{Value, json};

use super::*;

fn pod(status: Value) -> Pod {
    serde_json::from_value(json!({ "metadata": { "name": "p" }, "status": status })).unwrap()
}

fn container(state: Value, restarts: i32) -> Value {
    json!({
        "name": "node", "image": "some/image:1", "imageID": "", "ready": false, "restartCount": restarts, "state": state,
        "lastState": { "terminated": { "exitCode": 3 } },
    })
}

fn waiting(reason: &str, message: &str, restarts: i32) -> Value {
    json!({ "containerStatuses": [container(json!({ "waiting": { "reason": reason, "message": message } }), restarts)] })
}

#[test]
fn each_way_in_which_a_pod_is_not_ready_is_shown_with_kubernetes_message() {
    let cases = [
        (waiting("ContainerCreating", "", 0), Severity::Progressing, "creating the container"),
        (waiting("ErrImagePull", "no such host", 0), Severity::Failing, "cannot pull the image: no such host"),
        (
            waiting("ImagePullBackOff", "Back-off pulling image \"some/image:1\"", 0),
            Severity::Fatal,
            "cannot pull the image `some/image:1`",
        ),
        (waiting("ImagePullBackOff", "Back-off: 403 Forbidden", 0), Severity::Fatal, "403 Forbidden"),
        (waiting("InvalidImageName", "couldn't parse", 0), Severity::Fatal, "couldn't parse"),
        (waiting("CrashLoopBackOff", "", 2), Severity::Failing, "exit code 3"),
        (waiting("CrashLoopBackOff", "", 3), Severity::Fatal, "restarted 3 times"),
        (
            waiting("CreateContainerConfigError", "secret \"x\" not found", 0),
            Severity::Failing,
            "secret \"x\" not found",
        ),
        (
            json!({ "containerStatuses": [container(json!({ "terminated": { "exitCode": 2 } }), 0)] }),
            Severity::Failing,
            "exit code 2",
        ),
        (
            json!({ "conditions": [{ "type": "PodScheduled", "status": "False", "message": "0/1 nodes are available" }] }),
            Severity::Failing,
            "unschedulable: 0/1 nodes are available",
        ),
        (
            json!({ "initContainerStatuses": [container(json!({ "running": {} }), 0)] }),
            Severity::Progressing,
            "downloading the KRT file",
        ),
        (
            json!({ "containerStatuses": [container(json!({ "running": {} }), 0)] }),
            Severity::Progressing,
            "not ready yet",
        ),
    ];
    for (status, severity, said) in cases {
        let problem = pod_problem(&pod(status.clone())).unwrap_or_else(|| panic!("nothing is reported for {status}"));
        assert_eq!(problem.severity, severity, "{status}");
        assert!(problem.message.contains(said), "{:?} does not say {said:?}", problem.message);
    }
}

#[test]
fn nothing_is_said_of_a_pod_that_is_ready_or_on_its_way_out() {
    let ready = json!({
        "conditions": [{ "type": "Ready", "status": "True" }],
        "containerStatuses": [container(json!({ "running": {} }), 0)],
    });
    assert_eq!(pod_problem(&pod(ready)), None);
    let mut leaving = pod(waiting("CrashLoopBackOff", "", 9));
    leaving.metadata.deletion_timestamp =
        Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(Timestamp::UNIX_EPOCH));
    assert_eq!(pod_problem(&leaving), None);
}

#[test]
fn a_deployment_is_complete_when_all_replicas_of_its_newest_template_are_available() {
    let deployment = |observed: i64, replicas: i32, updated: i32, available: i32| -> Deployment {
        serde_json::from_value(json!({
            "metadata": { "generation": 2 },
            "spec": { "replicas": 2, "selector": {}, "template": {} },
            "status": {
                "observedGeneration": observed, "replicas": replicas, "updatedReplicas": updated,
                "availableReplicas": available,
            },
        }))
        .unwrap()
    };
    for (status, complete) in [
        ((2, 2, 2, 2), true),
        ((1, 2, 2, 2), false),
        ((2, 2, 2, 1), false),
        ((2, 2, 1, 2), false),
        ((2, 3, 2, 3), false),
    ] {
        let (observed, replicas, updated, available) = status;
        assert_eq!(progress(&deployment(observed, replicas, updated, available)).complete, complete, "{status:?}");
    }
}

#[test]
fn pods_that_are_refused_for_what_they_are_end_a_start_and_what_may_pass_does_not() {
    let deployment = |message: &str| -> Deployment {
        let condition = json!({ "type": "ReplicaFailure", "status": "True", "message": message });
        serde_json::from_value(json!({
            "spec": { "selector": {}, "template": {} }, "status": { "conditions": [condition] },
        }))
        .unwrap()
    };
    let severity = |message: &str| replica_failure(&deployment(message)).unwrap().1;
    for (said, expected) in [
        (r#"pods "x" is forbidden: exceeded quota: small"#, Severity::Fatal),
        (r#"pods "x" is forbidden: failed quota: small: must specify limits.cpu,limits.memory"#, Severity::Fatal),
        (r#"pods "x" is forbidden: maximum cpu usage per Container is 100m, but limit is 2"#, Severity::Fatal),
        (
            r#"pods "x" is forbidden: minimum memory usage per Container is 1Gi. No request is specified"#,
            Severity::Fatal,
        ),
        (r#"pods "x" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot != true"#, Severity::Fatal),
        (r#"admission webhook "policy.example.org" denied the request: no image from there"#, Severity::Fatal),
        (r#"Pod "x" is invalid: spec.containers[0].resources.requests: Invalid value: "2""#, Severity::Fatal),
        (r#"pods "x" is forbidden: error looking up service account kai-x/default: not found"#, Severity::Failing),
        (r#"pods "x" is forbidden: status unknown for quota: small"#, Severity::Failing),
        (
            r#"pods "x" is forbidden: unable to create new content in namespace kai-x because it is being terminated"#,
            Severity::Failing,
        ),
        (
            r#"Internal error occurred: failed calling webhook "policy.example.org": connection refused"#,
            Severity::Failing,
        ),
        (r#"Timeout: request did not complete within requested timeout"#, Severity::Failing),
    ] {
        assert_eq!(severity(said), expected, "{said}");
    }
}
