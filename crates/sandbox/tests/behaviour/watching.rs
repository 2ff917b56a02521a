//! Watches: what they send, from where, and how they end.

use std::{pin::pin, time::Duration};

use futures::{Stream, StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::{
    Api,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams},
    runtime::{WatchStreamExt, reflector, watcher},
};
use sandbox::{Options, Sandbox};
use serde_json::json;

use crate::common::*;

/// The next event, as kind and name.
async fn next(
    events: &mut (impl Stream<Item = kube::Result<WatchEvent<ConfigMap>>> + Unpin),
) -> Option<(&'static str, String)> {
    let event = tokio::time::timeout(Duration::from_secs(20), events.next()).await.expect("an event in time")?;
    let name = |object: ConfigMap| object.metadata.name.unwrap();
    Some(match event.unwrap() {
        WatchEvent::Added(object) => ("added", name(object)),
        WatchEvent::Modified(object) => ("modified", name(object)),
        WatchEvent::Deleted(object) => ("deleted", name(object)),
        WatchEvent::Bookmark(bookmark) => ("bookmark", bookmark.metadata.resource_version),
        WatchEvent::Error(status) => ("error", format!("{} {}", status.code, status.reason)),
    })
}

async fn make(api: &Api<ConfigMap>, name: &str, tier: &str) -> String {
    let object = from(json!({ "metadata": { "name": name, "labels": { "tier": tier } } }));
    api.create(&PostParams::default(), &object).await.unwrap().metadata.resource_version.unwrap()
}

async fn label(api: &Api<ConfigMap>, name: &str, tier: &str) {
    let patch = json!({ "metadata": { "labels": { "tier": tier } } });
    api.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
}

#[tokio::test]
async fn a_watch_from_a_revision_sends_what_came_after_it() {
    let (_sandbox, client) = start();
    let api = namespaced::<ConfigMap>(&client);
    let revision = make(&api, "a", "x").await;
    make(&api, "b", "x").await;
    let mut events = pin!(api.watch(&WatchParams::default(), &revision).await.unwrap());
    label(&api, "a", "y").await;
    api.delete("b", &DeleteParams::default()).await.unwrap();
    for expected in [("added", "b"), ("modified", "a"), ("deleted", "b")] {
        assert_eq!(next(&mut events).await, Some((expected.0, expected.1.to_owned())));
    }
}

#[tokio::test]
async fn a_watch_without_a_revision_begins_with_what_there_is() {
    let (_sandbox, client) = start();
    let api = namespaced::<ConfigMap>(&client);
    make(&api, "a", "x").await;
    let mut events = pin!(api.watch(&WatchParams::default(), "0").await.unwrap());
    assert_eq!(next(&mut events).await, Some(("added", "a".to_owned())));
    make(&api, "b", "x").await;
    assert_eq!(next(&mut events).await, Some(("added", "b".to_owned())));
}

#[tokio::test]
async fn an_object_that_enters_or_leaves_a_selector_is_added_or_deleted() {
    let (_sandbox, client) = start();
    let api = namespaced::<ConfigMap>(&client);
    make(&api, "a", "x").await;
    let mut events = pin!(api.watch(&WatchParams::default().labels("tier=x"), "0").await.unwrap());
    make(&api, "other", "y").await;
    for tier in ["y", "z", "x"] {
        label(&api, "a", tier).await;
    }
    for expected in ["added", "deleted", "added"] {
        assert_eq!(next(&mut events).await, Some((expected, "a".to_owned())));
    }
}

#[tokio::test]
async fn bookmarks_tell_how_far_a_silent_watch_is() {
    let options = Options { bookmark_every: Duration::from_millis(5), ..fast() };
    let sandbox = Sandbox::start(options);
    let client = client(&sandbox);
    let api = namespaced::<ConfigMap>(&client);
    let revision = make(&api, "a", "x").await;
    let selected = WatchParams::default().labels("tier=none");
    let mut events = pin!(api.watch(&selected, &revision).await.unwrap());
    let (kind, position) = next(&mut events).await.unwrap();
    assert_eq!(kind, "bookmark");
    assert!(position.parse::<u64>().unwrap() >= revision.parse().unwrap());
}

#[tokio::test]
async fn a_revision_that_the_history_has_lost_is_expired() {
    let sandbox = Sandbox::start(Options { history: 3, ..fast() });
    let client = client(&sandbox);
    let api = namespaced::<ConfigMap>(&client);
    let revision = make(&api, "a", "x").await;
    for tier in ["1", "2", "3", "4", "5"] {
        label(&api, "a", tier).await;
    }
    for asked in [&revision[..], "999999999"] {
        let mut events = pin!(api.watch(&WatchParams::default(), asked).await.unwrap());
        assert_eq!(next(&mut events).await, Some(("error", "410 Expired".to_owned())), "{asked}");
        assert_eq!(next(&mut events).await, None);
    }
}

#[tokio::test]
async fn watches_end_by_their_timeout_and_with_the_sandbox() {
    let (sandbox, client) = start();
    let api = namespaced::<ConfigMap>(&client);
    let mut short = pin!(api.watch(&WatchParams::default().timeout(1), "0").await.unwrap());
    let mut long = pin!(api.watch(&WatchParams::default(), "0").await.unwrap());
    assert_eq!(next(&mut short).await, None);
    drop(sandbox);
    assert_eq!(next(&mut long).await, None);
    assert_eq!(refusal(api.list(&ListParams::default()).await).0, 503);
}

#[tokio::test]
async fn a_reflector_over_all_namespaces_follows_what_carries_a_label() {
    for streaming in [false, true] {
        let (_sandbox, client) = start();
        make_namespace(&client, "other").await;
        let mut config = watcher::Config::default().labels("app.kubernetes.io/managed-by=kai-server");
        if streaming {
            config = config.streaming_lists();
        }
        let (reader, writer) = reflector::store::<ConfigMap>();
        let watcher = watcher(Api::<ConfigMap>::all(client.clone()), config);
        let task = tokio::spawn(watcher.reflect(writer).applied_objects().try_for_each(|_| async { Ok(()) }));
        reader.wait_until_ready().await.unwrap();
        let there = Api::<ConfigMap>::namespaced(client.clone(), "other");
        let object = |labels| from(json!({ "metadata": { "name": "a", "labels": labels } }));
        namespaced::<ConfigMap>(&client).create(&PostParams::default(), &object(json!({}))).await.unwrap();
        let mine = json!({ "app.kubernetes.io/managed-by": "kai-server" });
        there.create(&PostParams::default(), &object(mine)).await.unwrap();
        let found = eventually("the object in the cache", || async { reader.state().first().cloned() }).await;
        assert_eq!(found.metadata.namespace.as_deref(), Some("other"));
        there.delete("a", &DeleteParams::default()).await.unwrap();
        eventually("an empty cache", || async { reader.state().is_empty().then_some(()) }).await;
        task.abort();
    }
}

#[tokio::test]
async fn metadata_alone_can_be_listed_and_watched() {
    let (_sandbox, client) = start();
    make_deployment(&client, "web", "registry/web:1", 1).await;
    rolled_out(&client, "web", 1).await;
    let api = namespaced::<Pod>(&client);
    let list = api.list_metadata(&ListParams::default()).await.unwrap();
    assert!(list.items[0].metadata.name.as_ref().unwrap().starts_with("web-"));
    let mut events = pin!(api.watch_metadata(&WatchParams::default(), "0").await.unwrap());
    let first = events.try_next().await.unwrap().unwrap();
    assert!(matches!(first, WatchEvent::Added(pod) if pod.metadata.owner_references.is_some()));
}
