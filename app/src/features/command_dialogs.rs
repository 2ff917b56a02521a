//! The dialogs of [`CommandController`]: before a command, and before something is deleted for good.

use domain::{Command, VersionState};
use leptos::prelude::*;
use leptos_router::{NavigateOptions, hooks::use_navigate};

use crate::{
    features::publish_changes::{PublishChanges, Replacement},
    state::{
        commands::{CommandController, CommandRequest, Pending},
        deletable::Deletable,
    },
    ui::{command::verb, confirm_dialog::ConfirmDialog},
};

/// The one that is asked for.
#[component]
pub fn CommandDialogs(commands: CommandController, pending: Pending) -> impl IntoView {
    match pending {
        Pending::Command(request) => view! { <CommandDialog commands request/> }.into_any(),
        Pending::Deletion(deletable) => view! { <DeleteDialog commands deletable/> }.into_any(),
    }
}

#[component]
fn CommandDialog(commands: CommandController, request: CommandRequest) -> impl IntoView {
    // Only where it may break somebody: the callers of the replaced version.
    let replacement = (request.command == Command::Publish).then(|| request.replaces.clone()).flatten();
    let replacement =
        replacement.map(|from| Replacement { runtime: request.runtime.clone(), from, to: request.version.clone() });
    view! {
        <ConfirmDialog
            open=commands.is_open
            title=format!("{} {}", verb(request.command), request.version)
            text=consequence(&request)
            button=verb(request.command)
            is_danger=request.command == Command::Archive
            comment_hint="Why? The history keeps this comment."
            is_wide=replacement.is_some()
            can_send=true
            sending=commands.sending
            error=commands.error
            on_send=Callback::new(move |comment| commands.send(comment))
            on_close=Callback::new(move |()| commands.close())
        >
            {replacement.map(|replacement| view! { <PublishChanges replacement/> })}
        </ConfirmDialog>
    }
    .into_any()
}

/// The name has to be typed first.
#[component]
fn DeleteDialog(commands: CommandController, deletable: Deletable) -> impl IntoView {
    let typed = RwSignal::new(String::new());
    let name = deletable.name().to_owned();
    let is_right = {
        let name = name.clone();
        Memo::new(move |_| typed.with(|typed| typed.trim() == name))
    };
    let navigate = use_navigate();
    let on_done = Callback::new(move |done: Deletable| navigate(&done.place_after(), NavigateOptions::default()));
    view! {
        <ConfirmDialog
            open=commands.is_open
            title=deletable.title()
            text=deletable.consequence()
            button="Delete"
            is_danger=true
            comment_hint="Why? The activity keeps this comment."
            is_wide=false
            can_send=is_right
            sending=commands.sending
            error=commands.error
            on_send=Callback::new(move |comment| commands.delete(comment, on_done))
            on_close=Callback::new(move |()| commands.close())
        >
            <div class="field">
                <label class="field__label" for="delete-name">"Type "<code>{name}</code>" to confirm"</label>
                <input
                    id="delete-name"
                    class="input"
                    type="text"
                    autocomplete="off"
                    autocapitalize="none"
                    spellcheck="false"
                    prop:value=move || typed.get()
                    on:input=move |event| typed.set(event_target_value(&event))
                />
            </div>
        </ConfirmDialog>
    }
    .into_any()
}

/// What will happen, before it does.
fn consequence(request: &CommandRequest) -> String {
    let version = &request.version;
    match (request.command, &request.replaces, request.state) {
        (Command::Start, ..) => {
            format!(
                "Creates the nodes and the entrypoint of {version} in the cluster. It is not reachable from outside \
                until you publish it."
            )
        }
        (Command::Stop, _, VersionState::Starting) => {
            format!("Cancels the start and removes everything that {version} has in the cluster.")
        }
        (Command::Stop, ..) => {
            format!(
                "Removes everything that {version} has in the cluster. Its configuration, its history and its key-value \
                buckets are kept."
            )
        }
        (Command::Publish, Some(other), _) => {
            format!("Replaces {other}. Requests from outside will reach {version}, and {other} stays started.")
        }
        (Command::Publish, None, _) => {
            format!("No version is published now. Requests from outside will reach {version}.")
        }
        (Command::Unpublish, ..) => {
            format!("Requests from outside will no longer reach any version of this runtime. {version} stays started.")
        }
        (Command::Archive, ..) => {
            format!(
                "{version} is kept for reference and hidden by default. It can never be started again. Its key-value \
                buckets are deleted."
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn publishing_names_the_version_that_is_replaced() {
        let request = |replaces: Option<&str>| CommandRequest {
            runtime: "demo".parse().unwrap(),
            version: "v2".parse().unwrap(),
            state: VersionState::Started,
            replaces: replaces.map(|name| name.parse().unwrap()),
            command: Command::Publish,
        };
        assert!(consequence(&request(Some("v1"))).contains("v1"));
        assert!(consequence(&request(None)).contains("No version is published"));
    }
}
