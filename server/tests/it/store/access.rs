use domain::{
    ActivityFilter, Caller, Command, NewGrant, Subject,
    access::{Permission, Rights, Role},
};
use server::store::{CommandRecord, Deletion, NewRuntimeRecord, NewVersion, Store, StoreError};

use super::{
    Db,
    accounts::{person_id, without_default_grant},
    samples::*,
};

/// Somebody with this role on `demo`, and with none elsewhere.
async fn on_demo(store: &Store, role: Role) -> Caller {
    let caller = add_person(store, &format!("ana the {role}"), None).await;
    let grant = NewGrant { subject: Subject::Person(person_id(&caller)), runtime: Some(id("demo")), role };
    store.set_grant(&mira(), &grant, at(1)).await.unwrap();
    // The rights that a request came with do not count in the transaction.
    Caller::known(caller.identity().clone(), Rights::admin())
}

/// What each permission lets somebody do to version `v1` of this runtime.
async fn try_each(store: &Store, runtime: &str, caller: &Caller) -> Vec<(Permission, Result<(), StoreError>)> {
    let (runtime, v1) = (id(runtime), name("v1"));
    let deletion = || Deletion { caller: caller.clone(), comment: None, detail: None, at: at(60) };
    let given = || CommandRecord { caller: caller.clone(), ..asked(Command::Start, 60) };
    let mut tried = Vec::new();
    for command in [Command::Publish, Command::Unpublish, Command::Start, Command::Stop, Command::Archive] {
        let answer = store.command(&runtime, &v1, CommandRecord { command, ..given() }).await.map(drop);
        tried.push((command.into(), answer));
    }
    let new = NewVersion { caller: caller.clone(), ..new_version(runtime.as_str(), "v9") };
    tried.push((Permission::Upload, store.create_version(new).await.map(drop)));
    let configured = store.set_config(&runtime, &v1, values(&[]), caller, None, at(60)).await.map(drop);
    tried.push((Permission::Configure, configured));
    tried.push((Permission::Configure, store.choose_generation(&runtime, &v1, None, caller, at(60)).await.map(drop)));
    tried.push((Permission::Reveal, store.reveal(&runtime, &v1, "TOKEN", caller, at(60)).await.map(drop)));
    tried.push((Permission::DeleteVersion, store.delete_version(&runtime, &v1, deletion()).await.map(drop)));
    tried.push((Permission::DeleteRuntime, store.delete_runtime(&runtime, deletion()).await));
    let new = NewRuntimeRecord { caller: caller.clone(), ..new_runtime("another") };
    tried.push((Permission::CreateRuntime, store.create_runtime(new).await.map(drop)));
    tried
}

pub(super) async fn a_transaction_does_nothing_that_the_role_does_not_allow(db: Db) {
    let store = &*db.store;
    let [v1] = demo(store, ["v1"]).await;
    without_default_grant(store).await;
    for role in Role::ALL {
        let before = all_of(store, &v1).await;
        for (permission, answer) in try_each(store, "demo", &on_demo(store, role).await).await {
            let allowed = permission.role() <= role && permission != Permission::CreateRuntime;
            let denied = matches!(answer, Err(StoreError::Denied(_)));
            assert_eq!(denied, !allowed, "{role} {permission:?}: {answer:?}");
        }
        if role == Role::Viewer {
            assert_eq!(all_of(store, &v1).await, before);
        }
    }
}

pub(super) async fn a_runtime_that_may_not_be_seen_is_answered_like_one_that_does_not_exist(db: Db) {
    let store = &*db.store;
    store.create_runtime(new_runtime("hidden")).await.unwrap();
    store.create_version(new_version("hidden", "v1")).await.unwrap();
    store.create_runtime(new_runtime("demo")).await.unwrap();
    without_default_grant(store).await;
    let caller = on_demo(store, Role::Admin).await;
    let of = async |runtime: &str| {
        let tried = try_each(store, runtime, &caller).await;
        tried.into_iter().map(|(_, answer)| answer.unwrap_err().to_string().replace(runtime, "R")).collect::<Vec<_>>()
    };
    assert_eq!(of("hidden").await, of("nowhere").await);
}

pub(super) async fn an_activity_page_has_only_what_may_be_seen(db: Db) {
    let store = &*db.store;
    demo(store, ["v1", "v2"]).await;
    for runtime in ["hidden", "shown"] {
        store.create_runtime(new_runtime(runtime)).await.unwrap();
        store.create_version(NewVersion { at: at(5), ..new_version(runtime, "v3") }).await.unwrap();
    }
    let (demo, shown) = (id("demo"), id("shown"));
    let rights = Rights::of([(Some(&demo), Role::Viewer), (Some(&shown), Role::Viewer)]);
    let page = async |filter: ActivityFilter| {
        let page = store.activity(&filter, rights.visible()).await.unwrap();
        page.iter().map(|entry| format!("{}/{}", entry.runtime, entry.version.as_ref().unwrap())).collect::<Vec<_>>()
    };
    assert_eq!(page(ActivityFilter::default()).await, ["shown/v3", "demo/v2", "demo/v1"]);
    assert_eq!(page(ActivityFilter { limit: Some(2), ..Default::default() }).await, ["shown/v3", "demo/v2"]);
    assert_eq!(page(ActivityFilter { runtime: Some(shown.clone()), ..Default::default() }).await, ["shown/v3"]);
    assert!(page(ActivityFilter { runtime: Some(id("hidden")), ..Default::default() }).await.is_empty());
}
