//! A server to which people sign in, and some who do. They are put into the database: choosing a password takes its time.

use domain::{Caller, NewGrant, PersonId, RuntimeId, Subject, Timestamp, access::Role};
use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use server::{
    config::{LoginMode, Settings},
    secret::Secret,
    store::{NewPerson, NewSession, SecretDigest, Store, random_secret},
};

use super::server::{Answer, TestServer};

/// How a request says who sends it.
#[derive(Debug, Clone)]
pub(crate) enum As {
    Nobody,
    /// The cookie's value.
    Session(String),
    Token(String),
}

impl As {
    pub(crate) fn on(&self, request: RequestBuilder) -> RequestBuilder {
        match self {
            Self::Nobody => request,
            Self::Session(secret) => request.header("cookie", format!("kai-session={secret}")),
            Self::Token(token) => request.bearer_auth(token),
        }
    }
}

/// Somebody who has signed in.
pub(crate) struct Member {
    pub(crate) id: PersonId,
    pub(crate) by: As,
}

pub(crate) fn with_logins(settings: &mut Settings) {
    settings.logins.modes = vec![LoginMode::Local];
}

/// Adds a person with this role on all runtimes, who has signed in at this time.
pub(crate) async fn add_member(store: &Store, name: &str, role: Option<Role>, at: Timestamp) -> Member {
    let new = NewPerson { name: name.parse().unwrap(), at };
    let link = (SecretDigest::of(&random_secret()), at);
    let person = store.invite(&Caller::server(), new, role, link).await.unwrap().id;
    let secret = random_secret();
    let (digest, agent, address) = (SecretDigest::of(&secret), "Test".to_owned(), "192.0.2.1".to_owned());
    store.open_session(&NewSession { digest, person, at, agent, address }, "password").await.unwrap();
    Member { id: person, by: As::Session(secret.expose().to_owned()) }
}

pub(crate) async fn add_grant(store: &Store, subject: Subject, runtime: &str, role: Role) {
    let runtime: Option<RuntimeId> = Some(runtime.parse().unwrap());
    store.set_grant(&Caller::server(), &NewGrant { subject, runtime, role }, Timestamp::now()).await.unwrap();
}

/// From now on nobody sees anything by being able to sign in.
pub(crate) async fn remove_default_grant(store: &Store) {
    store.remove_grant(&Caller::server(), &Subject::Everyone, None, Timestamp::now()).await.unwrap();
}

/// The secret of a token that the server made.
pub(crate) fn secret_of(created: &Value) -> As {
    As::Token(created["secret"].as_str().unwrap().to_owned())
}

impl TestServer {
    pub(crate) async fn ask(&self, by: &As, method: Method, path: &str, body: impl Into<reqwest::Body>) -> Answer {
        self.answer_to(by.on(self.client().request(method, self.url(path)).body(body))).await
    }

    pub(crate) async fn form(&self, by: &As, path: &str, fields: &[(&str, &str)]) -> Answer {
        let mut url = self.url(path);
        url.query_pairs_mut().extend_pairs(fields);
        let body = url.query().unwrap_or_default().to_owned();
        let request = self.client().post(self.url(path)).body(body);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        Answer::of(by.on(request).send().await.unwrap()).await
    }
}

/// The session that an answer has opened.
pub(crate) fn session_of(answer: &Answer) -> As {
    let cookie = answer.header("set-cookie");
    let value = cookie.split(';').next().unwrap().split_once('=').unwrap().1;
    As::Session(Secret::from(value).expose().to_owned())
}
