//! Headers that make a browser keep to what the pages need.

use axum::{
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::Response,
};

/// For all that is no page: it is not to be run, framed or guessed at.
const NO_PAGE_POLICY: &str = "default-src 'none'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

/// The Content-Security-Policy of a page whose scripts carry this nonce. Compiling wasm needs a word of its own.
pub(super) fn page_policy(nonce: &str) -> String {
    format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self' 'nonce-{nonce}'; \
         img-src 'self' data:; font-src 'self'; connect-src 'self'; worker-src 'self'; manifest-src 'self'; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
}

/// The policy of a page without scripts.
pub(super) const PLAIN_PAGE_POLICY: &str = "default-src 'none'; style-src 'self'; img-src data:; form-action 'none'; \
                                            base-uri 'none'; frame-ancestors 'none'";

/// The policy of the worker that checks files, which has one of its own: it loads its wasm and nothing else.
pub(super) const WORKER_POLICY: &str =
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; frame-ancestors 'none'";

/// The policy of the pages on which people sign in: nothing but a form, and the style.
pub(super) const FORM_POLICY: &str = "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; \
                                      base-uri 'none'; frame-ancestors 'none'";

/// What is known of the listener.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Policy {
    /// People sign in: what a page shows is not for whoever has the browser next, also by its back button.
    pub(super) has_logins: bool,
    /// People come by https, and are to come by nothing else.
    pub(super) is_https: bool,
}

/// Whether whoever asks has what this entity tag stands for (RFC 9110 §13.1.2).
pub(super) fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    // A proxy may have made the tag a weak one.
    known.is_some_and(|known| known.split(',').any(|known| known.trim().trim_start_matches("W/") == tag))
}

/// Adds what is missing, to every answer. One that says that nothing has changed (304) must come here with the headers
/// of the answer that it stands for: a browser puts them in place of those that it has kept.
pub(super) async fn secure(State(policy): State<Policy>, mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, NO_PAGE_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        // Forms without JavaScript go back to where they came from, which takes a Referer within the site.
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        // Whatever shows a state must not be shown again from a cache.
        (header::CACHE_CONTROL, if policy.has_logins { "no-store" } else { "no-cache" }),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if policy.is_https {
        let year = HeaderValue::from_static("max-age=31536000");
        headers.entry(header::STRICT_TRANSPORT_SECURITY).or_insert(year);
    }
    response
}
