//! What tests of a whole server share.

#[path = "../support/drift.rs"]
pub(crate) mod drift;
#[path = "../support/faults.rs"]
pub(crate) mod faults;
#[path = "../support/fixture.rs"]
pub(crate) mod fixture;
#[path = "../support/invariant_monitor.rs"]
pub(crate) mod invariant_monitor;
#[path = "../support/krt.rs"]
pub(crate) mod krt;
#[path = "../support/log_lines.rs"]
pub(crate) mod log_lines;
#[path = "../support/postgres.rs"]
pub(crate) mod postgres;
#[path = "../support/program.rs"]
pub(crate) mod program;
#[path = "../support/proxy.rs"]
pub(crate) mod proxy;
#[path = "../support/reference_model.rs"]
pub(crate) mod reference_model;
#[path = "../support/server.rs"]
pub(crate) mod server;
#[path = "../support/suite.rs"]
pub(crate) mod suite;
#[path = "../support/test_rng.rs"]
pub(crate) mod test_rng;
