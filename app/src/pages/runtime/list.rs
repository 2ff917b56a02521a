//! The versions that are listed, and more of them on demand.

use domain::{VersionName, VersionQuery, VersionSummary};
use leptos::prelude::*;

use super::Versions;
use crate::{
    features::version_row::VersionRow,
    state::commands::{CommandController, CommandRequest},
    ui::icon::{Icon, Shape},
};

#[component]
pub fn List(
    versions: Versions,
    query: Memo<VersionQuery>,
    added: RwSignal<Option<VersionName>>,
    commands: CommandController,
) -> impl IntoView {
    let list = versions.list;
    let none = Memo::new(move |_| list.is_empty());
    let filtered = move || query.with(|query| query.state.is_some() || !query.text.is_empty());
    let ask = Callback::new(move |(version, command): (VersionSummary, domain::Command)| {
        let published = versions.published.with_untracked(|published| published.as_ref().map(|p| p.name.clone()));
        commands.ask_quickly(CommandRequest {
            runtime: version.runtime,
            state: version.state,
            replaces: published.filter(|published| *published != version.name),
            version: version.name,
            command,
        });
    });
    view! {
        {move || none.get().then(|| match filtered() {
            true => view! { <p class="blank">"No matching versions."</p> }.into_any(),
            false => view! {
                <div class="blank">
                    <Icon shape=Shape::Upload/>
                    <p>"No versions yet. Drop a .krt file here, or press "<strong>"Add version"</strong>"."</p>
                </div>
            }.into_any(),
        })}
        <div class="table-box"><table class="table" class:hidden=move || none.get()>
            <thead>
                <tr>
                    <th scope="col">"State"</th>
                    <th scope="col">"Name"</th>
                    <th scope="col">"Description"</th>
                    <th scope="col" class="row__lesser">"KRT"</th>
                    <th scope="col" class="number row__lesser">"Size"</th>
                    <th scope="col">"Created"</th>
                    <th scope="col">"Published"</th>
                    <th scope="col">"Actions"</th>
                </tr>
            </thead>
            <tbody>
                <For each=move || list.entries() key=|entry| entry.key.clone() let(entry)>
                    {
                        let is_new = Signal::derive(move || {
                            added.with(|added| added.as_ref().is_some_and(|added| added.as_str() == entry.key))
                        });
                        view! { <VersionRow version=entry.value is_new on_ask=ask/> }
                    }
                </For>
            </tbody>
        </table></div>
    }
    .into_any()
}

/// How much of the list is shown, and the rest on demand.
#[component]
pub fn More(versions: Versions, limit: RwSignal<u32>) -> impl IntoView {
    let hidden = Memo::new(move |_| {
        versions.matching.get().saturating_sub(u32::try_from(versions.list.len()).unwrap_or(u32::MAX))
    });
    move || {
        (hidden.get() > 0).then(|| {
            view! {
                <p class="more">
                    <button
                        type="button"
                        class="button"
                        on:click=move |_| limit.update(|limit| *limit += VersionQuery::PAGE)
                    >
                        {move || format!("Show {} more", hidden.get().min(VersionQuery::PAGE))}
                    </button>
                    <span class="quiet">
                        {move || format!("Showing {} of {}", versions.list.len(), versions.matching.get())}
                    </span>
                </p>
            }
        })
    }
}
