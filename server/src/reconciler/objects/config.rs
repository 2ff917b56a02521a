//! The configuration Secret and the entrypoint's subjects.

use std::collections::BTreeMap;

use k8s_openapi::{
    ByteString,
    api::core::v1::{ConfigMap, EnvVar, EnvVarSource, Secret, SecretKeySelector},
};
use krt::model::Workflow;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    messages, metadata,
    names::{config_secret, subjects_config_map},
};
use crate::{krt_url::measurements_path, reconciler::ObjectSettings, store::VersionRecord};

/// The key and mounted name of the subjects (docs/lifecycle.md §4.2).
pub(super) const SUBJECTS_FILE: &str = "nats_subject.json";

/// Holds the configuration's values under their names, the credential for the version's file, and the URL for its
/// measurements, with another credential in it.
pub(super) fn secret(version: &VersionRecord, settings: &ObjectSettings) -> Secret {
    let mut data: BTreeMap<String, ByteString> =
        version.config.iter().map(|(name, value)| (name.clone(), ByteString(value.expose().into()))).collect();
    data.insert(token_key(version), ByteString(version.file.download_token.expose().into()));
    let path = measurements_path(&version.runtime, &version.name, version.file.measurements_token().expose());
    data.insert(measurements_key(version), ByteString(format!("{}{path}", settings.advertised_url).into()));
    Secret {
        metadata: metadata(&config_secret(&version.name), version, settings),
        data: Some(data),
        type_: Some("Opaque".to_owned()),
        ..Secret::default()
    }
}

/// The key of the credential.
pub(super) fn token_key(version: &VersionRecord) -> String {
    free_key(version, "krt-download-token")
}

/// The key of the URL for measurements.
pub(super) fn measurements_key(version: &VersionRecord) -> String {
    free_key(version, "krt-measurements-url")
}

/// A configuration file may have any name that a key may have, so ours step aside.
fn free_key(version: &VersionRecord, key: &str) -> String {
    let spec = &version.manifest.config;
    let mut key = key.to_owned();
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
    let of_workflow = |workflow: &Workflow| {
        if version.generation_of_runners().is_c() {
            json!({
                "stream": messages::stream(version, workflow),
                "input_subject": format!("{}.{}", messages::stream(version, workflow), workflow.exitpoint),
                "output_subject": messages::entrypoint_subject(version, workflow),
            })
        } else {
            messages::first_subject(version, workflow).into()
        }
    };
    let workflows = version.manifest.workflows.iter();
    let by_rpc: Value = workflows.map(|workflow| (workflow.entrypoint.clone(), of_workflow(workflow))).collect();
    ConfigMap {
        metadata: metadata(&subjects_config_map(&version.name), version, settings),
        data: Some(BTreeMap::from([(SUBJECTS_FILE.to_owned(), by_rpc.to_string())])),
        ..ConfigMap::default()
    }
}
