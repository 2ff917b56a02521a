//! Passwords: what may be one, and argon2id hashes of them with the parameters that OWASP names (Password Storage Cheat
//! Sheet: 19 MiB, two passes, one lane).

use std::{sync::Arc, time::Duration};

use argon2::{
    Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version,
    password_hash::{PasswordHash, SaltString},
};
use domain::ApiError;
use rand::RngCore as _;
use tokio::{sync::Semaphore, time::timeout};

use crate::secret::Secret;

const MIN_CHARS: usize = 12;
const MAX_CHARS: usize = 128;
/// Each hash takes a core and 19 MiB.
const AT_ONCE: usize = 2;
/// Whoever waits longer for their turn is told to come back.
const MAX_WAIT: Duration = Duration::from_secs(10);

/// Why a text is not taken as a password. `Display` says what would be right. Nothing but length and rarity is asked for:
/// rules about kinds of characters make passwords worse (NIST SP 800-63B §5.1.1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    #[error("use at least {MIN_CHARS} characters")]
    TooShort,
    #[error("use at most {MAX_CHARS} characters")]
    TooLong,
    #[error("this password is among those that are tried first; choose another one")]
    Common,
}

/// # Errors
/// What is wrong with it.
pub(super) fn check(password: &Secret) -> Result<(), PasswordError> {
    let text = password.expose();
    match text.chars().count() {
        ..MIN_CHARS => Err(PasswordError::TooShort),
        MIN_CHARS..=MAX_CHARS if is_common(text) => Err(PasswordError::Common),
        MIN_CHARS..=MAX_CHARS => Ok(()),
        _ => Err(PasswordError::TooLong),
    }
}

/// Whether it is one of those that are tried first, or little more than one: a short piece that is repeated, or a run.
fn is_common(text: &str) -> bool {
    let lower: Vec<char> = text.to_lowercase().chars().collect();
    let repeats = (1..=4).any(|length| lower.iter().zip(lower.iter().skip(length)).all(|(a, b)| a == b));
    let step =
        |by: i64| lower.windows(2).all(|pair| i64::from(u32::from(pair[1])) - i64::from(u32::from(pair[0])) == by);
    let plain: String = lower.iter().filter(|c| c.is_alphanumeric()).collect();
    repeats || step(1) || step(-1) || COMMON.lines().any(|common| common == plain)
}

/// One a line, in lower case and without what is neither letter nor digit.
const COMMON: &str = include_str!("common_passwords.txt");

/// Hashes passwords, a few at once.
#[derive(Clone)]
pub(super) struct Hasher {
    permits: Arc<Semaphore>,
    params: Params,
    /// A hash of nothing, which takes as long to verify as any.
    nobody: Secret,
}

impl Hasher {
    /// # Errors
    /// Never with the parameters of this module.
    pub(super) fn new() -> Result<Self, argon2::password_hash::Error> {
        let params = Params::new(19 * 1024, 2, 1, None)?;
        let nobody = hash(&params, &Secret::from("nobody"))?;
        Ok(Self { permits: Arc::new(Semaphore::new(AT_ONCE)), params, nobody })
    }

    /// A PHC string.
    ///
    /// # Errors
    /// `Busy` when too many wait already.
    pub(super) async fn hash(&self, password: Secret) -> Result<Secret, ApiError> {
        let params = self.params.clone();
        self.blocking(move || hash(&params, &password)).await
    }

    /// Whether it is the password of this hash. Takes as long when there is no hash.
    ///
    /// # Errors
    /// `Busy` when too many wait already.
    pub(super) async fn verify(&self, password: Secret, expected: Option<Secret>) -> Result<bool, ApiError> {
        let (known, params) = (expected.is_some(), self.params.clone());
        let expected = expected.unwrap_or_else(|| self.nobody.clone());
        let verified = self.blocking(move || {
            let expected = PasswordHash::new(expected.expose())?;
            Ok(argon2(&params).verify_password(password.expose().as_bytes(), &expected).is_ok())
        });
        Ok(verified.await? && known)
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, argon2::password_hash::Error> + Send + 'static,
    ) -> Result<T, ApiError> {
        let Ok(Ok(_permit)) = timeout(MAX_WAIT, self.permits.acquire()).await else {
            let reason = "too many people sign in at this moment".to_owned();
            return Err(ApiError::Busy { reason, retry_after_secs: 10 });
        };
        let done = tokio::task::spawn_blocking(work).await;
        let failed = |error: &dyn std::fmt::Display| {
            tracing::error!("cannot hash a password: {error}");
            ApiError::Internal
        };
        done.map_err(|error| failed(&error))?.map_err(|error| failed(&error))
    }
}

fn argon2(params: &Params) -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone())
}

fn hash(params: &Params, password: &Secret) -> Result<Secret, argon2::password_hash::Error> {
    let mut salt = [0u8; 16];
    rand::rng().fill_bytes(&mut salt);
    let salt = SaltString::encode_b64(&salt)?;
    Ok(argon2(params).hash_password(password.expose().as_bytes(), &salt)?.to_string().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_and_rarity_are_asked_for_and_nothing_else() {
        for (password, expected) in [
            ("correct horse battery staple", Err(PasswordError::Common)),
            ("a sentence about my cat", Ok(())),
            ("ljhfaoweiufh", Ok(())),
            ("short", Err(PasswordError::TooShort)),
            ("elevenchars", Err(PasswordError::TooShort)),
            ("aaaaaaaaaaaa", Err(PasswordError::Common)),
            ("abcabcabcabc", Err(PasswordError::Common)),
            ("abcdefghijklm", Err(PasswordError::Common)),
            ("Password1234", Err(PasswordError::Common)),
            ("Password-1234", Err(PasswordError::Common)),
            ("длинный пароль", Ok(())),
        ] {
            assert_eq!(check(&password.into()), expected, "{password}");
        }
        assert_eq!(check(&"x1".repeat(65).as_str().into()), Err(PasswordError::TooLong));
    }

    #[tokio::test]
    async fn a_password_verifies_against_its_own_hash_alone() {
        let hasher = Hasher::new().unwrap();
        let hash = hasher.hash("a sentence about my cat".into()).await.unwrap();
        assert!(hash.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(hasher.verify("a sentence about my cat".into(), Some(hash.clone())).await.unwrap());
        assert!(!hasher.verify("a sentence about my dog".into(), Some(hash.clone())).await.unwrap());
        assert!(!hasher.verify("nobody".into(), None).await.unwrap(), "whoever has no password has none that opens");
        assert_ne!(hasher.hash("a sentence about my cat".into()).await.unwrap(), hash, "each has a salt of its own");
    }
}
