//! The API for programs, under `/api/v1`. Every handler calls what the pages' server functions call.

mod activity;
mod calls;
mod content;
mod logs;
mod metrics;
mod nodes;
mod runtimes;
mod uploads;
mod versions;

use axum::{
    Router,
    extract::{DefaultBodyLimit, OriginalUri},
    http::{Method, StatusCode},
    middleware,
    routing::{get, post, put},
};

use super::{
    Public,
    error::ErrorAnswer,
    events,
    extract::{MAX_BODY_BYTES, read_body},
};

pub(super) fn router(parts: &Public) -> Router {
    Router::new()
        .route("/runtimes", get(runtimes::list).post(runtimes::create))
        .route("/runtimes/{id}", get(runtimes::show).delete(runtimes::delete))
        .route("/runtimes/{id}/carry-over", get(runtimes::inheritable_config))
        .route("/runtimes/{id}/versions/{name}", get(versions::show).delete(versions::delete))
        .route("/runtimes/{id}/versions/{name}/start", post(versions::start))
        .route("/runtimes/{id}/versions/{name}/stop", post(versions::stop))
        .route("/runtimes/{id}/versions/{name}/publish", post(versions::publish))
        .route("/runtimes/{id}/versions/{name}/unpublish", post(versions::unpublish))
        .route("/runtimes/{id}/versions/{name}/archive", post(versions::archive))
        .route("/runtimes/{id}/versions/{name}/config", put(versions::configure))
        .route("/runtimes/{id}/versions/{name}/generation", put(versions::choose_generation))
        .route("/runtimes/{id}/versions/{name}/history", get(versions::history))
        .route("/runtimes/{id}/versions/{name}/logs", get(logs::logs))
        .route("/runtimes/{id}/versions/{name}/entrypoint", get(nodes::entrypoint))
        .route("/runtimes/{id}/versions/{name}/nodes/{workflow}/{node}", get(nodes::node))
        .route("/runtimes/{id}/versions/{name}/metrics", get(metrics::metrics))
        .route("/runtimes/{id}/versions/{name}/live", get(metrics::live))
        .route("/runtimes/{id}/versions/{name}/krt", get(versions::download))
        .route("/runtimes/{id}/versions/{name}/manifest", get(content::manifest))
        .route("/runtimes/{id}/versions/{name}/documentation", get(content::documentation))
        .route("/runtimes/{id}/versions/{name}/docs/{*path}", get(content::document))
        .route("/runtimes/{id}/versions/{name}/compare", get(content::compare))
        .route("/runtimes/{id}/versions/{name}/rpcs", get(calls::rpcs))
        .route("/runtimes/{id}/versions/{name}/calls", post(calls::call))
        .route("/activity", get(activity::list))
        .route("/activity.csv", get(activity::csv))
        .route("/events", get(events::events))
        .layer(middleware::from_fn_with_state(parts.body_timeout, read_body))
        // An upload is read as it comes, with limits of its own.
        .route("/runtimes/{id}/versions", get(versions::list).post(uploads::add).layer(DefaultBodyLimit::disable()))
        .fallback(unknown_route)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(parts.clone())
}

async fn unknown_route(OriginalUri(uri): OriginalUri) -> ErrorAnswer {
    ErrorAnswer::request(StatusCode::NOT_FOUND, "not_found", format!("this API has no {}", uri.path()))
}

async fn wrong_method(method: Method, OriginalUri(uri): OriginalUri) -> ErrorAnswer {
    let message = format!("{} does not support {method}", uri.path());
    ErrorAnswer::request(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message)
}
