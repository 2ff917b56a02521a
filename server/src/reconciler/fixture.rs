//! Records for tests of the pure parts.

use std::{collections::BTreeMap, time::Duration};

use domain::{Actor, Desired, KrtVersion, Publication, Role, Timestamp};
use krt::model::{ConfigSpec, Entrypoint, Manifest, Node, Subscription, Workflow};

use super::{ObjectSettings, RunnerSettings};
use crate::store::{RuntimeIntent, RuntimeRecord, StoredFile, VersionKey, VersionRecord};

pub(crate) fn settings() -> ObjectSettings {
    ObjectSettings {
        namespace_prefix: "kai-".to_owned(),
        base_domain: "example.org".to_owned(),
        ingress_class: None,
        ingress_annotations: BTreeMap::new(),
        ingress_tls_secret: None,
        ingress_preview: false,
        advertised_url: "http://10.0.0.1:3001".to_owned(),
        init_image: "busybox:1.37".to_owned(),
        node_min_ready: Duration::from_secs(4),
        runners: RunnerSettings { nats_url: "nats:4222".into(), ..RunnerSettings::default() },
    }
}

/// A stopped version with one workflow `work` of two nodes, `first` and `last`.
pub(crate) fn version(key: VersionKey, name: &str) -> VersionRecord {
    let node = |name: &str, subscription: Subscription| Node {
        name: name.parse().unwrap(),
        image: "konstellation/kre-py:latest".to_owned(),
        src: format!("src/{name}.py"),
        gpu: false,
        replicas: 1,
        subscriptions: vec![subscription],
        object_store: None,
    };
    let first = node("first", Subscription::Entrypoint);
    let last = node("last", Subscription::Node { node: first.name.clone(), subtopic: Some("done".to_owned()) });
    let workflow = Workflow {
        name: "work".parse().unwrap(),
        entrypoint: "Work".to_owned(),
        exitpoint: last.name.clone(),
        nodes: vec![first, last],
    };
    VersionRecord {
        key,
        runtime: "demo".parse().unwrap(),
        name: name.parse().unwrap(),
        manifest: Manifest {
            version: name.parse().unwrap(),
            krt_version: KrtVersion::V2,
            description: "for tests".to_owned(),
            entrypoint: Entrypoint {
                proto: "p.proto".to_owned(),
                image: "konstellation/kre-entrypoint:latest".to_owned(),
            },
            config: ConfigSpec::default(),
            workflows: vec![workflow],
        },
        manifest_text: String::new(),
        warnings: Vec::new(),
        file: StoredFile {
            object: "o".to_owned(),
            sha256: "00".to_owned(),
            size_bytes: 1,
            download_token: "secret".into(),
        },
        created_at: Timestamp::UNIX_EPOCH,
        created_by: Actor::Local,
        published_at: None,
        revision: 1,
        desired: Desired::Stopped,
        generation: 1,
        settled: true,
        deadline: None,
        failure: None,
        degraded_since: None,
        chosen_generation: None,
        pods_restarted_at: None,
        config: BTreeMap::new(),
        role: Role::None,
        switching: false,
    }
}

pub(crate) fn intent(versions: Vec<VersionRecord>) -> RuntimeIntent {
    RuntimeIntent {
        runtime: RuntimeRecord {
            id: "demo".parse().unwrap(),
            name: "Demo".to_owned(),
            description: String::new(),
            created_at: Timestamp::UNIX_EPOCH,
            revision: 1,
            publication: Publication::default(),
            publish_deadline: None,
        },
        versions,
        repairs: BTreeMap::new(),
    }
}
