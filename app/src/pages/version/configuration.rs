//! A version's configuration: values are entered here, kept hidden until asked for, and only changed ones are sent.

pub mod runners;

use std::collections::BTreeMap;

use domain::{ConfigEntry, ConfigKind, VersionState, access::Permission};
use leptos::{ev::SubmitEvent, prelude::*, task::spawn_local};
use leptos_meta::Title;

use super::VersionContext;
use crate::{
    AppError, api,
    error::sentence,
    format,
    state::access::use_access,
    ui::{
        config_field::{ConfigField, Draft},
        icon::{Icon, Shape},
        inline_code::render_inline_code,
    },
};

#[component]
pub fn ConfigurationScreen() -> impl IntoView {
    let shown: VersionContext = expect_context();
    let view = shown.view;
    let (runtime, name) = shown.ids();
    let state = Memo::new(move |_| view.with(|view| view.summary.state));
    let missing = Memo::new(move |_| {
        view.with(|view| view.config.iter().filter(|e| !e.is_set).map(|e| e.name.clone()).collect::<Vec<_>>())
    });
    // Which values there are is the manifest's, so it never changes; whether they are set does.
    let drafts = StoredValue::new(
        view.with_untracked(|view| view.config.iter().map(|entry| (entry.clone(), Draft::new())).collect::<Vec<_>>()),
    );
    let changes = Memo::new(move |_| {
        drafts.with_value(|all| {
            all.iter()
                .filter_map(|(entry, draft)| Some((entry.name.clone(), draft.edited.get()?)))
                .map(|(name, text)| (name, (!text.is_empty()).then_some(text)))
                .collect::<BTreeMap<_, _>>()
        })
    });
    let saving = RwSignal::new(false);
    let error = RwSignal::new(None::<AppError>);
    let saved = RwSignal::new(None::<String>);
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let values = changes.get_untracked();
        // Set at once, so that a second click, however quick, finds it.
        if saving.get_untracked() || values.is_empty() {
            return;
        }
        saving.set(true);
        error.set(None);
        saved.set(None);
        let (runtime, name) = shown.ids();
        spawn_local(async move {
            let count = u32::try_from(values.len()).unwrap_or(u32::MAX);
            match api::set_config(runtime, name, values, None).await {
                Ok(now) => {
                    drafts.try_with_value(|all| all.iter().for_each(|(_, draft)| draft.reset()));
                    saved.try_set(Some(format!("{} saved.", format::count(count, "value", "values"))));
                    shown.take_view(now);
                }
                Err(refused) => {
                    error.try_set(Some(refused));
                }
            }
            saving.try_set(false);
        });
    };
    let reveal = Callback::new(move |(entry, draft): (String, Draft)| {
        let (runtime, name) = shown.ids();
        spawn_local(async move {
            match api::config_value(runtime, name, entry).await {
                Ok(value) => draft.show(value.unwrap_or_default()),
                Err(refused) => draft.fail(sentence(&refused)),
            }
        });
    });

    // A change on its way to the pods.
    let waiting = Memo::new(move |_| view.with(|view| view.summary.waiting.clone()));
    let archived = Signal::derive(move || state.get() == VersionState::Archived);
    let (access, own) = (use_access(), StoredValue::new(runtime.clone()));
    let denied = Memo::new(move |_| own.with_value(|own| access.why_not(Permission::Configure, Some(own))));
    let locked = Signal::derive(move || archived.get() || denied.with(Option::is_some));
    let runs = move || !matches!(state.get(), VersionState::Stopped | VersionState::Archived);
    let fields = move |kind: ConfigKind| {
        let of_kind: Vec<_> = drafts.with_value(|all| all.iter().filter(|(e, _)| e.kind == kind).cloned().collect());
        of_kind
            .into_iter()
            .map(|(entry, draft)| {
                let ConfigEntry { name, kind, .. } = entry;
                let key = name.clone();
                let is_set = Memo::new(move |_| {
                    view.with(|view| view.config.iter().any(|e| e.kind == kind && e.name == key && e.is_set))
                });
                let asked = name.clone();
                let on_reveal = Callback::new(move |()| reveal.run((asked.clone(), draft)));
                view! { <ConfigField name kind is_set draft disabled=locked on_reveal/> }
            })
            .collect_view()
    };
    let group = move |kind: ConfigKind, title: &'static str| {
        let any = drafts.with_value(|all| all.iter().any(|(entry, _)| entry.kind == kind));
        any.then(|| view! { <fieldset class="config-group"><legend>{title}</legend>{fields(kind)}</fieldset> })
    };
    let none = drafts.with_value(Vec::is_empty);
    view! {
        <Title text=format!("Configuration · {name} · {runtime}")/>
        <div class="screen">
            <header class="screen__head">
                <h1>"Configuration"</h1>
                <p class="quiet">"Values are hidden. Showing one is recorded in the history. The version cannot start before all are set."</p>
            </header>
            {none.then(|| view! { <p class="blank">"This version needs no configuration."</p> })}
            {move || (!missing.with(Vec::is_empty)).then(|| view! {
                <p class="notice" data-tone="warn">
                    <Icon shape=Shape::Warning/>
                    <span>"Missing: "<code>{move || missing.with(|missing| missing.join(", "))}</code></span>
                </p>
            })}
            {move || archived.get().then(|| view! {
                <p class="notice"><Icon shape=Shape::Box/>"This version is archived; its configuration cannot be changed."</p>
            })}
            {move || denied.get().map(|denied| view! { <p class="notice"><Icon shape=Shape::Warning/>{denied}</p> })}
            <form class="config" class:hidden=none on:submit=submit>
                {group(ConfigKind::Variable, "Variables")}
                {group(ConfigKind::File, "Files")}
                <div class="config__save">
                    {move || (runs() && !changes.with(BTreeMap::is_empty)).then(|| view! {
                        <p class="notice" data-tone="warn">
                            <Icon shape=Shape::Warning/>
                            "The version is running: saving restarts its pods one after another."
                        </p>
                    })}
                    {move || error.get().map(|error| view! {
                        <p class="form__error" role="alert">{render_inline_code(&sentence(&error))}</p>
                    })}
                    <p class="form__done" role="status">{move || saved.get()}</p>
                    {move || waiting.get().map(|waiting| view! {
                        <p class="state-panel__waiting" role="status">{render_inline_code(&sentence(&waiting))}</p>
                    })}
                    <button
                        type="submit"
                        class="button button--primary"
                        disabled=move || changes.with(BTreeMap::is_empty) || locked.get()
                        aria-disabled=move || if saving.get() { "true" } else { "false" }
                    >
                        {move || match (saving.get(), changes.with(BTreeMap::len)) {
                            (true, _) => "Saving…".to_owned(),
                            (false, 0) => "Nothing to save".to_owned(),
                            (false, count) => {
                                let count = u32::try_from(count).unwrap_or(u32::MAX);
                                format!("Save {}", format::count(count, "change", "changes"))
                            }
                        }}
                    </button>
                </div>
            </form>
            <div class="config"><runners::RunnersField/></div>
        </div>
    }
    .into_any()
}
