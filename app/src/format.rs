//! Times, durations and sizes in words. The same on the server and in the browser: UTC, and no clock.

use domain::Timestamp;

/// `2026-11-23 04:10 UTC`.
pub fn minute(at: Timestamp) -> String {
    let text = machine(at);
    match (text.get(..10), text.get(11..16)) {
        (Some(day), Some(minute)) => format!("{day} {minute} UTC"),
        _ => text,
    }
}

/// `2026-11-23T04:10:05Z`, for the `datetime` attribute and the exact time on hover.
pub fn machine(at: Timestamp) -> String {
    domain::to_second(at)
}

/// `2026-11-23 04:10:05 UTC`, for a person who wants to know exactly.
pub fn second(at: Timestamp) -> String {
    let text = machine(at);
    match (text.get(..10), text.get(11..19)) {
        (Some(day), Some(second)) => format!("{day} {second} UTC"),
        _ => text,
    }
}

/// `just now`, `5 min ago`, `3 h ago`, `2 days ago`; after a month the day, and the minute of what is yet to come.
/// `now_secs` is in seconds since 1970.
pub fn relative(at: Timestamp, now_secs: i64) -> String {
    match now_secs.saturating_sub(at.as_second()) {
        // Clocks differ a little.
        -60..60 => "just now".to_owned(),
        past @ 60..2_592_000 => format!("{} ago", span(past)),
        past if past > 0 => machine(at).get(..10).unwrap_or_default().to_owned(),
        _ => minute(at),
    }
}

/// `under a minute`, `5 min`, `3 h`, `1 day`, `2 days`: the largest unit alone.
pub fn span(secs: i64) -> String {
    match secs {
        ..60 => "under a minute".to_owned(),
        60..3600 => format!("{} min", secs / 60),
        3600..86_400 => format!("{} h", secs / 3600),
        86_400..172_800 => "1 day".to_owned(),
        _ => format!("{} days", secs / 86_400),
    }
}

/// How long something took; a dash while it lasts, and for what is done at once.
pub fn took(from: Timestamp, to: Option<Timestamp>) -> String {
    to.filter(|to| *to > from).map_or_else(|| "–".to_owned(), |to| duration(from, to))
}

/// `under a second`, `7 s`, `2 min 5 s`, `3 h 4 min`.
fn duration(from: Timestamp, to: Timestamp) -> String {
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

/// `7`, `10,000`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `04:10:05.678`, in UTC.
pub fn clock(at: Timestamp) -> String {
    let (seconds, millis) = (machine(at), at.as_millisecond().rem_euclid(1000));
    format!("{}.{millis:03}", seconds.get(11..19).unwrap_or_default())
}

/// The beginning of a text, up to a word's end, where it has more than so many characters.
pub fn shortened(text: &str, max_chars: usize) -> String {
    let Some((end, _)) = text.char_indices().nth(max_chars) else { return text.to_owned() };
    let words = text[..end].rfind(' ').filter(|space| *space > 0).unwrap_or(end);
    // A name of which one backtick is left would swallow the rest.
    let beginning = match text[..words].matches('`').count() % 2 {
        0 => &text[..words],
        _ => text[..words].rsplit_once('`').map_or("", |(before, _)| before.trim_end()),
    };
    format!("{}…", beginning.trim_end_matches([':', ',', ';', '.']))
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
    fn times_are_told_by_how_long_ago_they_were() {
        let now = at("2026-11-23T12:00:00Z").as_second();
        for (time, words) in [
            ("2026-11-23T11:59:30Z", "just now"),
            ("2026-11-23T12:00:20Z", "just now"),
            ("2026-11-23T11:59:00Z", "1 min ago"),
            ("2026-11-23T11:00:01Z", "59 min ago"),
            ("2026-11-23T09:00:00Z", "3 h ago"),
            ("2026-11-22T12:00:00Z", "1 day ago"),
            ("2026-11-03T12:00:00Z", "20 days ago"),
            ("2026-10-01T12:00:00Z", "2026-10-01"),
            ("2026-11-24T12:00:00Z", "2026-11-24 12:00 UTC"),
        ] {
            assert_eq!(relative(at(time), now), words);
        }
        assert_eq!(second(at("2026-11-23T04:10:05.9Z")), "2026-11-23 04:10:05 UTC");
    }

    #[test]
    fn what_took_time_is_told_in_at_most_two_units() {
        let start = at("2026-11-23T04:10:05Z");
        for (end, words) in [
            ("2026-11-23T04:10:05.9Z", "under a second"),
            ("2026-11-23T04:10:12Z", "7 s"),
            ("2026-11-23T04:12:10Z", "2 min 5 s"),
            ("2026-11-23T07:14:59Z", "3 h 4 min"),
            ("2026-11-23T04:10:05Z", "–"),
        ] {
            assert_eq!(took(start, Some(at(end))), words);
        }
        assert_eq!(took(start, None), "–", "it lasts");
    }

    #[test]
    fn large_numbers_are_grouped_and_a_moment_has_its_milliseconds() {
        for (number, words) in [(0, "0"), (999, "999"), (1000, "1,000"), (10_000, "10,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), words);
        }
        assert_eq!(clock(at("2026-11-23T04:10:05.6789Z")), "04:10:05.678");
        assert_eq!(clock(at("2026-11-23T04:10:05Z")), "04:10:05.000");
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

    #[test]
    fn a_long_text_ends_with_a_whole_word() {
        assert_eq!(shortened("as it is", 8), "as it is");
        assert_eq!(shortened("the image: was not found", 12), "the image…");
        assert_eq!(shortened("the image `of a node` was", 17), "the image…");
        assert_eq!(shortened("unbroken", 4), "unbr…");
    }
}
