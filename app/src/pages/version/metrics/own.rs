//! What the version's own code measures: a chart for each field of a measurement, with a line for each node and tags.

use domain::{Metrics, OwnMetric};
use leptos::prelude::*;

use super::{line, times};
use crate::{
    format,
    ui::chart::{Chart, Line, MAX_LINES, Unit, short},
};

/// The rest is in the table.
const MAX_CHARTS: usize = 12;

/// A measurement and its field.
type Name = (String, String);

#[component]
pub fn OwnMetrics(now: RwSignal<Metrics>, compared: Memo<Option<String>>) -> impl IntoView {
    let times = Memo::new(move |_| now.with(times));
    let names = Memo::new(move |_| now.with(|now| names(&now.own)));
    let chart = move |name: Name| {
        let (measurement, field) = name.clone();
        let lines = Memo::new(move |_| now.with(|now| lines(&now.own, &name)));
        view! {
            <Chart title=format!("{measurement} · {field}") subject="mean of each step" unit=Unit::Plain times lines compared/>
        }
    };
    let rows = move || now.with(|now| now.own.iter().map(row).collect_view());
    let more = Memo::new(move |_| now.with(|now| now.more_own));
    move || {
        (!names.with(Vec::is_empty)).then(|| {
            view! {
                <section class="metrics" aria-labelledby="metrics-own">
                    <h2 id="metrics-own">"Its own measurements"</h2>
                    <div class="charts">
                        <For each=move || names.get().into_iter().take(MAX_CHARTS) key=Clone::clone children=chart/>
                    </div>
                    <div class="table-box"><table class="table metrics__table">
                        <caption class="visually-hidden">"Its own measurements over the whole range"</caption>
                        <thead>
                            <tr>
                                <th scope="col">"Measurement"</th>
                                <th scope="col">"Node and tags"</th>
                                <th scope="col" class="number">"Points"</th>
                                <th scope="col" class="number">"Least"</th>
                                <th scope="col" class="number">"Mean"</th>
                                <th scope="col" class="number">"Greatest"</th>
                                <th scope="col" class="number">"Last"</th>
                            </tr>
                        </thead>
                        <tbody>{rows}</tbody>
                    </table></div>
                    {move || (more.get() > 0).then(|| view! {
                        <p class="quiet">{format!("{} more that were not written lately are not shown.", more.get())}</p>
                    })}
                </section>
            }
        })
    }
}

fn names(own: &[OwnMetric]) -> Vec<Name> {
    let mut names: Vec<Name> = own.iter().map(|metric| (metric.measurement.clone(), metric.field.clone())).collect();
    // They come sorted.
    names.dedup();
    names
}

fn lines(own: &[OwnMetric], (measurement, field): &Name) -> Vec<Line> {
    let of_name = |metric: &&OwnMetric| metric.measurement == *measurement && metric.field == *field;
    own.iter().filter(of_name).take(MAX_LINES).map(|metric| line(&place(metric), &metric.mean_curve)).collect()
}

/// Its node and tags, or what it is called when it has neither.
fn place(metric: &OwnMetric) -> String {
    let parts: Vec<&str> =
        [&metric.node, &metric.tags].into_iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
    if parts.is_empty() { metric.field.clone() } else { parts.join(", ") }
}

fn row(metric: &OwnMetric) -> impl IntoView + use<> {
    let number = |label: &'static str, value: f64| view! { <td class="number" data-label=label>{short(value)}</td> };
    view! {
        <tr>
            <th scope="row" data-label="Measurement">{format!("{} · {}", metric.measurement, metric.field)}</th>
            <td data-label="Node and tags" class="row__text">{place(metric)}</td>
            <td class="number" data-label="Points">{format::grouped(metric.count)}</td>
            {number("Least", metric.min)}
            {number("Mean", metric.mean)}
            {number("Greatest", metric.max)}
            {number("Last", metric.last)}
        </tr>
    }
}

#[cfg(test)]
mod tests {
    use domain::Curves;

    use super::*;

    #[test]
    fn fields_of_one_name_are_one_chart() {
        let metric = |field: &str, node: &str, tags: &str| OwnMetric {
            measurement: "quality".to_owned(),
            field: field.to_owned(),
            node: node.to_owned(),
            tags: tags.to_owned(),
            count: 1,
            min: 1.0,
            mean: 1.0,
            max: 1.0,
            last: 1.0,
            mean_curve: Curves::default(),
        };
        let own = [metric("score", "flow/a", ""), metric("score", "flow/a", "model=x"), metric("size", "", "")];
        let names = names(&own);
        assert_eq!(names.iter().map(|(_, field)| field.as_str()).collect::<Vec<_>>(), ["score", "size"]);
        let named = |name: &Name| lines(&own, name).into_iter().map(|line| line.name).collect::<Vec<_>>();
        assert_eq!(named(&names[0]), ["flow/a", "flow/a, model=x"]);
        assert_eq!(named(&names[1]), ["size"]);
    }
}
