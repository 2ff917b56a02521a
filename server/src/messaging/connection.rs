//! The connection to NATS, and whether it answers.
//!
//! The client connects again by itself, for ever. A connection that neither side has closed may still be dead, so a small
//! request with a short limit of time is sent every few seconds; without an answer the connection is dropped.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_nats::{Client, ConnectOptions, Event, ServerAddr, connection::State};
use domain::Timestamp;
use tokio::{
    sync::Notify,
    time::{sleep, timeout},
};

use super::{Messaging, MessagingError};
use crate::config::{MessagingTimeouts, NatsSettings};

/// The pause while there is no answer, unless a shorter one is set.
const RETRY: Duration = Duration::from_secs(1);

/// What the client says of its connection.
#[derive(Default)]
pub(super) struct ConnectionEvents {
    /// Something has happened, or somebody wants to know now whether NATS answers.
    pub(super) wanted: Notify,
    told: Mutex<Told>,
}

#[derive(Default)]
struct Told {
    /// When the connection ended, until somebody has taken notice of it.
    lost_at: Option<Timestamp>,
    /// Why there is none.
    error: Option<String>,
}

impl ConnectionEvents {
    fn take(&self, event: &Event) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Connected => told.error = None,
            Event::Disconnected | Event::Closed => {
                told.lost_at.get_or_insert_with(Timestamp::now);
            }
            Event::ClientError(error) => told.error = Some(error.to_string()),
            Event::ServerError(error) => told.error = Some(error.to_string()),
            Event::LameDuckMode | Event::Draining | Event::SlowConsumer(_) => return,
        }
        drop(told);
        self.wanted.notify_one();
    }

    fn take_loss(&self) -> Option<Timestamp> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).lost_at.take()
    }

    /// Why there is no connection; none while that is not known.
    fn error(&self) -> Option<String> {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let error = told.error.as_deref()?;
        // The client says no more of a connection that is refused.
        Some(if error.to_lowercase().contains("io error") { "cannot connect" } else { error }.to_owned())
    }
}

pub(super) async fn connect(
    settings: &NatsSettings,
    timeouts: MessagingTimeouts,
    events: Arc<ConnectionEvents>,
) -> Result<Client, MessagingError> {
    let unusable = |reason: String| MessagingError::Unusable { reason };
    let mut options = ConnectOptions::new()
        .name("kai-server")
        .retry_on_initial_connect()
        .max_reconnects(None)
        .connection_timeout(timeouts.connect)
        .reconnect_delay_callback(move |attempts| {
            let doublings = u32::try_from(attempts).unwrap_or(u32::MAX).min(10);
            Duration::from_millis(50).saturating_mul(1 << doublings).min(timeouts.reconnect)
        })
        .event_callback(move |event| {
            events.take(&event);
            async {}
        });
    if let Some(file) = &settings.credentials {
        let text = std::fs::read_to_string(file)
            .map_err(|error| unusable(format!("KAI_NATS_CREDENTIALS: cannot read {}: {error}", file.display())))?;
        options = options
            .credentials(&text)
            .map_err(|error| unusable(format!("KAI_NATS_CREDENTIALS: {} is not usable: {error}", file.display())))?;
    }
    let servers = settings.url.expose().split(',').map(|server| server.trim().parse::<ServerAddr>());
    let servers = servers.collect::<Result<Vec<_>, _>>().map_err(|error| unusable(format!("KAI_NATS_URL: {error}")))?;
    // The client itself does not look at what is before the host.
    if let Some((user, password)) = servers.first().and_then(|server| Some((server.username()?, server.password()))) {
        options = match password {
            Some(password) => options.user_and_password(decoded(user), decoded(password)),
            None => options.token(decoded(user)),
        };
    }
    options.connect(servers).await.map_err(|error| unusable(format!("KAI_NATS_URL: {error}")))
}

fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

impl Messaging {
    /// Asks until dropped.
    pub(super) async fn run_probe(&self) {
        let interval = self.0.timeouts.probe_interval;
        loop {
            let pause = if self.probe().await { interval } else { interval.min(RETRY) };
            tokio::select! {
                () = sleep(pause) => {}
                () = self.0.events.wanted.notified() => {}
            }
        }
    }

    async fn probe(&self) -> bool {
        let began = Timestamp::now();
        // However short it was: NATS may hold something else now.
        if let Some(lost_at) = self.0.events.take_loss() {
            self.set_unreachable(lost_at, "the connection was lost");
        }
        let client = self.0.api.client();
        if client.connection_state() != State::Connected {
            match self.0.events.error() {
                Some(error) => self.set_unreachable(began, &error),
                // At first it is just being made, for as long as that may take.
                None if self.is_connecting() => {}
                None => self.set_unreachable(began, "no connection"),
            }
            return false;
        }
        let limit = self.0.timeouts.probe;
        let (reason, is_silent) = match timeout(limit, self.0.api.account()).await {
            Ok(Ok(())) => {
                self.set_reachable();
                return true;
            }
            Ok(Err(error)) => (error.to_string(), matches!(error, MessagingError::TimedOut(_))),
            Err(_) => (format!("no answer within {limit:?}"), true),
        };
        self.set_unreachable(began, &reason);
        if is_silent {
            // Its end is an event, which wakes the next probe.
            let _ = client.force_reconnect().await;
            sleep(RETRY.min(limit)).await;
        }
        false
    }
}
