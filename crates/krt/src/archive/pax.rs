//! PAX extended headers: records of `length key=value\n` (POSIX.1-2017, pax, "pax Extended Header"). Parsed here because
//! values may contain line ends (those of macOS do), at which the tar crate cuts them.

use super::ReadError;

/// The records that change the next entry's name, size or format. Others, such as times and attributes, are skipped.
#[derive(Debug, Default)]
pub(super) struct Pax {
    pub(super) path: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
    pub(super) sparse: bool,
}

impl Pax {
    pub(super) fn parse(mut records: &[u8]) -> Result<Self, ReadError> {
        let mut pax = Self::default();
        while !records.is_empty() {
            let (record, rest) = split_record(records).ok_or_else(malformed)?;
            records = rest;
            let equals = record.iter().position(|b| *b == b'=').ok_or_else(malformed)?;
            let (key, value) = (&record[..equals], &record[equals + 1..]);
            match key {
                b"path" => pax.path = (!value.is_empty()).then(|| value.to_vec()),
                b"size" => pax.size = (!value.is_empty()).then(|| decimal(value).ok_or_else(malformed)).transpose()?,
                key if key.starts_with(b"GNU.sparse.") => pax.sparse = true,
                _ => {}
            }
        }
        Ok(pax)
    }

    /// Whether it changes what an entry is.
    pub(super) fn is_relevant(&self) -> bool {
        self.path.is_some() || self.size.is_some() || self.sparse
    }
}

/// The first record without its length and line end, and what follows it.
fn split_record(records: &[u8]) -> Option<(&[u8], &[u8])> {
    let space = records.iter().take(20).position(|b| *b == b' ')?;
    let length = usize::try_from(decimal(&records[..space])?).ok()?;
    if length < space + 2 || length > records.len() || records[length - 1] != b'\n' {
        return None;
    }
    Some((&records[space + 1..length - 1], &records[length..]))
}

fn decimal(digits: &[u8]) -> Option<u64> {
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn malformed() -> ReadError {
    ReadError::invalid("the tar is damaged: one of its PAX headers is malformed; pack it again")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_by_their_length() {
        let pax = Pax::parse(b"12 path=a/b\n16 x=line\nline\n\n11 size=34\n").expect("well-formed");
        assert_eq!((pax.path.as_deref(), pax.size, pax.sparse), (Some(&b"a/b"[..]), Some(34), false));
        assert!(Pax::parse(b"22 GNU.sparse.major=1\n").expect("well-formed").sparse);
        assert!(!Pax::parse(b"").expect("well-formed").is_relevant());
    }

    #[test]
    fn malformed_records_are_refused() {
        for bad in [&b"x"[..], b"99 path=a\n", b"0 \n", b"5 a=b", b"6 path\n", b"12 size=-12\n\n", b" a=b\n", b"3 \n"] {
            assert!(Pax::parse(bad).is_err(), "{}", String::from_utf8_lossy(bad));
        }
    }
}
