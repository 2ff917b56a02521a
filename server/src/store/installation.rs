//! Which installation the database is the state of: a random id that the first server to open it makes up. What belongs
//! to the installation outside the database carries the same id, so that it is not taken for another's.

use std::{fmt, str::FromStr};

use domain::Timestamp;
use uuid::Uuid;

use super::{
    StoreError,
    sql::{Tx, values},
};

/// The identity of a database and of all that belongs to it. Written as a UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct InstallationId(Uuid);

impl InstallationId {
    /// One that no other installation has.
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }
}

impl fmt::Display for InstallationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for InstallationId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        text.trim().parse().map(Self)
    }
}

/// Gives a database its id when it has none.
pub(super) async fn ensure(tx: &mut Tx, id: InstallationId) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO installation (only_one, id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        values![true, &id.to_string()],
    )
    .await?;
    Ok(())
}

pub(super) async fn id(tx: &mut Tx) -> Result<InstallationId, StoreError> {
    tx.fetch_one("SELECT id FROM installation", &[]).await?.parsed("id")
}

/// Something small to write. Only a commit shows that there is room: SQLite keeps what is not committed in memory.
pub(super) async fn mark_written(tx: &mut Tx, at: Timestamp) -> Result<(), StoreError> {
    tx.execute("UPDATE installation SET written_at = $1", values![at]).await?;
    Ok(())
}
