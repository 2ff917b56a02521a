//! Carries steps out. Each is idempotent, and what the cluster answers goes into the caches at once, so that the next
//! plan does not see the world as it was before.

use domain::{RuntimeId, Timestamp};
use k8s_openapi::{
    NamespaceResourceScope,
    api::core::v1::Namespace,
    apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time},
};
use kube::{
    Api, Resource, ResourceExt,
    api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions},
    core::Status,
};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    collections::BTreeMap,
    fmt::Debug,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{
    Memory,
    backoff::{Attempt, manager_of, object_key},
    diff::differences,
    ownership::OWNER,
    plan::{Kind, Object, Step},
    repairs::{fingerprint, stamped},
};
use crate::{
    cluster::{Cache, CachedKind, Cluster, MANAGED_BY, RUNTIME_LABEL, Watches, error_message, retry_after},
    messaging::{Messaging, MessagingError},
    store::InstallationId,
};

/// The name under which server-side apply knows what is ours (docs/lifecycle.md §3.1).
pub(super) const FIELD_MANAGER: &str = "kai-server";

/// Why a step could not be carried out.
#[derive(Debug, thiserror::Error)]
pub(super) enum StepError {
    #[error("the cluster rejects a change: {}", error_message(.0))]
    Cluster(#[from] kube::Error),
    #[error("NATS rejects a change: {0}")]
    Messaging(#[from] MessagingError),
}

impl StepError {
    /// What the cluster or NATS answered; none when it did not.
    pub(super) fn answer(&self) -> Option<String> {
        let is_answer = match self {
            Self::Cluster(error) => matches!(error, kube::Error::Api(_)),
            Self::Messaging(error) => error.is_answer(),
        };
        is_answer.then(|| self.to_string())
    }

    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Cluster(error) => retry_after(error),
            Self::Messaging(_) => None,
        }
    }
}

/// Writes to one runtime's namespace.
pub(crate) struct Writer<'a> {
    pub(crate) cluster: &'a Cluster,
    pub(crate) watches: &'a Watches,
    pub(crate) messaging: Option<&'a Messaging>,
    pub(super) memory: &'a Mutex<Memory>,
    pub(crate) runtime: &'a RuntimeId,
    pub(crate) namespace: &'a str,
    pub(crate) installation: InstallationId,
}

impl Writer<'_> {
    /// Makes the namespace if there is none, and checks that it is this installation's.
    pub(crate) async fn ensure_namespace(&self) -> Result<(), kube::Error> {
        if let Some(namespace) = self.watches.namespaces.get("", self.namespace) {
            return self.claim(&namespace).await;
        }
        let api = Api::<Namespace>::all(self.cluster.client());
        let namespace = Namespace {
            metadata: ObjectMeta {
                name: Some(self.namespace.to_owned()),
                labels: Some(BTreeMap::from([
                    (MANAGED_BY.0.to_owned(), MANAGED_BY.1.to_owned()),
                    ("app.kubernetes.io/part-of".to_owned(), self.runtime.to_string()),
                    (RUNTIME_LABEL.to_owned(), self.runtime.to_string()),
                ])),
                annotations: Some(BTreeMap::from([(OWNER.to_owned(), self.installation.to_string())])),
                ..ObjectMeta::default()
            },
            ..Namespace::default()
        };
        match api.create(&PostParams::default(), &namespace).await {
            // Somebody else made it in between.
            Err(kube::Error::Api(status)) if status.reason == "AlreadyExists" => {
                self.claim(&api.get(self.namespace).await?).await
            }
            Ok(made) => {
                self.watches.namespaces.written(made);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    pub(crate) fn knows_namespace(&self) -> bool {
        self.watches.namespaces.get("", self.namespace).is_some()
    }

    pub(super) async fn execute(&self, step: Step) -> Result<(), StepError> {
        let watches = self.watches;
        let done = match step {
            Step::Message(step) => {
                // Without messaging nothing of it is planned.
                let Some(messaging) = self.messaging else { return Ok(()) };
                return Ok(messaging.execute(&step).await?);
            }
            Step::Apply(Object::Deployment(object)) => self.apply(&watches.deployments, &*object).await,
            Step::Apply(Object::Service(object)) => self.apply(&watches.services, &*object).await,
            Step::Apply(Object::Secret(object)) => self.apply(&watches.secrets, &*object).await,
            Step::Apply(Object::ConfigMap(object)) => self.apply(&watches.config_maps, &*object).await,
            Step::Apply(Object::Ingress(object)) => self.apply(&watches.ingresses, &*object).await,
            Step::Delete { kind, name, uid } => match kind {
                // In the foreground: it is there until its pods are gone, so that its absence means something.
                Kind::Deployment => self.delete(&watches.deployments, &name, uid, DeleteParams::foreground()).await,
                Kind::Service => self.delete(&watches.services, &name, uid, DeleteParams::background()).await,
                Kind::Secret => self.delete(&watches.secrets, &name, uid, DeleteParams::background()).await,
                Kind::ConfigMap => self.delete(&watches.config_maps, &name, uid, DeleteParams::background()).await,
                Kind::Ingress => self.delete(&watches.ingresses, &name, uid, DeleteParams::background()).await,
            },
        };
        Ok(done?)
    }

    async fn apply<K>(&self, cache: &Cache<K>, object: &K) -> Result<(), kube::Error>
    where
        K: CachedKind
            + Resource<Scope = NamespaceResourceScope, DynamicType = ()>
            + Serialize
            + DeserializeOwned
            + Debug,
    {
        let live = cache.unpacked(self.namespace, &object.name_any());
        if live.is_none() {
            self.check_not_foreign::<K>(&object.name_any()).await?;
        }
        tracing::info!(namespace = self.namespace, kind = %K::kind(&()), name = object.name_any(), "applying");
        let params = PatchParams::apply(FIELD_MANAGER).force();
        let (key, name) = (object_key(&K::kind(&()), &object.name_any()), object.name_any());
        let fields = live.map(|live| differences(object, live.as_ref())).unwrap_or_default();
        let is_repeated = self.memory().backoff.is_repeated(self.runtime, &key, &fields, Timestamp::now());
        // The caches do not have that.
        let changed = if is_repeated { self.api::<K>().get_metadata_opt(&name).await? } else { None };
        let changed_by = changed.and_then(|changed| manager_of(&fields, changed.managed_fields()));
        let fingerprint = fingerprint(object).map_err(kube::Error::SerdeError)?;
        let stamped = stamped(object).map_err(kube::Error::SerdeError)?;
        let written = self.api::<K>().patch(&name, &params, &Patch::Apply(stamped)).await?;
        let attempt = Attempt { fingerprint, fields, overridden: differences(object, &written) };
        self.memory().backoff.record(self.runtime, &key, attempt, changed_by, Timestamp::now());
        cache.written(written);
        Ok(())
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An object of the name that is to be applied, but not ours, would become ours by that, and be deleted in the end. It
    /// counts as a rejection by the cluster: shown and retried like one.
    async fn check_not_foreign<K>(&self, name: &str) -> Result<(), kube::Error>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()> + DeserializeOwned + Clone + Debug,
    {
        let Some(found) = self.api::<K>().get_metadata_opt(name).await? else { return Ok(()) };
        if is_ours(&found.metadata) {
            return Ok(());
        }
        let (kind, namespace) = (K::kind(&()), self.namespace);
        let message = format!(
            "{kind} {name} in namespace {namespace} exists and is not managed by kai-server; delete or rename it"
        );
        Err(kube::Error::Api(Status::failure(&message, "AlreadyExists").with_code(409).boxed()))
    }

    async fn delete<K>(
        &self,
        cache: &Cache<K>,
        name: &str,
        uid: Option<String>,
        params: DeleteParams,
    ) -> Result<(), kube::Error>
    where
        K: CachedKind + Resource<Scope = NamespaceResourceScope, DynamicType = ()> + DeserializeOwned + Debug,
    {
        tracing::info!(namespace = self.namespace, kind = %K::kind(&()), name, "deleting");
        self.memory().backoff.forget(self.runtime, &object_key(&K::kind(&()), name));
        let params = params.preconditions(Preconditions { uid, resource_version: None });
        match self.api::<K>().delete(name, &params).await {
            // "Success" does not say that it is gone: a finalizer may hold it.
            Ok(_) => cache.ending(self.namespace, name, Time(Timestamp::now())),
            Err(kube::Error::Api(status)) if status.code == 404 => cache.gone(self.namespace, name),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn api<K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>>(&self) -> Api<K> {
        Api::namespaced(self.cluster.client(), self.namespace)
    }
}

/// What we made stays ours when somebody takes our label off.
fn is_ours(found: &ObjectMeta) -> bool {
    let is_labelled =
        found.labels.as_ref().and_then(|labels| labels.get(MANAGED_BY.0)).is_some_and(|by| by == MANAGED_BY.1);
    let mut managers = found.managed_fields.iter().flatten();
    is_labelled
        || managers
            .any(|entry| entry.manager.as_deref() == Some(FIELD_MANAGER) && entry.operation.as_deref() == Some("Apply"))
}
