//! The API for programs, under `/api/v1`. Every handler calls what the pages' server functions call.

mod accounts;
mod activity;
mod audit;
mod calls;
mod content;
mod logs;
mod metrics;
mod nodes;
mod runtimes;
mod uploads;
mod versions;

use std::time::Duration;

use axum::{
    Router,
    extract::{DefaultBodyLimit, OriginalUri},
    http::{Method, StatusCode},
    middleware,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Public,
    error::ErrorAnswer,
    events,
    extract::{MAX_BODY_BYTES, read_body},
    openapi,
};

pub(super) fn router(parts: &Public) -> Router {
    let (router, _) = routes(parts.body_timeout).split_for_parts();
    router
        .fallback(unknown_route)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(parts.clone())
}

/// Every route with its description, in the order of the reference.
pub(super) fn routes(body_timeout: Duration) -> OpenApiRouter<Public> {
    let read_whole = OpenApiRouter::new()
        .routes(routes!(openapi::json))
        .routes(routes!(runtimes::list, runtimes::create))
        .routes(routes!(runtimes::show, runtimes::delete))
        .routes(routes!(runtimes::inheritable_config))
        .routes(routes!(versions::show, versions::delete))
        .routes(routes!(versions::start))
        .routes(routes!(versions::stop))
        .routes(routes!(versions::publish))
        .routes(routes!(versions::unpublish))
        .routes(routes!(versions::archive))
        .routes(routes!(versions::configure))
        .routes(routes!(versions::choose_generation))
        .routes(routes!(nodes::entrypoint))
        .routes(routes!(nodes::node))
        .routes(routes!(content::compare))
        .routes(routes!(versions::download))
        .routes(routes!(content::manifest))
        .routes(routes!(content::documentation))
        .routes(routes!(content::document))
        .routes(routes!(metrics::metrics))
        .routes(routes!(metrics::live))
        .routes(routes!(calls::rpcs))
        .routes(routes!(calls::call))
        .routes(routes!(logs::logs))
        .routes(routes!(versions::history))
        .routes(routes!(activity::list))
        .routes(routes!(activity::csv))
        .routes(routes!(events::events))
        .routes(routes!(accounts::me))
        .routes(routes!(accounts::people, accounts::invite))
        .routes(routes!(accounts::renew_link))
        .routes(routes!(accounts::disable))
        .routes(routes!(accounts::enable))
        .routes(routes!(accounts::sessions, accounts::end_sessions))
        .routes(routes!(accounts::end_session))
        .routes(routes!(accounts::tokens, accounts::create_token))
        .routes(routes!(accounts::revoke_token))
        .routes(routes!(accounts::grants, accounts::set_grant, accounts::remove_grant))
        .routes(routes!(audit::list))
        .routes(routes!(audit::csv))
        .layer(middleware::from_fn_with_state(body_timeout, read_body));
    // An upload is read as it comes, with limits of its own.
    let uploads = OpenApiRouter::new().routes(routes!(versions::list, uploads::add)).layer(DefaultBodyLimit::disable());
    read_whole.merge(uploads)
}

async fn unknown_route(OriginalUri(uri): OriginalUri) -> ErrorAnswer {
    ErrorAnswer::request(StatusCode::NOT_FOUND, "not_found", format!("this API has no {}", uri.path()))
}

async fn wrong_method(method: Method, OriginalUri(uri): OriginalUri) -> ErrorAnswer {
    let message = format!("{} does not support {method}", uri.path());
    ErrorAnswer::request(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message)
}
