//! A gRPC request through the nodes of a version, against the same nodes wired by hand. The test of the cluster that
//! measures it has the callers; neither the server nor this program is in a request's way.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::{
    bench::figures::{Figure, Limit},
    workspace::Workspace,
};

const NAME: &str = "request";
const TEST: &str = "messaging::latency::a_request_through_three_nodes_against_the_same_nodes_wired_by_hand";

pub(in crate::bench) fn measure(workspace: &Workspace) -> Result<Vec<Figure>> {
    ensure!(std::env::var_os("KUBECONFIG").is_some(), "set KUBECONFIG to the cluster to measure on");
    let mut test = workspace.cargo(["test", "-p", "server", "--test", "cluster", "--", "--ignored", "--nocapture"]);
    let output = test.args(["--exact", TEST]).stderr(std::process::Stdio::inherit()).output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "the measurement failed:\n{said}");
    let measured = said.lines().find_map(|line| line.strip_prefix("measured: ")).context("nothing was measured")?;
    let measured: Value = serde_json::from_str(measured)?;
    let times = |key: &str| -> Result<Vec<f64>> {
        Ok(measured[key].as_array().context("a list of times")?.iter().filter_map(Value::as_f64).collect())
    };
    Ok(vec![
        Figure::new(NAME, "a request through three nodes", "ms", times("ours")?)
            .against("the same nodes wired by hand", times("by_hand")?)
            .limit(Limit::AtMost(1.1)),
    ])
}
