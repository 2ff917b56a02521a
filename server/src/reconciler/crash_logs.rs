//! The last log lines of containers that crashed, shown with their version. Fetched once per crash, outside of the
//! reconciles, and dropped with the pod; nothing relies on them.

use std::{collections::BTreeMap, sync::Arc, sync::PoisonError};

use domain::{Desired, RuntimeId};
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;

use super::{Inner, failure, observed::Observed, readiness};
use crate::store::RuntimeIntent;

/// Enough for the end of a stack trace.
const LINES: usize = 5;
const MAX_LINE_CHARS: usize = 200;

/// One end of one container.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Crash {
    runtime: RuntimeId,
    pod: String,
    uid: String,
    container: String,
    /// Which of its ends.
    run: String,
}

/// What is known so far; empty as long as nothing came back.
#[derive(Debug, Default)]
pub(super) struct CrashLogs(BTreeMap<Crash, Vec<String>>);

impl CrashLogs {
    /// The last lines of the container that keeps this pod from running; empty when there is none, or nothing was said.
    pub(super) fn of(&self, runtime: &RuntimeId, pod: &Pod) -> &[String] {
        crash(runtime, pod).and_then(|(crash, _)| self.0.get(&crash)).map_or(&[], Vec::as_slice)
    }
}

/// Fetches what has not been fetched, and drops what is over.
pub(super) fn fetch(inner: &Arc<Inner>, intent: &RuntimeIntent, observed: &Observed, namespace: &str) {
    let runtime = &intent.runtime.id;
    let running = intent.versions.iter().filter(|version| version.desired == Desired::Started);
    let crashes: BTreeMap<Crash, bool> =
        running.flat_map(|version| observed.pods_of(&version.name)).filter_map(|pod| crash(runtime, pod)).collect();
    let mut memory = inner.memory.lock().unwrap_or_else(PoisonError::into_inner);
    let known = &mut memory.crash_logs.0;
    known.retain(|crash, _| crash.runtime != *runtime || crashes.contains_key(crash));
    for (crash, is_previous) in crashes {
        if known.contains_key(&crash) {
            continue;
        }
        known.insert(crash.clone(), Vec::new());
        tokio::spawn(ask(inner.clone(), crash, is_previous, namespace.to_owned()));
    }
}

async fn ask(inner: Arc<Inner>, crash: Crash, is_previous: bool, namespace: String) {
    // The semaphore is never closed.
    let Ok(_permit) = inner.crash_log_permits.acquire().await else { return };
    let order = if is_previous { [true, false] } else { [false, true] };
    let client = inner.cluster.client();
    let mut lines = failure::last_lines(client, &namespace, (&crash.pod, &crash.container), LINES, order).await;
    for line in &mut lines {
        *line = line.chars().take(MAX_LINE_CHARS).collect();
    }
    if lines.is_empty() {
        return;
    }
    let mut memory = inner.memory.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = memory.crash_logs.0.get_mut(&crash) {
        *known = lines;
        drop(memory);
        inner.changed.mark_dirty(&crash.runtime);
    }
}

/// Whether the pod's container crashed, and whether another run has begun or is about to.
fn crash(runtime: &RuntimeId, pod: &Pod) -> Option<(Crash, bool)> {
    let crashed = readiness::crash(pod)?;
    let crash = Crash {
        runtime: runtime.clone(),
        pod: pod.name_any(),
        uid: pod.uid().unwrap_or_default(),
        container: crashed.container,
        run: crashed.run,
    };
    Some((crash, crashed.is_previous))
}
