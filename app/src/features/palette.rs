//! The command palette: one place to type where to go, or what to do with which version.

use domain::{SearchResult, contains_words};
use leptos::{ev, prelude::*};
use leptos_router::hooks::use_navigate;

use crate::{
    api,
    error::sentence,
    state::{
        commands::{CommandRequest, use_commands},
        live_query::LiveQuery,
    },
    ui::{
        badge,
        command::{action_shape, verb},
        icon::{Icon, Shape},
        modal::use_modal,
    },
};

const LIST: &str = "palette-list";

/// What an entry leads to.
#[derive(Debug, Clone, PartialEq)]
enum Choice {
    Go(String),
    Ask(CommandRequest),
}

#[derive(Debug, Clone, PartialEq)]
struct PaletteEntry {
    shape: Shape,
    label: String,
    detail: String,
    choice: Choice,
}

/// Open while `open` holds. What there is to choose is asked for when it opens, and with each letter.
#[component]
pub fn Palette(open: RwSignal<bool>) -> impl IntoView {
    let commands = use_commands();
    let navigate = StoredValue::new(use_navigate());
    let dialog = use_modal(open);
    let text = RwSignal::new(String::new());
    // With the text that it was found for: the answer to the last letter may still be on its way.
    let found = RwSignal::new((String::new(), Vec::<SearchResult>::new()));
    let at = RwSignal::new(0_usize);
    let entries = Memo::new(move |_| {
        let text = text.get();
        // Results for a shorter text may be more, and Enter must not choose one of them.
        let found =
            found.with(|(_, found)| found.iter().filter(|found| found.matches(&text)).cloned().collect::<Vec<_>>());
        places(&text).into_iter().chain(found.into_iter().map(entry)).collect::<Vec<_>>()
    });
    let query = LiveQuery::new(move || async move {
        let asked = text.get_untracked();
        let now = api::find(asked.clone()).await?;
        found.set((asked, now));
        at.update(|at| *at = (*at).min(entries.with_untracked(Vec::len).saturating_sub(1)));
        Ok(())
    });
    Effect::new(move |_| {
        if open.get() {
            text.set(String::new());
            at.set(0);
            query.reload();
        }
    });
    let choose = Callback::new(move |index: usize| {
        let Some(entry) = entries.with_untracked(|entries| entries.get(index).cloned()) else { return };
        // Closed before anything else opens, so that the focus goes back to where it was.
        if let Some(dialog) = dialog.get_untracked() {
            dialog.close();
        }
        open.set(false);
        match entry.choice {
            Choice::Go(to) => navigate.with_value(|navigate| navigate(&to, Default::default())),
            Choice::Ask(asked) => commands.ask_quickly(asked),
        }
    });
    let press = move |event: ev::KeyboardEvent| {
        let last = entries.with_untracked(Vec::len).saturating_sub(1);
        let now = at.get_untracked();
        let to = match event.key().as_str() {
            "ArrowDown" => {
                if now >= last {
                    0
                } else {
                    now + 1
                }
            }
            "ArrowUp" => {
                if now == 0 {
                    last
                } else {
                    now - 1
                }
            }
            "Enter" => {
                event.prevent_default();
                choose.run(now);
                return;
            }
            key if key.eq_ignore_ascii_case("k") && (event.ctrl_key() || event.meta_key()) => {
                event.prevent_default();
                open.set(false);
                return;
            }
            _ => return,
        };
        event.prevent_default();
        at.set(to);
        crate::platform::show(&option_id(to));
    };
    view! {
        <dialog class="dialog palette" node_ref=dialog aria-label="Command palette" on:close=move |_| open.set(false)>
            <input
                class="input palette__input"
                type="text"
                role="combobox"
                aria-label="Search runtimes, versions and actions"
                aria-expanded="true"
                aria-autocomplete="list"
                aria-controls=LIST
                aria-activedescendant=move || entries.with(|entries| !entries.is_empty()).then(|| option_id(at.get()))
                placeholder="A runtime, a version or an action"
                autocomplete="off"
                spellcheck="false"
                autofocus=true
                prop:value=move || text.get()
                on:input=move |event| {
                    text.set(event_target_value(&event));
                    at.set(0);
                    query.reload();
                }
                on:keydown=press
            />
            <ul class="palette__list" id=LIST role="listbox" aria-label="Places and actions">
                {move || {
                    let entries = entries.get().into_iter().enumerate();
                    entries.map(|(index, entry)| option(index, entry, at, choose)).collect_view()
                }}
            </ul>
            <p class="palette__none quiet" role="status">
                {move || match query.error().get() {
                    Some(error) => sentence(&error),
                    None if entries.with(Vec::is_empty) && found.with(|(asked, _)| text.with(|text| text == asked)) => "No matches.".to_owned(),
                    None => String::new(),
                }}
            </p>
        </dialog>
    }
    .into_any()
}

fn option(index: usize, entry: PaletteEntry, at: RwSignal<usize>, choose: Callback<usize>) -> impl IntoView {
    view! {
        <li
            class="palette__option"
            id=option_id(index)
            role="option"
            aria-selected=move || if at.get() == index { "true" } else { "false" }
            on:click=move |_| choose.run(index)
            on:mousemove=move |_| if at.get_untracked() != index { at.set(index) }
        >
            <Icon shape=entry.shape/>
            <span class="palette__label">{entry.label}</span>
            <span class="quiet">{entry.detail}</span>
        </li>
    }
    .into_any()
}

fn option_id(index: usize) -> String {
    format!("palette-{index}")
}

/// The pages that are always there.
fn places(text: &str) -> Vec<PaletteEntry> {
    let place = |label: &str, to: &str| PaletteEntry {
        shape: Shape::ArrowUp,
        label: label.to_owned(),
        detail: "page".to_owned(),
        choice: Choice::Go(to.to_owned()),
    };
    let all = [place("Runtimes", "/"), place("Activity", "/activity")];
    all.into_iter().filter(|place| contains_words(text, &[&place.label])).collect()
}

fn entry(found: SearchResult) -> PaletteEntry {
    let runtime = format!("/runtimes/{}", found.runtime);
    let Some(version) = found.version else {
        let detail = format!("runtime {}", found.runtime);
        return PaletteEntry { shape: Shape::Box, label: found.runtime_name, detail, choice: Choice::Go(runtime) };
    };
    let Some(command) = version.command else {
        return PaletteEntry {
            shape: badge::shape(version.state),
            label: version.name.to_string(),
            detail: format!("{} · {}", version.state, found.runtime_name),
            choice: Choice::Go(format!("{runtime}/versions/{}", version.name)),
        };
    };
    PaletteEntry {
        shape: action_shape(command),
        label: format!("{} {}", verb(command), version.name),
        detail: found.runtime_name,
        choice: Choice::Ask(CommandRequest {
            runtime: found.runtime,
            replaces: found.published.filter(|published| *published != version.name),
            version: version.name,
            state: version.state,
            command,
        }),
    }
}

#[cfg(test)]
mod tests {
    use domain::{Command, MatchedVersion, VersionState};

    use super::*;

    fn found(command: Option<Command>) -> SearchResult {
        SearchResult {
            runtime: "demo".parse().unwrap(),
            runtime_name: "Demo".to_owned(),
            published: Some("v1".parse().unwrap()),
            version: Some(MatchedVersion { name: "v2".parse().unwrap(), state: VersionState::Started, command }),
        }
    }

    #[test]
    fn a_version_is_a_place_and_each_of_its_actions_names_what_it_does() {
        let place = entry(found(None));
        assert_eq!((place.label.as_str(), place.detail.as_str()), ("v2", "started · Demo"));
        assert_eq!(place.choice, Choice::Go("/runtimes/demo/versions/v2".to_owned()));
        let action = entry(found(Some(Command::Publish)));
        assert_eq!(action.label, "Publish v2");
        let Choice::Ask(asked) = action.choice else { panic!("an action is asked") };
        assert_eq!(asked.replaces.unwrap().as_str(), "v1");
    }

    #[test]
    fn the_pages_are_found_by_their_names() {
        assert_eq!(places("").len(), 2);
        assert_eq!(places("acti").len(), 1);
        assert!(places("reviews").is_empty());
    }
}
