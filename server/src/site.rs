//! The pages' files: what the browser gets besides HTML. A release has them in its binary; in development they are in a
//! folder, where each build puts them.

use std::{
    borrow::Cow,
    collections::HashMap,
    env, fs,
    net::SocketAddr,
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use leptos::{WasmSplitManifest, config::LeptosOptions, prelude::ArcStoredValue};
use sha2::{Digest, Sha256};

/// Where the pages' files are, in a site and in addresses.
const PKG_DIR: &str = "pkg";
const OUTPUT_NAME: &str = "kai";
/// What Leptos calls the script that loads lazy views, and the list of their files.
const LOADER: &str = "__wasm_split.______________________.js";
const MANIFEST: &str = "pkg/__wasm_split_manifest.json";

/// Empty unless this is a release.
#[derive(rust_embed::Embed)]
#[folder = "$EMBEDDED_SITE"]
struct Embedded;

/// The files of one build of the pages.
#[derive(Debug, Clone)]
pub struct Site(Arc<Place>);

#[derive(Debug)]
enum Place {
    Folder(PathBuf),
    /// Its digest tells one release's files from another's.
    Embedded {
        digest: String,
    },
}

impl Site {
    /// The folder that `LEPTOS_SITE_ROOT` names, as cargo-leptos sets it; else what is embedded; else where builds put it.
    pub fn find() -> Self {
        let place = match env::var_os("LEPTOS_SITE_ROOT") {
            Some(folder) => Place::Folder(folder.into()),
            None if Embedded::iter().next().is_some() => Place::Embedded { digest: digest() },
            None => Place::Folder("target/site".into()),
        };
        Self(Arc::new(place))
    }

    /// What Leptos needs to know.
    pub(crate) fn options(&self, addr: SocketAddr) -> LeptosOptions {
        let root = match &*self.0 {
            Place::Folder(folder) => folder.display().to_string(),
            Place::Embedded { .. } => String::new(),
        };
        LeptosOptions::builder()
            .output_name(OUTPUT_NAME)
            .site_root(root)
            .site_pkg_dir(self.pkg_path())
            .site_addr(addr)
            .build()
    }

    /// The files' folder in addresses. It names the release, so that browsers may keep its files for ever.
    fn pkg_path(&self) -> String {
        match &*self.0 {
            Place::Folder(_) => PKG_DIR.to_owned(),
            Place::Embedded { digest } => format!("{PKG_DIR}/{digest}"),
        }
    }

    /// Whether a file never changes under its address.
    pub(crate) fn is_release(&self) -> bool {
        matches!(&*self.0, Place::Embedded { .. })
    }

    /// The address of a file.
    pub(crate) fn url(&self, name: &str) -> String {
        format!("/{}/{name}", self.pkg_path())
    }

    /// Which files a lazy view needs, for Leptos to name in a page's head; none where the pages have not been built.
    pub(crate) fn manifest(&self) -> Option<WasmSplitManifest> {
        let text = match &*self.0 {
            Place::Folder(folder) => Cow::Owned(fs::read(folder.join(MANIFEST)).ok()?),
            Place::Embedded { .. } => Embedded::get(MANIFEST)?.data,
        };
        let files: HashMap<String, Vec<String>> = serde_json::from_slice(&text)
            .inspect_err(|error| tracing::error!("{MANIFEST} cannot be read: {error}"))
            .ok()?;
        Some(WasmSplitManifest(ArcStoredValue::new((format!("/{}", self.pkg_path()), files, LOADER.to_owned()))))
    }

    /// The name within the site of what this path below `/pkg/` asks for; none when that is of another release.
    pub(crate) fn name_at(&self, path: &str) -> Option<String> {
        let name = match &*self.0 {
            Place::Folder(_) => path,
            Place::Embedded { digest } => path.strip_prefix(digest.as_str())?.strip_prefix('/')?,
        };
        let is_inside = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
        is_inside.then(|| format!("{PKG_DIR}/{name}"))
    }

    /// A file by its name within the site; none when there is none.
    pub(crate) async fn read(&self, name: &str) -> Option<Cow<'static, [u8]>> {
        match &*self.0 {
            Place::Folder(folder) => tokio::fs::read(folder.join(name)).await.ok().map(Cow::Owned),
            Place::Embedded { .. } => Embedded::get(name).map(|file| file.data),
        }
    }
}

/// Of all embedded files together.
fn digest() -> String {
    let mut all = Sha256::new();
    for name in Embedded::iter() {
        all.update(name.as_bytes());
        all.update(Embedded::get(&name).map(|file| file.metadata.sha256_hash()).unwrap_or_default());
    }
    hex::encode(&all.finalize()[..8])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_release_names_itself_in_each_address_and_knows_no_other() {
        let release = Site(Arc::new(Place::Embedded { digest: "3d08ffdd".to_owned() }));
        assert_eq!(release.url("kai.js"), "/pkg/3d08ffdd/kai.js");
        assert_eq!(release.name_at("3d08ffdd/kai.js").as_deref(), Some("pkg/kai.js"));
        assert_eq!(release.name_at("00000000/kai.js"), None);
        assert_eq!(release.name_at("kai.js"), None);
        assert!(release.is_release());
    }

    #[tokio::test]
    async fn nothing_outside_of_a_folder_is_read() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("pkg")).unwrap();
        fs::write(dir.path().join("secret"), "x").unwrap();
        fs::write(dir.path().join("pkg/kai.js"), "x").unwrap();
        let site = Site(Arc::new(Place::Folder(dir.path().to_owned())));
        assert_eq!(site.read(&site.name_at("kai.js").unwrap()).await.as_deref(), Some(&b"x"[..]));
        assert_eq!(site.name_at("../secret"), None);
        assert_eq!(site.name_at("/etc/passwd"), None);
        assert!(!site.is_release());
    }
}
