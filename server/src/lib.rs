//! KAI Server: see ARCHITECTURE.md for the map and the invariants.

pub mod accounts;
pub mod admin;
pub mod broadcast;
mod calls;
pub mod changes;
pub mod cluster;
pub mod config;
mod documentation;
pub mod file_lock;
pub mod files;
pub mod http;
pub mod identity;
pub mod intake;
pub mod krt_url;
pub mod measurements;
pub mod messaging;
mod private;
pub mod reconciler;
mod retention;
pub mod run;
pub mod secret;
pub mod service;
mod site;
pub mod store;
