//! The program itself, in a process of its own.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
};

/// The program with nothing set but its data folder and ports of its own.
pub(crate) fn program(data: &Path) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_kai-server"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("KAI_")) {
        program.env_remove(name);
    }
    program.env("KAI_DATA_DIR", data).stdout(Stdio::piped()).stderr(Stdio::null());
    for name in ["KAI_ADDR", "KAI_INTERNAL_ADDR", "KAI_SANDBOX_ADDR"] {
        program.env(name, "127.0.0.1:0");
    }
    program
}

/// A program that answers. Killed when dropped, as with `kill -9`.
pub(crate) struct Started {
    process: Child,
    url: String,
}

impl Started {
    /// Starts it, and waits until it says where it is.
    pub(crate) fn new(program: &mut Command) -> Self {
        // For whoever asks it something. Another test of this process may have been first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut process = program.spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let line = lines.next().expect("it ended without a word").unwrap();
        let url = line.split_whitespace().find(|word| word.starts_with("http://")).unwrap().to_owned();
        // What else it prints is read, so that it never waits for a reader.
        std::thread::spawn(move || lines.for_each(drop));
        Self { process, url }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Waits for its end.
    pub(crate) fn ended(mut self) -> ExitStatus {
        self.process.wait().unwrap()
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
