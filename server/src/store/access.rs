//! Whether somebody may do what a transaction is about: asked in the transaction itself, so that what was taken away before
//! it is not done.

use domain::{
    Caller, RuntimeId,
    access::{Denied, Permission},
};

use super::StoreError;

/// # Errors
/// `NotFound` for a runtime that the caller may not see, `Denied` for what they may not do.
pub(super) fn authorize(
    caller: &Caller,
    permission: Permission,
    runtime: Option<&RuntimeId>,
) -> Result<(), StoreError> {
    caller.check(permission, runtime).map_err(|denied| match (denied, runtime) {
        (Denied::Hidden, Some(runtime)) => StoreError::NotFound(format!("runtime `{runtime}`")),
        (denied, _) => StoreError::Denied(denied),
    })
}
