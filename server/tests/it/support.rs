//! What tests of a whole server share.

#[path = "../support/dice.rs"]
pub(crate) mod dice;
#[path = "../support/drift.rs"]
pub(crate) mod drift;
#[path = "../support/faults.rs"]
pub(crate) mod faults;
#[path = "../support/krt.rs"]
pub(crate) mod krt;
#[path = "../support/ledger.rs"]
pub(crate) mod ledger;
#[path = "../support/log_lines.rs"]
pub(crate) mod log_lines;
#[path = "../support/postgres.rs"]
pub(crate) mod postgres;
#[path = "../support/program.rs"]
pub(crate) mod program;
#[path = "../support/proxy.rs"]
pub(crate) mod proxy;
#[path = "../support/server.rs"]
pub(crate) mod server;
#[path = "../support/stage.rs"]
pub(crate) mod stage;
#[path = "../support/suite.rs"]
pub(crate) mod suite;
#[path = "../support/witness.rs"]
pub(crate) mod witness;
