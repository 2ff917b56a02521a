//! Archives for the tests, packed in memory: well-formed ones, and ones that no `tar` would make.
#![expect(dead_code, reason = "each test file uses a part of it")]

use std::io::{Read, Write};

use domain::Problem;
use flate2::{Compression, write::GzEncoder};
use krt::{CheckError, Checked, Limits, check};
use tar::{EntryType, Header};

pub(crate) const PROTO: &str =
    "syntax = \"proto3\";\nservice Entrypoint {\n  rpc Greet (Request) returns (Response) {};\n}\n";

pub(crate) const MANIFEST: &str = "version: greeter-v1
description: Greets.
entrypoint:
  proto: public_input.proto
  image: konstellation/kre-entrypoint:latest
nodes:
  - name: greeter
    image: konstellation/kre-py:latest
    src: src/greeter/main.py
workflows:
  - name: greeting
    entrypoint: Greet
    sequential:
      - greeter
";

/// A tar in the making.
#[derive(Default, Clone)]
pub(crate) struct Tar {
    bytes: Vec<u8>,
    prefix: Vec<u8>,
}

impl Tar {
    /// All files of a valid KRT.
    pub(crate) fn valid() -> Self {
        Self::default()
            .file("krt.yml", MANIFEST)
            .file("public_input.proto", PROTO)
            .file("src/greeter/main.py", "print('hello')\n")
    }

    pub(crate) fn file(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        self.entry(name.as_bytes(), EntryType::Regular, content.as_ref())
    }

    pub(crate) fn folder(self, name: &str) -> Self {
        self.entry(name.as_bytes(), EntryType::Directory, b"")
    }

    /// An entry with any name of up to 100 bytes, unchecked.
    pub(crate) fn entry(self, name: &[u8], kind: EntryType, content: &[u8]) -> Self {
        self.entry_of_size(name, kind, content.len() as u64, content)
    }

    /// An entry whose header says another size than its content has.
    pub(crate) fn entry_of_size(mut self, name: &[u8], kind: EntryType, size: u64, content: &[u8]) -> Self {
        let mut header = Header::new_gnu();
        header.as_old_mut().name[..name.len()].copy_from_slice(name);
        header.as_mut_bytes()[345..345 + self.prefix.len()].copy_from_slice(&self.prefix);
        header.set_entry_type(kind);
        header.set_size(size);
        header.set_mode(0o644);
        if matches!(kind, EntryType::Symlink | EntryType::Link) {
            header.set_link_name("krt.yml").expect("short");
        }
        header.set_cksum();
        self.bytes.extend_from_slice(header.as_bytes());
        self.bytes.extend_from_slice(content);
        self.bytes.resize(self.bytes.len().next_multiple_of(512), 0);
        self
    }

    /// A PAX header with these records, for the next entry.
    pub(crate) fn pax(self, records: &[(&str, &[u8])]) -> Self {
        self.entry(b"PaxHeaders/x", EntryType::XHeader, &pax_records(records))
    }

    /// With this in the headers to come where ustar has the first part of a name, and GNU has times.
    pub(crate) fn prefixed(mut self, prefix: &[u8]) -> Self {
        self.prefix = prefix.to_vec();
        self
    }

    pub(crate) fn gnu_long_name(self, name: &str) -> Self {
        let content = format!("{name}\0");
        self.entry(b"././@LongLink", EntryType::GNULongName, content.as_bytes())
    }

    pub(crate) fn raw(mut self, bytes: &[u8]) -> Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    /// The tar with its end and no compression.
    pub(crate) fn ended(mut self) -> Vec<u8> {
        self.bytes.extend_from_slice(&[0; 1024]);
        self.bytes
    }

    pub(crate) fn packed(self) -> Vec<u8> {
        gzip(&self.ended())
    }
}

pub(crate) fn pax_records(records: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (key, value) in records {
        // The length counts its own digits.
        let rest = key.len() + value.len() + 3;
        let length = (rest + 1..).find(|length| length.to_string().len() + rest == *length).expect("there is one");
        bytes.extend_from_slice(format!("{length} {key}=").as_bytes());
        bytes.extend_from_slice(value);
        bytes.push(b'\n');
    }
    bytes
}

/// Notes how much was asked for.
pub(crate) struct Counted<R> {
    inner: R,
    pub(crate) bytes: usize,
}

impl<R> Counted<R> {
    pub(crate) fn new(inner: R) -> Self {
        Self { inner, bytes: 0 }
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(into)?;
        self.bytes += read;
        Ok(read)
    }
}

/// The same bytes many times over, made as they are read.
pub(crate) struct Repeated<'b> {
    part: &'b [u8],
    at: usize,
    left: usize,
}

impl<'b> Repeated<'b> {
    pub(crate) fn new(part: &'b [u8], times: usize) -> Self {
        Self { part, at: 0, left: part.len() * times }
    }
}

impl Read for Repeated<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let count = into.len().min(self.part.len() - self.at).min(self.left);
        into[..count].copy_from_slice(&self.part[self.at..self.at + count]);
        self.at = (self.at + count) % self.part.len();
        self.left -= count;
        Ok(count)
    }
}

/// Bytes in which gzip finds no pattern.
pub(crate) fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 1u64;
    let next = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    });
    next.take(bytes).collect()
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("memory does not fail");
    encoder.finish().expect("memory does not fail")
}

pub(crate) fn check_bytes(bytes: &[u8]) -> Result<Checked, CheckError> {
    check(bytes, &Limits::default())
}

#[track_caller]
pub(crate) fn accepted(bytes: &[u8]) -> Checked {
    match check_bytes(bytes) {
        Ok(checked) => checked,
        Err(error) => panic!("refused: {error:?}"),
    }
}

#[track_caller]
pub(crate) fn refused(bytes: &[u8]) -> Vec<Problem> {
    match check_bytes(bytes) {
        Err(CheckError::Refused { problems, .. }) => problems,
        other => panic!("not refused: {other:?}"),
    }
}

/// The only problem.
#[track_caller]
pub(crate) fn refused_for_one(bytes: &[u8]) -> Problem {
    let problems = refused(bytes);
    assert_eq!(problems.len(), 1, "{problems:#?}");
    problems[0].clone()
}
