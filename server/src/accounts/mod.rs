//! Who sends a request: passwords, sessions and tokens in, a [`Caller`] out; and the people, sessions, tokens and grants that
//! this follows from.
//!
//! What signs somebody in is looked up once and kept in memory until something about accounts or rights changes. Changes of
//! this server are seen at once, those of others when the revision is read again.

mod api_token;
mod attempts;
mod backend;
mod manage;
pub mod oidc;
mod password;
mod presence;
mod refusals;
mod sign_in;

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use domain::{ApiError, Caller, Identity, Timestamp};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    config::SessionLimits,
    secret::Secret,
    service::from_store,
    store::{SecretDigest, Store, TokenRecord},
};
use attempts::Attempts;
use password::Hasher;
pub use password::PasswordError;
pub use presence::{Presence, Standing};
pub use sign_in::SignInError;

/// How exactly it is known when a session or token was used last: each time costs a write.
const SEEN_INTERVAL: Duration = Duration::from_secs(60);
/// How often what has expired is removed.
const SWEEP_INTERVAL: Duration = Duration::from_secs(3600);
/// Of what is kept in memory. Beyond that, all is looked up again.
const MAX_KEPT: usize = 10_000;

/// Signs people in and says who sends a request. Cheap to clone.
#[derive(Clone)]
pub struct Accounts(Arc<Inner>);

struct Inner {
    store: Arc<Store>,
    limits: SessionLimits,
    /// Where people open the pages, for links to them: without a slash at the end.
    base_url: String,
    hasher: Hasher,
    attempts: Attempts,
    refusals: refusals::Recorded,
    kept: Mutex<HashMap<SecretDigest, Kept>>,
    revision: watch::Sender<u64>,
}

/// Who signed in by something, as long as the revision is the same.
#[derive(Clone)]
struct Kept {
    caller: Caller,
    /// Of a session.
    session: Option<i64>,
    revision: u64,
    seen_at: Timestamp,
    /// From then on it opens nothing, unless it is looked up again.
    expires_at: Timestamp,
}

/// What a request brings along.
pub enum Credential {
    /// The cookie's value.
    Session(Secret),
    /// An API token, as it was shown.
    Token(String),
}

/// Who sends a request, and by what.
#[derive(Debug, Clone)]
pub struct Authenticated {
    pub caller: Caller,
    digest: SecretDigest,
    /// The session's id; none of a token.
    pub session: Option<i64>,
}

/// From where something is asked for, for the audit log and for whoever looks at their sessions.
#[derive(Debug, Clone)]
pub struct ClientInfo {
    pub address: IpAddr,
    /// What the browser calls itself.
    pub agent: String,
}

/// Whether what opens the server is used by this.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    Counts,
    /// A stream that is open does not keep a session from ending.
    Looks,
}

impl Accounts {
    /// # Errors
    /// When passwords cannot be hashed at all.
    pub fn new(
        store: Arc<Store>,
        limits: SessionLimits,
        base_url: String,
    ) -> Result<Self, argon2::password_hash::Error> {
        Ok(Self(Arc::new(Inner {
            store,
            limits,
            base_url,
            hasher: Hasher::new()?,
            attempts: Attempts::default(),
            refusals: refusals::Recorded::default(),
            kept: Mutex::default(),
            revision: watch::Sender::new(0),
        })))
    }

    /// Looks from time to time whether another process has changed something, and removes what has expired, until stopped.
    pub async fn run(self, stop: CancellationToken) {
        let mut swept_at = None;
        loop {
            if let Err(error) = self.refresh().await {
                tracing::warn!("cannot read whether accounts have changed: {error}");
            }
            let now = tokio::time::Instant::now();
            if swept_at.is_none_or(|at| now.duration_since(at) >= SWEEP_INTERVAL) {
                swept_at = Some(now);
                if let Err(error) = self.sweep().await {
                    tracing::warn!("cannot remove sessions that have ended: {error}");
                }
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(self.0.limits.check_interval) => {}
            }
        }
    }

    async fn sweep(&self) -> Result<(), ApiError> {
        let now = Timestamp::now();
        let before = |age: Duration| now.checked_sub(age).unwrap_or(Timestamp::MIN);
        let SessionLimits { idle, absolute, .. } = self.0.limits;
        self.0.store.sweep_sessions((before(idle), before(absolute)), now).await.map_err(from_store)
    }

    async fn refresh(&self) -> Result<(), ApiError> {
        let revision = self.0.store.access_revision().await.map_err(from_store)?;
        self.0.revision.send_if_modified(|known| std::mem::replace(known, revision) != revision);
        Ok(())
    }

    /// To be called after every change: what is kept in memory holds no more.
    async fn changed(&self) {
        if let Err(error) = self.refresh().await {
            tracing::warn!("cannot read whether accounts have changed: {error}");
            // Better to ask the database again than to go by what may be wrong.
            self.kept().clear();
        }
    }

    /// Who sends a request; none when what it brings along opens nothing (any more).
    ///
    /// # Errors
    /// `Unavailable` when the database fails.
    pub async fn authenticate(&self, credential: Credential) -> Result<Option<Authenticated>, ApiError> {
        let (digest, is_session) = match credential {
            Credential::Session(secret) => (SecretDigest::of(&secret), true),
            Credential::Token(token) => match api_token::secret(&token) {
                Some(secret) => (SecretDigest::of(&secret), false),
                None => return Ok(None),
            },
        };
        self.known(digest, is_session, Use::Counts).await
    }

    async fn known(
        &self,
        digest: SecretDigest,
        is_session: bool,
        used: Use,
    ) -> Result<Option<Authenticated>, ApiError> {
        // The revision first: what changes while it is looked up makes it hold no more.
        let (now, revision) = (Timestamp::now(), *self.0.revision.borrow());
        let kept = self.kept().get(&digest).filter(|kept| kept.revision == revision && now < kept.expires_at).cloned();
        let mut kept = match kept {
            Some(kept) => kept,
            None => match self.look_up(&digest, is_session, revision, now).await? {
                Some(found) => found,
                None => return Ok(None),
            },
        };
        // Often enough that a session in use never looks unused.
        let interval = SEEN_INTERVAL.min(self.0.limits.idle / 4);
        if used == Use::Counts && now.duration_since(kept.seen_at).unsigned_abs() >= interval {
            kept.seen_at = now;
            if is_session {
                self.0.store.touch_session(&digest, now).await.map_err(from_store)?;
            } else if let Identity::Token { id, .. } = kept.caller.identity() {
                self.0.store.touch_token(*id, now).await.map_err(from_store)?;
            }
        }
        let authenticated =
            Authenticated { caller: kept.caller.clone(), digest: digest.clone(), session: kept.session };
        let mut all = self.kept();
        if all.len() >= MAX_KEPT {
            all.clear();
        }
        all.insert(digest, kept);
        Ok(Some(authenticated))
    }

    async fn look_up(
        &self,
        digest: &SecretDigest,
        is_session: bool,
        revision: u64,
        now: Timestamp,
    ) -> Result<Option<Kept>, ApiError> {
        let after = |at: Timestamp, age: Duration| at.checked_add(age).unwrap_or(Timestamp::MAX);
        if is_session {
            let SessionLimits { idle, absolute, .. } = self.0.limits;
            let found = self.0.store.session(digest, (idle, absolute), now).await.map_err(from_store)?;
            return Ok(found.map(|signed_in| {
                let (person, session) = (signed_in.person, signed_in.session);
                Kept {
                    caller: Caller::known(Identity::Person { id: person.id, name: person.name }, signed_in.rights),
                    session: Some(session.id),
                    revision,
                    seen_at: session.seen_at,
                    expires_at: after(session.created_at, absolute).min(after(session.seen_at, idle)),
                }
            }));
        }
        let found = self.0.store.token(digest, now).await.map_err(from_store)?;
        Ok(found.map(|found| {
            let TokenRecord { id, name, owner, expires_at, used_at, .. } = found.token;
            let identity = Identity::Token { id, name, owner, owner_name: found.owner_name };
            Kept {
                caller: Caller::known(identity, found.rights),
                session: None,
                revision,
                seen_at: used_at.unwrap_or(Timestamp::MIN),
                expires_at,
            }
        }))
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<SecretDigest, Kept>> {
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
