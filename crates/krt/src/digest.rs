//! SHA-256 by code that is fast on every processor: ring's is OpenSSL's, which without SHA instructions takes half the
//! time of the `sha2` crate's. ring needs a C compiler for WebAssembly, so there it is `sha2`.

use std::fmt::Write as _;

/// A SHA-256 in the making.
#[cfg(not(target_arch = "wasm32"))]
pub struct Sha256(ring::digest::Context);
#[cfg(target_arch = "wasm32")]
pub struct Sha256(sha2::Sha256);

impl Default for Sha256 {
    #[cfg(not(target_arch = "wasm32"))]
    fn default() -> Self {
        Self(ring::digest::Context::new(&ring::digest::SHA256))
    }

    #[cfg(target_arch = "wasm32")]
    fn default() -> Self {
        Self(sha2::Digest::new())
    }
}

impl Sha256 {
    pub fn update(&mut self, bytes: &[u8]) {
        #[cfg(not(target_arch = "wasm32"))]
        self.0.update(bytes);
        #[cfg(target_arch = "wasm32")]
        sha2::Digest::update(&mut self.0, bytes);
    }

    pub fn finish(self) -> [u8; 32] {
        let mut digest = [0; 32];
        #[cfg(not(target_arch = "wasm32"))]
        digest.copy_from_slice(self.0.finish().as_ref());
        #[cfg(target_arch = "wasm32")]
        digest.copy_from_slice(&sha2::Digest::finalize(self.0));
        digest
    }
}

/// In hexadecimal digits, lower-case.
pub fn hex(digest: [u8; 32]) -> String {
    digest.iter().fold(String::with_capacity(64), |mut digits, byte| {
        // A String takes everything.
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_sha_256() {
        // FIPS 180-2, appendix B.1.
        let mut hasher = Sha256::default();
        hasher.update(b"a");
        hasher.update(b"bc");
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hex(hasher.finish()), expected);
    }
}
