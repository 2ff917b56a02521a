//! A container that says much, of all levels and in the forms that logs have, for whoever shows logs.

use std::time::Duration;

/// What it writes as soon as it runs.
const AT_ONCE: u64 = 10_000;
/// In this time.
const BURST: Duration = Duration::from_millis(500);
/// Between two lines from then on.
const PAUSE: Duration = Duration::from_millis(100);
/// The most lines that are kept of one run.
pub(super) const MAX_LINES: u64 = 50_000;

/// `*/chatty:*`, as `*/crash:*` is an image that crashes.
pub(super) fn matches_image(image: &str) -> bool {
    let last = image.rsplit_once('/').map_or("", |(_, last)| last);
    last.split([':', '@']).next() == Some("chatty")
}

pub(super) fn written_by(elapsed: Duration) -> u64 {
    match elapsed.checked_sub(BURST) {
        Some(since) => AT_ONCE + u64::try_from(since.as_nanos() / PAUSE.as_nanos()).unwrap_or(u64::MAX - AT_ONCE),
        None => u64::try_from(elapsed.as_nanos() / step().as_nanos()).unwrap_or(AT_ONCE).min(AT_ONCE - 1) + 1,
    }
}

pub(super) fn time_of(number: u64) -> Duration {
    match number.checked_sub(AT_ONCE) {
        // Cuts off what would take centuries.
        Some(later) => BURST + PAUSE * u32::try_from(later + 1).unwrap_or(u32::MAX),
        None => step() * u32::try_from(number).unwrap_or(u32::MAX),
    }
}

fn step() -> Duration {
    BURST / u32::try_from(AT_ONCE).unwrap_or(u32::MAX)
}

/// Each names its number, so that whoever reads it knows whether one is missing.
pub(super) fn text(who: &str, number: u64) -> String {
    let took = number * 7 % 90 + 3;
    match number % 20 {
        3 => format!("level=warn msg=\"the queue is filling\" line={number} waiting={}", took * 4),
        5 => format!("\u{1b}[32mINFO\u{1b}[0m {who}: line {number}: in colours"),
        7 => format!(r#"{{"level":"info","line":{number},"msg":"request answered","status":200,"took_ms":{took}}}"#),
        11 => format!("DEBUG {who}.cache: line {number}: {took} hits"),
        13 => format!("ERROR {who}: line {number}: a message could not be read"),
        14 => format!("  File \"main.py\", line {number}, in handle"),
        17 => format!("line {number}: waiting for messages"),
        19 => format!("INFO {who}: line {number}: {}", "a long line goes on and on, ".repeat(12)),
        _ => format!("INFO {who}: line {number}: handled in {took} ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_written_at_its_time_and_not_before() {
        assert_eq!(written_by(Duration::ZERO), 1);
        for number in [0, 1, 2, 9_998, 9_999, 10_000, 10_001, 12_345] {
            let at = time_of(number);
            assert_eq!(written_by(at), number + 1, "{number}");
            if let Some(before) = at.checked_sub(Duration::from_nanos(1)) {
                assert_eq!(written_by(before), number, "{number}");
            }
        }
    }

    #[test]
    fn its_image_is_known_by_the_last_part_of_its_name() {
        for (image, is_chatty) in [
            ("example/chatty:1", true),
            ("host:5000/a/chatty@sha256:0", true),
            ("chatty:1", false),
            ("example/chatty-not:1", false),
        ] {
            assert_eq!(matches_image(image), is_chatty, "{image}");
        }
    }
}
