//! Adding a version: what a person picked or dropped is checked here, shown, sent when they want it, and the server's
//! answer told.

mod answer;

use std::{collections::BTreeSet, sync::Arc};

use domain::{
    CheckFailure, CheckMessage, FileCheck, InheritedValue, Problem, RuntimeId, VersionName, access::Permission,
};
use leptos::{logging, prelude::*, task::spawn_local};

use crate::{
    AppError, api,
    platform::{self, Checking, File, Held, Sending, UploadOutcome},
    state::access::{Access, use_access},
};
use answer::{read_answer, refusal};

/// How far one upload is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UploadState {
    Idle,
    /// A worker of this page reads the file; nothing is sent.
    Reading {
        file: String,
        size_bytes: u64,
        read_bytes: u64,
    },
    /// It was checked, nothing has been sent, and the person decides.
    Review {
        file: String,
        size_bytes: u64,
        check: Arc<FileCheck>,
    },
    /// It cannot be checked here, and the person decides.
    Unchecked {
        file: String,
        size_bytes: u64,
    },
    Sending {
        file: String,
        size_bytes: u64,
        sent_bytes: u64,
    },
    /// All bytes have left; the server reads the file.
    Checking {
        file: String,
    },
    Refused {
        file: String,
        message: String,
        problems: Vec<Problem>,
    },
    Added {
        version: VersionName,
    },
}

impl UploadState {
    /// Whether another file has to wait. One that is only being looked at gives way to it.
    pub fn under_way(&self) -> bool {
        matches!(self, Self::Sending { .. } | Self::Checking { .. })
    }
}

/// How a checked file relates to its runtime; loaded while the person reads.
#[derive(Clone, Copy)]
pub struct UploadContext {
    /// Whether it has a version of that name; none while it is not known.
    pub taken: RwSignal<Option<bool>>,
    /// The values it would inherit from other versions; none while they are not known.
    pub inherited: RwSignal<Option<Result<Vec<InheritedValue>, AppError>>>,
    /// Names of the values that the person does not want to inherit.
    pub skipped: RwSignal<BTreeSet<String>>,
}

/// One page's upload; at most one is under way.
#[derive(Clone, Copy)]
pub struct Upload {
    pub state: RwSignal<UploadState>,
    pub context: UploadContext,
    runtime: StoredValue<RuntimeId>,
    /// The file that is checked or waits to be sent.
    picked: Held<File>,
    /// Dropped with the page, which ends it.
    checking: Held<Checking>,
    /// Grows with every file, so that late messages about an earlier one are ignored.
    attempt: StoredValue<u32>,
    sending: Held<Sending>,
    on_added: Callback<VersionName>,
    access: Access,
}

impl Upload {
    pub fn new(runtime: &RuntimeId, on_added: Callback<VersionName>) -> Self {
        Self {
            state: RwSignal::new(UploadState::Idle),
            context: UploadContext {
                taken: RwSignal::new(None),
                inherited: RwSignal::new(None),
                skipped: RwSignal::new(BTreeSet::new()),
            },
            runtime: StoredValue::new(runtime.clone()),
            picked: Held::default(),
            checking: Held::default(),
            attempt: StoredValue::new(0),
            sending: Held::default(),
            on_added,
            access: use_access(),
        }
    }

    /// Why somebody may not add versions, if so.
    pub fn denied(self) -> Memo<Option<String>> {
        Memo::new(move |_| self.runtime.with_value(|own| self.access.why_not(Permission::Upload, Some(own))))
    }

    /// Checks what was picked or dropped, or says at once why not. It takes the place of a file that has not been sent;
    /// while one is being sent it does nothing.
    pub fn take(self, files: Vec<File>) {
        let denied = untrack(|| self.runtime.with_value(|own| self.access.why_not(Permission::Upload, Some(own))));
        if self.state.with_untracked(UploadState::under_way) || denied.is_some() {
            return;
        }
        match files.as_slice() {
            [] => {}
            [file] => self.check(file),
            [first, ..] => {
                self.forget_file();
                let message = format!("You selected {} files. Add one at a time.", files.len());
                self.state.set(UploadState::Refused { file: first.name(), message, problems: Vec::new() });
            }
        }
    }

    /// Sends the file that was looked at. Does nothing when there is none or it has an error, so also not twice.
    pub fn send(self) {
        let wanted = self.state.with_untracked(|state| match state {
            UploadState::Review { check, .. } => check.content.is_some(),
            UploadState::Unchecked { .. } => true,
            _ => false,
        });
        if let Some(file) = wanted.then(|| self.picked.take()).flatten() {
            self.transmit(&file);
        }
    }

    /// Ends the check, puts the file aside, or stops sending. What has arrived is thrown away by the server.
    pub fn cancel(self) {
        if self.sending.with(Sending::cancel).is_none() {
            self.dismiss();
        }
    }

    /// Takes the outcome off the page.
    pub fn dismiss(self) {
        self.forget_file();
        self.state.set(UploadState::Idle);
    }

    fn forget_file(self) {
        self.attempt.update_value(|attempt| *attempt = attempt.wrapping_add(1));
        self.checking.clear();
        self.picked.clear();
        // All of this was about the previous file.
        self.context.taken.set(None);
        self.context.inherited.set(None);
        self.context.skipped.set(BTreeSet::new());
    }

    fn check(self, file: &File) {
        self.forget_file();
        let (name, size_bytes) = (file.name(), file.size());
        if let Some(message) = refusal(&name, size_bytes) {
            self.state.set(UploadState::Refused { file: name, message, problems: Vec::new() });
            return;
        }
        let attempt = self.attempt.get_value();
        self.picked.set(file.clone());
        self.state.set(UploadState::Reading { file: name.clone(), size_bytes, read_bytes: 0 });
        let file = name.clone();
        let on_message = move |news| {
            if self.attempt.try_get_value() == Some(attempt) {
                self.on_message(&file, size_bytes, news);
            }
        };
        let begun = self.picked.with(|picked| platform::check_file(picked, on_message)).flatten();
        match begun {
            Some(checking) => self.checking.set(checking),
            None => self.state.set(UploadState::Unchecked { file: name, size_bytes }),
        }
    }

    fn on_message(self, file: &str, size_bytes: u64, news: CheckMessage) {
        let file = file.to_owned();
        self.state.try_set(match news {
            CheckMessage::Read(read_bytes) => UploadState::Reading { file, size_bytes, read_bytes },
            CheckMessage::Done(check) => {
                if let Some(content) = &check.content {
                    self.look_around(content.version.clone());
                }
                UploadState::Review { file, size_bytes, check: Arc::new(*check) }
            }
            CheckMessage::Failed(CheckFailure::Unreadable) => {
                let message = "The file can no longer be read. It was changed, moved or removed after you picked it, \
                    or its disk is no longer connected. Pick it again.";
                UploadState::Refused { file, message: message.to_owned(), problems: Vec::new() }
            }
            CheckMessage::Failed(CheckFailure::Broken(why)) => {
                logging::log!("the check of {file} broke: {why}");
                UploadState::Unchecked { file, size_bytes }
            }
        });
    }

    /// Asks for what the person should know before the file is sent. Nothing waits for it: the server decides.
    fn look_around(self, version: VersionName) {
        let UploadContext { taken, inherited, .. } = self.context;
        let (Some(attempt), Some(runtime)) = (self.attempt.try_get_value(), self.runtime.try_get_value()) else {
            return;
        };
        spawn_local(async move {
            let is_taken = api::name_taken(runtime.clone(), version).await.ok();
            if self.attempt.try_get_value() != Some(attempt) {
                return;
            }
            taken.try_set(is_taken);
            let values = api::carry_over(runtime).await;
            if self.attempt.try_get_value() == Some(attempt) {
                inherited.try_set(Some(values));
            }
        });
    }

    fn transmit(self, file: &File) {
        let (name, size_bytes) = (file.name(), file.size());
        self.state.set(UploadState::Sending { file: name.clone(), size_bytes, sent_bytes: 0 });
        let progressing = name.clone();
        let on_progress = move |sent_bytes| {
            let file = progressing.clone();
            self.state.try_set(match sent_bytes < size_bytes {
                true => UploadState::Sending { file, size_bytes, sent_bytes },
                false => UploadState::Checking { file },
            });
        };
        let ending = name.clone();
        let on_end = move |sent| self.end(&ending, sent);
        match platform::send_file(file, &self.url(), on_progress, on_end) {
            Some(sending) => self.sending.set(sending),
            None => self.end(&name, UploadOutcome::Broken),
        }
    }

    fn url(self) -> String {
        let base = self.runtime.with_value(|runtime| format!("/api/v1/runtimes/{runtime}/versions"));
        // Names of variables and files need no escaping (docs/krt.md §2.3).
        let skipped =
            self.context.skipped.with_untracked(|skipped| skipped.iter().cloned().collect::<Vec<_>>().join(","));
        if skipped.is_empty() { base } else { format!("{base}?fresh={skipped}") }
    }

    fn end(self, file: &str, sent: UploadOutcome) {
        self.sending.clear();
        let file = file.to_owned();
        let state = match sent {
            UploadOutcome::Cancelled => UploadState::Idle,
            UploadOutcome::Broken => {
                let message = "The connection broke before the server answered. Check that the server is running and \
                    that the file has not changed, then try again.";
                UploadState::Refused { file, message: message.to_owned(), problems: Vec::new() }
            }
            UploadOutcome::Answered(status, body) => match read_answer(status, &body) {
                Ok(version) => UploadState::Added { version },
                Err((message, problems)) => UploadState::Refused { file, message, problems },
            },
        };
        if let UploadState::Added { version } = &state {
            self.on_added.try_run(version.clone());
        }
        self.state.try_set(state);
    }
}
