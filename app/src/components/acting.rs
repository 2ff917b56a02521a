//! Asking for an action from anywhere: a row of a list, the command palette. One dialog for the whole app, one request
//! at a time for each version, and news of what became of it.

use domain::{ApiError, Command, RuntimeId, ServerEvent, VersionName, VersionState, VersionSummary};
use leptos::{prelude::*, task::spawn_local};
use leptos_router::{NavigateOptions, hooks::use_navigate};

use crate::{
    AppError, api,
    components::{
        action_dialog::{ActionDialog, Facts},
        delete_dialog::{Deletable, DeleteDialog},
        toast::{Toasts, Tone},
    },
    error::sentence,
    live::Live,
};

/// What is asked of which version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    pub runtime: RuntimeId,
    pub version: VersionName,
    pub state: VersionState,
    /// The version that publishing this one would replace.
    pub replaces: Option<VersionName>,
    pub command: Command,
}

/// A command on its way or accepted, whose outcome is to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Followed {
    runtime: RuntimeId,
    version: VersionName,
    command: Command,
    accepted: bool,
    /// What an event told before the command's answer came: a quick server's outcome may overtake it.
    early: Option<VersionSummary>,
}

/// In every component's context.
#[derive(Clone, Copy)]
pub struct Acting {
    about: RwSignal<Option<Asked>>,
    command: RwSignal<Option<Command>>,
    deletable: RwSignal<Option<Deletable>>,
    sending: RwSignal<bool>,
    error: RwSignal<Option<AppError>>,
    /// Versions that a request without a dialog is under way for.
    sent: StoredValue<Vec<(RuntimeId, VersionName)>>,
    followed: StoredValue<Vec<Followed>>,
    live: Live,
    toasts: Toasts,
}

impl Acting {
    /// Whether its dialog is to be there.
    pub fn is_asking(self) -> bool {
        self.about.with(Option::is_some) || self.deletable.with(Option::is_some)
    }

    /// Asks the person to type the name of what is to be deleted.
    pub fn ask_to_delete(self, deletable: Deletable) {
        self.error.set(None);
        self.deletable.set(Some(deletable));
    }

    /// `on_done` is called when it was deleted.
    fn delete(self, comment: Option<String>, on_done: Callback<Deletable>) {
        let Some(deletable) = self.deletable.get_untracked() else { return };
        self.sending.set(true);
        self.error.set(None);
        spawn_local(async move {
            let answer = match deletable.clone() {
                Deletable::Version { runtime, version } => api::delete_version(runtime, version, comment).await,
                Deletable::Runtime { runtime, .. } => api::delete_runtime(runtime, comment).await,
            };
            self.sending.set(false);
            // The dialog may have been closed meanwhile.
            let still_asked = self.deletable.with_untracked(|now| now.as_ref() == Some(&deletable));
            match answer {
                Ok(()) => {
                    self.toasts.show(deletable.name().to_owned(), Tone::Good, deletable.done());
                    if still_asked {
                        on_done.run(deletable);
                    }
                }
                Err(error) if still_asked => self.error.set(Some(error)),
                Err(error) => self.toasts.show(deletable.name().to_owned(), Tone::Bad, sentence(&error)),
            }
        });
    }

    /// Asks the person in a dialog first, with room for a comment.
    pub fn ask(self, asked: Asked) {
        self.error.set(None);
        self.about.set(Some(asked.clone()));
        self.command.set(Some(asked.command));
    }

    /// In proportion to harm: a start, which harms nobody, is asked for at once; everything else in a dialog.
    pub fn ask_quickly(self, asked: Asked) {
        if asked.command != Command::Start {
            self.ask(asked);
        } else {
            self.start(asked, Callback::new(|()| ()));
        }
    }

    /// Starts it at once. `refused` is called when the server does not.
    pub fn start(self, asked: Asked, on_refused: Callback<()>) {
        let key = (asked.runtime.clone(), asked.version.clone());
        // Set at once, so that a second click, however quick, finds it.
        if self.sent.with_value(|sent| sent.contains(&key)) {
            return;
        }
        self.sent.update_value(|sent| sent.push(key.clone()));
        self.expect(&asked);
        spawn_local(async move {
            match api::send_command(key.0.clone(), key.1.clone(), Command::Start, None).await {
                Ok(summary) => self.accepted(summary),
                Err(error) => {
                    self.forget(&key.0, &key.1);
                    self.tell(&asked.runtime, &asked.version, Tone::Bad, refused(&asked, &error));
                    on_refused.try_run(());
                }
            }
            self.sent.update_value(|sent| sent.retain(|other| *other != key));
        });
    }

    /// Listens for what becomes of a command from before it is sent.
    fn expect(self, asked: &Asked) {
        // A new command puts an end to whatever the version was about to reach.
        self.forget(&asked.runtime, &asked.version);
        let (runtime, version) = (asked.runtime.clone(), asked.version.clone());
        let followed = Followed { runtime, version, command: asked.command, accepted: false, early: None };
        self.followed.update_value(|all| all.push(followed));
    }

    fn forget(self, runtime: &RuntimeId, version: &VersionName) {
        self.followed.update_value(|all| all.retain(|other| (&other.runtime, &other.version) != (runtime, version)));
    }

    /// Shows what the server has answered, and tells from now on what becomes of it.
    fn accepted(self, answer: VersionSummary) {
        let mut early = None;
        self.followed.update_value(|all| {
            let own = all.iter_mut().find(|other| other.runtime == answer.runtime && other.version == answer.name);
            if let Some(own) = own {
                own.accepted = true;
                early = own.early.take();
            }
        });
        let summary = early.filter(|early| early.revision > answer.revision).unwrap_or(answer);
        let underway =
            matches!(summary.state, VersionState::Starting | VersionState::Publishing | VersionState::Stopping);
        if underway {
            let text = format!("`{}` is {}…", summary.name, summary.state);
            self.tell(&summary.runtime, &summary.name, Tone::Busy, text);
        }
        self.live.tell(&ServerEvent::Version { version: Box::new(summary) });
    }

    fn send(self, comment: Option<String>) {
        let Some(asked) = self.about.get_untracked() else { return };
        if self.sending.get_untracked() {
            return;
        }
        self.sending.set(true);
        self.error.set(None);
        self.expect(&asked);
        spawn_local(async move {
            let answer = api::send_command(asked.runtime.clone(), asked.version.clone(), asked.command, comment).await;
            self.sending.set(false);
            // The dialog may have been closed meanwhile, and another one opened.
            let still_asked = self.command.with_untracked(Option::is_some)
                && self.about.with_untracked(|about| about.as_ref() == Some(&asked));
            if answer.is_err() {
                self.forget(&asked.runtime, &asked.version);
            }
            match answer {
                Ok(summary) => {
                    if still_asked {
                        self.command.set(None);
                    }
                    self.accepted(summary);
                }
                Err(error) if still_asked => self.error.set(Some(error)),
                Err(error) => self.tell(&asked.runtime, &asked.version, Tone::Bad, refused(&asked, &error)),
            }
        });
    }

    fn follow(self, now: &VersionSummary) {
        let mut command = None;
        self.followed.update_value(|all| {
            match all.iter_mut().find(|other| other.runtime == now.runtime && other.version == now.name) {
                Some(own) if own.accepted => command = Some(own.command),
                Some(own) => own.early = Some(now.clone()),
                None => {}
            }
        });
        let Some((tone, text)) = command.and_then(|command| outcome(command, now)) else { return };
        self.forget(&now.runtime, &now.name);
        self.tell(&now.runtime, &now.name, tone, text);
    }

    fn tell(self, runtime: &RuntimeId, version: &VersionName, tone: Tone, text: String) {
        self.toasts.show(format!("{runtime}/{version}"), tone, text);
    }
}

/// What became of a command, once it is known.
fn outcome(command: Command, now: &VersionSummary) -> Option<(Tone, String)> {
    use VersionState as S;
    let (name, state) = (&now.name, now.state);
    match (command, state, &now.failure) {
        (Command::Start, S::Stopped | S::Stopping, Some(failure))
        | (Command::Publish, S::Started | S::Stopped | S::Stopping, Some(failure)) => {
            Some((Tone::Bad, format!("The {command} of `{name}` failed: {}", sentence(&failure.reason))))
        }
        (Command::Start, S::Started | S::Publishing | S::Published, _)
        | (Command::Publish, S::Published, _)
        | (Command::Unpublish, S::Started, _)
        | (Command::Stop, S::Stopped, _)
        | (Command::Archive, S::Archived, _) => Some((Tone::Good, format!("`{name}` is {state} now."))),
        _ => None,
    }
}

fn refused(asked: &Asked, error: &AppError) -> String {
    let what_to_do = match error {
        AppError::Api(ApiError::ConfigIncomplete { .. }) => " Open it to set what is missing.",
        _ => "",
    };
    format!("`{}` was not asked to {}: {}{what_to_do}", asked.version, asked.command, sentence(error))
}

pub fn provide_acting(live: Live, toasts: Toasts) -> Acting {
    let acting = Acting {
        about: RwSignal::new(None),
        command: RwSignal::new(None),
        deletable: RwSignal::new(None),
        sending: RwSignal::new(false),
        error: RwSignal::new(None),
        sent: StoredValue::new(Vec::new()),
        followed: StoredValue::new(Vec::new()),
        live,
        toasts,
    };
    provide_context(acting);
    live.on_event(move |event| {
        if let ServerEvent::Version { version } = event {
            acting.follow(version);
        }
    });
    acting
}

pub fn use_acting() -> Acting {
    expect_context()
}

/// The dialog of [`Acting`]; once in the app, while something is asked.
#[component]
pub fn ActingDialog(acting: Acting) -> impl IntoView {
    let facts = Memo::new(move |_| {
        acting.about.get().map(|about| Facts {
            runtime: about.runtime,
            version: about.version,
            state: about.state,
            replaces: about.replaces,
        })
    });
    let send = Callback::new(move |(_, comment)| acting.send(comment));
    Effect::new(move |_| {
        if acting.command.get().is_none() {
            acting.about.set(None);
        }
    });
    let Acting { deletable, sending, error, .. } = acting;
    let navigate = use_navigate();
    let on_close = Callback::new(move |()| deletable.set(None));
    let on_done = Callback::new(move |done: Deletable| {
        deletable.set(None);
        navigate(&done.place_after(), NavigateOptions::default());
    });
    let on_delete = Callback::new(move |comment| acting.delete(comment, on_done));
    let deleting = move || {
        let deletable = deletable.get()?;
        Some(view! { <DeleteDialog deletable sending error on_send=on_delete on_close/> })
    };
    let commanding = move || {
        let first = facts.get()?;
        let facts = Memo::new(move |_| facts.get().unwrap_or_else(|| first.clone()));
        let command = acting.command;
        Some(view! { <ActionDialog asked=command facts sending error on_send=send/> })
    };
    (deleting, commanding)
}

#[cfg(test)]
mod tests {
    use domain::{Actor, Failure, Health, KrtVersion};

    use super::*;

    fn version(state: VersionState, failed: bool) -> VersionSummary {
        let failure = Failure {
            at: "2026-11-23T04:00:00Z".parse().unwrap(),
            node: None,
            reason: "no such image".to_owned(),
            events: Vec::new(),
            log: Vec::new(),
        };
        VersionSummary {
            runtime: "demo".parse().unwrap(),
            name: "v1".parse().unwrap(),
            description: String::new(),
            krt_version: KrtVersion::V2,
            size_bytes: 1,
            sha256: String::new(),
            created_at: "2026-11-23T04:00:00Z".parse().unwrap(),
            created_by: Actor::local(),
            published_at: None,
            revision: 1,
            state,
            switching: false,
            health: Health::None,
            failure: failed.then_some(failure),
            allowed_actions: Vec::new(),
            waiting: None,
        }
    }

    #[test]
    fn an_outcome_is_told_once_it_is_known_and_not_before() {
        use VersionState as S;
        let told = |command, state, failed| outcome(command, &version(state, failed)).map(|(tone, _)| tone);
        assert_eq!(told(Command::Start, S::Starting, false), None);
        assert_eq!(told(Command::Start, S::Started, false), Some(Tone::Good));
        assert_eq!(told(Command::Start, S::Stopping, true), Some(Tone::Bad));
        assert_eq!(told(Command::Publish, S::Publishing, false), None);
        assert_eq!(told(Command::Publish, S::Published, false), Some(Tone::Good));
        assert_eq!(told(Command::Publish, S::Started, true), Some(Tone::Bad));
        // Its answer, before the entrypoint is switched over.
        assert_eq!(told(Command::Unpublish, S::Published, false), None);
        assert_eq!(told(Command::Stop, S::Stopping, false), None);
        assert_eq!(told(Command::Stop, S::Stopped, false), Some(Tone::Good));
    }
}
