//! Tests of the server against real parts that the tests start themselves.
#![expect(clippy::unwrap_used, reason = "a test that meets an error fails by it, in helpers too")]

mod api;
mod api_usage;
mod binary;
mod calls;
mod cluster_outage;
mod content;
mod download;
mod drift;
mod events;
mod faults;
mod field_conflicts;
mod forbidden;
mod full_disk;
mod guard;
mod history_of_server;
mod hostile;
mod internal;
mod killed;
mod layers;
mod lifecycle;
mod logs;
mod measurements;
mod messaging;
mod network_partition;
mod nodes;
mod openapi;
mod ownership;
mod pages;
mod replicas;
mod slow_clients;
mod store;
mod store_identity;
mod support;
mod upload;
