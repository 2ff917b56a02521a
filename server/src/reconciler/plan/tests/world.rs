//! A cluster and a store in a few maps: steps have their effect at once, what controllers do happens when told.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use domain::{Command, Desired, Failure, Timestamp, VersionName, VersionState, decide};
use jiff::SignedDuration;
use k8s_openapi::api::{
    apps::v1::{Deployment, DeploymentStatus},
    core::v1::{ObjectReference, Pod, PodCondition, PodStatus},
};
use kube::{Resource, ResourceExt};
use rand::{Rng, rngs::StdRng, seq::IndexedRandom};

use crate::{
    reconciler::{
        fixture,
        objects::{ACTIVE_SERVICE, INGRESS},
        observed::{Observed, belongs_to},
        plan::{Kind, Object, Plan, Situation, Step, Verdict, plan},
    },
    store::RuntimeIntent,
};

pub(super) struct World {
    pub(super) intent: RuntimeIntent,
    pub(super) observed: Observed,
    pub(super) now: Timestamp,
    pub(super) reachable_since: Option<Timestamp>,
    /// The Service of the published entrypoint has led somewhere since the last publication began.
    was_linked: bool,
}

impl World {
    pub(super) fn new(versions: usize) -> Self {
        let versions = (0..versions).map(|index| fixture::version(index as i64 + 1, &format!("v{index}"))).collect();
        Self {
            intent: fixture::intent(versions),
            observed: Observed::default(),
            now: Timestamp::UNIX_EPOCH,
            reachable_since: None,
            was_linked: false,
        }
    }

    // What people do.

    pub(super) fn command(&mut self, index: usize, command: Command) {
        assert!(self.try_command(index, command), "{command} of v{index}, which is {}", self.state(index));
    }

    pub(super) fn try_command(&mut self, index: usize, command: Command) -> bool {
        let publication = self.intent.runtime.publication;
        if decide(self.state(index), publication.switching(), command).is_err() {
            return false;
        }
        let deadline = self.now + SignedDuration::from_secs(300);
        let version = &mut self.intent.versions[index];
        match command {
            Command::Start | Command::Stop => {
                version.desired = if command == Command::Start { Desired::Started } else { Desired::Stopped };
                version.generation += 1;
                version.settled = false;
                version.deadline = (command == Command::Start).then_some(deadline);
            }
            Command::Publish => {
                self.intent.runtime.publication.target = Some(version.key);
                self.intent.runtime.publish_deadline = Some(deadline);
            }
            Command::Unpublish => self.intent.runtime.publication.target = None,
            Command::Archive => version.desired = Desired::Archived,
        }
        self.derive_roles();
        true
    }

    pub(super) fn state(&self, index: usize) -> VersionState {
        self.intent.versions[index].state()
    }

    pub(super) fn failure(&self, index: usize) -> Option<&str> {
        self.intent.versions[index].failure.as_ref().map(|failure| failure.reason.as_str())
    }

    pub(super) fn pass_time(&mut self, secs: i64) {
        self.now += SignedDuration::from_secs(secs);
    }

    // What the reconciler does.

    fn plan(&self) -> Plan {
        plan(&Situation {
            intent: &self.intent,
            observed: &self.observed,
            settings: &fixture::settings(),
            now: self.now,
            trouble: &BTreeMap::new(),
            reachable_since: self.reachable_since,
        })
    }

    /// Carries out the first thing that is planned.
    pub(super) fn one_step(&mut self) {
        let plan = self.plan();
        if let Some(verdict) = plan.verdicts.into_iter().next() {
            self.record(verdict);
        } else if let Some(step) = plan.steps.into_values().flatten().next() {
            self.carry_out(step);
        }
    }

    /// Carries out plans until they are empty; nothing else happens meanwhile.
    pub(super) fn work(&mut self) -> Vec<String> {
        let mut done = Vec::new();
        for _ in 0..200 {
            let plan = self.plan();
            if plan.verdicts.is_empty() && plan.steps.is_empty() {
                return done;
            }
            if let Some(verdict) = plan.verdicts.into_iter().next() {
                self.record(verdict);
            } else if let Some(step) = plan.steps.into_values().flatten().next() {
                done.push(self.carry_out(step));
            }
        }
        panic!("plans never become empty: {done:?}");
    }

    /// Works, with all controllers doing theirs, until nothing happens any more.
    pub(super) fn settle(&mut self) -> Vec<String> {
        let mut done = Vec::new();
        loop {
            let before = done.len();
            done.extend(self.work());
            for name in self.names("Deployment") {
                self.make_ready(&name);
            }
            done.extend(self.work());
            if done.len() == before {
                return done;
            }
        }
    }

    fn carry_out(&mut self, step: Step) -> String {
        let did = match step {
            Step::Apply(object) => match object {
                Object::Deployment(mut object) => {
                    object.metadata.generation = Some(self.next_generation(&object.name_any()));
                    let name = object.name_any();
                    // As a server would: the status stays, and is not current any more.
                    object.status = self.observed.deployments.get(&name).and_then(|live| live.status.clone());
                    self.observed.deployments.insert(name.clone(), Arc::new(*object));
                    format!("apply {name}")
                }
                Object::Service(mut object) => {
                    object.metadata.resource_version = None;
                    insert(&mut self.observed.services, *object)
                }
                Object::Secret(object) => insert(&mut self.observed.secrets, *object),
                Object::ConfigMap(object) => insert(&mut self.observed.config_maps, *object),
                Object::Ingress(object) => insert(&mut self.observed.ingresses, *object),
            },
            Step::Delete { kind, name, .. } => {
                match kind {
                    Kind::Deployment => {
                        self.observed.deployments.remove(&name);
                        self.observed.pods.remove(&name);
                    }
                    Kind::Service => drop(self.observed.services.remove(&name)),
                    Kind::Secret => drop(self.observed.secrets.remove(&name)),
                    Kind::ConfigMap => drop(self.observed.config_maps.remove(&name)),
                    Kind::Ingress => drop(self.observed.ingresses.remove(&name)),
                }
                format!("delete {name}")
            }
        };
        self.derive_endpoints();
        did
    }

    fn next_generation(&self, deployment: &str) -> i64 {
        self.observed.deployments.get(deployment).and_then(|live| live.metadata.generation).unwrap_or(0) + 1
    }

    fn record(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Settled { version, generation } => {
                let version = self.intent.versions.iter_mut().find(|v| v.key == version).unwrap();
                assert_eq!(version.generation, generation);
                version.settled = true;
                version.deadline = None;
            }
            Verdict::StartFailed { version, blame, .. } => {
                let at = self.now;
                let version = self.intent.versions.iter_mut().find(|v| v.key == version).unwrap();
                version.desired = Desired::Stopped;
                version.generation += 1;
                version.settled = false;
                version.failure =
                    Some(Failure { at, node: blame.node, reason: blame.reason, events: Vec::new(), log: Vec::new() });
            }
            Verdict::PublicationSettled { target } => {
                assert_eq!(self.intent.runtime.publication.target, target);
                self.intent.runtime.publication.serving = target;
                self.was_linked = target.is_some();
            }
            Verdict::PublishFailed { target, blame } => {
                let at = self.now;
                self.intent.runtime.publication.target = self.intent.runtime.publication.serving;
                let version = self.intent.versions.iter_mut().find(|v| v.key == target).unwrap();
                version.failure =
                    Some(Failure { at, node: blame.node, reason: blame.reason, events: Vec::new(), log: Vec::new() });
            }
        }
        self.derive_roles();
    }

    fn derive_roles(&mut self) {
        let publication = self.intent.runtime.publication;
        for version in &mut self.intent.versions {
            version.role = publication.role_of(&version.key);
            version.switching = publication.switching();
        }
    }

    // What the cluster does.

    pub(super) fn make_ready(&mut self, deployment: &str) {
        self.set_ready(deployment, true);
    }

    pub(super) fn make_unready(&mut self, deployment: &str) {
        self.set_ready(deployment, false);
    }

    fn set_ready(&mut self, name: &str, ready: bool) {
        let Some(live) = self.observed.deployments.get(name) else { return };
        let mut live = Deployment::clone(live);
        let count = Some(i32::from(ready));
        live.status = Some(DeploymentStatus {
            observed_generation: live.metadata.generation,
            replicas: Some(1),
            updated_replicas: Some(1),
            ready_replicas: count,
            available_replicas: count,
            ..DeploymentStatus::default()
        });
        let mut pod = Pod::default();
        pod.metadata.name = Some(name.to_owned());
        pod.metadata.labels = live.spec.as_ref().and_then(|spec| spec.template.metadata.as_ref()?.labels.clone());
        let status = if ready { "True" } else { "False" };
        let condition =
            PodCondition { type_: "Ready".to_owned(), status: status.to_owned(), ..PodCondition::default() };
        pod.status = Some(PodStatus { conditions: Some(vec![condition]), ..PodStatus::default() });
        self.observed.pods.insert(name.to_owned(), Arc::new(pod));
        self.observed.deployments.insert(name.to_owned(), Arc::new(live));
        self.derive_endpoints();
    }

    /// One Deployment becomes ready, or loses its pod.
    pub(super) fn some_effect(&mut self, random: &mut StdRng) {
        if let Some(name) = self.names("Deployment").choose(random) {
            self.set_ready(name, random.random_bool(0.8));
        }
    }

    /// Somebody deletes it.
    pub(super) fn lose(&mut self, name: &str) {
        let Observed { deployments, pods, services, secrets, config_maps, ingresses, .. } = &mut self.observed;
        let was_pod = pods.remove(name).is_some();
        let was_deployment = deployments.remove(name).is_some();
        if !was_pod && !was_deployment && services.remove(name).is_none() && ingresses.remove(name).is_none() {
            secrets.remove(name);
            config_maps.remove(name);
        }
        self.derive_endpoints();
    }

    fn derive_endpoints(&mut self) {
        let observed = &mut self.observed;
        observed.ready_pods.clear();
        for (name, service) in &observed.services {
            let selector = service.spec.as_ref().and_then(|spec| spec.selector.clone()).unwrap_or_default();
            let selected: BTreeSet<String> = observed
                .pods
                .values()
                .filter(|pod| is_ready(pod) && selector.iter().all(|(key, value)| pod.labels().get(key) == Some(value)))
                .map(|pod| ObjectReference { name: pod.metadata.name.clone(), ..ObjectReference::default() })
                .filter_map(|reference| reference.name)
                .collect();
            observed.ready_pods.insert(name.clone(), selected);
        }
    }

    // What is seen of it.

    pub(super) fn names(&self, kind: &str) -> Vec<String> {
        match kind {
            "Deployment" => self.observed.deployments.keys().cloned().collect(),
            "Service" => self.observed.services.keys().cloned().collect(),
            other => panic!("{other}"),
        }
    }

    pub(super) fn all_names(&self) -> Vec<String> {
        let Observed { deployments, services, secrets, config_maps, ingresses, .. } = &self.observed;
        let mut names: Vec<String> = deployments.keys().cloned().collect();
        names.extend(services.keys().filter(|name| !deployments.contains_key(*name)).cloned());
        names.extend(secrets.keys().chain(config_maps.keys()).chain(ingresses.keys()).cloned());
        names
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all_names().is_empty()
    }

    pub(super) fn belongings(&self, version: &VersionName) -> usize {
        let Observed { deployments, pods, services, secrets, config_maps, .. } = &self.observed;
        fn count<K: Resource>(objects: &BTreeMap<String, Arc<K>>, version: &VersionName) -> usize {
            objects.values().filter(|object| belongs_to(object.as_ref(), version)).count()
        }
        count(deployments, version)
            + count(pods, version)
            + count(services, version)
            + count(secrets, version)
            + count(config_maps, version)
    }

    /// What must hold at every moment: while a version is published its requests have somewhere to go, and they never go
    /// to a version that is not meant to run.
    pub(super) fn assert_safe(&self, seed: u64) {
        let publication = self.intent.runtime.publication;
        if self.was_linked && publication.target.is_some() {
            assert!(self.observed.services.contains_key(ACTIVE_SERVICE), "seed {seed}: the published Service is gone");
        }
        if let Some(selected) = self.observed.active_selects() {
            let version = self.intent.versions.iter().find(|version| version.name.as_str() == selected);
            assert_eq!(version.map(|version| version.desired), Some(Desired::Started), "seed {seed}: {selected}");
        }
        if self.observed.ingresses.contains_key(INGRESS) {
            assert!(self.observed.active_selects().is_some(), "seed {seed}: the Ingress leads nowhere");
        }
    }
}

fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_ref());
    conditions.into_iter().flatten().any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

fn insert<K: Resource>(objects: &mut BTreeMap<String, Arc<K>>, object: K) -> String {
    let name = object.name_any();
    objects.insert(name.clone(), Arc::new(object));
    format!("apply {name}")
}
