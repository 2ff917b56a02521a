//! `/runtimes/{id}/versions/{name}/rpcs` and `…/calls`: the entrypoint by hand.

use app::backend::Backend;
use axum::{Json, extract::State};
use domain::{ApiError, CallAnswer, CallOutcome, CallableRpc, CallableRpcs, GrpcTarget, WorkflowName};
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};
use utoipa::ToSchema;

use crate::http::{
    Public,
    auth::SignedIn,
    error::Answer,
    extract::{JsonBody, VersionPath},
};

/// What is called, and with what: JSON of the rpc's message.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CallBody {
    /// `package.Service/Rpc`, or the rpc's name alone where only one has it.
    rpc: String,
    /// In protobuf's canonical mapping; without it the request is empty.
    #[serde(default)]
    #[schema(value_type = Value, required = false)]
    request: Option<Box<RawValue>>,
}

/// What can be called at a version's entrypoint.
// [`CallableRpcs`] with the examples as JSON.
#[derive(Serialize, ToSchema)]
pub(super) struct Rpcs {
    /// Why nothing can be called just now; none when calls are possible.
    off: Option<String>,
    /// In the order of the proto file. Empty when the messages are not known.
    rpcs: Vec<Rpc>,
    /// Why the messages are not known.
    unreadable: Option<String>,
    target: GrpcTarget,
    deadline_ms: u64,
    /// As protobuf.
    max_request_bytes: u64,
    /// As protobuf.
    max_answer_bytes: u64,
}

#[derive(Serialize, ToSchema)]
struct Rpc {
    /// `package.Service/Rpc`.
    name: String,
    /// The message's full name.
    request: String,
    /// The message's full name.
    response: String,
    /// The workflow that it triggers.
    workflow: Option<WorkflowName>,
    /// A request with all fields.
    #[schema(value_type = Value)]
    example: Box<RawValue>,
    /// Why it cannot be called from here.
    off: Option<String>,
    /// The command that sends the example.
    grpcurl: String,
}

/// Shows what can be called at a version's entrypoint.
#[utoipa::path(
    get, path = "/runtimes/{id}/versions/{name}/rpcs", operation_id = "list_rpcs", tag = "Calls",
    params(VersionPath),
    responses((status = 200, body = Rpcs)),
)]
pub(super) async fn rpcs(
    State(parts): State<Public>,
    SignedIn(caller): SignedIn,
    VersionPath(runtime, version): VersionPath,
) -> Answer<Json<Rpcs>> {
    let CallableRpcs { off, rpcs, unreadable, target, deadline_ms, max_request_bytes, max_answer_bytes } =
        parts.service.rpcs(&caller, &runtime, &version).await?;
    let rpc = |rpc: CallableRpc| {
        let grpcurl = target.call(&rpc.name, &rpc.example);
        let CallableRpc { name, request, response, workflow, example, off } = rpc;
        Ok(Rpc { name, request, response, workflow, example: raw(example)?, off, grpcurl })
    };
    let rpcs = rpcs.into_iter().map(rpc).collect::<Result<_, ApiError>>()?;
    Ok(Json(Rpcs { off, rpcs, unreadable, target, deadline_ms, max_request_bytes, max_answer_bytes }))
}

/// Calls an rpc of a version's entrypoint.
///
/// 200 once the call was made, whatever came of it.
#[utoipa::path(
    post, path = "/runtimes/{id}/versions/{name}/calls", operation_id = "call_rpc", tag = "Calls",
    params(VersionPath),
    request_body = CallBody,
    responses((status = 200, body = CallAnswer<Value>), (status = 409)),
)]
pub(super) async fn call(
    State(parts): State<Public>,
    SignedIn(caller): SignedIn,
    VersionPath(runtime, version): VersionPath,
    JsonBody(CallBody { rpc, request }): JsonBody<CallBody>,
) -> Answer<Json<CallAnswer<Box<RawValue>>>> {
    let request = request.as_deref().map_or("{}", RawValue::get);
    let answer = parts.service.call(&caller, &runtime, &version, &rpc, request).await?;
    let CallAnswer { rpc, at, took_ms, outcome, nodes } = answer;
    let outcome = match outcome {
        CallOutcome::Answered { response } => CallOutcome::Answered { response: raw(response)? },
        CallOutcome::Status { status, name, message } => CallOutcome::Status { status, name, message },
        CallOutcome::Failed { failure, reason } => CallOutcome::Failed { failure, reason },
    };
    Ok(Json(CallAnswer { rpc, at, took_ms, outcome, nodes }))
}

/// The server wrote it itself.
fn raw(json: String) -> Result<Box<RawValue>, ApiError> {
    RawValue::from_string(json).map_err(|error| {
        tracing::error!("a message was written as broken JSON: {error}");
        ApiError::Internal
    })
}
