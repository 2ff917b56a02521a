//! The form that creates a runtime, which is loaded when somebody comes near it. It works without scripts too, or before
//! they are there: then the server answers by a redirect back to the page. With them each field is checked as it is
//! filled in, by the rules that the server enforces.

use domain::{RuntimeId, RuntimeSummary};
use leptos::{html, prelude::*};

use crate::{AppError, api, components::prose::prose, error::sentence, live_list::LiveList};

const FIELDS: [&str; 3] = ["id", "name", "description"];
const ID_HINT: &str = "Lower-case letters, digits and -, at most 19 characters. It names the runtime's namespace and \
                       cannot be changed.";

/// `list` is what there is already.
#[component]
pub fn CreateForm(list: LiveList<RuntimeSummary>) -> impl IntoView {
    let create = ServerAction::<api::CreateRuntime>::new();
    let value = create.value();
    let form = NodeRef::<html::Form>::new();
    let created = move || value.with(|value| value.as_ref().and_then(|value| value.as_ref().ok().cloned()));
    let error =
        Signal::derive(move || value.with(|value| value.as_ref().and_then(|value| value.as_ref().err().cloned())));
    Effect::new(move |_| {
        if let Some(runtime) = created() {
            list.merge(runtime);
            if let Some(form) = form.get_untracked() {
                form.reset();
            }
        }
    });
    let id_check = Callback::new(move |text: String| wrong_id(list, &text));
    let name_check = Callback::new(move |text: String| taken_name(list, &text));
    let no_check = Callback::new(|_: String| None);
    view! {
        <ActionForm action=create node_ref=form attr:class="form">
            <Field name="id" label="Id" error check=id_check required=true maxlength=19
                hint=ID_HINT/>
            <Field name="name" label="Name" error check=name_check required=true maxlength=80
                hint="What people read."/>
            <Field name="description" label="Description" error check=no_check required=false maxlength=500
                hint="Optional: what it is for."/>
            {move || error.get().filter(|error| !error.is_about_fields(&FIELDS)).map(|error| view! {
                <p class="form__error" role="alert">{prose(&sentence(&error))}</p>
            })}
            {move || created().map(|runtime| view! {
                <p class="form__done" role="status">
                    <a href=format!("/runtimes/{}", runtime.id)>{runtime.name}</a>
                    " was created. Open it to add a version."
                </p>
            })}
            <button type="submit" class="button button--primary" disabled=move || create.pending().get()>
                {move || if create.pending().get() { "Creating…" } else { "Create runtime" }}
            </button>
        </ActionForm>
    }
    .into_any()
}

/// What is wrong with an id as far as this page knows; the server has the last word.
fn wrong_id(list: LiveList<RuntimeSummary>, text: &str) -> Option<String> {
    match text.trim().parse::<RuntimeId>() {
        Err(wrong) => Some(wrong.to_string()),
        Ok(id) => list.known(id.as_str()).map(|taken| format!("`{id}` is taken by the runtime {}", taken.name)),
    }
}

fn taken_name(list: LiveList<RuntimeSummary>, text: &str) -> Option<String> {
    let name = text.trim();
    if name.is_empty() {
        return Some("a name is needed, such as the application's".to_owned());
    }
    let taken = list.entries().into_iter().any(|entry| entry.value.with_untracked(|runtime| runtime.name == name));
    taken.then(|| format!("there is already a runtime named {name}"))
}

/// `check` says what is wrong with what was entered so far; `error` is the server's answer to what was sent.
#[component]
fn Field(
    name: &'static str,
    label: &'static str,
    hint: &'static str,
    required: bool,
    maxlength: u32,
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
                {move || wrong.get().map(|wrong| prose(&sentence(&wrong)))}
            </p>
        </div>
    }
    .into_any()
}
