//! Signing in, as a browser does it that runs no scripts; and what ends with a session.

mod journey;
mod settings;
mod streams;
