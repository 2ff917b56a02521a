//! Views whose code comes in files of their own, by Leptos' `#[lazy]`, when they are first needed.

use std::future::Future;

use leptos::{LazyViewError, prelude::*};
use send_wrapper::SendWrapper;

/// What is being loaded; in every component's context.
#[derive(Debug, Clone, Copy)]
pub struct Loading {
    /// Whether the router is on its way to another page.
    pub is_routing: RwSignal<bool>,
    /// How many views are on their way.
    views: RwSignal<u32>,
    /// Whether something could not be loaded.
    pub has_failed: RwSignal<bool>,
}

impl Loading {
    /// Tracked.
    pub fn is_loading(self) -> bool {
        self.is_routing.get() || self.views.get() > 0
    }
}

pub fn provide_loading() -> Loading {
    let loading =
        Loading { is_routing: RwSignal::new(false), views: RwSignal::new(0), has_failed: RwSignal::new(false) };
    provide_context(loading);
    loading
}

/// Shows a view that a page does not begin with, as soon as its code is there.
pub fn when_loaded(view: impl Future<Output = Result<AnyView, LazyViewError>> + 'static) -> AnyView {
    let loading: Loading = expect_context();
    // The browser's one thread is where all of this stays, and the server has the code at hand.
    let view = SendWrapper::new(view);
    Suspend::new(async move {
        loading.views.update(|views| *views += 1);
        let shown = view.await;
        loading.views.update(|views| *views -= 1);
        shown.unwrap_or_else(|_| {
            loading.has_failed.set(true);
            ().into_any()
        })
    })
    .into_any()
}
