//! What people ask: decided by the lifecycle's one function and written as intent. The cluster is not touched.

use domain::{Action, Command, Desired, Publication, RuntimeId, VersionName};

use super::{
    CommandRecord, StoreError, VersionRecord, access, config, credential,
    history::{self, Entry},
    runtimes,
    sql::Tx,
    versions::{self, NewIntent},
};

pub(super) async fn command(
    tx: &mut Tx,
    runtime: &RuntimeId,
    name: &VersionName,
    record: &CommandRecord,
) -> Result<VersionRecord, StoreError> {
    access::authorize(tx, &record.caller, record.command.into(), Some(runtime)).await?;
    let runtime = runtimes::require(tx, runtime).await?;
    let version = versions::require(tx, &runtime.id, name).await?;
    decide(&version, record.command)?;

    history::cancel_pending(tx, version.key, record.at).await?;
    let entry = Entry {
        action: Action::from(record.command),
        by: &record.caller.actor(),
        at: record.at,
        subject: None,
        detail: None,
        comment: record.comment.as_deref(),
        reached: record.command == Command::Archive,
    };
    history::append(tx, version.key, entry).await?;

    let serving = runtime.publication.serving;
    let failure = version.failure.as_ref();
    match record.command {
        Command::Start => {
            credential::renew(tx, version.key).await?;
            let intent = NewIntent { desired: Desired::Started, deadline: Some(record.deadline), failure: None };
            versions::set_intent(tx, &runtime, version.key, intent).await?;
        }
        Command::Stop => {
            history::cancel_repairs(tx, version.key, record.at).await?;
            let intent = NewIntent { desired: Desired::Stopped, deadline: Some(record.deadline), failure };
            versions::set_intent(tx, &runtime, version.key, intent).await?;
        }
        Command::Archive => {
            let intent = NewIntent { desired: Desired::Archived, deadline: None, failure };
            versions::set_intent(tx, &runtime, version.key, intent).await?;
        }
        Command::Publish => {
            let publication = Publication { target: Some(version.key), serving };
            runtimes::publish(tx, &runtime, publication, Some(record.deadline)).await?;
        }
        Command::Unpublish => {
            runtimes::publish(tx, &runtime, Publication { target: None, serving }, None).await?;
        }
    }
    versions::require(tx, &runtime.id, name).await
}

fn decide(version: &VersionRecord, command: Command) -> Result<(), StoreError> {
    let state = version.state();
    if let Err(refusal) = domain::decide(state, version.switching, command) {
        let (runtime, version) = (version.runtime.clone(), version.name.clone());
        return Err(StoreError::Refused { runtime, version, state, refusal });
    }
    let missing = config::missing(version, &version.config);
    if command == Command::Start && !missing.is_empty() {
        let (runtime, version) = (version.runtime.clone(), version.name.clone());
        return Err(StoreError::ConfigIncomplete { runtime, version, missing });
    }
    Ok(())
}
