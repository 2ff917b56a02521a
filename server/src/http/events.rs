//! `GET /api/v1/events`: what changes, as server-sent events.

use std::{convert::Infallible, time::Duration};

use axum::{
    extract::State,
    response::{
        IntoResponse,
        sse::{Event, KeepAlive, Sse},
    },
};
use domain::ServerEvent;
use futures::{StreamExt, stream};

use super::{Public, auth::SignedIn};

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
pub(super) async fn events(State(parts): State<Public>, SignedIn(caller): SignedIn) -> impl IntoResponse {
    let greeting = stream::once(async { Ok(Event::default().retry(RETRY)) });
    let events = stream::unfold(parts.broadcaster.subscribe(caller), |mut subscription| async move {
        let event = subscription.next().await?;
        Some((Ok::<_, Infallible>(Event::default().data(&*event)), subscription))
    });
    let events = greeting.chain(events).take_until(parts.stop.cancelled_owned());
    let sse = Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    // nginx buffers responses unless told not to.
    ([("x-accel-buffering", "no")], sse)
}
