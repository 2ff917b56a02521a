//! The objects, against docs/lifecycle.md §3 and §4.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{Container, EnvVar, PodSpec};
use kube::ResourceExt;
use serde_json::json;

use super::*;
use crate::reconciler::fixture;

mod accepted;
mod environment;

fn deployment<'a>(objects: &'a VersionObjects, prefix: &str) -> &'a Deployment {
    objects.deployments.iter().find(|deployment| deployment.name_any().starts_with(prefix)).unwrap()
}

fn pod(deployment: &Deployment) -> &PodSpec {
    deployment.spec.as_ref().unwrap().template.spec.as_ref().unwrap()
}

fn env<'a>(container: &'a Container, name: &str) -> Option<&'a EnvVar> {
    container.env.as_ref().unwrap().iter().find(|variable| variable.name == name)
}

#[test]
fn no_two_nodes_of_any_versions_claim_one_name() {
    let parts = ["x", "x-y", "y", "y-z", "z", "x-y-z", "y-z-x", "entrypoint1", "a-entrypoint", "config", "subjects"];
    let mut names = BTreeSet::new();
    for version in parts {
        let version = version.parse().unwrap();
        assert!(names.insert(entrypoint_deployment(&version)));
        for workflow in parts {
            for node in parts {
                let name = node_deployment(&version, &workflow.parse().unwrap(), &node.parse().unwrap());
                assert!(names.insert(name.clone()), "{name}");
            }
        }
    }
}

#[test]
fn no_object_of_a_version_has_the_name_of_anothers_or_of_the_publications() {
    let settings = fixture::settings();
    let published = fixture::version(1, "v1");
    let mut names = BTreeSet::from([
        format!("Service {}", active_service_object(&published, &settings).name_any()),
        format!("Ingress {}", ingress_object(&published, &settings).name_any()),
    ]);
    for version in ["x", "x-y", "entrypoint", "a-entrypoint", "active-a", "x-preview", "preview", "config", "x-config"]
    {
        let version = fixture::version(1, version);
        let all = version_objects(&version, &settings);
        let mut claims = vec![
            format!("Secret {}", all.secret.name_any()),
            format!("ConfigMap {}", all.config_map.name_any()),
            format!("Service {}", own_service_object(&version, &settings).name_any()),
            format!("Ingress {}", preview_ingress_object(&version, &settings).name_any()),
        ];
        claims.extend(all.deployments.iter().map(|deployment| format!("Deployment {}", deployment.name_any())));
        for claim in claims {
            assert!(names.insert(claim.clone()), "{claim}");
        }
    }
}

#[test]
fn names_are_stable() {
    let name = node_deployment(&"v1".parse().unwrap(), &"work".parse().unwrap(), &"first".parse().unwrap());
    assert_eq!(name, "v1-work-first-m6q9b");
}

#[test]
fn variables_come_from_the_secret_and_files_are_mounted_and_in_the_environment_where_their_name_allows() {
    let mut version = fixture::version(1, "v1");
    version.manifest.config.variables = vec!["API_KEY".to_owned()];
    version.manifest.config.files = vec!["MODEL".to_owned(), "settings.json".to_owned()];
    let objects = version_objects(&version, &fixture::settings());
    let pod = pod(deployment(&objects, "v1-work-first-"));
    let container = &pod.containers[0];
    for name in ["API_KEY", "MODEL"] {
        let key = env(container, name).and_then(|v| v.value_from.as_ref()?.secret_key_ref.as_ref()).unwrap();
        assert_eq!((key.name.as_str(), key.key.as_str()), ("v1-config", name));
    }
    assert!(env(container, "settings.json").is_none());
    let secret = pod.volumes.as_ref().unwrap().iter().find_map(|volume| volume.secret.as_ref()).unwrap();
    let mounted: Vec<_> = secret.items.as_ref().unwrap().iter().map(|item| item.path.as_str()).collect();
    assert_eq!(mounted, ["MODEL", "settings.json"]);
    let mount = container.volume_mounts.as_ref().unwrap().iter().find(|mount| mount.name == "krt-config").unwrap();
    assert_eq!(mount.mount_path, "/krt-config");
}

#[test]
fn another_value_makes_other_pods_and_the_same_values_make_the_same() {
    let mut version = fixture::version(1, "v1");
    let objects = |version: &VersionRecord| version_objects(version, &fixture::settings()).deployments;
    let before = objects(&version);
    assert_eq!(before, objects(&version));
    version.config.insert("API_KEY".to_owned(), "1".into());
    assert_ne!(before, objects(&version));
}

#[test]
fn no_file_can_be_named_so_that_it_becomes_the_credential() {
    let mut version = fixture::version(1, "v1");
    version.manifest.config.files = vec!["krt-download-token".to_owned()];
    version.config.insert("krt-download-token".to_owned(), "mine".into());
    let data = version_objects(&version, &fixture::settings()).secret.data.unwrap();
    assert_eq!(data["krt-download-token"].0, b"mine");
    assert!(data.values().any(|value| value.0 == b"secret"));
}

#[test]
fn the_url_for_measurements_has_a_credential_of_its_own() {
    let mut version = fixture::version(1, "v1");
    version.manifest.config.files = vec!["krt-measurements-url".to_owned()];
    version.config.insert("krt-measurements-url".to_owned(), "mine".into());
    let objects = version_objects(&version, &fixture::settings());
    let data = objects.secret.data.as_ref().unwrap();
    assert_eq!(data["krt-measurements-url"].0, b"mine");
    let containers =
        ["v1-work-first-", "v1-entrypoint"].map(|name| pod(deployment(&objects, name)).containers[0].clone());
    for container in containers {
        let variable = container.env.unwrap().into_iter().find(|one| one.name == "KRT_INFLUX_URI").unwrap();
        let key = variable.value_from.unwrap().secret_key_ref.unwrap().key;
        let url = String::from_utf8(data[&key].0.clone()).unwrap();
        let token = url.strip_prefix("http://10.0.0.1:3001/measurements/demo/v1/").unwrap();
        assert_eq!((token.len(), token), (64, version.file.measurements_token().expose()));
        assert_ne!(token, version.file.download_token.expose());
    }
}

#[test]
fn a_gpu_node_asks_for_one_and_goes_where_they_are() {
    let mut version = fixture::version(1, "v1");
    version.manifest.workflows[0].nodes[0].gpu = true;
    let objects = version_objects(&version, &fixture::settings());
    let gpu = pod(deployment(&objects, "v1-work-first-"));
    let resources = serde_json::to_value(gpu.containers[0].resources.as_ref().unwrap()).unwrap();
    assert_eq!(resources, json!({"limits": {"nvidia.com/gpu": "1"}, "requests": {"nvidia.com/gpu": "1"}}));
    assert_eq!(gpu.node_selector.as_ref().unwrap()["konstellation.io/gpu"], "true");
    let tolerated: Vec<_> = gpu.tolerations.as_ref().unwrap().iter().filter_map(|t| t.key.as_deref()).collect();
    assert_eq!(tolerated, ["konstellation.io/gpu", "nvidia.com/gpu"]);
    assert!(pod(deployment(&objects, "v1-work-last-")).tolerations.is_none());
}

#[test]
fn everything_carries_the_labels_that_say_whose_it_is() {
    let version = fixture::version(1, "v1");
    let settings = fixture::settings();
    let objects = version_objects(&version, &settings);
    let mut all = vec![objects.secret.labels().clone(), objects.config_map.labels().clone()];
    all.extend(objects.deployments.iter().map(|d| d.labels().clone()));
    all.extend(
        objects
            .deployments
            .iter()
            .map(|d| d.spec.as_ref().unwrap().template.metadata.as_ref().unwrap().labels.clone().unwrap()),
    );
    all.push(active_service_object(&version, &settings).labels().clone());
    all.push(ingress_object(&version, &settings).labels().clone());
    for labels in all {
        assert_eq!(labels["app.kubernetes.io/managed-by"], "kai-server");
        assert_eq!(labels["app.kubernetes.io/part-of"], "demo");
        assert_eq!(labels["runtime-id"], "demo");
        assert_eq!(labels["version-name"], "v1");
    }
    let node = deployment(&objects, "v1-work-first-").labels();
    assert_eq!(
        (node["type"].as_str(), node["workflow-name"].as_str(), node["node-name"].as_str()),
        ("node", "work", "first")
    );
}

#[test]
fn services_select_the_entrypoint_of_one_version_and_the_ingress_leads_to_the_published_one() {
    let version = fixture::version(1, "v1");
    let mut settings = fixture::settings();
    settings.ingress_tls_secret = Some("cert".to_owned());
    settings.ingress_class = Some("nginx".to_owned());
    let service = serde_json::to_value(active_service_object(&version, &settings)).unwrap();
    assert_eq!(service["metadata"]["name"], "active-entrypoint");
    assert_eq!(service["metadata"]["namespace"], "kai-demo");
    assert_eq!(service["spec"]["selector"], json!({"type": "entrypoint", "version-name": "v1", "runtime-id": "demo"}));
    assert_eq!(
        service["spec"]["ports"],
        json!([
            {"name": "grpc", "port": 9000, "targetPort": 9000, "protocol": "TCP"},
        ])
    );
    let ingress = serde_json::to_value(ingress_object(&version, &settings)).unwrap();
    assert_eq!(ingress["spec"]["ingressClassName"], "nginx");
    assert_eq!(ingress["spec"]["rules"][0]["host"], "demo.example.org");
    assert_eq!(
        ingress["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"],
        json!({"name": "active-entrypoint", "port": {"name": "grpc"}})
    );
    assert_eq!(ingress["spec"]["tls"], json!([{"hosts": ["demo.example.org"], "secretName": "cert"}]));
}
