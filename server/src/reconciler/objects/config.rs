//! The configuration Secret and the entrypoint's subjects.

use std::collections::BTreeMap;

use k8s_openapi::{
    ByteString,
    api::core::v1::{ConfigMap, EnvVar, EnvVarSource, Secret, SecretKeySelector},
};
use krt::model::{Subscription, Workflow};
use sha2::{Digest, Sha256};

use super::{
    metadata,
    names::{config_secret, subjects_config_map},
};
use crate::{reconciler::ObjectSettings, store::VersionRecord};

/// The key and mounted name of the subjects (docs/lifecycle.md §4.2).
pub(super) const SUBJECTS_FILE: &str = "nats_subject.json";

/// Holds the configuration's values under their names, and the credential for the version's file.
pub(super) fn secret(version: &VersionRecord, settings: &ObjectSettings) -> Secret {
    let mut data: BTreeMap<String, ByteString> =
        version.config.iter().map(|(name, value)| (name.clone(), ByteString(value.expose().into()))).collect();
    data.insert(token_key(version), ByteString(version.file.download_token.expose().into()));
    Secret {
        metadata: metadata(&config_secret(&version.name), version, settings),
        data: Some(data),
        type_: Some("Opaque".to_owned()),
        ..Secret::default()
    }
}

/// The key of the credential. A configuration file may have any name that a key may have, so this one steps aside.
pub(super) fn token_key(version: &VersionRecord) -> String {
    let spec = &version.manifest.config;
    let mut key = "krt-download-token".to_owned();
    while spec.files.contains(&key) || spec.variables.contains(&key) {
        key.push('-');
    }
    key
}

/// Changes whenever a value does, so that pods of a running version are replaced in a rolling way.
pub(super) fn config_digest(version: &VersionRecord) -> String {
    let mut digest = Sha256::new();
    for (name, value) in &version.config {
        for part in [name, value.expose()] {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part);
        }
    }
    hex::encode(digest.finalize())
}

pub(super) fn from_secret(version: &VersionRecord, variable: &str, key: &str) -> EnvVar {
    EnvVar {
        name: variable.to_owned(),
        value_from: Some(EnvVarSource {
            secret_key_ref: Some(SecretKeySelector {
                name: config_secret(&version.name),
                key: key.to_owned(),
                optional: None,
            }),
            ..EnvVarSource::default()
        }),
        ..EnvVar::default()
    }
}

/// What the entrypoint publishes to and listens to, for each rpc (docs/lifecycle.md §4.2).
pub(super) fn subjects(version: &VersionRecord, settings: &ObjectSettings) -> ConfigMap {
    let by_rpc: BTreeMap<&str, BTreeMap<&str, String>> = version
        .manifest
        .workflows
        .iter()
        .map(|workflow| {
            let subjects = BTreeMap::from([
                ("stream", stream(version, workflow)),
                ("input_subject", format!("{}.{}", stream(version, workflow), workflow.exitpoint)),
                ("output_subject", format!("{}.entrypoint", stream(version, workflow))),
            ]);
            (workflow.entrypoint.as_str(), subjects)
        })
        .collect();
    ConfigMap {
        metadata: metadata(&subjects_config_map(&version.name), version, settings),
        data: Some(BTreeMap::from([(SUBJECTS_FILE.to_owned(), serde_json::json!(by_rpc).to_string())])),
        ..ConfigMap::default()
    }
}

pub(super) fn stream(version: &VersionRecord, workflow: &Workflow) -> String {
    format!("{}-{}-{}", version.runtime, version.name, workflow.entrypoint)
}

/// The subject of a subscription: the entrypoint's, a node's, or a node's subtopic's.
pub(super) fn subject(version: &VersionRecord, workflow: &Workflow, subscription: &Subscription) -> String {
    format!("{}.{subscription}", stream(version, workflow))
}
