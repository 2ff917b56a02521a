//! What may happen to objects besides what is planned: they are edited, deleted, held, of an older version of ours, or
//! not ours at all.

use std::{collections::BTreeMap, sync::Arc};

use domain::{Desired, Publication, Role};
use jiff::SignedDuration;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::{Resource, ResourceExt};
use rand::{Rng, rngs::StdRng, seq::IndexedRandom};

use super::World;
use crate::reconciler::{
    diff::differences,
    objects::{
        ACTIVE_SERVICE, INGRESS, active_service_object, ingress_object, own_service, own_service_object,
        preview_ingress, preview_ingress_object, version_objects,
    },
    observed::belongs_to,
    plan::Kind,
};

/// Runs the same on each kind of object.
macro_rules! each {
    ($observed:expr, |$objects:ident| $do:expr) => {{
        let observed = $observed;
        {
            let $objects = &mut observed.deployments;
            $do;
        }
        {
            let $objects = &mut observed.services;
            $do;
        }
        {
            let $objects = &mut observed.secrets;
            $do;
        }
        {
            let $objects = &mut observed.config_maps;
            $do;
        }
        {
            let $objects = &mut observed.ingresses;
            $do;
        }
    }};
}

impl World {
    /// Any state at all: of what could be there some is missing, some is as an older version of ours made it, and some
    /// is on its way out; and whatever was asked and reached is anything that can be.
    pub(in super::super) fn anywhere(random: &mut StdRng) -> Self {
        let mut world = Self::new(3);
        world.settings.ingress_preview = random.random();
        world.holds_on = random.random();
        world.slow_endpoints = random.random();
        world.publication_first = random.random();
        let soon = world.now + SignedDuration::from_secs(300);
        for version in &mut world.intent.versions {
            version.desired = if random.random_bool(0.7) { Desired::Started } else { Desired::Stopped };
            version.settled = random.random();
            version.deadline = (!version.settled).then_some(soon);
        }
        let started = world.intent.versions.iter().filter(|v| v.desired == Desired::Started);
        let started: Vec<_> = started.map(|version| Some(version.key)).chain([None]).collect();
        let mut one = || started.choose(random).copied().flatten();
        world.intent.runtime.publication = Publication { target: one(), serving: one() };
        world.intent.runtime.publish_deadline = Some(soon);
        world.derive_roles();
        // Only what is started can be asked to be published, and only what is not published to stop.
        for version in world.intent.versions.iter_mut().filter(|version| version.role != Role::None) {
            (version.settled, version.deadline) = (true, None);
        }
        world.fill(random);
        for name in world.names("Deployment") {
            world.set_ready(&name, random.random_bool(0.6));
        }
        world.derive_endpoints();
        world
    }

    fn fill(&mut self, random: &mut StdRng) {
        fn put<K: Resource>(objects: &mut BTreeMap<String, Arc<K>>, object: K) {
            objects.insert(object.name_any(), Arc::new(object));
        }
        let (settings, versions) = (self.settings.clone(), self.intent.versions.clone());
        let observed = &mut self.observed;
        for version in &versions {
            let all = version_objects(version, &settings);
            put(&mut observed.secrets, all.secret);
            put(&mut observed.config_maps, all.config_map);
            all.deployments.into_iter().for_each(|deployment| put(&mut observed.deployments, deployment));
            put(&mut observed.services, own_service_object(version, &settings));
            put(&mut observed.ingresses, preview_ingress_object(version, &settings));
        }
        if let Some(version) = versions.choose(random) {
            put(&mut observed.services, active_service_object(version, &settings));
            put(&mut observed.ingresses, ingress_object(version, &settings));
        }
        each!(&mut self.observed, |objects| objects.retain(|_, _| random.random_bool(0.7)));
        let now = self.now;
        each!(&mut self.observed, |objects| for object in objects.values_mut() {
            let ending = random.random_bool(0.15).then_some(Time(now));
            Arc::make_mut(object).meta_mut().deletion_timestamp = ending;
        });
        for _ in 0..random.random_range(0..6) {
            self.edit_something(random);
        }
    }

    /// Somebody changes a field that is ours, or it was another one in an older version.
    pub(in super::super) fn edit_something(&mut self, random: &mut StdRng) {
        let names = self.all_names();
        let Some(name) = names.choose(random) else { return };
        let observed = &mut self.observed;
        if let Some(object) = observed.services.get_mut(name).filter(|_| random.random())
            && let Some(spec) = &mut Arc::make_mut(object).spec
        {
            spec.ports.iter_mut().for_each(|ports| drop(ports.pop()));
        } else if let Some(object) = observed.deployments.get_mut(name) {
            let object = Arc::make_mut(object);
            *object.metadata.generation.get_or_insert(1) += 1;
            if let Some(spec) = &mut object.spec {
                spec.replicas = Some(3);
                spec.template.spec.iter_mut().for_each(|pod| pod.containers[0].image = Some("older:1".to_owned()));
            }
        } else if let Some(object) = observed.secrets.get_mut(name) {
            Arc::make_mut(object).data = None;
        } else if let Some(object) = observed.config_maps.get_mut(name) {
            Arc::make_mut(object).labels_mut().remove("runtime-id");
        } else if let Some(object) = observed.ingresses.get_mut(name)
            && let Some(rule) = Arc::make_mut(object).spec.as_mut().and_then(|spec| spec.rules.as_mut()?.first_mut())
        {
            rule.host = Some("older.example.org".to_owned());
        }
        self.derive_endpoints();
    }

    pub(super) fn is_ending(&self, kind: &str, name: &str) -> bool {
        fn ends<K: Resource>(objects: &BTreeMap<String, Arc<K>>, name: &str) -> bool {
            objects.get(name).is_some_and(|object| object.meta().deletion_timestamp.is_some())
        }
        match kind {
            "Deployment" => ends(&self.observed.deployments, name),
            "Service" => ends(&self.observed.services, name),
            "Secret" => ends(&self.observed.secrets, name),
            "ConfigMap" => ends(&self.observed.config_maps, name),
            _ => ends(&self.observed.ingresses, name),
        }
    }

    pub(super) fn delete(&mut self, kind: Kind, name: &str) {
        fn end<K: Resource + Clone>(objects: &mut BTreeMap<String, Arc<K>>, name: &str, at: Option<Time>) {
            let object = objects.get_mut(name).expect("a plan deletes only what it knows of");
            if at.is_none() {
                objects.remove(name);
            } else {
                Arc::make_mut(object).meta_mut().deletion_timestamp = at;
            }
        }
        let at = self.holds_on.then_some(Time(self.now));
        let observed = &mut self.observed;
        match kind {
            Kind::Deployment => end(&mut observed.deployments, name, at.clone()),
            Kind::Service => end(&mut observed.services, name, at.clone()),
            Kind::Secret => end(&mut observed.secrets, name, at.clone()),
            Kind::ConfigMap => end(&mut observed.config_maps, name, at.clone()),
            Kind::Ingress => end(&mut observed.ingresses, name, at.clone()),
        }
        let deployments = &observed.deployments;
        observed.pods.retain(|name, _| deployments.contains_key(name));
    }

    /// What is on its way out goes.
    pub(in super::super) fn remove_finalizers(&mut self) {
        each!(&mut self.observed, |objects| objects.retain(|_, object| object.meta().deletion_timestamp.is_none()));
        let deployments = &self.observed.deployments;
        self.observed.pods.retain(|name, _| deployments.contains_key(name));
        self.derive_endpoints();
    }

    /// All is as it was asked, and nothing else is there.
    pub(in super::super) fn assert_as_asked(&self, what: &str) {
        let publication = self.intent.runtime.publication;
        assert!(!publication.switching(), "{what}");
        let observed = &self.observed;
        fn is_there<K: Resource + serde::Serialize>(objects: &BTreeMap<String, Arc<K>>, wanted: &K, what: &str) {
            let name = wanted.name_any();
            let live = objects.get(&name).unwrap_or_else(|| panic!("{what}: {name} is not there"));
            assert!(differences(wanted, live).is_empty(), "{what}: {name} is not as it should be");
        }
        for version in &self.intent.versions {
            let (name, what) = (&version.name, format!("{what}: {}", version.name));
            assert!(version.settled, "{what} is {}", version.state());
            let is_published = publication.target == Some(version.key);
            if version.desired != Desired::Started {
                assert!(!is_published && self.count_objects(name) == 0, "{what} leaves something");
                let mut ingresses = observed.ingresses.values();
                assert!(!ingresses.any(|ingress| belongs_to(ingress.as_ref(), name)), "{what} leaves an Ingress");
                continue;
            }
            let wanted = version_objects(version, &self.settings);
            is_there(&observed.secrets, &wanted.secret, &what);
            is_there(&observed.config_maps, &wanted.config_map, &what);
            wanted.deployments.iter().for_each(|deployment| is_there(&observed.deployments, deployment, &what));
            if is_published {
                assert_eq!(observed.active_selects(), Some(name.as_str()), "{what}");
                is_there(&observed.services, &active_service_object(version, &self.settings), &what);
                is_there(&observed.ingresses, &ingress_object(version, &self.settings), &what);
                assert!(!observed.services.contains_key(&own_service(name)), "{what} has its own Service");
            } else {
                is_there(&observed.services, &own_service_object(version, &self.settings), &what);
            }
            if self.settings.ingress_preview && !is_published {
                is_there(&observed.ingresses, &preview_ingress_object(version, &self.settings), &what);
            } else {
                assert!(!observed.ingresses.contains_key(&preview_ingress(name)), "{what} has a preview");
            }
        }
        if publication.target.is_none() {
            let left = observed.services.contains_key(ACTIVE_SERVICE) || observed.ingresses.contains_key(INGRESS);
            assert!(!left, "{what}: something is left of the publication");
        }
    }
}
