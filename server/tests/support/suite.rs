//! The lifecycle (docs/lifecycle.md §2 and §3) on any cluster. Each test has a runtime of its own.

use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{ConfigMap, Pod, Secret, Service},
    networking::v1::Ingress,
};
use kube::{
    ResourceExt,
    api::{DeleteParams, ListParams, PostParams},
};
use serde_json::{Value, json};

use super::{
    fixture::Fixture,
    log_lines::{LogLines, said},
};

pub(crate) async fn versions_are_started_published_replaced_unpublished_and_stopped(fixture: Fixture) {
    let runtime = "path";
    let files =
        vec![Fixture::krt("one").variable("API_KEY").bytes(), Fixture::krt("two").file("settings.json").bytes()];
    fixture.add(runtime, files).await;
    assert!(fixture.belongings(runtime, "one").await.is_empty(), "a stopped version uses nothing");

    fixture.reach(runtime, "one", "start", "started").await;
    let view = fixture.view(runtime, "one").await;
    assert_eq!(view["health"]["status"], "healthy");
    assert_eq!(view["workflows"][0]["nodes"][0]["status"], "ready");
    assert_eq!(view["workflows"][0]["nodes"][0]["ready_replicas"], 1);
    assert_eq!(view["allowed_actions"], json!(["stop", "publish"]));
    assert_eq!(fixture.names::<Deployment>(runtime).await.len(), 2);
    assert_eq!(fixture.names::<Secret>(runtime).await, ["one-config"]);
    assert_eq!(fixture.names::<ConfigMap>(runtime).await, ["one-subjects"]);
    assert_eq!(fixture.names::<Service>(runtime).await, ["one-entrypoint"]);
    assert!(fixture.names::<Ingress>(runtime).await.is_empty(), "not reachable from outside");

    fixture.reach(runtime, "one", "publish", "published").await;
    assert_eq!(fixture.selected(runtime).await.as_deref(), Some("one"));
    assert_eq!(fixture.names::<Ingress>(runtime).await, ["entrypoint"]);
    gone(&fixture, runtime, "one-entrypoint").await;

    fixture.reach(runtime, "two", "start", "started").await;
    let before = fixture.api::<Service>(runtime).get("active-entrypoint").await.unwrap();
    assert_eq!(fixture.view(runtime, "two").await["replaces"], "one");
    fixture.reach(runtime, "two", "publish", "published").await;
    let after = fixture.api::<Service>(runtime).get("active-entrypoint").await.unwrap();
    assert_eq!(before.uid(), after.uid(), "the published Service is changed in place");
    assert_eq!(fixture.selected(runtime).await.as_deref(), Some("two"));
    assert_eq!(fixture.view(runtime, "one").await["state"], "started");
    gone(&fixture, runtime, "two-entrypoint").await;
    assert!(fixture.names::<Service>(runtime).await.contains(&"one-entrypoint".to_owned()));

    let refused = fixture.server.post(&format!("/api/v1/runtimes/{runtime}/versions/two/stop"), json!({})).await;
    let refused = refused.expect_error(409, "refused");
    assert!(refused["message"].as_str().unwrap().contains("published"), "{refused}");

    fixture.reach(runtime, "two", "unpublish", "started").await;
    assert_eq!(fixture.selected(runtime).await, None);
    assert!(fixture.names::<Ingress>(runtime).await.is_empty());
    for version in ["one", "two"] {
        fixture.reach(runtime, version, "stop", "stopped").await;
        assert!(
            fixture.belongings(runtime, version).await.is_empty(),
            "{:?}",
            fixture.belongings(runtime, version).await
        );
    }
    fixture.reach(runtime, "one", "archive", "archived").await;

    let done: Vec<(String, String, String)> = fixture.history(runtime, "two").await.iter().map(line).collect();
    let expected = ["stop", "unpublish", "publish", "start", "configure", "create"];
    assert_eq!(done.iter().map(|(action, _, _)| action.as_str()).collect::<Vec<_>>(), expected);
    assert!(done.iter().all(|(_, outcome, who)| outcome == "reached" && who == "local"), "{done:?}");
    fixture.clear(&[runtime]).await;
}

pub(crate) async fn a_version_whose_image_does_not_exist_ends_stopped_with_the_reason(fixture: Fixture) {
    let runtime = "nopull";
    let image = "sandbox/fail-pull:1";
    let krt = Fixture::krt("one").images(image, "konstellation/kre-entrypoint:latest").bytes();
    fixture.add(runtime, vec![krt]).await;
    fixture.act(runtime, "one", "start").await;
    let view = fixture.wait(runtime, "one", "stopped").await;
    let failure = &view["failure"];
    assert_eq!(failure["node"], "greeting/greeter", "{failure}");
    assert!(failure["reason"].as_str().is_some_and(|reason| reason.contains(image)), "{failure}");
    assert!(fixture.belongings(runtime, "one").await.is_empty(), "{:?}", fixture.belongings(runtime, "one").await);
    let history = fixture.history(runtime, "one").await;
    let ending = ("stop".to_owned(), "reached".to_owned(), "kai-server".to_owned());
    let failing = ("start".to_owned(), "failed".to_owned(), "local".to_owned());
    assert_eq!(history[..2].iter().map(line).collect::<Vec<_>>(), [ending, failing]);
    assert!(failure["events"].as_array().is_some_and(|events| !events.is_empty()), "{failure}");
    fixture.clear(&[runtime]).await;
}

pub(crate) async fn a_version_that_crashes_ends_stopped_with_the_reason_and_its_last_words(fixture: Fixture) {
    let runtime = "crash";
    // The test cluster's runner ends when it is told to by this variable; the sandbox goes by the image.
    let image = if fixture.is_real() { "konstellation/kre-py:latest" } else { "sandbox/crash:1" };
    let krt = Fixture::krt("one").images(image, "konstellation/kre-entrypoint:latest").variable("CRASH_AFTER").bytes();
    fixture.add(runtime, vec![krt]).await;
    fixture.configure(runtime, "one", json!({ "CRASH_AFTER": "1s" })).await;
    fixture.act(runtime, "one", "start").await;
    let view = fixture.wait(runtime, "one", "stopped").await;
    let failure = &view["failure"];
    assert_eq!(failure["node"], "greeting/greeter", "{failure}");
    assert!(failure["reason"].as_str().is_some_and(|reason| reason.contains("exit code 1")), "{failure}");
    assert!(failure["log"].as_array().is_some_and(|log| !log.is_empty()), "{failure}");
    assert!(fixture.belongings(runtime, "one").await.is_empty());
    fixture.clear(&[runtime]).await;
}

pub(crate) async fn a_published_version_that_loses_a_pod_is_degraded_and_heals(fixture: Fixture) {
    let runtime = "heal";
    fixture.add(runtime, vec![Fixture::krt("one").bytes()]).await;
    fixture.reach(runtime, "one", "start", "started").await;
    fixture.reach(runtime, "one", "publish", "published").await;
    let entrypoint = ListParams::default().labels("type=entrypoint");
    let pods = fixture.api::<Pod>(runtime);
    let pod = pods.list(&entrypoint).await.unwrap().items[0].name_any();
    pods.delete(&pod, &DeleteParams::default()).await.unwrap();
    let degraded = |view: &Value| view["health"]["status"] == "degraded";
    let view = fixture.until(runtime, "one", "degraded", degraded).await;
    assert_eq!(view["state"], "published");
    assert!(view["health"]["reason"].as_str().is_some_and(|reason| reason.contains("entrypoint")), "{view}");
    let healthy = |view: &Value| view["health"]["status"] == "healthy";
    let view = fixture.until(runtime, "one", "healthy", healthy).await;
    assert_eq!(view["state"], "published");
    let told = || async {
        let history = fixture.history(runtime, "one").await;
        let by_server = history.iter().map(line).filter(|(_, _, who)| who == "kai-server");
        by_server.map(|(action, _, _)| action).collect::<Vec<_>>() == ["healed", "degraded"]
    };
    fixture.until_cluster("a fall and a recovery in the history", told).await;
    fixture.clear(&[runtime]).await;
}

pub(crate) async fn what_somebody_deletes_comes_back(fixture: Fixture) {
    let runtime = "drift";
    fixture.add(runtime, vec![Fixture::krt("one").bytes()]).await;
    fixture.reach(runtime, "one", "start", "started").await;
    fixture.reach(runtime, "one", "publish", "published").await;
    let services = fixture.api::<Service>(runtime);
    let uid = services.get("active-entrypoint").await.unwrap().uid();
    services.delete("active-entrypoint", &DeleteParams::default()).await.unwrap();
    let back = || async {
        let live = services.get_opt("active-entrypoint").await.unwrap();
        live.is_some_and(|live| live.uid() != uid)
    };
    fixture.until_cluster("the published Service again", back).await;

    let deployments = fixture.api::<Deployment>(runtime);
    let name = "one-entrypoint";
    let uid = deployments.get(name).await.unwrap().uid();
    deployments.delete(name, &DeleteParams::background()).await.unwrap();
    let back = || async {
        let live = deployments.get_opt(name).await.unwrap();
        live.is_some_and(|live| live.uid() != uid && live.status.is_some_and(|s| s.available_replicas == Some(1)))
    };
    fixture.until_cluster("the entrypoint's Deployment again", back).await;
    let is_told = |entries: Vec<Value>, what: &str| {
        entries.iter().any(|entry| {
            entry["comment"] == what && line(entry) == ("repair".into(), "reached".into(), "kai-server".into())
        })
    };
    for what in ["Service active-entrypoint was missing", "Deployment one-entrypoint was missing"] {
        let told = || async { is_told(fixture.history(runtime, "one").await, what) };
        fixture.until_cluster(&format!("in the history: {what}"), told).await;
    }
    fixture.clear(&[runtime]).await;
}

pub(crate) async fn a_start_can_be_cancelled(fixture: Fixture) {
    let runtime = "cancel";
    fixture.add(runtime, vec![Fixture::krt("one").bytes()]).await;
    fixture.act(runtime, "one", "start").await;
    fixture.reach(runtime, "one", "stop", "stopped").await;
    assert!(fixture.belongings(runtime, "one").await.is_empty());
    let history = fixture.history(runtime, "one").await;
    let outcomes: Vec<_> = history.iter().map(|entry| entry["outcome"]["result"].clone()).collect();
    assert_eq!(outcomes, ["reached", "cancelled", "reached"]);
    fixture.clear(&[runtime]).await;
}

pub(crate) async fn another_value_replaces_the_pods_of_a_running_version(fixture: Fixture) {
    let runtime = "config";
    fixture.add(runtime, vec![Fixture::krt("one").variable("API_KEY").bytes()]).await;
    fixture.reach(runtime, "one", "start", "started").await;
    let pods = fixture.api::<Pod>(runtime);
    let params = ListParams::default().labels("type=node");
    let before = pods.list(&params).await.unwrap().items[0].name_any();
    fixture.configure(runtime, "one", json!({ "API_KEY": "another" })).await;
    let replaced = || async {
        let now = pods.list(&params).await.unwrap().items;
        !now.is_empty() && now.iter().all(|pod| pod.name_any() != before)
    };
    fixture.until_cluster("other pods", replaced).await;
    assert_eq!(fixture.view(runtime, "one").await["state"], "started");
    fixture.clear(&[runtime]).await;
}

pub(crate) async fn logs_are_read_and_followed_beyond_the_end_of_a_pod(fixture: Fixture) {
    let runtime = "logs";
    fixture.add(runtime, vec![Fixture::krt("one").bytes()]).await;
    fixture.reach(runtime, "one", "start", "started").await;
    // A real container may take a moment from being ready to its first word.
    let mut followed = LogLines::open(&fixture.server, runtime, "one", "node=greeter&follow=true").await;
    let first = followed.until("a line", |line| line.container == "node").await;
    assert_eq!((first.node.as_str(), first.workflow.as_ref().unwrap().as_str()), ("greeter", "greeting"));
    assert!(!said(&first).is_empty() && first.time > domain::Timestamp::UNIX_EPOCH, "{first:?}");
    let read = LogLines::open(&fixture.server, runtime, "one", "workflow=greeting").await.all().await;
    assert!(read.contains(&first), "{first:?} in {read:?}");
    assert!(read.iter().all(|line| line.pod == first.pod && !said(line).is_empty()), "{read:?}");

    fixture.api::<Pod>(runtime).delete(&first.pod, &DeleteParams::default()).await.unwrap();
    let next = followed.until("a line of the pod in its place", |line| line.pod != first.pod).await;
    assert_eq!((next.node.as_str(), next.time > first.time), ("greeter", true), "{next:?}");
    fixture.reach(runtime, "one", "stop", "stopped").await;
    assert!(LogLines::open(&fixture.server, runtime, "one", "").await.all().await.is_empty());
    fixture.clear(&[runtime]).await;
}

pub(crate) async fn a_version_that_the_cluster_refuses_holds_up_no_other(fixture: Fixture) {
    let runtime = "refused";
    fixture.add(runtime, vec![Fixture::krt("one").bytes(), Fixture::krt("two").bytes()]).await;
    // Somebody else's, in the way.
    fixture.create_namespace(runtime).await;
    let foreign: Deployment = serde_json::from_value(json!({
        "metadata": { "name": "one-entrypoint" },
        "spec": {
            "replicas": 0,
            "selector": { "matchLabels": { "app": "foreign" } },
            "template": {
                "metadata": { "labels": { "app": "foreign" } },
                "spec": { "containers": [{ "name": "c", "image": "busybox:1.37" }] },
            },
        },
    }))
    .unwrap();
    let deployments = fixture.api::<Deployment>(runtime);
    deployments.create(&PostParams::default(), &foreign).await.unwrap();

    fixture.act(runtime, "one", "start").await;
    let refused =
        |view: &Value| view["waiting"].as_str().is_some_and(|why| why.contains("is not managed by kai-server"));
    fixture.until(runtime, "one", "waiting with the reason", refused).await;
    fixture.reach(runtime, "two", "start", "started").await;
    assert_eq!(fixture.view(runtime, "two").await["waiting"], Value::Null);
    fixture.reach(runtime, "one", "stop", "stopped").await;
    assert!(fixture.belongings(runtime, "one").await.is_empty(), "{:?}", fixture.belongings(runtime, "one").await);
    assert!(deployments.get_opt("one-entrypoint").await.unwrap().is_some(), "what is not ours is left alone");
    fixture.clear(&[runtime]).await;
}

async fn gone(fixture: &Fixture, runtime: &str, service: &str) {
    let services = fixture.api::<Service>(runtime);
    let gone = || async { services.get_opt(service).await.unwrap().is_none() };
    fixture.until_cluster(&format!("no Service {service}"), gone).await;
}

fn line(entry: &Value) -> (String, String, String) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (text(&entry["action"]), text(&entry["outcome"]["result"]), text(&entry["who"]))
}

/// One test of each, on the stage that the expression makes.
macro_rules! lifecycle_suite {
    ($fixture:expr) => {
        $crate::support::suite::lifecycle_suite!(@each $fixture,
            versions_are_started_published_replaced_unpublished_and_stopped
            a_version_whose_image_does_not_exist_ends_stopped_with_the_reason
            a_version_that_crashes_ends_stopped_with_the_reason_and_its_last_words
            a_published_version_that_loses_a_pod_is_degraded_and_heals
            what_somebody_deletes_comes_back
            a_start_can_be_cancelled
            another_value_replaces_the_pods_of_a_running_version
            a_version_that_the_cluster_refuses_holds_up_no_other
            logs_are_read_and_followed_beyond_the_end_of_a_pod
        );
    };
    (@each $fixture:expr, $($name:ident)*) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                $crate::support::suite::$name($fixture).await;
            }
        )*
    };
}
pub(crate) use lifecycle_suite;
