//! kubectl, as a person calls it, and the API behind it.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::http;

pub(super) struct Kubectl {
    /// Where it puts what it is to apply.
    folder: PathBuf,
}

impl Kubectl {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Answers what it printed.
    ///
    /// # Errors
    /// When it fails; with what it said.
    pub(super) fn run(&self, args: &[&str]) -> Result<String> {
        let output =
            Command::new("kubectl").args(args).stdin(Stdio::null()).output().context("cannot start kubectl")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "kubectl {}: {}", args.join(" "), said.trim());
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// The objects of these kinds with these labels, as somebody would write them to have the same in `namespace`;
    /// answers the file.
    pub(super) fn copy_of(&self, kinds: &str, from: &str, labels: &str, namespace: &str) -> Result<String> {
        let found = self.run(&["get", kinds, "-n", from, "-l", labels, "-o", "json"])?;
        let mut list: Value = serde_json::from_str(&found)?;
        let items = list["items"].as_array_mut().context("a list has items")?;
        ensure!(!items.is_empty(), "nothing is there to copy");
        for item in items.iter_mut() {
            plain(item, namespace);
        }
        let name = format!("{namespace}-{}.json", labels.replace(['=', ','], "-"));
        self.keep(&name, &json!({ "apiVersion": "v1", "kind": "List", "items": items }))
    }

    /// Writes a file to apply; answers its path.
    pub(super) fn keep(&self, name: &str, content: &Value) -> Result<String> {
        let file = self.folder.join(name);
        fs::write(&file, content.to_string())?;
        Ok(file.display().to_string())
    }
}

/// Takes away what the API server has added, and the label by which our server would take the object for its own.
pub(super) fn plain(object: &mut Value, namespace: &str) {
    let ours = "app.kubernetes.io/managed-by";
    let name = object["metadata"]["name"].clone();
    let mut labels = object["metadata"]["labels"].take();
    labels[ours] = json!("bench");
    object["metadata"] = json!({ "name": name, "namespace": namespace, "labels": labels });
    if let Some(fields) = object.as_object_mut() {
        fields.remove("status");
    }
    if let Some(spec) = object["spec"].as_object_mut() {
        spec.remove("clusterIP");
        spec.remove("clusterIPs");
        if let Some(labels) = spec.get_mut("template").map(|template| &mut template["metadata"]["labels"]) {
            labels[ours] = json!("bench");
        }
    } else if object["spec"].is_null()
        && let Some(fields) = object.as_object_mut()
    {
        fields.remove("spec");
    }
}

/// `kubectl proxy`: the API by plain HTTP, without a process for each question. Ended when dropped.
pub(super) struct Proxy {
    process: Child,
    addr: String,
}

impl Proxy {
    pub(super) fn start() -> Result<Self> {
        let mut process = Command::new("kubectl")
            .args(["proxy", "--port=0"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start kubectl")?;
        let stdout = process.stdout.take().context("kubectl's output is a pipe")?;
        let mut proxy = Self { process, addr: String::new() };
        let mut lines = BufReader::new(stdout).lines();
        let line = lines.next().context("kubectl proxy ended at once")??;
        // "Starting to serve on 127.0.0.1:41234"
        line.rsplit(' ').next().context("kubectl proxy does not say where it is")?.clone_into(&mut proxy.addr);
        thread::spawn(move || lines.for_each(drop));
        Ok(proxy)
    }

    pub(super) fn get(&self, path: &str) -> Result<Value> {
        let (status, body) = http::request(&self.addr, "GET", path, "")?;
        ensure!(status == 200, "GET {path}: {status} {body}");
        Ok(serde_json::from_str(&body)?)
    }

    pub(super) fn merge_patch(&self, path: &str, patch: &str) -> Result<()> {
        let kind = "application/merge-patch+json";
        let (status, body) = http::request_as(&self.addr, "PATCH", path, kind, patch)?;
        ensure!(status == 200, "PATCH {path}: {status} {body}");
        Ok(())
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_has_what_was_written_and_nothing_of_the_cluster_or_ours() {
        let mut object = json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {
                "name": "a", "namespace": "x", "uid": "1", "resourceVersion": "2", "ownerReferences": [],
                "labels": { "app.kubernetes.io/managed-by": "kai-server", "type": "node" }
            },
            "spec": {
                "clusterIP": "10.96.0.7",
                "template": { "metadata": { "labels": { "app.kubernetes.io/managed-by": "kai-server" } } }
            },
            "status": {}
        });
        plain(&mut object, "y");
        assert_eq!(
            object,
            json!({
                "apiVersion": "apps/v1", "kind": "Deployment",
                "metadata": {
                    "name": "a", "namespace": "y",
                    "labels": { "app.kubernetes.io/managed-by": "bench", "type": "node" }
                },
                "spec": { "template": { "metadata": { "labels": { "app.kubernetes.io/managed-by": "bench" } } } }
            })
        );
        let mut secret =
            json!({ "kind": "Secret", "metadata": { "name": "s", "labels": {} }, "data": { "a": "eA==" } });
        plain(&mut secret, "y");
        assert_eq!((secret.get("spec"), &secret["data"]["a"]), (None, &json!("eA==")));
    }
}
