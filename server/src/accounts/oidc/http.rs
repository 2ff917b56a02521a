//! Requests to the provider, with limits of time and size. A redirect is an answer like any other, so a request never goes
//! where nobody meant it to.

use std::{future::Future, pin::Pin};

use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};

use crate::config::OidcLimits;

pub(super) struct HttpClient {
    client: reqwest::Client,
    max_answer_bytes: usize,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum HttpError {
    #[error("the request to the provider failed")]
    Request(#[from] reqwest::Error),
    #[error("the provider's answer has more than {0} bytes")]
    TooLarge(usize),
}

impl HttpClient {
    pub(super) fn new(limits: &OidcLimits) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .timeout(limits.request_timeout)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("kai-server/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { client, max_answer_bytes: limits.max_answer_bytes })
    }

    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let mut response = self.client.execute(request.try_into()?).await?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > self.max_answer_bytes {
                return Err(HttpError::TooLarge(self.max_answer_bytes));
            }
            body.extend_from_slice(&chunk);
        }
        let mut answer = HttpResponse::new(body);
        *answer.status_mut() = response.status();
        *answer.headers_mut() = std::mem::take(response.headers_mut());
        Ok(answer)
    }
}

impl<'c> AsyncHttpClient<'c> for HttpClient {
    type Error = HttpError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}
