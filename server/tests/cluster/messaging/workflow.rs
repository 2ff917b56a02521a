//! A workflow of the test runner (crates/runner) that does what the request's text says, and who calls it.

use std::time::Duration;

use http::uri::PathAndQuery;
use k8s_openapi::api::core::v1::Service;
use kube::api::PostParams;
use serde_json::json;
use tonic::{
    Code, Status,
    client::Grpc,
    transport::{Channel, Endpoint},
};
use tonic_prost::ProstCodec;

use super::node_host;
use crate::support::{fixture::Fixture, krt::pack};

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Generation {
    /// krtVersion v1
    B,
    /// krtVersion v2
    C2,
}

const PROTO: &str = r#"
syntax = "proto3";
package shop;
service Entrypoint { rpc Ask (Question) returns (Answer); }
message Question { string text = 1; repeated string path = 2; }
message Answer { string text = 1; repeated string path = 2; }
"#;

/// Each node adds its name; the first one adds the version's before.
const FIRST: &str = "#: append path \"{$KRT_VERSION}\"\n#: append path \"first\"\n";
const MIDDLE: &str = "#: append path \"middle\"\n\
    #: when text is bad: fail it is bad\n\
    #: when text is slow: sleep 3s\n\
    #: when text is exit: as Answer\n\
    #: when text is exit: exit-early\n\
    #: when text is early: as Answer\n\
    #: when text is early: reply-early\n";
const LAST: &str = "#: append path \"last\"\n#: as Answer\n";

const V1: &str = "
description: Made for a test.
entrypoint:
  proto: public_input.proto
  image: kai.test/kre-entrypoint:1.8.1
nodes:
  - {name: first, image: 'kai.test/kre-py:2.1.0', src: src/first}
  - {name: middle, image: 'kai.test/kre-py:2.1.0', src: src/middle}
  - {name: last, image: 'kai.test/kre-py:2.1.0', src: src/last}
workflows:
  - name: flow
    entrypoint: Ask
    sequential: [first, middle, last]
";
const V2: &str = "
krtVersion: v2
description: Made for a test.
entrypoint:
  proto: public_input.proto
  image: kai.test/kre-entrypoint:3.1.0
workflows:
  - name: flow
    entrypoint: Ask
    exitpoint: last
    nodes:
      - {name: first, image: 'kai.test/kre-py:3.3.0', src: src/first, subscriptions: [entrypoint]}
      - {name: middle, image: 'kai.test/kre-py:3.3.0', src: src/middle, subscriptions: [first]}
      - {name: side, image: 'kai.test/kre-py:3.3.0', src: src/side, subscriptions: [first.side]}
      - {name: last, image: 'kai.test/kre-py:3.3.0', src: src/last, subscriptions: [middle, side]}
";

impl Generation {
    /// A KRT file of this generation.
    pub(crate) fn krt(self, version: &str) -> Vec<u8> {
        let (manifest, first, middle, last) = match self {
            Self::B => (V1, FIRST.to_owned(), MIDDLE.to_owned(), LAST.to_owned()),
            Self::C2 => (
                V2,
                format!("{FIRST}#: send\n#: when text is branch: send side\n"),
                format!("{MIDDLE}#: send\n"),
                format!("#: forward\n#: when text is branch: gather middle side\n{LAST}#: send\n"),
            ),
        };
        let manifest = format!("version: {version}{manifest}");
        pack(&[
            ("krt.yml", manifest.as_bytes()),
            ("public_input.proto", PROTO.as_bytes()),
            ("src/first", first.as_bytes()),
            ("src/middle", middle.as_bytes()),
            ("src/last", last.as_bytes()),
            ("src/side", b"#: set path [\"side\"]\n#: send\n"),
        ])
    }

    pub(crate) fn stream(self, runtime: &str, version: &str) -> String {
        match self {
            Self::B => format!("{runtime}-{version}-Ask"),
            Self::C2 => format!("{runtime}_{version}_Ask"),
        }
    }
}

/// Both messages of the proto file.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Words {
    #[prost(string, tag = "1")]
    text: String,
    #[prost(string, repeated, tag = "2")]
    path: Vec<String>,
}

#[derive(Clone)]
pub(crate) struct Caller(Endpoint);

impl Caller {
    /// Of the entrypoint of one version, by a Service of the test's own, published or not.
    pub(crate) async fn of_version(fixture: &Fixture, runtime: &str, version: &str) -> Self {
        let service = serde_json::from_value(json!({
            "metadata": { "name": format!("test-{version}") },
            "spec": {
                "type": "NodePort",
                "selector": { "type": "entrypoint", "version-name": version },
                "ports": [{ "name": "grpc", "port": 9000, "protocol": "TCP" }],
            },
        }));
        let services = fixture.api::<Service>(runtime);
        Self::of(&services.create(&PostParams::default(), &service.unwrap()).await.unwrap())
    }

    /// Of a Service that is reached by a port of the node.
    pub(crate) fn of(service: &Service) -> Self {
        let ports = service.spec.as_ref().and_then(|spec| spec.ports.as_ref()).unwrap();
        let port = ports.iter().find(|port| port.name.as_deref() == Some("grpc")).and_then(|port| port.node_port);
        let url = format!("http://{}:{}", node_host(), port.unwrap());
        Self(
            Endpoint::from_shared(url)
                .unwrap()
                .connect_timeout(Duration::from_secs(5))
                .timeout(Duration::from_secs(10)),
        )
    }

    /// By a connection of its own; one that is kept would stay with the pod that it began with.
    pub(crate) async fn ask(&self, text: &str) -> Result<Vec<String>, Status> {
        self.connect().await?.ask(text).await
    }

    pub(crate) async fn connect(&self) -> Result<Connected, Status> {
        let channel = self.0.connect().await.map_err(|error| Status::unavailable(format!("{error:?}")))?;
        Ok(Connected(Grpc::new(channel)))
    }

    /// Waits until the entrypoint itself answers there, without a request through its workflow. That somebody takes the
    /// connection is not enough: kube-proxy holds the port open before it leads anywhere.
    pub(crate) async fn until_connected(&self, fixture: &Fixture) {
        let answers = || async {
            let Ok(channel) = self.0.clone().timeout(Duration::from_secs(1)).connect().await else { return false };
            let refused = Connected(Grpc::new(channel)).call("/shop.Entrypoint/Nothing", "").await;
            refused.is_err_and(|status| status.code() == Code::Unimplemented)
        };
        fixture.until_cluster("the node's port", answers).await;
    }

    pub(crate) async fn refusal(&self, text: &str) -> (Code, String) {
        let status = self.ask(text).await.unwrap_err();
        (status.code(), status.message().to_owned())
    }
}

pub(crate) struct Connected(Grpc<Channel>);

impl Connected {
    pub(crate) async fn ask(&mut self, text: &str) -> Result<Vec<String>, Status> {
        let Words { text: said, path } = self.call("/shop.Entrypoint/Ask", text).await?;
        assert_eq!(said, text);
        Ok(path)
    }

    async fn call(&mut self, path: &'static str, text: &str) -> Result<Words, Status> {
        self.0.ready().await.map_err(|error| Status::unavailable(format!("{error:?}")))?;
        let question = tonic::Request::new(Words { text: text.to_owned(), path: Vec::new() });
        let codec: ProstCodec<Words, Words> = ProstCodec::default();
        Ok(self.0.unary(question, PathAndQuery::from_static(path), codec).await?.into_inner())
    }
}
