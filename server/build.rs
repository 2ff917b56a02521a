//! Names the folder of the pages' files that the binary embeds: a release's, which `KAI_EMBED_SITE` names; any other
//! build embeds nothing, and finds them in a folder when it runs.
//!
//! Also has a migration that is added make cargo embed it: the macro alone notices changed files, not new ones.

use std::{env, fs, io, path::PathBuf};

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=../migrations");
    println!("cargo:rerun-if-env-changed=KAI_EMBED_SITE");
    let site = match env::var_os("KAI_EMBED_SITE") {
        Some(site) => {
            let site = PathBuf::from(site);
            println!("cargo:rerun-if-changed={}", site.display());
            site
        }
        None => {
            let nothing = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join("no-site");
            fs::create_dir_all(&nothing)?;
            nothing
        }
    };
    println!("cargo:rustc-env=EMBEDDED_SITE={}", site.display());
    Ok(())
}
