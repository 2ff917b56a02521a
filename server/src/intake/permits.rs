//! Permits for uploads, and how an upload loses its permit: memory is bounded by how many uploads run at once, so whoever
//! has a permit has to send bytes, and faster while others wait.

use std::{
    num::NonZeroU16,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::body::{Body, BodyDataStream};
use bytes::Bytes;
use domain::ApiError;
use futures::{StreamExt, stream};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout},
};

use super::source;
use crate::config::{ByteCount, UploadLimits};

/// When an upload that got no permit, or lost it, may be tried again.
const RETRY_AFTER_SECS: u32 = 30;
/// While no upload waits, one may be slower, and pause for longer, by these factors.
const UNCONTENDED_RATE_DIVISOR: u64 = 64;
const UNCONTENDED_WINDOW_FACTOR: u32 = 6;

pub(super) struct UploadPermits {
    free: Arc<Semaphore>,
    waiting: AtomicUsize,
    limits: UploadLimits,
}

impl UploadPermits {
    pub(super) fn new(at_once: NonZeroU16, limits: UploadLimits) -> Self {
        Self { free: Arc::new(Semaphore::new(at_once.get().into())), waiting: AtomicUsize::new(0), limits }
    }

    /// A permit, released when dropped.
    ///
    /// # Errors
    /// `Busy` when none is released in time.
    pub(super) async fn take(&self) -> Result<OwnedSemaphorePermit, ApiError> {
        let _waits = WaitingUpload::one(&self.waiting);
        match timeout(self.limits.max_wait, self.free.clone().acquire_owned()).await {
            Ok(permit) => permit.map_err(|_| ApiError::Internal),
            Err(_) => Err(busy(format!("too many uploads at once; this one waited {:?}", self.limits.max_wait))),
        }
    }

    fn has_waiting(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0
    }
}

/// Counts itself for as long as it is there, also when whoever waits goes away.
struct WaitingUpload<'c>(&'c AtomicUsize);

impl<'c> WaitingUpload<'c> {
    fn one(count: &'c AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for WaitingUpload<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Why an upload lost its permit; empty as long as it has it.
pub(super) type EndReason = Arc<OnceLock<ApiError>>;

/// The body, which ends in an error when it comes too slowly; the reason is then in `end_reason`.
pub(super) fn rate_limited(body: Body, permits: Arc<UploadPermits>, end_reason: EndReason) -> Body {
    let UploadLimits { window, min_rate, .. } = permits.limits;
    let rate_limited = RateLimitedBody {
        chunks: body.into_data_stream(),
        contended: TimeBudget::new(window, min_rate),
        uncontended: TimeBudget::new(window * UNCONTENDED_WINDOW_FACTOR, (min_rate / UNCONTENDED_RATE_DIVISOR).max(1)),
        permits,
        end_reason,
        begin: None,
    };
    // Fused: whoever drains the rest of a request asks once more after its end.
    Body::from_stream(stream::unfold(rate_limited, RateLimitedBody::next).fuse())
}

struct RateLimitedBody {
    chunks: BodyDataStream,
    permits: Arc<UploadPermits>,
    end_reason: EndReason,
    contended: TimeBudget,
    uncontended: TimeBudget,
    /// When the first chunk was asked for, which is when the permit was granted.
    begin: Option<Instant>,
}

impl RateLimitedBody {
    async fn next(mut self) -> Option<(Result<Bytes, axum::Error>, Self)> {
        let begin = *self.begin.get_or_insert_with(Instant::now);
        // Checked at intervals, since another upload may begin to wait.
        let step = self.permits.limits.window / 10;
        loop {
            let started = Instant::now();
            let chunk = timeout(step, self.chunks.next()).await;
            let waited = started.elapsed();
            self.uncontended.spend(waited);
            let contended = self.permits.has_waiting();
            if contended {
                self.contended.spend(waited);
            }
            if let Some(reason) = self.exceeded_limit(contended, begin.elapsed()) {
                let _ = self.end_reason.set(reason);
                return Some((Err(axum::Error::new(std::io::Error::from(std::io::ErrorKind::TimedOut))), self));
            }
            if let Ok(chunk) = chunk {
                let chunk = chunk?;
                let bytes = chunk.as_ref().map_or(0, Bytes::len);
                self.uncontended.earn(bytes);
                self.contended.earn(bytes);
                return Some((chunk, self));
            }
        }
    }

    fn exceeded_limit(&self, contended: bool, elapsed: Duration) -> Option<ApiError> {
        let limits = &self.permits.limits;
        if self.uncontended.left.is_zero() {
            return Some(source::stalled(self.uncontended.window));
        }
        if contended && self.contended.left.is_zero() {
            return Some(busy(format!(
                "upload cancelled: it sent less than {} a second while other uploads waited",
                ByteCount(limits.min_rate)
            )));
        }
        (contended && elapsed > limits.max_duration).then(|| {
            busy(format!("upload cancelled: it took longer than {:?} while other uploads waited", limits.max_duration))
        })
    }
}

/// How much longer a sender may be waited for: waiting spends it, bytes earn it. Only time in which the server wants
/// more counts, so its own disk makes nobody slow.
struct TimeBudget {
    left: Duration,
    window: Duration,
    rate: u64,
}

impl TimeBudget {
    fn new(window: Duration, rate: u64) -> Self {
        Self { left: window, window, rate }
    }

    fn spend(&mut self, waited: Duration) {
        self.left = self.left.saturating_sub(waited);
    }

    fn earn(&mut self, bytes: usize) {
        let earned = Duration::from_secs_f64(bytes as f64 / self.rate as f64);
        self.left = (self.left + earned).min(self.window);
    }
}

fn busy(reason: String) -> ApiError {
    ApiError::Busy { reason, retry_after_secs: RETRY_AFTER_SECS }
}
