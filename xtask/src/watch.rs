//! The development loop: builds and starts again whenever a source file changes.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Child,
    thread,
    time::{Duration, SystemTime},
};

use anyhow::Result;

use crate::{
    run,
    site::{self, Mode, files_under},
    workspace::Workspace,
};

const POLL_INTERVAL: Duration = Duration::from_millis(500);
const SOURCES: [&str; 9] =
    ["app", "checker", "crates", "frontend", "migrations", "server", "style", "Cargo.toml", "Cargo.lock"];

/// Runs until interrupted. What does not build is shown, and the last server that did goes on.
///
/// # Errors
/// When the sources cannot be read.
pub(crate) fn watch(workspace: &Workspace, server_args: &[String]) -> Result<()> {
    let mut running: Option<Running> = None;
    let mut built: Option<Snapshot> = None;
    loop {
        let now = snapshot(&workspace.root)?;
        if built.as_ref() != Some(&now) {
            // Taken before the build: what is saved while it runs is built after it.
            built = Some(now);
            match rebuild(workspace, server_args, running.take()) {
                Ok(next) => running = Some(next),
                Err((last, error)) => {
                    eprintln!("{error:#}");
                    running = last;
                }
            }
        }
        thread::sleep(POLL_INTERVAL);
    }
}

struct Running {
    process: Child,
    /// Of the binary that it was started from.
    written: SystemTime,
}

type Snapshot = BTreeMap<PathBuf, SystemTime>;

fn rebuild(
    workspace: &Workspace,
    args: &[String],
    last: Option<Running>,
) -> Result<Running, (Option<Running>, anyhow::Error)> {
    let parts = || -> Result<_> {
        let site = site::build(workspace, Mode::Development)?;
        let binary = run::build_server(workspace)?;
        let written = fs::metadata(&binary)?.modified()?;
        Ok((site, binary, written))
    };
    let (site, binary, written) = match parts() {
        Ok(parts) => parts,
        Err(error) => return Err((last, error)),
    };
    if let Some(mut last) = last {
        let lives = last.process.try_wait().is_ok_and(|ended| ended.is_none());
        if lives && last.written == written {
            println!("reload the page: only what the browser loads has changed");
            return Ok(last);
        }
        // Not gently: nothing may depend on the server ending well.
        drop(last.process.kill());
        drop(last.process.wait());
    }
    let process = run::server(&binary, Some(&site), args).spawn().map_err(|error| (None, error.into()))?;
    let running = Running { process, written };
    match run::greet_when_ready(workspace, running.process.id()) {
        Ok(()) => Ok(running),
        Err(error) => Err((Some(running), error)),
    }
}

fn snapshot(root: &Path) -> Result<Snapshot> {
    let mut found = Snapshot::new();
    for source in SOURCES.map(|source| root.join(source)) {
        let files = if source.is_dir() { files_under(&source)? } else { vec![source] };
        for file in files {
            // One that is gone between listing and looking is seen as changed the next time.
            if let Ok(modified) = fs::metadata(&file).and_then(|facts| facts.modified()) {
                found.insert(file, modified);
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_a_changed_and_a_removed_file_each_change_the_snapshot() -> Result<()> {
        let dir = tempfile::tempdir()?;
        fs::create_dir_all(dir.path().join("app/src"))?;
        let file = dir.path().join("app/src/lib.rs");
        let empty = snapshot(dir.path())?;
        fs::write(&file, "")?;
        let added = snapshot(dir.path())?;
        fs::File::options().write(true).open(&file)?.set_modified(SystemTime::UNIX_EPOCH)?;
        let changed = snapshot(dir.path())?;
        fs::remove_file(&file)?;
        let removed = snapshot(dir.path())?;
        assert_ne!(empty, added);
        assert_ne!(added, changed);
        assert_ne!(changed, removed);
        assert_eq!(removed, empty);
        Ok(())
    }
}
