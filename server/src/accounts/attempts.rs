//! Slows down whoever guesses passwords: by account and by address. Nobody is locked out for ever, so that nobody can lock
//! out somebody else.

use std::{
    collections::HashMap,
    hash::Hash,
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// So many failures cost nothing: people mistype.
const FREE: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const MAX_PAUSE: Duration = Duration::from_secs(60);
/// After so long without a failure all is forgotten.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(15 * 60);
/// So many accounts and addresses are kept in mind; beyond that, the oldest go.
const MAX_KEPT: usize = 10_000;

#[derive(Default)]
pub(super) struct Attempts {
    by_account: Mutex<HashMap<String, Failures>>,
    by_address: Mutex<HashMap<IpAddr, Failures>>,
    /// From where somebody signed in last. What others try does not slow them down there: else anybody could lock them out.
    trusted: Mutex<HashMap<String, IpAddr>>,
}

#[derive(Clone, Copy)]
struct Failures {
    count: u32,
    last: Instant,
}

/// An attempt under way. It counts as a failure until it has succeeded, so that many at once are no more than many in turn.
pub(super) struct Attempt<'a> {
    attempts: &'a Attempts,
    account: &'a str,
    address: IpAddr,
}

impl Failures {
    /// How long to wait yet.
    fn pause(self, now: Instant) -> Duration {
        let Some(beyond) = self.count.checked_sub(FREE) else { return Duration::ZERO };
        let pause = FIRST_PAUSE.saturating_mul(1 << beyond.min(10)).min(MAX_PAUSE);
        (self.last + pause).saturating_duration_since(now)
    }
}

impl Attempts {
    /// # Errors
    /// How long somebody has to wait before they may try again.
    pub(super) fn begin<'a>(&'a self, account: &'a str, address: IpAddr) -> Result<Attempt<'a>, Duration> {
        let now = Instant::now();
        let of_account = get(&self.by_account, &account.to_owned()).map_or(Duration::ZERO, |f| f.pause(now));
        let is_trusted = get(&self.trusted, &account.to_owned()) == Some(address);
        let of_account = if is_trusted { Duration::ZERO } else { of_account };
        let of_address = get(&self.by_address, &address).map_or(Duration::ZERO, |f| f.pause(now));
        let pause = of_account.max(of_address);
        if !pause.is_zero() {
            return Err(pause);
        }
        if !is_trusted {
            add(&self.by_account, account.to_owned(), now);
        }
        add(&self.by_address, address, now);
        Ok(Attempt { attempts: self, account, address })
    }
}

impl Attempt<'_> {
    /// The account begins anew. The address has this one back and no more: what the account's owner knows, a guesser at the
    /// same address need not.
    pub(super) fn succeeded(self) {
        lock(&self.attempts.by_account).remove(self.account);
        if let Some(failures) = lock(&self.attempts.by_address).get_mut(&self.address) {
            failures.count = failures.count.saturating_sub(1);
        }
        let mut trusted = lock(&self.attempts.trusted);
        if trusted.len() >= MAX_KEPT {
            trusted.clear();
        }
        trusted.insert(self.account.to_owned(), self.address);
    }
}

fn lock<T>(map: &Mutex<T>) -> MutexGuard<'_, T> {
    map.lock().unwrap_or_else(PoisonError::into_inner)
}

fn get<K: Hash + Eq, V: Copy>(map: &Mutex<HashMap<K, V>>, key: &K) -> Option<V> {
    lock(map).get(key).copied()
}

fn add<K: Hash + Eq + Clone>(map: &Mutex<HashMap<K, Failures>>, key: K, now: Instant) {
    let mut map = lock(map);
    if map.len() >= MAX_KEPT {
        map.retain(|_, failures| now.duration_since(failures.last) < FORGOTTEN_AFTER);
    }
    if map.len() >= MAX_KEPT
        && let Some(oldest) = map.iter().min_by_key(|(_, failures)| failures.last).map(|(key, _)| key.clone())
    {
        map.remove(&oldest);
    }
    let failures = map.entry(key).or_insert(Failures { count: 0, last: now });
    if now.duration_since(failures.last) >= FORGOTTEN_AFTER {
        failures.count = 0;
    }
    *failures = Failures { count: failures.count.saturating_add(1), last: now };
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    const AWAY: IpAddr = IpAddr::V4(std::net::Ipv4Addr::BROADCAST);

    /// How long to wait; with none an attempt was made, and failed.
    fn tried(attempts: &Attempts, account: &str, address: IpAddr) -> u64 {
        attempts.begin(account, address).err().map_or(0, |pause| pause.as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn guessing_gets_slower_and_is_never_locked_for_ever() {
        let attempts = Attempts::default();
        let mut pauses = Vec::new();
        for _ in 0..FREE + 8 {
            let pause = tried(&attempts, "ana", HOME);
            pauses.push(pause);
            if pause > 0 {
                assert_eq!(tried(&attempts, "ana", AWAY), pause, "by account");
                assert_eq!(tried(&attempts, "ben", HOME), pause, "by address");
                tokio::time::advance(Duration::from_secs(pause)).await;
                assert_eq!(tried(&attempts, "ana", HOME), 0);
            }
        }
        assert_eq!(pauses, [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(tried(&attempts, "ben", AWAY), 0, "neither the account nor the address");
        tokio::time::advance(FORGOTTEN_AFTER).await;
        for _ in 0..FREE {
            assert_eq!(tried(&attempts, "ana", HOME), 0);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_signed_in_from_somewhere_is_not_locked_out_there_by_others() {
        let attempts = Attempts::default();
        attempts.begin("ana", HOME).ok().unwrap().succeeded();
        for _ in 0..FREE {
            assert_eq!(tried(&attempts, "ana", AWAY), 0);
        }
        assert!(tried(&attempts, "ana", AWAY) > 0);
        attempts.begin("ana", HOME).ok().unwrap().succeeded();
        assert!(tried(&attempts, "ben", AWAY) > 0, "the address goes on to be slowed");
    }
}
