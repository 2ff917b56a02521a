//! Reads an archive once, from its first byte to its last, and checks it (krt.md §1 and §6).
//!
//! The names and small texts that the manifest may speak of are kept, since it may come after what it names; contents
//! are passed over.

mod gzip;
mod pax;
mod scan;
mod tar_entries;

use std::io;

use domain::Problem;

use crate::{ArchiveIndex, Limits, manifest, model::Manifest, problems::Problems};
use scan::Scan;

/// A valid archive.
#[derive(Debug, Clone)]
pub struct Checked {
    pub manifest: Manifest,
    /// The manifest as it was written.
    pub manifest_text: String,
    /// By line and column.
    pub warnings: Vec<Problem>,
    /// Files and folders, without those that are passed over (`._*`).
    pub entries: u64,
    /// Bytes of all files together.
    pub unpacked_bytes: u64,
}

/// Why there is no [`Checked`].
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The file is not a valid KRT. `problems` has at least one error, and the warnings.
    #[error("the file is no valid KRT ({} findings)", .problems.len())]
    Refused {
        problems: Vec<Problem>,
        /// The manifest as it was written, when there is one and the archive could be read as far as it.
        manifest_text: Option<String>,
    },
    /// One of the [`Limits`] was passed; `limit` says in words which, with its value.
    #[error("the file is too large: {limit}")]
    TooLarge { limit: String },
    /// The reader failed. This says nothing about the file.
    #[error("the file could not be read")]
    Read(#[source] io::Error),
}

/// Reads and checks an archive.
///
/// The reader is read to its end whenever the answer is `Ok`, so that whoever counts or hashes the bytes beneath has
/// seen them all. On an error it may not be: what follows a broken or oversized part is not worth the transfer.
pub fn check(archive: impl io::Read, limits: &Limits) -> Result<Checked, CheckError> {
    let mut scan = Scan::new(limits);
    match scan.run(archive) {
        Ok(()) => finish(scan, limits),
        Err(Stop::Broken(problem)) => {
            // The manifest is not looked at: in half an archive most of what it names would be missing.
            scan.problems.push(problem);
            let manifest_text = text_of(&scan.manifests);
            let problems = scan.problems.finish().unwrap_or_else(|problems| problems);
            Err(CheckError::Refused { problems, manifest_text })
        }
        Err(Stop::TooLarge(limit)) => Err(CheckError::TooLarge { limit }),
        Err(Stop::Read(error)) => Err(CheckError::Read(error)),
    }
}

fn finish(scan: Scan<'_>, limits: &Limits) -> Result<Checked, CheckError> {
    let Scan { mut problems, index, manifests, unread_protos, entries, unpacked_bytes, .. } = scan;
    for (file, beneath) in index.files_used_as_folders() {
        problems
            .push(Problem::error(file, format!("is a file and also the folder of `{beneath}`; rename one of them")));
    }
    let text = match manifests.as_slice() {
        [] => {
            problems.push(no_manifest(&index));
            None
        }
        [(_, text)] => Some(text),
        // Which of them is meant is not for us to guess, so neither is read.
        [(first, _), (second, _), ..] => {
            problems.push(Problem::error(
                first,
                if first == second {
                    "is in the archive twice; keep one manifest".to_owned()
                } else {
                    format!("the archive has two manifests, `{first}` and `{second}`; keep one")
                },
            ));
            None
        }
    };
    let read = text.map(|text| manifest::parse(text, &index, &unread_protos, limits.max_problems));
    match (problems.finish(), read, text) {
        (Ok(_), Some(Ok((manifest, warnings))), Some(text)) => Ok(Checked {
            manifest,
            manifest_text: String::from_utf8_lossy(text).into_owned(),
            warnings,
            entries,
            unpacked_bytes,
        }),
        (of_archive, of_manifest, _) => {
            let mut problems = of_archive.unwrap_or_else(|problems| problems);
            problems.extend(of_manifest.map_or_else(Vec::new, |read| match read {
                Ok((_, warnings)) => warnings,
                Err(problems) => problems,
            }));
            Err(CheckError::Refused { problems, manifest_text: text_of(&manifests) })
        }
    }
}

/// The text that findings with a line are about: of two manifests neither is read.
fn text_of(manifests: &[(String, Vec<u8>)]) -> Option<String> {
    match manifests {
        [(_, text)] => Some(String::from_utf8_lossy(text).into_owned()),
        _ => None,
    }
}

fn no_manifest(index: &ArchiveIndex) -> Problem {
    let elsewhere = index
        .files()
        .find(|name| matches!(crate::paths::file_name(name).to_ascii_lowercase().as_str(), "krt.yml" | "krt.yaml"));
    let message = match elsewhere {
        Some(name) if name.contains('/') => format!(
            "there is no `krt.yml` at the archive's root, but there is `{name}`; pack the folder's content instead of the folder: `tar czf name.krt -C folder .`"
        ),
        Some(name) => format!("there is no `krt.yml` at the archive's root; rename `{name}` to `krt.yml`"),
        None => "there is no `krt.yml` at the archive's root; add the manifest".to_owned(),
    };
    Problem::error("krt.yml", message)
}

/// Why the reading of an archive ended before its end.
#[derive(Debug)]
enum Stop {
    Broken(Problem),
    TooLarge(String),
    Read(io::Error),
}

impl Stop {
    /// The file as a whole is not what it should be.
    fn broken(message: impl Into<String>) -> Self {
        Self::Broken(Problem::error("", message))
    }
}

/// Findings about entries.
fn new_problems(limits: &Limits) -> Problems {
    Problems::new(limits.max_problems)
}
