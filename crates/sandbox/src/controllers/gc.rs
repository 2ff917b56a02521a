//! Garbage collection: dependents go after their last owner, or before one that waits for them.

use super::{Controller, MAX_BATCH, Queue};
use crate::{
    admission,
    delete::{self, DeleteOptions, FOREGROUND, Propagation},
    kinds::{KINDS, Kind},
    object::{self, Object},
    store::{Change, Event, Key, State, Store},
};

/// Keys of its queue are uids, in the place of names.
pub(super) struct Collector;

fn by_uid(uid: &str) -> Key {
    Key::new("", uid)
}

impl Controller for Collector {
    fn kinds(&self) -> &'static [Kind] {
        const ALL: [Kind; KINDS.len()] = {
            let mut all = [Kind::Namespace; KINDS.len()];
            let mut at = 0;
            while at < all.len() {
                all[at] = KINDS[at].kind;
                at += 1;
            }
            all
        };
        const { &ALL }
    }

    fn observe(&mut self, event: &Event, queue: &mut Queue) {
        let object = event.object();
        let waits = object::has_finalizer(&object, FOREGROUND);
        match event.change {
            Change::Deleted => {
                queue.add(by_uid(object::uid(&object)));
                for owner in object::owners(&object) {
                    queue.add(by_uid(object::text(owner, "/uid")));
                }
            }
            Change::Added if !object::owners(&object).is_empty() => {
                queue.add(by_uid(object::uid(&object)));
            }
            _ if waits => queue.add(by_uid(object::uid(&object))),
            _ => {}
        }
    }

    fn reconcile(&mut self, store: &Store, key: &Key, queue: &mut Queue) {
        let deleted = store.write(|state| match state.by_uid(&key.name) {
            None => collect_dependents(state, &key.name),
            Some(object) => {
                let kind = Kind::by_name(object::text(&object, "/kind"));
                kind.map_or(0, |kind| {
                    collect_orphan(state, kind, &object);
                    finish_foreground(state, kind, &object)
                })
            }
        });
        if deleted >= MAX_BATCH {
            queue.add(key.clone());
        }
    }
}

/// Deletes the dependents of an owner that is gone, unless another owner is still there. Returns how many: there are
/// more when they are as many as are deleted at once.
fn collect_dependents(state: &mut State, owner_uid: &str) -> usize {
    let dependents = state.all_dependents(owner_uid);
    dependents.iter().filter(|(kind, dependent)| collect_orphan(state, *kind, dependent)).take(MAX_BATCH).count()
}

/// Deletes an object all of whose owners are gone. Returns whether it did.
fn collect_orphan(state: &mut State, kind: Kind, object: &Object) -> bool {
    let owners = object::owners(object);
    let lives = |uid: &str| state.has_uid(uid);
    if owners.is_empty() || object::is_ending(object) || owners.iter().any(|o| lives(object::text(o, "/uid"))) {
        return false;
    }
    delete_ignoring_errors(state, kind, object, Propagation::Background);
    true
}

/// Deletes what blocks an owner that waits, and lets the owner go when nothing does. Returns how many were deleted.
fn finish_foreground(state: &mut State, kind: Kind, owner: &Object) -> usize {
    if !object::is_ending(owner) || !object::has_finalizer(owner, FOREGROUND) {
        return 0;
    }
    let uid = object::uid(owner);
    let (mut blocked, mut deleted) = (false, 0);
    for (dependent_kind, dependent) in state.all_dependents(uid) {
        let owners = object::owners(&dependent);
        let blocks = owners.iter().any(|o| o["uid"] == uid && o["blockOwnerDeletion"] == true);
        let shared = owners.iter().any(|o| {
            let other = state.by_uid(object::text(o, "/uid"));
            o["uid"] != uid && other.is_some_and(|other| !object::is_ending(&other))
        });
        if shared {
            continue;
        }
        blocked |= blocks;
        if !object::is_ending(&dependent) && deleted < MAX_BATCH {
            deleted += 1;
            let policy = if blocks { Propagation::Foreground } else { Propagation::Background };
            delete_ignoring_errors(state, dependent_kind, &dependent, policy);
        }
    }
    if !blocked {
        let key = Key::of(owner);
        admission::modify(state, kind, &key, |owner| object::remove_finalizer(owner, FOREGROUND));
    }
    deleted
}

/// What was read under the same lock is there; a refusal could only mean that it must stay.
fn delete_ignoring_errors(state: &mut State, kind: Kind, object: &Object, propagation: Propagation) {
    let options = DeleteOptions { propagation, ..DeleteOptions::default() };
    let _gone = delete::delete(state, kind, &Key::of(object), &options);
}
