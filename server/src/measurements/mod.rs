//! What the nodes of versions measure of themselves: counted per minute in memory, added to the database every few seconds,
//! and read from both ([decision 31](../../../docs/decisions/0031-measurements-are-counted-here.md)).
//!
//! It trusts a point for nothing but its numbers: the credential says which version it is of, and only nodes that the version
//! has are counted. All that a version can make it keep is bounded.

mod histogram;
mod line_protocol;
mod minute;
mod pending;
mod points;
mod recent;
mod view;

use std::{
    collections::{BTreeMap, HashMap},
    pin::pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use domain::{Desired, NodeName, PassedNode, RefusedPoints, RuntimeId, Timestamp, VersionName, WorkflowName};
use sha2::{Digest, Sha256};
use tokio::{
    sync::{Notify, OwnedSemaphorePermit, RwLock, Semaphore},
    time::{MissedTickBehavior, interval, timeout},
};
use tokio_util::sync::CancellationToken;

use minute::Minute;
use pending::{Counted, Pending};
pub(crate) use points::Precision;

use crate::{
    config::MeasurementLimits,
    krt_url::MEASUREMENTS_VARIABLE,
    store::{Store, StoreError, VersionKey, VersionRecord},
};

/// Takes and keeps the measurements of all versions.
pub struct Measurements {
    store: Arc<Store>,
    limits: MeasurementLimits,
    versions: Mutex<HashMap<VersionKey, Arc<OfVersion>>>,
    writers: Mutex<HashMap<(RuntimeId, VersionName), FoundRight>>,
    bodies: Arc<Semaphore>,
    /// Series times minutes that wait to be stored.
    waiting: AtomicUsize,
    /// Held while what waited is neither in memory nor in the database.
    moving: RwLock<()>,
}

/// When a credential was found right, and whose it is.
type FoundRight = (Instant, Arc<Writer>);

struct OfVersion {
    bodies: Arc<Semaphore>,
    pending: Mutex<Pending>,
    /// Points have come.
    came: Notify,
}

/// Who has shown the credential of a version.
pub(crate) struct Writer {
    version: Arc<OfVersion>,
    token: [u8; 32],
    /// The nodes of each workflow.
    workflows: BTreeMap<String, Vec<String>>,
}

/// The right to have one body read and counted.
pub(crate) struct BodyPermit {
    _all: OwnedSemaphorePermit,
    _version: OwnedSemaphorePermit,
}

/// Why a body was not taken, or not all of it. `Display` is for whoever sent it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    #[error("partial write: {refused} of {points} points were not taken. The first: {reason}")]
    Points { points: usize, refused: usize, reason: String },
    #[error("this version sends more than {limit} points in ten seconds; send fewer")]
    TooMany { limit: u64 },
    #[error("the server takes in other measurements of this version; send it again in a second")]
    VersionBusy,
    #[error("the server takes in other measurements; send it again in a second")]
    Busy,
}

impl Measurements {
    pub fn new(store: Arc<Store>, limits: MeasurementLimits) -> Self {
        Self {
            store,
            limits,
            versions: Mutex::default(),
            writers: Mutex::default(),
            bodies: Arc::new(Semaphore::new(limits.bodies)),
            waiting: AtomicUsize::new(0),
            moving: RwLock::default(),
        }
    }

    pub(crate) fn limits(&self) -> MeasurementLimits {
        self.limits
    }

    /// None for a wrong credential, and for a version that there is not or that is archived.
    pub(crate) async fn writer(
        &self,
        runtime: &RuntimeId,
        version: &VersionName,
        token: &str,
    ) -> Result<Option<Arc<Writer>>, StoreError> {
        // Digests are compared, so how long that takes says nothing about the token.
        let token: [u8; 32] = Sha256::digest(token).into();
        let key = (runtime.clone(), version.clone());
        if let Some((since, writer)) = lock(&self.writers).get(&key)
            && since.elapsed() < self.limits.credential_cached
            && writer.token == token
        {
            return Ok(Some(Arc::clone(writer)));
        }
        let Some(record) = self.store.version(runtime, version).await? else { return Ok(None) };
        let right: [u8; 32] = Sha256::digest(record.file.measurements_token().expose()).into();
        // A version that stops goes on measuring until its last pod is gone.
        if right != token || record.desired == Desired::Archived {
            return Ok(None);
        }
        let workflows = record.manifest.workflows.iter().map(|workflow| {
            let nodes = workflow.nodes.iter().map(|node| node.name.to_string());
            (workflow.name.to_string(), nodes.collect())
        });
        let writer = Arc::new(Writer { version: self.of(record.key), token, workflows: workflows.collect() });
        lock(&self.writers).insert(key, (Instant::now(), Arc::clone(&writer)));
        Ok(Some(writer))
    }

    /// Asks whether a body may be read now. No version can hold all places.
    pub(crate) fn begin(&self, writer: &Writer) -> Result<BodyPermit, Refused> {
        let version = Arc::clone(&writer.version.bodies).try_acquire_owned().map_err(|_| Refused::VersionBusy)?;
        let all = Arc::clone(&self.bodies).try_acquire_owned().map_err(|_| Refused::Busy)?;
        Ok(BodyPermit { _all: all, _version: version })
    }

    /// Counts the points of a body (InfluxDB's line protocol). Takes its time: not for a thread that answers requests.
    pub(crate) fn take(
        &self,
        writer: &Writer,
        body: &str,
        precision: Precision,
        now: Timestamp,
    ) -> Result<(), Refused> {
        let mut pending = lock(&writer.version.pending);
        let waiting_elsewhere = self.waiting.load(Ordering::Relaxed).saturating_sub(pending.waiting());
        let before = pending.waiting();
        let counted = pending.count(&self.limits, waiting_elsewhere, &writer.workflows, body, precision, now);
        self.waiting.fetch_add(pending.waiting() - before, Ordering::Relaxed);
        drop(pending);
        writer.version.came.notify_waiters();
        match counted {
            Counted::All => Ok(()),
            Counted::Some { points, refused, reason } => Err(Refused::Points { points, refused, reason }),
            Counted::TooMany => Err(Refused::TooMany { limit: self.limits.points_per_ten_seconds }),
        }
    }

    /// The nodes that a call went through between these times, in order. Waits for the point of the node that is `last`, but
    /// not for long: nodes send their points a little later. None when they sent none, or others called at the same time.
    pub(crate) async fn passed(
        &self,
        version: VersionKey,
        (workflow, last): (&WorkflowName, &NodeName),
        (from, until): (Timestamp, Timestamp),
    ) -> Option<Vec<PassedNode>> {
        let version = self.of(version);
        let passed = || lock(&version.pending).recent.passed(workflow, from, until);
        let complete = async {
            loop {
                let came = version.came.notified();
                let mut came = pin!(came);
                came.as_mut().enable();
                let is_complete = |passed: &Vec<PassedNode>| passed.iter().any(|passed| passed.node == last.as_str());
                if passed().is_none_or(|passed| is_complete(&passed)) {
                    return;
                }
                came.await;
            }
        };
        // A call may have ended before its last node, so what has come by now is as much as there is.
        let _ = timeout(self.limits.call_wait, complete).await;
        passed().filter(|passed| !passed.is_empty())
    }

    /// Stores what has come, every few seconds and once more at the end.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut due = interval(self.limits.flush_interval);
        due.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut failing = false;
        loop {
            let last = tokio::select! {
                () = stop.cancelled() => true,
                _ = due.tick() => false,
            };
            match self.flush(Timestamp::now()).await {
                Ok(()) => failing = false,
                // Said once, for it is tried again all the time.
                Err(error) if !failing => {
                    failing = true;
                    tracing::warn!("could not store measurements, which stay in memory for now: {error}");
                }
                Err(_) => {}
            }
            if last {
                return;
            }
        }
    }

    /// Adds all that waits to the database; what cannot be added waits on.
    async fn flush(&self, now: Timestamp) -> Result<(), StoreError> {
        /// So many are one transaction, during which SQLite takes no other.
        const BATCH: usize = 200;
        let _moving = self.moving.write().await;
        let oldest = points::minute_of(now) - self.limits.retention_minutes;
        let mut taken: Vec<(VersionKey, i64, Minute)> = Vec::new();
        lock(&self.versions).retain(|key, version| {
            let mut pending = lock(&version.pending);
            self.waiting.fetch_sub(pending.waiting(), Ordering::Relaxed);
            taken.extend(pending.take().into_iter().map(|(minute, content)| (*key, minute, content)));
            // Whoever holds one is about to count something.
            !pending.is_forgotten(points::minute_of(now)) || Arc::strong_count(version) > 1
        });
        lock(&self.writers).retain(|_, (since, _)| since.elapsed() < self.limits.credential_cached);
        let mut batches = taken.chunks(BATCH);
        while let Some(batch) = batches.next() {
            let keys: Vec<(VersionKey, i64)> = batch.iter().map(|(version, minute, _)| (*version, *minute)).collect();
            let add = |index: usize, before: Option<&str>| {
                let mut sum = before.map(read).unwrap_or_default();
                sum.merge(&batch[index].2);
                // Only a number that is none cannot be written, and none is kept.
                serde_json::to_string(&sum).unwrap_or_default()
            };
            if let Err(error) = self.store.add_measurements(&keys, add, oldest).await {
                batch.iter().chain(batches.flatten()).for_each(|waiting| self.put_back(waiting));
                return Err(error);
            }
        }
        Ok(())
    }

    fn put_back(&self, (version, minute, content): &(VersionKey, i64, Minute)) {
        let of = self.of(*version);
        let mut pending = lock(&of.pending);
        let before = pending.waiting();
        pending.put_back(*minute, content);
        self.waiting.fetch_add(pending.waiting() - before, Ordering::Relaxed);
    }

    /// What is known of a version from one minute to before another, and what was refused.
    async fn minutes(
        &self,
        version: VersionKey,
        from: i64,
        until: i64,
    ) -> Result<(BTreeMap<i64, Minute>, Option<RefusedPoints>), StoreError> {
        let _at_rest = self.moving.read().await;
        let stored = self.store.measurements(version, from, until).await?;
        let mut minutes: BTreeMap<i64, Minute> =
            stored.into_iter().map(|(minute, content)| (minute, read(&content))).collect();
        let known = lock(&self.versions).get(&version).cloned();
        let Some(known) = known else { return Ok((minutes, None)) };
        let pending = lock(&known.pending);
        for (minute, content) in pending.minutes(from, until) {
            minutes.entry(minute).or_default().merge(content);
        }
        Ok((minutes, pending.refused()))
    }

    fn of(&self, version: VersionKey) -> Arc<OfVersion> {
        let of = || {
            let bodies = Arc::new(Semaphore::new(self.limits.bodies_per_version));
            Arc::new(OfVersion { bodies, pending: Mutex::default(), came: Notify::new() })
        };
        Arc::clone(lock(&self.versions).entry(version).or_insert_with(of))
    }
}

/// Whether this version's nodes send elsewhere because its configuration says where.
pub(crate) fn sends_elsewhere(version: &VersionRecord) -> bool {
    let spec = &version.manifest.config;
    spec.variables.iter().chain(&spec.files).any(|name| name == MEASUREMENTS_VARIABLE)
}

fn read(stored: &str) -> Minute {
    serde_json::from_str(stored).unwrap_or_else(|error| {
        tracing::warn!("stored measurements of a minute cannot be read: {error}");
        Minute::default()
    })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
