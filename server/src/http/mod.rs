//! What is served: pages, API and live events on the public listener, KRT files and
//! measurements of pods on the internal one.

mod api;
mod auth;
mod download;
mod error;
mod events;
mod extract;
pub mod guard;
mod headers;
mod health;
pub mod internal;
mod measurements;
pub mod openapi;
mod pages;
mod reference;
mod sandbox;
pub mod serve;
mod site;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, middleware};
use tokio_util::sync::CancellationToken;
use tower_http::{
    catch_panic::CatchPanicLayer,
    trace::{DefaultMakeSpan, TraceLayer},
};

pub use self::sandbox::sandbox;
use crate::{
    broadcast::EventBroadcaster, files::Files, http::guard::AllowedHosts, intake::Intake, service::Service, site::Site,
};

/// The state of the public routes.
#[derive(Clone)]
pub struct Public {
    pub service: Arc<Service>,
    pub files: Files,
    pub intake: Intake,
    pub broadcaster: EventBroadcaster,
    pub site: Site,
    /// Where the server listens.
    pub addr: SocketAddr,
    /// The hosts that requests may name; Origin is compared with them.
    pub allowed_hosts: AllowedHosts,
    /// How long the body of a request may take that is no upload.
    pub body_timeout: Duration,
    /// Ends the event streams, which otherwise would hold up a graceful shutdown.
    pub stop: CancellationToken,
}

/// Everything that people and programs reach.
pub fn public(parts: Public) -> Router {
    Router::new()
        .merge(health::routes().split_for_parts().0.with_state(parts.clone()))
        .nest("/api/v1", api::router(&parts))
        .merge(reference::router(&parts.site))
        .merge(pages::router(parts.site, parts.addr, parts.service.clone(), parts.intake.limits(), parts.body_timeout))
        .layer(middleware::from_fn(extract::reject_nul))
        .layer(middleware::from_fn_with_state(parts.allowed_hosts, guard::csrf_guard))
        .layer(CatchPanicLayer::custom(error::panicked))
        .layer(middleware::map_response(headers::secure))
        .layer(
            TraceLayer::new_for_http()
                .make_span_with(DefaultMakeSpan::new().level(tracing::Level::INFO))
                // Whoever answered with a failure has logged it, with its cause.
                .on_failure(()),
        )
}
