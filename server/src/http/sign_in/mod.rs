//! Where people sign in, and choose and change their password: plain forms, which work without scripts and before the pages'
//! own code has arrived.

mod oidc;
mod page;

use std::sync::Arc;

use axum::{
    Form, Router,
    extract::{DefaultBodyLimit, Path, Query, State},
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware,
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use domain::ApiError;
use serde::Deserialize;

use super::{
    Public,
    auth::{By, From, Logins},
    error::ErrorAnswer,
    extract::read_body,
    return_to::same_site,
};
use crate::{accounts::SignInError, config::LoginMode, secret::Secret, site::Site};
use page::{Field, Page};

/// Where one-time links are.
pub(super) const LINK: &str = "/link/";
/// The name, the password and the place; nothing else is sent.
const MAX_BODY_BYTES: usize = 16 << 10;

#[derive(Clone)]
struct Parts {
    logins: Logins,
    site: Arc<Site>,
}

pub(super) fn router(parts: &Public) -> Router {
    let state = Parts { logins: parts.logins.clone(), site: Arc::new(parts.site.clone()) };
    Router::new()
        .route("/sign-in", get(show).post(sign_in))
        .route("/sign-out", post(sign_out))
        .route("/link/{secret}", get(show_link).post(use_link))
        .route("/password", get(show_password).post(change_password))
        .merge(oidc::routes())
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(middleware::from_fn_with_state(parts.body_timeout, read_body))
        .with_state(state)
}

#[derive(Deserialize)]
struct Place {
    next: Option<String>,
}

async fn show(State(parts): State<Parts>, By(by): By, Query(place): Query<Place>) -> Response {
    let next = same_site(place.next.as_deref());
    // Nobody signs in twice, or where nobody does.
    if by.is_some() || !parts.logins.is_on() {
        return Redirect::to(next).into_response();
    }
    sign_in_page(&parts, next, "", None)
}

#[derive(Deserialize)]
struct SignIn {
    #[serde(default)]
    name: String,
    #[serde(default)]
    password: String,
    next: Option<String>,
}

async fn sign_in(State(parts): State<Parts>, By(by): By, From(client): From, Form(form): Form<SignIn>) -> Response {
    let next = same_site(form.next.as_deref());
    if !parts.logins.has(LoginMode::Local) {
        return ErrorAnswer::from(ApiError::NotFound { what: "sign-in by password".to_owned() }).into_response();
    }
    match parts.logins.accounts().sign_in(&form.name, form.password.into(), &client).await {
        Ok(session) => {
            // Whoever was signed in here before is not any more.
            if let Some(by) = by
                && let Err(error) = parts.logins.accounts().sign_out(&by).await
            {
                tracing::warn!("cannot end the session before a new one: {error}");
            }
            signed_in(&parts, &session, next)
        }
        Err(error) => sign_in_page(&parts, next, &form.name, Some(&error)),
    }
}

fn sign_in_page(parts: &Parts, next: &str, name: &str, error: Option<&SignInError>) -> Response {
    let mut page = Page::new(&parts.site, "Sign in", error);
    if parts.logins.has(LoginMode::Local) {
        let fields = [Field::text("name", "Name", name), Field::password("password", "Password", "current-password")];
        page.form("/sign-in", &fields, &[("next", next)], "Sign in");
    }
    if let Some(provider) = parts.logins.oidc() {
        page.link(&oidc::start_url(next), &format!("Sign in with {}", provider.name()));
    }
    page.answer()
}

/// Ends the session, and what the browser has kept of the pages.
async fn sign_out(State(parts): State<Parts>, By(by): By) -> Response {
    let mut at_provider = None;
    if let Some(by) = by {
        at_provider = oidc::sign_out_url(&parts, &by).await;
        if let Err(error) = parts.logins.accounts().sign_out(&by).await {
            return ErrorAnswer::from(error).into_response();
        }
    }
    let clear = (HeaderName::from_static("clear-site-data"), HeaderValue::from_static("\"cache\""));
    let cookie = (header::SET_COOKIE, parts.logins.clear_cookie());
    match at_provider {
        Some(url) => ([cookie, clear], oidc::sign_out_page(&parts, &url)).into_response(),
        None => ([cookie, clear], Redirect::to("/sign-in")).into_response(),
    }
}

async fn show_link(State(parts): State<Parts>, Path(secret): Path<String>) -> Response {
    link_page(&parts, &secret.into(), None).await
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    present: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    again: String,
}

async fn use_link(
    State(parts): State<Parts>,
    Path(secret): Path<String>,
    From(client): From,
    Form(form): Form<Choice>,
) -> Response {
    let secret = Secret::from(secret);
    let chosen = match same(form.password, &form.again) {
        Ok(chosen) => parts.logins.accounts().use_link(&secret, chosen, &client).await,
        Err(error) => Err(error),
    };
    match chosen {
        Ok(session) if parts.logins.has(LoginMode::Local) => signed_in(&parts, &session, "/"),
        Ok(_) => Redirect::to("/").into_response(),
        Err(error) => link_page(&parts, &secret, Some(&error)).await,
    }
}

async fn link_page(parts: &Parts, secret: &Secret, error: Option<&SignInError>) -> Response {
    match parts.logins.accounts().link_owner(secret).await {
        Ok(Some(name)) => {
            let mut page = Page::new(&parts.site, "Choose a password", error);
            page.says(&format!("For {name}. Use at least 12 characters: a sentence is a good password."));
            page.form(&format!("{LINK}{}", secret.expose()), &Field::NEW_PASSWORD, &[], "Set password and sign in");
            page.answer()
        }
        Ok(None) => Page::new(&parts.site, "Choose a password", Some(&SignInError::Link)).answer(),
        Err(error) => ErrorAnswer::from(error).into_response(),
    }
}

async fn show_password(State(parts): State<Parts>, By(by): By) -> Response {
    if by.is_none_or(|by| by.session.is_none()) {
        return Redirect::to("/sign-in?next=/password").into_response();
    }
    password_page(&parts, None)
}

async fn change_password(
    State(parts): State<Parts>,
    By(by): By,
    From(client): From,
    Form(form): Form<Choice>,
) -> Response {
    let Some(by) = by else { return Redirect::to("/sign-in?next=/password").into_response() };
    let changed = match same(form.password, &form.again) {
        Ok(chosen) => parts.logins.accounts().change_password(&by, form.present.into(), chosen, &client).await,
        Err(error) => Err(error),
    };
    match changed {
        Ok(()) => Redirect::to("/").into_response(),
        Err(error) => password_page(&parts, Some(&error)),
    }
}

fn password_page(parts: &Parts, error: Option<&SignInError>) -> Response {
    let mut page = Page::new(&parts.site, "Change your password", error);
    page.says("Use at least 12 characters: a sentence is a good password. Your other sessions end.");
    let [new, again] = Field::NEW_PASSWORD;
    let present = Field::password("present", "Present password", "current-password");
    page.form("/password", &[present, new, again], &[], "Change password");
    page.link("/", "Cancel");
    page.answer()
}

/// What was chosen, provided that it was entered twice.
fn same(password: String, again: &str) -> Result<Secret, SignInError> {
    if password == again { Ok(password.into()) } else { Err(SignInError::Differ) }
}

fn signed_in(parts: &Parts, session: &Secret, next: &str) -> Response {
    ([(header::SET_COOKIE, parts.logins.set_cookie(session))], Redirect::to(next)).into_response()
}

impl SignInError {
    fn status(&self) -> StatusCode {
        match self {
            Self::Wrong | Self::WrongPresent => StatusCode::UNAUTHORIZED,
            Self::Paused(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Password(_) | Self::Differ => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Link => StatusCode::NOT_FOUND,
            Self::Disabled => StatusCode::FORBIDDEN,
            Self::Provider(refusal) => oidc::status(refusal),
            Self::Failed(error) => StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
        }
    }
}
