//! The entries of the tar, one after the other. Headers are decoded by the `tar` crate; the iteration is
//! our own: it bounds extended headers, and refuses an archive on which tar readers disagree (a second size, a lone
//! empty block), so that a node unpacks what was checked.

use std::io::Read;

use tar::{EntryType, Header};

use super::{ReadError, formats::format_of, gzip::Gunzip, pax::Pax};
use crate::{
    Limits,
    digest::Sha256,
    limits::{Limit, size_in_words},
    problems::shown,
};

const BLOCK: usize = 512;
/// The type of the entry that holds the tar's label (GNU tar's `--label`).
pub(super) const VOLUME_LABEL: u8 = b'V';
/// Where the first part of a long name is in a header (POSIX.1-2017, pax, "ustar Interchange Format").
const PREFIX_AT: usize = 345;
const CHUNK_BYTES: usize = 32 << 10;
/// The largest size in octal digits of a header; a larger one is in a PAX header.
const MAX_OCTAL_SIZE: u64 = 0o777_7777_7777;

/// An entry's header, long names resolved.
pub(super) struct Entry {
    pub(super) name: Vec<u8>,
    pub(super) kind: EntryType,
    pub(super) size: u64,
    /// Its content is stored without its holes, in one of GNU tar's formats.
    pub(super) sparse: bool,
    /// GNU tar stores times in it where others, such as busybox, expect the first part of a long name.
    pub(super) of_backup: bool,
}

pub(super) struct TarEntries<R: Read> {
    input: Gunzip<R>,
    /// A buffer for contents.
    chunk: Vec<u8>,
    /// Content and padding of the current entry that were not read yet.
    unread_content: u64,
    unread_padding: u64,
    /// The last entry's name, for messages.
    last: Option<String>,
    max_name_bytes: u64,
    max_header_bytes: u64,
}

impl<R: Read> TarEntries<R> {
    pub(super) fn new(input: Gunzip<R>, limits: &Limits) -> Self {
        Self {
            input,
            chunk: vec![0; CHUNK_BYTES],
            unread_content: 0,
            unread_padding: 0,
            last: None,
            max_name_bytes: limits.max_name_bytes,
            max_header_bytes: limits.max_header_bytes,
        }
    }

    /// The next entry; none at the end, which is then also the end of the file.
    pub(super) fn next_entry(&mut self) -> Result<Option<Entry>, ReadError> {
        let mut long_name: Option<Vec<u8>> = None;
        let mut pax: Option<Pax> = None;
        loop {
            let Some(header) = self.next_header()? else {
                return match (long_name, pax) {
                    (None, None) => Ok(None),
                    _ => Err(self.damaged("it ends after the header that describes a next entry")),
                };
            };
            let mut size = match header.entry_size() {
                Ok(size) => size,
                // GNU tar leaves it out.
                Err(_) if header.entry_type().as_byte() == VOLUME_LABEL => 0,
                Err(_) => return Err(self.damaged("an entry's size is not a number")),
            };
            match header.entry_type() {
                EntryType::GNULongName => {
                    // The name ends with a NUL, which is counted.
                    let max = self.max_name_bytes;
                    if size > max + 1 {
                        return Err(too_long(Limit::NameBytes, "a name", max));
                    }
                    let mut name = self.take(size)?;
                    if let Some(nul) = name.iter().position(|b| *b == 0) {
                        name.truncate(nul);
                    }
                    if long_name.replace(name).is_some() {
                        return Err(self.damaged("an entry has two long names"));
                    }
                }
                EntryType::GNULongLink => self.begin(size)?,
                EntryType::XHeader | EntryType::XGlobalHeader => {
                    if size > self.max_header_bytes {
                        return Err(too_long(Limit::HeaderBytes, "an extended (PAX) header", self.max_header_bytes));
                    }
                    let records = Pax::parse(&self.take(size)?)?;
                    if header.entry_type() == EntryType::XHeader {
                        if pax.replace(records).is_some() {
                            return Err(self.damaged("an entry has two PAX headers"));
                        }
                    } else if records.is_relevant() {
                        return Err(self.damaged("a global PAX header names all entries at once"));
                    }
                }
                kind => {
                    let pax = pax.unwrap_or_default();
                    if let Some(pax_size) = pax.size
                        && pax_size != size
                    {
                        if pax_size <= MAX_OCTAL_SIZE {
                            return Err(self.damaged("an entry has two different sizes"));
                        }
                        size = pax_size;
                    }
                    let has_own_name = long_name.is_none() && pax.path.is_none();
                    let has_prefix = header.as_bytes()[PREFIX_AT] != 0;
                    let of_backup = has_own_name && has_prefix && header.as_ustar().is_none();
                    if !has_own_name && !has_prefix && header.as_bytes()[0] == 0 {
                        // busybox takes a header without a name for the end.
                        return Err(self.damaged("an entry with a long name has an empty short one"));
                    }
                    let name = match (long_name, pax.path) {
                        (Some(gnu), Some(pax)) if gnu != pax => {
                            return Err(self.damaged("an entry has two different names"));
                        }
                        (Some(name), _) | (None, Some(name)) => name,
                        (None, None) => header.path_bytes().into_owned(),
                    };
                    if name.len() as u64 > self.max_name_bytes {
                        return Err(too_long(Limit::NameBytes, "a name", self.max_name_bytes));
                    }
                    self.last = Some(shown(&String::from_utf8_lossy(&name)));
                    self.begin(size)?;
                    let sparse = pax.sparse || kind == EntryType::GNUSparse;
                    return Ok(Some(Entry { name, kind, size, sparse, of_backup }));
                }
            }
        }
    }

    /// The content of the entry that was answered last, which must have no more than `max` bytes.
    pub(super) fn content(&mut self, max: u64, limit: Limit, what: &str) -> Result<Vec<u8>, ReadError> {
        if self.unread_content > max {
            return Err(too_long(limit, what, max));
        }
        let mut content = Vec::new();
        self.consume(|chunk| content.extend_from_slice(chunk))?;
        Ok(content)
    }

    /// The SHA-256 of the content of the entry that was answered last.
    pub(super) fn digest(&mut self) -> Result<[u8; 32], ReadError> {
        self.digest_with(|_| {})
    }

    /// The same for somebody who looks at the content, piece by piece.
    pub(super) fn digest_with(&mut self, mut look: impl FnMut(&[u8])) -> Result<[u8; 32], ReadError> {
        let mut hasher = Sha256::default();
        self.consume(|chunk| {
            hasher.update(chunk);
            look(chunk);
        })?;
        Ok(hasher.finish())
    }

    fn consume(&mut self, mut take: impl FnMut(&[u8])) -> Result<(), ReadError> {
        while self.unread_content > 0 {
            let want = self.unread_content.min(CHUNK_BYTES as u64) as usize;
            let read = self.input.read(&mut self.chunk[..want])?;
            if read == 0 {
                return Err(self.truncated());
            }
            take(&self.chunk[..read]);
            self.unread_content -= read as u64;
        }
        Ok(())
    }

    /// The content of a header that describes the next entry.
    fn take(&mut self, size: u64) -> Result<Vec<u8>, ReadError> {
        self.begin(size)?;
        let mut content = Vec::new();
        self.consume(|chunk| content.extend_from_slice(chunk))?;
        Ok(content)
    }

    /// Sets what has to be skipped before the next header.
    fn begin(&mut self, size: u64) -> Result<(), ReadError> {
        self.input.expect(size)?;
        self.unread_content = size;
        self.unread_padding = (BLOCK as u64 - size % BLOCK as u64) % BLOCK as u64;
        Ok(())
    }

    fn next_header(&mut self) -> Result<Option<Header>, ReadError> {
        self.pass_over()?;
        let mut header = Header::new_old();
        let read = self.fill(header.as_mut_bytes())?;
        if read == 0 {
            return if self.last.is_some() { Ok(None) } else { Err(ReadError::invalid("the tar is empty")) };
        }
        if read < BLOCK {
            return Err(if self.last.is_some() { self.truncated() } else { not_a_tar(&header.as_bytes()[..read]) });
        }
        if header.as_bytes().iter().all(|b| *b == 0) {
            self.only_zeros_follow()?;
            return Ok(None);
        }
        if !checksum_is_right(&header) {
            return Err(match self.last {
                Some(_) => self.damaged("a header's checksum is wrong"),
                None => not_a_tar(header.as_bytes()),
            });
        }
        Ok(Some(header))
    }

    fn pass_over(&mut self) -> Result<(), ReadError> {
        // The padding is skipped as well.
        self.unread_content += std::mem::take(&mut self.unread_padding);
        self.consume(|_| ())
    }

    /// Some readers stop at the first empty block, others go on. They agree if only zeros follow.
    fn only_zeros_follow(&mut self) -> Result<(), ReadError> {
        loop {
            match self.input.read(&mut self.chunk)? {
                0 => return Ok(()),
                read if self.chunk[..read].iter().all(|b| *b == 0) => {}
                _ => return Err(self.damaged("there is data after its end")),
            }
        }
    }

    /// Fills the block unless the file ends before; answers the bytes that there were.
    fn fill(&mut self, block: &mut [u8]) -> Result<usize, ReadError> {
        let mut filled = 0;
        while filled < block.len() {
            match self.input.read(&mut block[filled..])? {
                0 => break,
                read => filled += read,
            }
        }
        Ok(filled)
    }

    fn truncated(&self) -> ReadError {
        self.damaged("it ends too early")
    }

    fn damaged(&self, what: &str) -> ReadError {
        let place = self.last.as_ref().map_or_else(String::new, |name| format!(" (at or after `{name}`)"));
        ReadError::invalid(format!("the tar inside is damaged: {what}{place}; pack it again"))
    }
}

/// `head` is the first block, or the whole file if that is shorter.
fn not_a_tar(head: &[u8]) -> ReadError {
    let advice = "a KRT file is a gzip-compressed tar, as `tar czf name.krt` makes it";
    let what = match format_of(head) {
        Some("gzip data") => {
            return ReadError::invalid(format!(
                "there is no tar inside the gzip data, but gzip data again: it was compressed twice; {advice}"
            ));
        }
        Some(what) => format!(", but {what}"),
        None => String::new(),
    };
    ReadError::invalid(format!("there is no tar inside the gzip data{what}; {advice}"))
}

fn too_long(limit: Limit, what: &str, max: u64) -> ReadError {
    ReadError::TooLarge(limit, format!("at most {} are allowed for {what}", size_in_words(max)))
}

fn checksum_is_right(header: &Header) -> bool {
    let bytes = header.as_bytes();
    // The checksum's own eight bytes count as spaces.
    let sum: u32 = bytes[..148].iter().chain(&bytes[156..]).map(|b| u32::from(*b)).sum::<u32>() + 8 * u32::from(b' ');
    header.cksum().is_ok_and(|said| said == sum)
}
