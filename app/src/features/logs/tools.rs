//! What a person sets: whose logs, what to look for, from when, and how they are shown.

use std::time::Duration;

use domain::LogLevel;
use leptos::prelude::*;

use super::{
    Drawer, LogNode,
    level::{level_shape, level_word},
    times::times,
    view::{LogScope, LogView},
};
use crate::{
    format, platform,
    state::{
        live::use_live,
        shortcuts::{Keys, use_shortcuts},
    },
    ui::icon::{Icon, Shape},
};

const SEARCH_ID: &str = "logs-search";
/// After the last letter; browsers refuse an address that changes with each.
const TYPING_PAUSE: Duration = Duration::from_millis(400);

pub(super) fn tools(
    drawer: Drawer,
    base: String,
    nodes: StoredValue<Vec<LogNode>>,
    view: Signal<LogView>,
    typed: RwSignal<String>,
    on_change: Callback<LogView>,
    address_of: Callback<LogView, String>,
) -> AnyView {
    let current = move || LogView { search: typed.get_untracked(), ..view.get_untracked() };
    let file = move || LogView { search: typed.get(), ..view.get() }.file_address(&base);
    let previous = Memo::new(move |_| view.with(|view| view.previous));
    let wrap = Memo::new(move |_| view.with(|view| view.wrap));
    let follows = Memo::new(move |_| view.with(LogView::follows));
    let turn = move |change: fn(&mut LogView)| {
        move |_| {
            let mut to = current();
            change(&mut to);
            on_change.run(to);
        }
    };
    view! {
        <div class="logs__find">
            {whose(nodes, view, on_change)}
            {search_field(drawer, view, typed, on_change)}
        </div>
        <div class="logs__filters">
            <div class="logs__levels" role="group" aria-label="Levels">
                {LogLevel::ALL.map(|level| level_button(drawer, level, view, on_change)).into_iter().collect_view()}
            </div>
            {times(view, on_change)}
            <button
                type="button"
                class="button button--small logs__toggle"
                aria-pressed=move || pressed(previous.get())
                title="Logs from before the last restart of each container"
                on:click=turn(|view| view.previous = !view.previous)
            >
                <Icon shape=Shape::Back/>"Previous run"
            </button>
            <button
                type="button"
                class="button button--small logs__toggle"
                aria-pressed=move || pressed(wrap.get())
                title="Wrap long lines"
                on:click=turn(|view| view.wrap = !view.wrap)
            >
                <Icon shape=Shape::Wrap/>"Wrap"
            </button>
        </div>
        <div class="logs__actions">
            {move || follows.get().then(|| pause_button(drawer))}
            {copy_link(move || address_of.run(current()))}
            // A file: not for the router.
            <a class="button button--small" href=file rel="external" download="" title="Download all matching lines">
                <Icon shape=Shape::Download/><span class="logs__word">"Download"</span>
            </a>
        </div>
    }
    .into_any()
}

fn pressed(is_pressed: bool) -> &'static str {
    if is_pressed { "true" } else { "false" }
}

/// All nodes, those of a workflow, or one.
fn whose(nodes: StoredValue<Vec<LogNode>>, view: Signal<LogView>, on_change: Callback<LogView>) -> AnyView {
    let chosen = Memo::new(move |_| view.with(|view| view.whose.text()));
    let option = move |whose: LogScope, name: String| {
        let value = whose.text();
        let own = value.clone();
        view! { <option value=value selected=move || chosen.get() == own>{name}</option> }.into_any()
    };
    let mut workflows: Vec<String> = Vec::new();
    nodes.with_value(|nodes| {
        for workflow in nodes.iter().filter_map(|node| node.workflow.as_ref()) {
            if !workflows.contains(workflow) {
                workflows.push(workflow.clone());
            }
        }
    });
    let groups = workflows.into_iter().map(|workflow| {
        let of = nodes.with_value(|nodes| {
            let own = nodes.iter().filter(|node| node.workflow.as_ref() == Some(&workflow));
            own.map(|node| node.name.clone()).collect::<Vec<_>>()
        });
        let each =
            of.into_iter().map(|node| option(LogScope::Node { workflow: workflow.clone(), node: node.clone() }, node));
        view! {
            <optgroup label=format!("Workflow {workflow}")>
                {option(LogScope::Workflow(workflow.clone()), format!("All of {workflow}"))}
                {each.collect_view()}
            </optgroup>
        }
        .into_any()
    });
    let choose = move |event| {
        let whose = LogScope::of(&event_target_value(&event));
        on_change.run(LogView { whose, ..view.get_untracked() });
    };
    view! {
        <select class="input logs__choice" aria-label="Nodes" prop:value=move || chosen.get() on:change=choose>
            {option(LogScope::All, "All nodes".to_owned())}
            {option(LogScope::Entrypoint, "Entrypoint".to_owned())}
            {groups.collect_view()}
        </select>
    }
    .into_any()
}

fn search_field(
    drawer: Drawer,
    view: Signal<LogView>,
    typed: RwSignal<String>,
    on_change: Callback<LogView>,
) -> AnyView {
    let live = use_live();
    // What this field has brought into the address, which is no news when it comes back from there.
    let written = StoredValue::new(typed.get_untracked());
    let keystrokes = StoredValue::new(0_u32);
    let search = Memo::new(move |_| view.with(|view| view.search.clone()));
    Effect::new(move |_| {
        let now = search.get();
        if written.get_value() != now {
            written.set_value(now.clone());
            typed.set(now);
        }
    });
    let enter = move |event| {
        typed.set(event_target_value(&event));
        keystrokes.update_value(|keystrokes| *keystrokes += 1);
        let now = keystrokes.get_value();
        platform::after(TYPING_PAUSE, move || {
            if keystrokes.try_get_value() == Some(now) {
                let search = typed.get_untracked();
                written.set_value(search.clone());
                on_change.run(LogView { search, ..view.get_untracked() });
                let matching = drawer.buffer.with_value(|buffer| buffer.matching());
                live.announce(format!("{} lines match", format::grouped(matching as u64)));
            }
        });
    };
    let focus = Callback::new(|()| platform::focus(SEARCH_ID));
    use_shortcuts().add(Keys::Single("/"), focus);
    view! {
        <input
            class="input logs__search"
            id=SEARCH_ID
            type="search"
            aria-label="Search in the logs"
            placeholder="Search"
            autocomplete="off"
            spellcheck="false"
            maxlength="1000"
            prop:value=move || typed.get()
            on:input=enter
        />
    }
    .into_any()
}

/// Pressed ones are those that are shown; with none pressed all are.
fn level_button(drawer: Drawer, level: LogLevel, view: Signal<LogView>, on_change: Callback<LogView>) -> AnyView {
    let is_on = Memo::new(move |_| view.with(|view| view.levels.contains(&level)));
    let count = Memo::new(move |_| {
        drawer.changes.track();
        drawer.buffer.with_value(|buffer| buffer.count(level))
    });
    let turn = move |_| {
        let mut to = view.get_untracked();
        match to.levels.iter().position(|on| *on == level) {
            Some(at) => drop(to.levels.remove(at)),
            None => to.levels.push(level),
        }
        to.levels.sort_unstable();
        on_change.run(to);
    };
    view! {
        <button
            type="button"
            class="logs__level"
            data-level=level.as_str()
            aria-pressed=move || pressed(is_on.get())
            on:click=turn
        >
            <Icon shape=level_shape(level)/>
            {level_word(level)}" "
            <span class="logs__count">{move || format::grouped(count.get() as u64)}</span>
        </button>
    }
    .into_any()
}

fn pause_button(drawer: Drawer) -> AnyView {
    let live = use_live();
    let is_paused = drawer.is_paused;
    let turn = move |_| {
        let paused = !is_paused.get_untracked();
        drawer.pause(paused);
        live.announce(if paused { "Logs paused" } else { "Logs resumed" });
    };
    // Its words change, so it is not one that is pressed.
    view! {
        <button type="button" class="button button--small logs__pause" on:click=turn>
            <Icon shape=Signal::derive(move || if is_paused.get() { Shape::Play } else { Shape::Pause })/>
            {move || if is_paused.get() { "Resume" } else { "Pause" }}
        </button>
    }
    .into_any()
}

/// Copies the address that shows the same.
fn copy_link(link: impl Fn() -> String + Send + Sync + 'static) -> AnyView {
    let live = use_live();
    let said = RwSignal::new("Copy link");
    let copy = move |_| {
        let link = format!("{}{}", platform::origin(), link());
        platform::copy(&link, move |done| {
            let now = if done { "Copied" } else { "Copy the address" };
            said.try_set(now);
            live.announce(now);
            platform::after(Duration::from_secs(3), move || {
                said.try_set("Copy link");
            });
        });
    };
    view! {
        <button type="button" class="button button--small" title="Copy a link to this view" on:click=copy>
            <Icon shape=Shape::Copy/>
            <span class="logs__word">{move || said.get()}</span>
        </button>
    }
    .into_any()
}
