//! A version's side bar: its name, state and health, the menu, and the actions at its bottom.

use leptos::prelude::*;
use leptos_router::{components::A, hooks::use_location};

use super::Shown;
use crate::{
    browser,
    components::{
        acting::{Asked, use_acting},
        action_bar::ActionBar,
        state_badge::{HealthBadge, StateBadge},
    },
};

const MENU: &str = "version-menu";

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
    let acting = use_acting();
    let asked = move |command| {
        let (runtime, version) = shown.ids();
        let (state, replaces) = view.with_untracked(|view| (view.summary.state, view.replaces.clone()));
        Asked { runtime, version, state, replaces, command }
    };
    let ask = Callback::new(move |command| acting.ask_quickly(asked(command)));
    let comment = Callback::new(move |command| acting.ask(asked(command)));
    let path = use_location().pathname;
    // In a narrow window the menu has room for some of its entries only.
    Effect::new(move |_| {
        path.track();
        browser::show_current_entry(MENU);
    });
    view! {
        <aside class="side-bar" aria-label=format!("Version {name}")>
            <div class="side-bar__top">
                <div class="side-bar__head">
                    <p class="side-bar__name">{name.to_string()}</p>
                    <p class="side-bar__state"><StateBadge state/><HealthBadge health/></p>
                </div>
                <nav class="menu" id=MENU aria-label="Version">
                    <A href=base.clone() exact=true>"Status"</A>
                    <A href=format!("{base}/documentation") exact=true>"Documentation"</A>
                    <A href=format!("{base}/configuration") exact=true>
                        "Configuration"
                        {move || (!missing.with(Vec::is_empty)).then(|| view! {
                            <span class="menu__count" title="values missing">
                                {move || missing.with(Vec::len)}<span class="visually-hidden">" missing"</span>
                            </span>
                        })}
                    </A>
                    <A href=format!("{base}/history") exact=true>"History"</A>
                    <A href=format!("{base}/manifest") exact=true>"Manifest"</A>
                    <A href=format!("{base}/compare") exact=true>"Compare"</A>
                </nav>
            </div>
            <ActionBar state switching missing on_ask=ask on_comment=comment/>
        </aside>
    }
    .into_any()
}
