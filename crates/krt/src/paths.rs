//! Normalizes names of entries and paths in the manifest, so that `./src/main.py` equals `src/main.py`.

/// Why a name is not the name of a file in the archive (docs/krt.md §1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PathError {
    /// It is empty, or the archive's root.
    Empty,
    Absolute,
    /// It has a `..`.
    Parent,
    /// It has a NUL, at which other programs cut it.
    Nul,
}

/// The name without `./`, doubled slashes and a slash at the end.
pub(crate) fn normalize(name: &str) -> Result<String, PathError> {
    if name.starts_with('/') {
        return Err(PathError::Absolute);
    }
    if name.contains('\0') {
        return Err(PathError::Nul);
    }
    let mut clean = String::with_capacity(name.len());
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." => return Err(PathError::Parent),
            part => {
                if !clean.is_empty() {
                    clean.push('/');
                }
                clean.push_str(part);
            }
        }
    }
    if clean.is_empty() { Err(PathError::Empty) } else { Ok(clean) }
}

/// The part after the last slash.
pub(crate) fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_places_have_equal_names() {
        for name in ["src/main.py", "./src/main.py", "src//main.py", "src/./main.py", "./src/main.py/"] {
            assert_eq!(normalize(name).as_deref(), Ok("src/main.py"), "{name}");
        }
    }

    #[test]
    fn names_that_leave_the_archive_are_refused() {
        assert_eq!(normalize("/etc/passwd"), Err(PathError::Absolute));
        assert_eq!(normalize("../x"), Err(PathError::Parent));
        assert_eq!(normalize("a/../../x"), Err(PathError::Parent));
        assert_eq!(normalize("a/.."), Err(PathError::Parent));
        assert_eq!(normalize("a\0b"), Err(PathError::Nul));
        assert_eq!(normalize("./"), Err(PathError::Empty));
        assert_eq!(normalize(""), Err(PathError::Empty));
        assert_eq!(normalize("..x/y..").as_deref(), Ok("..x/y.."));
    }
}
