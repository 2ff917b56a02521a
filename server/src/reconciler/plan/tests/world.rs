//! A cluster and a store in a few maps: steps have their effect at once, what controllers do happens when told.

mod disorder;
mod messages;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use domain::{Command, Desired, Failure, Timestamp, VersionName, VersionState, decide};
use jiff::SignedDuration;
use k8s_openapi::{
    api::{
        apps::v1::{Deployment, DeploymentStatus},
        core::v1::{ObjectReference, Pod, PodCondition, PodStatus},
        networking::v1::Ingress,
    },
    apimachinery::pkg::apis::meta::v1::Time,
};
use kube::{Resource, ResourceExt};
use rand::{Rng, rngs::StdRng, seq::IndexedRandom};

use crate::{
    reconciler::{
        ObjectSettings,
        backoff::Delay,
        fixture,
        objects::{ACTIVE_SERVICE, INGRESS, own_service},
        observed::{Observed, belongs_to},
        plan::{Kind, Object, Plan, Situation, Step, StepScope, Transition, plan},
        readiness::progress,
    },
    store::RuntimeIntent,
};

const START_TIMEOUT: SignedDuration = SignedDuration::from_secs(300);

pub(super) struct World {
    pub(super) intent: RuntimeIntent,
    pub(super) observed: Observed,
    pub(super) now: Timestamp,
    pub(super) reachable_since: Option<Timestamp>,
    pub(super) up_since: Option<Timestamp>,
    pub(super) settings: ObjectSettings,
    /// What is deleted stays for a while.
    pub(super) holds_on: bool,
    /// Endpoints follow what is planned only with the next thing that happens in the cluster.
    pub(super) slow_endpoints: bool,
    /// What is planned for the publication is carried out before what is planned for versions, which may be so too.
    pub(super) publication_first: bool,
    /// Objects that are not ours, which no plan knows of: writing to one is refused.
    pub(super) foreign: BTreeSet<String>,
    last_errors: BTreeMap<StepScope, String>,
    pub(super) delays: BTreeMap<String, Delay>,
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
            up_since: None,
            settings: fixture::settings(),
            holds_on: false,
            slow_endpoints: false,
            publication_first: false,
            foreign: BTreeSet::new(),
            last_errors: BTreeMap::new(),
            delays: BTreeMap::new(),
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
        let deadline = self.now + START_TIMEOUT;
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
            settings: &self.settings,
            now: self.now,
            last_errors: &self.last_errors,
            delays: &self.delays,
            reachable_since: self.reachable_since,
            up_since: self.up_since,
            start_timeout: START_TIMEOUT.unsigned_abs(),
        })
    }

    /// Carries out the first thing that is planned and may be done.
    pub(super) fn one_step(&mut self) {
        self.step();
    }

    /// Carries out plans until they are empty, or hold only what is refused; nothing else happens meanwhile.
    pub(super) fn work(&mut self) -> Vec<String> {
        let mut done = Vec::new();
        for _ in 0..200 {
            match self.step() {
                Some(did) => done.extend(did),
                None => return done,
            }
        }
        panic!("plans never become empty: {done:?}");
    }

    /// What one step did, which for a transition is nothing; none when there is none left.
    fn step(&mut self) -> Option<Option<String>> {
        let plan = self.plan();
        if let Some(transition) = plan.transitions.into_iter().next() {
            self.record(transition);
            return Some(None);
        }
        self.last_errors.clear();
        let mut steps: Vec<_> = plan.steps.into_iter().collect();
        if self.publication_first {
            steps.reverse();
        }
        for (scope, steps) in steps {
            match self.execute(steps.into_iter().next()?) {
                Ok(did) => return Some(Some(did)),
                Err(refusal) => drop(self.last_errors.insert(scope, refusal)),
            }
        }
        None
    }

    /// Works, with all controllers doing theirs, until nothing happens any more.
    pub(super) fn settle(&mut self) -> Vec<String> {
        let mut done = Vec::new();
        loop {
            let before = done.len();
            done.extend(self.work());
            self.remove_finalizers();
            for name in self.names("Deployment") {
                self.make_ready(&name);
            }
            self.bind();
            done.extend(self.work());
            if done.len() == before {
                return done;
            }
        }
    }

    fn execute(&mut self, step: Step) -> Result<String, String> {
        let (was_reached, selected) = (self.is_reached(), self.observed.active_selects().map(str::to_owned));
        let did = match step {
            Step::Apply(object) => self.apply(object)?,
            Step::Delete { kind, name, .. } => {
                self.assert_may_go(kind, &name);
                self.delete(kind, &name);
                format!("delete {name}")
            }
            Step::Message(step) => self.message(step),
        };
        if !self.slow_endpoints {
            self.derive_endpoints();
        }
        self.assert_requests_are_not_led_astray(&did, was_reached, selected.as_deref());
        Ok(did)
    }

    fn apply(&mut self, object: Object) -> Result<String, String> {
        let (kind, name) = match &object {
            Object::Deployment(object) => ("Deployment", object.name_any()),
            Object::Service(object) => ("Service", object.name_any()),
            Object::Secret(object) => ("Secret", object.name_any()),
            Object::ConfigMap(object) => ("ConfigMap", object.name_any()),
            Object::Ingress(object) => ("Ingress", object.name_any()),
        };
        if self.foreign.contains(&format!("{kind} {name}")) {
            return Err(format!("{kind} {name} is not ours"));
        }
        assert!(!self.is_ending(kind, &name), "{kind} {name} is on its way out, and cannot be kept");
        let observed = &mut self.observed;
        match object {
            Object::Deployment(mut object) => {
                self.assert_deployment_may_come(&object.labels()["version-name"]);
                object.metadata.generation = Some(self.next_generation(&name));
                let live = self.observed.deployments.get(&name);
                let created_at = live.and_then(|live| live.metadata.creation_timestamp.clone());
                object.metadata.creation_timestamp = Some(created_at.unwrap_or(Time(self.now)));
                // As a server would: the status stays, and is not current any more.
                object.status = self.observed.deployments.get(&name).and_then(|live| live.status.clone());
                self.observed.deployments.insert(name.clone(), Arc::new(*object));
            }
            Object::Service(mut object) => {
                object.metadata.resource_version = None;
                insert(&mut observed.services, *object);
            }
            Object::Secret(object) => insert(&mut observed.secrets, *object),
            Object::ConfigMap(object) => insert(&mut observed.config_maps, *object),
            Object::Ingress(object) => {
                let leads_to = backend(&object);
                assert!(observed.services.contains_key(&leads_to), "Ingress {name} before its Service {leads_to}");
                insert(&mut observed.ingresses, *object);
            }
        }
        Ok(format!("apply {name}"))
    }

    /// As a plan that makes no sense would.
    pub(super) fn delete_by_someone_else(&mut self, kind: Kind, name: &str) {
        drop(self.execute(Step::Delete { kind, name: name.to_owned(), uid: None }));
    }

    fn next_generation(&self, deployment: &str) -> i64 {
        self.observed.deployments.get(deployment).and_then(|live| live.metadata.generation).unwrap_or(0) + 1
    }

    fn record(&mut self, transition: Transition) {
        match transition {
            Transition::Settled { version, generation } => {
                let version = self.intent.versions.iter_mut().find(|v| v.key == version).unwrap();
                assert_eq!(version.generation, generation);
                version.settled = true;
                version.deadline = None;
            }
            Transition::StartFailed { version, cause, .. } => {
                let at = self.now;
                let version = self.intent.versions.iter_mut().find(|v| v.key == version).unwrap();
                version.desired = Desired::Stopped;
                version.generation += 1;
                version.settled = false;
                version.failure =
                    Some(Failure { at, node: cause.node, reason: cause.reason, events: Vec::new(), log: Vec::new() });
            }
            Transition::PublicationSettled { target } => {
                assert_eq!(self.intent.runtime.publication.target, target);
                if let Some(version) = self.intent.versions.iter().find(|version| Some(version.key) == target) {
                    let serves = self.observed.active_serves(&version.name);
                    assert!(serves, "{} is recorded as published, and other pods answer", version.name);
                }
                self.intent.runtime.publication.serving = target;
                self.was_linked = target.is_some();
            }
            Transition::PublishFailed { target, cause } => {
                let at = self.now;
                self.intent.runtime.publication.target = self.intent.runtime.publication.serving;
                let version = self.intent.versions.iter_mut().find(|v| v.key == target).unwrap();
                version.failure =
                    Some(Failure { at, node: cause.node, reason: cause.reason, events: Vec::new(), log: Vec::new() });
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
    pub(super) fn remove_object(&mut self, name: &str) {
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

    /// Whether a request to the published entrypoint is answered.
    pub(super) fn is_reached(&self) -> bool {
        self.observed.ready_pods.get(ACTIVE_SERVICE).is_some_and(|pods| !pods.is_empty())
    }

    /// What no step of ours may do (docs/lifecycle.md §3.4): lead requests to nobody, or to somebody not ready, while
    /// somebody answers them.
    fn assert_requests_are_not_led_astray(&self, did: &str, was_reached: bool, before: Option<&str>) {
        let publication = self.intent.runtime.publication;
        let stepped_back = self.intent.versions.iter().find(|version| {
            before == Some(version.name.as_str()) && self.observed.active_selects() != before && was_reached
        });
        if let Some(version) = stepped_back.filter(|version| version.desired == Desired::Started) {
            let own = self.observed.services.contains_key(&own_service(&version.name));
            assert!(own, "`{did}` takes requests from {}, which cannot be reached otherwise", version.name);
        }
        if publication.target.is_some() && was_reached {
            assert!(self.is_reached(), "`{did}` leads requests to nobody");
        }
        let now = self.observed.active_selects();
        if now != before
            && let Some(version) = self.intent.versions.iter().find(|v| Some(v.name.as_str()) == now)
            && Some(version.key) != publication.serving
        {
            let deployments = self.observed.deployments.values().filter(|d| belongs_to(d.as_ref(), &version.name));
            let unready: Vec<_> = deployments.filter(|d| !progress(d).complete).map(|d| d.name_any()).collect();
            assert!(
                unready.is_empty(),
                "`{did}` leads requests to {}, of which {unready:?} is not ready",
                version.name
            );
        }
    }

    fn assert_may_go(&self, kind: Kind, name: &str) {
        let publication = self.intent.runtime.publication;
        if kind == Kind::Service {
            let led = self.observed.ingresses.values().find(|ingress| backend(ingress) == name);
            assert!(led.is_none(), "Service {name} goes before the Ingress that leads to it");
            assert!(name != ACTIVE_SERVICE || publication.target.is_none(), "the published Service is deleted");
        }
    }

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

    pub(super) fn count_objects(&self, version: &VersionName) -> usize {
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

fn insert<K: Resource>(objects: &mut BTreeMap<String, Arc<K>>, object: K) {
    objects.insert(object.name_any(), Arc::new(object));
}

/// The Service that an Ingress leads to.
fn backend(ingress: &Ingress) -> String {
    let rule = ingress.spec.as_ref().and_then(|spec| spec.rules.as_ref()?.first()).unwrap();
    rule.http.as_ref().unwrap().paths[0].backend.service.as_ref().unwrap().name.clone()
}
