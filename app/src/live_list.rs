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
pub struct Entry<T: Listed> {
    pub key: String,
    pub value: ArcRwSignal<T>,
}

/// The list. Copied freely, as signals are.
pub struct LiveList<T: Listed>(RwSignal<Vec<Entry<T>>>);

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
    pub fn entries(self) -> Vec<Entry<T>> {
        self.0.get()
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

fn entry<T: Listed>(value: T) -> Entry<T> {
    Entry { key: value.key().to_owned(), value: ArcRwSignal::new(value) }
}

fn sort<T: Listed>(entries: &mut [Entry<T>]) {
    entries.sort_by(|a, b| a.value.with_untracked(|a| b.value.with_untracked(|b| a.order(b))));
}

fn set_if_changed<T: Listed>(signal: &ArcRwSignal<T>, value: T) {
    if signal.with_untracked(|old| *old != value) {
        signal.set(value);
    }
}
