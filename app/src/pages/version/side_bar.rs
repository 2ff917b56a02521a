//! A version's side bar: its name, state and health, the menu, and the actions at its bottom.

use leptos::prelude::*;
use leptos_router::{components::A, hooks::use_location};

use super::{
    VersionContext,
    logs::{BUTTON_ID, Logs},
};
use crate::{
    features::{action_bar::ActionBar, logs::DRAWER_ID},
    platform,
    state::{
        commands::{CommandRequest, use_commands},
        deletable::Deletable,
    },
    ui::{
        badge::{HealthBadge, StateBadge},
        icon::{Icon, Shape},
    },
};

const MENU: &str = "version-menu";

#[component]
pub fn SideBar(shown: VersionContext, logs: Logs) -> impl IntoView {
    let view = shown.view;
    let (runtime, name) = shown.ids();
    let base = format!("/runtimes/{runtime}/versions/{name}");
    let own = runtime.clone();
    // The logs stay open from screen to screen.
    let to = move |screen: &'static str| {
        let base = base.clone();
        move || format!("{base}{screen}{}", logs.carried.get())
    };
    let state = Memo::new(move |_| view.with(|view| view.summary.state));
    let switching = Memo::new(move |_| view.with(|view| view.summary.switching));
    let health = Memo::new(move |_| view.with(|view| view.summary.health.clone()));
    let missing = Memo::new(move |_| {
        view.with(|view| view.config.iter().filter(|e| !e.is_set).map(|e| e.name.clone()).collect::<Vec<_>>())
    });
    let commands = use_commands();
    let asked = move |command| {
        let (runtime, version) = shown.ids();
        let (state, replaces) = view.with_untracked(|view| (view.summary.state, view.replaces.clone()));
        CommandRequest { runtime, version, state, replaces, command }
    };
    let ask = Callback::new(move |command| commands.ask_quickly(asked(command)));
    let comment = Callback::new(move |command| commands.ask(asked(command)));
    let delete = Callback::new(move |()| {
        let (runtime, version) = shown.ids();
        commands.ask_to_delete(Deletable::Version { runtime, version });
    });
    let path = use_location().pathname;
    // In a narrow window the menu has room for some of its entries only.
    Effect::new(move |_| {
        path.track();
        platform::show_current_entry(MENU);
    });
    view! {
        <aside class="side-bar" aria-label=format!("Version {name}")>
            <div class="side-bar__top">
                <div class="side-bar__head">
                    <p class="side-bar__name">{name.to_string()}</p>
                    <p class="side-bar__state"><StateBadge state/><HealthBadge health/></p>
                </div>
                <nav class="menu" id=MENU aria-label="Version">
                    <A href=to("") exact=true>"Status"</A>
                    <A href=to("/metrics") exact=true>"Metrics"</A>
                    <A href=to("/documentation") exact=true>"Documentation"</A>
                    <A href=to("/configuration") exact=true>
                        "Configuration"
                        {move || (!missing.with(Vec::is_empty)).then(|| view! {
                            <span class="menu__count" title="values missing">
                                {move || missing.with(Vec::len)}<span class="visually-hidden">" missing"</span>
                            </span>
                        })}
                    </A>
                    <A href=to("/try-it") exact=true>"Try it"</A>
                    <A href=to("/history") exact=true>"History"</A>
                    <A href=to("/manifest") exact=true>"Manifest"</A>
                    <A href=to("/compare") exact=true>"Compare"</A>
                    <button
                        type="button"
                        id=BUTTON_ID
                        aria-controls=move || logs.is_open().then_some(DRAWER_ID)
                        aria-expanded=move || if logs.is_open() { "true" } else { "false" }
                        title="Logs (L)"
                        on:click=move |_| if logs.is_open() { logs.close() } else { logs.open() }
                    >
                        "Logs"<Icon shape=Shape::Lines/>
                    </button>
                </nav>
            </div>
            <ActionBar runtime=own state switching missing on_ask=ask on_comment=comment on_delete=delete/>
        </aside>
    }
    .into_any()
}
