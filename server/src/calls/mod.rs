//! Calls of an entrypoint's rpcs by hand: which there are, requests as JSON, and the call itself over a stream that somebody
//! else has opened.
//!
//! Messages are read and written by the descriptors of the version's own proto files ([`krt::descriptors`]), so nothing is
//! asked of the entrypoint but the call.

mod example;
mod grpc;
mod json;
mod schema;
mod schemas;
mod turns;

pub(crate) use grpc::{Limits, call};
pub(crate) use json::{read_request, write_answer};
pub(crate) use schema::{Rpc, Schema};
pub(crate) use schemas::Schemas;
pub(crate) use turns::Turns;
