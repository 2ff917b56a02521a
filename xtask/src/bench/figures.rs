//! What was measured: values, what they are compared with, and whether they keep to their limit.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result};
use serde_json::{Value, json};

/// What a figure has to be. It is about the ratio of the two medians when something is compared, else about the largest
/// value: a single long pause is one that somebody sees.
#[derive(Clone, Copy)]
pub(crate) enum Limit {
    AtMost(f64),
    AtLeast(f64),
    /// For the middle value, where a single one says more of the machine.
    MedianAtMost(f64),
    /// For information.
    None,
}

/// One line of the report.
pub(crate) struct Figure {
    pub(crate) bench: &'static str,
    pub(crate) what: String,
    pub(crate) unit: &'static str,
    /// One for each time it was measured; never empty.
    pub(crate) values: Vec<f64>,
    /// What the values are compared with, measured in turn with them.
    pub(crate) other: Option<(String, Vec<f64>)>,
    pub(crate) limit: Limit,
}

impl Figure {
    pub(crate) fn new(bench: &'static str, what: impl Into<String>, unit: &'static str, values: Vec<f64>) -> Self {
        Self { bench, what: what.into(), unit, values, other: None, limit: Limit::None }
    }

    pub(crate) fn against(mut self, what: impl Into<String>, values: Vec<f64>) -> Self {
        self.other = Some((what.into(), values));
        self
    }

    pub(crate) fn limit(mut self, limit: Limit) -> Self {
        self.limit = limit;
        self
    }

    fn ratio(&self) -> Option<f64> {
        self.other.as_ref().map(|(_, values)| median(&self.values) / median(values))
    }

    /// None when there is no limit.
    pub(crate) fn holds(&self) -> Option<bool> {
        let of = |worst: fn(f64, f64) -> f64| {
            self.ratio().unwrap_or_else(|| self.values.iter().copied().reduce(worst).unwrap_or(f64::NAN))
        };
        match self.limit {
            Limit::AtMost(most) => Some(of(f64::max) <= most),
            Limit::AtLeast(least) => Some(of(f64::min) >= least),
            Limit::MedianAtMost(most) => Some(median(&self.values) <= most),
            Limit::None => None,
        }
    }

    fn json(&self, at: u64) -> Value {
        let limit = match self.limit {
            Limit::AtMost(most) => json!({ "at_most": most }),
            Limit::AtLeast(least) => json!({ "at_least": least }),
            Limit::MedianAtMost(most) => json!({ "median_at_most": most }),
            Limit::None => Value::Null,
        };
        let other = self.other.as_ref().map(
            |(what, values)| json!({ "what": what, "values": values, "median": median(values), "ratio": self.ratio() }),
        );
        json!({
            "at": at, "bench": self.bench, "what": self.what, "unit": self.unit, "values": self.values,
            "median": median(&self.values), "other": other, "limit": limit, "holds": self.holds(),
        })
    }

    fn row(&self) -> [String; 6] {
        let limit = match (self.limit, &self.other) {
            (Limit::AtMost(most), None) => format!("<= {}", number(most)),
            (Limit::AtMost(most), Some(_)) => format!("<= {most} times"),
            (Limit::AtLeast(least), None) => format!(">= {}", number(least)),
            (Limit::AtLeast(least), Some(_)) => format!(">= {least} times"),
            (Limit::MedianAtMost(most), _) => format!("<= {} in the median", number(most)),
            (Limit::None, _) => String::new(),
        };
        let other = self.other.as_ref().map(|(what, values)| {
            (
                format!("{} {} ({what})", number(median(values)), self.unit),
                format!("{:.2}", self.ratio().unwrap_or(f64::NAN)),
            )
        });
        let (other, ratio) = other.unwrap_or_default();
        let spread = match self.values.as_slice() {
            [_] => String::new(),
            values => {
                let of = |pick: fn(f64, f64) -> f64| number(values.iter().copied().reduce(pick).unwrap_or(f64::NAN));
                format!(" [{} - {}]", of(f64::min), of(f64::max))
            }
        };
        let ours = format!("{} {}{spread}", number(median(&self.values)), self.unit);
        let verdict = match self.holds() {
            Some(true) => "holds",
            Some(false) => "DOES NOT HOLD",
            None => "",
        };
        [format!("{}: {}", self.bench, self.what), ours, other, ratio, limit, verdict.to_owned()]
    }
}

/// The middle value, or the mean of the two in the middle.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        count if count % 2 == 1 => sorted[count / 2],
        count => f64::midpoint(sorted[count / 2 - 1], sorted[count / 2]),
    }
}

/// Three figures that matter, as long as it has any after the point.
fn number(value: f64) -> String {
    match value.abs() {
        v if v >= 100.0 || v == v.trunc() => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

pub(crate) fn table(figures: &[Figure]) -> String {
    let head = ["what", "measured (median)", "against", "ratio", "limit", ""].map(str::to_owned);
    let rows: Vec<[String; 6]> = std::iter::once(head).chain(figures.iter().map(Figure::row)).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; 6] = std::array::from_fn(width);
    let mut text = String::new();
    for row in rows {
        for (cell, width) in row.iter().zip(widths) {
            text.push_str(&format!("{cell:width$}  "));
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}

/// Adds the figures to a file of JSON lines, the moment of writing in each.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn record(figures: &[Figure], file: &Path) -> Result<()> {
    let at = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let opened = OpenOptions::new().create(true).append(true).open(file);
    let mut to = opened.with_context(|| format!("cannot write {}", file.display()))?;
    for figure in figures {
        writeln!(to, "{}", figure.json(at))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle_in_whatever_order() {
        assert_eq!(median(&[9.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
    }

    #[test]
    fn a_comparison_is_held_to_its_ratio_and_a_plain_figure_to_its_worst_value() {
        let fast = |limit| Figure::new("b", "w", "MB/s", vec![90.0, 95.0, 10.0]).against("x", vec![100.0]).limit(limit);
        assert_eq!(fast(Limit::AtLeast(0.9)).holds(), Some(true));
        assert_eq!(fast(Limit::AtLeast(0.95)).holds(), Some(false));
        let pauses = |limit| Figure::new("b", "w", "ms", vec![10.0, 60.0, 20.0]).limit(limit);
        assert_eq!(pauses(Limit::AtMost(60.0)).holds(), Some(true));
        assert_eq!(pauses(Limit::AtMost(50.0)).holds(), Some(false));
        assert_eq!(pauses(Limit::None).holds(), None);
    }

    #[test]
    fn what_does_not_hold_stands_out_in_the_table_and_is_false_in_the_record() -> Result<()> {
        let figures = [
            Figure::new("intake", "throughput", "MB/s", vec![50.0])
                .against("gzip", vec![100.0])
                .limit(Limit::AtLeast(0.9)),
            Figure::new("intake", "memory", "MiB", vec![20.0]).limit(Limit::AtMost(64.0)),
        ];
        let table = table(&figures);
        let lines: Vec<_> = table.lines().collect();
        assert!(lines[1].ends_with("0.50   >= 0.9 times  DOES NOT HOLD"), "{table}");
        assert!(lines[2].ends_with("<= 64         holds"), "{table}");

        let dir = tempfile::tempdir()?;
        let file = dir.path().join("bench/results.jsonl");
        record(&figures, &file)?;
        record(&figures, &file)?;
        let lines: Vec<Value> =
            fs::read_to_string(file)?.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
        assert_eq!(lines.len(), 4);
        assert_eq!((&lines[2]["holds"], &lines[2]["other"]["ratio"]), (&json!(false), &json!(0.5)));
        assert_eq!((&lines[3]["holds"], &lines[3]["limit"]["at_most"]), (&json!(true), &json!(64.0)));
        Ok(())
    }
}
