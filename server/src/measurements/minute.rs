//! What is kept of one version's minute. Two of them add up to one, so what was stored before is added to.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::histogram::Histogram;

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Minute {
    /// By `workflow/node`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) nodes: BTreeMap<String, NodeMinute>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", with = "pairs")]
    pub(super) own: BTreeMap<Series, Values>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct NodeMinute {
    pub(super) count: u64,
    #[serde(default)]
    pub(super) failures: u64,
    #[serde(default)]
    pub(super) times: Histogram,
    /// How many messages came from which node.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) from: BTreeMap<String, u64>,
}

/// A numeric field that the version's own code measures.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Series {
    pub(super) measurement: String,
    pub(super) field: String,
    /// `workflow/node`, or empty.
    pub(super) node: String,
    /// `name=value, name=value`, sorted by name, or empty.
    pub(super) tags: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Values {
    pub(super) count: u64,
    pub(super) sum: f64,
    pub(super) min: f64,
    pub(super) max: f64,
    pub(super) last: f64,
}

impl Minute {
    /// How much room it takes, in series.
    pub(super) fn series(&self) -> usize {
        self.nodes.len() + self.own.len()
    }

    /// Adds a later part of the same minute, or of another that is shown together with it.
    pub(super) fn merge(&mut self, later: &Self) {
        for (node, later) in &later.nodes {
            self.nodes.entry(node.clone()).or_default().merge(later);
        }
        for (series, later) in &later.own {
            match self.own.get_mut(series) {
                Some(values) => values.merge(later),
                None => drop(self.own.insert(series.clone(), *later)),
            }
        }
    }
}

impl NodeMinute {
    pub(super) fn merge(&mut self, later: &Self) {
        self.count += later.count;
        self.failures += later.failures;
        self.times.merge(&later.times);
        for (node, count) in &later.from {
            *self.from.entry(node.clone()).or_default() += count;
        }
    }
}

impl Values {
    pub(super) fn of(value: f64) -> Self {
        Self { count: 1, sum: value, min: value, max: value, last: value }
    }

    pub(super) fn merge(&mut self, later: &Self) {
        self.count += later.count;
        // Two huge values may not be infinite together: JSON has no such number.
        self.sum = (self.sum + later.sum).clamp(f64::MIN, f64::MAX);
        self.min = self.min.min(later.min);
        self.max = self.max.max(later.max);
        self.last = later.last;
    }

    pub(super) fn mean(&self) -> f64 {
        self.sum / self.count as f64
    }
}

/// A map as a list of pairs, for JSON's keys are texts.
mod pairs {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serializer};

    use super::{Series, Values};

    pub(super) fn serialize<S: Serializer>(map: &BTreeMap<Series, Values>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(map)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<Series, Values>, D::Error> {
        Ok(Vec::<(Series, Values)>::deserialize(from)?.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minute(value: f64) -> Minute {
        let mut times = Histogram::default();
        times.add(value);
        let node = NodeMinute { count: 1, failures: 1, times, from: BTreeMap::from([("entrypoint".to_owned(), 1)]) };
        let series = Series {
            measurement: "quality".to_owned(),
            field: "score".to_owned(),
            node: "flow/one".to_owned(),
            tags: "kind=\"a, b\"".to_owned(),
        };
        Minute {
            nodes: BTreeMap::from([("flow/one".to_owned(), node)]),
            own: BTreeMap::from([(series, Values::of(value))]),
        }
    }

    #[test]
    fn minutes_add_up_and_come_back_from_the_database() {
        let mut sum = minute(2.0);
        sum.merge(&minute(-4.0));
        let node = &sum.nodes["flow/one"];
        assert_eq!((node.count, node.failures, node.from["entrypoint"]), (2, 2, 2));
        let values = sum.own.values().next().unwrap();
        assert_eq!((values.count, values.mean(), values.min, values.max, values.last), (2, -1.0, -4.0, 2.0, -4.0));
        let stored = serde_json::to_string(&sum).unwrap();
        assert_eq!(serde_json::from_str::<Minute>(&stored).unwrap(), sum);
    }

    #[test]
    fn huge_values_stay_numbers() {
        let mut sum = minute(f64::MAX);
        sum.merge(&minute(f64::MAX));
        let stored = serde_json::to_string(&sum).unwrap();
        assert_eq!(serde_json::from_str::<Minute>(&stored).unwrap(), sum);
    }
}
