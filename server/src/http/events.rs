//! `GET /api/v1/events`: what changes, as server-sent events.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::State,
    response::{
        IntoResponse,
        sse::{Event, KeepAlive, Sse},
    },
};
use domain::ServerEvent;
use futures::{StreamExt, stream};

use super::{
    Public,
    auth::{By, SignedIn},
};
use crate::{
    accounts::{Presence, Standing},
    broadcast::Subscription,
};

/// How soon a browser whose connection broke comes back.
const RETRY: Duration = Duration::from_secs(1);
/// Proxies close silent connections, most of them after a minute.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Sends what changes, as server-sent events without an end.
///
/// The data of each event is an object with one field, which is its type. The first is `hello`; after each `hello`, read again
/// what you show.
#[utoipa::path(
    get, path = "/events", operation_id = "events", tag = "Events",
    responses((status = 200, body = ServerEvent, content_type = "text/event-stream")),
)]
pub(super) async fn events(State(parts): State<Public>, SignedIn(caller): SignedIn, by: By) -> impl IntoResponse {
    let reader = Reader { subscription: parts.broadcaster.subscribe(caller), presence: by.presence(&parts.logins) };
    let greeting = stream::once(async { Ok(Event::default().retry(RETRY)) });
    let events = stream::unfold(Some(reader), |reader| async move {
        let (event, reader) = reader?.next().await?;
        Some((Ok::<_, Infallible>(Event::default().data(&*event)), reader))
    });
    let events = greeting.chain(events).take_until(parts.stop.cancelled_owned());
    let sse = Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    // nginx buffers responses unless told not to.
    ([("x-accel-buffering", "no")], sse)
}

/// Somebody who reads the stream, for as long as they may.
struct Reader {
    subscription: Subscription,
    presence: Presence,
}

impl Reader {
    /// The next event; nobody reads on after the last one.
    async fn next(mut self) -> Option<(Arc<str>, Option<Self>)> {
        loop {
            let standing = tokio::select! {
                event = self.subscription.next() => return Some((event?, Some(self))),
                standing = self.presence.next() => standing,
            };
            match standing {
                Standing::Changed(caller) => self.subscription.go_on_as(caller),
                Standing::Ended(reason) => return Some((self.subscription.farewell(reason), None)),
            }
        }
    }
}
