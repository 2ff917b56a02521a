//! The objects that a plan applies, and whether one that is there is as it should be.

use std::{collections::BTreeMap, fmt, sync::Arc};

use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{ConfigMap, Secret, Service},
    networking::v1::Ingress,
};
use kube::{Resource, ResourceExt};
use serde::Serialize;

use super::{Kind, Plan, Situation, Step, StepScope, version::delete};
use crate::reconciler::{
    backoff::{Delay, object_key},
    diff::differences,
    repairs::fingerprint,
};

#[derive(Clone, PartialEq)]
pub(crate) enum Object {
    Deployment(Box<Deployment>),
    Service(Box<Service>),
    Secret(Box<Secret>),
    ConfigMap(Box<ConfigMap>),
    Ingress(Box<Ingress>),
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deployment(object) => object.fmt(f),
            Self::Service(object) => object.fmt(f),
            // Its values are not printed.
            Self::Secret(object) => object.metadata.fmt(f),
            Self::ConfigMap(object) => object.fmt(f),
            Self::Ingress(object) => object.fmt(f),
        }
    }
}

/// A kind of object that plans apply.
pub(super) trait Planned: Resource<DynamicType = ()> + Serialize + Clone {
    fn object(self) -> Object;

    /// The kind, if this object can never be changed again and has to be created again.
    fn immutable_kind(&self) -> Option<Kind> {
        None
    }
}

macro_rules! planned {
    ($($kind:ident)*) => { $(
        impl Planned for $kind {
            fn object(self) -> Object {
                Object::$kind(Box::new(self))
            }
        }
    )* };
    ($($kind:ident)*; immutable) => { $(
        impl Planned for $kind {
            fn object(self) -> Object {
                Object::$kind(Box::new(self))
            }

            fn immutable_kind(&self) -> Option<Kind> {
                (self.immutable == Some(true)).then_some(Kind::$kind)
            }
        }
    )* };
}
planned!(Deployment Service Ingress);
planned!(Secret ConfigMap; immutable);

/// What there is of an object, beside what there should be.
pub(super) enum ObjectState<'a> {
    /// As it should be, as far as an apply of ours can make it so.
    UpToDate,
    /// It is being deleted: what is on its way out cannot be kept, only created again when it is gone.
    Ending,
    /// It is not there, or differs in these fields.
    Differs { fields: Vec<String>, delay: Option<&'a Delay> },
}

/// The type of a Service is others' (decision 21), unless it leads requests past all pods.
pub(super) fn in_cluster(mut wanted: Service, services: &BTreeMap<String, Arc<Service>>) -> Service {
    let live = services.get(&wanted.name_any()).and_then(|live| live.spec.as_ref());
    if live.and_then(|spec| spec.type_.as_deref()) == Some("ExternalName")
        && let Some(spec) = &mut wanted.spec
    {
        spec.type_ = Some("ClusterIP".to_owned());
    }
    wanted
}

impl<'a> Situation<'a> {
    pub(super) fn object_state<K: Planned>(&self, wanted: &K, live: Option<&Arc<K>>) -> ObjectState<'a> {
        let fields = match live {
            Some(live) if live.meta().deletion_timestamp.is_some() => return ObjectState::Ending,
            Some(live) => differences(wanted, live.as_ref()),
            None => Vec::new(),
        };
        if live.is_some() && fields.is_empty() {
            return ObjectState::UpToDate;
        }
        let delay = self.delays.get(&object_key(&K::kind(&()), &wanted.name_any()));
        let delay = delay.filter(|delay| fingerprint(wanted).is_ok_and(|wanted| wanted == delay.fingerprint));
        ObjectState::Differs { fields, delay }
    }

    /// Whether an apply of ours can bring the object no closer to what it should be.
    pub(super) fn is_up_to_date<K: Planned>(&self, wanted: &K, live: Option<&Arc<K>>) -> bool {
        match self.object_state(wanted, live) {
            ObjectState::UpToDate => true,
            ObjectState::Ending => false,
            ObjectState::Differs { fields, delay } => live.is_some() && is_overridden(&fields, delay),
        }
    }

    /// Plans the step that brings an object back to what it should be, if there is one and its time has come.
    pub(super) fn to_apply<K: Planned>(
        &self,
        scope: StepScope,
        wanted: K,
        observed: &BTreeMap<String, Arc<K>>,
        plan: &mut Plan,
    ) -> Option<Step> {
        let live = observed.get(&wanted.name_any());
        let ObjectState::Differs { delay, .. } = self.object_state(&wanted, live) else { return None };
        if !self.is_due(scope, &wanted, delay, plan) {
            return None;
        }
        if let Some((live, kind)) = live.and_then(|live| Some((live, live.immutable_kind()?))) {
            return delete(kind, live.as_ref());
        }
        Some(Step::Apply(wanted.object()))
    }

    /// Whether the object may be applied now; otherwise makes sure that it is when its time has come.
    pub(super) fn is_due<K: Planned>(
        &self,
        scope: StepScope,
        wanted: &K,
        delay: Option<&Delay>,
        plan: &mut Plan,
    ) -> bool {
        let Some(delay) = delay else { return true };
        plan.delayed.push((scope, wanted.clone().object(), delay.reason.clone()));
        if delay.until > self.now {
            plan.requeue(delay.until);
        }
        delay.until <= self.now
    }
}

fn is_overridden(fields: &[String], delay: Option<&Delay>) -> bool {
    delay.is_some_and(|delay| fields.iter().all(|field| delay.overridden.contains(field)))
}
