//! The KRT format (docs/krt.md): read an archive, validate its manifest, explain what is wrong.
//!
//! Works on any [`std::io::Read`]: an upload as it arrives at the server, or a dropped file in a browser. Opens no file,
//! reads no clock, and keeps no more in memory than [`Limits`] allows.

mod archive;
mod compare;
pub mod digest;
pub mod image;
mod index;
mod interface;
mod limits;
mod manifest;
pub mod model;
mod paths;
mod problems;
mod proto;
mod protos;
mod runner;
mod view;
mod yaml;

pub use archive::{CheckError, Checked, Document, FileDigest, ReadOptions, Until, check, check_with, digests_of};
pub use compare::{Side, compare};
pub use index::ArchiveIndex;
pub use interface::{Descriptors, descriptors};
pub use limits::{Limit, Limits};
pub use manifest::{is_variable_name, parse_manifest};
pub use protos::Protos;
pub use runner::{Runner, generation_of_image, runner};
