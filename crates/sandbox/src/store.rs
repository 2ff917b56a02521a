//! Keeps the objects: one revision counter, an index by kind and name, and a bounded history for watchers.
//!
//! It knows nothing of what the objects mean; `admission` decides what may be written.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    ops::Bound,
    sync::{Arc, Mutex, PoisonError},
};

use serde_json::Value;
use tokio::sync::watch;

use crate::{
    Limits,
    compact::{CompactObject, ParsedObjects},
    kinds::Kind,
    object::{self, Object},
    selectors::LabelSelector,
};

/// How many objects stay parsed.
const MAX_PARSED: usize = 2048;

/// Where an object of a kind is. The namespace of cluster-wide kinds is "".
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl Key {
    pub(crate) fn new(namespace: &str, name: &str) -> Self {
        Self { namespace: namespace.to_owned(), name: name.to_owned() }
    }

    pub(crate) fn of(object: &Value) -> Self {
        Self::new(object::namespace(object), object::name(object))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    Added,
    Modified,
    Deleted,
}

/// One write.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) revision: u64,
    pub(crate) kind: Kind,
    pub(crate) change: Change,
    object: CompactObject,
    previous: Option<CompactObject>,
}

impl Event {
    /// The object after the change; for `Deleted` its last state.
    pub(crate) fn object(&self) -> Object {
        self.object.peek()
    }

    /// The object before the change.
    pub(crate) fn previous(&self) -> Option<Object> {
        self.previous.as_ref().map(CompactObject::peek)
    }
}

/// The history no longer has the events after the requested revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the history begins at revision {oldest}")]
pub(crate) struct Expired {
    pub(crate) oldest: u64,
}

#[derive(Debug, Default)]
struct KindStore {
    objects: BTreeMap<Key, CompactObject>,
    labels: HashMap<(String, String), BTreeSet<Key>>,
    by_age: BTreeMap<u64, Key>,
    history: VecDeque<Event>,
    /// The revision of the newest event that left the history.
    expired_revision: u64,
}

/// All objects. Held under the store's lock; nothing here waits.
#[derive(Debug)]
pub(crate) struct State {
    revision: u64,
    history_limit: usize,
    limits: Limits,
    kinds: Vec<KindStore>,
    uids: HashMap<String, (Kind, Key)>,
    dependents: HashMap<String, BTreeSet<(Kind, Key)>>,
    next_ip: u32,
    recent: Arc<ParsedObjects>,
}

impl State {
    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    pub(crate) fn get(&self, kind: Kind, key: &Key) -> Option<Object> {
        self.kinds[kind as usize].objects.get(key).map(CompactObject::get)
    }

    pub(crate) fn has(&self, kind: Kind, key: &Key) -> bool {
        self.kinds[kind as usize].objects.contains_key(key)
    }

    pub(crate) fn by_uid(&self, uid: &str) -> Option<Object> {
        self.uids.get(uid).and_then(|(kind, key)| self.get(*kind, key))
    }

    pub(crate) fn has_uid(&self, uid: &str) -> bool {
        self.uids.contains_key(uid)
    }

    /// All objects of a kind as events, for a watcher that is too far behind.
    pub(crate) fn as_events(&self, kind: Kind) -> impl Iterator<Item = Event> {
        self.kinds[kind as usize].objects.values().map(move |object| Event {
            revision: self.revision,
            kind,
            change: Change::Modified,
            object: object.clone(),
            previous: None,
        })
    }

    pub(crate) fn count(&self, kind: Kind) -> usize {
        self.kinds[kind as usize].objects.len()
    }

    pub(crate) fn limits(&self) -> Limits {
        self.limits
    }

    /// Whether there is no room for another object of a kind whose objects stay until somebody deletes them.
    pub(crate) fn is_full(&self) -> bool {
        let kept = Kind::all().filter(|kind| *kind != Kind::Event).map(|kind| self.count(kind));
        kept.sum::<usize>() >= self.limits.max_objects
    }

    /// The object of a kind that has not been written for longest.
    pub(crate) fn oldest(&self, kind: Kind) -> Option<Key> {
        self.kinds[kind as usize].by_age.first_key_value().map(|(_, key)| key.clone())
    }

    /// Objects of one namespace, or of all, that match; in the order of their names.
    pub(crate) fn list(&self, kind: Kind, namespace: Option<&str>, labels: &LabelSelector) -> Vec<Object> {
        self.candidates(kind, namespace, labels, None).matching(labels)
    }

    /// The objects among which are those that match. To open thousands takes a while, for which the lock is not needed.
    pub(crate) fn candidates(
        &self,
        kind: Kind,
        namespace: Option<&str>,
        labels: &LabelSelector,
        after: Option<&Key>,
    ) -> Candidates {
        let kind_store = &self.kinds[kind as usize];
        let found = |pair: (&str, &str)| kind_store.labels.get(&(pair.0.to_owned(), pair.1.to_owned()));
        let indexed = labels.equalities().map(found).min_by_key(|keys| keys.map_or(0, BTreeSet::len));
        let in_namespace = |key: &&Key| namespace.is_none_or(|n| key.namespace == n);
        Candidates(match indexed {
            Some(None) => Vec::new(),
            Some(Some(keys)) => {
                let further = keys.range((after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded));
                further.filter(in_namespace).filter_map(|key| kind_store.objects.get(key)).cloned().collect()
            }
            None => {
                let start = Key::new(namespace.unwrap_or_default(), "");
                let from = after.filter(|after| **after >= start).map_or(Bound::Included(&start), Bound::Excluded);
                let in_order = kind_store.objects.range((from, Bound::Unbounded));
                in_order.take_while(|(key, _)| in_namespace(key)).map(|(_, object)| object.clone()).collect()
            }
        })
    }

    /// The objects of a kind whose owner references name this uid.
    pub(crate) fn dependents(&self, owner_uid: &str, kind: Kind) -> Vec<Object> {
        self.all_dependents(owner_uid).into_iter().filter(|(k, _)| *k == kind).map(|(_, object)| object).collect()
    }

    pub(crate) fn all_dependents(&self, owner_uid: &str) -> Vec<(Kind, Object)> {
        let refs = self.dependents.get(owner_uid).into_iter().flatten();
        refs.filter_map(|(kind, key)| self.get(*kind, key).map(|object| (*kind, object))).collect()
    }

    /// An address of 10.244.0.0/16 for a pod, or of 10.96.0.0/16 for a Service.
    pub(crate) fn next_ip(&mut self, second: u8) -> String {
        self.next_ip += 1;
        let number = self.next_ip % 65_000 + 10;
        format!("10.{second}.{}.{}", number / 256, number % 256)
    }

    /// Writes an object under a new revision.
    pub(crate) fn put(&mut self, kind: Kind, mut value: Value) -> Object {
        self.revision += 1;
        object::set(&mut value, &["metadata", "resourceVersion"], self.revision.to_string());
        let key = Key::of(&value);
        let object: Object = Arc::new(value);
        let stored = CompactObject::new(&object, &self.recent);
        let previous = self.kinds[kind as usize].objects.insert(key.clone(), stored.clone());
        if let Some(previous) = &previous {
            self.unindex(kind, &key, &previous.peek());
        }
        self.index(kind, &key, &object);
        let change = if previous.is_some() { Change::Modified } else { Change::Added };
        self.record(Event { revision: self.revision, kind, change, object: stored, previous });
        object
    }

    /// Takes an object out, under a new revision.
    pub(crate) fn remove(&mut self, kind: Kind, key: &Key) -> Option<Object> {
        let previous = self.kinds[kind as usize].objects.remove(key)?;
        let mut last = Value::clone(&previous.peek());
        self.unindex(kind, key, &last);
        self.revision += 1;
        object::set(&mut last, &["metadata", "resourceVersion"], self.revision.to_string());
        let object = Arc::new(last);
        self.record(Event {
            revision: self.revision,
            kind,
            change: Change::Deleted,
            object: CompactObject::new(&object, &self.recent),
            previous: Some(previous),
        });
        Some(object)
    }

    fn index(&mut self, kind: Kind, key: &Key, object: &Value) {
        self.uids.insert(object::uid(object).to_owned(), (kind, key.clone()));
        self.kinds[kind as usize].by_age.insert(object::revision(object), key.clone());
        for owner in object::owners(object) {
            let refs = self.dependents.entry(object::text(owner, "/uid").to_owned()).or_default();
            refs.insert((kind, key.clone()));
        }
        for (label, value) in object::labels(object).into_iter().flatten() {
            let pair = (label.clone(), value.as_str().unwrap_or_default().to_owned());
            self.kinds[kind as usize].labels.entry(pair).or_default().insert(key.clone());
        }
    }

    fn unindex(&mut self, kind: Kind, key: &Key, object: &Value) {
        self.uids.remove(object::uid(object));
        self.kinds[kind as usize].by_age.remove(&object::revision(object));
        for owner in object::owners(object) {
            let uid = object::text(owner, "/uid");
            if let Some(refs) = self.dependents.get_mut(uid) {
                refs.remove(&(kind, key.clone()));
                if refs.is_empty() {
                    self.dependents.remove(uid);
                }
            }
        }
        let index = &mut self.kinds[kind as usize].labels;
        for (label, value) in object::labels(object).into_iter().flatten() {
            let pair = (label.clone(), value.as_str().unwrap_or_default().to_owned());
            if let Some(keys) = index.get_mut(&pair) {
                keys.remove(key);
                if keys.is_empty() {
                    index.remove(&pair);
                }
            }
        }
    }

    fn record(&mut self, event: Event) {
        let kind_store = &mut self.kinds[event.kind as usize];
        kind_store.history.push_back(event);
        while kind_store.history.len() > self.history_limit {
            if let Some(lost) = kind_store.history.pop_front() {
                kind_store.expired_revision = lost.revision;
            }
        }
    }

    /// The events of a kind after this revision, oldest first.
    pub(crate) fn events_after(&self, kind: Kind, revision: u64) -> Result<Vec<Event>, Expired> {
        let kind_store = &self.kinds[kind as usize];
        if revision < kind_store.expired_revision {
            return Err(Expired { oldest: kind_store.expired_revision + 1 });
        }
        let start = kind_store.history.partition_point(|event| event.revision <= revision);
        Ok(kind_store.history.range(start..).cloned().collect())
    }
}

/// Objects that may match a selector.
#[derive(Debug, Default)]
pub(crate) struct Candidates(Vec<CompactObject>);

impl Candidates {
    pub(crate) fn matching(&self, labels: &LabelSelector) -> Vec<Object> {
        self.matches(labels).collect()
    }

    /// Lazily, because reading one may mean parsing it.
    pub(crate) fn matches(&self, labels: &LabelSelector) -> impl Iterator<Item = Object> {
        self.0.iter().map(CompactObject::peek).filter(|object| labels.matches(object))
    }
}

/// The state behind its lock, with a notification after each write.
#[derive(Debug)]
pub(crate) struct Store {
    state: Mutex<State>,
    notifier: watch::Sender<u64>,
}

impl Store {
    pub(crate) fn new(history_limit: usize, limits: Limits) -> Self {
        let state = State {
            revision: 1,
            history_limit,
            limits,
            kinds: Kind::all().map(|_| KindStore::default()).collect(),
            uids: HashMap::new(),
            dependents: HashMap::new(),
            next_ip: 0,
            recent: Arc::new(ParsedObjects::new(MAX_PARSED)),
        };
        Self { state: Mutex::new(state), notifier: watch::Sender::new(1) }
    }

    pub(crate) fn read<T>(&self, read: impl FnOnce(&State) -> T) -> T {
        read(&self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn write<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let (result, revision) = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            let result = change(&mut state);
            (result, state.revision)
        };
        self.notifier.send_if_modified(|last| std::mem::replace(last, revision) != revision);
        result
    }

    /// Changes whenever something was written.
    pub(crate) fn notifier(&self) -> watch::Receiver<u64> {
        self.notifier.subscribe()
    }
}
