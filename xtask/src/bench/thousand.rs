//! A server that begins again with 1,000 started versions: how soon it knows how they are, what it asks the cluster for,
//! and what it holds.
//!
//! The cluster is the sandbox of another server process, which goes on while the measured one is killed and started. A
//! proxy between the two counts requests.

use std::{
    collections::BTreeMap,
    fs,
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};

use super::{
    Bench,
    archives::small,
    figures::{Figure, Limit},
    listeners,
    nats::Nats,
    program::{Server, until},
    proxy::{self, Counts, Kind},
};

const NAME: &str = "thousand";
const RUNTIMES: usize = 100;
const VERSIONS_EACH: usize = 10;
/// A smaller server to compare the requests with.
const FEW_RUNTIMES: usize = 10;
const NODES: usize = 2;
const RESTARTS: usize = 3;
/// A little longer than the interval at which the server looks at every runtime.
const REST: Duration = Duration::from_secs(35);
const LISTENERS: usize = 1000;
/// With messaging: a little longer than the interval at which the server lists all streams.
const LONG_REST: Duration = Duration::from_secs(65);

struct Stage<'b> {
    bench: &'b Bench,
    data: PathBuf,
    settings: Vec<(&'static str, String)>,
    counts: Counts,
    /// None without messaging.
    nats: Option<Nats>,
}

/// What one start of the server costs.
struct Restart {
    converged_secs: f64,
    requests: BTreeMap<Kind, u64>,
    answered_mib: f64,
    at_rest: BTreeMap<Kind, u64>,
    cpu_percent: f64,
    memory_mib: f64,
    /// What NATS was asked during the restart, and at rest.
    messages: [u64; 2],
}

pub(super) fn measure(bench: &Bench) -> Result<Vec<Figure>> {
    let (_cluster, stage) = set(bench, None)?;
    let server = stage.server()?;
    stage.fill(&server, 0..FEW_RUNTIMES)?;
    drop(server);
    let (few, server) = stage.restart(FEW_RUNTIMES)?;
    stage.fill(&server, FEW_RUNTIMES..RUNTIMES)?;
    drop(server);
    let mut many = Vec::new();
    let mut last = None;
    for _ in 0..RESTARTS {
        drop(last.take());
        let (restart, server) = stage.restart(RUNTIMES)?;
        many.push(restart);
        last = Some(server);
    }
    let server = last.context("it was started")?;
    let mut figures = describe(&few, &many);
    figures.extend(listeners::measure(NAME, &server, LISTENERS)?);
    Ok(figures)
}

/// The same versions with messaging, of the generation that has the most in NATS.
pub(super) fn measure_messaging(bench: &Bench) -> Result<Vec<Figure>> {
    const NAME: &str = "messaging";
    let nats = Nats::start(&bench.fresh_folder("thousand-nats")?)?;
    let versions = (0..RUNTIMES).flat_map(|runtime| (0..VERSIONS_EACH).map(move |version| (runtime, version)));
    nats.listen(versions.flat_map(|(runtime, version)| {
        let stream = format!("{}_v{version}_Run", id(runtime));
        let first = format!("{stream}-entrypoint-node-1");
        let others = (2..=NODES).map(|node| format!("{stream}-node-{}-node-{node}", node - 1)).collect::<Vec<_>>();
        std::iter::once(first).chain(others).map(move |consumer| (stream.clone(), consumer)).collect::<Vec<_>>()
    }))?;
    let (_cluster, stage) = set(bench, Some(nats))?;
    let server = stage.server()?;
    stage.fill(&server, 0..RUNTIMES)?;
    drop(server);
    let mut restarts = Vec::new();
    for _ in 0..RESTARTS {
        restarts.push(stage.restart(RUNTIMES)?.0);
    }
    let each = |of: &dyn Fn(&Restart) -> f64| restarts.iter().map(of).collect::<Vec<_>>();
    Ok(vec![
        Figure::new(NAME, "restart to converged", "s", each(&|r| r.converged_secs)),
        Figure::new(NAME, "requests to JetStream of a restart", "requests", each(&|r| r.messages[0] as f64)),
        // A probe every 5 s, and one list of 5,000 streams in pages of 256.
        Figure::new(NAME, "requests to JetStream in 65 s of rest", "requests", each(&|r| r.messages[1] as f64))
            .limit(Limit::AtMost(60.0)),
        Figure::new(NAME, "processor at rest", "% of a core", each(&|r| r.cpu_percent)).limit(Limit::AtMost(1.0)),
        Figure::new(NAME, "memory at rest", "MiB", each(&|r| r.memory_mib)),
    ])
}

/// A cluster that outlives the measured server, and what that server is started with.
fn set(bench: &Bench, nats: Option<Nats>) -> Result<(Server, Stage<'_>)> {
    let cluster = Server::start(
        &bench.server,
        &bench.fresh_folder("thousand-cluster")?,
        &[("KAI_SANDBOX_READY_AFTER", "200ms")],
    )?;
    let sandbox = cluster.sandbox.clone().context("a server with a sandbox says where it is")?;
    let (proxy, counts) = proxy::start(sandbox)?;
    let data = bench.fresh_folder("thousand-data")?;
    let kubeconfig = data.join("kubeconfig");
    fs::write(&kubeconfig, kubeconfig_of(&proxy))?;
    let mut settings = vec![
        ("KAI_CLUSTER", "kubeconfig".to_owned()),
        ("KUBECONFIG", kubeconfig.display().to_string()),
        ("KAI_NODE_MIN_READY", "1s".to_owned()),
        // It stands in every Deployment. Left out, it would have the port that each start gets anew.
        ("KAI_ADVERTISED_URL", "http://127.0.0.1:1".to_owned()),
    ];
    settings.extend(nats.as_ref().map(|nats| ("KAI_NATS_URL", nats.url())));
    Ok((cluster, Stage { bench, data, settings, counts, nats }))
}

fn describe(few: &Restart, many: &[Restart]) -> Vec<Figure> {
    let each = |of: &dyn Fn(&Restart) -> f64| many.iter().map(of).collect::<Vec<_>>();
    let count = |restart: &Restart, kind| restart.requests.get(&kind).copied().unwrap_or(0) as f64;
    let fewer = format!("{} versions", FEW_RUNTIMES * VERSIONS_EACH);
    let mut figures = vec![
        Figure::new(NAME, "restart to converged", "s", each(&|r| r.converged_secs)),
        Figure::new(
            NAME,
            "writes of a restart and 35 s of rest",
            "requests",
            each(&|r| count(r, Kind::Write) + r.at_rest.get(&Kind::Write).copied().unwrap_or(0) as f64),
        )
        .limit(Limit::AtMost(0.0)),
    ];
    for (what, kind) in [("lists", Kind::List), ("watches", Kind::Watch)] {
        let figure = Figure::new(NAME, format!("{what} of a restart"), "requests", each(&|r| count(r, kind)));
        figures.push(figure.against(&fewer, vec![count(few, kind)]).limit(Limit::AtMost(1.0)));
    }
    for (what, kind) in
        [("further pages of lists", Kind::NextPage), ("gets", Kind::Get), ("discovery", Kind::Discovery)]
    {
        figures.push(Figure::new(NAME, what, "requests", each(&|r| count(r, kind))));
    }
    figures.push(Figure::new(NAME, "bytes read from the cluster", "MiB", each(&|r| r.answered_mib)));
    let probes = |r: &Restart| r.at_rest.get(&Kind::Probe).copied().unwrap_or(0);
    let asked = |r: &Restart| (r.at_rest.values().sum::<u64>() - probes(r)) as f64;
    let asked = Figure::new(NAME, "requests but probes in 35 s of rest", "requests", each(&asked));
    figures.push(asked.limit(Limit::AtMost(0.0)));
    figures.push(Figure::new(NAME, "probes in 35 s of rest", "requests", each(&|r| probes(r) as f64)));
    let cpu = Figure::new(NAME, "processor at rest", "% of a core", each(&|r| r.cpu_percent));
    figures.push(cpu.limit(Limit::AtMost(1.0)));
    let memory = Figure::new(NAME, "memory at rest", "MiB", each(&|r| r.memory_mib));
    figures.push(memory.against(fewer, vec![few.memory_mib]));
    let each_version = |r: &Restart| r.memory_mib * 1024.0 / (RUNTIMES * VERSIONS_EACH) as f64;
    let memory = Figure::new(NAME, "memory at rest for each version", "KiB", each(&each_version));
    figures.push(memory.limit(Limit::AtMost(120.0)));
    figures
}

impl Stage<'_> {
    fn server(&self) -> Result<Server> {
        let settings: Vec<_> = self.settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
        Server::start(&self.bench.server, &self.data, &settings)
    }

    /// Adds runtimes full of versions, and waits until all are started and well.
    fn fill(&self, server: &Server, runtimes: std::ops::Range<usize>) -> Result<()> {
        let begin = Instant::now();
        let krts: Vec<PathBuf> = (0..VERSIONS_EACH)
            .map(|version| {
                let file = self.data.join(format!("v{version}.krt"));
                small(&file, &format!("v{version}"), NODES).map(|()| file)
            })
            .collect::<Result<_>>()?;
        for runtime in runtimes.clone() {
            let runtime = id(runtime);
            server.create_runtime(&runtime)?;
            for (version, krt) in krts.iter().enumerate() {
                server.upload(&runtime, krt)?;
                if self.nats.is_some() {
                    let path = format!("/runtimes/{runtime}/versions/v{version}/generation");
                    server.call("PUT", &path, r#"{"generation":"c2"}"#)?;
                }
                server.command(&runtime, &format!("v{version}"), "start")?;
            }
        }
        let asked = begin.elapsed().as_secs_f64();
        for runtime in runtimes.clone() {
            until(Duration::from_secs(600), "all versions are started", || is_well(server, runtime))?;
        }
        println!(
            "{} versions added and asked to start in {asked:.1} s, all started after {:.1} s",
            runtimes.len() * VERSIONS_EACH,
            begin.elapsed().as_secs_f64()
        );
        Ok(())
    }

    fn restart(&self, runtimes: usize) -> Result<(Restart, Server)> {
        self.counts.take();
        let asked = || self.nats.as_ref().map_or(Ok(0), Nats::requests);
        let before = asked()?;
        let begin = Instant::now();
        let server = self.server()?;
        for runtime in 0..runtimes {
            until(Duration::from_secs(120), "all versions are known to be well", || is_well(&server, runtime))?;
        }
        let converged_secs = begin.elapsed().as_secs_f64();
        // What the server still does for a moment belongs to the restart.
        thread::sleep(Duration::from_secs(3));
        let (requests, answered) = self.counts.take();
        let asked_so_far = asked()?;
        let busy = server.processor_secs()?;
        let rest = if self.nats.is_some() { LONG_REST } else { REST };
        thread::sleep(rest);
        let cpu_percent = (server.processor_secs()? - busy) / rest.as_secs_f64() * 100.0;
        let messages = [asked_so_far - before, asked()? - asked_so_far];
        let (at_rest, _) = self.counts.take();
        println!(
            "{} versions: converged after {converged_secs:.2} s, {requests:?}, then {at_rest:?} and {cpu_percent:.2} % of \
             a core; NATS was asked {messages:?}",
            runtimes * VERSIONS_EACH
        );
        ensure!(requests.contains_key(&Kind::Watch), "the server does not ask through the proxy");
        let memory_mib = server.memory()? as f64 / f64::from(1 << 20);
        let answered_mib = answered as f64 / f64::from(1 << 20);
        Ok((Restart { converged_secs, requests, answered_mib, at_rest, cpu_percent, memory_mib, messages }, server))
    }
}

fn is_well(server: &Server, runtime: usize) -> Result<bool> {
    let versions = server.call("GET", &format!("/runtimes/{}/versions", id(runtime)), "")?;
    let versions = versions.as_array().context("versions are a list")?;
    let well = |version: &serde_json::Value| version["state"] == "started" && version["health"]["status"] == "healthy";
    Ok(versions.len() == VERSIONS_EACH && versions.iter().all(well))
}

fn id(runtime: usize) -> String {
    format!("bench-{runtime}")
}

fn kubeconfig_of(addr: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: bench\n\
         clusters: [{{name: bench, cluster: {{server: 'http://{addr}'}}}}]\n\
         users: [{{name: bench, user: {{}}}}]\n\
         contexts: [{{name: bench, context: {{cluster: bench, user: bench}}}}]\n"
    )
}
