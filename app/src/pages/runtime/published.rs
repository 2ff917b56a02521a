//! What requests from outside reach now, and the way back to what they reached before.

use domain::{Command, RuntimeSummary, VersionName, VersionState, VersionSummary};
use leptos::prelude::*;

use crate::{
    features::time::{Elapsed, RelativeTime},
    state::commands::{CommandRequest, use_commands},
    ui::{
        address::CopyAddress,
        badge::HealthBadge,
        icon::{Icon, Shape},
    },
};

#[component]
pub fn Published(
    runtime: RwSignal<RuntimeSummary>,
    published: RwSignal<Option<VersionSummary>>,
    previous: RwSignal<Option<VersionSummary>>,
) -> impl IntoView {
    let name = Memo::new(move |_| published.with(|version| version.as_ref().map(|version| version.name.clone())));
    let since = Memo::new(move |_| published.with(|version| version.as_ref().and_then(|version| version.published_at)));
    let health = Memo::new(move |_| {
        published.with(|version| version.as_ref().map_or(domain::Health::None, |version| version.health.clone()))
    });
    let nothing_yet = Memo::new(move |_| runtime.with(|runtime| runtime.versions == 0));
    let base = runtime.with_untracked(|runtime| format!("/runtimes/{}/versions", runtime.id));
    view! {
        <section class="published" aria-labelledby="published-title" class:hidden=move || nothing_yet.get()>
            <div class="published__now">
                <h2 id="published-title" class="published__title">"Published"</h2>
                {move || match name.get() {
                    Some(name) => view! {
                        <p class="published__version">
                            <span class="badge" data-tone="accent"><Icon shape=Shape::Globe/>"published"</span>
                            <a href=format!("{base}/{name}")><strong>{name.to_string()}</strong></a>
                            <HealthBadge health/>
                            {move || since.get().map(|since| view! {
                                <span class="quiet">"live for "<Elapsed since/></span>
                            })}
                        </p>
                        <p><CopyAddress at=runtime.with_untracked(|runtime| runtime.host.clone())/></p>
                    }.into_any(),
                    None => view! {
                        <p class="quiet">"No version is published. Publish one to make it reachable from outside."</p>
                    }.into_any(),
                }}
            </div>
            <Rollback name previous/>
        </section>
    }
    .into_any()
}

/// Back to the version that was published before: by a publish when it is started, else by a start and then a publish,
/// which this page asks for when the version has become started.
#[component]
fn Rollback(name: Memo<Option<VersionName>>, previous: RwSignal<Option<VersionSummary>>) -> impl IntoView {
    let commands = use_commands();
    let asked = move |version: &VersionSummary, command| CommandRequest {
        runtime: version.runtime.clone(),
        version: version.name.clone(),
        state: version.state,
        replaces: name.get_untracked().filter(|name| *name != version.name),
        command,
    };
    // The version that is to be published when it is started.
    let waiting_for = RwSignal::new(None::<VersionName>);
    Effect::new(move |_| {
        let Some(version) = previous.get() else { return };
        if waiting_for.with(|name| name.as_ref() != Some(&version.name)) {
            return;
        }
        match version.state {
            VersionState::Started => {
                waiting_for.set(None);
                commands.ask(asked(&version, Command::Publish));
            }
            // Its failure is told by the row and by the news.
            VersionState::Stopped | VersionState::Stopping if version.failure.is_some() => waiting_for.set(None),
            _ => {}
        }
    });
    // Only these matter; anything else would draw the button anew under the pointer.
    let shown = Memo::new(move |_| {
        let version = previous.get()?;
        let waits = waiting_for.with(|waiting| waiting.as_ref() == Some(&version.name));
        let (text, command) = match version.state {
            VersionState::Started => (format!("Roll back to {}", version.name), Some(Command::Publish)),
            VersionState::Stopped if !waits => (format!("Start and publish {}", version.name), Some(Command::Start)),
            _ if waits => {
                (format!("Starting {}. When it has started, a dialog asks you to publish it.", version.name), None)
            }
            _ => return None,
        };
        let command = command.filter(|_| !version.switching);
        Some((text, command, waits, version.published_at))
    });
    move || {
        let (text, command, waits, at) = shown.get()?;
        let press = move |_| {
            let Some(version) = previous.get_untracked() else { return };
            match command {
                Some(Command::Start) => {
                    waiting_for.set(Some(version.name.clone()));
                    let refused = Callback::new(move |()| waiting_for.set(None));
                    commands.start(asked(&version, Command::Start), refused);
                }
                Some(command) => commands.ask(asked(&version, command)),
                None => {}
            }
        };
        let action = match (waits, command) {
            (true, _) => view! {
                <p role="status">{text}</p>
                <button type="button" class="button button--quiet" on:click=move |_| waiting_for.set(None)>
                    "Do not publish"
                </button>
            }
            .into_any(),
            (false, Some(_)) => view! {
                <button type="button" class="button" on:click=press><Icon shape=Shape::Back/>{text}</button>
            }
            .into_any(),
            (false, None) => return None,
        };
        Some(view! {
            <div class="published__before">
                {action}
                {at.map(|at| view! { <p class="quiet">"Last published: "<RelativeTime at/></p> })}
            </div>
        })
    }
}
