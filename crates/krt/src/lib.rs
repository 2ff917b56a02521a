//! The KRT format (krt.md): read an archive, validate its manifest, explain what is wrong.
//!
//! Works on any [`std::io::Read`], so the server feeds it an upload as it arrives and a browser a dropped file. Opens no
//! file, reads no clock, and keeps in memory no more than [`Limits`] allows, whatever the archive.

pub mod model;
