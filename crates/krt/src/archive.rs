//! Reads an archive once and checks it (docs/krt.md §1 and §6).
//!
//! It keeps the names and small texts that the manifest may refer to, because the manifest may come after them, and
//! skips all other contents.

mod documents;
pub(crate) mod formats;
mod gzip;
mod pax;
mod saves;
mod scan;
mod tar_entries;

use std::{collections::BTreeSet, io};

use domain::{Problem, is_unseen};
use serde::{Deserialize, Serialize};

use crate::{
    ArchiveIndex, Limits, Protos, digest,
    limits::Limit,
    manifest,
    model::Manifest,
    paths,
    problems::{describe_difference, shown},
};
use gzip::Gunzip;
use scan::Scan;
use tar_entries::TarEntries;

/// Where documentation is (docs/krt.md §1.1).
const DOCS: &str = "docs/";

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
    /// The names of all entries.
    pub index: ArchiveIndex,
    /// The entrypoint's proto file and those that it imports. None unless [`ReadOptions::digests`].
    pub protos: Protos,
    /// The files under `docs/` in the order of the archive; together no more than [`Limits::max_docs_bytes`]. None
    /// unless [`ReadOptions::documents`].
    pub documents: Vec<Document>,
    /// Of the manifest's sources, the entrypoint's proto file and the files under `docs/`, each once, by path. None
    /// unless [`ReadOptions::digests`].
    pub digests: Vec<FileDigest>,
    /// Of those, the ones that `digests` lacks: they came before the manifest and were too large to be hashed ahead.
    /// [`digests_of`] hashes them.
    pub unhashed: BTreeSet<String>,
    /// Whether the archive was read to its end. If not, `entries`, `unpacked_bytes`, `index`, `documents` and `digests`
    /// are about a part of it, and what follows may still be refused.
    pub complete: bool,
}

/// A file under `docs/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// In the archive, as `docs/README.md`.
    pub path: String,
    pub content: Vec<u8>,
}

/// The digest of a file in the archive: two files with equal digests have equal contents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileDigest {
    /// In the archive, without `./` in front.
    pub path: String,
    pub size_bytes: u64,
    /// In hexadecimal digits, lower-case.
    pub sha256: String,
}

/// How an archive is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadOptions {
    pub until: Until,
    /// Whether the files under `docs/` are kept. Their size counts in any case.
    pub documents: bool,
    /// Whether to keep what versions are compared by: digests and proto files. All files before the manifest are hashed,
    /// because each of them may be a source.
    pub digests: bool,
}

impl ReadOptions {
    /// To the end, with everything.
    pub const FULL: Self = Self { until: Until::End, documents: true, digests: true };
    /// Only what the check of the manifest needs.
    pub const BRIEF: Self = Self { until: Until::NamedFilesFound, documents: false, digests: false };
}

/// How far an archive is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    End,
    /// Until the manifest and every file that it names have been seen. A tar has no index, so if one of them is missing,
    /// the archive is read to its end. Problems after that point are not found.
    NamedFilesFound,
}

/// Why there is no [`Checked`].
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The file is not a valid KRT. `problems` has at least one error, and the warnings.
    #[error("the file is not a valid KRT ({} findings)", .problems.len())]
    Refused {
        problems: Vec<Problem>,
        /// The manifest as it was written, when there is one and the archive could be read as far as it.
        manifest_text: Option<String>,
    },
    /// One of the [`Limits`] was passed; `message` says in words which, with its value.
    #[error("the file is too large: {message}")]
    TooLarge { limit: Limit, message: String },
    /// The reader failed. This says nothing about the file.
    #[error("the file could not be read")]
    Read(#[source] io::Error),
}

/// Reads and checks an archive with [`ReadOptions::FULL`].
///
/// After `Ok` the reader is at its end, so that a caller that counts or hashes its bytes has seen them all. After an
/// error it may not be: a refused file need not be transferred to its end.
pub fn check(archive: impl io::Read, limits: &Limits) -> Result<Checked, CheckError> {
    check_with(archive, limits, &ReadOptions::FULL)
}

/// Reads and checks an archive with these options.
pub fn check_with(archive: impl io::Read, limits: &Limits, options: &ReadOptions) -> Result<Checked, CheckError> {
    Gunzip::new(archive, limits)
        .map_or_else(|error| failed(Scan::new(limits, options), error), |input| scan(input, limits, options))
}

/// The digests of these files, by a second reading of an archive that [`check`] has accepted. It ends with the last
/// of them.
pub fn digests_of(
    archive: impl io::Read,
    limits: &Limits,
    paths: &BTreeSet<String>,
) -> Result<Vec<FileDigest>, CheckError> {
    read_digests(archive, limits, paths).map_err(|error| match error {
        ReadError::Invalid(problem) => CheckError::Refused { problems: vec![problem], manifest_text: None },
        ReadError::TooLarge(limit, message) => CheckError::TooLarge { limit, message },
        ReadError::Io(error) => CheckError::Read(error),
    })
}

fn read_digests(
    archive: impl io::Read,
    limits: &Limits,
    wanted: &BTreeSet<String>,
) -> Result<Vec<FileDigest>, ReadError> {
    let mut tar = TarEntries::new(Gunzip::new(archive, limits)?, limits);
    let mut found = Vec::new();
    while found.len() < wanted.len()
        && let Some(entry) = tar.next_entry()?
    {
        let name = str::from_utf8(&entry.name).ok().and_then(|name| paths::normalize(name).ok());
        if let Some(path) = name.filter(|name| wanted.contains(name)) {
            found.push(FileDigest { path, size_bytes: entry.size, sha256: digest::hex(tar.digest()?) });
        }
    }
    Ok(found)
}

fn scan(input: Gunzip<impl io::Read>, limits: &Limits, options: &ReadOptions) -> Result<Checked, CheckError> {
    let mut scan = Scan::new(limits, options);
    match scan.run(input) {
        Ok(()) => finish(scan, limits, options),
        Err(error) => failed(scan, error),
    }
}

fn failed(mut scan: Scan<'_>, error: ReadError) -> Result<Checked, CheckError> {
    match error {
        ReadError::Invalid(problem) => {
            // The manifest is not checked: half an archive lacks most of the files that it names.
            scan.problems.push(problem);
            let manifest_text = text_of(&scan.manifests);
            let problems = scan.problems.finish().unwrap_or_else(|problems| problems);
            Err(CheckError::Refused { problems, manifest_text })
        }
        ReadError::TooLarge(limit, message) => Err(CheckError::TooLarge { limit, message }),
        ReadError::Io(error) => Err(CheckError::Read(error)),
    }
}

fn finish(scan: Scan<'_>, limits: &Limits, options: &ReadOptions) -> Result<Checked, CheckError> {
    let Scan { mut problems, index, manifests, skipped_protos, documents, entries, unpacked_bytes, complete, .. } =
        scan;
    for (file, beneath) in index.files_used_as_folders() {
        problems
            .push(Problem::error(file, format!("is a file and also the folder of `{beneath}`; rename one of them")));
    }
    if complete && let Some(problem) = documents::misnamed_first(&index) {
        problems.push(problem);
    }
    let text = match manifests.as_slice() {
        [] => {
            problems.push(missing_manifest(&index));
            None
        }
        [(_, text)] => Some(text),
        // Either may be meant, so neither is read.
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
    let read = text.map(|text| manifest::parse(text, &index, &skipped_protos, limits.max_problems));
    match (problems.finish(), read, text) {
        (Ok(mut warnings), Some(Ok((manifest, of_manifest))), Some(text)) => {
            warnings.extend(of_manifest);
            let (digests, unhashed) =
                if options.digests { digests(&manifest, &index) } else { (Vec::new(), BTreeSet::new()) };
            let protos =
                if options.digests { Protos::of(&manifest.entrypoint.proto, &index) } else { Protos::default() };
            Ok(Checked {
                protos,
                digests,
                unhashed,
                manifest,
                manifest_text: String::from_utf8_lossy(text).into_owned(),
                warnings,
                entries,
                unpacked_bytes,
                index,
                documents,
                complete,
            })
        }
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

/// The digests of the files that versions are compared by, and the paths of those that are not hashed yet.
fn digests(manifest: &Manifest, index: &ArchiveIndex) -> (Vec<FileDigest>, BTreeSet<String>) {
    let mut paths: BTreeSet<&str> = index.files_under(DOCS).collect();
    paths.insert(&manifest.entrypoint.proto);
    paths.extend(manifest.workflows.iter().flat_map(|workflow| &workflow.nodes).map(|node| node.src.as_str()));
    let (mut known, mut unhashed) = (Vec::new(), BTreeSet::new());
    for path in paths {
        match index.digest(path) {
            Some((size_bytes, sha256)) => {
                known.push(FileDigest { path: path.to_owned(), size_bytes, sha256: digest::hex(sha256) });
            }
            None => {
                unhashed.insert(path.to_owned());
            }
        }
    }
    (known, unhashed)
}

/// The text that lines in findings refer to. Of two manifests neither is read.
fn text_of(manifests: &[(String, Vec<u8>)]) -> Option<String> {
    match manifests {
        [(_, text)] => Some(String::from_utf8_lossy(text).into_owned()),
        _ => None,
    }
}

fn missing_manifest(index: &ArchiveIndex) -> Problem {
    let is_manifest = |name: &str| matches!(name, "krt.yml" | "krt.yaml");
    // Packed on Windows by a tool that keeps backslashes.
    let backslashed =
        |name: &&str| name.rsplit('\\').next().is_some_and(|last| name.contains('\\') && is_manifest(last));
    let named = index.files().find(|name| is_manifest(&paths::file_name(name).to_ascii_lowercase()));
    let there_is_none = "there is no `krt.yml` at the archive's root";
    let message = if let Some(name) = named.filter(|name| name.contains('/')) {
        format!(
            "{there_is_none}, but there is `{}`; pack the folder's content instead of the folder: `tar czf name.krt -C folder .`",
            shown(name)
        )
    } else if let Some(name) = index.files().find(backslashed) {
        format!(
            "{there_is_none}, but there is `{}`, where `\\` is part of the name and not a separator; pack the folder's content with a tool that writes `/`: `tar czf name.krt -C folder .`",
            shown(name)
        )
    } else if let Some(name) = named.or_else(|| index.files().find(|name| looks_like_manifest(name))) {
        let difference = describe_difference(name, "krt.yml");
        format!("{there_is_none}; rename `{}` to `krt.yml`{difference}", shown(name))
    } else {
        format!("{there_is_none}; add the manifest")
    };
    Problem::error("krt.yml", message)
}

/// `krt.yml.txt`, as editors save it, `Krt.yml `, or a typo.
fn looks_like_manifest(name: &str) -> bool {
    let name: String = name.to_ascii_lowercase().chars().filter(|c| !is_unseen(*c) && *c != ' ').collect();
    let is_near = |wanted: &str| name.starts_with(wanted) || strsim::osa_distance(&name, wanted) <= 2;
    // A second download is `krt (1).yml`.
    let is_numbered = name.starts_with("krt(") && (name.ends_with(").yml") || name.ends_with(").yaml"));
    !name.contains('/') && (is_near("krt.yml") || is_near("krt.yaml") || is_numbered)
}

/// Why reading stopped before the archive's end.
#[derive(Debug)]
enum ReadError {
    Invalid(Problem),
    TooLarge(Limit, String),
    Io(io::Error),
}

impl ReadError {
    /// A problem of the file as a whole.
    fn invalid(message: impl Into<String>) -> Self {
        Self::Invalid(Problem::error("", message))
    }
}
