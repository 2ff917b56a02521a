//! To the OpenID Connect provider and back.

use axum::{
    Router,
    extract::{Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use domain::ApiError;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::{Parts, Place, page::Page, sign_in_page, signed_in};
use crate::{
    accounts::{
        Authenticated, SignInError,
        oidc::{CALLBACK_PATH, Callback, Declined, OidcSignIn, Refusal},
    },
    http::{
        auth::{By, From},
        error::ErrorAnswer,
        return_to::same_site,
    },
    secret::Secret,
};

const START_PATH: &str = "/auth/oidc/start";

pub(super) fn routes() -> Router<Parts> {
    Router::new().route(START_PATH, get(start)).route(CALLBACK_PATH, get(callback))
}

/// Where a sign-in with the provider begins that ends at this place.
pub(super) fn start_url(next: &str) -> String {
    format!("{START_PATH}?next={}", utf8_percent_encode(next, NON_ALPHANUMERIC))
}

fn provider(parts: &Parts) -> Result<&OidcSignIn, ErrorAnswer> {
    let none = || ApiError::NotFound { what: "sign-in with a provider".to_owned() };
    parts.logins.oidc().ok_or_else(|| none().into())
}

/// Of several by this name the first: a browser has one.
fn cookie(headers: &HeaderMap, name: &str) -> Option<Secret> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(found, _)| *found == name).map(|(_, value)| value.into())
}

async fn start(
    State(parts): State<Parts>,
    By(by): By,
    headers: HeaderMap,
    Query(place): Query<Place>,
) -> Result<Response, ErrorAnswer> {
    let next = same_site(place.next.as_deref());
    let provider = provider(&parts)?;
    if by.is_some() {
        return Ok(Redirect::to(next).into_response());
    }
    Ok(match provider.begin(next, cookie(&headers, parts.logins.oidc_cookie())).await {
        Ok(begun) => {
            let cookie = (header::SET_COOKIE, parts.logins.set_oidc_cookie(&begun));
            let not_kept = (header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            ([cookie, not_kept], Redirect::to(begun.authorization_url.as_str())).into_response()
        }
        Err(refusal) => sign_in_page(&parts, next, "", Some(&refusal.into())),
    })
}

async fn callback(
    State(parts): State<Parts>,
    By(by): By,
    From(client): From,
    headers: HeaderMap,
    Query(callback): Query<Callback>,
) -> Result<Response, ErrorAnswer> {
    let (accounts, provider) = (parts.logins.accounts(), provider(&parts)?);
    let signed = match provider.finish(callback, cookie(&headers, parts.logins.oidc_cookie())).await {
        Ok(found) => accounts.sign_in_identified(&found, &client).await.map(|session| (session, found.return_to)),
        // The page was loaded again.
        Err(Refusal::Over | Refusal::OtherBrowser) if by.is_some() => return Ok(Redirect::to("/").into_response()),
        Err(refusal) => {
            let recorded = accounts.record_refusal_of_provider(&refusal, &client).await;
            recorded.and(Err(SignInError::Provider(refusal)))
        }
    };
    Ok(match signed {
        Ok((session, return_to)) => {
            end_session_before(&parts, by.as_ref()).await;
            signed_in(&parts, &session, same_site(Some(&return_to)))
        }
        Err(error) => sign_in_page(&parts, "/", "", Some(&error)),
    })
}

/// Whoever was signed in here before is not any more.
async fn end_session_before(parts: &Parts, by: Option<&Authenticated>) {
    if let Some(by) = by
        && let Err(error) = parts.logins.accounts().sign_out(by).await
    {
        tracing::warn!("cannot end the session before a new one: {error}");
    }
}

/// Where somebody signs out at the provider, if they signed in there.
pub(super) async fn sign_out_url(parts: &Parts, by: &Authenticated) -> Option<String> {
    let provider = parts.logins.oidc()?;
    match parts.logins.accounts().id_token(by).await {
        Ok(id_token) => provider.sign_out_url(&id_token?).await.map(|url| url.to_string()),
        Err(error) => {
            tracing::warn!("cannot sign out at the provider: {error}");
            None
        }
    }
}

/// Goes on to the provider by itself. A redirect would not do: what a form leads to has to be of this site (form-action).
pub(super) fn sign_out_page(parts: &Parts, url: &str) -> Response {
    let name = parts.logins.oidc().map_or("the provider", OidcSignIn::name);
    let mut page = Page::new(&parts.site, "Signed out", None);
    page.says(&format!("You are signed out of KAI Server. Sign out of {name}, too:"));
    page.link(url, &format!("Sign out of {name}"));
    let mut response = page.answer();
    if let Ok(refresh) = HeaderValue::try_from(format!("0; url={url}")) {
        response.headers_mut().insert(header::REFRESH, refresh);
    }
    response
}

pub(super) fn status(refusal: &Refusal) -> StatusCode {
    match refusal {
        Refusal::OtherBrowser | Refusal::Over => StatusCode::BAD_REQUEST,
        Refusal::Declined(Declined::Access) => StatusCode::FORBIDDEN,
        Refusal::Declined(_) | Refusal::Untrusted(_) => StatusCode::BAD_GATEWAY,
        Refusal::Outage(_) | Refusal::Database => StatusCode::SERVICE_UNAVAILABLE,
    }
}
