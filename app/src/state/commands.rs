//! Asking for an action from anywhere: a row of a list, the command palette. One dialog for the whole app, one request
//! at a time for each version, and news of what became of it.

use domain::{ApiError, Command, RuntimeId, ServerEvent, VersionName, VersionState, VersionSummary};
use leptos::{prelude::*, task::spawn_local};

use crate::{
    AppError, api,
    error::sentence,
    format,
    state::{
        deletable::Deletable,
        live::Live,
        toasts::{Toasts, Tone},
    },
};

/// How much of a failure's reason is news. All of it is on the version's page.
const MAX_REASON_CHARS: usize = 120;

/// A command for a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandRequest {
    pub runtime: RuntimeId,
    pub version: VersionName,
    pub state: VersionState,
    /// The version that publishing this one would replace.
    pub replaces: Option<VersionName>,
    pub command: Command,
}

/// The request that a dialog asks the person to confirm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pending {
    Command(CommandRequest),
    Deletion(Deletable),
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
pub struct CommandController {
    pending: RwSignal<Option<Pending>>,
    /// Whether the dialog about it is to be open.
    pub is_open: RwSignal<bool>,
    pub sending: RwSignal<bool>,
    /// Why the server refused the dialog's request.
    pub error: RwSignal<Option<AppError>>,
    /// Versions that a request without a dialog is under way for.
    sent: StoredValue<Vec<(RuntimeId, VersionName)>>,
    followed: StoredValue<Vec<Followed>>,
    live: Live,
    toasts: Toasts,
}

impl CommandController {
    /// The request that waits for the person's confirmation.
    pub fn pending(self) -> Signal<Option<Pending>> {
        self.pending.into()
    }

    fn is_pending(self, what: &Pending) -> bool {
        self.pending.with_untracked(|pending| pending.as_ref() == Some(what))
    }

    fn open(self, what: Pending) {
        self.error.set(None);
        self.pending.set(Some(what));
        self.is_open.set(true);
    }

    /// Called when the dialog has been closed.
    pub fn close(self) {
        self.is_open.set(false);
        self.pending.set(None);
    }

    /// Asks the person in a dialog first, with room for a comment.
    pub fn ask(self, request: CommandRequest) {
        self.open(Pending::Command(request));
    }

    /// Asks the person to type the name of what is to be deleted.
    pub fn ask_to_delete(self, deletable: Deletable) {
        self.open(Pending::Deletion(deletable));
    }

    /// `on_done` is called when it was deleted, unless the dialog has been closed meanwhile.
    pub fn delete(self, comment: Option<String>, on_done: Callback<Deletable>) {
        let Some(Pending::Deletion(deletable)) = self.pending.get_untracked() else { return };
        self.sending.set(true);
        self.error.set(None);
        spawn_local(async move {
            let answer = match deletable.clone() {
                Deletable::Version { runtime, version } => api::delete_version(runtime, version, comment).await,
                Deletable::Runtime { runtime, .. } => api::delete_runtime(runtime, comment).await,
            };
            self.sending.set(false);
            let still_asked = self.is_pending(&Pending::Deletion(deletable.clone()));
            match answer {
                Ok(()) => {
                    self.toasts.show(deletable.name().to_owned(), Tone::Good, deletable.done());
                    if still_asked {
                        self.is_open.set(false);
                        on_done.run(deletable);
                    }
                }
                Err(error) if still_asked => self.error.set(Some(error)),
                Err(error) => self.toasts.show(deletable.name().to_owned(), Tone::Bad, sentence(&error)),
            }
        });
    }

    /// In proportion to harm: a start, which harms nobody, is asked for at once; everything else in a dialog.
    pub fn ask_quickly(self, asked: CommandRequest) {
        if asked.command != Command::Start {
            self.ask(asked);
        } else {
            self.start(asked, Callback::new(|()| ()));
        }
    }

    /// Starts it at once. `refused` is called when the server does not.
    pub fn start(self, asked: CommandRequest, on_refused: Callback<()>) {
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
    fn expect(self, asked: &CommandRequest) {
        // A new command puts an end to whatever the version was about to reach.
        self.forget(&asked.runtime, &asked.version);
        let (runtime, version) = (asked.runtime.clone(), asked.version.clone());
        let followed = Followed { runtime, version, command: asked.command, accepted: false, early: None };
        self.followed.update_value(|all| all.push(followed));
    }

    fn forget(self, runtime: &RuntimeId, version: &VersionName) {
        self.followed.update_value(|all| all.retain(|other| (&other.runtime, &other.version) != (runtime, version)));
    }

    /// Shows the server's answer, and announces the outcome when it comes.
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
        self.live.dispatch(&ServerEvent::Version(Box::new(summary)));
    }

    /// Sends the command that the dialog is about.
    pub fn send(self, comment: Option<String>) {
        let Some(Pending::Command(request)) = self.pending.get_untracked() else { return };
        if self.sending.get_untracked() {
            return;
        }
        self.sending.set(true);
        self.error.set(None);
        self.expect(&request);
        spawn_local(async move {
            let CommandRequest { runtime, version, command, .. } = request.clone();
            let answer = api::send_command(runtime.clone(), version.clone(), command, comment).await;
            self.sending.set(false);
            // The dialog may have been closed meanwhile, and another one opened.
            let still_asked = self.is_pending(&Pending::Command(request.clone()));
            match answer {
                Ok(summary) => {
                    if still_asked {
                        self.is_open.set(false);
                    }
                    self.accepted(summary);
                }
                Err(error) => {
                    self.forget(&runtime, &version);
                    match still_asked {
                        true => self.error.set(Some(error)),
                        false => self.tell(&runtime, &version, Tone::Bad, refused(&request, &error)),
                    }
                }
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
            let why = format::shortened(&sentence(&failure.reason), MAX_REASON_CHARS);
            Some((Tone::Bad, format!("The {command} of `{name}` failed: {why}")))
        }
        (Command::Start, S::Started | S::Publishing | S::Published, _)
        | (Command::Publish, S::Published, _)
        | (Command::Unpublish, S::Started, _)
        | (Command::Stop, S::Stopped, _)
        | (Command::Archive, S::Archived, _) => Some((Tone::Good, format!("`{name}` is now {state}."))),
        _ => None,
    }
}

fn refused(asked: &CommandRequest, error: &AppError) -> String {
    let what_to_do = match error {
        AppError::Api(ApiError::ConfigIncomplete { .. }) => " Open it to set what is missing.",
        _ => "",
    };
    format!("Could not {} `{}`: {}{what_to_do}", asked.command, asked.version, sentence(error))
}

pub fn provide_commands(live: Live, toasts: Toasts) -> CommandController {
    let commands = CommandController {
        pending: RwSignal::new(None),
        is_open: RwSignal::new(false),
        sending: RwSignal::new(false),
        error: RwSignal::new(None),
        sent: StoredValue::new(Vec::new()),
        followed: StoredValue::new(Vec::new()),
        live,
        toasts,
    };
    provide_context(commands);
    live.on_event(move |event| {
        if let ServerEvent::Version(version) = event {
            commands.follow(version);
        }
    });
    commands
}

pub fn use_commands() -> CommandController {
    expect_context()
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
            created_by: Actor::Local,
            published_at: None,
            revision: 1,
            state,
            switching: false,
            health: Health::None,
            failure: failed.then_some(failure),
            allowed_actions: Vec::new(),
            waiting: None,
            missing_values: 0,
        }
    }

    #[test]
    fn the_news_of_a_failure_is_short_however_long_its_reason_is() {
        let mut failed = version(VersionState::Stopped, true);
        failed.failure.as_mut().unwrap().reason = "rpc error: not found: ".repeat(40);
        let (_, text) = outcome(Command::Start, &failed).unwrap();
        assert!(text.chars().count() < 170 && text.ends_with('…'), "{text}");
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
