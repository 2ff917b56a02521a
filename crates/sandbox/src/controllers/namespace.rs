//! Namespaces that end take their content with them, and go when it is gone.

use super::{Controller, MAX_BATCH, Queue};
use crate::{
    admission,
    delete::{self, DeleteOptions},
    kinds::{KINDS, Kind},
    object,
    selectors::LabelSelector,
    store::{Change, Event, Key, Store},
};

pub(super) struct Namespaces;

impl Controller for Namespaces {
    fn kinds(&self) -> &'static [Kind] {
        &[
            Kind::Namespace,
            Kind::Pod,
            Kind::Service,
            Kind::Endpoints,
            Kind::Secret,
            Kind::ConfigMap,
            Kind::Deployment,
            Kind::ReplicaSet,
            Kind::EndpointSlice,
            Kind::Ingress,
        ]
    }

    fn observe(&mut self, event: &Event, queue: &mut Queue) {
        match event.kind {
            Kind::Namespace if object::is_ending(&event.object()) => queue.add(Key::of(&event.object())),
            Kind::Namespace => {}
            // What goes may have been the last thing that an ending namespace waited for.
            _ if event.change == Change::Deleted => queue.add(Key::new("", object::namespace(&event.object()))),
            _ => {}
        }
    }

    fn reconcile(&mut self, store: &Store, key: &Key, queue: &mut Queue) {
        store.write(|state| {
            let Some(namespace) = state.get(Kind::Namespace, key) else { return };
            if !object::is_ending(&namespace) {
                return;
            }
            let (mut deleted, mut left) = (0, 0);
            for kind in KINDS.iter().filter(|k| k.namespaced).map(|k| k.kind) {
                for object in state.list(kind, Some(&key.name), &LabelSelector::default()) {
                    left += 1;
                    if !object::is_ending(&object) && deleted < MAX_BATCH {
                        // It was there a moment ago under the same lock.
                        let _gone = delete::delete(state, kind, &Key::of(&object), &DeleteOptions::default());
                        deleted += 1;
                    }
                }
            }
            if deleted > 0 {
                queue.add(key.clone());
            } else if left == 0 {
                admission::modify(state, Kind::Namespace, key, |namespace| {
                    object::remove(namespace, "/spec", "finalizers");
                });
            }
        });
    }
}
