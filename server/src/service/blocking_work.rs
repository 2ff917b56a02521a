//! Work that has a processor to itself for a while, such as rendering a document. Little of it is done at once, so that
//! many such requests do not take all processors, and all memory, from others.

use std::sync::Arc;

use domain::ApiError;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::spawn_blocking,
};

/// How much is done at once.
const MAX_CONCURRENT: usize = 2;

pub(super) struct BlockingWork(Arc<Semaphore>);

/// Permission to do some. Read what the work needs after acquiring it, so that nothing is in memory while waiting.
pub(super) struct Permit(OwnedSemaphorePermit);

impl Default for BlockingWork {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MAX_CONCURRENT)))
    }
}

impl BlockingWork {
    /// Waits until some of what is being done ends.
    pub(super) async fn permit(&self) -> Result<Permit, ApiError> {
        // It is never closed.
        self.0.clone().acquire_owned().await.map(Permit).map_err(|_| ApiError::Internal)
    }
}

impl Permit {
    /// Does the work on a thread for blocking work. The permit is released when the work ends, even if its caller has gone.
    pub(super) async fn run<T: Send + 'static>(self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, ApiError> {
        let done = spawn_blocking(move || {
            let done = work();
            drop(self.0);
            done
        });
        done.await.map_err(|_| ApiError::Internal)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use futures::FutureExt;
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn only_so_much_is_done_at_once_whether_or_not_somebody_waits_for_it() {
        let all = BlockingWork::default();
        let (end, ended) = mpsc::channel::<()>();
        let first = all.permit().await.unwrap();
        let second = all.permit().await.unwrap();
        let (begin, begun) = oneshot::channel();
        let running = tokio::spawn(first.run(move || begin.send(()).is_ok() && ended.recv().is_ok()));
        begun.await.unwrap();
        assert!(all.permit().now_or_never().is_none());
        // Whoever asked goes away while the work is done.
        running.abort();
        assert!(running.await.unwrap_err().is_cancelled());
        assert!(all.permit().now_or_never().is_none());

        assert_eq!(second.run(|| 1).await, Ok(1));
        let third = all.permit().await.unwrap();
        assert!(all.permit().now_or_never().is_none());
        end.send(()).unwrap();
        all.permit().await.unwrap();
        drop(third);
    }
}
