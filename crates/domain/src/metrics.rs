//! What a version's nodes measure of themselves, as the Metrics screen and the live graph show it. Derived for each answer.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{NodeName, VersionName, WorkflowName};

/// How far back the measurements go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum MetricsRange {
    #[serde(rename = "15m")]
    QuarterHour,
    #[default]
    #[serde(rename = "1h")]
    Hour,
    #[serde(rename = "6h")]
    SixHours,
}

impl MetricsRange {
    pub const ALL: [Self; 3] = [Self::QuarterHour, Self::Hour, Self::SixHours];

    /// As in an address.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::QuarterHour => "15m",
            Self::Hour => "1h",
            Self::SixHours => "6h",
        }
    }

    pub fn minutes(self) -> u32 {
        match self {
            Self::QuarterHour => 15,
            Self::Hour => 60,
            Self::SixHours => 360,
        }
    }

    /// How many minutes one value of a curve stands for.
    pub fn step_minutes(self) -> u32 {
        match self {
            Self::QuarterHour | Self::Hour => 1,
            Self::SixHours => 5,
        }
    }
}

/// Where the nodes of versions send what they measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum MeasurementsTarget {
    /// This server, which keeps them.
    Server,
    /// Another place, which the server's settings name: the server knows none of them.
    Elsewhere,
}

/// The measurements of one version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Metrics {
    pub range: MetricsRange,
    /// When the first step begins.
    #[serde(with = "crate::time")]
    pub start: Timestamp,
    pub step_secs: u32,
    /// How many values each curve has. The last step is under way.
    pub steps: u32,
    pub target: MeasurementsTarget,
    /// The version that was published before this one, whose curves stand beside; none when there was none.
    pub compared_with: Option<VersionName>,
    pub workflows: Vec<WorkflowMetrics>,
    /// What the version's own code measured, by name.
    pub own: Vec<OwnMetric>,
    /// How many more series of its own it has than are in here.
    pub more_own: u32,
    /// What the server did not keep since it began.
    pub refused: Option<RefusedPoints>,
}

impl Metrics {
    /// Whether there is nothing to show.
    pub fn is_empty(&self) -> bool {
        let none = |totals: Option<&NodeTotals>| totals.is_none_or(|totals| totals.messages == 0);
        self.own.is_empty()
            && self
                .workflows
                .iter()
                .flat_map(|workflow| &workflow.nodes)
                .all(|node| none(Some(&node.totals)) && none(node.totals_before.as_ref()))
    }
}

/// A value for each step, or none where there was nothing to measure.
pub type Curve = Vec<Option<f64>>;

/// A curve with that of the version that was published before; that one is empty when there is none.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Curves {
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Option<f64>>))]
    pub now: Curve,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Option<f64>>))]
    pub before: Curve,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WorkflowMetrics {
    pub workflow: WorkflowName,
    /// The rpc that feeds it.
    pub rpc: String,
    /// Requests per minute: messages of the node that the entrypoint feeds.
    pub requests: Curves,
    /// In the manifest's order.
    pub nodes: Vec<NodeMetrics>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NodeMetrics {
    pub node: NodeName,
    pub totals: NodeTotals,
    pub totals_before: Option<NodeTotals>,
    /// Messages per minute.
    pub messages: Curves,
    /// Failed messages per minute.
    pub failures: Curves,
    /// Milliseconds, within 5 %.
    pub median_ms: Curves,
    /// Milliseconds, within 5 %.
    pub p95_ms: Curves,
}

/// Over the whole range.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NodeTotals {
    pub messages: u64,
    pub failures: u64,
    pub median_ms: Option<f64>,
    pub p95_ms: Option<f64>,
}

/// A numeric field of a measurement that the version's own code writes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OwnMetric {
    pub measurement: String,
    pub field: String,
    /// `workflow/node`, or empty when it names none.
    pub node: String,
    /// Its other tags, as `name=value, name=value`.
    pub tags: String,
    pub count: u64,
    pub min: f64,
    pub mean: f64,
    pub max: f64,
    pub last: f64,
    /// The mean of each step.
    pub mean_curve: Curves,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RefusedPoints {
    pub count: u64,
    /// Why the last one was; for people.
    pub reason: String,
    #[serde(with = "crate::time")]
    pub at: Timestamp,
}

/// What a version does just now.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LiveNumbers {
    /// Those that did something in the last minute.
    pub nodes: Vec<LiveNode>,
    /// Those on which something moves or waits.
    pub edges: Vec<LiveEdge>,
}

/// Over the last full minute and the one under way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LiveNode {
    pub workflow: WorkflowName,
    pub node: NodeName,
    pub per_second: f64,
    pub median_ms: Option<f64>,
    pub p95_ms: Option<f64>,
    pub failures: u64,
}

/// A subscription. Messages to several subtopics of one node are counted together, at the first of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LiveEdge {
    pub workflow: WorkflowName,
    /// As the manifest writes it: `entrypoint`, `node` or `node.subtopic`.
    pub subscription: String,
    pub to: NodeName,
    pub per_second: f64,
    /// None while messaging is off or does not answer.
    pub queue: Option<LiveQueue>,
}

/// What the consumer of a subscription holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LiveQueue {
    /// Not yet given to the node.
    pub waiting: u64,
    /// Given, and not yet acknowledged.
    pub in_progress: u64,
    /// Given more than once, and not yet acknowledged.
    pub redelivered: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_written_as_in_an_address() {
        for range in MetricsRange::ALL {
            assert_eq!(serde_json::to_value(range).unwrap(), range.as_str());
            assert_eq!(range.minutes() % range.step_minutes(), 0);
        }
    }
}
