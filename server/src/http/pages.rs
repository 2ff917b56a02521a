//! Mounts the pages and their server functions. In the server only `http` and `site` know Leptos (invariant 2).

use std::{
    net::SocketAddr,
    sync::{Arc, OnceLock},
    time::Duration,
};

use app::{
    Checker,
    backend::{AccountsBackend, AccountsContext, Backend, BackendContext, CurrentSession},
};
use axum::{
    Router,
    http::{HeaderValue, header, request::Parts},
    middleware,
};
use krt::Limits;
use leptos::{
    nonce::use_nonce,
    prelude::{provide_context, use_context},
};
use leptos_axum::{AxumRouteListing, LeptosRoutes, ResponseOptions};

use super::{auth, extract::read_body, headers::page_policy, site::WORKER};
use crate::site::Site;

/// `limits` are those for files, by which a page checks them before it sends them.
pub(super) fn router(
    site: &Site,
    addr: SocketAddr,
    (backend, accounts): (Arc<dyn Backend>, Arc<dyn AccountsBackend>),
    limits: &Limits,
    body_timeout: Duration,
) -> Router {
    let options = site.options(addr);
    let manifest = site.manifest();
    let context = move || {
        if let Some(manifest) = &manifest {
            provide_context(manifest.clone());
        }
        provide_context(BackendContext(backend.clone()));
        provide_context(AccountsContext(accounts.clone()));
        let parts = use_context::<Parts>();
        if let Some(session) = parts.as_ref().and_then(auth::session) {
            provide_context(CurrentSession(session));
        }
        // None while Leptos looks for the routes, and for who has not signed in.
        if let Some(caller) = parts.as_ref().and_then(auth::caller) {
            provide_context(caller);
        }
        send_policy();
    };
    let shell = {
        // Numbers are always written.
        let limits = serde_json::to_string(limits).unwrap_or_default();
        let checker = Checker { url: site.url(WORKER), limits };
        let options = options.clone();
        move || app::shell(options.clone(), &checker)
    };
    Router::new()
        .leptos_routes_with_context(&options, routes(), context.clone(), shell.clone())
        // Whatever is at no address of a page is told so by one.
        .fallback(leptos_axum::render_app_async_with_context(context, shell))
        // Server functions read their arguments whole, without a limit of their own.
        .layer(middleware::from_fn_with_state(body_timeout, read_body))
        .with_state(options)
}

/// What pages there are. Found once: while Leptos looks for them it suppresses every resource of the process, so that a
/// page which another server of this process renders meanwhile would wait for its data for ever.
fn routes() -> Vec<AxumRouteListing> {
    static ROUTES: OnceLock<Vec<AxumRouteListing>> = OnceLock::new();
    ROUTES.get_or_init(|| leptos_axum::generate_route_list(|| app::App(app::AppProps::builder().build()))).clone()
}

/// Sends the policy that goes with the nonce of the page being rendered. A server function has no nonce.
fn send_policy() {
    if let (Some(nonce), Some(response)) = (use_nonce(), use_context::<ResponseOptions>())
        && let Ok(policy) = HeaderValue::try_from(page_policy(&nonce))
    {
        response.insert_header(header::CONTENT_SECURITY_POLICY, policy);
    }
}
