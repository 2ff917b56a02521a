//! What the version does just now, read every few seconds while it runs and somebody looks.

use std::time::Duration;

use domain::{LiveNumbers, VersionState};
use leptos::prelude::*;

use crate::{api, pages::version::VersionContext, state::live_query::LiveQuery};

const POLL_INTERVAL: Duration = Duration::from_secs(5);

/// None of them until the first answer. What cannot be read is left out: numbers are beside the point of the screen.
pub(super) fn live_numbers(shown: VersionContext, state: Memo<VersionState>) -> RwSignal<LiveNumbers> {
    let (runtime, version) = shown.ids();
    let numbers = RwSignal::new(LiveNumbers::default());
    let runs = Memo::new(move |_| !matches!(state.get(), VersionState::Stopped | VersionState::Archived));
    let query = LiveQuery::new(move || {
        let answer = api::live_numbers(runtime.clone(), version.clone());
        async move {
            let now = answer.await.unwrap_or_default();
            numbers.try_set(now);
            Ok(())
        }
    })
    .poll(POLL_INTERVAL, move || runs.get());
    Effect::new(move |_| {
        if runs.get() {
            query.reload();
        } else {
            numbers.set(LiveNumbers::default());
        }
    });
    numbers
}
