//! What opens the file of a version that is started, on the internal listener, and what lets its pods write there.

use rand::RngCore as _;
use sha2::{Digest, Sha256};

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

/// Another secret that comes with it, so that it needs no place of its own. Who knows this one does not know that one.
pub(super) fn measurements_token(download_token: &Secret) -> Secret {
    let digest = Sha256::new().chain_update("measurements ").chain_update(download_token.expose()).finalize();
    hex::encode(digest).into()
}

/// To be called in the transaction of a start: what was told to the pods of an earlier one opens nothing any more.
pub(super) async fn renew(tx: &mut Tx, version: VersionKey) -> Result<(), StoreError> {
    let token = download_token();
    tx.execute("UPDATE versions SET download_token = $2 WHERE key = $1", values![version, token.expose()]).await?;
    Ok(())
}
