//! Refusals in the audit log. Each person has so many a minute there: whoever is refused all the time cannot fill the disk.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use domain::{AuditAction, Caller, PersonId, Timestamp};
use tokio::time::Instant;

use super::Accounts;
use crate::store::AuditRecord;

const PER_MINUTE: u32 = 20;

#[derive(Default)]
pub(super) struct Recorded(Mutex<HashMap<PersonId, (Instant, u32)>>);

impl Recorded {
    /// Whether there is room for one more.
    pub(super) fn take(&self, person: PersonId) -> bool {
        let now = Instant::now();
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, count) = all.entry(person).or_insert((now, 0));
        if now.duration_since(*since) >= Duration::from_secs(60) {
            (*since, *count) = (now, 0);
        }
        *count += 1;
        *count <= PER_MINUTE
    }
}

impl Accounts {
    /// Notes that somebody was refused what they asked for, such as `POST /api/v1/runtimes`.
    pub async fn record_refusal(&self, caller: &Caller, what: &str, address: Option<IpAddr>) {
        if !caller.person().is_some_and(|person| self.0.refusals.take(person)) {
            return;
        }
        let what: String = what.chars().take(300).collect();
        let record = AuditRecord::by(caller, AuditAction::Refused, Timestamp::now()).saying(what);
        if let Err(error) = self.0.store.add_audit(record.from(address.map(|address| address.to_string()))).await {
            tracing::warn!("cannot write a refusal into the audit log: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn so_many_refusals_of_a_person_are_noted_each_minute() {
        let recorded = Recorded::default();
        let noted = |person| (0..100).filter(|_| recorded.take(PersonId(person))).count();
        assert_eq!((noted(1), noted(2), noted(1)), (20, 20, 0));
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(noted(1), 20);
    }
}
