//! The program: reads the settings, starts the server, and stops it when it is told to.

use std::{io::IsTerminal, process::ExitCode};

use anyhow::{Context, anyhow};
use clap::Parser;
use server::{
    admin,
    config::{Flags, Settings, Task},
    run::{Running, start},
};
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("kai-server: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> anyhow::Result<()> {
    // What this program writes holds secrets: files are 600 and folders 700, whoever makes them.
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    let flags = Flags::parse();
    let task = flags.command.clone();
    let settings = Settings::try_from(flags)?;
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let colours = std::io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colours).init();
    rustls::crypto::ring::default_provider()
        .install_default()
        .map_err(|_| anyhow!("another TLS provider is already installed"))?;

    if let Some(Task::Admin { task }) = task {
        let link = admin::run(&settings, task).await.context("kai-server cannot do this")?;
        println!("Open this link to choose a password; it works once, within a week:\n{link}");
        return Ok(());
    }

    // Each connection is an open file, and the usual soft limit of 1,024 is there for programs that use select(2).
    if let Err(error) = rlimit::increase_nofile_limit(rlimit::INFINITY) {
        tracing::warn!("could not raise the limit of open files: {error}");
    }
    let signals = Signals::listen()?;
    tracing::info!("the data folder is {}", settings.data_dir.display());
    let mut running = start(settings).await.context("kai-server cannot start")?;
    greet(&running);
    let broken = tokio::select! {
        () = signals.stop() => None,
        broken = running.failed() => Some(broken),
    };
    tracing::info!("stopping; press Ctrl-C again to stop at once");
    let again = Signals::listen()?;
    tokio::select! {
        () = running.shut_down() => {}
        () = again.stop() => tracing::warn!("stopped at once"),
    }
    broken.map_or(Ok(()), |broken| Err(anyhow!(broken)))
}

fn greet(running: &Running) {
    println!("KAI Server is at {}", running.public_url);
    if let Some((name, link)) = &running.first_administrator {
        println!(
            "Nobody can sign in as an administrator yet. To do so as `{name}`, open this link; it works once, within a week:\n{link}"
        );
    }
    if let Some(sandbox) = running.sandbox_addr() {
        println!("Cluster: sandbox (in memory, nothing really runs); kubectl --server http://{sandbox} get pods -A");
    }
}

/// What tells a program to end: Ctrl-C, and SIGTERM as systemd and Kubernetes send it.
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    fn listen() -> anyhow::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn stop(mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
