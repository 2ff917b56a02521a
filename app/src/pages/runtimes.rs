//! `/`: all runtimes, and creating one.

use domain::{RuntimeSummary, ServerEvent};
use leptos::{either::Either, html, prelude::*};
use leptos_meta::Title;

use crate::{
    AppError, api,
    components::{
        error_panel::when_loaded,
        icon::{Icon, Shape},
        prose::prose,
    },
    error::sentence,
    format,
    live::{coalesced, use_live},
    live_list::LiveList,
};

#[component]
pub fn RuntimesPage() -> impl IntoView {
    let loaded = Resource::new(|| (), |()| api::runtimes());
    view! {
        <Title text="Runtimes"/>
        {when_loaded(loaded, |runtimes| view! { <Runtimes runtimes/> })}
    }
    .into_any()
}

#[component]
fn Runtimes(runtimes: Vec<RuntimeSummary>) -> impl IntoView {
    let list = LiveList::new(runtimes);
    let refresh = coalesced(move || async move {
        if let Ok(runtimes) = api::runtimes().await {
            list.replace(runtimes);
        }
    });
    use_live().on_event(move |event| match event {
        ServerEvent::Hello { .. } => refresh.run(()),
        ServerEvent::Runtime { runtime } => list.merge(runtime.clone()),
        ServerEvent::Cluster { .. } | ServerEvent::Version { .. } => {}
    });
    let none = Memo::new(move |_| list.entries().is_empty());
    view! {
        <div class="page">
            <header class="page__head">
                <div>
                    <h1>"Runtimes"</h1>
                    <p class="quiet">"A runtime is one application. At most one of its versions is published at a time."</p>
                </div>
            </header>
            {move || none.get().then(|| view! {
                <p class="blank">"No runtime yet. Create the first one here; then add versions to it."</p>
            })}
            <CreateRuntime open=none.get_untracked() list/>
            <ul class="cards" role="list">
                <For each=move || list.entries() key=|entry| entry.key.clone() let(entry)>
                    <RuntimeCard runtime=entry.value/>
                </For>
            </ul>
        </div>
    }
    .into_any()
}

#[component]
fn RuntimeCard(runtime: ArcRwSignal<RuntimeSummary>) -> impl IntoView {
    let runtime = RwSignal::from(runtime);
    let href = runtime.with_untracked(|runtime| format!("/runtimes/{}", runtime.id));
    let published = Memo::new(move |_| runtime.with(|runtime| runtime.published.clone()));
    let counts = move || {
        let (versions, running) = runtime.with(|runtime| (runtime.versions, runtime.running));
        (format::count(versions, "version", "versions"), format!("{running} running"))
    };
    view! {
        <li class="card">
            <h2 class="card__title"><a class="card__link" href=href>{move || runtime.with(|r| r.name.clone())}</a></h2>
            <p class="card__id"><code>{runtime.with_untracked(|r| r.id.to_string())}</code></p>
            <p class="card__text">{move || runtime.with(|r| r.description.clone())}</p>
            <p class="card__published">
                {move || match published.get() {
                    Some(version) => Either::Left(view! {
                        <span class="quiet">"Published: "</span>
                        <span class="badge" data-tone="accent"><Icon shape=Shape::Globe/>{version.to_string()}</span>
                    }),
                    None => Either::Right(view! { <span class="quiet">"Nothing published"</span> }),
                }}
            </p>
            <p class="card__counts quiet"><span>{move || counts().0}</span><span>{move || counts().1}</span></p>
        </li>
    }
    .into_any()
}

/// A form that works without scripts too: then the server answers by a redirect back to this page.
#[component]
fn CreateRuntime(open: bool, list: LiveList<RuntimeSummary>) -> impl IntoView {
    let create = ServerAction::<api::CreateRuntime>::new();
    let value = create.value();
    // A form that was sent without scripts comes back with the page, and with what was wrong.
    let refused = value.with_untracked(|value| matches!(value, Some(Err(_))));
    let form = NodeRef::<html::Form>::new();
    let created = move || value.with(|value| value.as_ref().and_then(|value| value.as_ref().ok().cloned()));
    let error = move || value.with(|value| value.as_ref().and_then(|value| value.as_ref().err().cloned()));
    Effect::new(move |_| {
        if let Some(runtime) = created() {
            list.merge(runtime);
            if let Some(form) = form.get_untracked() {
                form.reset();
            }
        }
    });
    view! {
        <details class="create" open=open || refused>
            <summary class="button"><Icon shape=Shape::Plus/>"New runtime"</summary>
            <ActionForm action=create node_ref=form attr:class="form">
                <Field name="id" label="Id" error required=true maxlength=19
                    hint="Lower-case letters, digits and -, at most 19 characters. It names the runtime's namespace and cannot be changed."/>
                <Field name="name" label="Name" error required=true maxlength=80 hint="What people read."/>
                <Field name="description" label="Description" error required=false maxlength=500 hint="Optional: what it is for."/>
                {move || error().filter(|error| !error.is_about_fields(&FIELDS)).map(|error| view! {
                    <p class="form__error" role="alert">{prose(&sentence(&error))}</p>
                })}
                {move || created().map(|runtime| view! {
                    <p class="form__done" role="status">
                        <a href=format!("/runtimes/{}", runtime.id)>{runtime.name}</a>" was created. Open it to add a version."
                    </p>
                })}
                <button type="submit" class="button button--primary" disabled=move || create.pending().get()>
                    {move || if create.pending().get() { "Creating…" } else { "Create runtime" }}
                </button>
            </ActionForm>
        </details>
    }
    .into_any()
}

const FIELDS: [&str; 3] = ["id", "name", "description"];

#[component]
fn Field(
    name: &'static str,
    label: &'static str,
    hint: &'static str,
    required: bool,
    maxlength: u32,
    error: impl Fn() -> Option<AppError> + Copy + Send + Sync + 'static,
) -> impl IntoView {
    let id = format!("runtime-{name}");
    let (hint_id, error_id) = (format!("{id}-hint"), format!("{id}-error"));
    let wrong = Memo::new(move |_| error().and_then(|error| error.field(name)));
    view! {
        <div class="field">
            <label class="field__label" for=id.clone()>{label}</label>
            <input
                class="input"
                type="text"
                id=id
                name=name
                required=required
                maxlength=maxlength.to_string()
                autocomplete="off"
                spellcheck=(name == "id").then_some("false")
                aria-describedby=format!("{hint_id} {error_id}")
                aria-invalid=move || wrong.get().is_some().then_some("true")
            />
            <p class="field__hint" id=hint_id>{hint}</p>
            <p class="field__error" id=error_id>{move || wrong.get().map(|wrong| prose(&sentence(&wrong)))}</p>
        </div>
    }
    .into_any()
}
