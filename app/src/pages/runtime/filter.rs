//! What the list of versions is asked for: by state, by words, with archived ones. All of it is in the address.

use domain::{RuntimeSummary, VersionQuery, VersionState};
use leptos::{ev::SubmitEvent, prelude::*};
use leptos_router::{
    NavigateOptions,
    hooks::{use_navigate, use_query_map},
};

use super::count_of;
use crate::{
    platform,
    route::with_param,
    state::shortcuts::{Keys, use_shortcuts},
    ui::{badge::shape, icon::Icon},
};

const SEARCH: &str = "version-search";

#[component]
pub fn VersionFilter(runtime: RwSignal<RuntimeSummary>, href: String, query: Memo<VersionQuery>) -> impl IntoView {
    let address = use_query_map();
    let navigate = use_navigate();
    let path = StoredValue::new(href.clone());
    use_shortcuts().add(Keys::Single("/"), Callback::new(|()| platform::focus(SEARCH)));
    let search = move |text: String| {
        let to = path.with_value(|path| address.with_untracked(|query| with_param(path, query, "q", text.trim())));
        // Letter by letter: not a step back for each, and not back to the page's top.
        navigate(&to, NavigateOptions { replace: true, scroll: false, ..NavigateOptions::default() });
    };
    let text = query.with_untracked(|query| query.text.clone());
    let state = Memo::new(move |_| query.with(|query| query.state));
    let link = move |to: Option<VersionState>| {
        let target = move || {
            let word = to.map_or("", VersionState::as_str);
            path.with_value(|path| address.with(|query| with_param(path, query, "state", word)))
        };
        let count = Memo::new(move |_| {
            runtime.with(|runtime| match to {
                Some(state) => count_of(runtime, state),
                None => runtime.versions,
            })
        });
        // What nothing is in need not be offered, but what is chosen has to be seen.
        let offered = Memo::new(move |_| to.is_none() || count.get() > 0 || state.get() == to);
        view! {
            <li class:hidden=move || !offered.get()>
                <a class="pill" href=target data-noscroll="" aria-current=move || (state.get() == to).then_some("true")>
                    {to.map(|state| view! { <Icon shape=shape(state)/> })}
                    {to.map_or("all", VersionState::as_str)}
                    <span class="pill__count">{move || count.get()}</span>
                </a>
            </li>
        }
        .into_any()
    };
    let states = VersionState::ALL.into_iter().filter(|state| *state != VersionState::Archived).rev();
    let links: Vec<_> = std::iter::once(None).chain(states.map(Some)).map(link).collect();
    let archived = Memo::new(move |_| runtime.with(|runtime| count_of(runtime, VersionState::Archived)));
    let none = Memo::new(move |_| runtime.with(|runtime| runtime.states.is_empty()));
    view! {
        <div class="filter" class:hidden=move || none.get()>
            <form
                class="filter__search"
                role="search"
                method="get"
                action=href
                on:submit=|event: SubmitEvent| event.prevent_default()
            >
                <label class="visually-hidden" for=SEARCH>"Search the versions"</label>
                <input
                    class="input"
                    type="search"
                    id=SEARCH
                    name="q"
                    value=text
                    placeholder="Name or description"
                    autocomplete="off"
                    on:input=move |event| search(event_target_value(&event))
                />
            </form>
            <ul class="pills" aria-label="By state">{links}</ul>
            {move || (archived.get() > 0).then(|| {
                let shown = query.with(|query| query.archived);
                let text = match shown {
                    true => "Hide archived versions".to_owned(),
                    false => format!("Show {} archived", archived.get()),
                };
                let word = if shown { "" } else { "show" };
                let to = path.with_value(|path| address.with(|query| with_param(path, query, "archived", word)));
                view! { <a class="button button--quiet" href=to data-noscroll="">{text}</a> }
            })}
        </div>
    }
    .into_any()
}
