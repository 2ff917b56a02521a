//! Times, durations and sizes in words. The same on the server and in the browser: UTC, and no clock.

use domain::Timestamp;

/// `2026-11-23 04:10 UTC`.
pub fn minute(at: Timestamp) -> String {
    let text = at.to_string();
    match (text.get(..10), text.get(11..16)) {
        (Some(day), Some(minute)) => format!("{day} {minute} UTC"),
        _ => text,
    }
}

/// `2026-11-23T04:10:05Z`, for the `datetime` attribute and the exact time on hover.
pub fn machine(at: Timestamp) -> String {
    let text = at.to_string();
    match text.get(..19) {
        Some(seconds) => format!("{seconds}Z"),
        None => text,
    }
}

/// `under a second`, `7 s`, `2 min 5 s`, `3 h 4 min`.
pub fn duration(from: Timestamp, to: Timestamp) -> String {
    let millis = to.as_millisecond().saturating_sub(from.as_millisecond()).max(0);
    let seconds = millis / 1000;
    match seconds {
        0 => "under a second".to_owned(),
        1..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// `812 B`, `3.4 kB`, `120 MB`: powers of 1000, at most one decimal.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let mut tenths = bytes / 100;
    let mut unit = 0;
    while tenths >= 10_000 && unit + 1 < UNITS.len() {
        tenths /= 1000;
        unit += 1;
    }
    match tenths {
        0..100 => format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit]),
        _ => format!("{} {}", tenths / 10, UNITS[unit]),
    }
}

/// `1 version`, `3 versions`.
pub fn count(number: u32, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn times_are_in_utc_with_or_without_fractions() {
        for text in ["2026-11-23T04:10:05Z", "2026-11-23T04:10:05.123456Z", "2026-11-23T05:10:05+01:00"] {
            assert_eq!(minute(at(text)), "2026-11-23 04:10 UTC");
            assert_eq!(machine(at(text)), "2026-11-23T04:10:05Z");
        }
    }

    #[test]
    fn durations_have_at_most_two_units() {
        let start = at("2026-11-23T04:10:05Z");
        for (end, words) in [
            ("2026-11-23T04:10:05.9Z", "under a second"),
            ("2026-11-23T04:10:12Z", "7 s"),
            ("2026-11-23T04:12:10Z", "2 min 5 s"),
            ("2026-11-23T07:14:59Z", "3 h 4 min"),
            ("2026-11-23T04:10:00Z", "under a second"),
        ] {
            assert_eq!(duration(start, at(end)), words);
        }
    }

    #[test]
    fn sizes_are_short() {
        for (bytes, words) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.0 kB"),
            (3450, "3.4 kB"),
            (12_345, "12 kB"),
            (999_999, "999 kB"),
            (1_000_000, "1.0 MB"),
            (120_000_000, "120 MB"),
            (2_500_000_000, "2.5 GB"),
        ] {
            assert_eq!(size(bytes), words, "{bytes}");
        }
    }
}
