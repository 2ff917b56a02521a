//! Files and folders that hold secrets are their owner's alone.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

/// Takes from a file or folder what others on the machine may do with it, and says so; where that cannot be done, it
/// warns. One that is not there is left alone.
pub(crate) fn tighten(path: &Path) {
    let Ok(metadata) = fs::metadata(path) else { return };
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & 0o077 == 0 {
        return;
    }
    match fs::set_permissions(path, fs::Permissions::from_mode(mode & 0o700)) {
        Ok(()) => tracing::info!("restricted access to {}: other users of this machine could read it", path.display()),
        Err(error) => tracing::warn!(
            "{} holds secrets and other users of this machine can read it (mode {mode:o}); restrict it to its owner ({error})",
            path.display()
        ),
    }
}
