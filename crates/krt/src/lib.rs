//! The KRT format (docs/krt.md): read an archive, validate its manifest, explain what is wrong.
//!
//! Works on any [`std::io::Read`], so the server feeds it an upload as it arrives and a browser a dropped file. Opens no
//! file, reads no clock, and keeps in memory no more than [`Limits`] allows, whatever the archive.

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
mod view;
mod yaml;

pub use archive::{CheckError, Checked, Document, FileDigest, ReadOptions, Until, check, check_with, digests_of};
pub use compare::{Side, compare};
pub use index::ArchiveIndex;
pub use limits::{Limit, Limits};
pub use manifest::{is_variable_name, parse_manifest};
pub use protos::Protos;
