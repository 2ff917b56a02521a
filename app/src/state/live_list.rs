//! A list that events change in place: each entry has a signal of its own, so a change redraws one row, and the list
//! itself only when entries come, go or move.

use std::cmp::Ordering;

use domain::{RuntimeSummary, VersionState, VersionSummary};
use leptos::prelude::*;

/// Something that lists keep in an order and know by a key.
pub trait Listed: Clone + PartialEq + Send + Sync + 'static {
    fn key(&self) -> &str;
    /// Of two with one key, the one with the larger revision is newer.
    fn revision(&self) -> u64;
    fn order(&self, other: &Self) -> Ordering;
}

impl Listed for RuntimeSummary {
    fn key(&self) -> &str {
        self.id.as_str()
    }

    fn revision(&self) -> u64 {
        self.revision
    }

    fn order(&self, other: &Self) -> Ordering {
        self.name.cmp(&other.name).then_with(|| self.id.cmp(&other.id))
    }
}

impl Listed for VersionSummary {
    fn key(&self) -> &str {
        self.name.as_str()
    }

    fn revision(&self) -> u64 {
        self.revision
    }

    /// Published first, then newest; archived ones last.
    fn order(&self, other: &Self) -> Ordering {
        let rank = |version: &Self| match version.state {
            VersionState::Published => 0,
            VersionState::Archived => 2,
            _ => 1,
        };
        rank(self).cmp(&rank(other)).then_with(|| other.created_at.cmp(&self.created_at))
    }
}

/// One entry: its key, and what is known of it now.
#[derive(Clone)]
pub struct ListEntry<T: Listed> {
    pub key: String,
    pub value: ArcRwSignal<T>,
}

/// The list. Copied freely, as signals are.
pub struct LiveList<T: Listed>(RwSignal<Vec<ListEntry<T>>>);

impl<T: Listed> Clone for LiveList<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Listed> Copy for LiveList<T> {}

impl<T: Listed> LiveList<T> {
    pub fn new(values: Vec<T>) -> Self {
        Self(RwSignal::new(values.into_iter().map(entry).collect()))
    }

    /// The entries in order; tracked.
    pub fn entries(self) -> Vec<ListEntry<T>> {
        self.0.get()
    }

    /// What is known of the entry with this key.
    pub fn known(self, key: &str) -> Option<T> {
        self.0.with_untracked(|entries| entries.iter().find(|e| e.key == key).map(|e| e.value.get_untracked()))
    }

    pub fn last(self) -> Option<T> {
        self.0.with_untracked(|entries| entries.last().map(|entry| entry.value.get_untracked()))
    }

    /// How many there are; tracked.
    pub fn len(self) -> usize {
        self.0.with(Vec::len)
    }

    pub fn len_untracked(self) -> usize {
        self.0.with_untracked(Vec::len)
    }

    /// Tracked.
    pub fn is_empty(self) -> bool {
        self.0.with(Vec::is_empty)
    }

    /// Takes over what the server answered for the whole list. Entries that stay keep their signals.
    pub fn replace(self, values: Vec<T>) {
        let _ = self.0.try_update(|entries| {
            *entries = values
                .into_iter()
                .map(|value| match entries.iter().find(|entry| entry.key == value.key()) {
                    Some(old) => {
                        set_if_changed(&old.value, value);
                        old.clone()
                    }
                    None => entry(value),
                })
                .collect();
        });
    }

    pub fn remove(self, key: &str) {
        if self.known(key).is_some() {
            self.0.update(|entries| entries.retain(|entry| entry.key != key));
        }
    }

    /// Takes over one value, unless a newer one is known.
    pub fn merge(self, value: T) {
        let known = self.0.with_untracked(|entries| entries.iter().find(|e| e.key == value.key()).cloned());
        match known {
            Some(known) if known.value.with_untracked(|old| old.revision() > value.revision()) => {}
            Some(known) => {
                let moves = known.value.with_untracked(|old| old.order(&value).is_ne());
                set_if_changed(&known.value, value);
                if moves {
                    self.0.update(|entries| sort(entries));
                }
            }
            None => self.0.update(|entries| {
                entries.push(entry(value));
                sort(entries);
            }),
        }
    }
}

fn entry<T: Listed>(value: T) -> ListEntry<T> {
    ListEntry { key: value.key().to_owned(), value: ArcRwSignal::new(value) }
}

fn sort<T: Listed>(entries: &mut [ListEntry<T>]) {
    entries.sort_by(|a, b| a.value.with_untracked(|a| b.value.with_untracked(|b| a.order(b))));
}

fn set_if_changed<T: Listed>(signal: &ArcRwSignal<T>, value: T) {
    if signal.with_untracked(|old| *old != value) {
        signal.set(value);
    }
}

#[cfg(test)]
mod tests {
    use domain::{Actor, Health, KrtVersion};

    use super::*;

    fn version(name: &str, minute: u32, revision: u64, state: VersionState) -> VersionSummary {
        VersionSummary {
            runtime: "demo".parse().unwrap(),
            name: name.parse().unwrap(),
            description: String::new(),
            krt_version: KrtVersion::V2,
            size_bytes: 1,
            sha256: String::new(),
            created_at: format!("2026-11-23T04:{minute:02}:00Z").parse().unwrap(),
            created_by: Actor::Local,
            published_at: None,
            revision,
            state,
            switching: false,
            health: Health::None,
            failure: None,
            allowed_actions: Vec::new(),
            waiting: None,
            missing_values: 0,
        }
    }

    fn keys(list: LiveList<VersionSummary>) -> Vec<String> {
        list.0.with_untracked(|entries| entries.iter().map(|entry| entry.key.clone()).collect())
    }

    #[test]
    fn a_change_moves_an_entry_to_where_it_belongs_and_keeps_its_signal() {
        let owner = Owner::new();
        owner.set();
        let list =
            LiveList::new(vec![version("b", 2, 1, VersionState::Started), version("a", 1, 1, VersionState::Started)]);
        let signal = list.0.with_untracked(|entries| entries[1].value.clone());
        list.merge(version("a", 1, 2, VersionState::Published));
        assert_eq!(keys(list), ["a", "b"]);
        assert_eq!(signal.get_untracked().state, VersionState::Published);
        list.merge(version("c", 3, 1, VersionState::Stopped));
        assert_eq!(keys(list), ["a", "c", "b"]);
        list.merge(version("c", 3, 2, VersionState::Archived));
        assert_eq!(keys(list), ["a", "b", "c"]);
    }

    #[test]
    fn what_was_deleted_goes_and_all_else_stays() {
        let owner = Owner::new();
        owner.set();
        let list =
            LiveList::new(vec![version("b", 2, 1, VersionState::Started), version("a", 1, 1, VersionState::Started)]);
        list.remove("b");
        list.remove("c");
        assert_eq!(keys(list), ["a"]);
    }

    #[test]
    fn what_is_older_than_what_is_known_is_left_aside() {
        let owner = Owner::new();
        owner.set();
        let list = LiveList::new(vec![version("a", 1, 5, VersionState::Started)]);
        list.merge(version("a", 1, 4, VersionState::Stopped));
        assert_eq!(list.0.with_untracked(|entries| entries[0].value.get_untracked().state), VersionState::Started);
    }

    #[test]
    fn the_whole_answer_replaces_all_and_keeps_the_signals_of_what_stays() {
        let owner = Owner::new();
        owner.set();
        let list =
            LiveList::new(vec![version("b", 2, 1, VersionState::Started), version("a", 1, 1, VersionState::Started)]);
        let signal = list.0.with_untracked(|entries| entries[0].value.clone());
        list.replace(vec![version("c", 3, 1, VersionState::Stopped), version("b", 2, 1, VersionState::Stopped)]);
        assert_eq!(keys(list), ["c", "b"]);
        assert_eq!(signal.get_untracked().state, VersionState::Stopped);
    }
}
