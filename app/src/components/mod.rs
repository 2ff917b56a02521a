//! Parts of pages. They take plain values and callbacks; loading data is the pages' work.

pub mod acting;
pub mod action_bar;
pub mod action_dialog;
pub mod address;
pub mod comparison;
pub mod config_field;
pub mod error_panel;
pub mod failure;
pub mod graph;
pub mod header;
pub mod help;
pub mod icon;
pub mod log_drawer;
pub mod manifest_source;
pub mod node_list;
pub mod node_panel;
pub mod outcome;
pub mod palette;
pub mod problems;
pub mod prose;
pub mod publish_changes;
pub mod state_badge;
pub mod time;
pub mod toast;
pub mod upload_zone;
pub mod version_row;
