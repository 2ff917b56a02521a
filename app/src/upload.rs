//! Adding a version: what a person picked or dropped is checked, sent, and its answer told.

use domain::{Problem, RuntimeId, VersionName};
use leptos::prelude::*;
use serde::Deserialize;

use crate::{
    browser::{self, File, Sending, Sent},
    error::sentence,
};

/// How far one upload is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UploadState {
    Idle,
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
    pub fn under_way(&self) -> bool {
        matches!(self, Self::Sending { .. } | Self::Checking { .. })
    }
}

/// One page's upload; at most one is under way.
#[derive(Clone, Copy)]
pub struct Upload {
    pub state: RwSignal<UploadState>,
    url: StoredValue<String>,
    sending: StoredValue<Option<Sending>, LocalStorage>,
    on_added: Callback<VersionName>,
}

impl Upload {
    pub fn new(runtime: &RuntimeId, on_added: Callback<VersionName>) -> Self {
        Self {
            state: RwSignal::new(UploadState::Idle),
            url: StoredValue::new(format!("/api/v1/runtimes/{runtime}/versions")),
            sending: StoredValue::new_local(None),
            on_added,
        }
    }

    /// Sends what was picked or dropped, or says at once why not. Does nothing while another is under way.
    pub fn take(self, files: Vec<File>) {
        if self.state.with_untracked(UploadState::under_way) {
            return;
        }
        match files.as_slice() {
            [] => {}
            [file] => self.send(file),
            [first, ..] => {
                let message = format!("These are {} files. Add one at a time.", files.len());
                self.state.set(UploadState::Refused { file: first.name(), message, problems: Vec::new() });
            }
        }
    }

    /// Stops sending. What has arrived is thrown away by the server.
    pub fn cancel(self) {
        self.sending.with_value(|sending| {
            if let Some(sending) = sending {
                sending.cancel();
            }
        });
    }

    /// Takes the outcome off the page.
    pub fn dismiss(self) {
        self.state.set(UploadState::Idle);
    }

    fn send(self, file: &File) {
        let (name, size_bytes) = (file.name(), file.size());
        if let Some(message) = refusal(&name, size_bytes) {
            self.state.set(UploadState::Refused { file: name, message, problems: Vec::new() });
            return;
        }
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
        let url = self.url.get_value();
        match browser::send_file(file, &url, on_progress, on_end) {
            Some(sending) => self.sending.set_value(Some(sending)),
            None => self.end(&name, Sent::Broken),
        }
    }

    fn end(self, file: &str, sent: Sent) {
        self.sending.try_set_value(None);
        let file = file.to_owned();
        let state = match sent {
            Sent::Cancelled => UploadState::Idle,
            Sent::Broken => {
                let message = "The connection broke before the server answered. Check that it runs, then try again.";
                UploadState::Refused { file, message: message.to_owned(), problems: Vec::new() }
            }
            Sent::Answered(status, body) => match read_answer(status, &body) {
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

/// Why a file need not even be sent.
fn refusal(name: &str, size_bytes: u64) -> Option<String> {
    if !name.to_ascii_lowercase().ends_with(".krt") {
        return Some("A version is added from a file whose name ends in .krt.".to_owned());
    }
    (size_bytes == 0).then(|| "The file is empty.".to_owned())
}

/// The name of the version that was added, or why none was: a sentence, and the problems of the file.
fn read_answer(status: u16, body: &str) -> Result<VersionName, (String, Vec<Problem>)> {
    #[derive(Deserialize)]
    struct Added {
        name: VersionName,
    }
    #[derive(Deserialize)]
    struct Refused {
        error: RefusedError,
    }
    #[derive(Deserialize)]
    struct RefusedError {
        message: String,
        #[serde(default)]
        problems: Vec<Problem>,
    }

    if (200..300).contains(&status) {
        return match serde_json::from_str::<Added>(body) {
            Ok(added) => Ok(added.name),
            Err(_) => {
                Err(("The server's answer could not be read. Reload the page to see the version.".into(), vec![]))
            }
        };
    }
    match serde_json::from_str::<Refused>(body) {
        Ok(refused) => Err((sentence(&refused.error.message), refused.error.problems)),
        Err(_) => Err((format!("The server answered with status {status}."), Vec::new())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_a_krt_is_not_sent() {
        assert_eq!(refusal("greeter.krt", 12), None);
        assert_eq!(refusal("GREETER.KRT", 12), None);
        assert!(refusal("greeter.zip", 12).unwrap().contains(".krt"));
        assert!(refusal("greeter.krt", 0).unwrap().contains("empty"));
    }

    #[test]
    fn the_answer_names_the_version_or_every_problem() {
        assert_eq!(read_answer(201, r#"{"name":"v1","state":"stopped"}"#).unwrap().as_str(), "v1");
        let body = r#"{"error":{"code":"invalid_krt","message":"the file is no valid KRT: 2 problems","problems":[
            {"severity":"error","line":3,"column":5,"path":"workflows[0].name","message":"a"},
            {"severity":"error","line":null,"column":null,"path":"","message":"b"}]}}"#;
        let (message, problems) = read_answer(422, body).unwrap_err();
        assert_eq!(message, "The file is no valid KRT: 2 problems.");
        assert_eq!((problems.len(), problems[0].line), (2, Some(3)));
        let (message, problems) = read_answer(502, "<html>").unwrap_err();
        assert!(message.contains("502") && problems.is_empty());
    }
}
