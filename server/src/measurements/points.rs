//! From line protocol to what is counted. Says of each point that is not taken why, in words for whoever wrote it.

use std::str::FromStr;

use domain::Timestamp;

use super::{
    line_protocol::{Field, Line, lines},
    minute::Series,
};

/// What nodes write after each message.
const NODE_MEASUREMENT: &str = "node_elapsed_time";
/// The tags that say which node has measured.
const PLACE_TAGS: [&str; 3] = ["version", "workflow", "node"];
/// For the names of a measurement and of a field.
const NAME_MAX_BYTES: usize = 100;
/// For all other tags together.
const TAGS_MAX_BYTES: usize = 200;
const MICROS_PER_MINUTE: i64 = 60_000_000;

/// The unit of the points' times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Precision {
    #[default]
    Nanoseconds,
    Microseconds,
    Milliseconds,
    Seconds,
}

impl FromStr for Precision {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "ns" => Ok(Self::Nanoseconds),
            "us" => Ok(Self::Microseconds),
            "ms" => Ok(Self::Milliseconds),
            "s" => Ok(Self::Seconds),
            _ => Err("`precision` is none of ns, us, ms and s".to_owned()),
        }
    }
}

impl Precision {
    fn micros(self, time: i64) -> i64 {
        match self {
            Self::Nanoseconds => time.div_euclid(1000),
            Self::Microseconds => time,
            Self::Milliseconds => time.saturating_mul(1000),
            Self::Seconds => time.saturating_mul(1_000_000),
        }
    }
}

/// Minutes since 1970.
pub(super) fn minute_of(at: Timestamp) -> i64 {
    at.as_microsecond().div_euclid(MICROS_PER_MINUTE)
}

/// A point that is taken.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Point {
    /// Microseconds since 1970.
    pub(super) at: i64,
    pub(super) content: PointContent,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum PointContent {
    /// A node has handled a message.
    Handled { workflow: String, node: String, from: Option<String>, elapsed_ms: Option<f64>, success: bool },
    /// The version's own numbers; none of a point that has only texts and booleans.
    Own(Vec<(Series, f64)>),
}

/// Each point of the body, or what is wrong with it.
pub(super) fn points(
    body: &str,
    precision: Precision,
    now: Timestamp,
) -> impl Iterator<Item = Result<Point, String>> + '_ {
    lines(body).map(move |line| {
        let line = line?;
        let at = line.time.map_or(now.as_microsecond(), |time| precision.micros(time));
        Ok(Point { at, content: content(&line)? })
    })
}

impl Point {
    /// Since 1970.
    pub(super) fn minute(&self) -> i64 {
        self.at.div_euclid(MICROS_PER_MINUTE)
    }
}

fn content(line: &Line) -> Result<PointContent, String> {
    let tag = |name: &str| line.tag(name).map(str::to_owned);
    if line.measurement == NODE_MEASUREMENT {
        let named = |name: &str| tag(name).ok_or_else(|| format!("{NODE_MEASUREMENT} has no tag `{name}`"));
        return Ok(PointContent::Handled {
            workflow: named("workflow")?,
            node: named("node")?,
            from: tag("from_node"),
            elapsed_ms: line.field("elapsed_ms").and_then(number),
            success: line.field("success") != Some(Field::Boolean(false)),
        });
    }
    let measurement = name("measurement", &line.measurement)?;
    let node = match (tag("workflow"), tag("node")) {
        (Some(workflow), Some(node)) => format!("{workflow}/{node}"),
        (workflow, node) => workflow.or(node).unwrap_or_default(),
    };
    let mut tags: Vec<&(String, String)> =
        line.tags.iter().filter(|(name, _)| !PLACE_TAGS.contains(&name.as_str())).collect();
    tags.sort();
    let tags = tags.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(", ");
    if node.len() + tags.len() > TAGS_MAX_BYTES {
        return Err(format!("the tags of `{measurement}` have more than {TAGS_MAX_BYTES} bytes"));
    }
    if [&node, &tags].iter().any(|text| text.chars().any(domain::is_unseen)) {
        return Err(format!("a tag of `{measurement}` has a character that cannot be seen"));
    }
    let numbers = line.fields.iter().filter_map(|(field, value)| Some((field, number(*value)?)));
    let own = numbers.map(|(field, value)| {
        let field = name("field", field)?;
        let (measurement, node, tags) = (measurement.clone(), node.clone(), tags.clone());
        Ok((Series { measurement, field, node, tags }, value))
    });
    Ok(PointContent::Own(own.collect::<Result<_, String>>()?))
}

fn name(what: &str, text: &str) -> Result<String, String> {
    if text.len() > NAME_MAX_BYTES {
        return Err(format!("the name of a {what} has more than {NAME_MAX_BYTES} bytes"));
    }
    if text.chars().any(domain::is_unseen) {
        return Err(format!("the name of a {what} has a character that cannot be seen"));
    }
    Ok(text.to_owned())
}

fn number(value: Field) -> Option<f64> {
    match value {
        Field::Number(number) => Some(number),
        Field::Boolean(_) | Field::Text => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str, precision: Precision) -> Vec<Result<Point, String>> {
        points(body, precision, Timestamp::from_second(600).unwrap()).collect()
    }

    fn one(body: &str) -> Result<PointContent, String> {
        let mut read = read(body, Precision::Nanoseconds);
        assert_eq!(read.len(), 1, "{body}");
        read.remove(0).map(|point| point.content)
    }

    #[test]
    fn a_handled_message_is_read_as_the_runners_write_it() {
        let line = "node_elapsed_time,from_node=entrypoint,version=v1,workflow=flow,node=one \
                    elapsed_ms=12.5,success=true 1700000000000000000";
        let handled = |elapsed_ms, success| PointContent::Handled {
            workflow: "flow".to_owned(),
            node: "one".to_owned(),
            from: Some("entrypoint".to_owned()),
            elapsed_ms,
            success,
        };
        assert_eq!(one(line), Ok(handled(Some(12.5), true)));
        assert_eq!(one(&line.replace("12.5", "12i").replace("=true", "=f")), Ok(handled(Some(12.0), false)));
        assert_eq!(one(&line.replace("elapsed_ms=12.5,", "")), Ok(handled(None, true)));
        assert!(one(&line.replace(",node=one", "")).unwrap_err().contains("no tag `node`"));
    }

    #[test]
    fn own_numbers_are_told_apart_by_their_tags_in_whatever_order() {
        let a =
            one("quality,workflow=flow,b=2,a=x\\ y,node=one,version=v1 score=1i,text=\"t\",flag=t,share=0.5").unwrap();
        let b = one("quality,node=one,a=x\\ y,b=2,workflow=flow share=0.25,score=2u").unwrap();
        let (PointContent::Own(a), PointContent::Own(b)) = (a, b) else { panic!("own numbers") };
        assert_eq!(
            a.iter().map(|(series, value)| (series.field.as_str(), *value)).collect::<Vec<_>>(),
            [("score", 1.0), ("share", 0.5)]
        );
        assert_eq!((a[0].0.node.as_str(), a[0].0.tags.as_str()), ("flow/one", "a=x y, b=2"));
        assert_eq!((&a[0].0, &a[1].0), (&b[1].0, &b[0].0));
        assert_eq!(one("log text=\"only\""), Ok(PointContent::Own(Vec::new())));
    }

    #[test]
    fn times_are_read_in_each_unit_and_without_one_it_is_now() {
        for (precision, time) in [
            (Precision::Nanoseconds, "1700000000000000000"),
            (Precision::Microseconds, "1700000000000000"),
            (Precision::Milliseconds, "1700000000000"),
            (Precision::Seconds, "1700000000"),
        ] {
            let read = read(&format!("m v=1 {time}\nm v=1"), precision);
            let minutes: Vec<_> = read.into_iter().map(|point| point.unwrap().minute()).collect();
            assert_eq!(minutes, [1_700_000_000 / 60, 10]);
        }
        let far = read(&format!("m v=1 {}\nm v=1 {}", i64::MAX, i64::MIN), Precision::Seconds);
        assert!(far.iter().all(Result::is_ok), "they are refused for their age: {far:?}");
        assert!("h".parse::<Precision>().is_err());
    }

    #[test]
    fn what_is_wrong_is_said_and_the_other_points_are_taken() {
        let body = "m v=1\nthis is no point\n\n# a comment\nm,=x v=1\nm v=\nm v=1";
        let read = read(body, Precision::Nanoseconds);
        let taken: Vec<bool> = read.iter().map(Result::is_ok).collect();
        assert_eq!(
            (taken.first(), taken.last(), taken.iter().filter(|taken| !**taken).count()),
            (Some(&true), Some(&true), 3)
        );
        for (wrong, why) in [
            (format!("{} v=1", "m".repeat(101)), "name of a measurement"),
            (format!("m {}=1", "v".repeat(101)), "name of a field"),
            (format!("m,t={} v=1", "x".repeat(300)), "tags of `m`"),
            ("m\u{202e} v=1".to_owned(), "cannot be seen"),
            ("m,t=\u{0} v=1".to_owned(), "cannot be seen"),
        ] {
            let refusal = one(&wrong).unwrap_err();
            assert!(refusal.contains(why), "{refusal}");
        }
    }
}
