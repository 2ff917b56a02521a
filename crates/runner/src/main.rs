//! Stands in for the original runners (`kre-py`, `kre-go`, `kre-entrypoint`) in tests and samples. Towards the server,
//! NATS and callers it behaves as they do (docs/runners.md §4): which variables it needs, which streams, consumers and
//! buckets it expects, makes or refuses. What a node does comes from the lines of its source that begin with `#:`
//! (`script`), so that no foreign image and no Python are needed.
//!
//! It must not be more forgiving than the originals: where they exit or lose a request, so does this. It differs where
//! they would only cost time: it ends two seconds after SIGTERM unless `RUNNER_SIGTERM=ignore`, and its exit code is its
//! own.

mod bus;
mod config;
mod entrypoint;
mod exchange;
mod handler;
mod measurements;
mod message;
mod node;
mod payload;
mod script;

use std::{process::ExitCode, time::Duration};

use tokio::signal::unix::{SignalKind, signal};
use tracing::{error, info};

use config::Role;

/// The originals ignore SIGTERM and so serve on for the whole of their grace period; this is enough for a Service to stop
/// sending requests to the pod.
const SERVES_AFTER_SIGTERM: Duration = Duration::from_secs(2);

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt().with_ansi(false).with_target(false).with_max_level(tracing::Level::INFO).init();
    // An error only when there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> anyhow::Result<()> {
    let role = config::read(|name| std::env::var(name).ok())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let terminated = async {
        terminate.recv().await;
        if std::env::var("RUNNER_SIGTERM").is_ok_and(|what| what == "ignore") {
            info!("SIGTERM is ignored");
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(SERVES_AFTER_SIGTERM).await;
        info!("ends after SIGTERM");
    };
    tokio::select! {
        ended = async {
            match role {
                Role::Node(config) => node::run(config).await,
                Role::Entrypoint(config) => entrypoint::run(config).await,
            }
        } => ended,
        () = terminated => Ok(()),
    }
}
