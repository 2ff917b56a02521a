//! Deployments of nodes and of the entrypoint.

use std::{collections::BTreeMap, time::Duration};

use k8s_openapi::{
    api::{
        apps::v1::{Deployment, DeploymentSpec},
        core::v1::{
            ConfigMapVolumeSource, Container, ContainerPort, EmptyDirVolumeSource, EnvVar, KeyToPath, PodSpec,
            PodTemplateSpec, Probe, ResourceRequirements, SecretVolumeSource, TCPSocketAction, Toleration, Volume,
            VolumeMount,
        },
    },
    apimachinery::pkg::{
        api::resource::Quantity,
        apis::meta::v1::{LabelSelector, ObjectMeta},
        util::intstr::IntOrString,
    },
};
use krt::model::{Node, Workflow};

use super::{
    config::{SUBJECTS_FILE, config_digest, from_secret, stream, subject, token_key},
    labels, metadata,
    names::{VERSION_LABEL, config_secret, entrypoint_deployment, node_deployment, subjects_config_map},
};
use crate::{cluster::RUNTIME_LABEL, krt_url::krt_path, reconciler::ObjectSettings, store::VersionRecord};

const FILES: &str = "krt-files";
const FILES_PATH: &str = "/krt-files";
const CONFIG: &str = "krt-config";
const CONFIG_PATH: &str = "/krt-config";
const SUBJECTS: &str = "subjects";
const SUBJECTS_PATH: &str = "/src/conf";

/// Fetches the version's file, checks it against its SHA-256 and unpacks it. Asks again for a while, so that a server
/// that restarts does not show as a pod that crashes. The header keeps the credential out of the server's access log.
const FETCH: &str = r#"set -eu
cd "$KRT_BASE_PATH"
tries=0
until wget -q -O .krt --header "Authorization: Bearer $KRT_TOKEN" "$KRT_URL"; do
  tries=$((tries + 1))
  if [ "$tries" -ge 20 ]; then echo "the KRT file could not be fetched from $KRT_URL"; exit 1; fi
  sleep 3
done
echo "$KRT_SHA256  .krt" | sha256sum -c -s || { echo "the KRT file is not the one that was uploaded: wrong SHA-256"; exit 1; }
gunzip -c .krt | tar -x -f -
rm .krt
"#;

pub(super) fn node(version: &VersionRecord, workflow: &Workflow, node: &Node, settings: &ObjectSettings) -> Deployment {
    let name = node_deployment(&version.name, &workflow.name, &node.name);
    let inputs: Vec<String> = node.subscriptions.iter().map(|s| subject(version, workflow, s)).collect();
    let own = vec![
        plain("KRT_WORKFLOW_ID", format!("{}-{}-{}", version.runtime, version.name, workflow.name)),
        plain("KRT_WORKFLOW_NAME", workflow.name.to_string()),
        plain("KRT_NODE_ID", name.clone()),
        plain("KRT_NODE_NAME", node.name.to_string()),
        plain("KRT_HANDLER_PATH", node.src.clone()),
        plain("KRT_IS_EXITPOINT", (node.name == workflow.exitpoint).to_string()),
        plain("KRT_NATS_STREAM", stream(version, workflow)),
        plain("KRT_NATS_OUTPUT", format!("{}.{}", stream(version, workflow), node.name)),
        plain("KRT_NATS_INPUTS", inputs.join(",")),
    ];
    let env = environment(own, version, settings);

    let files = &version.manifest.config.files;
    let mut volumes = vec![files_volume()];
    let mut mounts = vec![mount(FILES, FILES_PATH, false)];
    if !files.is_empty() {
        volumes.push(Volume {
            name: CONFIG.to_owned(),
            secret: Some(SecretVolumeSource {
                secret_name: Some(config_secret(&version.name)),
                items: Some(files.iter().map(|name| item(name)).collect()),
                ..SecretVolumeSource::default()
            }),
            ..Volume::default()
        });
        mounts.push(mount(CONFIG, CONFIG_PATH, true));
    }

    let container = Container {
        name: "node".to_owned(),
        image: Some(node.image.clone()),
        image_pull_policy: pull_policy(),
        env: Some(env),
        volume_mounts: Some(mounts),
        resources: node.gpu.then(|| {
            let gpu = BTreeMap::from([("nvidia.com/gpu".to_owned(), Quantity("1".to_owned()))]);
            ResourceRequirements { limits: Some(gpu.clone()), requests: Some(gpu), ..ResourceRequirements::default() }
        }),
        ..Container::default()
    };
    let mut pod = pod(version, settings, container, volumes);
    if node.gpu {
        pod.node_selector = Some(BTreeMap::from([("konstellation.io/gpu".to_owned(), "true".to_owned())]));
        pod.tolerations = Some(["konstellation.io/gpu", "nvidia.com/gpu"].map(tolerates).to_vec());
    }
    let own = [
        ("type", "node".to_owned()),
        ("workflow-name", workflow.name.to_string()),
        ("node-name", node.name.to_string()),
    ];
    deployment(&name, version, settings, own, node.replicas, settings.node_min_ready, pod)
}

pub(super) fn entrypoint(version: &VersionRecord, settings: &ObjectSettings) -> Deployment {
    let own = vec![
        plain("KRT_NODE_NAME", "entrypoint".to_owned()),
        plain("KRT_NATS_SUBJECTS_FILE", format!("{SUBJECTS_PATH}/{SUBJECTS_FILE}")),
    ];
    let env = environment(own, version, settings);
    let port = |name: &str, port: i32| ContainerPort {
        name: Some(name.to_owned()),
        container_port: port,
        protocol: Some("TCP".to_owned()),
        ..ContainerPort::default()
    };
    let container = Container {
        name: "entrypoint".to_owned(),
        image: Some(version.manifest.entrypoint.image.clone()),
        image_pull_policy: pull_policy(),
        env: Some(env),
        ports: Some(vec![port("grpc", 9000), port("web", 8080)]),
        volume_mounts: Some(vec![mount(FILES, FILES_PATH, false), mount(SUBJECTS, SUBJECTS_PATH, true)]),
        readiness_probe: Some(Probe {
            tcp_socket: Some(TCPSocketAction { port: IntOrString::Int(9000), host: None }),
            period_seconds: Some(2),
            ..Probe::default()
        }),
        ..Container::default()
    };
    let subjects = Volume {
        name: SUBJECTS.to_owned(),
        config_map: Some(ConfigMapVolumeSource {
            name: subjects_config_map(&version.name),
            items: Some(vec![item(SUBJECTS_FILE)]),
            ..ConfigMapVolumeSource::default()
        }),
        ..Volume::default()
    };
    let pod = pod(version, settings, container, vec![files_volume(), subjects]);
    let name = entrypoint_deployment(&version.name);
    deployment(&name, version, settings, [("type", "entrypoint".to_owned())], 1, Duration::ZERO, pod)
}

fn deployment<const N: usize>(
    name: &str,
    version: &VersionRecord,
    settings: &ObjectSettings,
    own_labels: [(&str, String); N],
    replicas: u32,
    min_ready: Duration,
    pod: PodSpec,
) -> Deployment {
    let own = own_labels.map(|(key, value)| (key.to_owned(), value));
    // What tells these pods from all others of the namespace, and never changes.
    let mut selector = BTreeMap::from([
        (RUNTIME_LABEL.to_owned(), version.runtime.to_string()),
        (VERSION_LABEL.to_owned(), version.name.to_string()),
    ]);
    selector.extend(own.clone());
    let mut metadata = metadata(name, version, settings);
    let mut pod_labels = labels(version);
    pod_labels.extend(own);
    metadata.labels = Some(pod_labels.clone());
    Deployment {
        metadata,
        spec: Some(DeploymentSpec {
            replicas: Some(i32::try_from(replicas).unwrap_or(i32::MAX)),
            selector: LabelSelector { match_labels: Some(selector), match_expressions: None },
            // Unset it would be somebody else's, and a paused Deployment keeps its old pods whatever is applied.
            paused: Some(false),
            // Zero is what an absent field means, and the API server leaves it out again.
            min_ready_seconds: i32::try_from(min_ready.as_secs()).ok().filter(|secs| *secs > 0),
            template: PodTemplateSpec {
                metadata: Some(ObjectMeta {
                    labels: Some(pod_labels),
                    annotations: Some(BTreeMap::from([(
                        "kai-server/config-sha256".to_owned(),
                        config_digest(version),
                    )])),
                    ..ObjectMeta::default()
                }),
                spec: Some(pod),
            },
            ..DeploymentSpec::default()
        }),
        ..Deployment::default()
    }
}

fn pod(version: &VersionRecord, settings: &ObjectSettings, container: Container, volumes: Vec<Volume>) -> PodSpec {
    let fetch = Container {
        name: "krt-files".to_owned(),
        image: Some(settings.init_image.clone()),
        image_pull_policy: pull_policy(),
        command: Some(["sh", "-c", FETCH].map(str::to_owned).to_vec()),
        env: Some(vec![
            plain("KRT_BASE_PATH", FILES_PATH.to_owned()),
            plain("KRT_URL", format!("{}{}", settings.advertised_url, krt_path(&version.runtime, &version.name))),
            plain("KRT_SHA256", version.file.sha256.clone()),
            from_secret(version, "KRT_TOKEN", &token_key(version)),
        ]),
        volume_mounts: Some(vec![mount(FILES, FILES_PATH, false)]),
        ..Container::default()
    };
    PodSpec {
        init_containers: Some(vec![fetch]),
        containers: vec![container],
        volumes: Some(volumes),
        // What a version's code may do in the cluster is nothing, unless the runtime's namespace says otherwise.
        automount_service_account_token: Some(false),
        enable_service_links: Some(false),
        ..PodSpec::default()
    }
}

/// A version does not change: a pod that is replaced runs the image that its machine has, also under a tag such as
/// `latest`, for which Kubernetes would by itself ask the registry each time.
fn pull_policy() -> Option<String> {
    Some("IfNotPresent".to_owned())
}

/// Every variable of a container, each once, as server-side apply wants it: what a runner cannot work without goes before
/// what the version's configuration says, and that before what the server's settings say for all versions.
fn environment(own: Vec<EnvVar>, version: &VersionRecord, settings: &ObjectSettings) -> Vec<EnvVar> {
    let common = vec![
        plain("KRT_RUNTIME_ID", version.runtime.to_string()),
        plain("KRT_VERSION_ID", format!("{}-{}", version.runtime, version.name)),
        plain("KRT_VERSION", version.name.to_string()),
        plain("KRT_BASE_PATH", FILES_PATH.to_owned()),
    ];
    let has = |env: &[EnvVar], name: &str| env.iter().any(|variable| variable.name == name);
    let fixed = |name: &str| has(&common, name) || has(&own, name);
    let configured: Vec<EnvVar> = configured(version).into_iter().filter(|variable| !fixed(&variable.name)).collect();
    let of_settings: Vec<EnvVar> = settings
        .runner_env
        .iter()
        .filter(|(name, _)| !fixed(name) && !has(&configured, name))
        .map(|(name, value)| plain(name, value.expose().to_owned()))
        .collect();
    [common, of_settings, own, configured].concat()
}

/// Configuration variables, and those files whose name could be a variable's (docs/lifecycle.md §3.6).
fn configured(version: &VersionRecord) -> Vec<EnvVar> {
    let spec = &version.manifest.config;
    let files = spec.files.iter().filter(|name| krt::is_variable_name(name));
    spec.variables.iter().chain(files).map(|name| from_secret(version, name, name)).collect()
}

fn plain(name: &str, value: String) -> EnvVar {
    EnvVar { name: name.to_owned(), value: Some(value), ..EnvVar::default() }
}

fn item(name: &str) -> KeyToPath {
    KeyToPath { key: name.to_owned(), path: name.to_owned(), mode: None }
}

fn files_volume() -> Volume {
    Volume { name: FILES.to_owned(), empty_dir: Some(EmptyDirVolumeSource::default()), ..Volume::default() }
}

fn mount(name: &str, path: &str, read_only: bool) -> VolumeMount {
    VolumeMount {
        name: name.to_owned(),
        mount_path: path.to_owned(),
        read_only: read_only.then_some(true),
        ..VolumeMount::default()
    }
}

fn tolerates(key: &str) -> Toleration {
    Toleration { key: Some(key.to_owned()), operator: Some("Exists".to_owned()), ..Toleration::default() }
}
