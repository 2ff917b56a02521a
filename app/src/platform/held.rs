//! Something of the browser in a place that is copied freely, as signals are.

use leptos::prelude::*;
use send_wrapper::SendWrapper;

/// Holds a value that stays on the browser's one thread. The server never has one, so its pages may go away on another
/// thread than they were made on.
pub struct Held<T: 'static>(StoredValue<Option<SendWrapper<T>>>);

impl<T> Clone for Held<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Held<T> {}

impl<T> Default for Held<T> {
    fn default() -> Self {
        Self(StoredValue::new(None))
    }
}

impl<T> Held<T> {
    /// Does nothing when the component that it belongs to is gone.
    pub fn set(self, value: T) {
        self.0.try_set_value(Some(SendWrapper::new(value)));
    }

    pub fn clear(self) {
        self.0.try_set_value(None);
    }

    /// Takes the value out.
    pub fn take(self) -> Option<T> {
        self.0.try_update_value(Option::take).flatten().map(SendWrapper::take)
    }

    /// None when nothing is there.
    pub fn with<R>(self, read: impl FnOnce(&T) -> R) -> Option<R> {
        self.0.try_with_value(|held| held.as_deref().map(read)).flatten()
    }
}
