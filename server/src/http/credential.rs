//! What a request brings along to say who sends it: the cookie of a session, or an API token in `Authorization`.

use axum::http::{HeaderMap, header};

use crate::accounts::Credential;

/// None when it brings nothing.
///
/// # Errors
/// What is wrong with what it brings: two of them would leave it open who asks.
pub(super) fn credential(headers: &HeaderMap, cookie: &str) -> Result<Option<Credential>, &'static str> {
    let mut authorization = headers.get_all(header::AUTHORIZATION).iter();
    let token = match (authorization.next(), authorization.next()) {
        (None, _) => None,
        (Some(value), None) => {
            let text = value.to_str().ok().and_then(|text| text.split_once(' '));
            match text {
                Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Some(token.trim().to_owned()),
                _ => return Err("the header Authorization is not `Bearer TOKEN`"),
            }
        }
        (Some(_), Some(_)) => return Err("the request has more than one header Authorization"),
    };
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut sessions = cookies
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(name, _)| *name == cookie)
        .map(|(_, value)| value);
    match (token, sessions.next(), sessions.next()) {
        (_, _, Some(_)) => Err("the request has two cookies of a session"),
        (Some(_), Some(_), None) => Err("the request has both a session and a token; send one"),
        (Some(token), None, None) => Ok(Some(Credential::Token(token))),
        (None, Some(session), None) => Ok(Some(Credential::Session(session.into()))),
        (None, None, None) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(headers: &[(&'static str, &str)]) -> Result<Option<&'static str>, &'static str> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        let found = credential(&map, "kai-session")?;
        Ok(found.map(|credential| match credential {
            Credential::Session(_) => "session",
            Credential::Token(_) => "token",
        }))
    }

    #[test]
    fn a_request_brings_one_credential_or_none() {
        for (headers, expected) in [
            (&[][..], None),
            (&[("cookie", "theme=dark")], None),
            (&[("cookie", "theme=dark; kai-session=abc")], Some("session")),
            (&[("authorization", "Bearer kai_x")], Some("token")),
            (&[("authorization", "bearer kai_x"), ("cookie", "theme=dark")], Some("token")),
        ] {
            assert_eq!(of(headers), Ok(expected), "{headers:?}");
        }
        for headers in [
            &[("authorization", "Bearer kai_x"), ("cookie", "kai-session=abc")][..],
            &[("cookie", "kai-session=abc; kai-session=def")],
            &[("authorization", "Bearer a"), ("authorization", "Bearer b")],
            &[("authorization", "Basic YTpi")],
        ] {
            assert!(of(headers).is_err(), "{headers:?}");
        }
    }
}
