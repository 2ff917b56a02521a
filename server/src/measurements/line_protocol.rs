//! InfluxDB's line protocol: `measurement,tag=value field=1.5,other="text" 1700000000000000000`, one point a line.
//!
//! Own code, for the one crate that reads it is not kept up, and makes all of the server's dependencies build with others.
//! Of a field only its number is of interest.

use std::{iter, mem};

/// One point.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Line {
    pub(super) measurement: String,
    pub(super) tags: Vec<(String, String)>,
    pub(super) fields: Vec<(String, Field)>,
    /// In whichever unit the request says.
    pub(super) time: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Field {
    /// Always finite.
    Number(f64),
    Boolean(bool),
    Text,
}

impl Line {
    pub(super) fn tag(&self, name: &str) -> Option<&str> {
        self.tags.iter().find(|(tag, _)| tag == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn field(&self, name: &str) -> Option<Field> {
        self.fields.iter().find(|(field, _)| field == name).map(|(_, value)| *value)
    }
}

/// Each point, or what is wrong with it. Empty lines and comments are none.
pub(super) fn lines(text: &str) -> impl Iterator<Item = Result<Line, String>> + '_ {
    let mut reader = Reader { rest: text };
    iter::from_fn(move || {
        reader.skip_what_is_no_point();
        (!reader.rest.is_empty()).then(|| {
            let line = reader.line();
            if line.is_err() {
                reader.skip_line();
            }
            line
        })
    })
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn skip_what_is_no_point(&mut self) {
        loop {
            self.rest = self.rest.trim_start_matches([' ', '\t', '\r', '\n']);
            if !self.rest.starts_with('#') {
                return;
            }
            self.skip_line();
        }
    }

    fn skip_line(&mut self) {
        self.rest = self.rest.find('\n').map_or("", |end| &self.rest[end..]);
    }

    fn line(&mut self) -> Result<Line, String> {
        let mut line = Line { measurement: self.name("measurement", &[',', ' '])?, ..Line::default() };
        while self.take(',') {
            let name = self.name("tag", &['=', ',', ' '])?;
            if !self.take('=') {
                return Err(format!("the tag `{name}` has no value"));
            }
            let value = self.name("tag's value", &[',', ' '])?;
            line.tags.push((name, value));
        }
        self.spaces();
        loop {
            let name = self.name("field", &['=', ',', ' '])?;
            if !self.take('=') {
                return Err(format!("the field `{name}` has no value"));
            }
            let value = self.value().ok_or_else(|| format!("the field `{name}` has a value that is none"))?;
            line.fields.push((name, value));
            if !self.take(',') {
                break;
            }
        }
        self.spaces();
        let time = self.token();
        if !time.is_empty() {
            line.time = Some(time.parse().map_err(|_| "the time is no whole number".to_owned())?);
        }
        self.spaces();
        if self.rest.is_empty() || self.take('\n') { Ok(line) } else { Err("something follows the time".to_owned()) }
    }

    fn take(&mut self, wanted: char) -> bool {
        let rest = self.rest.strip_prefix(wanted);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn spaces(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\r']);
    }

    /// What stands before the first of these letters that has no backslash before it.
    fn name(&mut self, what: &str, ends: &[char]) -> Result<String, String> {
        let mut name = String::new();
        let mut escaped = false;
        let mut end = self.rest.len();
        for (at, letter) in self.rest.char_indices() {
            if letter == '\n' || (!escaped && ends.contains(&letter)) {
                end = at;
                break;
            }
            // A backslash before any other letter is one.
            if mem::take(&mut escaped) && !matches!(letter, ',' | '=' | ' ') {
                name.push('\\');
            }
            escaped = letter == '\\';
            if !escaped {
                name.push(letter);
            }
        }
        if escaped {
            name.push('\\');
        }
        self.rest = &self.rest[end..];
        if name.is_empty() { Err(format!("a {what} is missing")) } else { Ok(name) }
    }

    /// What stands before the next comma, space or end of the line.
    fn token(&mut self) -> &str {
        let end = self.rest.find([',', ' ', '\r', '\n']).unwrap_or(self.rest.len());
        let (token, rest) = self.rest.split_at(end);
        self.rest = rest;
        token
    }

    fn value(&mut self) -> Option<Field> {
        if self.take('"') {
            return self.text();
        }
        match self.token() {
            "t" | "T" | "true" | "True" | "TRUE" => Some(Field::Boolean(true)),
            "f" | "F" | "false" | "False" | "FALSE" => Some(Field::Boolean(false)),
            token => number(token).map(Field::Number),
        }
    }

    /// Up to the quote that ends it; a line may end inside.
    fn text(&mut self) -> Option<Field> {
        let mut escaped = false;
        for (at, letter) in self.rest.char_indices() {
            match letter {
                '"' if !escaped => {
                    self.rest = &self.rest[at + 1..];
                    return Some(Field::Text);
                }
                '\\' => escaped = !escaped,
                _ => escaped = false,
            }
        }
        None
    }
}

fn number(token: &str) -> Option<f64> {
    if let Some(digits) = token.strip_suffix('i') {
        return digits.parse::<i64>().ok().map(|number| number as f64);
    }
    if let Some(digits) = token.strip_suffix('u') {
        return digits.parse::<u64>().ok().map(|number| number as f64);
    }
    // Rust also reads `inf` and `nan`.
    let is_decimal = token.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
    token.parse().ok().filter(|number: &f64| is_decimal && number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<Result<Line, String>> {
        lines(text).collect()
    }

    fn one(text: &str) -> Line {
        let mut read = read(text);
        assert_eq!(read.len(), 1, "{read:?}");
        read.remove(0).unwrap()
    }

    fn texts(pairs: &[(String, String)]) -> Vec<(&str, &str)> {
        pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    #[test]
    fn a_point_has_tags_fields_and_perhaps_a_time() {
        let line = one("m,a=1,b=x y=1.5,z=-3i,u=7u,t=true,f=F,s=\"a, b=c\",e=1e3 -17");
        assert_eq!(
            (line.measurement.as_str(), texts(&line.tags), line.time),
            ("m", vec![("a", "1"), ("b", "x")], Some(-17))
        );
        let values: Vec<Field> = line.fields.iter().map(|(_, value)| *value).collect();
        let (number, boolean) = (Field::Number, Field::Boolean);
        assert_eq!(
            values,
            [number(1.5), number(-3.0), number(7.0), boolean(true), boolean(false), Field::Text, number(1000.0)]
        );
        assert_eq!((line.tag("b"), line.tag("c"), line.field("u")), (Some("x"), None, Some(Field::Number(7.0))));
        assert_eq!(one("m v=1").time, None);
    }

    #[test]
    fn escaped_letters_are_part_of_names() {
        let line = one(r"m\ \,\=\n,t\=\,\ g=v\ \,\=x f\ \,\==1");
        assert_eq!(line.measurement, r"m ,=\n");
        assert_eq!(texts(&line.tags), [("t=, g", "v ,=x")]);
        assert_eq!(line.fields, [("f ,=".to_owned(), Field::Number(1.0))]);
        // As InfluxDB has it: what stands before a backslash does not matter.
        assert_eq!(texts(&one(r"m,t=a\\,u=b v=1").tags), [("t", r"a\,u=b")]);
    }

    #[test]
    fn texts_may_have_quotes_and_line_ends() {
        let line = one("m s=\"a \\\"b\\\" \\\\\",t=\"one\ntwo\",v=2 5");
        assert_eq!(
            (line.field("s"), line.field("t"), line.field("v"), line.time),
            (Some(Field::Text), Some(Field::Text), Some(Field::Number(2.0)), Some(5))
        );
    }

    #[test]
    fn lines_end_as_they_like_and_comments_are_none() {
        let read = read("\n# a, b=c \"\n\r\n  m v=1 2 \r\n\tm v=1\r\n#last");
        assert_eq!(read.iter().map(|line| line.as_ref().unwrap().time).collect::<Vec<_>>(), [Some(2), None]);
    }

    #[test]
    fn what_is_no_point_is_refused_and_the_next_line_is_read() {
        for wrong in [
            "m",
            "m ",
            "m,t v=1",
            "m,t= v=1",
            "m,=x v=1",
            ",t=x v=1",
            "m v",
            "m v=",
            "m =1",
            "m v=1,",
            "m v=1 x",
            "m v=1 1.5",
            "m v=1 2 3",
            "m v=inf",
            "m v=NaN",
            "m v=-infinity",
            "m v=1e999",
            "m v=1i5",
            "m v=99999999999999999999i",
            "m v=-1u",
            "m v=0x1",
            "m v=tru",
            "m v=1 99999999999999999999",
        ] {
            let read = read(&format!("{wrong}\nm v=1"));
            assert!(read.len() == 2 && read[0].is_err() && read[1].is_ok(), "{wrong}: {read:?}");
        }
        let unclosed = read("m v=\"a\nm v=1");
        assert!(unclosed[0].is_err() && unclosed[1].is_ok(), "{unclosed:?}");
    }

    #[test]
    fn whatever_comes_is_read_to_its_end() {
        // A linear congruential generator over the letters that mean something.
        let letters: Vec<char> = "m,= \\\"\n\r#1.eEiutf-\u{e9}\u{0}".chars().collect();
        let mut state = 7u64;
        for _ in 0..50_000 {
            let next = |_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                letters[(state >> 33) as usize % letters.len()]
            };
            let text: String = (0..24).map(next).collect();
            for line in lines(&text).take(100).flatten() {
                let finite =
                    |(_, value): &(String, Field)| !matches!(value, Field::Number(number) if !number.is_finite());
                assert!(
                    !line.measurement.is_empty() && !line.fields.is_empty() && line.fields.iter().all(finite),
                    "{text}"
                );
            }
            assert!(lines(&text).count() <= 24, "{text}");
        }
    }
}
