//! Whose turn it is, and how an upload loses its turn: memory is bounded by how many are taken in at once, so whoever
//! holds a turn has to bring bytes, and brings them faster while others wait.

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
use crate::config::ByteCount;

/// When somebody who had no turn, or lost it, may ask again.
const RETRY_AFTER_SECS: u32 = 30;
/// While nobody waits, an upload may be slower by this much, and pause for longer by that.
const ALONE_SLOWER: u64 = 64;
const ALONE_LONGER: u32 = 6;

/// What an upload is held to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UploadPace {
    /// How long an upload waits for its turn.
    pub max_wait: Duration,
    /// How long an upload may have a turn while others wait.
    pub max_turn: Duration,
    /// Bytes that have to arrive in a second while others wait.
    pub min_rate: u64,
    /// Over how much time the rate is taken: an upload may pause for as long when it was fast before.
    pub window: Duration,
}

impl UploadPace {
    pub const DEFAULT: Self = Self {
        max_wait: Duration::from_secs(60),
        max_turn: Duration::from_secs(30 * 60),
        min_rate: 64 << 10,
        window: Duration::from_secs(10),
    };
}

pub(super) struct Turns {
    free: Arc<Semaphore>,
    waiting: AtomicUsize,
    pace: UploadPace,
}

impl Turns {
    pub(super) fn new(at_once: NonZeroU16, pace: UploadPace) -> Self {
        Self { free: Arc::new(Semaphore::new(at_once.get().into())), waiting: AtomicUsize::new(0), pace }
    }

    /// A turn, which ends when the permit is dropped.
    ///
    /// # Errors
    /// `Busy` when none has come in time.
    pub(super) async fn take(&self) -> Result<OwnedSemaphorePermit, ApiError> {
        let _waits = Waits::one(&self.waiting);
        match timeout(self.pace.max_wait, self.free.clone().acquire_owned()).await {
            Ok(turn) => turn.map_err(|_| ApiError::Internal),
            Err(_) => Err(busy(format!(
                "the server takes in other files; this upload waited {:?} for its turn",
                self.pace.max_wait
            ))),
        }
    }

    fn anybody_waits(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0
    }
}

/// Counts itself for as long as it is there, also when whoever waits goes away.
struct Waits<'c>(&'c AtomicUsize);

impl<'c> Waits<'c> {
    fn one(count: &'c AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Why an upload lost its turn; empty as long as it has it.
pub(super) type Lost = Arc<OnceLock<ApiError>>;

/// The body, which ends in an error when it comes too slowly; the reason is then in `lost`.
pub(super) fn paced(body: Body, turns: Arc<Turns>, lost: Lost) -> Body {
    let UploadPace { window, min_rate, .. } = turns.pace;
    let paced = Paced {
        chunks: body.into_data_stream(),
        crowded: Allowance::new(window, min_rate),
        alone: Allowance::new(window * ALONE_LONGER, (min_rate / ALONE_SLOWER).max(1)),
        turns,
        lost,
        begin: None,
    };
    // Fused: whoever drains the rest of a request asks once more after its end.
    Body::from_stream(stream::unfold(paced, Paced::next).fuse())
}

struct Paced {
    chunks: BodyDataStream,
    turns: Arc<Turns>,
    lost: Lost,
    crowded: Allowance,
    alone: Allowance,
    /// When the first chunk was asked for, which is when the turn began.
    begin: Option<Instant>,
}

impl Paced {
    async fn next(mut self) -> Option<(Result<Bytes, axum::Error>, Self)> {
        let begin = *self.begin.get_or_insert_with(Instant::now);
        // Looked at in between, since somebody may come to wait.
        let step = self.turns.pace.window / 10;
        loop {
            let asked = Instant::now();
            let chunk = timeout(step, self.chunks.next()).await;
            let waited = asked.elapsed();
            self.alone.spend(waited);
            let crowded = self.turns.anybody_waits();
            if crowded {
                self.crowded.spend(waited);
            }
            if let Some(reason) = self.reason_to_end(crowded, begin.elapsed()) {
                let _ = self.lost.set(reason);
                return Some((Err(axum::Error::new(std::io::Error::from(std::io::ErrorKind::TimedOut))), self));
            }
            if let Ok(chunk) = chunk {
                let chunk = chunk?;
                let bytes = chunk.as_ref().map_or(0, Bytes::len);
                self.alone.earn(bytes);
                self.crowded.earn(bytes);
                return Some((chunk, self));
            }
        }
    }

    fn reason_to_end(&self, crowded: bool, turn: Duration) -> Option<ApiError> {
        let pace = &self.turns.pace;
        if self.alone.left.is_zero() {
            return Some(source::stalled(self.alone.window));
        }
        if crowded && self.crowded.left.is_zero() {
            return Some(busy(format!(
                "the upload was ended: it brought less than {} a second while others waited for their turn",
                ByteCount(pace.min_rate)
            )));
        }
        (crowded && turn > pace.max_turn).then(|| {
            busy(format!(
                "the upload was ended: it took longer than {:?} while others waited for their turn",
                pace.max_turn
            ))
        })
    }
}

/// How much longer a sender may be waited for: waiting spends it, bytes earn it. Only time in which the server wants
/// more counts, so its own disk makes nobody slow.
struct Allowance {
    left: Duration,
    window: Duration,
    rate: u64,
}

impl Allowance {
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
