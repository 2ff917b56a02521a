//! Names, ids and times that the API gives out.

use std::{
    hash::{BuildHasher, RandomState},
    sync::atomic::{AtomicU64, Ordering},
};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// The letters of generated names: no vowels, so that no words come about, and nothing that is misread.
const LETTERS: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

/// A number that differs from call to call and from process to process.
fn random() -> u64 {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    RandomState::new().hash_one(COUNT.fetch_add(1, Ordering::Relaxed))
}

pub(crate) fn uid() -> String {
    let (a, b) = (random(), random());
    let (time, mid, high) = (a >> 32, (a >> 16) & 0xffff, a & 0xfff);
    format!("{time:08x}-{mid:04x}-4{high:03x}-{:04x}-{:012x}", (b >> 48) & 0x3fff | 0x8000, b & 0xffff_ffff_ffff)
}

/// Five letters, as the API adds to `generateName`.
pub(crate) fn suffix() -> String {
    letters(random(), 5)
}

/// A short name for a number.
pub(crate) fn letters(mut number: u64, length: usize) -> String {
    let mut name = String::with_capacity(length);
    for _ in 0..length {
        name.push(char::from(LETTERS[(number % 27) as usize]));
        number /= 27;
    }
    name
}

/// A stable hash of a value (FNV-1a over its text with sorted fields), for `pod-template-hash`.
pub(crate) fn stable_hash(value: &Value) -> u64 {
    fn feed(hash: &mut u64, value: &Value) {
        let mut bytes = |bytes: &[u8]| {
            for byte in bytes {
                *hash = (*hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
            }
        };
        match value {
            Value::Object(map) => {
                bytes(b"{");
                let mut fields: Vec<_> = map.iter().collect();
                fields.sort_by_key(|(name, _)| *name);
                for (name, value) in fields {
                    feed(hash, &Value::from(name.as_str()));
                    feed(hash, value);
                }
            }
            Value::Array(items) => {
                bytes(b"[");
                items.iter().for_each(|item| feed(hash, item));
            }
            other => bytes(other.to_string().as_bytes()),
        }
    }
    let mut hash = 0xcbf2_9ce4_8422_2325;
    feed(&mut hash, value);
    hash
}

/// The time now, to the second, as in `creationTimestamp`.
pub(crate) fn now() -> String {
    stamp(Timestamp::now())
}

pub(crate) fn stamp(time: Timestamp) -> String {
    format!("{time:.0}")
}

pub(crate) fn parse_time(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

/// `45s`, `3m10s`, `2h`, `5d`: an age as kubectl shows it, or `<unknown>`.
pub(crate) fn age(since: &str, now: Timestamp) -> String {
    let Some(since) = parse_time(since) else { return "<unknown>".into() };
    let secs = now.duration_since(since).max(SignedDuration::ZERO).as_secs();
    let (minutes, hours, days) = (secs / 60, secs / 3600, secs / 86400);
    let pair = |a: i64, unit: &str, b: i64, part: &str| {
        if b == 0 { format!("{a}{unit}") } else { format!("{a}{unit}{b}{part}") }
    };
    match () {
        () if secs < 120 => format!("{secs}s"),
        () if minutes < 10 => pair(minutes, "m", secs % 60, "s"),
        () if minutes < 180 => format!("{minutes}m"),
        () if hours < 8 => pair(hours, "h", minutes % 60, "m"),
        () if hours < 48 => format!("{hours}h"),
        () if days < 8 => pair(days, "d", hours % 24, "h"),
        () => format!("{days}d"),
    }
}
