//! Which lines have come already. Pure.

use domain::{LogLine, LogText, Timestamp};

/// How far each container's log was seen. Who asks again after a broken connection is sent some lines twice.
#[derive(Debug, Default)]
pub(super) struct Dedup {
    newest: Option<Timestamp>,
    places: Vec<Place>,
}

#[derive(Debug)]
struct Place {
    pod: String,
    container: String,
    /// Of its newest line, and how many had that time.
    last: Option<(Timestamp, u32)>,
    /// How many with that time have come again since it was asked for again.
    again: u32,
    trouble: Option<String>,
}

impl Dedup {
    /// Whether it has not been seen yet; from then on it has.
    pub(super) fn is_news(&mut self, line: &LogLine) -> bool {
        let known = self.places.iter().position(|place| place.pod == line.pod && place.container == line.container);
        let at = known.unwrap_or_else(|| {
            let (pod, container) = (line.pod.clone(), line.container.clone());
            self.places.push(Place { pod, container, last: None, again: 0, trouble: None });
            self.places.len() - 1
        });
        let place = &mut self.places[at];
        match &line.text {
            LogText::Error(text) if place.trouble.as_ref() == Some(text) => return false,
            LogText::Error(text) => {
                place.trouble = Some(text.clone());
                return true;
            }
            LogText::Line(_) => {}
        }
        place.last = match place.last {
            Some((last, _)) if line.time < last => return false,
            Some((last, count)) if line.time == last && place.again > 0 => {
                place.again -= 1;
                place.last = Some((last, count));
                return false;
            }
            Some((last, count)) if line.time == last => Some((last, count + 1)),
            _ => Some((line.time, 1)),
        };
        place.again = 0;
        place.trouble = None;
        self.newest = self.newest.max(Some(line.time));
        true
    }

    /// The time of the newest line of all.
    pub(super) fn newest(&self) -> Option<Timestamp> {
        self.newest
    }

    /// From here on lines may come again.
    pub(super) fn asked_again(&mut self) {
        for place in &mut self.places {
            place.again = place.last.map_or(0, |(_, count)| count);
        }
    }
}
