//! Pages, components and server functions: the only crate that knows Leptos.
//!
//! Compiled twice: with `ssr` into the server, with `hydrate` into the browser. Both must render the same markup, so
//! nothing here asks the browser or a clock while rendering; [`platform`] is the only module that touches browser APIs,
//! and only effects and event handlers call it.
//!
//! In layers, each of which uses only those above it here; a test holds that.

pub mod json;

pub mod error;
pub mod format;
pub mod route;

pub mod platform;

pub mod api;

pub mod state;

pub mod ui;

pub mod features;

pub mod pages;

pub mod app;

#[cfg(feature = "ssr")]
pub use api::backend;
pub use app::{App, AppProps};
#[cfg(feature = "ssr")]
pub use app::{Checker, shell};
pub use error::AppError;
