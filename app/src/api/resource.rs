//! The data that a page loads before it is shown.

#[cfg(feature = "ssr")]
mod once;

use std::future::Future;

use leptos::prelude::*;
use serde::{Serialize, de::DeserializeOwned};

use crate::AppError;
#[cfg(feature = "ssr")]
pub use once::Loaded;

/// A resource whose loader may call several server functions, one after the other.
pub fn resource<S, T, Fut>(
    source: impl Fn() -> S + Send + Sync + 'static,
    load: impl Fn(S) -> Fut + Send + Sync + 'static,
) -> Resource<Result<T, AppError>>
where
    S: PartialEq + Clone + Send + Sync + 'static,
    T: Serialize + DeserializeOwned + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<T, AppError>> + Send + 'static,
{
    #[cfg(feature = "ssr")]
    return Resource::new(source, move |source| once::load(source, &load));
    #[cfg(not(feature = "ssr"))]
    Resource::new(source, load)
}

/// Keeps what is around the caller until the future is done.
///
/// A loader itself keeps only its own owner, and an owner does not keep those around it, where the context of the
/// request is. Leptos walks through what is inside of a `Suspense` several times while it renders, and drops all of it
/// but the last time; a loader of such a walk, when it goes on after its first answer, would find no context.
#[cfg(feature = "ssr")]
fn in_context<F: Future>(future: F) -> impl Future<Output = F::Output> {
    let around: Vec<Owner> = std::iter::successors(Owner::current(), Owner::parent).collect();
    async move {
        let answer = future.await;
        drop(around);
        answer
    }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use std::{
        future::{pending, ready},
        pin::pin,
        task::{Context, Poll, Waker},
    };

    use leptos::reactive::computed::ScopedFuture;

    use super::*;

    /// What a loader finds in its context after its first answer, when what was around it is gone by then.
    fn found_later<F: Future<Output = Option<u8>>>(keep: impl FnOnce(Later) -> F) -> Poll<Option<u8>> {
        let root = Owner::new_root(None);
        root.with(|| provide_context(7_u8));
        let around = root.child();
        let loader = around.child();
        let mut future = pin!(loader.with(|| ScopedFuture::new(keep(Later { answered: false }))));
        let mut context = Context::from_waker(Waker::noop());
        assert!(future.as_mut().poll(&mut context).is_pending());
        drop((around, loader));
        future.as_mut().poll(&mut context)
    }

    struct Later {
        answered: bool,
    }

    impl Future for Later {
        type Output = Option<u8>;

        fn poll(mut self: std::pin::Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
            if self.answered {
                return Poll::Ready(use_context());
            }
            self.answered = true;
            Poll::Pending
        }
    }

    #[test]
    fn a_loader_finds_its_context_however_late() {
        assert_eq!(found_later(|later| later), Poll::Ready(None), "else nothing has to be kept");
        assert_eq!(found_later(in_context), Poll::Ready(Some(7)));
    }

    #[test]
    fn nothing_is_kept_once_it_is_done() {
        let root = Owner::new_root(None);
        let around = root.child();
        let weak = around.downgrade();
        let mut done = pin!(around.with(|| in_context(ready(()))));
        let waiting = around.with(|| in_context(pending::<()>()));
        drop(around);
        assert!(done.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready());
        assert!(weak.upgrade().is_some(), "the other still waits");
        drop(waiting);
        assert!(weak.upgrade().is_none());
    }
}
