//! Mounts the pages, their server functions and their files. In the server only `http` and `site` know Leptos
//! (invariant 2).

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use app::{
    Checker,
    backend::{Backend, BackendContext},
};
use axum::{
    Router,
    extract::Request,
    http::{HeaderValue, StatusCode, Uri, header},
    middleware,
    response::Response,
};
use domain::Actor;
use krt::Limits;
use leptos::{
    config::LeptosOptions,
    nonce::use_nonce,
    prelude::{provide_context, use_context},
};
use leptos_axum::{AxumRouteListing, LeptosRoutes, ResponseOptions};

use super::{
    extract::read_body,
    headers::{WORKER_POLICY, page_policy},
};
use crate::site::checker_url;

/// `limits` are those for files, by which a page checks them before it sends them.
pub(super) fn router(
    options: LeptosOptions,
    backend: Arc<dyn Backend>,
    limits: &Limits,
    body_timeout: Duration,
) -> Router {
    let context = move || {
        provide_context(BackendContext(backend.clone()));
        // Until there are logins, everybody is the person at this machine.
        provide_context(Actor::local());
        send_policy();
    };
    let url = checker_url(&options);
    let worker: Arc<str> = url.as_str().into();
    let shell_of = {
        // Numbers are always written.
        let checker = Checker { url, limits: serde_json::to_string(limits).unwrap_or_default() };
        move |options: LeptosOptions| app::shell(options, &checker)
    };
    let shell = {
        let (options, shell_of) = (options.clone(), shell_of.clone());
        move || shell_of(options.clone())
    };
    let hashed = options.hash_files;
    let files = Router::new()
        .route_service(
            &leptos_axum::site_pkg_dir_service_route_path(&options),
            leptos_axum::site_pkg_dir_service(&options),
        )
        .layer(middleware::map_response_with_state(hashed, cache_forever))
        .layer(middleware::map_response_with_state(worker, set_worker_policy));
    Router::new()
        .leptos_routes_with_context(&options, routes(), context.clone(), shell)
        .fallback(leptos_axum::file_and_error_handler_with_context(context, shell_of))
        // Server functions read their arguments whole, without a limit of their own.
        .layer(middleware::from_fn_with_state(body_timeout, read_body))
        .with_state(options)
        .merge(files)
        .layer(middleware::map_request(shorten))
}

/// About the longest name that a file has on usual systems. No page and no file of the site has so long a path.
const MAX_PATH_BYTES: usize = 250;

/// Asks for something short that is not there instead of something long: to open a file with too long a name is an
/// error and not merely a file that is missing.
async fn shorten(mut request: Request) -> Request {
    if request.uri().path().len() > MAX_PATH_BYTES {
        *request.uri_mut() = Uri::from_static("/-");
    }
    request
}

/// What pages there are. Found once: while Leptos looks for them it suppresses every resource of the process, so that a
/// page which another server of this process renders meanwhile would wait for its data for ever.
fn routes() -> Vec<AxumRouteListing> {
    static ROUTES: OnceLock<Vec<AxumRouteListing>> = OnceLock::new();
    ROUTES.get_or_init(|| leptos_axum::generate_route_list(app::App)).clone()
}

/// Sends the policy that goes with the nonce of the page being rendered. A server function has no nonce.
fn send_policy() {
    if let (Some(nonce), Some(response)) = (use_nonce(), use_context::<ResponseOptions>())
        && let Ok(policy) = HeaderValue::try_from(page_policy(&nonce))
    {
        response.insert_header(header::CONTENT_SECURITY_POLICY, policy);
    }
}

/// A file whose name carries the hash of its content never changes under that name.
async fn cache_forever(
    axum::extract::State(hashed): axum::extract::State<bool>,
    uri: Uri,
    mut response: Response,
) -> Response {
    let good = response.status().is_success() || response.status() == StatusCode::NOT_MODIFIED;
    if hashed && good && has_hash(uri.path()) {
        let forever = HeaderValue::from_static("public, max-age=31536000, immutable");
        response.headers_mut().insert(header::CACHE_CONTROL, forever);
    }
    response
}

/// Unlike other files a worker's script has a policy that counts.
async fn set_worker_policy(
    axum::extract::State(worker): axum::extract::State<Arc<str>>,
    uri: Uri,
    mut response: Response,
) -> Response {
    if uri.path() == &*worker {
        let policy = HeaderValue::from_static(WORKER_POLICY);
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// `/pkg/kai.<hash>.wasm`: what cargo-leptos names files when it hashes them.
fn has_hash(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let mut parts = name.split('.');
    matches!((parts.next(), parts.next(), parts.next()), (Some(_), Some(hash), Some(_)) if hash.len() >= 16)
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;

    use super::*;

    #[tokio::test]
    async fn what_carries_its_hash_is_kept_and_nothing_else_is() {
        let kept = async |path: &str, hashed: bool, status: StatusCode| {
            let uri = path.parse().unwrap();
            let answer = cache_forever(axum::extract::State(hashed), uri, status.into_response()).await;
            answer
                .headers()
                .get(header::CACHE_CONTROL)
                .is_some_and(|value| value == "public, max-age=31536000, immutable")
        };
        for name in
            ["kai.3d08ffdd6c199cde.wasm", "split_runtime.4d37b11b47233bb8.wasm", "__wasm_split.3bdb468c167d5163.js"]
        {
            let path = format!("/pkg/{name}");
            assert!(kept(&path, true, StatusCode::OK).await, "{name}");
            assert!(!kept(&path, true, StatusCode::NOT_FOUND).await, "{name}");
            assert!(!kept(&path, false, StatusCode::OK).await, "{name}");
        }
        assert!(!kept("/pkg/kai.js", true, StatusCode::OK).await);
        assert!(!kept("/pkg/kai.min.js", true, StatusCode::OK).await);
    }
}
