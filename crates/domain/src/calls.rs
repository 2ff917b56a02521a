//! Calls of a version's entrypoint by hand: what can be called, and what came of a call.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::WorkflowName;

/// The local port that the commands to copy forward to the entrypoint.
const LOCAL_PORT: u16 = 9000;

/// What can be called at a version's entrypoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallableRpcs {
    /// Why nothing can be called just now, as a sentence; none when calls are possible.
    pub off: Option<String>,
    /// In the order of the proto file. Empty when the messages are not known.
    pub rpcs: Vec<CallableRpc>,
    /// Why the messages are not known, as a sentence.
    pub unreadable: Option<String>,
    pub target: GrpcTarget,
    /// How long the server waits for an answer.
    pub deadline_ms: u64,
    /// The largest request, as protobuf.
    pub max_request_bytes: u64,
    /// The largest answer, as protobuf.
    pub max_answer_bytes: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallableRpc {
    /// `package.Service/Rpc`.
    pub name: String,
    /// The message's full name.
    pub request: String,
    /// The message's full name.
    pub response: String,
    /// The workflow that it triggers, if any.
    pub workflow: Option<WorkflowName>,
    /// A request with all fields, as JSON with line breaks.
    pub example: String,
    /// Why it cannot be called here, as a sentence.
    pub off: Option<String>,
}

/// Where `grpcurl` reaches the entrypoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GrpcTarget {
    /// The command that forwards a local port; none when the entrypoint has an address outside of the cluster.
    pub forward: Option<String>,
    /// `host:port`.
    pub address: String,
    pub tls: bool,
}

impl GrpcTarget {
    /// Of an entrypoint that is reached by an Ingress.
    pub fn public(host: &str, tls: bool) -> Self {
        Self { forward: None, address: format!("{host}:{}", if tls { 443 } else { 80 }), tls }
    }

    /// Of one that is reached by a forwarded port. The names are Kubernetes names, which need no quotes.
    pub fn forwarded(namespace: &str, service: &str) -> Self {
        let forward = format!("kubectl --namespace {namespace} port-forward service/{service} {LOCAL_PORT}:9000");
        Self { forward: Some(forward), address: format!("127.0.0.1:{LOCAL_PORT}"), tls: false }
    }

    /// The command that sends this request, for a POSIX shell.
    pub fn call(&self, rpc: &str, json: &str) -> String {
        format!("{} -d {} {} {}", self.grpcurl(), quoted(&on_one_line(json)), self.address, quoted(rpc))
    }

    /// The command that lists the services, by the reflection of the original runners.
    pub fn list(&self) -> String {
        format!("{} {} list", self.grpcurl(), self.address)
    }

    fn grpcurl(&self) -> &'static str {
        if self.tls { "grpcurl" } else { "grpcurl -plaintext" }
    }
}

/// Without the space around lines, which no string in JSON has unescaped.
fn on_one_line(json: &str) -> String {
    json.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

/// As one word of a POSIX shell.
fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '/' | '-');
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// What came of a call that was made. `R` is how the response is written: as text for people, as JSON for programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CallAnswer<R = String> {
    /// `package.Service/Rpc`.
    pub rpc: String,
    #[serde(with = "crate::time")]
    pub at: Timestamp,
    pub took_ms: u64,
    pub outcome: CallOutcome<R>,
    /// The nodes that it passed through, in order; none when measurements do not tell.
    #[serde(default)]
    pub nodes: Option<Vec<PassedNode>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum CallOutcome<R = String> {
    /// `response` is JSON, with line breaks if it is a text.
    Answered { response: R },
    /// The entrypoint answered with a gRPC status other than OK. `name` is as in `INVALID_ARGUMENT`.
    Status { status: i32, name: String, message: String },
    /// There is no answer, or none that could be read; `reason` is a sentence without its point.
    Failed { failure: CallFailure, reason: String },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum CallFailure {
    /// The entrypoint could not be reached, or the connection broke.
    Unreachable,
    /// There was no answer in time.
    Deadline,
    TooLarge,
    /// The answer is not the message that the proto file promises.
    NotTheMessage,
}

/// A node through which a call went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PassedNode {
    pub workflow: WorkflowName,
    pub node: String,
    /// None when it is not known.
    pub took_ms: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_to_copy_are_words_of_a_shell() {
        let forwarded = GrpcTarget::forwarded("kai-demo", "v1-entrypoint");
        assert_eq!(
            forwarded.forward.as_deref(),
            Some("kubectl --namespace kai-demo port-forward service/v1-entrypoint 9000:9000")
        );
        assert_eq!(
            forwarded.call("demo.Entrypoint/Greet", r#"{"name":"it's $HOME"}"#),
            r#"grpcurl -plaintext -d '{"name":"it'\''s $HOME"}' 127.0.0.1:9000 demo.Entrypoint/Greet"#
        );
        let lines = forwarded.call("E/R", "{\n  \"a b\": [\n    1\n  ]\n}\n");
        assert_eq!(lines, r#"grpcurl -plaintext -d '{ "a b": [ 1 ] }' 127.0.0.1:9000 E/R"#);
        let public = GrpcTarget::public("demo.example.org", true);
        assert_eq!(public.call("E/R", "{}"), "grpcurl -d '{}' demo.example.org:443 E/R");
        assert_eq!(GrpcTarget::public("demo.example.org", false).list(), "grpcurl -plaintext demo.example.org:80 list");
    }
}
