//! A lock that is a file: the system releases it when the process ends, however it ends. The file's text names its holder.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

#[derive(Debug, thiserror::Error)]
pub enum FileLockError {
    #[error("another KAI Server uses {}: {holder}", .path.display())]
    Held { path: PathBuf, holder: String },
    #[error("cannot take the lock {}", .path.display())]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

/// Held until dropped.
#[derive(Debug)]
pub struct FileLock {
    _file: File,
}

impl FileLock {
    /// Takes the lock at `path`, whose folder has to be there. `holder` says who takes it, on one line.
    ///
    /// # Errors
    /// `Held` when another process has it, or what the system says.
    pub fn take(path: &Path, holder: &str) -> Result<Self, FileLockError> {
        let failed = |source| FileLockError::Io { path: path.to_owned(), source };
        // Not truncated before it is held: what is in it is another's.
        let open = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        let mut file = open.map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut written = String::new();
                // Empty while the holder has not come to write yet.
                let _ = file.read_to_string(&mut written);
                let holder = written.lines().next().unwrap_or("unknown process").to_owned();
                return Err(FileLockError::Held { path: path.to_owned(), holder });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        // A full disk takes no name, and is no reason not to start.
        if let Err(error) = file.set_len(0).and_then(|()| writeln!(file, "{holder}")) {
            tracing::warn!("could not write the lock holder to {}: {error}", path.display());
        }
        Ok(Self { _file: file })
    }
}
