//! One answer for whatever a page loads, however often it asks while the server renders it.
//!
//! Leptos walks through what is inside of a `Suspense` several times, and each time makes its resources anew. The browser
//! is sent the answer of one walk and the markup of another: were they different, because something happened in between,
//! it could not take the page over.

use std::{
    any::{Any, TypeId},
    future::Future,
    sync::{Arc, Mutex, PoisonError},
};

use futures::lock;
use leptos::prelude::use_context;

use super::in_context;
use crate::AppError;

/// The data loaded for the page that is being rendered; in its root's context.
#[derive(Clone, Default)]
pub struct Loaded(Arc<Mutex<Vec<Entry>>>);

struct Entry {
    /// Of the loader, which tells the places that load something apart.
    loader: TypeId,
    /// The arguments that it was loaded with.
    source: Box<dyn Any + Send>,
    /// A [`Place`].
    place: Box<dyn Any + Send>,
}

/// Where the answer is kept. Locked while it is loaded; whoever gives up loading leaves it to the next.
type Place<T> = Arc<lock::Mutex<Option<Result<T, AppError>>>>;

impl Loaded {
    fn place<S: PartialEq + Clone + Send + 'static, T: Send + 'static>(&self, loader: TypeId, source: &S) -> Place<T> {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_same = |entry: &&Entry| entry.loader == loader && entry.source.downcast_ref::<S>() == Some(source);
        if let Some(place) = entries.iter().find(is_same).and_then(|entry| entry.place.downcast_ref::<Place<T>>()) {
            return place.clone();
        }
        let place = Place::<T>::default();
        entries.push(Entry { loader, source: Box::new(source.clone()), place: Box::new(place.clone()) });
        place
    }
}

pub(super) fn load<S, T, L, Fut>(
    source: S,
    loader: &L,
) -> impl Future<Output = Result<T, AppError>> + Send + use<S, T, L, Fut>
where
    S: PartialEq + Clone + Send + 'static,
    T: Clone + Send + 'static,
    L: Fn(S) -> Fut + 'static,
    Fut: Future<Output = Result<T, AppError>> + Send,
{
    let place = use_context::<Loaded>().unwrap_or_default().place::<S, T>(TypeId::of::<L>(), &source);
    let loading = in_context(loader(source));
    async move {
        let mut place = place.lock().await;
        if let Some(answer) = &*place {
            return answer.clone();
        }
        let answer = loading.await;
        *place = Some(answer.clone());
        answer
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::{pending, ready},
        pin::pin,
        sync::atomic::{AtomicU32, Ordering},
        task::{Context, Poll, Waker},
    };

    use leptos::prelude::{Owner, provide_context};

    use super::*;

    fn now<F: Future>(future: F) -> Poll<F::Output> {
        pin!(future).poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn whatever_is_loaded_again_while_a_page_is_rendered_is_what_it_was() {
        let asked = AtomicU32::new(0);
        let asked: &'static AtomicU32 = Box::leak(Box::new(asked));
        let loader = move |_: &str| {
            let count = asked.fetch_add(1, Ordering::SeqCst);
            async move { Ok(count) }
        };
        let other = move |_: &str| ready(Ok::<_, AppError>(100));
        let page = Owner::new_root(None);
        page.with(|| {
            provide_context(Loaded::default());
            let first = load("one", &loader);
            assert_eq!(now(first), Poll::Ready(Ok(0)));
            assert_eq!(now(page.child().with(|| load("one", &loader))), Poll::Ready(Ok(0)), "the same walk or another");
            assert_ne!(now(load("two", &loader)), Poll::Ready(Ok(0)), "what is asked for is another");
            assert_eq!(now(load("one", &other)), Poll::Ready(Ok(100)), "it is loaded elsewhere in the page");
        });
        let next = Owner::new_root(None);
        next.with(|| {
            provide_context(Loaded::default());
            assert_ne!(now(load("one", &loader)), Poll::Ready(Ok(0)), "another page asks anew");
        });
    }

    #[test]
    fn one_that_is_given_up_is_loaded_by_the_next() {
        let turns = AtomicU32::new(0);
        let turns: &'static AtomicU32 = Box::leak(Box::new(turns));
        let loader = move |(): ()| async move {
            if turns.fetch_add(1, Ordering::SeqCst) == 0 {
                pending::<()>().await;
            }
            Ok(7)
        };
        let page = Owner::new_root(None);
        page.with(|| {
            provide_context(Loaded::default());
            let mut given_up = Box::pin(load((), &loader));
            assert!(given_up.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
            let mut next = Box::pin(load((), &loader));
            assert!(next.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending(), "one loads");
            drop(given_up);
            assert_eq!(now(next), Poll::Ready(Ok(7)));
        });
    }
}
