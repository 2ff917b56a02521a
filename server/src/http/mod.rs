//! What is served: pages, API and live events on the public listener, KRT files and
//! measurements of pods on the internal one.

mod api;
mod auth;
mod client_address;
mod credential;
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
mod return_to;
mod sandbox;
pub mod serve;
mod sign_in;
mod site;
pub mod tls;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, middleware};
use tokio_util::sync::CancellationToken;
use tower_http::{catch_panic::CatchPanicLayer, trace::TraceLayer};

use self::headers::Policy;

pub use self::{auth::Logins, sandbox::sandbox};
use crate::{
    accounts::oidc::CALLBACK_PATH, broadcast::EventBroadcaster, files::Files, http::guard::AllowedHosts,
    intake::Intake, service::Service, site::Site,
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
    pub logins: Logins,
    /// The scheme of the public URL.
    pub is_https: bool,
    /// How long the body of a request may take that is no upload.
    pub body_timeout: Duration,
    /// Ends the event streams, which otherwise would hold up a graceful shutdown.
    pub stop: CancellationToken,
}

/// Everything that people and programs reach.
pub fn public(parts: Public) -> Router {
    let policy = Policy { has_logins: parts.logins.is_on(), is_https: parts.is_https };
    let limits = parts.intake.limits();
    let health = health::routes().split_for_parts().0.with_state(parts.clone());
    let accounts = Arc::new(parts.logins.accounts().clone());
    let pages = pages::router(&parts.site, parts.addr, (parts.service.clone(), accounts), limits, parts.body_timeout)
        .layer(middleware::from_fn(auth::require_sign_in));
    Router::new()
        .nest("/api/v1", api::router(&parts))
        .merge(sign_in::router(&parts))
        .merge(pages)
        .layer(middleware::from_fn_with_state(parts.logins, auth::authenticate))
        // What is nobody's.
        .merge(health)
        .merge(reference::router(&parts.site))
        .merge(site::router(parts.site))
        .layer(middleware::from_fn(extract::reject_nul))
        .layer(middleware::from_fn_with_state(parts.allowed_hosts, guard::csrf_guard))
        .layer(CatchPanicLayer::custom(error::panicked))
        .layer(middleware::map_response_with_state(policy, headers::secure))
        .layer(
            TraceLayer::new_for_http()
                .make_span_with(span)
                // Whoever answered with a failure has logged it, with its cause.
                .on_failure(()),
        )
}

/// What is logged of a request. A link's secret is not, nor what the provider sends a browser back with.
fn span<B>(request: &http::Request<B>) -> tracing::Span {
    let path = request.uri().path();
    let uri = match path {
        _ if path.starts_with(sign_in::LINK) => sign_in::LINK.to_owned(),
        CALLBACK_PATH => CALLBACK_PATH.to_owned(),
        _ => request.uri().to_string(),
    };
    tracing::info_span!("request", method = %request.method(), uri)
}
