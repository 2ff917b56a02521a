//! From the command to *published*, over another version, against a patch of the Service and a look at its endpoints.

use std::{collections::BTreeSet, time::Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::{MAX_WAIT, Stage, kubectl::plain};
use crate::bench::{
    Bench,
    figures::{Figure, Limit},
    program::until,
};

const NAME: &str = "cluster-publish";
const ROUNDS: usize = 10;
const SERVICE: &str = "active-entrypoint";
const VERSIONS: [&str; 2] = ["one", "two"];

pub(in crate::bench) fn measure(bench: &Bench) -> Result<Vec<Figure>> {
    let stage = Stage::new(bench, "publish", &VERSIONS, 1)?;
    for version in VERSIONS {
        stage.reach(version, "start", "started")?;
    }
    stage.reach("one", "publish", "published")?;
    let peer = Peer::new(&stage)?;
    // Each once, unmeasured; from here on `one` is what is served, in both namespaces.
    for version in ["two", "one"] {
        stage.reach(version, "publish", "published")?;
        peer.patch_by_kubectl(version)?;
    }

    let (mut ours, mut by_kubectl, mut by_api, mut bare) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let secs = |work: &mut dyn FnMut() -> Result<()>| -> Result<f64> {
        let begin = Instant::now();
        work()?;
        Ok(begin.elapsed().as_secs_f64())
    };
    for round in 0..ROUNDS {
        // Over and back again, so that each way of doing it begins where the others do.
        for version in ["two", "one"] {
            ours.push(secs(&mut || stage.reach(version, "publish", "published"))?);
        }
        for version in ["two", "one"] {
            by_kubectl.push(secs(&mut || peer.patch_by_kubectl(version))?);
        }
        for version in ["two", "one"] {
            by_api.push(secs(&mut || peer.patch_by_api(version))?);
        }
        bare.push(secs(&mut || stage.kubectl.run(&["get", "--raw", "/version"]).map(drop))?);
        println!("round {round}: publish {:.3} s, kubectl {:.3} s", ours[2 * round], by_kubectl[2 * round]);
    }
    let what = "publish over another version";
    Ok(vec![
        Figure::new(NAME, what, "s", ours.clone())
            .against("kubectl patch, endpoints changed", by_kubectl)
            .limit(Limit::AtMost(1.2)),
        Figure::new(NAME, what, "s", ours).against("the same patch without a process", by_api),
        Figure::new(NAME, "a kubectl that asks for nothing but the version", "s", bare),
    ])
}

/// The same pods and the same Service in a namespace of their own.
struct Peer<'s> {
    stage: &'s Stage,
    /// The entrypoint's pods of each version.
    pods: [BTreeSet<String>; 2],
}

impl<'s> Peer<'s> {
    fn new(stage: &'s Stage) -> Result<Self> {
        let peer = &stage.peer;
        for version in VERSIONS {
            let labels = format!("version-name={version}");
            let kinds = "deployments,secrets,configmaps";
            let objects = stage.kubectl.copy_of(kinds, &stage.namespace, &labels, peer)?;
            stage.kubectl.run(&["apply", "-f", &objects])?;
        }
        let service = stage.kubectl.run(&["get", "service", SERVICE, "-n", &stage.namespace, "-o", "json"])?;
        let mut service: Value = serde_json::from_str(&service)?;
        plain(&mut service, peer);
        let file = stage.kubectl.keep("service.json", &service)?;
        stage.kubectl.run(&["apply", "-f", &file])?;
        let all = ["wait", "deployments", "--all", "-n", peer, "--for=condition=available", "--timeout=180s"];
        stage.kubectl.run(&all)?;
        let pods_of = |version: &str| -> Result<BTreeSet<String>> {
            let labels = format!("labelSelector=version-name%3D{version}%2Ctype%3Dentrypoint");
            let pods = stage.api.get(&format!("/api/v1/namespaces/{peer}/pods?{labels}"))?;
            let names = pods["items"].as_array().context("a list has items")?.iter();
            Ok(names.filter_map(|pod| pod["metadata"]["name"].as_str().map(str::to_owned)).collect())
        };
        let pods = [pods_of(VERSIONS[0])?, pods_of(VERSIONS[1])?];
        ensure!(pods.iter().all(|pods| pods.len() == 1), "not one pod for each entrypoint: {pods:?}");
        Ok(Self { stage, pods })
    }

    fn patch_by_kubectl(&self, version: &str) -> Result<()> {
        let args = ["patch", "service", SERVICE, "-n", &self.stage.peer, "--type=merge", "-p", &patch(version)];
        self.stage.kubectl.run(&args)?;
        self.serves(version)
    }

    fn patch_by_api(&self, version: &str) -> Result<()> {
        let path = format!("/api/v1/namespaces/{}/services/{SERVICE}", self.stage.peer);
        self.stage.api.merge_patch(&path, &patch(version))?;
        self.serves(version)
    }

    /// Waits until the Service's ready endpoints are this version's and no other's.
    fn serves(&self, version: &str) -> Result<()> {
        let path = format!("/api/v1/namespaces/{}/endpoints/{SERVICE}", self.stage.peer);
        let wanted = &self.pods[usize::from(version == VERSIONS[1])];
        until(MAX_WAIT, "the Service's endpoints are the new version's", || {
            let endpoints = self.stage.api.get(&path)?;
            let subsets = endpoints["subsets"].as_array().map(Vec::as_slice).unwrap_or_default();
            let ready = subsets.iter().filter_map(|subset| subset["addresses"].as_array()).flatten();
            let names = ready.filter_map(|address| address["targetRef"]["name"].as_str().map(str::to_owned));
            Ok(names.collect::<BTreeSet<_>>() == *wanted)
        })?;
        Ok(())
    }
}

fn patch(version: &str) -> String {
    json!({ "spec": { "selector": { "version-name": version } } }).to_string()
}
