//! The dialog before an action: what it will do, an optional comment, and the server's refusal if there is one.

use domain::{Command, RuntimeId, VersionName, VersionState};
use leptos::{ev::SubmitEvent, html, prelude::*};

use crate::{
    AppError,
    components::{
        prose::prose,
        publish_changes::{PublishChanges, Takeover},
    },
    error::sentence,
};

/// What the dialog's words depend on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    pub runtime: RuntimeId,
    pub version: VersionName,
    pub state: VersionState,
    /// The version that publishing this one would replace.
    pub replaces: Option<VersionName>,
}

/// Open while `asked` holds a command. `on_send` gets it with the comment; whoever sends empties `asked` when it went
/// well, and sets `error` when it did not.
#[component]
pub fn ActionDialog(
    asked: RwSignal<Option<Command>>,
    facts: Memo<Facts>,
    sending: RwSignal<bool>,
    error: RwSignal<Option<AppError>>,
    on_send: Callback<(Command, Option<String>)>,
) -> impl IntoView {
    let dialog = NodeRef::<html::Dialog>::new();
    let comment = RwSignal::new(String::new());
    // What was asked last, so that the words do not vanish before the dialog does.
    let command = RwSignal::new(Command::Start);
    Effect::new(move |_| {
        let Some(dialog) = dialog.get() else { return };
        match asked.get() {
            Some(now) if !dialog.open() => {
                command.set(now);
                comment.set(String::new());
                // Fails only when it is open already. The browser gives the focus back when it is closed.
                let _ = dialog.show_modal();
            }
            Some(_) => {}
            None if dialog.open() => dialog.close(),
            None => {}
        }
    });
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let text = comment.get_untracked();
        let text = text.trim();
        on_send.run((command.get_untracked(), (!text.is_empty()).then(|| text.to_owned())));
    };
    // Only where there is somebody whom it may harm: those who call the version that steps back.
    let takeover = Memo::new(move |_| {
        (asked.get() == Some(Command::Publish)).then(|| facts.get()).and_then(|facts| {
            let Facts { runtime, version: to, replaces, .. } = facts;
            replaces.map(|from| Takeover { runtime, from, to })
        })
    });
    let title = move || format!("{} {}", verb(command.get()), facts.with(|facts| facts.version.to_string()));
    view! {
        <dialog
            class="dialog"
            class:dialog--wide=move || takeover.with(Option::is_some)
            node_ref=dialog
            aria-labelledby="action-title"
            aria-describedby="action-text"
            on:close=move |_| asked.set(None)
        >
            <form class="dialog__form" on:submit=submit>
                <h2 id="action-title">{title}</h2>
                <p id="action-text">{move || facts.with(|facts| consequence(command.get(), facts))}</p>
                <PublishChanges takeover=takeover/>
                <div class="field">
                    <label class="field__label" for="action-comment">"Comment "<span class="quiet">"(optional)"</span></label>
                    <textarea
                        id="action-comment"
                        class="input"
                        rows="2"
                        maxlength="1000"
                        placeholder="Why? It is kept in the history."
                        prop:value=move || comment.get()
                        on:input=move |event| comment.set(event_target_value(&event))
                    ></textarea>
                </div>
                {move || error.get().map(|error| view! { <p class="form__error" role="alert">{prose(&sentence(&error))}</p> })}
                <div class="dialog__buttons">
                    <button type="button" class="button" on:click=move |_| asked.set(None)>"Cancel"</button>
                    <button
                        type="submit"
                        class="button button--primary"
                        class:button--danger=move || command.get() == Command::Archive
                        aria-disabled=move || if sending.get() { "true" } else { "false" }
                    >
                        {move || match sending.get() {
                            true => "Sending…",
                            false => verb(command.get()),
                        }}
                    </button>
                </div>
            </form>
        </dialog>
    }
    .into_any()
}

/// What a button for the command says.
pub fn verb(command: Command) -> &'static str {
    match command {
        Command::Start => "Start",
        Command::Stop => "Stop",
        Command::Publish => "Publish",
        Command::Unpublish => "Unpublish",
        Command::Archive => "Archive",
    }
}

/// What will happen, before it does.
fn consequence(command: Command, facts: &Facts) -> String {
    let version = &facts.version;
    match (command, &facts.replaces, facts.state) {
        (Command::Start, ..) => {
            format!(
                "The nodes and the entrypoint of {version} are created in the cluster. It is not reachable from \
                outside until it is published."
            )
        }
        (Command::Stop, _, VersionState::Starting) => {
            format!("The start is cancelled, and what {version} has in the cluster so far is removed.")
        }
        (Command::Stop, ..) => {
            format!("All that {version} has in the cluster is removed. Its configuration and its history stay.")
        }
        (Command::Publish, Some(other), _) => {
            format!(
                "It takes the place of {other}: requests from outside then reach {version}, and {other} stays \
                started."
            )
        }
        (Command::Publish, None, _) => {
            format!("No version is published now. Requests from outside will reach {version}.")
        }
        (Command::Unpublish, ..) => {
            format!("Requests from outside no longer reach any version of this runtime. {version} stays started.")
        }
        (Command::Archive, ..) => {
            format!("{version} is kept for the record and hidden by default. It can never be started again.")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn publishing_names_the_version_that_steps_back() {
        let facts = |replaces: Option<&str>| Facts {
            runtime: "demo".parse().unwrap(),
            version: "v2".parse().unwrap(),
            state: VersionState::Started,
            replaces: replaces.map(|name| name.parse().unwrap()),
        };
        assert!(consequence(Command::Publish, &facts(Some("v1"))).contains("place of v1"));
        assert!(consequence(Command::Publish, &facts(None)).contains("No version is published"));
    }
}
