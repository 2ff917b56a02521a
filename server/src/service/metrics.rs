//! What a version's nodes measure.

use domain::{
    ApiError, Caller, LiveEdge, LiveNumbers, LiveQueue, MeasurementsTarget, Metrics, MetricsRange, RuntimeId,
    Timestamp, VersionName, access::Permission,
};

use super::{Service, errors::from_store};
use crate::{
    krt_url::MEASUREMENTS_VARIABLE,
    reconciler::NodeQueue,
    store::{VersionKey, VersionRecord},
};

impl Service {
    pub(crate) async fn metrics(
        &self,
        caller: &Caller,
        runtime: &RuntimeId,
        version: &VersionName,
        range: MetricsRange,
    ) -> Result<Metrics, ApiError> {
        self.allow(caller, Permission::View, Some(runtime))?;
        let record = self.record(runtime, version).await?;
        let others = self.store.versions(runtime).await.map_err(from_store)?;
        let before = published_before(published(&record), others.iter().map(published));
        let before = others.iter().find(|other| Some(other.key) == before);
        let found = self.measurements.metrics(&record, before, range, Timestamp::now()).await;
        let mut metrics = found.map_err(from_store)?;
        if self.measured_elsewhere() {
            metrics.target = MeasurementsTarget::Elsewhere;
        }
        Ok(metrics)
    }

    /// Whether nodes of all versions send what they measure to another place.
    pub(super) fn measured_elsewhere(&self) -> bool {
        let runners = &self.objects.runners;
        runners.influx_uri.is_some() || runners.env.contains_key(MEASUREMENTS_VARIABLE)
    }

    pub(crate) async fn live_numbers(
        &self,
        caller: &Caller,
        runtime: &RuntimeId,
        version: &VersionName,
    ) -> Result<LiveNumbers, ApiError> {
        self.allow(caller, Permission::View, Some(runtime))?;
        let record = self.record(runtime, version).await?;
        let mut live = self.measurements.live(&record, Timestamp::now()).await.map_err(from_store)?;
        for queue in self.reconciler.queues(&record).await {
            add_queue(&mut live, queue);
        }
        Ok(live)
    }
}

/// To what was measured of the subscription; one without measurements is there only while something waits.
fn add_queue(live: &mut LiveNumbers, NodeQueue { workflow, subscription, node, queue }: NodeQueue) {
    let measured = live
        .edges
        .iter_mut()
        .find(|edge| edge.workflow == workflow && edge.to == node && edge.subscription == subscription);
    match measured {
        Some(edge) => edge.queue = Some(queue),
        None if queue == LiveQueue::default() => {}
        None => live.edges.push(LiveEdge { workflow, subscription, to: node, per_second: 0.0, queue: Some(queue) }),
    }
}

/// When a version was published last, if ever, with its key.
type Published = (VersionKey, Option<Timestamp>);

fn published(version: &VersionRecord) -> Published {
    (version.key, version.published_at)
}

/// The version that was published last before this one; of one that never was, the one that was published last of all.
fn published_before(version: Published, others: impl Iterator<Item = Published>) -> Option<VersionKey> {
    others
        .filter(|(key, at)| *key != version.0 && at.is_some())
        .filter(|(_, at)| version.1.is_none() || *at < version.1)
        .max_by_key(|(_, at)| *at)
        .map(|(key, _)| key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_compared_with_the_one_published_before_it() {
        let at = |second| Some(Timestamp::from_second(second).unwrap());
        let all = [(1, at(10)), (2, at(30)), (3, at(20)), (4, None)];
        let before = |index: usize| published_before(all[index], all.into_iter());
        assert_eq!([0, 1, 2, 3].map(before), [None, Some(3), Some(1), Some(2)]);
    }
}
