//! What NATS was last seen to hold.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use domain::RuntimeId;

use super::observed::{ObservedConsumer, ObservedStream};

#[derive(Default)]
pub(super) struct Cache {
    /// All streams of the account, others' too.
    streams: HashMap<String, Arc<ObservedStream>>,
    /// Names of the streams that are marked as a runtime's.
    of_runtimes: HashMap<RuntimeId, BTreeSet<String>>,
    /// By name, the runtime that has a use for a stream of that name, whoever made it.
    wanted: HashMap<String, RuntimeId>,
    wanted_by: HashMap<RuntimeId, BTreeSet<String>>,
}

impl Cache {
    /// From now on streams of these names, and no others, are of the runtime whether they are marked or not.
    pub(super) fn want(&mut self, runtime: &RuntimeId, names: BTreeSet<String>) {
        if self.wanted_by.get(runtime) == Some(&names) {
            return;
        }
        for name in self.wanted_by.remove(runtime).into_iter().flatten() {
            self.wanted.remove(&name);
        }
        self.wanted.extend(names.iter().map(|name| (name.clone(), runtime.clone())));
        if !names.is_empty() {
            self.wanted_by.insert(runtime.clone(), names);
        }
    }

    pub(super) fn of_runtime(&self, runtime: &RuntimeId) -> BTreeMap<String, Arc<ObservedStream>> {
        let names = [&self.of_runtimes, &self.wanted_by].map(|by| by.get(runtime).into_iter().flatten());
        let streams = names.into_iter().flatten().filter_map(|name| self.streams.get(name));
        streams.map(|stream| (stream.name.clone(), stream.clone())).collect()
    }

    pub(super) fn knows(&self, name: &str) -> bool {
        self.streams.contains_key(name)
    }

    /// Takes a list of all streams, and returns the runtimes of which something has changed.
    pub(super) fn replace(&mut self, all: Vec<ObservedStream>) -> BTreeSet<RuntimeId> {
        let names: BTreeSet<String> = all.iter().map(|stream| stream.name.clone()).collect();
        let gone: Vec<_> = self.streams.keys().filter(|name| !names.contains(*name)).cloned().collect();
        let mut changed: BTreeSet<RuntimeId> = gone.iter().flat_map(|name| self.remove(name)).collect();
        for stream in all {
            changed.extend(self.seen(stream));
        }
        changed
    }

    /// Takes one stream, and returns the runtimes that it is of, if it has changed.
    pub(super) fn seen(&mut self, mut stream: ObservedStream) -> BTreeSet<RuntimeId> {
        let known = self.streams.get(&stream.name).map(AsRef::as_ref);
        // Its consumers are asked for when there may be others, not each time that its messages are counted.
        let is_same = known.is_some_and(|known| known.created == stream.created);
        stream.consumers = known.filter(|_| is_same).and_then(|known| known.consumers.clone());
        let is_changed = known.is_none_or(|known| {
            (&known.mark, known.is_plain, &known.created) != (&stream.mark, stream.is_plain, &stream.created)
                || !same_shape(known, &stream)
                || stream.consumers.as_ref().is_some_and(|durables| stream.consumer_count < durables.len())
        });
        let mut runtimes = if is_changed { self.remove(&stream.name) } else { BTreeSet::new() };
        if let Some(mark) = &stream.mark {
            self.of_runtimes.entry(mark.runtime.clone()).or_default().insert(stream.name.clone());
        }
        let name = stream.name.clone();
        self.streams.insert(name.clone(), Arc::new(stream));
        if is_changed {
            runtimes.extend(self.runtimes_of(&name));
        }
        runtimes
    }

    pub(super) fn gone(&mut self, name: &str) {
        self.remove(name);
    }

    /// Removes it, and returns the runtimes that it was of.
    pub(super) fn remove(&mut self, name: &str) -> BTreeSet<RuntimeId> {
        let runtimes = self.runtimes_of(name);
        if let Some(mark) = self.streams.remove(name).and_then(|stream| stream.mark.clone())
            && let Some(names) = self.of_runtimes.get_mut(&mark.runtime)
        {
            names.remove(name);
            if names.is_empty() {
                self.of_runtimes.remove(&mark.runtime);
            }
        }
        runtimes
    }

    pub(super) fn forget_consumers(&mut self) {
        for stream in self.streams.values_mut().filter(|stream| stream.consumers.is_some()) {
            Arc::make_mut(stream).consumers = None;
        }
    }

    pub(super) fn set_consumers(&mut self, stream: &str, consumers: Vec<ObservedConsumer>) {
        if let Some(stream) = self.streams.get_mut(stream).map(Arc::make_mut) {
            stream.consumers = Some(consumers);
        }
    }

    /// Takes a consumer that was just made or changed.
    pub(super) fn set_consumer(&mut self, stream: &str, consumer: ObservedConsumer) {
        if let Some(stream) = self.streams.get_mut(stream).map(Arc::make_mut) {
            let consumers = stream.consumers.get_or_insert_default();
            consumers.retain(|known| known.name != consumer.name);
            consumers.push(consumer);
            stream.consumer_count = stream.consumer_count.max(consumers.len());
        }
    }

    /// Removes a durable consumer, and returns the runtimes of its stream, if it was known.
    pub(super) fn remove_consumer(&mut self, stream: &str, consumer: &str) -> BTreeSet<RuntimeId> {
        let known = self.streams.get_mut(stream).map(Arc::make_mut);
        let Some(consumers) = known.and_then(|stream| stream.consumers.as_mut()) else {
            return BTreeSet::new();
        };
        let before = consumers.len();
        consumers.retain(|known| known.name != consumer);
        if consumers.len() == before { BTreeSet::new() } else { self.runtimes_of(stream) }
    }

    fn runtimes_of(&self, name: &str) -> BTreeSet<RuntimeId> {
        let marked = self.streams.get(name).and_then(|stream| stream.mark.as_ref()).map(|mark| mark.runtime.clone());
        marked.into_iter().chain(self.wanted.get(name).cloned()).collect()
    }
}

fn same_shape(one: &ObservedStream, other: &ObservedStream) -> bool {
    let bare =
        |stream: &ObservedStream| ObservedStream { messages: 0, consumer_count: 0, consumers: None, ..stream.clone() };
    bare(one) == bare(other)
}
