//! What is shared with the tests on the sandbox.
#![expect(dead_code, reason = "some of it only those need")]

#[path = "../support/described.rs"]
pub(crate) mod described;
#[path = "../support/drift.rs"]
pub(crate) mod drift;
#[path = "../support/fixture.rs"]
pub(crate) mod fixture;
#[path = "../support/krt.rs"]
pub(crate) mod krt;
#[path = "../support/log_lines.rs"]
pub(crate) mod log_lines;
#[path = "../support/server.rs"]
pub(crate) mod server;
#[path = "../support/suite.rs"]
pub(crate) mod suite;
