//! KAI Server: see ARCHITECTURE.md for the map and the invariants.

pub mod changes;
pub mod cluster;
pub mod reconciler;
pub mod store;
