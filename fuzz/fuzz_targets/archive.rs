//! Archives built entry by entry, so that the fuzzer need not guess a header's checksum; what the headers say is its
//! own choice.
#![no_main]

use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use krt::{CheckError, Checked, Limits, ReadOptions, check_with};
use libfuzzer_sys::{
    arbitrary::{self, Arbitrary},
    fuzz_target,
};
use tar::Header;

/// Small, so that each of them is passed now and then.
const LIMITS: Limits = Limits {
    max_unpacked_bytes: 64 << 10,
    max_entries: 20,
    max_name_bytes: 300,
    max_names_bytes: 2000,
    max_header_bytes: 2000,
    max_manifest_bytes: 4000,
    max_docs_bytes: 2000,
    max_documents: 20,
    max_protos_bytes: 500,
    max_problems: 10,
    ..Limits::DEFAULT
};

const MANIFEST: &[u8] = b"version: a
description: A.
entrypoint: {proto: a.proto, image: a}
nodes: [{name: n, image: a, src: docs/s}]
workflows: [{name: w, entrypoint: G, sequential: [n]}]
";

#[derive(Debug, Arbitrary)]
struct Archive {
    entries: Vec<Entry>,
    /// What follows the entries; else the two empty blocks that a tar ends with.
    rest: Option<Vec<u8>>,
}

#[derive(Debug, Arbitrary)]
struct Entry {
    name: Name,
    kind: u8,
    content: Content,
    /// What the header says in the place of the content's size.
    lie: Option<u64>,
    /// Where the header differs from a usual one, before its checksum is made.
    damage: Vec<(u16, u8)>,
    wrong_checksum: bool,
}

#[derive(Debug, Arbitrary)]
enum Name {
    Manifest,
    OtherManifest,
    Proto,
    Source,
    SourceWithDot,
    Bytes(Vec<u8>),
}

#[derive(Debug, Arbitrary)]
enum Content {
    Nothing,
    Manifest,
    Bytes(Vec<u8>),
    Records(Vec<(Key, Vec<u8>)>),
}

#[derive(Debug, Arbitrary)]
enum Key {
    Path,
    Size,
    Sparse,
    Bytes(Vec<u8>),
}

impl Archive {
    fn tar(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for entry in &self.entries {
            entry.append(&mut bytes);
        }
        match &self.rest {
            Some(rest) => bytes.extend_from_slice(rest),
            None => bytes.extend_from_slice(&[0; 1024]),
        }
        bytes
    }
}

impl Entry {
    fn append(&self, bytes: &mut Vec<u8>) {
        let name: &[u8] = match &self.name {
            Name::Manifest => b"krt.yml",
            Name::OtherManifest => b"./krt.yaml",
            Name::Proto => b"a.proto",
            Name::Source => b"docs/s",
            Name::SourceWithDot => b"./docs/s",
            Name::Bytes(name) => name,
        };
        let content = match &self.content {
            Content::Nothing => Vec::new(),
            Content::Manifest => MANIFEST.to_vec(),
            Content::Bytes(bytes) => bytes.clone(),
            Content::Records(records) => records.iter().flat_map(record).collect(),
        };
        let mut header = Header::new_gnu();
        let shown = name.len().min(100);
        header.as_old_mut().name[..shown].copy_from_slice(&name[..shown]);
        header.set_size(self.lie.unwrap_or(content.len() as u64));
        header.set_mode(0o644);
        header.as_mut_bytes()[156] = self.kind;
        for (at, byte) in &self.damage {
            header.as_mut_bytes()[usize::from(*at) % 512] = *byte;
        }
        if !self.wrong_checksum {
            header.set_cksum();
        }
        bytes.extend_from_slice(header.as_bytes());
        bytes.extend_from_slice(&content);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
    }
}

fn record((key, value): &(Key, Vec<u8>)) -> Vec<u8> {
    let key: &[u8] = match key {
        Key::Path => b"path",
        Key::Size => b"size",
        Key::Sparse => b"GNU.sparse.name",
        Key::Bytes(key) => key,
    };
    // The length counts its own digits.
    let rest = key.len() + value.len() + 3;
    let length = (rest + 1..).find(|length| length.to_string().len() + rest == *length).unwrap_or(rest);
    [length.to_string().as_bytes(), b" ", key, b"=", value, b"\n"].concat()
}

fn check(tar: &[u8], options: &ReadOptions) -> Result<Checked, CheckError> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::none());
    packed.write_all(tar).expect("memory does not fail");
    check_with(packed.finish().expect("memory does not fail").as_slice(), &LIMITS, options)
}

fuzz_target!(|archive: Archive| {
    let tar = archive.tar();
    let brief = check(&tar, &ReadOptions::BRIEF);
    match check(&tar, &ReadOptions::FULL) {
        Ok(checked) => {
            assert!(checked.complete);
            let kept: usize = checked.documents.iter().map(|document| document.content.len()).sum();
            assert!(kept as u64 <= LIMITS.max_docs_bytes);
            assert!(checked.documents.iter().all(|document| document.path.starts_with("docs/")));
            for node in checked.manifest.workflows.iter().flat_map(|workflow| &workflow.nodes) {
                assert!(checked.index.is_file(&node.src));
                assert!(checked.digests.iter().any(|file| file.path == node.src && file.sha256.len() == 64));
            }
            let of_brief = brief.expect("what is right as a whole is right as far as a brief reading goes");
            assert_eq!(of_brief.manifest, checked.manifest);
            assert_eq!(of_brief.index.proto("a.proto"), checked.protos.texts.get("a.proto").map(String::as_str));
        }
        Err(CheckError::Refused { problems, .. }) => {
            assert!(problems.iter().any(|problem| problem.severity == domain::Severity::Error));
            assert!(problems.iter().all(|problem| problem.message.len() < 4000 && problem.path.len() < 4000));
        }
        Err(CheckError::TooLarge { message, .. }) => assert!(!message.is_empty()),
        Err(CheckError::Read(error)) => panic!("memory does not fail: {error}"),
    }
});
