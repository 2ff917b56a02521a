//! Pages, components and server functions: the only crate that knows Leptos.
//!
//! Compiled twice: with `ssr` into the server, with `hydrate` into the browser. Both must render the same markup, so
//! nothing here asks the browser or a clock while rendering; [`browser`] is the only module that touches browser APIs,
//! and only effects, event handlers and what loads parts call it.

pub mod api;
#[cfg(feature = "ssr")]
pub mod backend;
pub mod browser;
pub mod clock;
pub mod components;
pub mod error;
pub mod format;
pub mod live;
pub mod live_list;
pub mod loading;
pub mod pages;
pub mod parts;
pub mod shell;
pub mod shortcuts;
pub mod takeover;
pub mod upload;
pub mod wire;

pub use error::AppError;
pub use shell::App;
#[cfg(feature = "ssr")]
pub use shell::{Checker, shell};
