//! Sign-in with an OpenID Connect provider: the code flow with PKCE (RFC 7636), state and nonce.
//!
//! Nothing of a sign-in is in memory, so the server that a browser comes back to need not be the one that sent it away. The
//! crate `openidconnect` checks what the protocol demands; what this module adds is what a sign-in is bound to (a browser, a
//! row of the database), what a request to the provider may cost, and words for what went wrong. It decides nothing about
//! rights.

mod claims;
mod http;
mod provider;
mod refusal;
mod session;

use std::{sync::Arc, time::Duration};

use domain::{PersonName, Timestamp};
use openidconnect::{
    AccessTokenHash, AuthenticationFlow, AuthorizationCode, ClaimsVerificationError, ClientId, CsrfToken,
    IdTokenClaims, IssuerUrl, LogoutRequest, Nonce, OAuth2TokenResponse as _, PkceCodeChallenge, PkceCodeVerifier,
    PostLogoutRedirectUrl, RedirectUrl, Scope, SignatureVerificationError, TokenResponse as _, UserInfoClaims,
    core::{CoreGenderClaim, CoreJwsSigningAlgorithm, CoreResponseType},
};
use reqwest::Url;
use serde::Deserialize;

use crate::{
    config::OidcSettings,
    secret::Secret,
    store::{OidcFlow, Store, TakenFlow, random_secret},
};
use claims::{OtherClaims, Profile};
use http::HttpClient;
use provider::{Known, OidcClient, Provider, ProviderIdToken, Tokens};
pub use refusal::{Declined, Outage, Refusal, Untrusted};

/// Where the provider sends people back to, under the public URL.
pub const CALLBACK_PATH: &str = "/auth/oidc/callback";
/// Where it sends them after they have signed out there.
const SIGN_IN_PATH: &str = "/sign-in";

/// OpenID Connect Core 1.0 §2.
const MAX_SUBJECT_BYTES: usize = 255;

/// All that are made with a private key. Not the HMACs: whoever could check a token could make one.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// Signs people in with one provider. Cheap to clone.
#[derive(Clone)]
pub struct OidcSignIn(Arc<Inner>);

struct Inner {
    store: Arc<Store>,
    provider: Provider,
    /// Where the provider sends people after they have signed out there.
    after_sign_out: PostLogoutRedirectUrl,
}

/// Why sign-in with the provider cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum OidcError {
    #[error("KAI_OIDC_ISSUER or KAI_PUBLIC_URL is not a URL")]
    Url,
    #[error("cannot make the HTTP client for the OpenID Connect provider")]
    Http(#[from] reqwest::Error),
}

/// A sign-in that goes on at the provider.
#[derive(Debug)]
pub struct Begun {
    /// Where the browser has to go.
    pub authorization_url: Url,
    /// What the browser has to keep, in a cookie that comes along when the provider sends it back.
    pub browser: Secret,
    /// For how long.
    pub max_age: Duration,
}

/// What the provider sends a browser back with (RFC 6749 §4.1.2, RFC 9207).
// Not Debug: the code opens something.
#[derive(Default, Deserialize)]
pub struct Callback {
    pub code: Option<String>,
    pub state: Option<String>,
    pub error: Option<String>,
    pub error_description: Option<String>,
    pub iss: Option<String>,
}

/// Somebody of whom the provider says who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identified {
    pub issuer: String,
    /// With the issuer it is who they are. Never the e-mail address, which can be given to somebody else.
    pub subject: String,
    /// To show; nobody is known by it. None when the provider says nothing that could be a name.
    pub name: Option<PersonName>,
    /// Empty when the provider says nothing about groups.
    pub groups: Vec<String>,
    /// To end the session at the provider, too.
    pub id_token: Secret,
    /// The path that [`OidcSignIn::begin`] was given.
    pub return_to: String,
}

impl OidcSignIn {
    /// # Errors
    /// When the URLs are none, or when there is no TLS.
    pub fn new(settings: OidcSettings, public_url: &str, store: Arc<Store>) -> Result<Self, OidcError> {
        let issuer = IssuerUrl::new(settings.issuer.clone()).map_err(|_| OidcError::Url)?;
        let public_url = Url::parse(public_url).map_err(|_| OidcError::Url)?;
        let under = |path| public_url.join(path).map_err(|_| OidcError::Url);
        let (redirect, after_sign_out) = (under(CALLBACK_PATH)?, under(SIGN_IN_PATH)?);
        let after_sign_out = PostLogoutRedirectUrl::from_url(after_sign_out);
        let http = HttpClient::new(&settings.limits)?;
        let provider = Provider::new(settings, issuer, RedirectUrl::from_url(redirect), http);
        Ok(Self(Arc::new(Inner { store, provider, after_sign_out })))
    }

    /// The group whose members are administrators of all.
    pub fn admin_group(&self) -> Option<&str> {
        self.settings().admin_group.as_deref()
    }

    /// The provider's name on the sign-in page.
    pub fn name(&self) -> &str {
        &self.settings().name
    }

    fn settings(&self) -> &OidcSettings {
        self.0.provider.settings()
    }

    /// Begins a sign-in that ends at this path. `browser` is what the browser kept of an earlier one: several may be under
    /// way in its tabs.
    ///
    /// # Errors
    /// When the provider or the database does not answer.
    pub async fn begin(&self, return_to: &str, browser: Option<Secret>) -> Result<Begun, Refusal> {
        let known = self.0.provider.known().await?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let flow = AuthenticationFlow::<CoreResponseType>::AuthorizationCode;
        let scopes = self.settings().scopes.iter().cloned().map(Scope::new);
        let (authorization_url, state, nonce) = known
            .client
            .authorize_url(flow, || CsrfToken::new_random_len(32), Nonce::new_random)
            .add_scopes(scopes)
            .set_pkce_challenge(challenge)
            .url();
        let flow = OidcFlow {
            nonce: nonce.secret().as_str().into(),
            verifier: verifier.into_secret().into(),
            return_to: return_to.to_owned(),
        };
        let browser = browser.filter(|browser| browser.expose().len() == 64).unwrap_or_else(random_secret);
        let (now, expired) = self.times();
        self.0.store.begin_oidc_flow(&state.into_secret().into(), &browser, &flow, now, expired).await?;
        Ok(Begun { authorization_url, browser, max_age: self.settings().limits.sign_in_timeout })
    }

    /// Ends a sign-in, which happens once, whatever comes of it.
    ///
    /// # Errors
    /// Why nobody is signed in.
    pub async fn finish(&self, callback: Callback, browser: Option<Secret>) -> Result<Identified, Refusal> {
        let (Some(state), Some(browser)) = (callback.state, browser) else { return Err(Refusal::OtherBrowser) };
        let flow = match self.0.store.take_oidc_flow(&state.into(), &browser, self.times().1).await? {
            TakenFlow::Taken(flow) => flow,
            TakenFlow::OfAnotherBrowser => return Err(Refusal::OtherBrowser),
            TakenFlow::Gone => return Err(Refusal::Over),
        };
        if callback.iss.is_some_and(|issuer| issuer != self.settings().issuer) {
            return Err(Untrusted::Issuer.into());
        }
        let code = match (callback.code, callback.error) {
            (Some(code), None) => AuthorizationCode::new(code),
            (_, error) => {
                let error = error.unwrap_or_else(|| "no code and no error".to_owned());
                let description = callback.error_description.unwrap_or_default();
                tracing::warn!("the OpenID Connect provider signed nobody in: {error:?} {description:?}");
                return Err(Refusal::declined(&error));
            }
        };
        let known = self.0.provider.known().await?;
        let verifier = PkceCodeVerifier::new(flow.verifier.expose().to_owned());
        let exchange = known.client.exchange_code(code).map_err(|_| Untrusted::NoIdToken)?;
        let tokens = exchange.set_pkce_verifier(verifier).request_async(self.0.provider.http()).await?;
        let id_token = tokens.id_token().ok_or(Untrusted::NoIdToken)?;
        let nonce = Nonce::new(flow.nonce.expose().to_owned());
        let (known, claims) = self.verified(known, id_token, &nonce).await?;
        self.verify_more(&known, id_token, claims, &tokens)?;
        let profile = self.profile(&known.client, claims, &tokens).await?;
        let subject = claims.subject().as_str().to_owned();
        Ok(Identified {
            issuer: self.settings().issuer.clone(),
            name: profile.name.or_else(|| claims::shown(&subject)),
            subject,
            groups: profile.groups.unwrap_or_default(),
            id_token: id_token.to_string().into(),
            return_to: flow.return_to,
        })
    }

    /// Where somebody signs out at the provider, too; none when it has no such place or does not answer.
    pub async fn sign_out_url(&self, id_token: &Secret) -> Option<Url> {
        let known = self.0.provider.known().await.ok()?;
        let request = LogoutRequest::from(known.end_session.clone()?)
            .set_client_id(ClientId::new(self.settings().client_id.clone()))
            .set_post_logout_redirect_uri(self.0.after_sign_out.clone());
        let request = match id_token.expose().parse::<ProviderIdToken>() {
            Ok(id_token) => request.set_id_token_hint(&id_token),
            Err(_) => request,
        };
        Some(request.http_get_url())
    }

    /// The ID token's claims, once all of OpenID Connect Core 1.0 §3.1.3.7 holds. A key that is not known may be new.
    async fn verified<'t>(
        &self,
        known: Arc<Known>,
        id_token: &'t ProviderIdToken,
        nonce: &Nonce,
    ) -> Result<(Arc<Known>, &'t IdTokenClaims<OtherClaims, CoreGenderClaim>), Refusal> {
        if id_token.signing_alg() == Ok(&CoreJwsSigningAlgorithm::None) {
            return Err(Untrusted::Unsigned.into());
        }
        let check =
            |known: &Known| id_token.claims(&known.client.id_token_verifier().set_allowed_algs(ALGORITHMS), nonce);
        let error = match check(&known) {
            Ok(claims) => return Ok((known, claims)),
            Err(error) => error,
        };
        let may_be_new = matches!(
            &error,
            ClaimsVerificationError::SignatureVerification(
                SignatureVerificationError::NoMatchingKey | SignatureVerificationError::CryptoError(_)
            )
        );
        if may_be_new && let Some(known) = self.0.provider.with_new_keys(&known).await? {
            let claims = check(&known)?;
            return Ok((known, claims));
        }
        Err(error.into())
    }

    /// What the crate leaves to its callers.
    fn verify_more(
        &self,
        known: &Known,
        id_token: &ProviderIdToken,
        claims: &IdTokenClaims<OtherClaims, CoreGenderClaim>,
        tokens: &Tokens,
    ) -> Result<(), Refusal> {
        let skew = i64::try_from(self.settings().limits.clock_skew.as_secs()).unwrap_or(i64::MAX);
        if claims.issue_time().timestamp() > Timestamp::now().as_second().saturating_add(skew) {
            return Err(Untrusted::Future.into());
        }
        if !(1..=MAX_SUBJECT_BYTES).contains(&claims.subject().len()) {
            return Err(Untrusted::Token.into());
        }
        if claims.authorized_party().is_some_and(|party| party.as_str() != self.settings().client_id) {
            return Err(Untrusted::Audience.into());
        }
        if let Some(expected) = claims.access_token_hash() {
            let verifier = known.client.id_token_verifier();
            let (Ok(algorithm), Ok(key)) = (id_token.signing_alg(), id_token.signing_key(&verifier)) else {
                return Err(Untrusted::AccessToken.into());
            };
            // An algorithm without a hash has none to compare.
            let found = AccessTokenHash::from_token(tokens.access_token(), algorithm, key);
            if found.is_ok_and(|found| found != *expected) {
                return Err(Untrusted::AccessToken.into());
            }
        }
        Ok(())
    }

    /// The ID token has all of it, or else the user information is asked for.
    async fn profile(
        &self,
        client: &OidcClient,
        claims: &IdTokenClaims<OtherClaims, CoreGenderClaim>,
        tokens: &Tokens,
    ) -> Result<Profile, Refusal> {
        let groups_claim = &self.settings().groups_claim;
        let profile = Profile::of_token(claims, groups_claim);
        let request = client.user_info(tokens.access_token().clone(), Some(claims.subject().clone()));
        match request {
            Ok(request) if !profile.is_complete() => {
                let more: UserInfoClaims<OtherClaims, CoreGenderClaim> =
                    request.request_async(self.0.provider.http()).await?;
                Ok(profile.or(Profile::of_user_info(&more, groups_claim)))
            }
            // Complete, or a provider without user information.
            _ => Ok(profile),
        }
    }

    /// Now, and when a sign-in began that has expired by now.
    fn times(&self) -> (Timestamp, Timestamp) {
        let now = Timestamp::now();
        (now, now.checked_sub(self.settings().limits.sign_in_timeout).unwrap_or(Timestamp::MIN))
    }
}
