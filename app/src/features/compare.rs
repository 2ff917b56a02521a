//! What differs between two versions: for callers, workflow by workflow, in the configuration, and line by line.

mod lines;

use domain::{
    CallerChanges, Change, Comparison, ConfigChange, ConfigDifference, ConfigKind, FieldChange, ManifestDiff,
    NodeChange, VersionName, WorkflowChange,
};
use leptos::prelude::*;

use crate::{
    error::sentence,
    format,
    ui::{
        icon::{Icon, Shape},
        inline_code::render_inline_code,
    },
};
use lines::{Pair, Row, rows};

/// All but the manifests.
#[component]
pub fn ComparisonPanel(comparison: Comparison) -> impl IntoView {
    let same = comparison.is_same();
    let Comparison { from, to, callers, entrypoint, workflows, config, contents_unknown, .. } = comparison;
    view! {
        {same.then(|| view! {
            <p class="notice" data-tone="good">
                <Icon shape=Shape::Check/>
                {format!("{from} and {to} are equivalent: they run the same workflows, and callers see no difference.")}
            </p>
        })}
        {contents_unknown.then(|| view! {
            <p class="notice">
                <Icon shape=Shape::Question/>
                "One of these versions was added before the server kept the contents of files. Sources are compared by \
                name only."
            </p>
        })}
        <section class="compare__part" aria-labelledby="compare-callers">
            <h2 id="compare-callers">"For callers"</h2>
            <CallerList callers/>
        </section>
        {(!entrypoint.is_empty()).then(|| view! {
            <section class="compare__part" aria-labelledby="compare-entrypoint">
                <h2 id="compare-entrypoint">"Entrypoint"</h2>
                {fields(entrypoint)}
            </section>
        })}
        {(!workflows.is_empty()).then(|| view! {
            <section class="compare__part" aria-labelledby="compare-workflows">
                <h2 id="compare-workflows">"Workflows"</h2>
                {workflows.into_iter().map(workflow).collect_view()}
            </section>
        })}
        {(!config.is_empty()).then(|| view! {
            <section class="compare__part" aria-labelledby="compare-config">
                <h2 id="compare-config">"Configuration"</h2>
                <ul class="compare__list">{config.into_iter().map(|change| config_line(change, &from, &to)).collect_view()}</ul>
            </section>
        })}
    }
    .into_any()
}

/// What changes for those who call the entrypoint; that nothing does is said too.
#[component]
pub fn CallerList(callers: CallerChanges) -> impl IntoView {
    if callers.is_same() {
        return view! { <p>"No changes: rpcs and messages are the same."</p> }.into_any();
    }
    let list = |texts: Vec<String>, tone: &'static str, shape, title: &'static str| {
        (!texts.is_empty()).then(|| {
            let lines = texts.into_iter().map(|text| view! { <li>{render_inline_code(&sentence(&text))}</li> }).collect_view();
            view! {
                <div class="notice" data-tone=tone>
                    <Icon shape/>
                    <div class="notice__text"><p><strong>{title}</strong></p><ul class="compare__points">{lines}</ul></div>
                </div>
            }
        })
    };
    view! {
        {list(callers.breaking, "bad", Shape::Cross, "This breaks callers")}
        {list(callers.not_compared, "warn", Shape::Question, "This could not be compared")}
        {list(callers.added, "good", Shape::Plus, "This is new for callers")}
    }
    .into_any()
}

/// The rest in a few words: `2 nodes changed, 1 workflow added`.
pub fn in_short(comparison: &Comparison) -> String {
    let mut nodes = [0u32; 3];
    let mut workflows = [0u32; 3];
    let at = |change: Change| match change {
        Change::Added => 0,
        Change::Removed => 1,
        Change::Changed => 2,
    };
    for workflow in &comparison.workflows {
        match workflow.change {
            Change::Changed => workflow.nodes.iter().for_each(|node| nodes[at(node.change)] += 1),
            change => workflows[at(change)] += 1,
        }
    }
    let mut parts = Vec::new();
    if !comparison.entrypoint.is_empty() {
        parts.push("the entrypoint changed".to_owned());
    }
    for (counts, one, many) in [(workflows, "workflow", "workflows"), (nodes, "node", "nodes")] {
        for (number, verb) in counts.iter().zip(["added", "removed", "changed"]).filter(|(number, _)| **number > 0) {
            parts.push(format!("{} {verb}", format::count(*number, one, many)));
        }
    }
    if !comparison.config.is_empty() {
        let number = u32::try_from(comparison.config.len()).unwrap_or(u32::MAX);
        parts.push(format!("{} changed", format::count(number, "configuration value", "configuration values")));
    }
    if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
}

/// The manifests side by side, or one below the other where there is little room.
#[component]
pub fn ManifestDiffPanel(diff: ManifestDiff, from: String, to: String) -> impl IntoView {
    let same = diff.lines.iter().all(|line| line.before.is_some() && line.after.is_some());
    let cut = diff.cut;
    let rows = rows(diff.lines);
    view! {
        <section class="compare__part" aria-labelledby="compare-manifest">
            <h2 id="compare-manifest">"Manifest"</h2>
            {match same {
                true => view! { <p>"The manifests are identical."</p> }.into_any(),
                false => view! {
                    <div class="diff" role="group" tabindex="0" aria-label=format!("The manifests of {from} and {to}, line by line")>
                        <div class="diff__row diff__row--head" aria-hidden="true">
                            <span class="diff__side">{from.clone()}</span><span class="diff__side">{to.clone()}</span>
                        </div>
                        {rows.into_iter().map(row).collect_view()}
                    </div>
                }
                .into_any(),
            }}
            {cut.then(|| view! { <p class="quiet">"The rest is too long to compare here."</p> })}
        </section>
    }
    .into_any()
}

fn row(row: Row) -> AnyView {
    let side = |line: Option<(u32, String)>, change: Change| match line {
        None => view! { <div class="diff__side diff__side--none"></div> }.into_any(),
        Some((number, text)) => {
            let (sign, said) = if change == Change::Added { ("+", "added: ") } else { ("−", "removed: ") };
            view! {
                <div class="diff__side" data-change=change.as_str()>
                    <span class="diff__number">{number}</span>
                    <span class="diff__sign" aria-hidden="true">{sign}</span>
                    <code><span class="visually-hidden">{said}</span>{text}</code>
                </div>
            }
            .into_any()
        }
    };
    match row {
        Row::Same { before, after, text } => view! {
            <div class="diff__row diff__row--same">
                <div class="diff__side">
                    <span class="diff__number">{before}</span><span class="diff__sign"></span><code>{text.clone()}</code>
                </div>
                <div class="diff__side" aria-hidden="true">
                    <span class="diff__number">{after}</span><span class="diff__sign"></span><code>{text}</code>
                </div>
            </div>
        }
        .into_any(),
        Row::Changed(pairs) => {
            let pair = |[before, after]: Pair| {
                view! { <div class="diff__row">{side(before, Change::Removed)}{side(after, Change::Added)}</div> }
                    .into_any()
            };
            view! { <div class="diff__change">{pairs.into_iter().map(pair).collect_view()}</div> }.into_any()
        }
        Row::Gap(number) => view! {
            <p class="diff__gap">{format!("… {} unchanged", format::count(number, "line", "lines"))}</p>
        }
        .into_any(),
    }
}

fn workflow(change: WorkflowChange) -> AnyView {
    let nodes = change.nodes.into_iter().map(node).collect_view();
    view! {
        <div class="compare__workflow">
            <h3>{mark(change.change)}{change.name}</h3>
            {fields(change.fields)}
            <ul class="compare__list">{nodes}</ul>
        </div>
    }
    .into_any()
}

fn node(change: NodeChange) -> AnyView {
    view! { <li><p class="compare__name">{mark(change.change)}{change.name}</p>{fields(change.fields)}</li> }.into_any()
}

/// Sign, colour and word.
fn mark(change: Change) -> AnyView {
    let (tone, shape) = match change {
        Change::Added => ("good", Shape::Plus),
        Change::Removed => ("bad", Shape::Minus),
        Change::Changed => ("busy", Shape::Arc),
    };
    view! { <span class="badge badge--plain" data-tone=tone><Icon shape/>{change.as_str()}</span>" " }.into_any()
}

fn fields(fields: Vec<FieldChange>) -> AnyView {
    if fields.is_empty() {
        return ().into_any();
    }
    let line = |change: FieldChange| {
        view! {
            <div>
                <dt>{change.field}</dt>
                <dd>
                    <del><span class="visually-hidden">"before: "</span><code>{change.before}</code></del>
                    <span aria-hidden="true">" → "</span>
                    <ins><span class="visually-hidden">"now: "</span><code>{change.after}</code></ins>
                </dd>
            </div>
        }
    };
    view! { <dl class="compare__fields">{fields.into_iter().map(line).collect_view()}</dl> }.into_any()
}

fn config_line(change: ConfigChange, from: &VersionName, to: &VersionName) -> AnyView {
    let kind = match change.kind {
        ConfigKind::Variable => "variable",
        ConfigKind::File => "file",
    };
    let (kind_of_change, text) = match change.difference {
        ConfigDifference::Added => (Change::Added, format!("a {kind} that {from} does not use")),
        ConfigDifference::Removed => (Change::Removed, format!("a {kind} that {to} no longer uses")),
        ConfigDifference::OtherKind => (Change::Changed, format!("is a {kind} now")),
        ConfigDifference::OtherValue => (Change::Changed, "has another value".to_owned()),
        ConfigDifference::NotSetAfter => (Change::Changed, format!("has a value in {from} only")),
        ConfigDifference::NotSetBefore => (Change::Changed, format!("has a value in {to} only")),
    };
    view! { <li><p class="compare__name">{mark(kind_of_change)}<code>{change.name}</code>" "<span class="quiet">{text}</span></p></li> }
        .into_any()
}
