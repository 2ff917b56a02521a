//! Moments as the wire has them: `2026-11-23T04:10:05.25Z` (RFC 3339), always UTC.
//!
//! Only what is needed of it, because pages carry it: jiff's own reader knows every notation, time zone and calendar
//! there is, and with its messages would be a tenth of what a first visit loads.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserializer, Serializer, de};

const DAY_SECS: i64 = 86_400;
/// Days from 1 March of the year 0 to 1 January 1970; counted so, a leap day is the last of its year.
const EPOCH_DAYS: i64 = 719_468;
/// Of 400 years, after which the calendar repeats.
const ERA_DAYS: i64 = 146_097;

/// Reads a moment of UTC; `None` for every other notation.
pub fn parse_utc(text: &str) -> Option<Timestamp> {
    let text = text.strip_suffix('Z')?;
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let number = |from: usize, to: usize| {
        let digits = seconds.get(from..to).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
        digits.parse::<i64>().ok()
    };
    let punctuation = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    let bytes = seconds.as_bytes();
    if bytes.len() != 19 || punctuation.iter().any(|(at, mark)| bytes[*at] != *mark) {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    if !(1..=12).contains(&month) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let days = days_from_date(year, month, day);
    // A day that the month does not have is another month's.
    if date_from_days(days) != (year, month, day) {
        return None;
    }
    if fraction.len() > 9 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) || text.ends_with('.') {
        return None;
    }
    let nanos = fraction
        .bytes()
        .chain(std::iter::repeat(b'0'))
        .take(9)
        .fold(0, |all, digit| all * 10 + i32::from(digit - b'0'));
    Timestamp::new(days * DAY_SECS + hour * 3600 + minute * 60 + second, nanos).ok()
}

/// Reads a moment that a person has written: of UTC, or with an offset such as `+01:00`.
pub fn parse_time(text: &str) -> Option<Timestamp> {
    if text.ends_with('Z') {
        return parse_utc(text);
    }
    let (local, offset) = text.split_at_checked(text.len().checked_sub(6)?)?;
    let sign = match offset.as_bytes()[0] {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    // Hours and minutes are read as those of the first day that is counted.
    let offset = parse_utc(&format!("1970-01-01T{}:00Z", offset.get(1..)?))?.as_second() * sign;
    let at = parse_utc(&format!("{local}Z"))?;
    Timestamp::new(at.as_second() - offset, at.subsec_nanosecond()).ok()
}

/// The moment to the second: `2026-11-23T04:10:05Z`.
pub fn to_second(at: Timestamp) -> String {
    let nanos_before = i64::from(at.subsec_nanosecond() < 0);
    let secs = at.as_second() - nanos_before;
    let (year, month, day) = date_from_days(secs.div_euclid(DAY_SECS));
    let time = secs.rem_euclid(DAY_SECS);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", time / 3600, time / 60 % 60, time % 60)
}

fn days_from_date(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * ERA_DAYS + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - EPOCH_DAYS
}

fn date_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + EPOCH_DAYS;
    let (era, day_of_era) = (days.div_euclid(ERA_DAYS), days.rem_euclid(ERA_DAYS));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = (shifted + 2) % 12 + 1;
    (era * 400 + year_of_era + i64::from(month <= 2), month, day_of_year - (153 * shifted + 2) / 5 + 1)
}

/// For `#[serde(with = "crate::time")]`.
pub(crate) fn serialize<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(at)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    deserializer.deserialize_str(Reader)
}

struct Reader;

impl de::Visitor<'_> for Reader {
    type Value = Timestamp;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a time in UTC such as 2026-11-23T04:10:05Z")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Timestamp, E> {
        parse_utc(text).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
    }
}

/// For `#[serde(default, with = "crate::time::optional")]`.
pub(crate) mod optional {
    use jiff::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
        match at {
            Some(at) => serializer.collect_str(at),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
        #[derive(Deserialize)]
        struct Moment(#[serde(with = "super")] Timestamp);

        Ok(Option::<Moment>::deserialize(deserializer)?.map(|Moment(at)| at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_jiff_writes_is_read_as_jiff_reads_it() {
        // Every 11 days and some from the year 1 to 9999, which meets all kinds of leap years.
        let mut secs = -62_135_596_800_i64;
        while secs < 253_402_200_000 {
            for nanos in [0, 250_000_000, 123_456_789, 1] {
                let at = Timestamp::new(secs, nanos).unwrap();
                assert_eq!(parse_utc(&at.to_string()), Some(at), "{at}");
                assert_eq!(to_second(at)[..19], at.to_string()[..19]);
            }
            secs += 954_321;
        }
    }

    #[test]
    fn a_moment_with_an_offset_is_read_as_jiff_reads_it() {
        for text in [
            "2026-11-23T04:10:05Z",
            "2026-11-23T04:10:05+01:00",
            "2026-01-01T00:10:05.25+05:30",
            "2025-12-31T23:10:05-11:45",
            "1969-12-31T23:59:59.5-00:00",
        ] {
            assert_eq!(parse_time(text), Some(text.parse().unwrap()), "{text}");
        }
        for text in
            ["", "15m", "+01:00", "2026-11-23T04:10:05", "2026-11-23T04:10:05 01:00", "2026-11-23T04:10:05+24:00"]
        {
            assert_eq!(parse_time(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_no_moment_of_utc_is_refused() {
        for text in [
            "",
            "Z",
            "2026-11-23",
            "2026-11-23T04:10:05",
            "2026-11-23T04:10:05+01:00",
            "2026-11-23 04:10:05Z",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-11-00T00:00:00Z",
            "2026-11-23T24:00:00Z",
            "2026-11-23T04:10:05.Z",
            "2026-11-23T04:10:05.1234567890Z",
            "2026-11-23T04:10:0\u{e4}Z",
            "+026-11-23T04:10:05Z",
        ] {
            assert_eq!(parse_utc(text), None, "{text}");
        }
    }
}
