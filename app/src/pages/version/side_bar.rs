//! A version's side bar: its name, state and health, the menu, and the actions at its bottom.

use domain::Command;
use leptos::prelude::*;
use leptos_router::components::A;

use super::Shown;
use crate::{
    AppError, api,
    components::{
        action_bar::ActionBar,
        action_dialog::{ActionDialog, Facts},
        state_badge::{HealthBadge, StateBadge},
    },
};

#[component]
pub fn SideBar(shown: Shown) -> impl IntoView {
    let view = shown.view;
    let (runtime, name) = shown.ids();
    let base = format!("/runtimes/{runtime}/versions/{name}");
    let state = Memo::new(move |_| view.with(|view| view.summary.state));
    let switching = Memo::new(move |_| view.with(|view| view.summary.switching));
    let health = Memo::new(move |_| view.with(|view| view.summary.health.clone()));
    let missing = Memo::new(move |_| {
        view.with(|view| view.config.iter().filter(|e| !e.is_set).map(|e| e.name.clone()).collect::<Vec<_>>())
    });
    let facts = Memo::new(move |_| {
        view.with(|view| Facts {
            version: view.summary.name.clone(),
            state: view.summary.state,
            replaces: view.replaces.clone(),
        })
    });

    let asked = RwSignal::new(None::<Command>);
    let sending = RwSignal::new(false);
    let error = RwSignal::new(None::<AppError>);
    let send = Callback::new(move |(command, comment): (Command, Option<String>)| {
        // Set at once, so that a second click, however quick, finds it.
        if sending.get_untracked() {
            return;
        }
        sending.set(true);
        error.set(None);
        let (runtime, name) = shown.ids();
        leptos::task::spawn_local(async move {
            match api::send_command(runtime, name, command, comment).await {
                Ok(summary) => {
                    if asked.try_set(None).is_none() {
                        shown.take_summary(&summary);
                    }
                }
                Err(refused) => {
                    error.try_set(Some(refused));
                    // Should the dialog have been closed meanwhile: what was not done has to be told.
                    asked.try_set(Some(command));
                }
            }
            sending.try_set(false);
        });
    });
    let ask = Callback::new(move |command| {
        error.set(None);
        asked.set(Some(command));
    });
    view! {
        <aside class="side-bar" aria-label=format!("Version {name}")>
            <div class="side-bar__top">
                <div class="side-bar__head">
                    <p class="side-bar__name">{name.to_string()}</p>
                    <p class="side-bar__state"><StateBadge state/><HealthBadge health/></p>
                </div>
                <nav class="menu" aria-label="Version">
                    <A href=base.clone() exact=true>"Status"</A>
                    <A href=format!("{base}/configuration") exact=true>
                        "Configuration"
                        {move || (!missing.with(Vec::is_empty)).then(|| view! {
                            <span class="menu__count" title="values missing">
                                {move || missing.with(Vec::len)}<span class="visually-hidden">" missing"</span>
                            </span>
                        })}
                    </A>
                    <A href=format!("{base}/history") exact=true>"History"</A>
                </nav>
            </div>
            <ActionBar state switching missing on_ask=ask/>
            <ActionDialog asked facts sending error on_send=send/>
        </aside>
    }
    .into_any()
}
