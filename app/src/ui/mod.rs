//! Parts of pages that take plain values and callbacks: they ask the server for nothing and share no state.

pub mod address;
pub mod badge;
pub mod chart;
pub mod command;
pub mod config_field;
pub mod confirm_dialog;
pub mod copy;
pub mod icon;
pub mod inline_code;
pub mod live;
pub mod modal;
pub mod node_list;
pub mod notice;
pub mod outcome;
pub mod problems;
