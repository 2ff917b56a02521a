//! What time it is, for all that says how long ago something was. It is the server's time, also in a browser whose own
//! clock is wrong: the difference is taken each time the stream of events begins.

use std::time::Duration;

use domain::ServerEvent;
use leptos::prelude::*;

use crate::{platform, state::live::Live};

const TICK: Duration = Duration::from_secs(10);

/// In every component's context. Seconds since 1970.
#[derive(Clone, Copy)]
pub struct Clock(RwSignal<i64>);

impl Clock {
    /// Tracked.
    pub fn now_secs(self) -> i64 {
        self.0.get()
    }
}

pub fn provide_clock(live: Live) {
    let now = RwSignal::new(SharedValue::new(at_rendering).into_inner());
    provide_context(Clock(now));
    // By how much the server's clock is ahead; until it is known, time stands still.
    let ahead = StoredValue::new(None::<i64>);
    let tick = move || {
        if let Some(Some(ahead)) = ahead.try_get_value() {
            now.try_set(platform::now_secs() + ahead);
        }
    };
    live.on_event(move |event| {
        if let ServerEvent::Hello { now: of_server, .. } = event {
            ahead.set_value(Some(of_server.as_second() - platform::now_secs()));
            tick();
        }
    });
    Effect::new(move |_| {
        if let Ok(ticking) = set_interval(tick, TICK) {
            on_cleanup(move || ticking.clear());
        }
    });
}

pub fn use_clock() -> Clock {
    expect_context()
}

fn at_rendering() -> i64 {
    #[cfg(feature = "ssr")]
    return domain::Timestamp::now().as_second();
    #[cfg(not(feature = "ssr"))]
    platform::now_secs()
}
