//! What time it is, for all that says how long ago something was. The server's time while a page is rendered and taken
//! over, so that both say the same; the browser's from then on.

use std::time::Duration;

use leptos::prelude::*;

use crate::browser;

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

pub fn provide_clock() {
    let now = RwSignal::new(SharedValue::new(at_rendering).into_inner());
    provide_context(Clock(now));
    Effect::new(move |_| {
        let tick = move || now.set(browser::now_secs());
        if let Ok(ticking) = set_interval_with_handle(tick, TICK) {
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
    browser::now_secs()
}
