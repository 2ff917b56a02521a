//! What versions' screens show of their files: documentation, manifests, and what differs between two versions.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use domain::{
    ApiError, Caller, Comparison, DiffLine, DocumentationPage, ManifestDiff, RuntimeId, VersionName, access::Permission,
};
use krt::Protos;
use similar::{ChangeTag, TextDiff};

use super::{Service, errors::from_store};
use crate::{
    documentation,
    store::{Content, VersionRecord},
};

/// After this long a difference need not be the smallest any more.
const DIFF_TIME: Duration = Duration::from_millis(300);
/// Manifests of people have some hundred lines.
const DIFF_MAX_LINES: usize = 5_000;

impl Service {
    /// A page of the documentation, the first one unless `page` is its path in the file. None when there is no first.
    ///
    /// # Errors
    /// `NotFound` when there is no such version or no such page.
    pub(crate) async fn documentation(
        &self,
        caller: &Caller,
        runtime: &RuntimeId,
        version: &VersionName,
        page: Option<String>,
    ) -> Result<Option<DocumentationPage>, ApiError> {
        self.allow(caller, Permission::View, Some(runtime))?;
        let sha256 = self.record(runtime, version).await?.file.sha256;
        let documents: BTreeSet<_> = self.store.documents(&sha256).await.map_err(from_store)?.into_iter().collect();
        let permit = self.blocking_work.permit().await?;
        let is_requested = page.is_some();
        let path = page.unwrap_or_else(|| documentation::FIRST.to_owned());
        let Some(content) = self.store.document(&sha256, &path).await.map_err(from_store)? else {
            let missing = ApiError::NotFound { what: format!("document `{path}` in version `{version}`") };
            return if is_requested { Err(missing) } else { Ok(None) };
        };
        let (runtime, version) = (runtime.clone(), version.clone());
        let shown = permit.run(move || {
            let context = documentation::PageContext { runtime: &runtime, version: &version, documents: &documents };
            documentation::page(&context, &path, &content)
        });
        shown.await.map(Some)
    }

    /// A file of the documentation as it is in the KRT; `path` is below `docs/`.
    ///
    /// # Errors
    /// `NotFound` when there is no such version or file.
    pub(crate) async fn document(
        &self,
        caller: &Caller,
        runtime: &RuntimeId,
        version: &VersionName,
        path: &str,
    ) -> Result<Vec<u8>, ApiError> {
        self.allow(caller, Permission::View, Some(runtime))?;
        let sha256 = self.record(runtime, version).await?.file.sha256;
        let found = self.store.document(&sha256, &format!("docs/{path}")).await.map_err(from_store)?;
        found.ok_or_else(|| ApiError::NotFound { what: format!("document `docs/{path}` in version `{version}`") })
    }

    /// What changes from version `from` to version `to`.
    ///
    /// # Errors
    /// `NotFound` when there is no such runtime or version.
    pub(crate) async fn comparison(
        &self,
        caller: &Caller,
        runtime: &RuntimeId,
        from: &VersionName,
        to: &VersionName,
    ) -> Result<Comparison, ApiError> {
        self.allow(caller, Permission::View, Some(runtime))?;
        let permit = self.blocking_work.permit().await?;
        let (before, after) = (self.record(runtime, from).await?, self.record(runtime, to).await?);
        let was = self.store.content(runtime, from).await.map_err(from_store)?;
        let now = self.store.content(runtime, to).await.map_err(from_store)?;
        let compared = permit.run(move || {
            let (before_values, after_values) = (exposed(&before), exposed(&after));
            let (was_protos, now_protos) = (protos(&before, was.as_ref()), protos(&after, now.as_ref()));
            let mut found = krt::compare(
                side(&before, &before_values, was.as_ref(), was_protos.as_deref()),
                side(&after, &after_values, now.as_ref(), now_protos.as_deref()),
            );
            found.manifest = manifest_diff(&before.manifest_text, &after.manifest_text);
            found
        });
        compared.await
    }
}

/// Only to tell whether two values differ; a comparison tells no value.
fn exposed(record: &VersionRecord) -> BTreeMap<&str, &str> {
    record.config.iter().map(|(name, value)| (name.as_str(), value.expose())).collect()
}

/// The proto files of a version, as many of them as were kept when it was added.
pub(super) fn protos<'c>(record: &VersionRecord, content: Option<&'c Content>) -> Option<Cow<'c, Protos>> {
    let Content { protos, proto_text, .. } = content?;
    let only_its_own = || Some(Protos::without_imports(&record.manifest.entrypoint.proto, proto_text.as_deref()?));
    protos.as_ref().map(Cow::Borrowed).or_else(|| only_its_own().map(Cow::Owned))
}

fn side<'a>(
    record: &'a VersionRecord,
    config: &'a BTreeMap<&'a str, &'a str>,
    content: Option<&'a Content>,
    protos: Option<&'a Protos>,
) -> krt::Side<'a> {
    krt::Side { manifest: &record.manifest, config, digests: content.map(|content| content.digests.as_slice()), protos }
}

fn manifest_diff(before: &str, after: &str) -> ManifestDiff {
    let diff = TextDiff::configure().timeout(DIFF_TIME).diff_lines(before, after);
    let number = |index: Option<usize>| index.and_then(|index| u32::try_from(index + 1).ok());
    let mut all = diff.iter_all_changes().map(|change| DiffLine {
        before: number(change.old_index()).filter(|_| change.tag() != ChangeTag::Insert),
        after: number(change.new_index()).filter(|_| change.tag() != ChangeTag::Delete),
        text: change.value().trim_end_matches(['\n', '\r']).to_owned(),
    });
    let lines = all.by_ref().take(DIFF_MAX_LINES).collect();
    ManifestDiff { lines, cut: all.next().is_some() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manifests_are_compared_line_by_line() {
        let diff = manifest_diff("a\nb\nc\n", "a\nB\nc\r\nd");
        let lines: Vec<_> = diff.lines.iter().map(|line| (line.before, line.after, line.text.as_str())).collect();
        let expected = [
            (Some(1), Some(1), "a"),
            (Some(2), None, "b"),
            (Some(3), None, "c"),
            (None, Some(2), "B"),
            (None, Some(3), "c"),
            (None, Some(4), "d"),
        ];
        assert_eq!(lines, expected);
        assert!(!diff.cut);
    }

    #[test]
    fn a_comparison_of_long_texts_is_bounded() {
        let lines = |word: &str| (0..20_000).map(|n| format!("{word}{}\n", n % 7)).collect::<String>();
        let diff = manifest_diff(&lines("a"), &lines("b"));
        assert_eq!(diff.lines.len(), DIFF_MAX_LINES);
        assert!(diff.cut);
    }
}
