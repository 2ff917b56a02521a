//! Whether somebody may do what a transaction is about: asked in the transaction itself, with the rights of that moment, so
//! that what was taken away before it is not done.

use domain::{
    Caller, Identity, RuntimeId,
    access::{self, Denied, Permission},
};

use super::{StoreError, accounts, sql::Tx};

/// # Errors
/// `NotFound` for a runtime that the caller may not see, `Denied` for what they may not do.
pub(super) async fn authorize(
    tx: &mut Tx,
    caller: &Caller,
    permission: Permission,
    runtime: Option<&RuntimeId>,
) -> Result<(), StoreError> {
    let rights = match caller.identity() {
        Identity::Local | Identity::Server => caller.rights().clone(),
        Identity::Person { id, .. } => accounts::rights_of(tx, *id).await?.unwrap_or_default(),
        Identity::Token { id, .. } => accounts::rights_of_token(tx, *id).await?.unwrap_or_default(),
    };
    access::check(&rights, permission, runtime).map_err(|denied| match (denied, runtime) {
        (Denied::Hidden, Some(runtime)) => StoreError::NotFound(format!("runtime `{runtime}`")),
        (denied, _) => StoreError::Denied(denied),
    })
}
