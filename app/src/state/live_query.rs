//! What a page shows of the server, kept true: asked for again when an event says that it has changed, when the stream
//! of events begins anew, and after a failure until an answer comes.

use std::{future::Future, sync::Arc, time::Duration};

use domain::ServerEvent;
use leptos::{prelude::*, task::spawn_local};

use crate::{AppError, platform, state::live::use_live};

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Copied freely, as signals are.
#[derive(Clone, Copy)]
pub struct LiveQuery {
    load: Callback<()>,
    error: RwSignal<Option<AppError>>,
}

impl LiveQuery {
    /// `fetch` asks the server and puts its answer where the page shows it. At most one request is under way: whoever
    /// asks meanwhile, however often, gets one more afterwards.
    pub fn new<F, Fut>(fetch: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), AppError>> + 'static,
    {
        let error = RwSignal::new(None::<AppError>);
        // Tells whether somebody else has asked while a retry waited.
        let attempts = StoredValue::new(0_u32);
        let next_pause = StoredValue::new(FIRST_PAUSE);
        let run = StoredValue::new(None::<Callback<()>>);
        let retry = move || {
            let (Some(attempt), Some(pause)) = (attempts.try_get_value(), next_pause.try_get_value()) else { return };
            spawn_local(async move {
                platform::pause(pause).await;
                if attempts.try_get_value() == Some(attempt) {
                    next_pause.set_value((pause * 2).min(LONGEST_PAUSE));
                    run.try_get_value().flatten().inspect(|run| run.run(()));
                }
            });
        };
        let fetch = Arc::new(fetch);
        let load = single_flight(move || {
            let fetch = Arc::clone(&fetch);
            async move {
                attempts.try_update_value(|attempts| *attempts = attempts.wrapping_add(1));
                match fetch().await {
                    Ok(()) => {
                        next_pause.try_set_value(FIRST_PAUSE);
                        error.try_set(None);
                    }
                    Err(failed) => {
                        if failed.is_temporary() {
                            retry();
                        }
                        error.try_set(Some(failed));
                    }
                }
            }
        });
        run.set_value(Some(load));
        Self { load, error }
    }

    pub fn reload(self) {
        self.load.run(());
    }

    /// Asks again on every event that `concerns` it, and whenever the stream of events begins anew, for then nobody
    /// knows what was missed.
    pub fn reload_on(self, concerns: impl Fn(&ServerEvent) -> bool + Send + Sync + 'static) -> Self {
        use_live().on_event(move |event| {
            if matches!(event, ServerEvent::Hello { .. }) || concerns(event) {
                self.reload();
            }
        });
        self
    }

    /// Asks again every so often while the page is seen and `wanted`: for what has no events, because it always changes.
    pub fn poll(self, every: Duration, wanted: impl Fn() -> bool + Copy + Send + Sync + 'static) -> Self {
        Effect::new(move |_| {
            let again = move || {
                if platform::is_seen() {
                    self.reload();
                }
            };
            if wanted()
                && let Ok(polling) = set_interval(again, every)
            {
                on_cleanup(move || polling.clear());
            }
        });
        self
    }

    /// Why what is shown may be out of date.
    pub fn error(self) -> Signal<Option<AppError>> {
        self.error.into()
    }
}

/// Makes a callback that does something with at most one of it under way: whoever calls it meanwhile, however often, has
/// it done once more afterwards.
pub fn single_flight<F, Fut>(work: F) -> Callback<()>
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output = ()> + 'static,
{
    #[derive(Clone, Copy, PartialEq)]
    enum Flight {
        Idle,
        UnderWay,
        Again,
    }

    let work = Arc::new(work);
    let flight = StoredValue::new(Flight::Idle);
    Callback::new(move |()| match flight.try_get_value() {
        Some(Flight::Idle) => {
            flight.set_value(Flight::UnderWay);
            let work = Arc::clone(&work);
            spawn_local(async move {
                loop {
                    work().await;
                    // None when it is gone together with its page.
                    let Some(now) = flight.try_get_value() else { return };
                    if now != Flight::Again {
                        flight.try_set_value(Flight::Idle);
                        return;
                    }
                    flight.try_set_value(Flight::UnderWay);
                }
            });
        }
        Some(Flight::UnderWay | Flight::Again) => flight.set_value(Flight::Again),
        None => {}
    })
}
