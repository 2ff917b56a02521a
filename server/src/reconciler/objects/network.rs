//! Services and Ingresses.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::{
        core::v1::{Service, ServicePort, ServiceSpec},
        networking::v1::{
            HTTPIngressPath, HTTPIngressRuleValue, Ingress, IngressBackend, IngressRule, IngressServiceBackend,
            IngressSpec, IngressTLS, ServiceBackendPort,
        },
    },
    apimachinery::pkg::util::intstr::IntOrString,
};

use super::{
    metadata,
    names::{GRPC_PORT, VERSION_LABEL},
};
use crate::{cluster::RUNTIME_LABEL, reconciler::ObjectSettings, store::VersionRecord};

pub(super) fn service(name: &str, version: &VersionRecord, settings: &ObjectSettings) -> Service {
    let port = ServicePort {
        name: Some("grpc".to_owned()),
        port: i32::from(GRPC_PORT),
        target_port: Some(IntOrString::Int(i32::from(GRPC_PORT))),
        // The default, but part of what server-side apply tells ports apart by.
        protocol: Some("TCP".to_owned()),
        ..ServicePort::default()
    };
    Service {
        metadata: metadata(name, version, settings),
        spec: Some(ServiceSpec {
            selector: Some(BTreeMap::from([
                ("type".to_owned(), "entrypoint".to_owned()),
                (VERSION_LABEL.to_owned(), version.name.to_string()),
                (RUNTIME_LABEL.to_owned(), version.runtime.to_string()),
            ])),
            ports: Some(vec![port]),
            ..ServiceSpec::default()
        }),
        ..Service::default()
    }
}

/// Leads what asks for `host` to the port `grpc` of `service`.
pub(super) fn ingress(
    name: &str,
    host: String,
    service: &str,
    version: &VersionRecord,
    settings: &ObjectSettings,
) -> Ingress {
    let mut metadata = metadata(name, version, settings);
    if !settings.ingress_annotations.is_empty() {
        metadata.annotations = Some(settings.ingress_annotations.clone());
    }
    let backend = IngressBackend {
        service: Some(IngressServiceBackend {
            name: service.to_owned(),
            port: Some(ServiceBackendPort { name: Some("grpc".to_owned()), number: None }),
        }),
        resource: None,
    };
    let path = HTTPIngressPath { path: Some("/".to_owned()), path_type: "Prefix".to_owned(), backend };
    Ingress {
        metadata,
        spec: Some(IngressSpec {
            ingress_class_name: settings.ingress_class.clone(),
            rules: Some(vec![IngressRule {
                host: Some(host.clone()),
                http: Some(HTTPIngressRuleValue { paths: vec![path] }),
            }]),
            tls: settings
                .ingress_tls_secret
                .as_ref()
                .map(|secret| vec![IngressTLS { hosts: Some(vec![host]), secret_name: Some(secret.clone()) }]),
            ..IngressSpec::default()
        }),
        ..Ingress::default()
    }
}
