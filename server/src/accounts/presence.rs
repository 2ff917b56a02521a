//! Whether somebody who reads a stream still may: what is said to them ends soon after their session, their token or their
//! rights do.

use domain::Caller;
use tokio::sync::watch;

use super::{Accounts, Authenticated, Use};

/// Somebody who reads a stream.
pub struct Presence {
    /// None where nobody signs in: then whoever is there stays.
    known: Option<(Accounts, Authenticated, watch::Receiver<u64>)>,
}

/// What has become of them.
pub enum Standing {
    /// They are who they were, with other rights.
    Changed(Caller),
    /// What signed them in opens nothing any more. The reason, for them.
    Ended(&'static str),
}

impl Presence {
    pub fn new(accounts: &Accounts, authenticated: Option<Authenticated>) -> Self {
        let known = |authenticated| (accounts.clone(), authenticated, accounts.0.revision.subscribe());
        Self { known: authenticated.map(known) }
    }

    /// Waits for a change. Nothing comes after `Ended`.
    pub async fn next(&mut self) -> Standing {
        let Some((accounts, authenticated, revisions)) = &mut self.known else {
            return std::future::pending().await;
        };
        loop {
            tokio::select! {
                _ = revisions.changed() => {}
                // Sessions end by time alone, too.
                () = tokio::time::sleep(accounts.0.limits.check_interval) => {}
            }
            let is_session = authenticated.session.is_some();
            match accounts.known(authenticated.digest.clone(), is_session, Use::Looks).await {
                Ok(Some(now)) if now.caller != authenticated.caller => {
                    *authenticated = now;
                    return Standing::Changed(authenticated.caller.clone());
                }
                Ok(Some(_)) => {}
                Ok(None) if is_session => return Standing::Ended("the session has ended; sign in again"),
                Ok(None) => return Standing::Ended("the token has expired or was revoked"),
                // The database is away, and whoever was known stays known until it is back.
                Err(error) => tracing::debug!("cannot read whether a session still holds: {error}"),
            }
        }
    }
}
