//! A few numbers over time, as lines. Where the pointer or the keyboard's arrows point, the legend says the values; a table
//! says them all.
//!
//! The lines are drawn in a picture that is stretched to the room there is; all text is beside it, so its size never changes.

mod scale;

use domain::Timestamp;
use leptos::{ev, html, prelude::*};

use scale::{Scale, path};
pub use scale::{Unit, millis, short};

use crate::{format, platform};

/// The size in which lines are reckoned.
const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 120.0;
/// There are no more colours that are told apart.
pub const MAX_LINES: usize = 6;

/// When the values of a chart's lines are of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Times {
    /// When the first step begins.
    pub start: Timestamp,
    pub step_secs: u32,
    pub steps: u32,
}

impl Times {
    /// `15:04`, in UTC.
    fn clock(self, index: usize) -> String {
        let secs = self.start.as_second() + i64::from(self.step_secs) * i64::try_from(index).unwrap_or(0);
        let at = Timestamp::from_second(secs).unwrap_or(self.start);
        format::machine(at).get(11..16).unwrap_or_default().to_owned()
    }

    fn last(self) -> usize {
        self.steps.saturating_sub(1) as usize
    }
}

/// Its values at each step, and those of what it is compared with, if it is.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Line {
    pub name: String,
    pub now: Vec<Option<f64>>,
    pub before: Vec<Option<f64>>,
}

/// At most [`MAX_LINES`] are drawn; the caller chooses them. `compared` names what the dashed lines are of. `subject` says
/// what the chart is of where its title does not.
#[component]
pub fn Chart(
    #[prop(into)] title: String,
    #[prop(into)] subject: String,
    unit: Unit,
    #[prop(into)] times: Signal<Times>,
    #[prop(into)] lines: Signal<Vec<Line>>,
    #[prop(into)] compared: Signal<Option<String>>,
) -> impl IntoView {
    let plot = NodeRef::<html::Div>::new();
    // The step that is pointed at. It stays when the focus goes: what changes then would move what is being clicked.
    let cursor = RwSignal::new(None::<usize>);
    let at = Signal::derive(move || cursor.get().map(|index| index.min(times.get().last())));
    let scale = Memo::new(move |_| {
        lines.with(|lines| {
            Scale::of(lines.iter().flat_map(|line| line.now.iter().chain(&line.before)).flatten().copied())
        })
    });
    let point = move |event: &ev::PointerEvent| {
        let Some(plot) = plot.get_untracked() else { return };
        let share = f64::from(event.offset_x()) / platform::width_of(&plot).max(1.0);
        let last = times.get_untracked().last();
        // The cast saturates.
        cursor.set(Some(((share * last as f64).round() as usize).min(last)));
    };
    let on_key = move |event: &ev::KeyboardEvent| {
        if event.key() == "Escape" {
            return cursor.set(None);
        }
        let last = times.get_untracked().last();
        let here = cursor.get_untracked().unwrap_or(last);
        let to = match event.key().as_str() {
            "ArrowLeft" => here.saturating_sub(1),
            "ArrowRight" => (here + 1).min(last),
            "Home" => 0,
            "End" => last,
            _ => return,
        };
        event.prevent_default();
        cursor.set(Some(to));
    };
    let summary = {
        let (title, subject) = (title.clone(), subject.clone());
        move || lines.with(|lines| words(&title, &subject, unit, lines, times.get()))
    };
    // Only what the keyboard asks for is spoken.
    let spoken = move || {
        let index = at.get()?;
        let values = lines.with(|lines| lines.iter().map(|line| spoken(line, index, unit)).collect::<Vec<_>>());
        Some(format!("{} UTC: {}", times.get().clock(index), values.join(", ")))
    };
    let rows_open = RwSignal::new(false);
    let heading = title.clone();
    view! {
        <figure class="chart">
            <figcaption class="chart__head">
                <span class="chart__title">{title}</span>
                <span class="chart__time">{move || at.get().map(|index| format!("{} UTC", times.get().clock(index)))}</span>
            </figcaption>
            <div class="chart__frame">
                <div
                    class="chart__plot"
                    node_ref=plot
                    role="img"
                    tabindex="0"
                    aria-label=summary
                    on:pointermove=move |event| point(&event)
                    on:pointerdown=move |event| point(&event)
                    on:pointerleave=move |_| cursor.set(None)
                    on:keydown=move |event| on_key(&event)
                >
                    <svg class="chart__picture" viewBox=format!("0 0 {WIDTH} {HEIGHT}") preserveAspectRatio="none" aria-hidden="true">
                        <path class="chart__grid" d=format!("M0 0H{WIDTH}M0 {0}H{WIDTH}M0 {HEIGHT}H{WIDTH}", HEIGHT / 2.0)></path>
                        {move || lines.with(|lines| drawn(lines, scale.get()))}
                        {move || at.get().map(|index| {
                            let x = WIDTH * index as f64 / times.get().last().max(1) as f64;
                            view! { <path class="chart__cursor" d=format!("M{x:.1} 0V{HEIGHT}")></path> }
                        })}
                    </svg>
                </div>
                <span class="chart__high" aria-hidden="true">{move || unit.write(scale.get().high)}</span>
                <span class="chart__low" aria-hidden="true">{move || unit.write(scale.get().low)}</span>
                <span class="chart__from" aria-hidden="true">{move || times.get().clock(0)}</span>
                <span class="chart__until" aria-hidden="true">{move || format!("{} UTC", times.get().clock(times.get().last()))}</span>
            </div>
            <ul class="chart__legend" role="list">
                {move || {
                    let index = at.get().unwrap_or_else(|| times.get().last());
                    lines.with(|lines| lines.iter().take(MAX_LINES).enumerate().map(|(number, line)| legend(number, line, index, unit)).collect_view())
                }}
            </ul>
            <p class="visually-hidden" aria-live="polite">{spoken}</p>
            <button
                type="button"
                class="chart__more"
                aria-expanded=move || if rows_open.get() { "true" } else { "false" }
                on:click=move |_| rows_open.update(|open| *open = !*open)
            >
                "Values"<span class="visually-hidden">{format!(" of {heading}, {subject}")}</span>
            </button>
            {move || rows_open.get().then(|| lines.with(|lines| table(lines, times.get(), unit, compared.get())))}
        </figure>
    }
    .into_any()
}

fn drawn(lines: &[Line], scale: Scale) -> AnyView {
    let size = (WIDTH, HEIGHT);
    let draw = |(number, line): (usize, &Line)| {
        view! {
            <path class="chart__line chart__line--before" data-line=number d=path(&line.before, scale, size)></path>
            <path class="chart__line" data-line=number d=path(&line.now, scale, size)></path>
        }
    };
    lines.iter().take(MAX_LINES).enumerate().map(draw).collect_view().into_any()
}

fn legend(number: usize, line: &Line, index: usize, unit: Unit) -> AnyView {
    let before = value(&line.before, index).map(|before| format!(" (before: {})", unit.write(before)));
    view! {
        <li class="chart__entry">
            <svg class="chart__swatch" viewBox="0 0 16 8" aria-hidden="true"><path class="chart__line" data-line=number d="M1 4H15"></path></svg>
            <span class="chart__name">{line.name.clone()}</span>
            <span class="chart__value">{written(&line.now, index, unit)}{before}</span>
        </li>
    }
    .into_any()
}

fn table(lines: &[Line], times: Times, unit: Unit, compared: Option<String>) -> AnyView {
    let compared = compared.unwrap_or_default();
    let heads: Vec<String> = lines
        .iter()
        .flat_map(|line| {
            [Some(line.name.clone()), (!line.before.is_empty()).then(|| format!("{} in {compared}", line.name))]
        })
        .flatten()
        .collect();
    let row = |index: usize| {
        let cell = |values: &Vec<Option<f64>>| view! { <td class="number">{written(values, index, unit)}</td> };
        let cells = lines
            .iter()
            .flat_map(|line| [Some(&line.now), Some(&line.before).filter(|before| !before.is_empty())])
            .flatten()
            .map(cell)
            .collect_view();
        view! { <tr><th scope="row">{times.clock(index)}</th>{cells}</tr> }
    };
    // The newest first, as in every list.
    let rows = (0..times.steps as usize).rev().map(row).collect_view();
    view! {
        <div class="chart__rows" tabindex="0" role="group" aria-label="Values">
            <table>
                <thead><tr><th scope="col">"UTC"</th>{heads.into_iter().map(|head| view! { <th scope="col">{head}</th> }).collect_view()}</tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn value(values: &[Option<f64>], index: usize) -> Option<f64> {
    values.get(index).copied().flatten()
}

fn written(values: &[Option<f64>], index: usize, unit: Unit) -> String {
    value(values, index).map_or_else(|| "–".to_owned(), |value| unit.write(value))
}

fn spoken(line: &Line, index: usize, unit: Unit) -> String {
    let before = value(&line.before, index).map(|before| format!(", before {}", unit.write(before)));
    let now = value(&line.now, index).map_or_else(|| "nothing".to_owned(), |value| unit.write(value));
    format!("{} {now}{}", line.name, before.unwrap_or_default())
}

/// What the picture shows, in a sentence for each line.
fn words(title: &str, subject: &str, unit: Unit, lines: &[Line], times: Times) -> String {
    let line = |line: &Line| {
        let known: Vec<f64> = line.now.iter().flatten().copied().collect();
        let (low, high) =
            known.iter().fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(*value), high.max(*value)));
        match known.last() {
            None => format!("{}: nothing", line.name),
            Some(last) => {
                let (low, high, last) = (unit.write(low), unit.write(high), unit.write(*last));
                format!("{}: from {low} to {high}, last {last}", line.name)
            }
        }
    };
    let lines: Vec<String> = lines.iter().map(line).collect();
    let (from, until) = (times.clock(0), times.clock(times.last()));
    format!("{title}, {subject}, {from} to {until} UTC. {}", lines.join(". "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_is_told_in_words() {
        let times = Times { start: "2026-11-27T14:58:00Z".parse().unwrap(), step_secs: 60, steps: 4 };
        let line =
            |name: &str, now: &[Option<f64>]| Line { name: name.to_owned(), now: now.to_vec(), before: Vec::new() };
        let lines = [line("etl", &[None, Some(2.0), Some(40.0), None]), line("score", &[None; 4])];
        assert_eq!(
            words("Median", "workflow rate", Unit::Millis, &lines, times),
            "Median, workflow rate, 14:58 to 15:01 UTC. etl: from 2 ms to 40 ms, last 40 ms. score: nothing"
        );
        let compared = Line { before: vec![None, Some(3.0)], ..lines[0].clone() };
        assert_eq!(spoken(&compared, 1, Unit::Millis), "etl 2 ms, before 3 ms");
        assert_eq!(spoken(&compared, 3, Unit::Millis), "etl nothing");
    }
}
