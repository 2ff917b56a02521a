//! From the command to *started*, against `kubectl apply` and `kubectl wait`.

use std::time::Instant;

use anyhow::Result;

use super::Stage;
use crate::bench::{
    Bench,
    figures::{Figure, Limit},
};

const NAME: &str = "cluster-start";
const NODES: usize = 6;
const ROUNDS: usize = 5;

pub(in crate::bench) fn measure(bench: &Bench) -> Result<Vec<Figure>> {
    let stage = Stage::new(bench, "start", &["one", "copied"], NODES)?;
    // What is copied stays started: with its stop the credential by which its pods get their file would be void.
    stage.reach("copied", "start", "started")?;
    let objects = stage.kubectl.copy_of(
        "deployments,services,secrets,configmaps",
        &stage.namespace,
        "version-name=copied",
        &stage.peer,
    )?;
    let stop = || -> Result<()> {
        stage.reach("one", "stop", "stopped")?;
        stage.no_pods(&stage.namespace, "version-name=one")
    };

    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let begin = Instant::now();
        stage.reach("one", "start", "started")?;
        ours.push(begin.elapsed().as_secs_f64());
        stop()?;

        let begin = Instant::now();
        stage.kubectl.run(&["apply", "-f", &objects])?;
        let all = ["wait", "deployments", "--all", "-n", &stage.peer, "--for=condition=available", "--timeout=180s"];
        stage.kubectl.run(&all)?;
        theirs.push(begin.elapsed().as_secs_f64());
        stage.kubectl.run(&["delete", "--wait=false", "--now", "-f", &objects])?;
        stage.no_pods(&stage.peer, "")?;
        println!("round {round}: start {:.2} s, kubectl {:.2} s", ours[round], theirs[round]);
    }
    let what = format!("start of {NODES} nodes");
    Ok(vec![
        Figure::new(NAME, what, "s", ours).against("kubectl apply, kubectl wait", theirs).limit(Limit::AtMost(1.1)),
    ])
}
