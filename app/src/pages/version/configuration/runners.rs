//! What the images of the version expect of the server: detected, and chosen where that is wrong.

use domain::{Generation, VersionState, access::Permission};
use leptos::{prelude::*, task::spawn_local};

use super::super::VersionContext;
use crate::{
    AppError, api,
    error::sentence,
    state::access::use_access,
    ui::{
        icon::{Icon, Shape},
        inline_code::render_inline_code,
    },
};

#[component]
pub fn RunnersField() -> impl IntoView {
    let shown: VersionContext = expect_context();
    let view = shown.view;
    let generations = Memo::new(move |_| view.with(|view| (view.generation, view.detected_generation)));
    let is_stopped = Memo::new(move |_| view.with(|view| view.summary.state == VersionState::Stopped));
    let access = use_access();
    let (runtime, _) = shown.ids();
    let may = Memo::new(move |_| access.may(Permission::Configure, Some(&runtime)));
    let saving = RwSignal::new(false);
    let error = RwSignal::new(None::<AppError>);
    // A choice of what is detected is none: a version that is added later follows its own images.
    let choose = move |event| {
        let text = event_target_value(&event);
        let (now, detected) = generations.get_untracked();
        let chosen = Generation::ALL.into_iter().find(|generation| generation.as_str() == text);
        let Some(chosen) = chosen.filter(|chosen| *chosen != now && !saving.get_untracked()) else { return };
        saving.set(true);
        error.set(None);
        let (runtime, name) = shown.ids();
        spawn_local(async move {
            match api::choose_generation(runtime, name, Some(chosen).filter(|chosen| *chosen != detected)).await {
                Ok(now) => shown.take_view(now),
                Err(refused) => {
                    error.try_set(Some(refused));
                }
            }
            saving.try_set(false);
        });
    };
    let options = Generation::ALL.into_iter().map(|generation| {
        let label = move || {
            let detected = if generations.get().1 == generation { " (detected)" } else { "" };
            format!("{generation}{detected}: {}", generation.images())
        };
        let selected = move || generations.get().0 == generation;
        view! { <option value=generation.as_str() selected=selected>{label}</option> }
    });
    let options = options.collect_view();
    view! {
        <fieldset class="config-group">
            <legend>"Runner images"</legend>
            <div class="field">
                <label class="field__label" for="generation">"Generation"</label>
                <select
                    id="generation"
                    class="input"
                    aria-describedby="generation-hint"
                    disabled=move || !is_stopped.get() || !may.get()
                    prop:value=move || generations.get().0.as_str()
                    on:change=choose
                >
                    {options}
                </select>
                <p class="field__hint" id="generation-hint">
                    {move || if is_stopped.get() {
                        "Nodes and entrypoint get the variables, streams and buckets that images of this generation \
                         expect. It follows from the images' tags and the manifest; choose another if they are others."
                    } else {
                        "It can be changed while the version is stopped."
                    }}
                </p>
                {move || (generations.get().0 == Generation::C2).then(|| view! {
                    <p class="field__hint">
                        "Key-value buckets keep what nodes put into them while the version is stopped. They are deleted when it is \
                         archived."
                    </p>
                })}
                {move || error.get().map(|error| view! {
                    <p class="form__error" role="alert"><Icon shape=Shape::Warning/>{render_inline_code(&sentence(&error))}</p>
                })}
            </div>
        </fieldset>
    }
    .into_any()
}
