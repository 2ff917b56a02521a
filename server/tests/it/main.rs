//! Tests of the server against real parts that the tests start themselves.
#![expect(clippy::unwrap_used, reason = "a test that meets an error fails by it, in helpers too")]

mod api;
mod away;
mod belonging;
mod binary;
mod changed_back;
mod citizen;
mod content;
mod download;
mod drift;
mod events;
mod faults;
mod full_disk;
mod guard;
mod history_of_server;
mod hostile;
mod internal;
mod killed;
mod lifecycle;
mod logs;
mod nodes;
mod ownership;
mod pages;
mod replicas;
mod silent;
mod slow_clients;
mod store;
mod support;
mod upload;
