//! What could not be looked at, and why.

/// A file that is imported, and why it could not be read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Missing {
    pub(super) file: String,
    pub(super) why: Why,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Why {
    NotInArchive,
    /// The version was added by a server that kept only the entrypoint's own file.
    NotKept,
    /// It is not UTF-8, or the archive has too much of its kind.
    TooMuch,
    Broken(String),
}

impl Missing {
    /// As a sentence without its point; `of` is whose file it is: "`v1`".
    pub(crate) fn sentence(&self, of: &str) -> String {
        let Self { file, why } = self;
        match why {
            Why::NotInArchive => format!("`{file}` is not in the archive of {of}"),
            Why::NotKept => format!("`{file}` was not kept when {of} was added"),
            Why::TooMuch => {
                format!(
                    "`{file}` of {of} was not kept: it is not UTF-8 text, or the proto files are too many or too large"
                )
            }
            Why::Broken(reason) => format!("`{file}` of {of} cannot be read ({reason})"),
        }
    }
}
