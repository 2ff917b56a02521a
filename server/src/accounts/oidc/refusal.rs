//! Why somebody is not signed in, in words for them. What the provider sent goes into the log, and not to them: anybody can
//! make a link that has any text in it.

use openidconnect::{
    ClaimsVerificationError, DiscoveryError, ErrorResponse, RequestTokenError, SignatureVerificationError,
    UserInfoError,
};

use super::http::HttpError;
use crate::{service::error_chain, store::StoreError};

/// Why a sign-in with the provider does not go on. `Display` says it to the person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("this sign-in was not begun in this browser; sign in again")]
    OtherBrowser,
    #[error("this sign-in has expired or was completed already; sign in again")]
    Over,
    #[error("the provider did not sign you in: {0}")]
    Declined(Declined),
    #[error("{0}; try again in a minute")]
    Outage(Outage),
    #[error("the provider's answer cannot be trusted: {0}. Tell an administrator; the server's log has the details")]
    Untrusted(Untrusted),
    #[error("the server's database does not answer; try again in a minute")]
    Database,
}

/// What the provider said instead of signing somebody in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Declined {
    #[error("it was cancelled there, or you have no access")]
    Access,
    #[error("it is overloaded; try again in a few minutes")]
    Busy,
    #[error("it refused this server's request. Tell an administrator; the server's log has the details")]
    Request,
}

/// What is wrong with a provider that does not do its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Outage {
    #[error("the provider cannot be reached")]
    Unreachable,
    #[error("the provider takes too long to answer")]
    Slow,
    #[error("the provider's answer is too large")]
    TooLarge,
    #[error("the provider has failed")]
    Failing,
    #[error("the provider's answer cannot be read")]
    Unreadable,
}

/// What is wrong with an answer of the provider, or of somebody who pretends to be it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Untrusted {
    #[error("it names another issuer than the configured one")]
    Issuer,
    #[error("it names an address that is not https://")]
    Unprotected,
    #[error("it has no ID token")]
    NoIdToken,
    #[error("its ID token is not signed")]
    Unsigned,
    #[error("its ID token is signed by an algorithm that is not accepted")]
    Algorithm,
    #[error("its ID token is signed with a key that the provider does not have")]
    UnknownKey,
    #[error("the signature of its ID token is wrong")]
    Signature,
    #[error("its ID token is for another application")]
    Audience,
    #[error("its ID token belongs to another sign-in")]
    Nonce,
    #[error("its ID token has expired")]
    Expired,
    #[error("its ID token is from the future; the clocks of the provider and of this server differ")]
    Future,
    #[error("its ID token belongs to another access token")]
    AccessToken,
    #[error("its ID token and its user information are about different people")]
    Subject,
    #[error("its ID token has something that is not understood")]
    Token,
}

impl Refusal {
    /// By the `error` of an authorization response (RFC 6749 §4.1.2.1, OpenID Connect Core 1.0 §3.1.2.6).
    pub(super) fn declined(error: &str) -> Self {
        Self::Declined(match error {
            "access_denied" | "login_required" | "interaction_required" | "consent_required" => Declined::Access,
            "temporarily_unavailable" | "server_error" => Declined::Busy,
            _ => Declined::Request,
        })
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        tracing::error!("cannot sign in with the provider: {}", error_chain(&error));
        Self::Database
    }
}

impl From<&HttpError> for Refusal {
    fn from(error: &HttpError) -> Self {
        Self::Outage(match error {
            HttpError::TooLarge(_) => Outage::TooLarge,
            HttpError::Request(error) if error.is_timeout() => Outage::Slow,
            HttpError::Request(error) if error.is_body() || error.is_decode() => Outage::Unreadable,
            HttpError::Request(_) => Outage::Unreachable,
        })
    }
}

impl From<DiscoveryError<HttpError>> for Refusal {
    fn from(error: DiscoveryError<HttpError>) -> Self {
        tracing::warn!("cannot read what the OpenID Connect provider says of itself: {}", error_chain(&error));
        match &error {
            DiscoveryError::Request(error) => error.into(),
            DiscoveryError::Response(status, ..) if !status.is_success() => Self::Outage(Outage::Failing),
            DiscoveryError::Validation(_) => Self::Untrusted(Untrusted::Issuer),
            _ => Self::Outage(Outage::Unreadable),
        }
    }
}

impl<E: ErrorResponse + 'static> From<RequestTokenError<HttpError, E>> for Refusal {
    fn from(error: RequestTokenError<HttpError, E>) -> Self {
        tracing::warn!("the OpenID Connect provider gave no token: {}", error_chain(&error));
        match &error {
            RequestTokenError::Request(error) => error.into(),
            RequestTokenError::ServerResponse(_) => Self::Declined(Declined::Request),
            RequestTokenError::Parse(..) | RequestTokenError::Other(_) => Self::Outage(Outage::Unreadable),
        }
    }
}

impl From<UserInfoError<HttpError>> for Refusal {
    fn from(error: UserInfoError<HttpError>) -> Self {
        if let UserInfoError::ClaimsVerification(error) = error {
            return error.into();
        }
        tracing::warn!("the OpenID Connect provider gave no user information: {}", error_chain(&error));
        match &error {
            UserInfoError::Request(error) => error.into(),
            UserInfoError::Response(status, ..) if !status.is_success() => Self::Outage(Outage::Failing),
            _ => Self::Outage(Outage::Unreadable),
        }
    }
}

impl From<ClaimsVerificationError> for Refusal {
    fn from(error: ClaimsVerificationError) -> Self {
        let untrusted = match &error {
            ClaimsVerificationError::InvalidIssuer(_) => Untrusted::Issuer,
            ClaimsVerificationError::InvalidAudience(_) => Untrusted::Audience,
            ClaimsVerificationError::InvalidNonce(_) => Untrusted::Nonce,
            ClaimsVerificationError::InvalidSubject(_) => Untrusted::Subject,
            ClaimsVerificationError::Expired(_) => Untrusted::Expired,
            ClaimsVerificationError::SignatureVerification(error) => match error {
                SignatureVerificationError::NoSignature => Untrusted::Unsigned,
                SignatureVerificationError::DisallowedAlg(_) | SignatureVerificationError::UnsupportedAlg(_) => {
                    Untrusted::Algorithm
                }
                SignatureVerificationError::NoMatchingKey | SignatureVerificationError::AmbiguousKeyId(_) => {
                    Untrusted::UnknownKey
                }
                _ => Untrusted::Signature,
            },
            _ => Untrusted::Token,
        };
        tracing::warn!("refused an ID token of the OpenID Connect provider: {}", error_chain(&error));
        Self::Untrusted(untrusted)
    }
}

impl From<Untrusted> for Refusal {
    fn from(untrusted: Untrusted) -> Self {
        tracing::warn!("refused an answer of the OpenID Connect provider: {untrusted}");
        Self::Untrusted(untrusted)
    }
}
