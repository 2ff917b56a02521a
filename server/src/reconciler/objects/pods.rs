//! Deployments of nodes and of the entrypoint.

use std::{collections::BTreeMap, time::Duration};

use k8s_openapi::{
    api::{
        apps::v1::{Deployment, DeploymentSpec},
        core::v1::{
            ConfigMapVolumeSource, Container, ContainerPort, EmptyDirVolumeSource, ExecAction, KeyToPath, PodSpec,
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
    config::{SUBJECTS_FILE, config_digest, from_secret, token_key},
    environment::{self, plain},
    labels, metadata,
    names::{GRPC_PORT, VERSION_LABEL, config_secret, entrypoint_deployment, node_deployment, subjects_config_map},
};
use crate::{
    cluster::{RESTARTED_AT, RUNTIME_LABEL},
    krt_url::krt_path,
    reconciler::ObjectSettings,
    store::VersionRecord,
};

const FILES: &str = "krt-files";
pub(super) const FILES_PATH: &str = "/krt-files";
const CONFIG: &str = "krt-config";
const CONFIG_PATH: &str = "/krt-config";
const SUBJECTS: &str = "subjects";
pub(super) const SUBJECTS_PATH: &str = "/src/conf";

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

/// Whether the pod listens on port 9000 (2328) and has an established connection (01) to a port of NATS. With what the shell
/// itself can do: in proc(5) each line is `sl local_address rem_address st …`, with addresses such as `0100007F:2328`.
const CONNECTED: &str = r#"listens= connected=
for table in /proc/net/tcp /proc/net/tcp6; do
  [ -r "$table" ] || continue
  while read -r _ local remote state _; do
    case "$state ${local##*:}" in "0A 2328") listens=1 ;; esac
    for port in PORTS; do
      case "$state ${remote##*:}" in "01 $port") connected=1 ;; esac
    done
  done < "$table"
done
[ "$listens$connected" = 11 ]"#;

/// With the files beside it, which it may import. One that is at the archive's root keeps its place.
const COPY_PROTO: &str = r#"proto=./$KRT_PROTO
for file in "${proto%/*}"/*.proto; do
  [ -e "${file##*/}" ] || cp "$file" .
done
cp "$proto" public_input.proto
"#;

pub(super) fn node(version: &VersionRecord, workflow: &Workflow, node: &Node, settings: &ObjectSettings) -> Deployment {
    let name = node_deployment(&version.name, &workflow.name, &node.name);
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
        env: Some(environment::node(version, workflow, node, settings)),
        volume_mounts: Some(mounts),
        resources: node.gpu.then(|| {
            let gpu = BTreeMap::from([("nvidia.com/gpu".to_owned(), Quantity("1".to_owned()))]);
            ResourceRequirements { limits: Some(gpu.clone()), requests: Some(gpu), ..ResourceRequirements::default() }
        }),
        ..Container::default()
    };
    let mut pod = pod(version, settings, FETCH.to_owned(), container, volumes);
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
    let port = ContainerPort {
        name: Some("grpc".to_owned()),
        container_port: i32::from(GRPC_PORT),
        protocol: Some("TCP".to_owned()),
        ..ContainerPort::default()
    };
    let container = Container {
        name: "entrypoint".to_owned(),
        image: Some(version.manifest.entrypoint.image.clone()),
        image_pull_policy: pull_policy(),
        env: Some(environment::entrypoint(version, settings)),
        ports: Some(vec![port]),
        volume_mounts: Some(vec![mount(FILES, FILES_PATH, false), mount(SUBJECTS, SUBJECTS_PATH, true)]),
        readiness_probe: Some(readiness_probe(settings)),
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
    // It compiles the file of this name, whatever the manifest says (docs/runners.md §3).
    let fetch = match version.manifest.entrypoint.proto.as_str() {
        "public_input.proto" => FETCH.to_owned(),
        _ => format!("{FETCH}{COPY_PROTO}"),
    };
    let mut pod = pod(version, settings, fetch, container, vec![files_volume(), subjects]);
    if let Some(fetch) = pod.init_containers.iter_mut().flatten().next() {
        fetch.env.get_or_insert_default().push(plain("KRT_PROTO", version.manifest.entrypoint.proto.clone()));
    }
    let name = entrypoint_deployment(&version.name);
    deployment(&name, version, settings, [("type", "entrypoint".to_owned())], 1, Duration::ZERO, pod)
}

/// That port 9000 is open; where there is messaging, that the entrypoint has a connection to NATS, too: it opens the port
/// before (decision 29).
fn readiness_probe(settings: &ObjectSettings) -> Probe {
    if settings.runners.messaging {
        let ports = settings.runners.nats_ports().iter().map(|port| format!("{port:04X}")).collect::<Vec<_>>();
        let script = CONNECTED.replace("PORTS", &ports.join(" "));
        return Probe {
            exec: Some(ExecAction { command: Some(vec!["sh".to_owned(), "-c".to_owned(), script]) }),
            period_seconds: Some(2),
            timeout_seconds: Some(2),
            ..Probe::default()
        };
    }
    Probe {
        tcp_socket: Some(TCPSocketAction { port: IntOrString::Int(i32::from(GRPC_PORT)), host: None }),
        period_seconds: Some(2),
        ..Probe::default()
    }
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
    let mut annotations = BTreeMap::from([("kai-server/config-sha256".to_owned(), config_digest(version))]);
    // Another one makes other pods.
    annotations.extend(version.pods_restarted_at.map(|at| (RESTARTED_AT.to_owned(), at.to_string())));
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
            // So is this one: with hours in it no new pod ever counts as available.
            min_ready_seconds: Some(i32::try_from(min_ready.as_secs()).unwrap_or(i32::MAX)),
            template: PodTemplateSpec {
                metadata: Some(ObjectMeta {
                    labels: Some(pod_labels),
                    annotations: Some(annotations),
                    ..ObjectMeta::default()
                }),
                spec: Some(pod),
            },
            ..DeploymentSpec::default()
        }),
        ..Deployment::default()
    }
}

fn pod(
    version: &VersionRecord,
    settings: &ObjectSettings,
    fetch: String,
    container: Container,
    volumes: Vec<Volume>,
) -> PodSpec {
    let fetch = Container {
        name: "krt-files".to_owned(),
        image: Some(settings.init_image.clone()),
        image_pull_policy: pull_policy(),
        command: Some(vec!["sh".to_owned(), "-c".to_owned(), fetch]),
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
