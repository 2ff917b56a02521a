//! What tests of a whole server share.

#[path = "../support/krt.rs"]
pub(crate) mod krt;
#[path = "../support/server.rs"]
pub(crate) mod server;
