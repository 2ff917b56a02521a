//! Recognises the format of a file by its first bytes, for messages about a file of another format.

/// Enough for a tar's magic number.
pub(super) const HEAD_BYTES: usize = 512;
pub(super) const GZIP: [u8; 2] = [0x1f, 0x8b];

/// The format in a few words; none if it is not known here.
pub(super) fn format_of(head: &[u8]) -> Option<&'static str> {
    binary_format_of(head).or_else(|| is_text(head).then_some("a text"))
}

/// The format of what stands in a text's place.
pub(crate) fn binary_format_of(head: &[u8]) -> Option<&'static str> {
    const MARKS: [(&[u8], &str); 12] = [
        (&GZIP, "gzip data"),
        (b"PK", "a ZIP file"),
        (b"BZh", "data compressed with bzip2"),
        (b"\xfd7zXZ", "data compressed with xz"),
        (b"\x28\xb5\x2f\xfd", "data compressed with zstd"),
        (b"\x04\x22\x4d\x18", "data compressed with lz4"),
        (b"LZIP", "data compressed with lzip"),
        (b"\x1f\x9d", "data compressed with `compress`"),
        (b"7z\xbc\xaf\x27\x1c", "a 7-Zip file"),
        (b"Rar!", "a RAR file"),
        (b"%PDF", "a PDF document"),
        (b"version https://git-lfs", "a Git LFS pointer, in place of the file that `git lfs pull` fetches"),
    ];
    if head.get(257..262) == Some(b"ustar") {
        return Some("a tar without compression");
    }
    MARKS.iter().find(|(mark, _)| head.starts_with(mark)).map(|(_, what)| *what)
}

/// The encoding of a text that is not UTF-8: by its mark, or by the NULs that ASCII has in it.
pub(crate) fn wide_encoding_of(text: &[u8]) -> Option<&'static str> {
    match text {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] | [1..=0xff, 0, 0, 0, ..] | [0, 0, 0, 1..=0xff, ..] => {
            Some("UTF-32")
        }
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [1..=0xff, 0, ..] | [0, 1..=0xff, ..] => Some("UTF-16"),
        _ => None,
    }
}

/// The head may end within a character.
fn is_text(head: &[u8]) -> bool {
    let text = match str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default(),
        Err(_) => return false,
    };
    !text.is_empty() && !text.contains(|c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
}
