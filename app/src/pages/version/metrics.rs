//! What a version's nodes measured: requests, times and failures of each workflow, and the version's own numbers, beside
//! what the version published before it did.

pub mod own;

use std::time::Duration;

use domain::{Curves, MeasurementsTarget, Metrics, MetricsRange, NodeMetrics, NodeTotals, VersionState};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{
    components::A,
    hooks::{use_location, use_query_map},
};

use super::VersionContext;
use crate::{
    api::{self, resource::resource},
    features::{error_panel::when_loaded, time::RelativeTime},
    format,
    route::{param, parse_enum, with_param},
    state::live_query::LiveQuery,
    ui::{
        chart::{Chart, Line, MAX_LINES, Times, Unit, millis},
        icon::{Icon, Shape},
        notice::StaleNotice,
    },
};
use own::OwnMetrics;

const RANGE_PARAM: &str = "range";
/// While somebody looks.
const POLL_INTERVAL: Duration = Duration::from_secs(5);

#[component]
pub fn MetricsScreen() -> impl IntoView {
    let shown: VersionContext = expect_context();
    let (runtime, name) = shown.ids();
    let query = use_query_map();
    let range = Memo::new(move |_| {
        let asked = query.with(|query| param(query, RANGE_PARAM));
        asked.and_then(|asked| parse_enum::<MetricsRange>(&asked)).unwrap_or_default()
    });
    let loaded =
        resource(move || (shown.ids(), range.get()), |((runtime, name), range)| api::metrics(runtime, name, range));
    view! {
        <Title text=format!("Metrics · {name} · {runtime}")/>
        {when_loaded(loaded, move |metrics| view! { <Screen metrics/> })}
    }
    .into_any()
}

#[component]
fn Screen(metrics: Metrics) -> impl IntoView {
    let shown: VersionContext = expect_context();
    let (runtime, name) = shown.ids();
    let range = metrics.range;
    let workflows: Vec<String> = metrics.workflows.iter().map(|workflow| workflow.workflow.to_string()).collect();
    let now = RwSignal::new(metrics);
    let query = LiveQuery::new(move || {
        let (runtime, name) = (runtime.clone(), name.clone());
        async move {
            let metrics = api::metrics(runtime, name, range).await?;
            now.try_set(metrics);
            Ok(())
        }
    })
    .poll(POLL_INTERVAL, || true);
    let state = Memo::new(move |_| shown.view.with(|view| view.summary.state));
    let compared = Memo::new(move |_| now.with(|now| now.compared_with.as_ref().map(ToString::to_string)));
    let is_empty = Memo::new(move |_| now.with(Metrics::is_empty));
    let refused = Memo::new(move |_| now.with(|now| now.refused.clone()));
    let sections = move || {
        (0..workflows.len())
            .map(|index| view! { <Workflow index name=workflows[index].clone() now compared/> })
            .collect_view()
    };
    view! {
        <div class="screen screen--wide">
            <header class="screen__head metrics__head">
                <div>
                    <h1>"Metrics"</h1>
                    <p class="quiet">
                        "What its nodes measured, in steps of "{format::count(range.step_minutes(), "minute", "minutes")}"."
                        {move || compared.get().map(|compared| format!(" Dashed: {compared}, which was published before."))}
                    </p>
                </div>
                <RangeSwitch range/>
            </header>
            <StaleNotice error=query.error()/>
            {move || refused.get().map(|refused| view! {
                <p class="notice" data-tone="warn">
                    <Icon shape=Shape::Warning/>
                    <span>
                        {format::grouped(refused.count)}" points were not kept, the last "<RelativeTime at=refused.at/>": "{refused.reason}"."
                    </span>
                </p>
            })}
            {move || if is_empty.get() {
                view! { <Nothing target=now.with_untracked(|now| now.target) state=state.get() range/> }.into_any()
            } else {
                view! { {sections()}<OwnMetrics now compared/> }.into_any()
            }}
        </div>
    }
    .into_any()
}

#[component]
fn RangeSwitch(range: MetricsRange) -> impl IntoView {
    let (query, path) = (use_query_map(), use_location().pathname);
    let choice = |choice: MetricsRange| {
        let value = if choice == MetricsRange::default() { "" } else { choice.as_str() };
        let href = move || with_param(&path.get(), &query.get(), RANGE_PARAM, value);
        view! {
            <A href attr:class="switch__choice" attr:data-current=(choice == range).then_some("true") scroll=false>
                {words(choice)}
            </A>
        }
    };
    view! { <div class="switch" role="group" aria-label="Range">{MetricsRange::ALL.map(choice).collect_view()}</div> }
        .into_any()
}

fn words(range: MetricsRange) -> &'static str {
    match range {
        MetricsRange::QuarterHour => "15 min",
        MetricsRange::Hour => "1 h",
        MetricsRange::SixHours => "6 h",
    }
}

/// Says why there is nothing.
#[component]
fn Nothing(target: MeasurementsTarget, state: VersionState, range: MetricsRange) -> impl IntoView {
    let text = match (target, state) {
        (MeasurementsTarget::Elsewhere, _) => {
            "Its nodes send what they measure elsewhere: KRT_INFLUX_URI is set, by the server's settings or by this version's \
             configuration. Look at it there."
        }
        (_, VersionState::Stopped | VersionState::Archived) => {
            "It does not run. Its nodes measure each message that they handle while it does."
        }
        _ => {
            "It runs, and nobody has called it, or its images do not measure. The original runners measure each message \
             that a node handles."
        }
    };
    view! {
        <div class="blank">
            <p>"Nothing was measured in the last "{words(range)}"."</p>
            <p>{text}</p>
        </div>
    }
    .into_any()
}

fn times(now: &Metrics) -> Times {
    Times { start: now.start, step_secs: now.step_secs, steps: now.steps }
}

#[component]
fn Workflow(index: usize, name: String, now: RwSignal<Metrics>, compared: Memo<Option<String>>) -> impl IntoView {
    let times = Memo::new(move |_| now.with(times));
    let requests = Memo::new(move |_| {
        now.with(|now| {
            let workflow = now.workflows.get(index)?;
            Some(vec![line(&format!("rpc {}", workflow.rpc), &workflow.requests)])
        })
        .unwrap_or_default()
    });
    let nodes = move |of: fn(&NodeMetrics) -> &Curves| {
        Signal::from(Memo::new(move |_| {
            now.with(|now| now.workflows.get(index).map(|flow| lines(&flow.nodes, of))).unwrap_or_default()
        }))
    };
    let count = now.with_untracked(|now| now.workflows.get(index).map_or(0, |workflow| workflow.nodes.len()));
    let table = move || {
        now.with(|now| {
            let rows = now.workflows.get(index).map(|workflow| workflow.nodes.iter().map(row).collect_view());
            view! { <tbody>{rows}</tbody> }
        })
    };
    let title_id = format!("metrics-{name}");
    let heading_id = title_id.clone();
    let subject = format!("workflow {name}");
    view! {
        <section class="metrics" aria-labelledby=title_id>
            <h2 id=heading_id>{name.clone()}</h2>
            <div class="charts">
                <Chart title="Requests" subject=subject.clone() unit=Unit::PerMinute times lines=requests compared/>
                <Chart title="Median time" subject=subject.clone() unit=Unit::Millis times lines=nodes(|node| &node.median_ms) compared/>
                <Chart title="95th percentile" subject=subject.clone() unit=Unit::Millis times lines=nodes(|node| &node.p95_ms) compared/>
                <Chart title="Failures" subject=subject.clone() unit=Unit::PerMinute times lines=nodes(|node| &node.failures) compared/>
            </div>
            {(count > MAX_LINES).then(|| view! {
                <p class="quiet">{format!("Charts show the {MAX_LINES} nodes with the highest values; the table has all {count}.")}</p>
            })}
            <div class="table-box"><table class="table metrics__table">
                <caption class="visually-hidden">{format!("Nodes of {name} over the whole range")}</caption>
                <thead>
                    <tr>
                        <th scope="col">"Node"</th>
                        <th scope="col" class="number">"Messages"</th>
                        <th scope="col" class="number">"Failures"</th>
                        <th scope="col" class="number">"Median"</th>
                        <th scope="col" class="number">"95th percentile"</th>
                    </tr>
                </thead>
                {table}
            </table></div>
        </section>
    }
    .into_any()
}

fn line(name: &str, curves: &Curves) -> Line {
    Line { name: name.to_owned(), now: curves.now.clone(), before: curves.before.clone() }
}

/// Those of the nodes with the highest values, in the manifest's order.
fn lines(nodes: &[NodeMetrics], of: fn(&NodeMetrics) -> &Curves) -> Vec<Line> {
    let highest = |node: &NodeMetrics| of(node).now.iter().flatten().copied().fold(0.0, f64::max);
    let mut heights: Vec<f64> = nodes.iter().map(highest).collect();
    heights.sort_by(|a, b| b.total_cmp(a));
    let least = heights.get(MAX_LINES - 1).copied().unwrap_or(0.0);
    let chosen = nodes.iter().filter(|node| highest(node) >= least).take(MAX_LINES);
    chosen.map(|node| line(node.node.as_str(), of(node))).collect()
}

fn row(node: &NodeMetrics) -> impl IntoView + use<> {
    let (now, before) = (node.totals, node.totals_before);
    let cell = |label: &'static str, of: fn(&NodeTotals) -> String| {
        let before =
            before.as_ref().map(of).map(|before| view! { <span class="metrics__before">"before: "{before}</span> });
        view! { <td class="number" data-label=label>{of(&now)}{before}</td> }
    };
    view! {
        <tr>
            <th scope="row" data-label="Node">{node.node.to_string()}</th>
            {cell("Messages", |totals| format::grouped(totals.messages))}
            {cell("Failures", |totals| format::grouped(totals.failures))}
            {cell("Median", |totals| totals.median_ms.map_or_else(|| "–".to_owned(), millis))}
            {cell("95th percentile", |totals| totals.p95_ms.map_or_else(|| "–".to_owned(), millis))}
        </tr>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_shows_the_nodes_with_the_highest_values() {
        let node = |number: u32| NodeMetrics {
            node: format!("n{number}").parse().unwrap(),
            totals: NodeTotals::default(),
            totals_before: None,
            messages: Curves { now: vec![None, Some(f64::from(number))], before: Vec::new() },
            failures: Curves::default(),
            median_ms: Curves::default(),
            p95_ms: Curves::default(),
        };
        let nodes: Vec<_> = [3, 9, 1, 7, 2, 8, 5, 4].map(node).into();
        let names = |nodes: &[NodeMetrics]| {
            lines(nodes, |node| &node.messages).into_iter().map(|line| line.name).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(names(&nodes), "n3 n9 n7 n8 n5 n4");
        assert_eq!(names(&nodes[..2]), "n3 n9");
        assert_eq!(lines(&nodes, |node| &node.failures).len(), MAX_LINES);
    }
}
