//! `/runtimes/{id}/versions/{name}/rpcs` and `…/calls`: the entrypoint by hand.

use app::backend::Backend;
use axum::{Json, extract::State};
use domain::{ApiError, CallAnswer, CallOutcome, CallableRpc, CallableRpcs, GrpcTarget, WorkflowName};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::http::{
    Public,
    auth::SignedIn,
    error::Answer,
    extract::{JsonBody, VersionPath},
};

/// What is called, and with what: JSON of the rpc's message.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CallBody {
    rpc: String,
    #[serde(default)]
    request: Option<Box<RawValue>>,
}

/// [`CallableRpcs`] with the examples as JSON.
#[derive(Serialize)]
pub(super) struct Rpcs {
    off: Option<String>,
    rpcs: Vec<Rpc>,
    unreadable: Option<String>,
    target: GrpcTarget,
    deadline_ms: u64,
    max_request_bytes: u64,
    max_answer_bytes: u64,
}

#[derive(Serialize)]
struct Rpc {
    name: String,
    request: String,
    response: String,
    workflow: Option<WorkflowName>,
    example: Box<RawValue>,
    off: Option<String>,
    /// With the example.
    grpcurl: String,
}

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

/// 200 once the call was made, whatever came of it.
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
