//! Short ways to states that the tests begin in.

use std::{collections::BTreeMap, time::Duration};

use domain::{
    Caller, Command, Failure, HistoryPage, Identity, PersonId, RuntimeId, Timestamp, VersionName, VersionState,
    access::{Rights, Role},
};
use krt::model::{ConfigSpec, Entrypoint, KrtVersion, Manifest, Node, Subscription, Workflow};
use server::{
    secret::Secret,
    store::{
        CommandRecord, Content, InheritConfig, NewPerson, NewRuntimeRecord, NewVersion, SecretDigest, Store,
        StoreError, StoredFile, VersionRecord,
    },
};

pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

pub(super) fn id(text: &str) -> RuntimeId {
    text.parse().unwrap()
}

pub(super) fn name(text: &str) -> VersionName {
    text.parse().unwrap()
}

/// Adds [`mira`], the first in an empty database.
pub(super) async fn add_mira(store: &Store) {
    let added = add_person(store, "mira", Some(Role::Admin)).await;
    assert_eq!(added, mira());
}

/// Adds a person with this role on all runtimes.
pub(super) async fn add_person(store: &Store, name: &str, role: Option<Role>) -> Caller {
    let new = NewPerson { name: name.parse().unwrap(), at: at(0) };
    let link = (SecretDigest::of(&format!("link of {name}").into()), at(100));
    let person = store.invite(&Caller::local(), new, role, link).await.unwrap();
    let rights = Rights { all: role, ..Rights::default() };
    Caller::known(Identity::Person { id: person.id, name: person.name }, rights)
}

pub(super) fn new_runtime(runtime: &str) -> NewRuntimeRecord {
    NewRuntimeRecord {
        id: id(runtime),
        name: format!("Runtime {runtime}"),
        description: "answers".to_owned(),
        caller: Caller::local(),
        at: at(0),
    }
}

pub(super) fn manifest(version: &str, config: ConfigSpec) -> Manifest {
    let node = Node {
        name: "echo".parse().unwrap(),
        image: "example.org/echo:1".to_owned(),
        src: "src/echo.py".to_owned(),
        gpu: true,
        replicas: 2,
        subscriptions: vec![Subscription::Entrypoint],
        object_store: None,
    };
    Manifest {
        version: name(version),
        krt_version: KrtVersion::V2,
        description: "echoes".to_owned(),
        entrypoint: Entrypoint { proto: "public.proto".to_owned(), image: "example.org/entrypoint:1".to_owned() },
        config,
        workflows: vec![Workflow {
            name: "greeting".parse().unwrap(),
            entrypoint: "Greet".to_owned(),
            exitpoint: "echo".parse().unwrap(),
            nodes: vec![node],
        }],
    }
}

pub(super) fn new_version(runtime: &str, version: &str) -> NewVersion {
    NewVersion {
        runtime: id(runtime),
        manifest: manifest(version, ConfigSpec::default()),
        manifest_text: format!("version: {version}\n"),
        warnings: Vec::new(),
        file: StoredFile {
            object: format!("{runtime}/{version}.krt"),
            sha256: "0".repeat(64),
            size_bytes: 1234,
            download_token: format!("token-of-{runtime}-{version}").into(),
        },
        inherit_config: InheritConfig::All,
        content: Content::default(),
        documents: Vec::new(),
        at: at(1),
        caller: Caller::local(),
    }
}

pub(super) fn wanting(mut new: NewVersion, variables: &[&str], files: &[&str]) -> NewVersion {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    new.manifest.config = ConfigSpec { variables: owned(variables), files: owned(files) };
    new
}

pub(super) fn values(values: &[(&str, Option<&str>)]) -> BTreeMap<String, Option<Secret>> {
    values.iter().map(|(name, value)| ((*name).to_owned(), value.map(Secret::from))).collect()
}

pub(super) fn failure(reason: &str) -> Failure {
    Failure {
        at: at(90),
        node: Some("greeting/echo".to_owned()),
        reason: reason.to_owned(),
        events: vec!["Back-off restarting failed container".to_owned()],
        log: vec!["loading".to_owned(), "no such model".to_owned()],
    }
}

pub(super) fn asked(command: Command, second: i64) -> CommandRecord {
    let deadline = at(second) + Duration::from_secs(300);
    CommandRecord { command, caller: Caller::local(), comment: None, at: at(second), deadline }
}

pub(super) async fn command(store: &Store, version: &VersionRecord, command: Command) -> VersionRecord {
    try_command(store, version, command).await.unwrap()
}

pub(super) async fn try_command(
    store: &Store,
    version: &VersionRecord,
    command: Command,
) -> Result<VersionRecord, StoreError> {
    store.command(&version.runtime, &version.name, asked(command, 10)).await
}

/// The version as it is now.
pub(super) async fn now(store: &Store, version: &VersionRecord) -> VersionRecord {
    store.version(&version.runtime, &version.name).await.unwrap().unwrap()
}

/// A runtime `demo` with versions of these names, all stopped.
pub(super) async fn demo<const N: usize>(store: &Store, versions: [&str; N]) -> [VersionRecord; N] {
    store.create_runtime(new_runtime("demo")).await.unwrap();
    let mut records = Vec::new();
    for version in versions {
        records.push(store.create_version(new_version("demo", version)).await.unwrap());
    }
    records.try_into().unwrap()
}

pub(super) async fn start(store: &Store, version: &VersionRecord) -> VersionRecord {
    let starting = command(store, version, Command::Start).await;
    assert!(store.settle(starting.key, starting.generation, at(20)).await.unwrap());
    now(store, version).await
}

/// Of a started version.
pub(super) async fn publish(store: &Store, version: &VersionRecord) -> VersionRecord {
    command(store, version, Command::Publish).await;
    assert!(store.settle_publication(&version.runtime, Some(version.key), at(30)).await.unwrap());
    now(store, version).await
}

/// Brings a stopped version into this state, the shortest way.
pub(super) async fn bring_to(store: &Store, version: &VersionRecord, state: VersionState) -> VersionRecord {
    match state {
        VersionState::Stopped => {}
        VersionState::Starting => {
            command(store, version, Command::Start).await;
        }
        VersionState::Started => {
            start(store, version).await;
        }
        VersionState::Publishing => {
            start(store, version).await;
            command(store, version, Command::Publish).await;
        }
        VersionState::Published => {
            start(store, version).await;
            publish(store, version).await;
        }
        VersionState::Stopping => {
            start(store, version).await;
            command(store, version, Command::Stop).await;
        }
        VersionState::Archived => {
            command(store, version, Command::Archive).await;
        }
    }
    let version = now(store, version).await;
    assert_eq!(version.state(), state);
    version
}

/// Everything about one version and its runtime, to see whether anything was written.
pub(super) async fn all_of(store: &Store, version: &VersionRecord) -> impl PartialEq + std::fmt::Debug + use<> {
    (
        store.runtime(&version.runtime).await.unwrap(),
        store.versions(&version.runtime).await.unwrap(),
        store.history(&version.runtime, &version.name, &HistoryPage::default()).await.unwrap(),
    )
}

/// Somebody who may do everything.
pub(crate) fn mira() -> Caller {
    let identity = Identity::Person { id: PersonId(1), name: "mira".parse().unwrap() };
    Caller::known(identity, Rights::admin())
}
