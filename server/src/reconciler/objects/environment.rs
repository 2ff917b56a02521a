//! The environment of nodes and entrypoint (docs/lifecycle.md §4.1), by the generation of their images.

use domain::Generation;
use k8s_openapi::api::core::v1::EnvVar;
use krt::model::{Node, Workflow};

use super::{
    config::{SUBJECTS_FILE, from_secret, measurements_key},
    messages,
    pods::{FILES_PATH, SUBJECTS_PATH},
};
use crate::{
    krt_url::MEASUREMENTS_VARIABLE,
    reconciler::{ObjectSettings, runners::RunnerSettings},
    store::VersionRecord,
};

pub(super) fn node(
    version: &VersionRecord,
    workflow: &Workflow,
    node: &Node,
    settings: &ObjectSettings,
) -> Vec<EnvVar> {
    let generation = version.generation_of_runners();
    let mut own = identity(version, node.name.as_str());
    own.extend([
        plain("KRT_WORKFLOW_NAME", workflow.name.to_string()),
        plain("KRT_BASE_PATH", FILES_PATH.to_owned()),
        plain("KRT_HANDLER_PATH", node.src.clone()),
    ]);
    own.extend(match generation {
        Generation::A => vec![
            plain("KRT_NATS_INPUT", messages::own_subject(version, workflow, node)),
            // Of the last node empty.
            plain("KRT_NATS_OUTPUT", messages::next_subject(version, workflow, node).unwrap_or_default()),
        ],
        Generation::B => {
            let to_entrypoint = messages::entrypoint_subject(version, workflow);
            let next = messages::next_subject(version, workflow, node);
            vec![
                plain("KRT_NATS_STREAM", messages::stream(version, workflow)),
                plain("KRT_NATS_INPUT", messages::own_subject(version, workflow, node)),
                plain("KRT_IS_LAST_NODE", next.is_none().to_string()),
                plain("KRT_NATS_OUTPUT", next.unwrap_or_else(|| to_entrypoint.clone())),
                plain("KRT_NATS_ENTRYPOINT_SUBJECT", to_entrypoint),
            ]
        }
        Generation::C1 | Generation::C2 => vec![
            plain("KRT_NATS_STREAM", messages::stream(version, workflow)),
            plain("KRT_NATS_INPUTS", messages::inputs(version, workflow, node).join(",")),
            plain("KRT_NATS_OUTPUT", messages::own_subject(version, workflow, node)),
        ],
    });
    if let Some(store) = messages::object_store(version, workflow, node) {
        own.push(plain("KRT_NATS_OBJECT_STORE", store));
    }
    if generation == Generation::C2 {
        let buckets = messages::buckets(version, workflow, node);
        own.extend([
            plain("KRT_NATS_KEY_VALUE_STORE_PROJECT", buckets.project),
            plain("KRT_NATS_KEY_VALUE_STORE_WORKFLOW", buckets.workflow),
            plain("KRT_NATS_KEY_VALUE_STORE_NODE", buckets.node),
        ]);
    }
    let mut of_settings = of_settings(version, settings);
    of_settings.extend([
        plain("KRT_NATS_MONGO_WRITER", RunnerSettings::mongo_writer(&version.runtime)),
        plain("KRT_MONGO_URI", settings.runners.mongo_uri().to_owned()),
    ]);
    merge(own, version, settings, of_settings)
}

pub(super) fn entrypoint(version: &VersionRecord, settings: &ObjectSettings) -> Vec<EnvVar> {
    let mut own = identity(version, "entrypoint");
    own.extend([
        plain("KRT_NODE_ID", "entrypoint".to_owned()),
        plain("KRT_NATS_SUBJECTS_FILE", format!("{SUBJECTS_PATH}/{SUBJECTS_FILE}")),
    ]);
    let mut of_settings = of_settings(version, settings);
    let timeout = settings.runners.request_timeout.as_secs().max(1);
    of_settings.push(plain("KRT_REQUEST_TIMEOUT", timeout.to_string()));
    merge(own, version, settings, of_settings)
}

fn identity(version: &VersionRecord, node: &str) -> Vec<EnvVar> {
    vec![
        plain("KRT_RUNTIME_ID", version.runtime.to_string()),
        plain("KRT_VERSION_ID", format!("{}-{}", version.runtime, version.name)),
        plain("KRT_VERSION", version.name.to_string()),
        plain("KRT_NODE_NAME", node.to_owned()),
    ]
}

/// What all runners reach, and how long they wait for it.
fn of_settings(version: &VersionRecord, settings: &ObjectSettings) -> Vec<EnvVar> {
    let runners = &settings.runners;
    let mut env = vec![
        plain("KRT_NATS_SERVER", runners.nats_url(&settings.namespace(&version.runtime))),
        match &runners.influx_uri {
            Some(uri) => plain(MEASUREMENTS_VARIABLE, uri.expose().to_owned()),
            // It has the version's credential in it.
            None => from_secret(version, MEASUREMENTS_VARIABLE, &measurements_key(version)),
        },
    ];
    if version.generation_of_runners().has_streams() {
        let timeout = runners.js_request_timeout.as_secs().max(1);
        env.push(plain("KRT_JS_REQUEST_TIMEOUT", timeout.to_string()));
    }
    env
}

/// Every variable of a container, each once, as server-side apply wants it: what a runner cannot work without goes before
/// what the version's configuration says, that before `KAI_RUNNER_ENV`, and that before the other settings.
fn merge(
    own: Vec<EnvVar>,
    version: &VersionRecord,
    settings: &ObjectSettings,
    of_settings: Vec<EnvVar>,
) -> Vec<EnvVar> {
    let extra = settings.runners.env.iter().map(|(name, value)| plain(name, value.expose().to_owned()));
    let mut merged: Vec<EnvVar> = Vec::new();
    for variable in own.into_iter().chain(configured(version)).chain(extra).chain(of_settings) {
        if merged.iter().all(|known| known.name != variable.name) {
            merged.push(variable);
        }
    }
    merged
}

/// Configuration variables, and those files whose name could be a variable's (docs/lifecycle.md §3.6).
fn configured(version: &VersionRecord) -> Vec<EnvVar> {
    let spec = &version.manifest.config;
    let files = spec.files.iter().filter(|name| krt::is_variable_name(name));
    spec.variables.iter().chain(files).map(|name| from_secret(version, name, name)).collect()
}

pub(super) fn plain(name: &str, value: String) -> EnvVar {
    EnvVar { name: name.to_owned(), value: Some(value), ..EnvVar::default() }
}
