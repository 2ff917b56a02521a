//! The objects of one kind, as the cluster last reported them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, PoisonError, RwLock},
};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::{Resource, ResourceExt, runtime::watcher::Event};
use tokio::sync::watch;

use super::cached::{CachedKind, to_cached};

type Key = (String, String);

/// The objects of one kind that carry our label, by namespace and name, as far as they are read ([`CachedKind`]).
///
/// Fed by a watch, and by the answers to our own writes: without the latter, a reconcile right after a write would not see it
/// and write again.
pub(crate) struct Cache<K> {
    state: RwLock<State<K>>,
    changed: watch::Sender<()>,
}

struct State<K> {
    objects: BTreeMap<Key, CacheEntry<K>>,
    /// The list that a watch begins with, until it is complete.
    listing: BTreeMap<Key, CacheEntry<K>>,
    /// What we wrote while it was on its way: it may have been read before that.
    written_since: BTreeSet<Key>,
    synced: bool,
}

struct CacheEntry<K> {
    object: Arc<K>,
    packed: Option<Arc<[u8]>>,
}

impl<K: CachedKind> CacheEntry<K> {
    fn unpacked(self) -> Arc<K> {
        let Some(packed) = self.packed else { return self.object };
        let mut object = K::clone(&self.object);
        object.unpack(&packed);
        Arc::new(object)
    }
}

impl<K> Clone for CacheEntry<K> {
    fn clone(&self) -> Self {
        Self { object: self.object.clone(), packed: self.packed.clone() }
    }
}

impl<K> Default for Cache<K> {
    fn default() -> Self {
        let state =
            State { objects: BTreeMap::new(), listing: BTreeMap::new(), written_since: BTreeSet::new(), synced: false };
        Self { state: RwLock::new(state), changed: watch::Sender::new(()) }
    }
}

impl<K: CachedKind> Cache<K> {
    /// Applies one event of the watch, and returns the objects that changed by it.
    pub(crate) fn take(&self, event: Event<K>) -> Vec<Arc<K>> {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let about = match event {
            Event::Apply(object) => put(&mut state.objects, object).into_iter().collect(),
            Event::Delete(object) => {
                // A late event about a predecessor of the same name says nothing about its successor.
                let key = key(&object);
                if state.objects.get(&key).is_some_and(|known| known.object.uid() == object.uid()) {
                    state.objects.remove(&key);
                }
                vec![Arc::new(object)]
            }
            Event::Init => {
                state.listing.clear();
                state.written_since.clear();
                Vec::new()
            }
            Event::InitApply(object) => {
                put(&mut state.listing, object);
                Vec::new()
            }
            Event::InitDone => {
                let mut listed = std::mem::take(&mut state.listing);
                for key in std::mem::take(&mut state.written_since) {
                    if let (Some(known), Some(listed)) = (state.objects.get(&key), listed.get_mut(&key))
                        && known.object.uid() == listed.object.uid()
                        && not_older(known.object.as_ref(), listed.object.as_ref())
                    {
                        *listed = known.clone();
                    }
                }
                let before = std::mem::replace(&mut state.objects, listed);
                state.synced = true;
                let (lost, found) =
                    (changed_objects(&before, &state.objects), changed_objects(&state.objects, &before));
                lost.chain(found).collect()
            }
        };
        drop(state);
        if !about.is_empty() {
            self.changed.send_replace(());
        }
        about
    }

    /// Notifies of every change that the watch brings; several may be one notification.
    pub(crate) fn changed(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// Whether the whole list has been seen at least once.
    pub(crate) fn synced(&self) -> bool {
        self.state.read().unwrap_or_else(PoisonError::into_inner).synced
    }

    /// Stores the answer to a write.
    pub(crate) fn written(&self, object: K) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.written_since.insert(key(&object));
        put(&mut state.objects, object);
    }

    /// Notes that the object is being deleted. The watch tells when it is gone.
    pub(crate) fn ending(&self, namespace: &str, name: &str, at: Time) {
        let key = (namespace.to_owned(), name.to_owned());
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = state.objects.get_mut(&key) {
            Arc::make_mut(&mut entry.object).meta_mut().deletion_timestamp.get_or_insert(at);
            state.written_since.insert(key);
        }
    }

    /// Notes that there is no such object.
    pub(crate) fn gone(&self, namespace: &str, name: &str) {
        let key = (namespace.to_owned(), name.to_owned());
        self.state.write().unwrap_or_else(PoisonError::into_inner).objects.remove(&key);
    }

    /// One object; those without a namespace are in "".
    pub(crate) fn get(&self, namespace: &str, name: &str) -> Option<Arc<K>> {
        let key = (namespace.to_owned(), name.to_owned());
        self.state.read().unwrap_or_else(PoisonError::into_inner).objects.get(&key).map(|entry| entry.object.clone())
    }

    /// Without what was packed.
    pub(crate) fn in_namespace(&self, namespace: &str) -> BTreeMap<String, Arc<K>> {
        self.entries_in(namespace).map(|(name, entry)| (name, entry.object)).collect()
    }

    /// As the cluster has them, as far as anything of them is read.
    pub(crate) fn unpacked_in_namespace(&self, namespace: &str) -> BTreeMap<String, Arc<K>> {
        self.entries_in(namespace).map(|(name, entry)| (name, entry.unpacked())).collect()
    }

    /// One of these.
    pub(crate) fn unpacked(&self, namespace: &str, name: &str) -> Option<Arc<K>> {
        let key = (namespace.to_owned(), name.to_owned());
        let entry = self.state.read().unwrap_or_else(PoisonError::into_inner).objects.get(&key).cloned();
        entry.map(CacheEntry::unpacked)
    }

    fn entries_in(&self, namespace: &str) -> impl Iterator<Item = (String, CacheEntry<K>)> + use<K> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let from = (namespace.to_owned(), String::new());
        let entries = state.objects.range(from..).take_while(|((of, _), _)| of == namespace);
        // What is unpacked is unpacked when the lock is free again.
        entries.map(|((_, name), entry)| (name.clone(), entry.clone())).collect::<Vec<_>>().into_iter()
    }
}

fn key<K: Resource>(object: &K) -> Key {
    (object.namespace().unwrap_or_default(), object.name_any())
}

/// Keeps the newer of two, and returns the object if it was kept.
fn put<K: CachedKind>(objects: &mut BTreeMap<Key, CacheEntry<K>>, object: K) -> Option<Arc<K>> {
    let key = key(&object);
    if let Some(known) = objects.get(&key)
        && known.object.uid() == object.uid()
        && older(&object, known.object.as_ref())
    {
        return None;
    }
    let (object, packed) = to_cached(object);
    let object = Arc::new(object);
    objects.insert(key, CacheEntry { object: object.clone(), packed: packed.map(Arc::from) });
    Some(object)
}

/// Those of `these` that are not the same in `those`.
fn changed_objects<K: CachedKind>(
    these: &BTreeMap<Key, CacheEntry<K>>,
    those: &BTreeMap<Key, CacheEntry<K>>,
) -> impl Iterator<Item = Arc<K>> {
    let is_same = |this: &K, that: &K| {
        this.uid() == that.uid()
            && this.resource_version().is_some()
            && this.resource_version() == that.resource_version()
    };
    these.iter().filter_map(move |(key, this)| {
        let same = those.get(key).is_some_and(|that| is_same(&this.object, &that.object));
        (!same).then(|| this.object.clone())
    })
}

/// Resource versions are whole numbers that grow (Kubernetes API Concepts, "Resource versions"); where they should be
/// anything else, the event that comes later counts as newer.
fn older<K: Resource>(this: &K, that: &K) -> bool {
    matches!(revisions(this, that), Some((this, that)) if this < that)
}

fn not_older<K: Resource>(this: &K, that: &K) -> bool {
    matches!(revisions(this, that), Some((this, that)) if this >= that)
}

fn revisions<K: Resource>(this: &K, that: &K) -> Option<(u64, u64)> {
    let number = |object: &K| object.resource_version()?.parse().ok();
    Some((number(this)?, number(that)?))
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::ConfigMap;

    use super::*;

    fn object(name: &str, uid: &str, version: u32) -> ConfigMap {
        let mut object = ConfigMap::default();
        object.metadata.namespace = Some("ns".into());
        object.metadata.name = Some(name.into());
        object.metadata.uid = Some(uid.into());
        object.metadata.resource_version = Some(version.to_string());
        object
    }

    fn version(cache: &Cache<ConfigMap>, name: &str) -> Option<String> {
        cache.in_namespace("ns").get(name).and_then(|object| object.resource_version())
    }

    #[test]
    fn an_event_from_before_our_own_write_does_not_undo_it() {
        let cache = Cache::default();
        cache.written(object("a", "1", 10));
        assert!(cache.take(Event::Apply(object("a", "1", 9))).is_empty());
        assert_eq!(version(&cache, "a").as_deref(), Some("10"));
        cache.take(Event::Apply(object("a", "1", 11)));
        assert_eq!(version(&cache, "a").as_deref(), Some("11"));
    }

    #[test]
    fn the_end_of_a_predecessor_is_not_the_end_of_its_successor() {
        let cache = Cache::default();
        cache.written(object("a", "2", 10));
        cache.take(Event::Delete(object("a", "1", 9)));
        assert!(version(&cache, "a").is_some());
        cache.take(Event::Delete(object("a", "2", 12)));
        assert!(version(&cache, "a").is_none());
    }

    #[test]
    fn a_new_list_replaces_the_old_one_only_when_it_is_complete() {
        let cache = Cache::default();
        cache.written(object("a", "1", 1));
        cache.take(Event::Init);
        cache.take(Event::InitApply(object("b", "2", 2)));
        assert!(version(&cache, "a").is_some() && !cache.synced());
        assert_eq!(cache.take(Event::InitDone).len(), 2, "both the lost and the found are told of");
        assert!(version(&cache, "a").is_none() && version(&cache, "b").is_some() && cache.synced());
    }

    #[test]
    fn a_list_that_was_read_before_our_own_write_does_not_undo_it_and_one_from_after_it_does() {
        for (listed, uid, expected) in [("9", "1", "10"), ("11", "1", "11"), ("9", "2", "9"), ("x", "1", "x")] {
            let cache = Cache::default();
            cache.take(Event::Init);
            cache.written(object("a", "1", 10));
            let mut read = object("a", uid, 0);
            read.metadata.resource_version = Some(listed.to_owned());
            cache.take(Event::InitApply(read));
            cache.take(Event::InitDone);
            assert_eq!(version(&cache, "a").as_deref(), Some(expected), "{listed} of {uid}");
        }
    }

    #[test]
    fn of_what_was_written_before_a_list_began_the_list_knows_best() {
        let cache = Cache::default();
        cache.written(object("a", "1", 10));
        cache.take(Event::Init);
        // As after a restore of the cluster's own database: its revisions count from an earlier one.
        cache.take(Event::InitApply(object("a", "1", 5)));
        cache.take(Event::InitDone);
        assert_eq!(version(&cache, "a").as_deref(), Some("5"));
    }

    #[test]
    fn what_is_to_be_deleted_stays_so_when_a_list_was_read_before() {
        let cache = Cache::default();
        cache.written(object("a", "1", 10));
        cache.take(Event::Init);
        cache.take(Event::InitApply(object("a", "1", 10)));
        cache.ending("ns", "a", Time(domain::Timestamp::UNIX_EPOCH));
        cache.take(Event::InitDone);
        assert!(cache.in_namespace("ns")["a"].metadata.deletion_timestamp.is_some());
    }

    #[test]
    fn what_is_to_be_deleted_is_there_until_the_watch_says_otherwise() {
        let cache = Cache::default();
        cache.written(object("a", "1", 10));
        cache.ending("ns", "a", Time(domain::Timestamp::UNIX_EPOCH));
        assert!(cache.in_namespace("ns")["a"].metadata.deletion_timestamp.is_some());
        cache.take(Event::Delete(object("a", "1", 11)));
        assert!(version(&cache, "a").is_none());
    }

    #[test]
    fn what_the_watch_brings_is_told_and_what_is_older_than_known_is_not() {
        let cache = Cache::default();
        let mut changed = cache.changed();
        let mut is_told = || {
            let told = changed.has_changed().unwrap();
            changed.mark_unchanged();
            told
        };
        cache.take(Event::Init);
        cache.take(Event::InitApply(object("a", "1", 2)));
        assert!(!is_told(), "nobody sees a list that is on its way");
        cache.take(Event::InitDone);
        assert!(is_told());
        cache.take(Event::Apply(object("a", "1", 1)));
        assert!(!is_told());
        cache.take(Event::Apply(object("a", "1", 3)));
        assert!(is_told());
        cache.take(Event::Delete(object("a", "1", 4)));
        assert!(is_told());
    }

    #[test]
    fn namespaces_are_kept_apart() {
        let cache = Cache::default();
        cache.written(object("a", "1", 1));
        assert!(cache.in_namespace("n").is_empty() && cache.in_namespace("ns2").is_empty());
        assert_eq!(cache.in_namespace("ns").len(), 1);
    }
}
