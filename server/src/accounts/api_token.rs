//! How an API token is written: `kai_`, 64 characters of base 16, `_`, and a checksum. Prefix and checksum let programs that
//! look for leaked secrets recognise one, and let the server refuse a mistyped one without asking the database.

use sha2::{Digest as _, Sha256};

use crate::{secret::Secret, store::random_secret};

const PREFIX: &str = "kai_";
const CHECKSUM_CHARS: usize = 8;

/// A new one, which is shown once.
pub(super) fn new() -> Secret {
    let secret = random_secret();
    format!("{PREFIX}{}_{}", secret.expose(), checksum(secret.expose())).as_str().into()
}

/// What of a token its digest is taken of; none when it is no token.
pub(super) fn secret(token: &str) -> Option<Secret> {
    let (secret, sum) = token.strip_prefix(PREFIX)?.split_once('_')?;
    (secret.len() == 64 && sum == checksum(secret)).then(|| secret.into())
}

fn checksum(secret: &str) -> String {
    let mut sum = hex::encode(Sha256::digest(secret));
    sum.truncate(CHECKSUM_CHARS);
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_recognised_and_a_mistyped_one_is_not() {
        let token = new();
        assert!(token.expose().starts_with("kai_"));
        assert!(secret(token.expose()).is_some());
        let mistyped = token.expose().replace(['0', '1'], "2");
        for wrong in ["", "kai_", "kai_x_y", mistyped.as_str(), &token.expose()[4..]] {
            assert!(secret(wrong).is_none(), "{wrong}");
        }
    }
}
