//! Calls of a version's entrypoint by hand ("Try it"): of this version, published or not, wherever the server runs.

use std::{
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

use domain::{
    ApiError, CallAnswer, CallFailure, CallOutcome, CallableRpc, CallableRpcs, Caller, ClusterKind, Outcome, Problem,
    RuntimeId, Timestamp, VersionName, VersionState, access::Permission,
};
use tokio::time::timeout;

use super::{Service, content::protos, errors::from_store};
use crate::{
    calls::{self, Rpc, Schema, Schemas, Turns, read_request, write_answer},
    cluster::{Cluster, reason_of_break},
    config::CallLimits,
    measurements::sends_elsewhere,
    reconciler::{ENTRYPOINT_PORT, EntrypointPod},
    store::{CallRecord, VersionRecord},
};

/// What the service needs for calls.
pub(super) struct Calls {
    schemas: Schemas,
    turns: Turns,
    limits: CallLimits,
}

impl Calls {
    pub(super) fn new(limits: CallLimits) -> Self {
        Self { schemas: Schemas::default(), turns: Turns::new(limits.max_at_once), limits }
    }
}

/// A request to call.
struct Call {
    /// `package.Service/Rpc`.
    rpc: Rpc,
    /// As protobuf.
    message: Vec<u8>,
    to: EntrypointPod,
}

impl Service {
    /// What can be called at the version's entrypoint, and why what cannot.
    ///
    /// # Errors
    /// `NotFound` when there is no such version.
    pub(crate) async fn callable_rpcs(
        &self,
        caller: &Caller,
        runtime: &RuntimeId,
        version: &VersionName,
    ) -> Result<CallableRpcs, ApiError> {
        self.allow(caller, Permission::View, Some(runtime))?;
        let record = self.record(runtime, version).await?;
        let schema = self.schema(&record).await?;
        let workflows = &record.manifest.workflows;
        let callable = |rpc: &Rpc| CallableRpc {
            name: rpc.name.clone(),
            request: rpc.request().full_name().to_owned(),
            response: rpc.response().full_name().to_owned(),
            workflow: workflows
                .iter()
                .find(|known| known.entrypoint == rpc.short_name())
                .map(|known| known.name.clone()),
            example: rpc.example(),
            off: rpc.off().map(|reason| sentence(&reason)),
        };
        let limits = self.calls.limits;
        Ok(CallableRpcs {
            off: self.entrypoint(&record).err().map(|reason| sentence(&reason)),
            rpcs: schema.iter().flat_map(|schema| schema.rpcs()).map(callable).collect(),
            unreadable: schema.err().map(|reason| sentence(&reason)),
            target: self.objects.grpc_target(&record),
            deadline_ms: millis(limits.deadline),
            max_request_bytes: limits.max_request_bytes as u64,
            max_answer_bytes: limits.max_answer_bytes as u64,
        })
    }

    /// What is wrong with a request, if anything. Asks the entrypoint nothing.
    ///
    /// # Errors
    /// `NotFound` when there is no such version or rpc, `CannotCall` when the messages are not known.
    pub(crate) async fn check_request(
        &self,
        caller: &Caller,
        runtime: &RuntimeId,
        version: &VersionName,
        rpc: &str,
        request: &str,
    ) -> Result<Option<Problem>, ApiError> {
        self.allow(caller, Permission::View, Some(runtime))?;
        let record = self.record(runtime, version).await?;
        let rpc = self.rpc(&record, rpc).await?;
        Ok(self.message(&rpc, request).err())
    }

    /// Sends a request, JSON of the rpc's message, and answers what came of it. Goes on to its end if the caller leaves, so
    /// that the history has the outcome.
    ///
    /// # Errors
    /// Why no call was made: `NotFound`; `InvalidInput` with the line and column in the request; `CannotCall` when the
    /// version does not run, its entrypoint is not ready or the rpc cannot be called from here; `Busy` while this person's
    /// last call lasts.
    pub(crate) async fn call(
        &self,
        caller: &Caller,
        runtime: &RuntimeId,
        version: &VersionName,
        rpc: &str,
        request: &str,
    ) -> Result<CallAnswer, ApiError> {
        self.allow(caller, Permission::Call, Some(runtime))?;
        let record = self.record(runtime, version).await?;
        let cannot = |reason: String| ApiError::CannotCall { version: version.clone(), reason };
        let to = self.entrypoint(&record).map_err(cannot)?;
        let rpc = self.rpc(&record, rpc).await?;
        if let Some(reason) = rpc.off() {
            return Err(cannot(reason));
        }
        let message =
            self.message(&rpc, request).map_err(|problem| ApiError::InvalidInput { problems: vec![problem] })?;
        let turn = self.calls.turns.take(&caller.actor())?;
        let (call, limits, cluster) = (Call { rpc, message, to }, self.calls.limits, self.cluster.clone());
        let (store, changed, by) = (self.store.clone(), self.changed.clone(), caller.actor());
        let measurements = (!self.measured_elsewhere() && !sends_elsewhere(&record)).then(|| self.measurements.clone());
        let made = tokio::spawn(async move {
            let workflow = record.manifest.workflows.iter().find(|known| known.entrypoint == call.rpc.short_name());
            let mut answer = make(call, limits, &cluster).await;
            drop(turn);
            let outcome = in_history(&answer.outcome);
            let done =
                CallRecord { rpc: answer.rpc.clone(), by, at: answer.at, finished_at: finished(&answer), outcome };
            let added = store.add_call(record.key, done).await;
            changed.mark_dirty(&record.runtime);
            added?;
            if let (Some(measurements), Some(workflow)) = (measurements, workflow)
                && has_arrived(&answer.outcome)
            {
                let place = (&workflow.name, &workflow.exitpoint);
                answer.nodes = measurements.passed(record.key, place, (answer.at, finished(&answer))).await;
            }
            Ok(answer)
        });
        // An error only when this program ends or has panicked in there.
        made.await.map_err(|_| ApiError::Internal)?.map_err(from_store)
    }

    /// Where the version's entrypoint listens.
    ///
    /// # Errors
    /// Why it cannot be called just now, as a sentence without its point.
    fn entrypoint(&self, record: &VersionRecord) -> Result<EntrypointPod, String> {
        match record.state() {
            VersionState::Started | VersionState::Publishing | VersionState::Published => {}
            VersionState::Stopped => return Err("it is stopped; start it first".to_owned()),
            VersionState::Starting => return Err("it is still starting".to_owned()),
            VersionState::Stopping => return Err("it is being stopped".to_owned()),
            VersionState::Archived => return Err("it is archived".to_owned()),
        }
        if self.cluster.info().kind == ClusterKind::Sandbox {
            return Err("nothing really runs in the sandbox, so nobody would answer; use a real cluster".to_owned());
        }
        self.reconciler.entrypoint_pod(record).map_err(|none| none.to_string())
    }

    async fn rpc(&self, record: &VersionRecord, name: &str) -> Result<Rpc, ApiError> {
        let unreadable = |reason| ApiError::CannotCall { version: record.name.clone(), reason };
        let schema = self.schema(record).await?.map_err(unreadable)?;
        schema.rpc(name, &record.name).cloned()
    }

    fn message(&self, rpc: &Rpc, request: &str) -> Result<Vec<u8>, Problem> {
        let message = read_request(rpc.request(), request)?;
        let limit = self.calls.limits.max_request_bytes;
        if message.len() > limit {
            let text = format!("it has {} bytes as protobuf; at most {limit} are allowed", message.len());
            return Err(Problem::error("request", text));
        }
        Ok(message)
    }

    /// What the version's proto files define, or why that is not known.
    async fn schema(&self, record: &VersionRecord) -> Result<Result<Arc<Schema>, String>, ApiError> {
        let file = &record.file.sha256;
        if let Some(read) = self.calls.schemas.get(file) {
            return Ok(read);
        }
        let permit = self.blocking_work.permit().await?;
        let content = self.store.content(&record.runtime, &record.name).await.map_err(from_store)?;
        let work = record.clone();
        let (read, bytes) = permit
            .run(move || {
                let of = format!("`{}`", work.name);
                let Some(protos) = protos(&work, content.as_ref()) else {
                    return (Err(format!("the proto files of {of} were not kept when it was added; add it again")), 0);
                };
                let read = Schema::read(&work.manifest.entrypoint.proto, &protos, &of).map(Arc::new);
                (read, protos.texts.values().map(String::len).sum())
            })
            .await?;
        self.calls.schemas.keep(file, bytes, read.clone());
        Ok(read)
    }
}

/// Makes the call; ends by the deadline whatever the cluster and the entrypoint do.
async fn make(call: Call, limits: CallLimits, cluster: &Cluster) -> CallAnswer {
    let (at, began) = (Timestamp::now(), Instant::now());
    let (rpc, response) = (call.rpc.name.clone(), call.rpc.response());
    let answered = timeout(limits.deadline, forward(call, limits, cluster)).await;
    let outcome = match answered {
        Ok(Ok(bytes)) => match write_answer(response, &bytes) {
            Ok(response) => CallOutcome::Answered { response },
            Err(reason) => failed(CallFailure::NotTheMessage, format!("the answer is not the rpc's message: {reason}")),
        },
        Ok(Err(outcome)) => outcome,
        Err(_) => failed(CallFailure::Deadline, format!("there was no answer within {:?}", limits.deadline)),
    };
    CallAnswer { rpc, at, took_ms: millis(began.elapsed()), outcome, nodes: None }
}

async fn forward(call: Call, limits: CallLimits, cluster: &Cluster) -> Result<bytes::Bytes, CallOutcome> {
    let unreachable = |reason: &dyn std::fmt::Display| {
        failed(CallFailure::Unreachable, format!("the entrypoint's port {ENTRYPOINT_PORT} cannot be reached: {reason}"))
    };
    let opened = cluster.port_forward(&call.to.namespace, &call.to.pod, ENTRYPOINT_PORT).await;
    let mut port = opened.map_err(|error| unreachable(&error))?;
    let Some(stream) = port.take_stream() else { return Err(unreachable(&"the cluster forwards no port")) };
    let of_call = calls::Limits { left: limits.deadline, answer_bytes: limits.max_answer_bytes };
    let mut failure = pin!(port.failure());
    let broken = tokio::select! {
        reason = &mut failure => return Err(unreachable(&reason)),
        answer = calls::call(stream, &call.rpc.name, call.message, of_call) => match answer {
            Err(broken @ CallOutcome::Failed { failure: CallFailure::Unreachable, .. }) => broken,
            answer => return answer,
        },
    };
    // The cluster knows better than whoever saw the connection end.
    let reason = match reason_of_break(failure).await {
        Some(reason) => Some(reason),
        None => cluster.port_failure(&call.to.namespace, &call.to.pod, ENTRYPOINT_PORT).await,
    };
    Err(reason.map_or(broken, |reason| unreachable(&reason)))
}

fn failed(failure: CallFailure, reason: String) -> CallOutcome {
    CallOutcome::Failed { failure, reason }
}

/// Whether the request came to the entrypoint, so that nodes may have had it.
fn has_arrived(outcome: &CallOutcome) -> bool {
    !matches!(outcome, CallOutcome::Failed { failure: CallFailure::Unreachable, .. })
}

/// The history has how it ended, and nothing of what was sent or answered, which a status' message may quote.
fn in_history(outcome: &CallOutcome) -> Outcome {
    match outcome {
        CallOutcome::Answered { .. } => Outcome::Reached,
        CallOutcome::Status { name, .. } => Outcome::Failed { reason: format!("gRPC status {name}") },
        CallOutcome::Failed { failure: CallFailure::NotTheMessage, .. } => {
            Outcome::Failed { reason: "the answer is not the rpc's message".to_owned() }
        }
        CallOutcome::Failed { reason, .. } => Outcome::Failed { reason: reason.clone() },
    }
}

fn finished(answer: &CallAnswer) -> Timestamp {
    answer.at.checked_add(Duration::from_millis(answer.took_ms)).unwrap_or(answer.at)
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// With a capital and a full stop.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let capital = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    format!("{capital}{}.", letters.as_str())
}
