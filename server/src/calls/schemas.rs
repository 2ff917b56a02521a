//! Schemas that were read lately, so that typing a request does not read the same files again and again.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use super::Schema;

const MAX_KEPT: usize = 16;
/// Of proto text, all together: descriptors take a hundred times as much, of a file that is made for it.
const MAX_KEPT_BYTES: usize = 256 << 10;

/// What a version's files were read to.
pub(crate) type Read = Result<Arc<Schema>, String>;

#[derive(Default)]
pub(crate) struct Schemas(Mutex<VecDeque<Kept>>);

struct Kept {
    /// The SHA-256 of the KRT file.
    file: String,
    read: Read,
    /// Of the texts that it was read from.
    bytes: usize,
}

impl Schemas {
    pub(crate) fn get(&self, file: &str) -> Option<Read> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = all.iter().position(|kept| kept.file == file)?;
        let found = all.remove(at)?;
        let read = found.read.clone();
        all.push_front(found);
        Some(read)
    }

    /// Keeps it in place of those that were used longest ago, unless it is too large.
    pub(crate) fn keep(&self, file: &str, bytes: usize, read: Read) {
        if bytes > MAX_KEPT_BYTES {
            return;
        }
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|kept| kept.file != file);
        all.push_front(Kept { file: file.to_owned(), read, bytes });
        while all.len() > MAX_KEPT || all.iter().map(|kept| kept.bytes).sum::<usize>() > MAX_KEPT_BYTES {
            all.pop_back();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_longest_ago_gives_way() {
        let all = Schemas::default();
        let none = || Err("unreadable".to_owned());
        for at in 0..MAX_KEPT {
            all.keep(&at.to_string(), 1, none());
        }
        assert!(all.get("0").is_some());
        all.keep("one more", 1, none());
        assert!(all.get("0").is_some() && all.get("1").is_none() && all.get("one more").is_some());
        all.keep("large", MAX_KEPT_BYTES, none());
        assert!(all.get("large").is_some() && all.get("0").is_none());
        all.keep("too large", MAX_KEPT_BYTES + 1, none());
        assert!(all.get("too large").is_none() && all.get("large").is_some());
    }
}
