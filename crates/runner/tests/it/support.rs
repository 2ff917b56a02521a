//! A nats-server of the test's own, and runners as processes around it.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{Receiver, channel},
    time::Duration,
};

use async_nats::jetstream::{
    self, Context,
    consumer::push,
    stream::{Config, RetentionPolicy},
};
use tempfile::TempDir;
use tonic::{Code, Status, client::Grpc, codegen::http::uri::PathAndQuery, transport::Channel};
use tonic_prost::ProstCodec;

const MAX_WAIT: Duration = Duration::from_secs(20);

const PROTO: &str = r#"
syntax = "proto3";
package shop;
service Entrypoint { rpc Ask (Question) returns (Answer); }
message Question { string text = 1; repeated string path = 2; }
message Answer { string text = 1; repeated string path = 2; }
message Side { string text = 1; repeated string path = 2; repeated string marks = 3; }
"#;

/// Both messages of the proto file.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Words {
    #[prost(string, tag = "1")]
    pub(crate) text: String,
    #[prost(string, repeated, tag = "2")]
    pub(crate) path: Vec<String>,
}

/// A process that ends with its owner.
pub(crate) struct Process {
    child: Child,
    lines: Receiver<String>,
}

impl Process {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (to, lines) = channel();
        let stdout = BufReader::new(child.stdout.take().unwrap()).lines();
        let stderr = BufReader::new(child.stderr.take().unwrap()).lines();
        let both: [Box<dyn Iterator<Item = _> + Send>; 2] = [Box::new(stdout), Box::new(stderr)];
        for lines in both {
            let to = to.clone();
            // Nobody may listen any more.
            std::thread::spawn(move || lines.map_while(Result::ok).for_each(|line| drop(to.send(line))));
        }
        Self { child, lines }
    }

    /// The next line with this in it.
    pub(crate) fn says(&self, what: &str) -> String {
        let mut before = String::new();
        loop {
            match self.lines.recv_timeout(MAX_WAIT) {
                Ok(line) if line.contains(what) => return line,
                Ok(line) => before = before + &line + "\n",
                Err(error) => panic!("it does not say {what:?} ({error}):\n{before}"),
            }
        }
    }

    /// Waits for its end.
    pub(crate) async fn ends(&mut self) -> ExitStatus {
        let end = tokio::time::Instant::now() + MAX_WAIT;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(tokio::time::Instant::now() < end, "it does not end");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Generation {
    B,
    C2,
}

/// One workflow `flow` of a version `v1` in a runtime `rt`, with the rpc `Ask`.
pub(crate) struct Stage {
    generation: Generation,
    dir: TempDir,
    nats_url: String,
    pub(crate) jetstream: Context,
    /// Nodes in their order, each with what it listens to: `entrypoint`, a node, or a node's subtopic.
    nodes: Vec<(&'static str, Vec<&'static str>)>,
    pub(crate) influx_uri: String,
    _nats: Process,
}

impl Stage {
    pub(crate) async fn new(generation: Generation) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let program = ["/usr/sbin/nats-server", "nats-server"].into_iter().find(|path| Path::new(path).exists());
        let mut command = Command::new(program.unwrap_or("nats-server"));
        command.args(["-js", "-a", "127.0.0.1", "-p", "-1", "-sd"]).arg(dir.path().join("nats"));
        let nats = Process::start(&mut command);
        let line = nats.says("Listening for client connections on");
        let nats_url = format!("nats://{}", line.rsplit(' ').next().unwrap());
        let jetstream = jetstream::new(async_nats::connect(&nats_url).await.unwrap());
        fs::write(dir.path().join("public_input.proto"), PROTO).unwrap();
        Self { generation, dir, nats_url, jetstream, nodes: Vec::new(), influx_uri: String::new(), _nats: nats }
    }

    /// Adds a node with its source; the last one is the exitpoint.
    pub(crate) fn node(mut self, name: &'static str, listens_to: &[&'static str], source: &str) -> Self {
        fs::write(self.dir.path().join(name), source).unwrap();
        self.nodes.push((name, listens_to.to_vec()));
        self
    }

    pub(crate) fn stream(&self) -> &'static str {
        match self.generation {
            Generation::B => "rt-v1-Ask",
            Generation::C2 => "rt_v1_Ask",
        }
    }

    /// Makes the stream and the buckets, as the server does before the pods.
    pub(crate) async fn prepare(&self) {
        let stream = self.stream();
        let mut subjects = vec![format!("{stream}.entrypoint")];
        subjects
            .extend(self.nodes.iter().flat_map(|(name, _)| [format!("{stream}.{name}"), format!("{stream}.{name}.*")]));
        if self.generation == Generation::B {
            subjects = vec![format!("{stream}.*")];
        }
        let retention = RetentionPolicy::Interest;
        let config = Config { name: stream.to_owned(), subjects, retention, ..Config::default() };
        self.jetstream.create_stream(config).await.unwrap();
        for bucket in self.buckets() {
            // Not by the client's own call, which cannot read what a NATS of before 2.10 says of its account.
            let config = Config {
                name: format!("KV_{bucket}"),
                subjects: vec![format!("$KV.{bucket}.>")],
                max_messages_per_subject: 1,
                allow_rollup: true,
                deny_delete: true,
                ..Config::default()
            };
            self.jetstream.create_stream(config).await.unwrap();
        }
    }

    fn buckets(&self) -> Vec<String> {
        let nodes = self.nodes.iter().map(|(name, _)| format!("key-store_rt_v1_flow_{name}"));
        ["key-store_rt_v1", "key-store_rt_v1_flow"].map(str::to_owned).into_iter().chain(nodes).collect()
    }

    /// The durable of a node and input, as its runner names it.
    fn durable(&self, node: &str, input: &str) -> String {
        match self.generation {
            Generation::B => format!("v1-{node}"),
            Generation::C2 => format!("rt_v1_Ask-{}-{node}", input.replace('.', "-")),
        }
    }

    fn input(&self, node: &str, listens_to: &str) -> String {
        let source = if self.generation == Generation::B { node } else { listens_to };
        format!("{}.{source}", self.stream())
    }

    /// Makes a node's consumers before it runs.
    pub(crate) async fn make_durables(&self, ack_wait: Duration) {
        let stream = self.jetstream.get_stream(self.stream()).await.unwrap();
        for (node, inputs) in &self.nodes {
            for input in inputs {
                let name = self.durable(node, input);
                let config = push::Config {
                    durable_name: Some(name.clone()),
                    deliver_subject: format!("deliver.{name}"),
                    deliver_group: Some(name),
                    deliver_policy: jetstream::consumer::DeliverPolicy::New,
                    ack_wait,
                    filter_subject: self.input(node, input),
                    ..push::Config::default()
                };
                stream.create_consumer(config).await.unwrap();
            }
        }
    }

    /// Starts the entrypoint and all nodes, and waits until all of them listen.
    pub(crate) async fn start(&self) -> (Caller, Vec<Process>) {
        let caller = self.start_entrypoint().await;
        let nodes: Vec<Process> = self.nodes.iter().map(|(name, _)| self.start_node(name)).collect();
        self.until_bound().await;
        (caller, nodes)
    }

    pub(crate) async fn until_bound(&self) {
        for (node, inputs) in &self.nodes {
            for input in inputs {
                self.until_node_is_bound(node, input).await;
            }
        }
    }

    pub(crate) async fn until_node_is_bound(&self, node: &str, input: &str) {
        let end = tokio::time::Instant::now() + MAX_WAIT;
        let name = self.durable(node, input);
        let bound = async || {
            let stream = self.jetstream.get_stream(self.stream()).await.ok()?;
            let consumer = stream.get_consumer::<push::Config>(&name).await.ok()?;
            Some(consumer.cached_info().push_bound)
        };
        while bound().await != Some(true) {
            assert!(tokio::time::Instant::now() < end, "{name} is never bound");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub(crate) async fn start_entrypoint(&self) -> Caller {
        let process = self.spawn_entrypoint();
        let line = process.says("serves gRPC on");
        process.says("connected to NATS");
        if self.generation == Generation::B {
            process.says("is there");
        }
        let channel = Channel::from_shared(format!("http://{}", line.rsplit(' ').next().unwrap())).unwrap();
        Caller { grpc: Grpc::new(channel.connect().await.unwrap()), _process: process }
    }

    pub(crate) fn spawn_entrypoint(&self) -> Process {
        let stream = self.stream();
        let exit = self.nodes.last().unwrap().0;
        let subjects = match self.generation {
            Generation::B => serde_json::json!({ "Ask": format!("{stream}.{}", self.nodes[0].0) }),
            Generation::C2 => serde_json::json!({ "Ask": {
                "stream": stream, "input_subject": format!("{stream}.{exit}"), "output_subject": format!("{stream}.entrypoint"),
            } }),
        };
        let file = self.dir.path().join("nats_subject.json");
        fs::write(&file, subjects.to_string()).unwrap();
        let mut env = self.common("entrypoint");
        let release = if self.generation == Generation::B { "1.8.1" } else { "3.1.0" };
        env.extend([
            ("RUNNER_AS", format!("kre-entrypoint:{release}")),
            ("RUNNER_ADDR", "127.0.0.1:0".to_owned()),
            ("RUNNER_FILES", self.dir.path().display().to_string()),
            ("KRT_NODE_ID", "entrypoint".to_owned()),
            ("KRT_NATS_SUBJECTS_FILE", file.display().to_string()),
            ("KRT_REQUEST_TIMEOUT", "3".to_owned()),
        ]);
        runner(&env)
    }

    pub(crate) fn start_node(&self, name: &str) -> Process {
        runner(&self.environment(name))
    }

    pub(crate) fn environment(&self, name: &str) -> BTreeMap<&'static str, String> {
        let stream = self.stream();
        let at = self.nodes.iter().position(|(node, _)| *node == name).unwrap();
        let mut env = self.common(name);
        env.extend([
            ("KRT_WORKFLOW_NAME", "flow".to_owned()),
            ("KRT_NATS_STREAM", stream.to_owned()),
            ("KRT_BASE_PATH", self.dir.path().display().to_string()),
            ("KRT_HANDLER_PATH", name.to_owned()),
            ("KRT_NATS_MONGO_WRITER", "mongo_writer_data.rt".to_owned()),
            ("KRT_MONGO_URI", String::new()),
        ]);
        match self.generation {
            Generation::B => {
                let next = self.nodes.get(at + 1).map_or("entrypoint", |(next, _)| next);
                env.extend([
                    ("RUNNER_AS", "kre-py:2.1.0".to_owned()),
                    ("KRT_NATS_INPUT", format!("{stream}.{name}")),
                    ("KRT_NATS_OUTPUT", format!("{stream}.{next}")),
                    ("KRT_IS_LAST_NODE", (next == "entrypoint").to_string()),
                    ("KRT_NATS_ENTRYPOINT_SUBJECT", format!("{stream}.entrypoint")),
                ]);
            }
            Generation::C2 => {
                let inputs: Vec<String> = self.nodes[at].1.iter().map(|input| self.input(name, input)).collect();
                env.extend([
                    ("RUNNER_AS", "kre-py:3.3.0".to_owned()),
                    ("KRT_NATS_INPUTS", inputs.join(",")),
                    ("KRT_NATS_OUTPUT", format!("{stream}.{name}")),
                    ("KRT_NATS_KEY_VALUE_STORE_PROJECT", "key-store_rt_v1".to_owned()),
                    ("KRT_NATS_KEY_VALUE_STORE_WORKFLOW", "key-store_rt_v1_flow".to_owned()),
                    ("KRT_NATS_KEY_VALUE_STORE_NODE", format!("key-store_rt_v1_flow_{name}")),
                ]);
            }
        }
        env
    }

    fn common(&self, name: &str) -> BTreeMap<&'static str, String> {
        BTreeMap::from([
            ("KRT_RUNTIME_ID", "rt".to_owned()),
            ("KRT_VERSION_ID", "rt-v1".to_owned()),
            ("KRT_VERSION", "v1".to_owned()),
            ("KRT_NODE_NAME", name.to_owned()),
            ("KRT_NATS_SERVER", self.nats_url.clone()),
            ("KRT_INFLUX_URI", self.influx_uri.clone()),
        ])
    }
}

/// A runner with these variables and no others.
pub(crate) fn runner(env: &BTreeMap<&'static str, String>) -> Process {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_runner"));
    Process::start(Command::new(program).env_clear().envs(env))
}

pub(crate) struct Caller {
    grpc: Grpc<Channel>,
    _process: Process,
}

impl Caller {
    pub(crate) async fn ask(&self, text: &str) -> Result<Words, Status> {
        let mut grpc = self.grpc.clone();
        grpc.ready().await.unwrap();
        let question = Words { text: text.to_owned(), path: Vec::new() };
        let path = PathAndQuery::from_static("/shop.Entrypoint/Ask");
        let codec: ProstCodec<Words, Words> = ProstCodec::default();
        Ok(grpc.unary(tonic::Request::new(question), path, codec).await?.into_inner())
    }

    pub(crate) async fn path_of(&self, text: &str) -> Vec<String> {
        self.ask(text).await.unwrap().path
    }

    pub(crate) async fn refused(&self, text: &str) -> (Code, String) {
        let status = self.ask(text).await.unwrap_err();
        (status.code(), status.message().to_owned())
    }
}
