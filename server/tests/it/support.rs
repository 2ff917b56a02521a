//! What tests of a whole server share.

#[path = "../support/krt.rs"]
pub(crate) mod krt;
#[path = "../support/log_lines.rs"]
pub(crate) mod log_lines;
#[path = "../support/program.rs"]
pub(crate) mod program;
#[path = "../support/server.rs"]
pub(crate) mod server;
#[path = "../support/stage.rs"]
pub(crate) mod stage;
#[path = "../support/suite.rs"]
pub(crate) mod suite;
