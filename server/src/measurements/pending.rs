//! The measurements of one version that wait to be stored, and its limits.

use std::collections::BTreeMap;

use domain::{RefusedPoints, Timestamp};

use super::{
    minute::{Minute, Series, Values},
    points::{Point, PointContent, Precision, minute_of, points},
    recent::{Handled, Recent},
};
use crate::config::MeasurementLimits;

const WINDOW_SECS: i64 = 10;
/// After so long without a point a series makes room for another.
const SERIES_KEPT_MINUTES: i64 = 60;
const ENTRYPOINT: &str = "entrypoint";

#[derive(Default)]
pub(super) struct Pending {
    minutes: BTreeMap<i64, Minute>,
    /// Series times minutes in there.
    waiting: usize,
    /// The version's own series, with the minute of the last point of each.
    series: BTreeMap<Series, i64>,
    /// When the present ten seconds began, and how many points came in them.
    window: (i64, u64),
    refused: Option<RefusedPoints>,
    last_minute: i64,
    pub(super) recent: Recent,
}

/// What became of a body.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Counted {
    All,
    Some { points: usize, refused: usize, reason: String },
    TooMany,
}

impl Pending {
    /// `waiting_elsewhere` is what other versions have waiting; `workflows` are the version's, with their nodes.
    pub(super) fn count(
        &mut self,
        limits: &MeasurementLimits,
        waiting_elsewhere: usize,
        workflows: &BTreeMap<String, Vec<String>>,
        body: &str,
        precision: Precision,
        now: Timestamp,
    ) -> Counted {
        if now.as_second() - self.window.0 >= WINDOW_SECS {
            self.window = (now.as_second(), 0);
        }
        if self.window.1 >= limits.points_per_ten_seconds {
            let reason = format!("more than {} points came in ten seconds", limits.points_per_ten_seconds);
            self.refuse(1, reason, now);
            return Counted::TooMany;
        }
        self.last_minute = minute_of(now);
        let (mut taken, mut refused, mut first) = (0, 0, None);
        for point in points(body, precision, now) {
            let added = point.and_then(|point| self.add(point, limits, waiting_elsewhere, workflows, now));
            match added {
                Ok(()) => taken += 1,
                Err(reason) => {
                    refused += 1;
                    first.get_or_insert(reason);
                }
            }
        }
        let points = taken + refused;
        self.window.1 = self.window.1.saturating_add(points as u64);
        match first {
            None => Counted::All,
            Some(reason) => {
                self.refuse(refused as u64, reason.clone(), now);
                Counted::Some { points, refused, reason }
            }
        }
    }

    fn add(
        &mut self,
        point: Point,
        limits: &MeasurementLimits,
        waiting_elsewhere: usize,
        workflows: &BTreeMap<String, Vec<String>>,
        now: Timestamp,
    ) -> Result<(), String> {
        let at_minute = point.minute();
        let age = self.last_minute.saturating_sub(at_minute);
        if age > limits.retention_minutes {
            return Err(format!("its time is more than {} minutes ago", limits.retention_minutes));
        }
        if age < -limits.ahead_minutes {
            return Err("its time is in the future: is the pod's clock right, and `precision`?".to_owned());
        }
        if self.waiting >= limits.waiting_per_version || self.waiting + waiting_elsewhere >= limits.waiting {
            return Err("the server has not stored earlier measurements yet".to_owned());
        }
        match point.content {
            PointContent::Handled { workflow, node, from, elapsed_ms, success } => {
                let nodes = workflows.get(&workflow).filter(|nodes| nodes.contains(&node));
                let nodes = nodes.ok_or_else(|| format!("the version has no node `{workflow}/{node}`"))?;
                let from = from.filter(|from| from == ENTRYPOINT || nodes.contains(from));
                let minute = self.minutes.entry(at_minute).or_default();
                let before = minute.nodes.len();
                let kept = minute.nodes.entry(format!("{workflow}/{node}")).or_default();
                kept.count += 1;
                kept.failures += u64::from(!success);
                elapsed_ms.into_iter().for_each(|elapsed| kept.times.add(elapsed));
                if let Some(from) = &from {
                    *kept.from.entry(from.clone()).or_default() += 1;
                }
                self.waiting += minute.nodes.len() - before;
                self.recent.add(Handled { at: point.at, came: now.as_microsecond(), workflow, node, from, elapsed_ms });
            }
            PointContent::Own(numbers) => {
                for (series, number) in numbers {
                    self.admit(&series, at_minute, limits.series_per_version)?;
                    let value = Values::of(number);
                    let minute = self.minutes.entry(at_minute).or_default();
                    match minute.own.get_mut(&series) {
                        Some(values) => values.merge(&value),
                        None => {
                            minute.own.insert(series, value);
                            self.waiting += 1;
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// Whether there is room for the series, or one gives way to it.
    fn admit(&mut self, series: &Series, minute: i64, most: usize) -> Result<(), String> {
        if let Some(last) = self.series.get_mut(series) {
            *last = minute.max(*last);
            return Ok(());
        }
        if self.series.len() >= most {
            let now = self.last_minute;
            self.series.retain(|_, last| now - *last < SERIES_KEPT_MINUTES);
        }
        if self.series.len() >= most {
            return Err(format!(
                "the version has more than {most} series of its own: use fewer tags, names and fields"
            ));
        }
        self.series.insert(series.clone(), minute);
        Ok(())
    }

    fn refuse(&mut self, count: u64, reason: String, at: Timestamp) {
        let before = self.refused.as_ref().map_or(0, |refused| refused.count);
        self.refused = Some(RefusedPoints { count: before.saturating_add(count), reason, at });
    }

    /// Takes all that waits.
    pub(super) fn take(&mut self) -> BTreeMap<i64, Minute> {
        self.waiting = 0;
        std::mem::take(&mut self.minutes)
    }

    /// What was taken and could not be stored.
    pub(super) fn put_back(&mut self, minute: i64, content: &Minute) {
        let mut whole = content.clone();
        if let Some(later) = self.minutes.get(&minute) {
            whole.merge(later);
        }
        self.minutes.insert(minute, whole);
        self.waiting = self.minutes.values().map(Minute::series).sum();
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    pub(super) fn minutes(&self, from: i64, until: i64) -> impl Iterator<Item = (i64, &Minute)> {
        self.minutes.range(from..until).map(|(minute, content)| (*minute, content))
    }

    pub(super) fn refused(&self) -> Option<RefusedPoints> {
        self.refused.clone()
    }

    /// Whether nothing of it is needed any more.
    pub(super) fn is_forgotten(&self, now: i64) -> bool {
        self.minutes.is_empty() && now - self.last_minute > SERIES_KEPT_MINUTES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_700_000_000;

    struct Test {
        pending: Pending,
        limits: MeasurementLimits,
        now: i64,
    }

    impl Test {
        fn new(limits: MeasurementLimits) -> Self {
            Self { pending: Pending::default(), limits, now: NOW }
        }

        fn send(&mut self, body: &str) -> Counted {
            self.send_beside(0, body)
        }

        fn send_beside(&mut self, waiting_elsewhere: usize, body: &str) -> Counted {
            let workflows = BTreeMap::from([("flow".to_owned(), vec!["one".to_owned(), "two".to_owned()])]);
            let now = Timestamp::from_second(self.now).unwrap();
            self.pending.count(&self.limits, waiting_elsewhere, &workflows, body, Precision::Seconds, now)
        }

        fn refusal(&mut self, body: &str) -> String {
            match self.send(body) {
                Counted::Some { reason, .. } => reason,
                other => panic!("taken: {other:?}"),
            }
        }
    }

    fn handled(node: &str, minutes_ago: i64) -> String {
        let at = NOW - 60 * minutes_ago;
        format!("node_elapsed_time,workflow=flow,node={node},from_node=ghost elapsed_ms=1.5,success=true {at}\n")
    }

    #[test]
    fn what_waits_is_bounded_for_a_version_and_for_all() {
        let mut test =
            Test::new(MeasurementLimits { waiting_per_version: 3, waiting: 10, ..MeasurementLimits::default() });
        let three = handled("one", 0) + &handled("two", 0) + &handled("one", 1);
        assert_eq!(test.send(&three), Counted::All);
        assert_eq!(test.pending.waiting(), 3);
        assert!(test.refusal(&handled("two", 1)).contains("not stored earlier measurements"));
        let taken = test.pending.take();
        assert_eq!((taken.len(), test.pending.waiting()), (2, 0));
        assert!(matches!(test.send_beside(10, &handled("one", 0)), Counted::Some { .. }));
        assert_eq!(test.send_beside(9, &handled("one", 0)), Counted::All);
        assert!(
            taken.values().flat_map(|minute| minute.nodes.values()).all(|node| node.from.is_empty()),
            "no such node"
        );
    }

    #[test]
    fn what_was_not_stored_is_put_back_before_what_came_since() {
        let mut test = Test::new(MeasurementLimits::default());
        test.send(&(handled("one", 0) + &format!("m v=1 {NOW}")));
        let taken = test.pending.take();
        test.send(&(handled("one", 0) + &format!("m v=2 {NOW}")));
        for (minute, content) in &taken {
            test.pending.put_back(*minute, content);
        }
        let (_, minute) = test.pending.minutes(0, i64::MAX).next().unwrap();
        assert_eq!((minute.nodes["flow/one"].count, minute.own.values().next().unwrap().last), (2, 2.0));
        assert_eq!(test.pending.waiting(), 2);
    }

    #[test]
    fn a_silent_series_gives_way_to_another() {
        let mut test = Test::new(MeasurementLimits { series_per_version: 2, ..MeasurementLimits::default() });
        assert_eq!(test.send("a v=1\nb v=1"), Counted::All);
        assert!(test.refusal("c v=1").contains("more than 2 series"));
        test.now += 60 * 59;
        assert_eq!(test.send("b v=1"), Counted::All);
        assert!(test.refusal("c v=1").contains("more than 2 series"));
        test.now += 60;
        assert_eq!(test.send("c v=1"), Counted::All, "`a` has been silent for an hour");
        assert!(test.refusal("a v=1").contains("more than 2 series"));
        assert_eq!(test.pending.refused().unwrap().count, 3);
    }

    #[test]
    fn no_more_than_so_many_points_are_taken_in_ten_seconds() {
        let mut test = Test::new(MeasurementLimits { points_per_ten_seconds: 3, ..MeasurementLimits::default() });
        assert_eq!(test.send("a v=1\na v=1"), Counted::All);
        assert_eq!(test.send("a v=1\na v=1"), Counted::All);
        assert_eq!(test.send("a v=1"), Counted::TooMany);
        test.now += 10;
        assert_eq!(test.send("a v=1"), Counted::All);
    }

    #[test]
    fn a_version_that_is_silent_is_forgotten_once_all_is_stored() {
        let mut test = Test::new(MeasurementLimits::default());
        test.send("a v=1");
        let minute = NOW / 60;
        assert!(!test.pending.is_forgotten(minute + 100));
        test.pending.take();
        assert!(!test.pending.is_forgotten(minute + 60) && test.pending.is_forgotten(minute + 61));
    }
}
