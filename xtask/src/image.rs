//! Packs the test runner into images, as an archive that `docker load`, `kind load image-archive` and containerd's
//! `ctr images import` take. No docker is needed: an image is a tar of files and a few lines of JSON
//! (<https://github.com/moby/docker-image-spec>, version 1.2, "Combined Image JSON + Filesystem Changeset Format").

use std::{
    collections::BTreeSet,
    env,
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::workspace::{Workspace, finish};

/// A domain that nobody can have (RFC 2606 §2), so that no registry is asked for them.
const REGISTRY: &str = "kai.test";
/// Each stands in for this release, of krtVersion v1 and v2 (docs/runners.md §1).
const IMAGES: [(&str, &str); 6] = [
    ("kre-py", "2.1.0"),
    ("kre-py", "3.3.0"),
    ("kre-go", "2.1.0"),
    ("kre-go", "4.3.0"),
    ("kre-entrypoint", "1.8.1"),
    ("kre-entrypoint", "3.1.0"),
];
/// What probes and people need in a container.
const BUSYBOX: [&str; 12] = ["sh", "cat", "grep", "ls", "echo", "env", "head", "tail", "sleep", "sed", "ps", "wc"];

/// Writes the archive.
///
/// # Errors
/// When the runner does not build, or this machine has no busybox.
pub(crate) fn write(workspace: &Workspace, to: &Path) -> Result<()> {
    finish(&mut workspace.cargo(["build", "-p", "runner"]))?;
    let runner = workspace.target.join("debug/runner");
    let small = workspace.target.join("debug/runner-stripped");
    // Only smaller: where there is no such program it goes as it is.
    let stripped = Command::new("strip").arg("-o").arg(&small).arg(&runner).status();
    if !stripped.is_ok_and(|status| status.success()) {
        fs::copy(&runner, &small)?;
    }
    let busybox = on_path("busybox").context("busybox is not installed; `scripts/setup image` installs it")?;

    let mut base = vec![(PathBuf::from("/bin/busybox"), fs::read(&busybox)?)];
    for library in libraries(&[&busybox, &runner])? {
        base.push((library.clone(), fs::read(&library).with_context(|| library.display().to_string())?));
    }
    base.push(("/etc/passwd".into(), b"root:x:0:0:root:/:/bin/sh\n".to_vec()));
    let layers = [layer(&base, &BUSYBOX)?, layer(&[("/bin/runner".into(), fs::read(&small)?)], &[])?];
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    archive(&layers, File::create(to).with_context(|| format!("cannot write {}", to.display()))?)?;
    println!("{} has:", to.display());
    for (name, release) in IMAGES {
        println!("  {REGISTRY}/{name}:{release}");
    }
    Ok(())
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// The shared libraries of these programs, the loader too.
fn libraries(programs: &[&Path]) -> Result<BTreeSet<PathBuf>> {
    let mut all = BTreeSet::new();
    for program in programs {
        let output = Command::new("ldd").arg(program).output().context("cannot start ldd")?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        all.extend(said.split_whitespace().filter(|word| word.starts_with('/')).map(PathBuf::from));
    }
    Ok(all)
}

fn layer(files: &[(PathBuf, Vec<u8>)], applets: &[&str]) -> Result<Vec<u8>> {
    let mut tar = tar::Builder::new(Vec::new());
    let folders: BTreeSet<&Path> = files.iter().flat_map(|(path, _)| path.ancestors().skip(1)).collect();
    let within = |path: &Path| path.strip_prefix("/").map(Path::to_owned);
    for folder in folders.into_iter().chain([Path::new("/tmp"), Path::new("/app")]) {
        let name = within(folder)?;
        if !name.as_os_str().is_empty() {
            tar.append_data(&mut header(tar::EntryType::Directory, 0o777, 0), name, [].as_slice())?;
        }
    }
    for (path, content) in files {
        let mut header = header(tar::EntryType::Regular, 0o755, content.len());
        tar.append_data(&mut header, within(path)?, content.as_slice())?;
    }
    for applet in applets {
        tar.append_link(&mut header(tar::EntryType::Symlink, 0o777, 0), format!("bin/{applet}"), "/bin/busybox")?;
    }
    Ok(tar.into_inner()?)
}

fn header(kind: tar::EntryType, mode: u32, bytes: usize) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(bytes as u64);
    header
}

fn archive(layers: &[Vec<u8>], to: File) -> Result<()> {
    let mut tar = tar::Builder::new(to);
    let mut add = |name: &str, content: &[u8]| -> Result<()> {
        let mut header = header(tar::EntryType::Regular, 0o644, content.len());
        Ok(tar.append_data(&mut header, name, content)?)
    };
    let digests: Vec<String> = layers.iter().map(|layer| sha256(layer)).collect();
    let names: Vec<String> = digests.iter().map(|digest| format!("{digest}/layer.tar")).collect();
    for (name, layer) in names.iter().zip(layers) {
        add(name, layer)?;
    }
    let mut manifest: Vec<Value> = Vec::new();
    for (name, release) in IMAGES {
        let config = json!({
            "architecture": architecture(),
            "os": "linux",
            "config": {
                "Entrypoint": ["/bin/runner"],
                "Env": ["PATH=/bin", format!("RUNNER_AS={name}:{release}")],
            },
            "rootfs": {
                "type": "layers",
                "diff_ids": digests.iter().map(|digest| format!("sha256:{digest}")).collect::<Vec<_>>(),
            },
        });
        let config = config.to_string();
        let file = format!("{}.json", sha256(config.as_bytes()));
        add(&file, config.as_bytes())?;
        manifest.push(json!({ "Config": file, "RepoTags": [format!("{REGISTRY}/{name}:{release}")], "Layers": names }));
    }
    add("manifest.json", json!(manifest).to_string().as_bytes())?;
    tar.finish()?;
    Ok(())
}

/// As container images name it.
fn architecture() -> &'static str {
    match env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
