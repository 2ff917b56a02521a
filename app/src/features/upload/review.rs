//! The review of a file before it is sent: its problems, or the version that it would become. Then the person
//! decides.

use std::sync::Arc;

use domain::{ConfigKind, FileCheck, FileContent, GraphLayout, InheritedValue, KrtVersion, Problem, WantedValue};
use leptos::{either::Either, prelude::*};

use super::{AREA, cancel};
use crate::{
    AppError,
    error::sentence,
    features::{graph::WorkflowGraph, manifest::ManifestSource},
    format, platform,
    state::upload::{Upload, UploadContext},
    ui::{
        icon::{Icon, Shape},
        problems::ProblemList,
    },
};

/// A file that was checked in the browser.
#[component]
pub fn Review(upload: Upload, file: String, size_bytes: u64, check: Arc<FileCheck>) -> impl IntoView {
    let errors = check.errors();
    let name = check.content.as_ref().map(|content| content.version.to_string());
    let is_taken = move || upload.context.taken.get() == Some(true);
    let refused = errors > 0;
    let tone = move || if refused || is_taken() { "bad" } else { "ready" };
    let title = match errors {
        0 => Either::Left(view! {
            <span>"Add "<strong>{name.clone()}</strong>" from "<strong>{file}</strong>"?"</span>
        }),
        errors => Either::Right(view! {
            <span>
                <strong>{file}</strong>" was not added: "
                {format::count(u32::try_from(errors).unwrap_or(u32::MAX), "error", "errors")}
            </span>
        }),
    };
    let taken_name = name.unwrap_or_default();
    view! {
        <div class="upload review" data-tone=tone>
            <h2 class="upload__title">
                <Icon shape=Signal::derive(move || if refused || is_taken() { Shape::Cross } else { Shape::Upload })/>
                {title}
            </h2>
            {move || is_taken().then(|| view! {
                <p class="review__taken">
                    "This runtime already has a version named "<code>{taken_name.clone()}</code>
                    ". Change "<code>"version"</code>" in the manifest; nothing was sent."
                </p>
            })}
            {refused.then(|| view! { <p>"It was checked in this browser; nothing was sent."</p> })}
            <Problems check=check.clone()/>
            {check.content.clone().map(|content| view! {
                <Content content graphs=check.graphs.clone() context=upload.context/>
            })}
            {(!refused).then(|| view! { <p class="upload__numbers">{extent(&check, size_bytes)}</p> })}
            <div class="review__buttons">
                {move || (!refused && !is_taken()).then(|| upload_button(upload))}
                <button type="button" class="button" on:click=move |_| cancel(upload)>
                    {move || if refused || is_taken() { "Dismiss" } else { "Cancel" }}
                </button>
            </div>
        </div>
    }
    .into_any()
}

/// A file that only the server can check.
#[component]
pub fn UncheckedReview(upload: Upload, file: String, size_bytes: u64) -> impl IntoView {
    view! {
        <div class="upload review" data-tone="warn">
            <h2 class="upload__title">
                <Icon shape=Shape::Warning/>
                <span><strong>{file}</strong>" could not be checked in this browser"</span>
            </h2>
            <p>
                {format!("The server checks it after all {} have been uploaded.", format::size(size_bytes))}
            </p>
            <div class="review__buttons">
                {upload_button(upload)}
                <button type="button" class="button" on:click=move |_| cancel(upload)>"Cancel"</button>
            </div>
        </div>
    }
    .into_any()
}

fn upload_button(upload: Upload) -> impl IntoView {
    let send = move |_| {
        platform::focus(AREA);
        upload.send();
    };
    view! { <button type="button" class="button button--primary" on:click=send><Icon shape=Shape::Upload/>"Upload"</button> }
        .into_any()
}

/// Problems with a line stand beside it in the manifest, all others above.
#[component]
fn Problems(check: Arc<FileCheck>) -> impl IntoView {
    let text = check.manifest_text.clone();
    let beside = |problem: &Problem| text.is_some() && problem.line.is_some();
    let (beside, above): (Vec<Problem>, Vec<Problem>) = check.problems.iter().cloned().partition(beside);
    view! {
        {(!above.is_empty()).then(|| view! { <ProblemList problems=above/> })}
        {text.filter(|_| !beside.is_empty()).map(|text| view! { <ManifestSource text problems=beside/> })}
    }
    .into_any()
}

#[component]
fn Content(content: FileContent, graphs: Vec<GraphLayout>, context: UploadContext) -> impl IntoView {
    let krt_version = match content.krt_version {
        KrtVersion::V1 => "KRT v1",
        KrtVersion::V2 => "KRT v2",
    };
    let entrypoint = content.entrypoint;
    let workflows = content
        .workflows
        .into_iter()
        .map(|workflow| {
            let title = format!("Workflow {}", workflow.name);
            let id = format!("review-{}", workflow.name);
            let title_id = id.clone();
            let layout = graphs.iter().find(|graph| graph.workflow == workflow.name).cloned();
            let count = u32::try_from(workflow.nodes.len()).unwrap_or(u32::MAX);
            let nodes = format::count(count, "node", "nodes");
            let names: Vec<String> = workflow.nodes.iter().map(|node| node.name.clone()).collect();
            let rpc = workflow.entrypoint.clone();
            let entrypoint = entrypoint.clone();
            view! {
                <section class="review__workflow" aria-labelledby=title_id>
                    <h3 id=id>{title}</h3>
                    <p class="quiet">{nodes}", triggered by rpc "<code>{rpc}</code></p>
                    {match layout {
                        Some(layout) => Either::Left(view! {
                            <WorkflowGraph layout workflow=Signal::stored(workflow) entrypoint=Signal::stored(entrypoint) states=false/>
                        }),
                        // Too large to be read as a picture.
                        None => Either::Right(view! { <p class="review__names">{names.join(", ")}</p> }),
                    }}
                </section>
            }
            .into_any()
        })
        .collect_view();
    view! {
        <p><bdi>{content.description}</bdi>" "<span class="quiet">"("{krt_version}")"</span></p>
        {workflows}
        <Wanted config=content.config context/>
    }
    .into_any()
}

/// Which configuration the version will want, and where its values come from.
#[component]
fn Wanted(config: Vec<WantedValue>, context: UploadContext) -> impl IntoView {
    if config.is_empty() {
        return view! { <p class="quiet">"It needs no configuration."</p> }.into_any();
    }
    let rows = config.into_iter().map(|wanted| wanted_row(wanted, context)).collect_view();
    view! {
        <section class="review__workflow" aria-labelledby="review-config">
            <h3 id="review-config">"Required configuration"</h3>
            {move || match context.inherited.get() {
                Some(Err(error)) => Some(view! {
                    <p class="quiet">"The values of other versions could not be loaded: "{sentence(&error)}</p>
                }),
                _ => None,
            }}
            <ul class="review__config">{rows}</ul>
        </section>
    }
    .into_any()
}

fn wanted_row(wanted: WantedValue, context: UploadContext) -> AnyView {
    let kind = match wanted.kind {
        ConfigKind::Variable => "variable",
        ConfigKind::File => "file",
    };
    let name = wanted.name.clone();
    let inherited = Memo::new(move |_| context.inherited.with(|inherited| source(inherited.as_ref(), &wanted)));
    view! {
        <li class="review__value">
            <span><code>{name.clone()}</code>" "<span class="quiet">{kind}</span></span>
            {move || match inherited.get() {
                Source::Unknown => view! { <span class="quiet">"…"</span> }.into_any(),
                Source::None => view! { <span class="review__open">"must be set before the version can start"</span> }.into_any(),
                Source::Version(from) => keep_box(name.clone(), from, context),
            }}
        </li>
    }
    .into_any()
}

/// Keeps the value of another version, unless the person does not want it.
fn keep_box(name: String, from: String, context: UploadContext) -> AnyView {
    let (checked, label) = (name.clone(), format!("Keep the value of {name} from {from}"));
    let toggle = move |event| {
        let keep = event_target_checked(&event);
        context.skipped.update(|skipped| {
            if keep {
                skipped.remove(&name);
            } else {
                skipped.insert(name.clone());
            }
        });
    };
    view! {
        <label class="review__keep">
            <input
                type="checkbox"
                aria-label=label
                prop:checked=move || context.skipped.with(|skipped| !skipped.contains(&checked))
                on:change=toggle
            />
            <span>"keep the value from "<strong>{from}</strong></span>
        </label>
    }
    .into_any()
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Source {
    /// The server has not answered, or cannot.
    Unknown,
    None,
    Version(String),
}

fn source(inherited: Option<&Result<Vec<InheritedValue>, AppError>>, wanted: &WantedValue) -> Source {
    let Some(Ok(values)) = inherited else { return Source::Unknown };
    let same = |value: &&InheritedValue| value.name == wanted.name && value.kind == wanted.kind;
    values.iter().find(same).map_or(Source::None, |value| Source::Version(value.from.to_string()))
}

/// How much was read, and what that means.
fn extent(check: &FileCheck, size_bytes: u64) -> String {
    let size = format::size(size_bytes);
    match check.complete || check.read_bytes >= size_bytes {
        true => format!("{size}. The server checks it again."),
        false => format!("{size}, of which {} were read. The server checks the rest.", format::size(check.read_bytes)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_kept_only_where_name_and_kind_are_the_same() {
        let wanted = |name: &str, kind| WantedValue { name: name.to_owned(), kind };
        let value = InheritedValue { name: "A".to_owned(), kind: ConfigKind::Variable, from: "v1".parse().unwrap() };
        let inherited = Ok(vec![value]);
        let source = |name: &str, kind| source(Some(&inherited), &wanted(name, kind));
        assert_eq!(source("A", ConfigKind::Variable), Source::Version("v1".to_owned()));
        assert_eq!(source("A", ConfigKind::File), Source::None);
        assert_eq!(source("B", ConfigKind::Variable), Source::None);
        let unreachable = Err(AppError::Unreachable);
        assert_eq!(super::source(Some(&unreachable), &wanted("A", ConfigKind::Variable)), Source::Unknown);
    }
}
