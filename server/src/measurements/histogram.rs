//! A bounded histogram of times: how many lie in each of at most 241 ranges, each 9 % longer than the one before. So a
//! quantile is within 5 % of the true one, and the histograms of several minutes add up to that of all of them.
//!
//! Not a crate's: what is stored outlives a version of it, and this is all that is needed of one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Eight ranges each time that the value doubles.
const RANGES_PER_DOUBLING: f64 = 8.0;
/// What is faster counts as this.
const SHORTEST_MS: f64 = 0.01;
/// The range of 10,000 s and of all that takes longer.
const LAST_RANGE: u16 = 240;

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Histogram(BTreeMap<u16, u64>);

impl Histogram {
    pub(super) fn add(&mut self, ms: f64) {
        *self.0.entry(range(ms)).or_default() += 1;
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (range, count) in &other.0 {
            *self.0.entry(*range).or_default() += count;
        }
    }

    /// The value that this share of all values does not exceed, in milliseconds. None when there are none.
    pub(super) fn quantile(&self, share: f64) -> Option<f64> {
        let count: u64 = self.0.values().sum();
        // Counts are far below what a float holds exactly.
        let rank = ((count as f64 * share).ceil() as u64).clamp(1, count.max(1));
        let mut below = 0;
        let found = self.0.iter().find(|(_, count)| {
            below += **count;
            below >= rank
        });
        found.map(|(range, _)| SHORTEST_MS * ((f64::from(*range) + 0.5) / RANGES_PER_DOUBLING).exp2())
    }
}

fn range(ms: f64) -> u16 {
    // The cast saturates, and makes 0 of what is no number.
    let range = ((ms / SHORTEST_MS).log2() * RANGES_PER_DOUBLING).floor() as u16;
    range.min(LAST_RANGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: impl IntoIterator<Item = f64>) -> Histogram {
        let mut histogram = Histogram::default();
        values.into_iter().for_each(|value| histogram.add(value));
        histogram
    }

    #[test]
    fn quantiles_are_within_five_percent() {
        let histogram = of((1..=1000).map(f64::from));
        for (share, exact) in [(0.0, 1.0), (0.5, 500.0), (0.95, 950.0), (1.0, 1000.0)] {
            let found = histogram.quantile(share).unwrap();
            assert!((found / exact - 1.0).abs() < 0.05, "{share}: {found}, not {exact}");
        }
        assert_eq!(Histogram::default().quantile(0.5), None);
    }

    #[test]
    fn values_beyond_all_measure_count_and_take_no_room() {
        let histogram = of([0.0, -1.0, f64::NAN, f64::NEG_INFINITY, 1e-300, f64::INFINITY, 1e300, 1e9]);
        assert_eq!(histogram.0.values().sum::<u64>(), 8);
        assert!(histogram.0.keys().all(|range| *range == 0 || *range == LAST_RANGE), "{histogram:?}");
    }

    #[test]
    fn two_merge_into_what_one_would_have_counted_and_come_back_from_the_database() {
        let mut merged = of([1.0, 5.0]);
        merged.merge(&of([5.0, 80.0]));
        assert_eq!(merged, of([1.0, 5.0, 5.0, 80.0]));
        let stored = serde_json::to_string(&merged).unwrap();
        assert_eq!(serde_json::from_str::<Histogram>(&stored).unwrap(), merged);
    }
}
