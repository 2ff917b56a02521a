//! From minutes to what people see: curves over a range, and what a version does just now.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    Curve, Curves, LiveEdge, LiveNode, LiveNumbers, MeasurementsTarget, Metrics, MetricsRange, NodeMetrics, NodeTotals,
    OwnMetric, Timestamp, WorkflowMetrics,
};
use krt::model::{Subscription, Workflow};

use super::{
    Measurements,
    minute::{Minute, NodeMinute, Series, Values},
    points::minute_of,
    sends_elsewhere,
};
use crate::store::{StoreError, VersionRecord};

/// A rate is not taken from less: one message in the first second would be sixty in a minute.
const SHORTEST_SECS: i64 = 15;
/// A version may have had more over the whole range.
const MAX_OWN: usize = 100;

impl Measurements {
    /// `before` is the version that was published before, with whose measurements this one's are compared.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn metrics(
        &self,
        version: &VersionRecord,
        before: Option<&VersionRecord>,
        range: MetricsRange,
        now: Timestamp,
    ) -> Result<Metrics, StoreError> {
        let steps = Steps::of(range, now);
        let (minutes, refused) = self.minutes(version.key, steps.first, steps.end()).await?;
        let shown = steps.gather(&minutes);
        let compared = match before {
            Some(before) => steps.gather(&self.minutes(before.key, steps.first, steps.end()).await?.0),
            None => Vec::new(),
        };
        let (own, more_own) = own_metrics(&shown, &compared);
        Ok(Metrics {
            range,
            start: Timestamp::from_second(steps.first * 60).unwrap_or(Timestamp::UNIX_EPOCH),
            step_secs: range.step_minutes() * 60,
            steps: u32::try_from(steps.count).unwrap_or(u32::MAX),
            target: if sends_elsewhere(version) { MeasurementsTarget::Elsewhere } else { MeasurementsTarget::Server },
            compared_with: before.map(|before| before.name.clone()),
            workflows: version
                .manifest
                .workflows
                .iter()
                .map(|workflow| workflow_metrics(workflow, &steps, &shown, &compared))
                .collect(),
            own,
            more_own,
            refused,
        })
    }

    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn live(&self, version: &VersionRecord, now: Timestamp) -> Result<LiveNumbers, StoreError> {
        let minute = minute_of(now);
        // A pod's clock may be ahead.
        let until = minute + 1 + self.limits().ahead_minutes;
        let (minutes, _) = self.minutes(version.key, minute - 1, until).await?;
        let mut sum = Minute::default();
        minutes.values().for_each(|minute| sum.merge(minute));
        let secs = (60 + now.as_second().rem_euclid(60)) as f64;
        let mut live = LiveNumbers::default();
        for workflow in &version.manifest.workflows {
            for node in &workflow.nodes {
                let Some(handled) = sum.nodes.get(&format!("{}/{}", workflow.name, node.name)) else { continue };
                live.nodes.push(LiveNode {
                    workflow: workflow.name.clone(),
                    node: node.name.clone(),
                    per_second: rounded(handled.count as f64 / secs),
                    median_ms: handled.times.quantile(0.5).map(rounded),
                    p95_ms: handled.times.quantile(0.95).map(rounded),
                    failures: handled.failures,
                });
                let mut counted = BTreeSet::new();
                for subscription in &node.subscriptions {
                    let from = match subscription {
                        Subscription::Entrypoint => "entrypoint",
                        Subscription::Node { node, .. } => node.as_str(),
                    };
                    if let Some(count) = handled.from.get(from).filter(|_| counted.insert(from)) {
                        live.edges.push(LiveEdge {
                            workflow: workflow.name.clone(),
                            subscription: subscription.to_string(),
                            to: node.name.clone(),
                            per_second: rounded(*count as f64 / secs),
                            queue: None,
                        });
                    }
                }
            }
        }
        Ok(live)
    }
}

/// The steps of a range; the last one is under way.
struct Steps {
    /// In minutes since 1970.
    first: i64,
    /// In minutes.
    length: i64,
    count: usize,
    now: Timestamp,
}

/// What happened in one step, if anything.
type Step = Option<Minute>;

impl Steps {
    fn of(range: MetricsRange, now: Timestamp) -> Self {
        let length = i64::from(range.step_minutes());
        let count = range.minutes() / range.step_minutes();
        let last = minute_of(now).div_euclid(length) * length;
        Self { first: last - (i64::from(count) - 1) * length, length, count: count as usize, now }
    }

    /// A pod's clock may be ahead of the last step's end; that is shown when its time has come.
    fn end(&self) -> i64 {
        self.first + self.length * self.count as i64
    }

    fn gather(&self, minutes: &BTreeMap<i64, Minute>) -> Vec<Step> {
        let step = |index: usize| {
            let begin = self.first + self.length * index as i64;
            let mut within = minutes.range(begin..begin + self.length).map(|(_, minute)| minute);
            let mut sum = within.next()?.clone();
            within.for_each(|minute| sum.merge(minute));
            Some(sum)
        };
        (0..self.count).map(step).collect()
    }

    /// What a count of a step is in a minute.
    fn per_minute(&self, index: usize, count: u64) -> f64 {
        let secs = if index + 1 == self.count {
            let begun = (self.first + self.length * index as i64) * 60;
            (self.now.as_second() - begun).clamp(SHORTEST_SECS, self.length * 60)
        } else {
            self.length * 60
        };
        rounded(count as f64 * 60.0 / secs as f64)
    }

    /// What was counted per minute in each step: nothing where nothing came.
    fn rates(&self, steps: &[Step], count: impl Fn(&Minute) -> u64) -> Curve {
        let rate = |(index, step): (usize, &Step)| Some(self.per_minute(index, step.as_ref().map_or(0, &count)));
        steps.iter().enumerate().map(rate).collect()
    }

    /// The same of the version before: only while it measured something, for nobody knows whether it ran else.
    fn rates_before(&self, steps: &[Step], count: impl Fn(&Minute) -> u64) -> Curve {
        let first = steps.iter().position(Option::is_some);
        let last = steps.iter().rposition(Option::is_some);
        let mut rates = self.rates(steps, count);
        for (index, rate) in rates.iter_mut().enumerate() {
            if first.is_none_or(|first| index < first) || last.is_none_or(|last| index > last) {
                *rate = None;
            }
        }
        rates
    }
}

fn workflow_metrics(workflow: &Workflow, steps: &Steps, shown: &[Step], compared: &[Step]) -> WorkflowMetrics {
    let fed: Vec<String> = workflow
        .nodes
        .iter()
        .filter(|node| node.subscriptions.contains(&Subscription::Entrypoint))
        .map(|node| format!("{}/{}", workflow.name, node.name))
        .collect();
    // Each of them gets each request.
    let requests = |minute: &Minute| {
        let counts = fed.iter().filter_map(|node| minute.nodes.get(node)).map(|node| node.count);
        counts.max().unwrap_or(0)
    };
    WorkflowMetrics {
        workflow: workflow.name.clone(),
        rpc: workflow.entrypoint.clone(),
        requests: Curves { now: steps.rates(shown, requests), before: steps.rates_before(compared, requests) },
        nodes: workflow
            .nodes
            .iter()
            .map(|node| {
                let key = format!("{}/{}", workflow.name, node.name);
                let count = |of: fn(&NodeMinute) -> u64| {
                    let key = key.clone();
                    move |minute: &Minute| minute.nodes.get(&key).map_or(0, of)
                };
                let rates = |of: fn(&NodeMinute) -> u64| Curves {
                    now: steps.rates(shown, count(of)),
                    before: steps.rates_before(compared, count(of)),
                };
                let quantiles = |share: f64| Curves {
                    now: quantiles(shown, &key, share),
                    before: quantiles(compared, &key, share),
                };
                NodeMetrics {
                    node: node.name.clone(),
                    totals: totals(shown, &key).unwrap_or_default(),
                    totals_before: totals(compared, &key),
                    messages: rates(|node| node.count),
                    failures: rates(|node| node.failures),
                    median_ms: quantiles(0.5),
                    p95_ms: quantiles(0.95),
                }
            })
            .collect(),
    }
}

fn quantiles(steps: &[Step], node: &str, share: f64) -> Curve {
    let of = |step: &Step| step.as_ref()?.nodes.get(node)?.times.quantile(share).map(rounded);
    steps.iter().map(of).collect()
}

/// None when it did nothing.
fn totals(steps: &[Step], node: &str) -> Option<NodeTotals> {
    let mut minutes = steps.iter().flatten().filter_map(|step| step.nodes.get(node));
    let mut sum = minutes.next()?.clone();
    minutes.for_each(|minute| sum.merge(minute));
    Some(NodeTotals {
        messages: sum.count,
        failures: sum.failures,
        median_ms: sum.times.quantile(0.5).map(rounded),
        p95_ms: sum.times.quantile(0.95).map(rounded),
    })
}

/// The series that were written last come first, should there be too many.
fn own_metrics(shown: &[Step], compared: &[Step]) -> (Vec<OwnMetric>, u32) {
    let mut sums: BTreeMap<&Series, (usize, Values)> = BTreeMap::new();
    for (index, step) in shown.iter().enumerate() {
        for (series, values) in step.iter().flat_map(|step| &step.own) {
            sums.entry(series)
                .and_modify(|(last, sum)| {
                    *last = index;
                    sum.merge(values);
                })
                .or_insert((index, *values));
        }
    }
    let mut latest: Vec<(&Series, usize, Values)> =
        sums.into_iter().map(|(series, (last, sum))| (series, last, sum)).collect();
    latest.sort_by_key(|(series, last, _)| (std::cmp::Reverse(*last), *series));
    let more = latest.len().saturating_sub(MAX_OWN);
    latest.truncate(MAX_OWN);
    latest.sort_by_key(|(series, ..)| *series);
    let metric = |(series, _, sum): (&Series, usize, Values)| OwnMetric {
        measurement: series.measurement.clone(),
        field: series.field.clone(),
        node: series.node.clone(),
        tags: series.tags.clone(),
        count: sum.count,
        min: sum.min,
        mean: sum.mean(),
        max: sum.max,
        last: sum.last,
        mean_curve: Curves { now: means(shown, series), before: means(compared, series) },
    };
    (latest.into_iter().map(metric).collect(), u32::try_from(more).unwrap_or(u32::MAX))
}

fn means(steps: &[Step], series: &Series) -> Curve {
    steps.iter().map(|step| Some(step.as_ref()?.own.get(series)?.mean())).collect()
}

/// To four digits or a thousandth, which is more than anybody reads off a curve.
fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handled(count: u64, ms: f64) -> Minute {
        let mut node = NodeMinute { count, ..NodeMinute::default() };
        (0..count).for_each(|_| node.times.add(ms));
        Minute { nodes: BTreeMap::from([("flow/one".to_owned(), node)]), own: BTreeMap::new() }
    }

    fn at(minute: i64, second: i64) -> Timestamp {
        Timestamp::from_second(minute * 60 + second).unwrap()
    }

    #[test]
    fn the_last_step_of_each_range_is_under_way() {
        for (range, count, length) in
            [(MetricsRange::QuarterHour, 15, 1), (MetricsRange::Hour, 60, 1), (MetricsRange::SixHours, 72, 5)]
        {
            let steps = Steps::of(range, at(1003, 59));
            assert_eq!((steps.count, steps.length), (count, length));
            assert!(steps.end() - length <= 1003 && 1003 < steps.end(), "{range:?}");
            assert_eq!(steps.first % length, 0);
        }
    }

    #[test]
    fn a_step_under_way_is_told_as_what_it_would_become() {
        let steps = Steps::of(MetricsRange::QuarterHour, at(1000, 30));
        let gathered = steps.gather(&BTreeMap::from([(999, handled(6, 1.0)), (1000, handled(6, 1.0))]));
        let rates = steps.rates(&gathered, |minute| minute.nodes["flow/one"].count);
        assert_eq!(rates[12..], [Some(0.0), Some(6.0), Some(12.0)]);
        let just_begun = Steps::of(MetricsRange::QuarterHour, at(1000, 0));
        assert_eq!(just_begun.per_minute(14, 1), 4.0);
    }

    #[test]
    fn long_steps_sum_their_minutes() {
        let steps = Steps::of(MetricsRange::SixHours, at(1004, 59));
        let gathered = steps.gather(&BTreeMap::from([(995, handled(10, 1.0)), (999, handled(10, 100.0))]));
        let rates = steps.rates(&gathered, |minute| minute.nodes["flow/one"].count);
        assert_eq!(rates[70], Some(4.0));
        let p95 = quantiles(&gathered, "flow/one", 0.95)[70].unwrap();
        assert!((95.0..105.0).contains(&p95), "{p95}");
        assert_eq!(totals(&gathered, "flow/one").unwrap().messages, 20);
        assert_eq!(totals(&gathered, "flow/two"), None);
    }

    #[test]
    fn the_version_before_is_shown_only_while_it_measured() {
        let steps = Steps::of(MetricsRange::QuarterHour, at(1000, 30));
        let gathered = steps.gather(&BTreeMap::from([(990, handled(1, 1.0)), (992, handled(3, 1.0))]));
        let rates = steps.rates_before(&gathered, |minute| minute.nodes["flow/one"].count);
        assert_eq!(rates[3..8], [None, Some(1.0), Some(0.0), Some(3.0), None]);
        assert!(steps.rates_before(&[], |_| 0).is_empty());
    }
}
