//! NATS in a map. Nodes listen when their pods are ready.

use std::sync::Arc;

use domain::Generation;
use rand::{Rng, rngs::StdRng, seq::IndexedRandom};

use super::World;
use crate::{
    messaging::{Mark, MessagingStep, ObservedConsumer, ObservedStream, StreamSpec},
    reconciler::{
        objects::messages,
        observed::{ObservedMessaging, belongs_to},
        readiness::progress,
    },
    store::InstallationId,
};

impl World {
    /// With messaging on, and versions whose images are of this generation.
    pub(in crate::reconciler::plan::tests) fn with_messages(versions: usize, generation: Generation) -> Self {
        let mut world = Self::new(versions);
        for version in &mut world.intent.versions {
            version.chosen_generation = Some(generation);
        }
        world.observed.messaging =
            ObservedMessaging::Known { installation: InstallationId::random(), streams: Default::default() };
        world
    }

    pub(in crate::reconciler::plan::tests) fn streams(
        &mut self,
    ) -> &mut std::collections::BTreeMap<String, Arc<ObservedStream>> {
        match &mut self.observed.messaging {
            ObservedMessaging::Known { streams, .. } => streams,
            other => panic!("{other:?}"),
        }
    }

    pub(in crate::reconciler::plan::tests) fn stream_names(&mut self) -> Vec<String> {
        self.streams().keys().cloned().collect()
    }

    pub(in crate::reconciler::plan::tests) fn wanted_streams(&self, index: usize) -> Vec<StreamSpec> {
        let ObservedMessaging::Known { installation, .. } = &self.observed.messaging else { panic!("it is off") };
        messages::streams(&self.intent.versions[index], *installation)
    }

    pub(super) fn message(&mut self, step: MessagingStep) -> String {
        let said = format!("{step:?}");
        match step {
            MessagingStep::CreateStream(spec) => {
                let name = spec.name();
                let before = self.streams().insert(name.clone(), Arc::new(ObservedStream::made_by(&spec)));
                assert!(before.is_none(), "{name} is there");
                format!("create {name}")
            }
            MessagingStep::UpdateStream(spec) => {
                let name = spec.name();
                let live = self.streams().get_mut(&name).map(Arc::make_mut).unwrap();
                assert_eq!(live.mark.as_ref(), Some(&spec.mark), "{said}");
                live.shape_like(&spec);
                format!("update {name}")
            }
            MessagingStep::Unmark(spec) => {
                let live = self.streams().get_mut(&spec.name()).map(Arc::make_mut).unwrap();
                assert!(spec.consumers.keys().all(|name| live.consumer(name).is_some_and(|c| c.mark().is_some())));
                live.mark = None;
                live.is_plain = true;
                format!("unmark {}", spec.name())
            }
            MessagingStep::CreateConsumer { stream, mark, consumer } => {
                let live = self.streams().get_mut(&stream).map(Arc::make_mut).expect("a stream for the consumer");
                assert_may_change(live, &mark, &said);
                let was_bound = live.consumer(&consumer.name).is_some_and(|known| known.push_bound);
                let mut made = ObservedConsumer::made_by(&consumer, Some(&mark));
                made.push_bound = was_bound;
                let consumers = live.consumers.get_or_insert_default();
                consumers.retain(|known| known.name != consumer.name);
                consumers.push(made);
                format!("create {}", consumer.name)
            }
            MessagingStep::DeleteConsumer { stream, mark, consumer } => {
                let live = self.streams().get_mut(&stream).map(Arc::make_mut).unwrap();
                assert_eq!(live.consumer(&consumer).and_then(ObservedConsumer::mark), Some(mark), "{said}");
                live.consumers.as_mut().unwrap().retain(|known| known.name != consumer);
                format!("delete {consumer}")
            }
            MessagingStep::DeleteStream { name, mark } => {
                let live = self.streams().remove(&name).expect("what is deleted is there");
                assert_may_change(&live, &mark, &said);
                let version = self.intent.versions.iter().find(|version| version.name == mark.version);
                let has_pods = version.is_some_and(|version| self.observed.pods_of(&version.name).next().is_some());
                assert!(!has_pods, "{name} goes before the pods");
                format!("delete {name}")
            }
        }
    }

    /// No node starts where a message to it would be lost.
    pub(super) fn assert_deployment_may_come(&self, version: &str) {
        let ObservedMessaging::Known { streams, .. } = &self.observed.messaging else { return };
        let index = self.intent.versions.iter().position(|known| known.name.as_str() == version).unwrap();
        if self.intent.versions[index].settled {
            return;
        }
        for spec in self.wanted_streams(index) {
            let live = streams.get(&spec.name());
            let is_whole = live.is_some_and(|live| spec.consumers.keys().all(|name| live.consumer(name).is_some()));
            assert!(is_whole, "a Deployment of {version} comes before {}", spec.label());
        }
    }

    /// Nodes whose Deployments are ready listen, and others do not.
    pub(super) fn bind(&mut self) {
        let ObservedMessaging::Known { installation, streams } = &mut self.observed.messaging else { return };
        for version in &self.intent.versions {
            let mut all = self.observed.deployments.values().filter(|live| belongs_to(live.as_ref(), &version.name));
            let is_ready = all.clone().next().is_some() && all.all(|live| progress(live).complete);
            for spec in messages::streams(version, *installation) {
                if let Some(live) = streams.get_mut(&spec.name()).map(Arc::make_mut) {
                    for consumer in live.consumers.iter_mut().flatten() {
                        consumer.push_bound = is_ready;
                    }
                }
            }
        }
    }

    /// Somebody deletes a stream or a consumer, or NATS loses all.
    pub(in crate::reconciler::plan::tests) fn some_loss(&mut self, random: &mut StdRng) {
        let names = self.stream_names();
        let Some(name) = names.choose(random).cloned() else { return };
        match random.random_range(0..5) {
            0 => self.streams().clear(),
            1 | 2 => drop(self.streams().remove(&name)),
            _ => {
                let live = self.streams().get_mut(&name).map(Arc::make_mut).unwrap();
                let consumers = live.consumers.as_mut().unwrap();
                // Of generation B the last one is the mark.
                if consumers.len() > 1 || live.mark.is_some() {
                    consumers.pop();
                }
            }
        }
    }
}

fn assert_may_change(live: &ObservedStream, mark: &Mark, said: &str) {
    let consumers = live.consumers.iter().flatten();
    let is_ours = live.mark.as_ref() == Some(mark)
        || (live.mark.is_none() && consumers.into_iter().any(|consumer| consumer.mark().as_ref() == Some(mark)))
        // What an entrypoint of generation B made.
        || (live.is_plain && live.messages == 0);
    assert!(is_ours, "{said} is about another's");
}
