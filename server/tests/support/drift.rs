//! What others do to our objects, on any cluster: what is ours becomes again what it was, and what is theirs stays.

use std::{fmt::Debug, time::Duration};

use k8s_openapi::{
    NamespaceResourceScope,
    api::{
        apps::v1::Deployment,
        core::v1::{ConfigMap, Namespace, Secret, Service},
        networking::v1::Ingress,
    },
};
use kube::{
    Api, Resource, ResourceExt,
    api::{DeleteParams, Patch, PatchParams, PostParams},
    runtime::wait::await_condition,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::fixture::Fixture;

/// Far more than anything takes. A watch tells when it has come.
const MAX_WAIT: Duration = Duration::from_secs(180);

pub(crate) async fn what_somebody_edits_or_deletes_becomes_what_it_was_and_foreign_fields_stay(fixture: Fixture) {
    let runtime = "edits";
    fixture.add(runtime, vec![Fixture::krt("one").variable("API_KEY").bytes(), Fixture::krt("two").bytes()]).await;
    fixture.reach(runtime, "one", "start", "started").await;
    fixture.reach(runtime, "one", "publish", "published").await;
    fixture.reach(runtime, "two", "start", "started").await;

    let scaled = json!({ "spec": { "replicas": 3 } });
    mended::<Deployment>(&fixture, runtime, "one-entrypoint", scaled).await;
    let astray = json!({ "spec": { "selector": { "version-name": "nobody" } } });
    mended::<Service>(&fixture, runtime, "active-entrypoint", astray.clone()).await;
    mended::<Service>(&fixture, runtime, "two-entrypoint", astray).await;
    mended::<Secret>(&fixture, runtime, "one-config", json!({ "data": { "API_KEY": "d3Jvbmc=" } })).await;
    mended::<ConfigMap>(&fixture, runtime, "one-subjects", json!({ "data": { "nats_subject.json": "{}" } })).await;
    let elsewhere = json!({ "spec": { "rules": [{ "host": "elsewhere.example.org" }] } });
    mended::<Ingress>(&fixture, runtime, "entrypoint", elsewhere).await;
    let not_ours = json!({ "metadata": { "labels": { "app.kubernetes.io/managed-by": null } } });
    mended::<ConfigMap>(&fixture, runtime, "two-subjects", not_ours).await;

    back::<Service>(&fixture, runtime, "active-entrypoint").await;
    back::<Service>(&fixture, runtime, "two-entrypoint").await;
    back::<Deployment>(&fixture, runtime, "two-entrypoint").await;
    back::<Secret>(&fixture, runtime, "one-config").await;
    back::<ConfigMap>(&fixture, runtime, "two-subjects").await;
    back::<Ingress>(&fixture, runtime, "entrypoint").await;
    for version in ["one", "two"] {
        fixture.until(runtime, version, "healthy", |view| view["health"]["status"] == "healthy").await;
    }
    fixture.clear(&[runtime]).await;
}

pub(crate) async fn what_is_not_ours_is_left_alone_and_said_where_it_is_in_the_way(fixture: Fixture) {
    let runtime = "foreign";
    fixture.add(runtime, vec![Fixture::krt("one").bytes()]).await;
    fixture.create_namespace(runtime).await;
    let configs = fixture.api::<ConfigMap>(runtime);
    let mut theirs = Vec::new();
    for name in ["theirs", "one-subjects"] {
        let object = json!({ "metadata": { "name": name }, "data": { "theirs": "yes" } });
        theirs.push(configs.create(&PostParams::default(), &serde_json::from_value(object).unwrap()).await.unwrap());
    }
    fixture.act(runtime, "one", "start").await;
    let said = |view: &Value| {
        view["waiting"]
            .as_str()
            .is_some_and(|why| why.contains("ConfigMap one-subjects") && why.contains("delete or rename it"))
    };
    fixture.until(runtime, "one", "waiting with the reason", said).await;
    fixture.reach(runtime, "one", "stop", "stopped").await;
    for before in &theirs {
        assert_eq!(configs.get(&before.name_any()).await.unwrap(), *before, "it was touched");
    }

    configs.delete("one-subjects", &DeleteParams::default()).await.unwrap();
    fixture.reach(runtime, "one", "start", "started").await;
    fixture.reach(runtime, "one", "stop", "stopped").await;
    assert_eq!(configs.get("theirs").await.unwrap(), theirs[0], "it was touched");
    fixture.clear(&[runtime]).await;
}

pub(crate) async fn a_namespace_that_is_deleted_is_waited_for_and_made_anew_with_all_that_ran_in_it(fixture: Fixture) {
    let runtime = "gone";
    fixture.add(runtime, vec![Fixture::krt("one").bytes(), Fixture::krt("two").bytes()]).await;
    fixture.reach(runtime, "one", "start", "started").await;
    fixture.reach(runtime, "one", "publish", "published").await;
    let configs = fixture.api::<ConfigMap>(runtime);
    let held = json!({ "metadata": { "name": "held", "finalizers": ["example.org/hold"] } });
    configs.create(&PostParams::default(), &serde_json::from_value(held).unwrap()).await.unwrap();
    let namespaces = Api::<Namespace>::all(fixture.kube.clone());
    let name = fixture.namespace(runtime);
    let first = namespaces.get(&name).await.unwrap().uid();
    namespaces.delete(&name, &DeleteParams::default()).await.unwrap();

    let said = format!("namespace {name} is being deleted; nothing can be created until it is gone");
    let is_said = |text: &Value| text.as_str().is_some_and(|text| text.starts_with(&said));
    fixture.until(runtime, "one", "degraded with the reason", |view| is_said(&view["health"]["reason"])).await;
    fixture.act(runtime, "two", "start").await;
    fixture.until(runtime, "two", "waiting with the reason", |view| is_said(&view["waiting"])).await;
    let empty = || async { fixture.belongings(runtime, "one").await.is_empty() };
    fixture.until_cluster("nothing of ours in it", empty).await;
    assert_eq!(fixture.belongings(runtime, "two").await, Vec::<String>::new());

    let release = Patch::Merge(json!({ "metadata": { "finalizers": null } }));
    configs.patch("held", &PatchParams::default(), &release).await.unwrap();
    fixture.wait(runtime, "two", "started").await;
    let healthy = |view: &Value| view["health"]["status"] == "healthy" && view["state"] == "published";
    fixture.until(runtime, "one", "published and healthy", healthy).await;
    assert_ne!(namespaces.get(&name).await.unwrap().uid(), first);
    assert_eq!(fixture.selected(runtime).await.as_deref(), Some("one"));
    fixture.clear(&[runtime]).await;
}

/// Needs a stage whose server makes previews.
pub(crate) async fn a_started_version_has_a_preview_and_its_addresses_are_shown(fixture: Fixture) {
    let runtime = "preview";
    fixture.add(runtime, vec![Fixture::krt("one").bytes()]).await;
    let namespace = fixture.namespace(runtime);
    let addresses = |view: &Value| {
        let all = view["addresses"].as_array().unwrap().iter();
        all.map(|address| address["at"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert!(addresses(&fixture.view(runtime, "one").await).is_empty());
    let ingresses = fixture.api::<Ingress>(runtime);
    for _ in 0..2 {
        fixture
            .reach(
                runtime,
                "one",
                if fixture.selected(runtime).await.is_some() { "unpublish" } else { "start" },
                "started",
            )
            .await;
        let is_there = |found: Option<&Ingress>| found.is_some();
        seen(&ingresses, "one-preview", "the preview", is_there).await;
        let made = serde_json::to_value(ingresses.get("one-preview").await.unwrap()).unwrap();
        assert_eq!(made["spec"]["rules"][0]["host"], "one.preview.kai.localhost");
        let leads_to = &made["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"];
        assert_eq!(*leads_to, json!({ "name": "one-entrypoint", "port": { "name": "grpc" } }));
        let shown = addresses(&fixture.view(runtime, "one").await);
        assert_eq!(shown, [format!("one-entrypoint.{namespace}:9000"), "one.preview.kai.localhost".to_owned()]);

        fixture.reach(runtime, "one", "publish", "published").await;
        seen(&ingresses, "one-preview", "no preview of what is published", |found| found.is_none()).await;
        let shown = addresses(&fixture.view(runtime, "one").await);
        assert_eq!(shown, [format!("active-entrypoint.{namespace}:9000"), "preview.kai.localhost".to_owned()]);
    }
    fixture.reach(runtime, "one", "unpublish", "started").await;
    fixture.reach(runtime, "one", "stop", "stopped").await;
    assert_eq!(fixture.belongings(runtime, "one").await, Vec::<String>::new());
    assert!(ingresses.get_opt("one-preview").await.unwrap().is_none());
    fixture.clear(&[runtime]).await;
}

/// Edits one of our objects as somebody else, who also adds a label and an annotation, and waits until our fields are
/// as they were and the others are still there.
async fn mended<K>(fixture: &Fixture, runtime: &str, name: &str, edit: Value)
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    K: Clone + DeserializeOwned + Serialize + Debug + Send + 'static,
{
    let api = fixture.api::<K>(runtime);
    let before = ours(&api.get(name).await.unwrap());
    let mut edit = edit;
    edit["metadata"]["labels"]["team"] = "theirs".into();
    edit["metadata"]["annotations"] = json!({ "autoscaler.example.org/replicas": "3" });
    let edited = api.patch(name, &PatchParams::apply("somebody"), &Patch::Merge(edit)).await.unwrap();
    let is_mended = move |found: Option<&K>| {
        found.is_some_and(|found| ours(found) == before && found.resource_version() != edited.resource_version())
    };
    seen(&api, name, "our fields again", is_mended).await;
    let mended = api.get(name).await.unwrap();
    assert_eq!(mended.labels()["team"], "theirs", "{name}");
    assert_eq!(mended.annotations()["autoscaler.example.org/replicas"], "3", "{name}");
}

/// Deletes one of our objects, and waits for one in its place that is as it was.
async fn back<K>(fixture: &Fixture, runtime: &str, name: &str)
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    K: Clone + DeserializeOwned + Serialize + Debug + Send + 'static,
{
    let api = fixture.api::<K>(runtime);
    let before = api.get(name).await.unwrap();
    api.delete(name, &DeleteParams::background()).await.unwrap();
    let is_back =
        move |found: Option<&K>| found.is_some_and(|found| found.uid() != before.uid() && ours(found) == ours(&before));
    seen(&api, name, "it again", is_back).await;
}

/// The part of an object that says what it does, and our label.
fn ours<K: Serialize>(object: &K) -> Vec<Value> {
    let object = serde_json::to_value(object).unwrap();
    let parts = [
        "/spec/replicas",
        "/spec/template/spec/containers",
        "/spec/selector",
        "/spec/ports",
        "/spec/rules",
        "/data",
        "/metadata/labels/app.kubernetes.io~1managed-by",
        "/metadata/labels/version-name",
    ];
    parts.map(|part| object.pointer(part).cloned().unwrap_or_default()).to_vec()
}

async fn seen<K>(api: &Api<K>, name: &str, what: &str, holds: impl Fn(Option<&K>) -> bool)
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + 'static,
{
    let seen = tokio::time::timeout(MAX_WAIT, await_condition(api.clone(), name, holds)).await;
    seen.unwrap_or_else(|_| panic!("{name}: never seen: {what}")).unwrap();
}

/// One test of each, on the stages that the expressions make: an ordinary one, and one whose server makes previews.
macro_rules! drift_suite {
    ($fixture:expr, $with_previews:expr) => {
        $crate::support::drift::drift_suite!(@each $fixture,
            what_somebody_edits_or_deletes_becomes_what_it_was_and_foreign_fields_stay
            what_is_not_ours_is_left_alone_and_said_where_it_is_in_the_way
            a_namespace_that_is_deleted_is_waited_for_and_made_anew_with_all_that_ran_in_it
        );
        $crate::support::drift::drift_suite!(@each $with_previews,
            a_started_version_has_a_preview_and_its_addresses_are_shown
        );
    };
    (@each $fixture:expr, $($name:ident)*) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                $crate::support::drift::$name($fixture).await;
            }
        )*
    };
}
pub(crate) use drift_suite;
