//! An OpenID Connect provider on loopback that does what a test tells it to, right or wrong.

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock, Mutex, MutexGuard},
    time::{SystemTime, UNIX_EPOCH},
};

use axum::{
    Form, Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::Url;
use rsa::{
    RsaPrivateKey,
    pkcs1v15::SigningKey,
    signature::{SignatureEncoding as _, Signer as _},
    traits::PublicKeyParts as _,
};
use serde_json::{Value, json};
use server::{
    accounts::oidc::{CALLBACK_PATH, Callback},
    config::{OidcLimits, OidcSettings},
};
use sha2::{Digest as _, Sha256};
use tokio::task::AbortHandle;

pub(super) const CLIENT: &str = "kai";
/// With characters that the Basic scheme takes only encoded (RFC 6749 §2.3.1).
pub(super) const CLIENT_SECRET: &str = "s3cret:ä%";
pub(super) const PUBLIC_URL: &str = "https://kai.example";

/// Made once: an RSA key takes its time.
static KEYS: LazyLock<[RsaPrivateKey; 2]> =
    LazyLock::new(|| [(); 2].map(|()| RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048).unwrap()));

/// What is wrong with the signature of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Forgery {
    None,
    /// `"alg": "none"` and nothing where the signature would be.
    AlgNone,
    /// An algorithm is named, and there is no signature.
    Unsigned,
    /// HS256, and the secret is the public key that everybody has.
    HmacWithPublicKey,
    /// HS256, and the secret is the client's: whoever can read the secret could make one.
    HmacWithClientSecret,
    /// Signed by a key of nobody, under a name of its own.
    UnknownKey,
    /// The same under the name of a known key.
    KeyOfSameName,
    /// The claims were changed after they were signed.
    Tampered,
}

/// What an address does instead of its work.
#[derive(Debug, Clone, Copy)]
pub(super) enum Fault {
    Status(u16),
    /// No answer ever.
    Silent,
    /// The head of an answer, and never its end.
    Stuck,
    /// An answer that has no end.
    Endless,
    Text(&'static str),
    Redirect(&'static str),
}

/// Changes the claims of an ID token.
pub(super) type Change = fn(&mut Value);

struct Script {
    issuer: String,
    /// The one that signs, and its name.
    key: usize,
    key_id: String,
    forgery: Forgery,
    change: Change,
    user_info: Value,
    has_user_info: bool,
    discovery: Change,
    faults: BTreeMap<&'static str, Fault>,
    asked: BTreeMap<String, usize>,
    codes: BTreeMap<String, Grant>,
    tokens: usize,
}

/// What a code was given for.
struct Grant {
    nonce: String,
    challenge: String,
    redirect: String,
}

#[derive(Clone)]
pub(super) struct Provider {
    script: Arc<Mutex<Script>>,
    task: AbortHandle,
}

impl Provider {
    pub(super) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let script = Arc::new(Mutex::new(Script {
            issuer: format!("http://{}", listener.local_addr().unwrap()),
            key: 0,
            key_id: "first".to_owned(),
            forgery: Forgery::None,
            change: |_| {},
            user_info: json!({ "sub": "u-1" }),
            has_user_info: true,
            discovery: |_| {},
            faults: BTreeMap::new(),
            asked: BTreeMap::new(),
            codes: BTreeMap::new(),
            tokens: 0,
        }));
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/jwks", get(jwks))
            .route("/token", post(token))
            .route("/userinfo", get(user_info))
            .layer(middleware::from_fn_with_state(script.clone(), misbehave))
            .with_state(script.clone());
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() }).abort_handle();
        Self { script, task }
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap()
    }

    /// As an administrator would enter it.
    pub(super) fn settings(&self) -> OidcSettings {
        OidcSettings {
            issuer: self.script().issuer.clone(),
            client_id: CLIENT.to_owned(),
            client_secret: Some(CLIENT_SECRET.into()),
            scopes: vec!["profile".to_owned(), "groups".to_owned()],
            groups_claim: "groups".to_owned(),
            admin_group: None,
            name: "Example".to_owned(),
            limits: OidcLimits::default(),
        }
    }

    pub(super) fn forge(&self, forgery: Forgery) {
        self.script().forgery = forgery;
    }

    /// What the next ID tokens say otherwise.
    pub(super) fn claims(&self, change: Change) {
        self.script().change = change;
    }

    pub(super) fn user_info(&self, claims: Value) {
        self.script().user_info = claims;
    }

    pub(super) fn without_user_info(&self) {
        self.script().has_user_info = false;
    }

    pub(super) fn discovery(&self, change: Change) {
        self.script().discovery = change;
    }

    pub(super) fn fault(&self, path: &'static str, fault: Fault) {
        self.script().faults.insert(path, fault);
    }

    pub(super) fn heal(&self) {
        self.script().faults.clear();
    }

    /// Signs with another key from now on, and has no other.
    pub(super) fn rotate(&self, key_id: &str) {
        let mut script = self.script();
        script.key = 1 - script.key;
        key_id.clone_into(&mut script.key_id);
    }

    /// How often an address was asked.
    pub(super) fn asked(&self, path: &str) -> usize {
        self.script().asked.get(path).copied().unwrap_or_default()
    }

    /// Nothing answers any more.
    pub(super) fn stop(&self) {
        self.task.abort();
    }

    /// What a person does at the provider: they are known there, and sent back.
    pub(super) fn authorize(&self, url: &Url) -> Callback {
        let query: BTreeMap<_, _> = url.query_pairs().into_owned().collect();
        assert_eq!(query["response_type"], "code");
        assert_eq!(query["client_id"], CLIENT);
        assert_eq!(query["code_challenge_method"], "S256");
        assert_eq!(query["redirect_uri"], format!("{PUBLIC_URL}{CALLBACK_PATH}"));
        assert_eq!(query["scope"], "openid profile groups");
        let mut script = self.script();
        let code = format!("code-{}", script.codes.len());
        let grant = Grant {
            nonce: query["nonce"].clone(),
            challenge: query["code_challenge"].clone(),
            redirect: query["redirect_uri"].clone(),
        };
        script.codes.insert(code.clone(), grant);
        Callback { code: Some(code), state: Some(query["state"].clone()), ..Default::default() }
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        if Arc::strong_count(&self.script) <= 2 {
            self.task.abort();
        }
    }
}

type Shared = State<Arc<Mutex<Script>>>;

async fn misbehave(State(script): Shared, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let fault = {
        let mut script = script.lock().unwrap();
        *script.asked.entry(path.clone()).or_default() += 1;
        script.faults.get(&*path).copied()
    };
    let json = [(header::CONTENT_TYPE, "application/json")];
    match fault {
        None => next.run(request).await,
        Some(Fault::Status(status)) => StatusCode::from_u16(status).unwrap().into_response(),
        Some(Fault::Silent) => std::future::pending().await,
        Some(Fault::Stuck) => {
            (json, Body::from_stream(futures::stream::pending::<Result<&str, std::io::Error>>())).into_response()
        }
        Some(Fault::Endless) => {
            let chunks = futures::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b' '; 1 << 16]));
            (json, Body::from_stream(chunks)).into_response()
        }
        Some(Fault::Text(text)) => (json, text).into_response(),
        Some(Fault::Redirect(to)) => (StatusCode::FOUND, [(header::LOCATION, to)]).into_response(),
    }
}

async fn discovery(State(script): Shared) -> axum::Json<Value> {
    let script = script.lock().unwrap();
    let issuer = &script.issuer;
    let mut document = json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/jwks"),
        "end_session_endpoint": format!("{issuer}/end"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        // A provider that says so may be one that somebody has taken over.
        "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
    });
    if script.has_user_info {
        document["userinfo_endpoint"] = format!("{issuer}/userinfo").into();
    }
    (script.discovery)(&mut document);
    axum::Json(document)
}

fn number(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

async fn jwks(State(script): Shared) -> axum::Json<Value> {
    let script = script.lock().unwrap();
    let key = &KEYS[script.key];
    let (n, e) = (number(&key.n().to_bytes_be()), number(&key.e().to_bytes_be()));
    let key = json!({ "kty": "RSA", "use": "sig", "alg": "RS256", "kid": script.key_id, "n": n, "e": e });
    // Keys of a kind that nobody knows are no reason to refuse the others.
    axum::Json(json!({ "keys": [{ "kty": "XYZ", "kid": "other" }, key] }))
}

/// Seconds since 1970.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

async fn token(State(script): Shared, headers: HeaderMap, Form(form): Form<BTreeMap<String, String>>) -> Response {
    let mut script = script.lock().unwrap();
    let refused = |error: &str| (StatusCode::BAD_REQUEST, axum::Json(json!({ "error": error }))).into_response();
    let encoded = "kai:s3cret%3A%C3%A4%25";
    let basic = format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(encoded));
    let in_body = form.get("client_secret").is_some_and(|secret| secret == CLIENT_SECRET);
    if !in_body && headers.get(header::AUTHORIZATION).is_none_or(|value| value.as_bytes() != basic.as_bytes()) {
        return refused("invalid_client");
    }
    let Some(grant) = script.codes.remove(&form["code"]) else { return refused("invalid_grant") };
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&form["code_verifier"]));
    if grant.challenge != challenge || grant.redirect != form["redirect_uri"] {
        return refused("invalid_grant");
    }
    script.tokens += 1;
    let access_token = format!("access-{}", script.tokens);
    let hash = Sha256::digest(&access_token);
    let mut claims = json!({
        "iss": script.issuer,
        "sub": "u-1",
        "aud": CLIENT,
        "iat": now(),
        "exp": now() + 300,
        "nonce": grant.nonce,
        "at_hash": URL_SAFE_NO_PAD.encode(&hash[..16]),
        "name": "Mira Holt",
        "groups": ["dev", "ops"],
    });
    (script.change)(&mut claims);
    let mut answer = json!({ "access_token": access_token, "token_type": "Bearer", "expires_in": 300 });
    if claims["sub"] != "" {
        answer["id_token"] = id_token(&script, &claims).into();
    }
    axum::Json(answer).into_response()
}

async fn user_info(State(script): Shared, headers: HeaderMap) -> Response {
    let script = script.lock().unwrap();
    let token = format!("Bearer access-{}", script.tokens);
    if headers.get(header::AUTHORIZATION).is_none_or(|value| value.as_bytes() != token.as_bytes()) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    axum::Json(script.user_info.clone()).into_response()
}

fn id_token(script: &Script, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let rs256 =
        |key: &RsaPrivateKey, signed: &str| SigningKey::<Sha256>::new(key.clone()).sign(signed.as_bytes()).to_vec();
    let hs256 = |secret: &[u8], signed: &str| {
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret);
        ring::hmac::sign(&key, signed.as_bytes()).as_ref().to_vec()
    };
    let (own, other) = (&KEYS[script.key], &KEYS[1 - script.key]);
    let (algorithm, key_id) = match script.forgery {
        Forgery::AlgNone => ("none", &*script.key_id),
        Forgery::HmacWithPublicKey | Forgery::HmacWithClientSecret => ("HS256", &*script.key_id),
        Forgery::UnknownKey => ("RS256", "nobody's"),
        _ => ("RS256", &*script.key_id),
    };
    let signed = format!("{}.{}", part(&json!({ "alg": algorithm, "kid": key_id, "typ": "JWT" })), part(claims));
    let signature = match script.forgery {
        Forgery::None | Forgery::Tampered => rs256(own, &signed),
        Forgery::AlgNone | Forgery::Unsigned => Vec::new(),
        Forgery::HmacWithPublicKey => hs256(&own.n().to_bytes_be(), &signed),
        Forgery::HmacWithClientSecret => hs256(CLIENT_SECRET.as_bytes(), &signed),
        Forgery::UnknownKey | Forgery::KeyOfSameName => rs256(other, &signed),
    };
    let mut parts: Vec<_> = signed.split('.').map(str::to_owned).collect();
    if script.forgery == Forgery::Tampered {
        let mut changed = claims.clone();
        changed["groups"] = json!(["admins"]);
        parts[1] = part(&changed);
    }
    parts.push(URL_SAFE_NO_PAD.encode(signature));
    parts.join(".")
}
