//! `/runtimes/new`: the form that creates a runtime. It works without scripts too: then the server answers by a redirect,
//! to the new runtime or back with what was wrong. With them each field is checked as it is filled in, by the rules that
//! the server enforces.

use domain::{NewRuntime, RuntimeId, RuntimeSummary};
use leptos::html;
use leptos::prelude::*;
use leptos_meta::Title;

use crate::{
    AppError,
    api::{self, resource::resource},
    error::sentence,
    features::error_panel::when_loaded,
    ui::inline_code::render_inline_code,
};

const FIELDS: [&str; 3] = ["id", "name", "description"];
const ID_HINT: &str = "Lower-case letters, digits and -, at most 19 characters. It names the runtime's namespace and \
                       cannot be changed.";

type Existing = StoredValue<Vec<RuntimeSummary>>;

#[component]
pub fn NewRuntimePage() -> impl IntoView {
    let loaded = resource(|| (), |()| api::runtimes());
    view! {
        <Title text="New runtime"/>
        <div class="page">
            <header class="page__head">
                <div>
                    <h1>"New runtime"</h1>
                    <p class="quiet">"A runtime is one application. At most one of its versions is published at a time."</p>
                </div>
            </header>
            {when_loaded(loaded, |existing| view! { <CreateForm existing=StoredValue::new(existing)/> })}
        </div>
    }
    .into_any()
}

#[component]
fn CreateForm(existing: Existing) -> impl IntoView {
    let create = ServerAction::<api::CreateRuntime>::new();
    let value = create.value();
    let error =
        Signal::derive(move || value.with(|value| value.as_ref().and_then(|value| value.as_ref().err().cloned())));
    let id_check = Callback::new(move |text: String| wrong_id(existing, &text));
    let name_check = Callback::new(move |text: String| taken_name(existing, &text));
    let no_check = Callback::new(|_: String| None);
    view! {
        <ActionForm action=create attr:class="form">
            <Field name="id" label="Id" error check=id_check required=true maxlength=19
                hint=ID_HINT/>
            <Field name="name" label="Name" error check=name_check required=true maxlength=NewRuntime::NAME_MAX_CHARS
                hint="Shown to people."/>
            <Field name="description" label="Description" error check=no_check required=false maxlength=NewRuntime::DESCRIPTION_MAX_CHARS
                hint="Optional: what it is for."/>
            {move || error.get().filter(|error| !error.is_about_fields(&FIELDS)).map(|error| view! {
                <p class="form__error" role="alert">{render_inline_code(&sentence(&error))}</p>
            })}
            <p class="form__buttons">
                <button type="submit" class="button button--primary" disabled=move || create.pending().get()>
                    {move || if create.pending().get() { "Creating…" } else { "Create runtime" }}
                </button>
                <a class="button" href="/">"Cancel"</a>
            </p>
        </ActionForm>
    }
    .into_any()
}

/// What is wrong with an id as far as this page knows; the server has the last word.
fn wrong_id(existing: Existing, text: &str) -> Option<String> {
    match text.trim().parse::<RuntimeId>() {
        Err(wrong) => Some(wrong.to_string()),
        Ok(id) if id.is_reserved() => Some(format!("`{id}` is reserved; choose another id")),
        Ok(id) => existing.with_value(|all| {
            let taken = all.iter().find(|runtime| runtime.id == id)?;
            Some(format!("`{id}` is taken by the runtime {}", taken.name))
        }),
    }
}

fn taken_name(existing: Existing, text: &str) -> Option<String> {
    let name = text.trim();
    if name.is_empty() {
        return Some("enter a name, such as the application's name".to_owned());
    }
    let taken = existing.with_value(|all| all.iter().any(|runtime| runtime.name == name));
    taken.then(|| format!("there is already a runtime named {name}"))
}

/// `check` says what is wrong with what was entered so far; `error` is the server's answer to what was sent.
#[component]
fn Field(
    name: &'static str,
    label: &'static str,
    hint: &'static str,
    required: bool,
    maxlength: usize,
    check: Callback<String, Option<String>>,
    error: Signal<Option<AppError>>,
) -> impl IntoView {
    let id = format!("runtime-{name}");
    let (hint_id, error_id) = (format!("{id}-hint"), format!("{id}-error"));
    // What was entered since the last answer; nobody is told of a mistake in a field not yet filled in.
    let entered = RwSignal::new(None::<String>);
    let wrong = Memo::new(move |_| match entered.get() {
        Some(text) => check.run(text),
        None => error.get().and_then(|error| error.field(name)),
    });
    let input = NodeRef::<html::Input>::new();
    Effect::new(move |before: Option<()>| {
        error.track();
        // At first there is what was typed before this code was.
        let typed = || input.get_untracked().map(|input| input.value()).filter(|text| !text.is_empty());
        entered.set(before.map_or_else(typed, |()| None));
    });
    view! {
        <div class="field">
            <label class="field__label" for=id.clone()>{label}</label>
            <input
                node_ref=input
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
                on:input=move |event| entered.set(Some(event_target_value(&event)))
            />
            <p class="field__hint" id=hint_id>{hint}</p>
            <p class="field__error" id=error_id aria-live="polite">
                {move || wrong.get().map(|wrong| render_inline_code(&sentence(&wrong)))}
            </p>
        </div>
    }
    .into_any()
}
