//! Objects that have not been in use for a while are kept as text: an object of nested maps takes ten times as much
//! room, and most of the thousands that a large cluster has, and of their former states, are looked at seldom.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use serde_json::Value;

use crate::object::Object;

/// One state of an object. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Stored(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    form: Mutex<Form>,
    recent: Arc<Recent>,
}

#[derive(Debug)]
enum Form {
    Open(Object),
    Text(Box<str>),
}

/// What is open, in the order in which it was opened. The longest open ones are closed.
#[derive(Debug)]
pub(crate) struct Recent {
    open: Mutex<VecDeque<Weak<Inner>>>,
    limit: usize,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Recent {
    pub(crate) fn new(limit: usize) -> Self {
        Self { open: Mutex::default(), limit }
    }

    /// Takes one in. Neither its own lock nor another one's may be held: the one that makes room locks itself.
    fn admit(&self, inner: &Arc<Inner>) {
        let oldest = {
            let mut open = lock(&self.open);
            open.push_back(Arc::downgrade(inner));
            if open.len() > self.limit { open.pop_front() } else { None }
        };
        if let Some(oldest) = oldest.and_then(|weak| weak.upgrade()) {
            let mut form = lock(&oldest.form);
            if let Form::Open(object) = &*form {
                *form = Form::Text(object.to_string().into_boxed_str());
            }
        }
    }
}

impl Stored {
    pub(crate) fn new(object: &Object, recent: &Arc<Recent>) -> Self {
        let inner = Arc::new(Inner { form: Mutex::new(Form::Open(object.clone())), recent: recent.clone() });
        recent.admit(&inner);
        Self(inner)
    }

    /// The object, which stays open for a while: for those that are worked on.
    pub(crate) fn open(&self) -> Object {
        let object = {
            let mut form = lock(&self.0.form);
            match &*form {
                Form::Open(object) => return object.clone(),
                Form::Text(text) => {
                    let object = parse(text);
                    *form = Form::Open(object.clone());
                    object
                }
            }
        };
        self.0.recent.admit(&self.0);
        object
    }

    /// The object for one look: going through thousands must not close those that are worked on.
    pub(crate) fn peek(&self) -> Object {
        match &*lock(&self.0.form) {
            Form::Open(object) => object.clone(),
            Form::Text(text) => parse(text),
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
    fn what_is_closed_to_make_room_opens_as_it_was() {
        let recent = Arc::new(Recent::new(1));
        let objects: Vec<Object> = (0..3).map(|n| Arc::new(json!({ "n": n, "f": 0.5, "s": "\u{e9}\n" }))).collect();
        let stored: Vec<_> = objects.iter().map(|object| Stored::new(object, &recent)).collect();
        assert!(matches!(*lock(&stored[0].0.form), Form::Text(_)));
        assert!(matches!(*lock(&stored[2].0.form), Form::Open(_)));
        assert_eq!(stored[0].peek(), objects[0]);
        assert!(matches!(*lock(&stored[0].0.form), Form::Text(_)));
        assert_eq!(stored[0].open(), objects[0]);
        assert!(matches!(*lock(&stored[0].0.form), Form::Open(_)));
        assert!(matches!(*lock(&stored[2].0.form), Form::Text(_)));
    }
}
