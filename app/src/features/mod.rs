//! Larger parts of pages, which ask the server and share state.

pub mod action_bar;
pub mod command_dialogs;
pub mod compare;
pub mod doing;
pub mod error_panel;
pub mod failure;
pub mod grants;
pub mod graph;
pub mod header;
pub mod help;
pub mod logs;
pub mod manifest;
pub mod node_panel;
pub mod not_loaded;
pub mod overlays;
pub mod palette;
pub mod publish_changes;
pub mod time;
pub mod toast_area;
pub mod try_it;
pub mod upload;
pub mod version_row;
