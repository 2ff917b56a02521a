//! What opens the file of a version that is started, on the internal listener.

use rand::RngCore as _;

use super::{
    StoreError, VersionKey,
    sql::{Tx, values},
};
use crate::secret::Secret;

/// One that nobody can guess.
pub fn download_token() -> Secret {
    let mut bytes = [0u8; 32];
    rand::rng().fill_bytes(&mut bytes);
    hex::encode(bytes).into()
}

/// To be called in the transaction of a start: what was told to the pods of an earlier one opens nothing any more.
pub(super) async fn renew(tx: &mut Tx, version: VersionKey) -> Result<(), StoreError> {
    let token = download_token();
    tx.execute("UPDATE versions SET download_token = $2 WHERE key = $1", values![version, token.expose()]).await?;
    Ok(())
}
