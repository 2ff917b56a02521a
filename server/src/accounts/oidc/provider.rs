//! What the provider says of itself: its addresses and keys. Kept for a while, and asked for by one request at a time, so
//! that a provider that is down costs nobody more than one wait.

use std::{sync::Arc, time::Duration};

use openidconnect::{
    ClientId, ClientSecret, EndSessionUrl, EndpointMaybeSet, EndpointNotSet, EndpointSet, IdToken, IdTokenFields,
    IssuerUrl, ProviderMetadataWithLogout, RedirectUrl, StandardErrorResponse, StandardTokenResponse,
    core::{
        CoreAuthDisplay, CoreAuthPrompt, CoreClientAuthMethod, CoreErrorResponseType, CoreGenderClaim, CoreJsonWebKey,
        CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm, CoreRevocableToken, CoreRevocationErrorResponse,
        CoreTokenIntrospectionResponse, CoreTokenType,
    },
};
use reqwest::Url;
use tokio::{sync::Mutex, time::Instant};

use super::{Refusal, Untrusted, claims::OtherClaims, http::HttpClient};
use crate::config::{OidcLimits, OidcSettings, is_protected};

/// `CoreClient` of the crate, whose tokens have claims of which nothing is known.
pub(super) type OidcClient = openidconnect::Client<
    OtherClaims,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    Tokens,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;
pub(super) type Tokens = StandardTokenResponse<
    IdTokenFields<
        OtherClaims,
        openidconnect::EmptyExtraTokenFields,
        CoreGenderClaim,
        CoreJweContentEncryptionAlgorithm,
        CoreJwsSigningAlgorithm,
    >,
    CoreTokenType,
>;
pub(super) type ProviderIdToken =
    IdToken<OtherClaims, CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm>;

pub(super) struct Provider {
    settings: OidcSettings,
    issuer: IssuerUrl,
    redirect: RedirectUrl,
    http: HttpClient,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    known: Option<Arc<Known>>,
    failed: Option<(Instant, Refusal)>,
    /// When it was last asked for keys because one was missing.
    keys_asked_at: Option<Instant>,
}

/// What the provider said.
pub(super) struct Known {
    pub(super) client: OidcClient,
    pub(super) end_session: Option<EndSessionUrl>,
    read_at: Instant,
}

impl Provider {
    pub(super) fn new(settings: OidcSettings, issuer: IssuerUrl, redirect: RedirectUrl, http: HttpClient) -> Self {
        Self { settings, issuer, redirect, http, state: Mutex::default() }
    }

    pub(super) fn settings(&self) -> &OidcSettings {
        &self.settings
    }

    pub(super) fn http(&self) -> &HttpClient {
        &self.http
    }

    fn limits(&self) -> &OidcLimits {
        &self.settings.limits
    }

    /// What the provider says of itself, at most [`OidcLimits::metadata_age`] old.
    pub(super) async fn known(&self) -> Result<Arc<Known>, Refusal> {
        let mut state = self.state.lock().await;
        let is_young = |known: &&Arc<Known>| within(known.read_at, self.limits().metadata_age);
        if let Some(known) = state.known.as_ref().filter(is_young) {
            return Ok(known.clone());
        }
        self.read(&mut state).await
    }

    /// What it says now, after something was signed with a key that is not among the known ones. None when it was asked only
    /// a while ago: who sends made-up tokens must not make this server send requests.
    pub(super) async fn with_new_keys(&self, old: &Arc<Known>) -> Result<Option<Arc<Known>>, Refusal> {
        let mut state = self.state.lock().await;
        if let Some(known) = state.known.as_ref().filter(|known| !Arc::ptr_eq(known, old)) {
            return Ok(Some(known.clone()));
        }
        if state.keys_asked_at.is_some_and(|at| within(at, self.limits().pause_between_keys)) {
            return Ok(None);
        }
        state.keys_asked_at = Some(Instant::now());
        self.read(&mut state).await.map(Some)
    }

    async fn read(&self, state: &mut State) -> Result<Arc<Known>, Refusal> {
        let pause = self.limits().pause_after_failure;
        if let Some((_, refusal)) = state.failed.as_ref().filter(|(at, _)| within(*at, pause)) {
            return Err(refusal.clone());
        }
        match self.ask().await {
            Ok(known) => {
                let known = Arc::new(known);
                (state.known, state.failed) = (Some(known.clone()), None);
                Ok(known)
            }
            Err(refusal) => {
                state.failed = Some((Instant::now(), refusal.clone()));
                Err(refusal)
            }
        }
    }

    async fn ask(&self) -> Result<Known, Refusal> {
        let metadata = ProviderMetadataWithLogout::discover_async(self.issuer.clone(), &self.http).await?;
        let end_session = metadata.additional_metadata().end_session_endpoint.clone();
        let addresses = [
            Some(metadata.authorization_endpoint().url()),
            metadata.token_endpoint().map(|token| token.url()),
            metadata.userinfo_endpoint().map(|user_info| user_info.url()),
            Some(metadata.jwks_uri().url()),
            end_session.as_ref().map(|end_session| end_session.url()),
        ];
        if !addresses.into_iter().flatten().all(|address: &Url| is_protected(address)) {
            return Err(Untrusted::Unprotected.into());
        }
        // RFC 6749 prefers Basic, and what is not said means it (OpenID Connect Discovery 1.0 §3).
        let in_body = metadata.token_endpoint_auth_methods_supported().is_some_and(|methods| {
            !methods.contains(&CoreClientAuthMethod::ClientSecretBasic)
                && methods.contains(&CoreClientAuthMethod::ClientSecretPost)
        });
        let id = ClientId::new(self.settings.client_id.clone());
        let secret = self.settings.client_secret.as_ref().map(|secret| ClientSecret::new(secret.expose().to_owned()));
        let client = OidcClient::from_provider_metadata(metadata, id, secret).set_redirect_uri(self.redirect.clone());
        let client = if in_body { client.set_auth_type(openidconnect::AuthType::RequestBody) } else { client };
        Ok(Known { client, end_session, read_at: Instant::now() })
    }
}

fn within(at: Instant, age: Duration) -> bool {
    at.elapsed() < age
}
