//! Where the checkout and its build output are, and how to call cargo in it.

use std::{
    env,
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail, ensure};

pub(crate) const WASM: &str = "wasm32-unknown-unknown";

pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    /// Cargo's target folder. Everything that this program writes is in it.
    pub(crate) target: PathBuf,
}

impl Workspace {
    /// The checkout that this program was started for.
    ///
    /// # Errors
    /// When it was started neither by cargo nor in the checkout.
    pub(crate) fn find() -> Result<Self> {
        // Read now, not when compiled: checkouts that share a target folder share this binary's place.
        let root = match env::var_os("CARGO_MANIFEST_DIR") {
            Some(dir) => Path::new(&dir).parent().context("xtask's folder has no parent")?.to_owned(),
            None => env::current_dir()?,
        };
        ensure!(
            root.join("Cargo.lock").is_file(),
            "start this with `cargo run -p xtask`, or in the checkout's top folder"
        );
        let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir));
        Ok(Self { root, target })
    }

    pub(crate) fn cargo<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.args(args).current_dir(&self.root);
        // What cargo tells this program about xtask must not reach other packages' build scripts: they would see another
        // environment than when called by hand, and compile again.
        for (name, _) in env::vars_os() {
            let name = name.to_string_lossy();
            if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
                command.env_remove(&*name);
            }
        }
        command
    }
}

/// Runs a command to its end.
///
/// # Errors
/// When it cannot be started or does not succeed; both name it.
pub(crate) fn finish(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start {}", shown(command)))?;
    if !status.success() {
        bail!("{} ended with {status}", shown(command));
    }
    Ok(())
}

/// The command as a person would type it.
pub(crate) fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let words = std::iter::once(program).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
