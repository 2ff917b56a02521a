//! Sign-in with an OpenID Connect provider that keeps to the protocol, and with one that does not.

mod forged;
mod outages;
mod pages;
mod provider;
mod sign_in;

use std::sync::Arc;

use server::{
    accounts::oidc::{Identified, OidcSignIn, Refusal},
    config::OidcSettings,
    store::{self, Store},
};

use provider::{PUBLIC_URL, Provider};

/// Servers that share a state, and the provider that they trust.
struct Set {
    provider: Provider,
    store: Arc<Store>,
    server: OidcSignIn,
}

impl Set {
    async fn new() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut OidcSettings)) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let provider = Provider::start().await;
        let store = store::open("sqlite::memory:").await.unwrap();
        let mut settings = provider.settings();
        change(&mut settings);
        let server = server(settings, &store);
        Self { provider, store, server }
    }

    /// A whole sign-in in one browser.
    async fn sign_in(&self) -> Result<Identified, Refusal> {
        let begun = self.server.begin("/runtimes/demo", None).await?;
        let callback = self.provider.authorize(&begun.authorization_url);
        self.server.finish(callback, Some(begun.browser)).await
    }
}

fn server(settings: OidcSettings, store: &Arc<Store>) -> OidcSignIn {
    OidcSignIn::new(settings, PUBLIC_URL, store.clone()).unwrap()
}
