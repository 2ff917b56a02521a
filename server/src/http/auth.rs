//! Who sends a request. Without logins, whoever reaches the server.

use std::{net::IpAddr, sync::Arc};

use axum::{
    Json,
    extract::{FromRequestParts, Request, State},
    http::{HeaderValue, Method, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use domain::{ApiError, Caller};
use ipnet::IpNet;

use super::{client_address, credential::credential, error::ErrorAnswer, return_to, serve::PeerAddr};
use crate::{
    accounts::{
        Accounts, Authenticated, ClientInfo, Presence,
        oidc::{Begun, OidcSignIn},
    },
    config::{LoginMode, LoginSettings, PublicUrl},
    secret::Secret,
};

/// Whether and how people sign in. Cheap to clone.
#[derive(Clone)]
pub struct Logins(Arc<Rules>);

struct Rules {
    accounts: Accounts,
    modes: Vec<LoginMode>,
    oidc: Option<OidcSignIn>,
    /// The public URL is `https`: the cookie goes over nothing else, and is this host's alone (`__Host-`, RFC 6265bis §4.1.3).
    is_https: bool,
    trusted_proxies: Vec<IpNet>,
}

impl Logins {
    pub fn new(accounts: Accounts, oidc: Option<OidcSignIn>, settings: &LoginSettings, public_url: &PublicUrl) -> Self {
        let (modes, trusted_proxies) = (settings.modes.clone(), settings.trusted_proxies.clone());
        Self(Arc::new(Rules { accounts, modes, oidc, is_https: public_url.is_https(), trusted_proxies }))
    }

    pub(super) fn accounts(&self) -> &Accounts {
        &self.0.accounts
    }

    /// Whether people sign in. Else whoever reaches the server is `local` and may do everything.
    pub(super) fn is_on(&self) -> bool {
        !self.0.modes.is_empty()
    }

    /// The provider where people sign in, if they do.
    pub(super) fn oidc(&self) -> Option<&OidcSignIn> {
        self.0.oidc.as_ref()
    }

    /// The cookie of sign-ins that are on their way to the provider and back.
    pub(super) fn oidc_cookie(&self) -> &'static str {
        if self.0.is_https { "__Host-kai-oidc" } else { "kai-oidc" }
    }

    /// Gives the browser what it has to keep until the provider sends it back.
    pub(super) fn set_oidc_cookie(&self, begun: &Begun) -> HeaderValue {
        self.cookie_header(
            self.oidc_cookie(),
            begun.browser.expose(),
            &format!("; Max-Age={}", begun.max_age.as_secs()),
        )
    }

    pub(super) fn has(&self, mode: LoginMode) -> bool {
        self.0.modes.contains(&mode)
    }

    fn cookie(&self) -> &'static str {
        if self.0.is_https { "__Host-kai-session" } else { "kai-session" }
    }

    /// Gives the browser its session. No end is named: the browser forgets it when it is closed, the server knows the rest.
    pub(super) fn set_cookie(&self, session: &Secret) -> HeaderValue {
        self.cookie_header(self.cookie(), session.expose(), "")
    }

    pub(super) fn clear_cookie(&self) -> HeaderValue {
        self.cookie_header(self.cookie(), "", "; Max-Age=0")
    }

    fn cookie_header(&self, name: &str, value: &str, more: &str) -> HeaderValue {
        let secure = if self.0.is_https { "; Secure" } else { "" };
        let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{more}");
        // Letters and digits always make a header.
        let mut header = HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""));
        header.set_sensitive(true);
        header
    }
}

/// Finds out who sends the request and puts it into its extensions; what needs nobody goes on without. Notes in the audit log
/// what somebody was refused.
pub(super) async fn authenticate(State(logins): State<Logins>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<PeerAddr>().map(|PeerAddr(peer)| peer.ip());
    let client = client_address::client(request.headers(), peer, &logins.0.trusted_proxies);
    let address = client.address;
    request.extensions_mut().insert(client);
    if !logins.is_on() {
        request.extensions_mut().insert(Caller::local());
        return next.run(request).await;
    }
    let authenticated = match credential(request.headers(), logins.cookie()) {
        Ok(None) => None,
        Ok(Some(credential)) => match logins.accounts().authenticate(credential).await {
            Ok(authenticated) => authenticated,
            Err(error) => return ErrorAnswer::from(error).into_response(),
        },
        Err(reason) => return ErrorAnswer::request(StatusCode::BAD_REQUEST, "bad_request", reason).into_response(),
    };
    let Some(authenticated) = authenticated else { return next.run(request).await };
    let caller = authenticated.caller.clone();
    request.extensions_mut().insert(caller.clone());
    request.extensions_mut().insert(authenticated);
    let what = format!("{} {}", request.method(), request.uri().path());
    let response = next.run(request).await;
    if response.status() == StatusCode::FORBIDDEN {
        logins.accounts().record_refusal(&caller, &what, Some(address)).await;
    }
    response
}

/// Sends whoever has not signed in from a page to where they do. A server function answers as its page reads it. Nothing is
/// rendered for them: the frame of the pages tells of the cluster.
pub(super) async fn require_sign_in(request: Request, next: Next) -> Response {
    if request.extensions().get::<Caller>().is_some() {
        return next.run(request).await;
    }
    let (uri, method) = (request.uri(), request.method());
    let accept = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    // A form without scripts is sent to a server function, too, and wants a page.
    if uri.path().starts_with("/api/") && !accept.contains("text/html") {
        let answer = Json(app::AppError::Api(ApiError::Unauthenticated));
        return (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Bearer")], answer).into_response();
    }
    let is_read = [Method::GET, Method::HEAD].contains(method);
    let place = uri.path_and_query().filter(|_| is_read).map_or("/", |place| place.as_str());
    Redirect::to(&return_to::sign_in_url(place)).into_response()
}

/// Whoever sends the request, and what they may do.
pub(super) struct SignedIn(pub(super) Caller);

impl<S: Send + Sync> FromRequestParts<S> for SignedIn {
    type Rejection = ErrorAnswer;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ErrorAnswer> {
        caller(parts).map(Self).ok_or_else(|| ApiError::Unauthenticated.into())
    }
}

/// By what they are known. None where nobody signs in, and for who has not.
pub(super) struct By(pub(super) Option<Authenticated>);

impl By {
    /// To tell whether who reads a stream still may.
    pub(super) fn presence(self, logins: &Logins) -> Presence {
        Presence::new(logins.accounts(), self.0)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for By {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(parts.extensions.get().cloned()))
    }
}

/// From where the request comes.
pub(super) struct From(pub(super) ClientInfo);

impl<S: Send + Sync> FromRequestParts<S> for From {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        let nowhere = || ClientInfo { address: IpAddr::from([0, 0, 0, 0]), agent: String::new() };
        Ok(Self(parts.extensions.get().cloned().unwrap_or_else(nowhere)))
    }
}

/// Whom [`authenticate`] has found.
pub(super) fn caller(parts: &Parts) -> Option<Caller> {
    parts.extensions.get::<Caller>().cloned()
}

/// The session by which it came, if by one.
pub(super) fn session(parts: &Parts) -> Option<i64> {
    parts.extensions.get::<Authenticated>()?.session
}
