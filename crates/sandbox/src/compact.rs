//! Objects that have not been used for a while are kept as text. A parsed object takes ten times the memory, and most of
//! the thousands of objects of a large cluster, and of their previous states, are rarely read.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use serde_json::Value;

use crate::object::Object;

/// One state of an object. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct CompactObject(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    representation: Mutex<Representation>,
    recent: Arc<ParsedObjects>,
}

#[derive(Debug)]
enum Representation {
    Parsed(Object),
    Text(Box<str>),
}

/// The objects that are parsed, oldest first. Beyond the limit, the oldest becomes text again.
#[derive(Debug)]
pub(crate) struct ParsedObjects {
    parsed: Mutex<VecDeque<Weak<Inner>>>,
    limit: usize,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ParsedObjects {
    pub(crate) fn new(limit: usize) -> Self {
        Self { parsed: Mutex::default(), limit }
    }

    /// Adds an object. The caller may hold no lock of an object: the oldest one is locked here.
    fn admit(&self, inner: &Arc<Inner>) {
        let oldest = {
            let mut parsed = lock(&self.parsed);
            parsed.push_back(Arc::downgrade(inner));
            if parsed.len() > self.limit { parsed.pop_front() } else { None }
        };
        if let Some(oldest) = oldest.and_then(|weak| weak.upgrade()) {
            let mut representation = lock(&oldest.representation);
            if let Representation::Parsed(object) = &*representation {
                *representation = Representation::Text(object.to_string().into_boxed_str());
            }
        }
    }
}

impl CompactObject {
    pub(crate) fn new(object: &Object, recent: &Arc<ParsedObjects>) -> Self {
        let inner = Arc::new(Inner {
            representation: Mutex::new(Representation::Parsed(object.clone())),
            recent: recent.clone(),
        });
        recent.admit(&inner);
        Self(inner)
    }

    /// The object, which stays parsed for a while: for objects that controllers work on.
    pub(crate) fn get(&self) -> Object {
        let object = {
            let mut representation = lock(&self.0.representation);
            match &*representation {
                Representation::Parsed(object) => return object.clone(),
                Representation::Text(text) => {
                    let object = parse(text);
                    *representation = Representation::Parsed(object.clone());
                    object
                }
            }
        };
        self.0.recent.admit(&self.0);
        object
    }

    /// The object, without keeping it parsed: for scans over thousands of objects.
    pub(crate) fn peek(&self) -> Object {
        match &*lock(&self.0.representation) {
            Representation::Parsed(object) => object.clone(),
            Representation::Text(text) => parse(text),
        }
    }
}

/// The text was written from an object, so it can always be read.
fn parse(text: &str) -> Object {
    Arc::<Value>::new(serde_json::from_str(text).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_object_that_became_text_is_parsed_again_unchanged() {
        let recent = Arc::new(ParsedObjects::new(1));
        let objects: Vec<Object> = (0..3).map(|n| Arc::new(json!({ "n": n, "f": 0.5, "s": "\u{e9}\n" }))).collect();
        let stored: Vec<_> = objects.iter().map(|object| CompactObject::new(object, &recent)).collect();
        assert!(matches!(*lock(&stored[0].0.representation), Representation::Text(_)));
        assert!(matches!(*lock(&stored[2].0.representation), Representation::Parsed(_)));
        assert_eq!(stored[0].peek(), objects[0]);
        assert!(matches!(*lock(&stored[0].0.representation), Representation::Text(_)));
        assert_eq!(stored[0].get(), objects[0]);
        assert!(matches!(*lock(&stored[0].0.representation), Representation::Parsed(_)));
        assert!(matches!(*lock(&stored[2].0.representation), Representation::Text(_)));
    }
}
