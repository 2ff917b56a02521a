//! What a chart is drawn with: how high it is, where its lines run, and how its numbers are written. Pure.

/// How the values of a chart are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    PerMinute,
    Millis,
    Plain,
}

impl Unit {
    pub fn write(self, value: f64) -> String {
        match self {
            Self::PerMinute => format!("{}/min", short(value)),
            Self::Millis => millis(value),
            Self::Plain => short(value),
        }
    }
}

/// `0.25 ms`, `12 ms`, `1.5 s`, `3.2 min`: three digits at most.
pub fn millis(value: f64) -> String {
    match value {
        value if value < 999.5 => format!("{} ms", short(value)),
        value if value < 99_950.0 => format!("{} s", short(value / 1000.0)),
        value => format!("{} min", short(value / 60_000.0)),
    }
}

/// `0`, `0.025`, `1.5`, `120`, `4.5k`, `12M`: three digits at most.
pub fn short(value: f64) -> String {
    const UNITS: [&str; 5] = ["", "k", "M", "G", "T"];
    let (mut rest, mut unit) = (value, 0);
    while rest.abs() >= 999.5 && unit + 1 < UNITS.len() {
        rest /= 1000.0;
        unit += 1;
    }
    let digits = match rest.abs() {
        size if size >= 999.5 => return format!("{value:.1e}"),
        size if size >= 99.95 => 0,
        size if size >= 9.995 => 1,
        size if size >= 0.9995 => 2,
        size if size >= 0.0005 => 3,
        0.0 => return "0".to_owned(),
        _ => return format!("{value:.1e}"),
    };
    let text = format!("{rest:.digits$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text}{}", UNITS[unit])
}

/// From where to where a chart goes: round numbers that all values lie between, and zero.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scale {
    pub(super) low: f64,
    pub(super) high: f64,
}

impl Scale {
    pub(super) fn of(values: impl Iterator<Item = f64>) -> Self {
        let (low, high) = values.fold((0.0_f64, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
        let scale = Self { low: -round_up(-low), high: round_up(high) };
        // A line along the bottom says that all is zero.
        if scale.low == scale.high { Self { low: 0.0, high: 1.0 } } else { scale }
    }

    /// The place of a value from the top, in a chart that is `height` high.
    fn place(self, value: f64, height: f64) -> f64 {
        height - (value - self.low) / (self.high - self.low) * height
    }
}

/// The next of 1, 2, 2.5 and 5 times a power of ten.
fn round_up(value: f64) -> f64 {
    if value <= 0.0 {
        return 0.0;
    }
    let power = 10_f64.powf(value.log10().floor());
    let found = [1.0, 2.0, 2.5, 5.0, 10.0].iter().map(|factor| factor * power).find(|round| *round >= value);
    found.unwrap_or(value)
}

const DASH: f64 = 6.0;

/// The path of a line: from value to value, and none where there is none. One that stands alone is a short dash:
/// a dot of a line's width is hardly seen.
pub(super) fn path(values: &[Option<f64>], scale: Scale, (width, height): (f64, f64)) -> String {
    let step = width / (values.len().max(2) - 1) as f64;
    let mut path = String::new();
    let value_at = |index: usize| values.get(index).copied().flatten();
    for (index, value) in values.iter().enumerate() {
        let Some(value) = value else { continue };
        let begins = index == 0 || value_at(index - 1).is_none();
        let (x, y) = (step * index as f64, scale.place(*value, height));
        if begins && value_at(index + 1).is_none() {
            let left = (x - DASH / 2.0).clamp(0.0, width - DASH);
            path += &format!("M{left:.1} {y:.1}h{DASH}");
        } else {
            path += &format!("{}{x:.1} {y:.1}", if begins { "M" } else { "L" });
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits_at_most() {
        for (value, text) in [
            (0.0, "0"),
            (0.025, "0.025"),
            (1.0, "1"),
            (1.256, "1.26"),
            (12.34, "12.3"),
            (99.99, "100"),
            (999.4, "999"),
            (999.6, "1k"),
            (1234.0, "1.23k"),
            (-1_500_000.0, "-1.5M"),
            (2e12, "2T"),
            (3e18, "3.0e18"),
            (0.0001, "1.0e-4"),
        ] {
            assert_eq!(short(value), text);
        }
        assert_eq!(
            [0.4, 12.0, 999.9, 1500.0, 120_000.0].map(millis),
            ["0.4 ms", "12 ms", "1 s", "1.5 s", "2 min"].map(str::to_owned)
        );
        assert_eq!(Unit::PerMinute.write(3.0), "3/min");
    }

    #[test]
    fn a_chart_ends_at_round_numbers() {
        let of = |values: &[f64]| Scale::of(values.iter().copied());
        for (values, low, high) in [
            (&[][..], 0.0, 1.0),
            (&[0.0], 0.0, 1.0),
            (&[3.0, 7.0], 0.0, 10.0),
            (&[0.21], 0.0, 0.25),
            (&[-3.0, 40.0], -5.0, 50.0),
            (&[-3.0], -5.0, 0.0),
        ] {
            assert_eq!(of(values), Scale { low, high }, "{values:?}");
        }
    }

    #[test]
    fn a_line_has_gaps_and_what_stands_alone_is_a_dash() {
        let scale = Scale { low: 0.0, high: 10.0 };
        let values = [Some(0.0), Some(10.0), None, Some(5.0), None];
        assert_eq!(path(&values, scale, (40.0, 100.0)), "M0.0 100.0L10.0 0.0M27.0 50.0h6");
        assert_eq!(path(&[Some(1.0)], scale, (40.0, 100.0)), "M0.0 90.0h6");
        assert_eq!(path(&[], scale, (40.0, 100.0)), "");
    }
}
