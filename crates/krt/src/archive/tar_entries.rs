//! The entries of the tar, one after the other. Headers are decoded by the `tar` crate; the walk is our own, because
//! here extended headers are bounded, and where readers of tar disagree (a second size, a lone empty block) the archive
//! is refused, so that what was checked is what a node unpacks.

use std::io::Read;

use tar::{EntryType, Header};

use super::{Stop, gzip::Gunzip, pax::Pax};
use crate::{Limits, limits::size_in_words, problems::shown};

const BLOCK: usize = 512;
/// What fits into the octal digits of a header; larger sizes stand in a PAX header.
const MAX_OCTAL_SIZE: u64 = 0o777_7777_7777;

/// An entry's header, long names resolved.
pub(super) struct Entry {
    pub(super) name: Vec<u8>,
    pub(super) kind: EntryType,
    pub(super) size: u64,
    /// Its content is stored with its holes left out, in one of GNU's ways.
    pub(super) sparse: bool,
}

pub(super) struct TarEntries<R: Read> {
    input: Gunzip<R>,
    /// Content and padding of the current entry that were not read yet.
    unread_content: u64,
    unread_padding: u64,
    /// The last entry's name, to say where the tar is broken.
    last: Option<String>,
    max_name_bytes: u64,
    max_header_bytes: u64,
}

impl<R: Read> TarEntries<R> {
    pub(super) fn new(input: Gunzip<R>, limits: &Limits) -> Self {
        Self {
            input,
            unread_content: 0,
            unread_padding: 0,
            last: None,
            max_name_bytes: limits.max_name_bytes,
            max_header_bytes: limits.max_header_bytes,
        }
    }

    /// The next entry; none at the end, which is then also the end of the file.
    pub(super) fn next_entry(&mut self) -> Result<Option<Entry>, Stop> {
        let mut long_name: Option<Vec<u8>> = None;
        let mut pax: Option<Pax> = None;
        loop {
            let Some(header) = self.next_header()? else {
                return match (long_name, pax) {
                    (None, None) => Ok(None),
                    _ => Err(self.damaged("it ends after the header that describes a next entry")),
                };
            };
            let mut size = header.entry_size().map_err(|_| self.damaged("an entry's size is no number"))?;
            match header.entry_type() {
                EntryType::GNULongName => {
                    // The name ends with a NUL, which is counted.
                    let mut name = self.take(size, self.max_name_bytes + 1, "a name", self.max_name_bytes)?;
                    if let Some(nul) = name.iter().position(|b| *b == 0) {
                        name.truncate(nul);
                    }
                    if long_name.replace(name).is_some() {
                        return Err(self.damaged("an entry has two long names"));
                    }
                }
                EntryType::GNULongLink => self.begin(size)?,
                EntryType::XHeader | EntryType::XGlobalHeader => {
                    let limit = self.max_header_bytes;
                    let records = Pax::parse(&self.take(size, limit, "an extended (PAX) header", limit)?)?;
                    if header.entry_type() == EntryType::XHeader {
                        if pax.replace(records).is_some() {
                            return Err(self.damaged("an entry has two PAX headers"));
                        }
                    } else if records.says_anything() {
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
                    let name = match (long_name, pax.path) {
                        (Some(gnu), Some(pax)) if gnu != pax => {
                            return Err(self.damaged("an entry has two different names"));
                        }
                        (Some(name), _) | (None, Some(name)) => name,
                        (None, None) => header.path_bytes().into_owned(),
                    };
                    if name.len() as u64 > self.max_name_bytes {
                        return Err(too_long("a name", self.max_name_bytes));
                    }
                    self.last = Some(shown(&String::from_utf8_lossy(&name)));
                    self.begin(size)?;
                    let sparse = pax.sparse || kind == EntryType::GNUSparse;
                    return Ok(Some(Entry { name, kind, size, sparse }));
                }
            }
        }
    }

    /// The content of the entry that was answered last, which must have no more than `max` bytes.
    pub(super) fn content(&mut self, max: u64, what: &str) -> Result<Vec<u8>, Stop> {
        if self.unread_content > max {
            return Err(too_long(what, max));
        }
        let mut content = Vec::new();
        let mut chunk = [0; 8 << 10];
        while self.unread_content > 0 {
            let want = self.unread_content.min(chunk.len() as u64) as usize;
            let read = self.input.read(&mut chunk[..want])?;
            if read == 0 {
                return Err(self.cut_off());
            }
            content.extend_from_slice(&chunk[..read]);
            self.unread_content -= read as u64;
        }
        Ok(content)
    }

    /// The content of a header that describes the next entry.
    fn take(&mut self, size: u64, max: u64, what: &str, shown_max: u64) -> Result<Vec<u8>, Stop> {
        if size > max {
            return Err(too_long(what, shown_max));
        }
        self.begin(size)?;
        self.content(max, what)
    }

    /// Remembers what has to be passed over before the next header.
    fn begin(&mut self, size: u64) -> Result<(), Stop> {
        self.input.expect(size)?;
        self.unread_content = size;
        self.unread_padding = size.next_multiple_of(BLOCK as u64) - size;
        Ok(())
    }

    fn next_header(&mut self) -> Result<Option<Header>, Stop> {
        self.pass_over()?;
        let mut header = Header::new_old();
        let read = self.fill(header.as_mut_bytes())?;
        if read == 0 {
            return if self.last.is_some() { Ok(None) } else { Err(Stop::broken("the tar is empty")) };
        }
        if read < BLOCK {
            return Err(if self.last.is_some() { self.cut_off() } else { Stop::broken(NOT_A_TAR) });
        }
        if header.as_bytes().iter().all(|b| *b == 0) {
            self.only_zeros_follow()?;
            return Ok(None);
        }
        if !checksum_is_right(&header) {
            return Err(match self.last {
                Some(_) => self.damaged("a header's checksum is wrong"),
                None => Stop::broken(NOT_A_TAR),
            });
        }
        Ok(Some(header))
    }

    fn pass_over(&mut self) -> Result<(), Stop> {
        let mut left = self.unread_content + self.unread_padding;
        let mut chunk = [0; 8 << 10];
        while left > 0 {
            let want = left.min(chunk.len() as u64) as usize;
            let read = self.input.read(&mut chunk[..want])?;
            if read == 0 {
                return Err(self.cut_off());
            }
            left -= read as u64;
        }
        (self.unread_content, self.unread_padding) = (0, 0);
        Ok(())
    }

    /// Some readers end at the first empty block and others go on; with nothing but zeros after it they agree.
    fn only_zeros_follow(&mut self) -> Result<(), Stop> {
        let mut chunk = [0; 8 << 10];
        loop {
            match self.input.read(&mut chunk)? {
                0 => return Ok(()),
                read if chunk[..read].iter().all(|b| *b == 0) => {}
                _ => return Err(self.damaged("there is something after its end")),
            }
        }
    }

    /// Fills the block unless the file ends before; answers the bytes that there were.
    fn fill(&mut self, block: &mut [u8]) -> Result<usize, Stop> {
        let mut filled = 0;
        while filled < block.len() {
            match self.input.read(&mut block[filled..])? {
                0 => break,
                read => filled += read,
            }
        }
        Ok(filled)
    }

    fn cut_off(&self) -> Stop {
        self.damaged("it ends too early")
    }

    fn damaged(&self, what: &str) -> Stop {
        let place = self.last.as_ref().map_or_else(String::new, |name| format!(" (at or after `{name}`)"));
        Stop::broken(format!("the tar inside is damaged: {what}{place}; pack it again"))
    }
}

const NOT_A_TAR: &str =
    "there is no tar inside the gzip data; a KRT file is a gzip-compressed tar, as `tar czf name.krt` makes it";

fn too_long(what: &str, max: u64) -> Stop {
    Stop::TooLarge(format!("at most {} are allowed for {what}", size_in_words(max)))
}

fn checksum_is_right(header: &Header) -> bool {
    let bytes = header.as_bytes();
    // The checksum's own eight bytes count as spaces.
    let sum: u32 = bytes[..148].iter().chain(&bytes[156..]).map(|b| u32::from(*b)).sum::<u32>() + 8 * u32::from(b' ');
    header.cksum().is_ok_and(|said| said == sum)
}
