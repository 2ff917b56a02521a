//! The kinds of objects that this API knows: one table, read by discovery, routing, storage and printing alike.

/// One kind of object. The order is that of [`KINDS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(usize)]
pub(crate) enum Kind {
    Namespace,
    Pod,
    Service,
    Endpoints,
    Secret,
    ConfigMap,
    Event,
    Deployment,
    ReplicaSet,
    EndpointSlice,
    Ingress,
}

#[derive(Debug)]
pub(crate) struct KindInfo {
    pub(crate) kind: Kind,
    pub(crate) group: &'static str,
    pub(crate) version: &'static str,
    pub(crate) name: &'static str,
    pub(crate) plural: &'static str,
    pub(crate) singular: &'static str,
    pub(crate) short_names: &'static [&'static str],
    pub(crate) namespaced: bool,
    /// Has a `status` that only its subresource writes.
    pub(crate) status: bool,
    pub(crate) scale: bool,
    /// Counts changes of its `spec` in `metadata.generation`.
    pub(crate) generation: bool,
    /// Shown by `kubectl get all`.
    pub(crate) in_all: bool,
}

const PLAIN: KindInfo = KindInfo {
    kind: Kind::Namespace,
    group: "",
    version: "v1",
    name: "",
    plural: "",
    singular: "",
    short_names: &[],
    namespaced: true,
    status: false,
    scale: false,
    generation: false,
    in_all: false,
};

pub(crate) static KINDS: [KindInfo; 11] = [
    KindInfo {
        kind: Kind::Namespace,
        name: "Namespace",
        plural: "namespaces",
        singular: "namespace",
        short_names: &["ns"],
        namespaced: false,
        status: true,
        ..PLAIN
    },
    KindInfo {
        kind: Kind::Pod,
        name: "Pod",
        plural: "pods",
        singular: "pod",
        short_names: &["po"],
        status: true,
        in_all: true,
        ..PLAIN
    },
    KindInfo {
        kind: Kind::Service,
        name: "Service",
        plural: "services",
        singular: "service",
        short_names: &["svc"],
        status: true,
        in_all: true,
        ..PLAIN
    },
    KindInfo {
        kind: Kind::Endpoints,
        name: "Endpoints",
        plural: "endpoints",
        singular: "endpoints",
        short_names: &["ep"],
        ..PLAIN
    },
    KindInfo { kind: Kind::Secret, name: "Secret", plural: "secrets", singular: "secret", ..PLAIN },
    KindInfo {
        kind: Kind::ConfigMap,
        name: "ConfigMap",
        plural: "configmaps",
        singular: "configmap",
        short_names: &["cm"],
        ..PLAIN
    },
    KindInfo { kind: Kind::Event, name: "Event", plural: "events", singular: "event", short_names: &["ev"], ..PLAIN },
    KindInfo {
        kind: Kind::Deployment,
        group: "apps",
        name: "Deployment",
        plural: "deployments",
        singular: "deployment",
        short_names: &["deploy"],
        status: true,
        scale: true,
        generation: true,
        in_all: true,
        ..PLAIN
    },
    KindInfo {
        kind: Kind::ReplicaSet,
        group: "apps",
        name: "ReplicaSet",
        plural: "replicasets",
        singular: "replicaset",
        short_names: &["rs"],
        status: true,
        scale: true,
        generation: true,
        in_all: true,
        ..PLAIN
    },
    KindInfo {
        kind: Kind::EndpointSlice,
        group: "discovery.k8s.io",
        name: "EndpointSlice",
        plural: "endpointslices",
        singular: "endpointslice",
        ..PLAIN
    },
    KindInfo {
        kind: Kind::Ingress,
        group: "networking.k8s.io",
        name: "Ingress",
        plural: "ingresses",
        singular: "ingress",
        short_names: &["ing"],
        status: true,
        generation: true,
        ..PLAIN
    },
];

impl Kind {
    pub(crate) fn info(self) -> &'static KindInfo {
        &KINDS[self as usize]
    }

    pub(crate) fn all() -> impl Iterator<Item = Kind> {
        KINDS.iter().map(|info| info.kind)
    }

    pub(crate) fn by_plural(group: &str, version: &str, plural: &str) -> Option<Kind> {
        KINDS.iter().find(|k| k.group == group && k.version == version && k.plural == plural).map(|k| k.kind)
    }

    pub(crate) fn by_name(name: &str) -> Option<Kind> {
        KINDS.iter().find(|k| k.name == name).map(|k| k.kind)
    }
}

impl KindInfo {
    /// `v1`, `apps/v1`.
    pub(crate) fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.to_owned() } else { format!("{}/{}", self.group, self.version) }
    }

    /// `pods`, `deployments.apps`: how messages name the resource.
    pub(crate) fn resource(&self) -> String {
        if self.group.is_empty() { self.plural.to_owned() } else { format!("{}.{}", self.plural, self.group) }
    }

    /// `Pod`, `Deployment.apps`: how messages of validation name the kind.
    pub(crate) fn qualified(&self) -> String {
        if self.group.is_empty() { self.name.to_owned() } else { format!("{}.{}", self.name, self.group) }
    }
}
