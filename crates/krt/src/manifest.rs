//! The manifest (docs/krt.md §2–§6): from its text to the model, or to all of its problems.

mod config;
mod entrypoint;
mod fields;
mod graph;
mod nodes;
mod placeholder;
mod report;
mod suggest;
mod v1;
mod v2;
mod version;

pub use config::is_variable_name;

use std::collections::BTreeSet;

use domain::Problem;

use crate::{
    ArchiveIndex,
    archive::formats::{binary_format_of, wide_encoding_of},
    limits::MAX_PROBLEMS,
    model::{KrtVersion, Manifest},
    paths,
    yaml::{self, Position},
};
use fields::Item;
use report::Report;

/// Reads a manifest against the archive that it came in.
///
/// Answers the manifest and the warnings, or everything found: at least one error, and the warnings. Both are ordered
/// by line and column. A text that is not YAML gives one problem.
pub fn parse_manifest(text: &[u8], index: &ArchiveIndex) -> Result<(Manifest, Vec<Problem>), Vec<Problem>> {
    parse(text, index, &[], MAX_PROBLEMS)
}

/// `skipped_protos` are in the archive, but their texts were not kept.
pub(crate) fn parse(
    text: &[u8],
    index: &ArchiveIndex,
    skipped_protos: &[String],
    max_problems: usize,
) -> Result<(Manifest, Vec<Problem>), Vec<Problem>> {
    let text = str::from_utf8(text).map_err(|error| vec![not_text(text, error.valid_up_to())])?;
    let root = match yaml::parse(text) {
        Ok(Some(root)) => root,
        Ok(None) => return Err(vec![yaml::problem(Position::START, "the manifest is empty")]),
        Err(problem) => {
            if let Some(problem) = in_another_form(text.as_bytes()) {
                return Err(vec![problem]);
            }
            let cause = yaml::cause(text, problem.line.unwrap_or(u32::MAX));
            return Err(vec![cause.unwrap_or(problem)]);
        }
    };
    if let Some(problem) = in_another_form(text.as_bytes()).filter(|_| Item::root(&root).peek_fields().is_none()) {
        return Err(vec![problem]);
    }
    let mut report = Report::new(index, skipped_protos, max_problems);
    report.duplicate_fields(&root, "");
    let manifest = read(&Item::root(&root), &mut report);
    let warnings = report.finish().map_err(|mut problems| {
        // An odd indentation may be valid YAML with another meaning than it seems.
        let first = problems.iter().filter_map(|problem| problem.line).max().unwrap_or(0);
        if let Some(cause) = yaml::cause(text, first) {
            problems.insert(0, cause);
        }
        problems
    })?;
    // Each part that cannot be read has reported an error, so this is unreachable.
    manifest
        .map(|manifest| (manifest, warnings))
        .ok_or_else(|| vec![yaml::problem(Position::START, "the manifest could not be read")])
}

fn read(root: &Item<'_>, report: &mut Report<'_>) -> Option<Manifest> {
    let fields = root.fields("a manifest: fields such as `version` and `workflows`", report)?;
    let krt_version = version::read(&fields, report);
    let known: &[&str] = match krt_version {
        KrtVersion::V1 => &["version", "krtVersion", "description", "entrypoint", "config", "nodes", "workflows"],
        KrtVersion::V2 => &["version", "krtVersion", "description", "entrypoint", "config", "workflows"],
    };
    fields.warn_of_unknown(
        known,
        &[("nodes", "belongs to krtVersion v1; in v2 each workflow has its own `nodes`")],
        report,
    );

    let version = fields
        .require("version", "name the version, such as `version: greeter-v1`", report)
        .and_then(|item| item.name("greeter-v1", report));
    let description = fields
        .require("description", "say in a sentence what the version does", report)
        .and_then(|item| item.text(report).map(str::to_owned));
    let entrypoint = fields
        .require("entrypoint", "add `entrypoint` with `proto` and `image`", report)
        .and_then(|item| entrypoint::read(&item, report));
    let config = config::read(&fields, report);
    let rpcs = entrypoint::rpcs(entrypoint.as_ref(), &fields, report);
    let workflows = match krt_version {
        KrtVersion::V1 => v1::workflows(&fields, rpcs.as_ref(), report),
        KrtVersion::V2 => v2::workflows(&fields, rpcs.as_ref(), report),
    };
    Some(Manifest {
        version: version?,
        krt_version,
        description: description?,
        entrypoint: entrypoint?,
        config: config?,
        workflows: workflows?,
    })
}

/// The normalized paths that a manifest names, as far as it can be read: these entries are needed, whether they come
/// before or after it.
pub(crate) fn files_named(text: &[u8]) -> BTreeSet<String> {
    let Some(root) = str::from_utf8(text).ok().and_then(|text| yaml::parse(text).ok().flatten()) else {
        return BTreeSet::new();
    };
    fn elements<'n>(item: &Item<'n>, name: &str) -> Vec<Item<'n>> {
        item.peek(name).map_or_else(Vec::new, |list| list.elements())
    }
    let root = Item::root(&root);
    let of_workflows = elements(&root, "workflows").iter().flat_map(|workflow| elements(workflow, "nodes")).collect();
    let nodes = [elements(&root, "nodes"), of_workflows].concat();
    let proto = root.peek("entrypoint").and_then(|entrypoint| entrypoint.peek("proto"));
    let files = nodes.iter().filter_map(|node| node.peek("src")).chain(proto);
    files.filter_map(|file| paths::normalize(file.raw()?).ok()).collect()
}

/// That the manifest is in another encoding, compressed, packed, or not fetched.
fn in_another_form(bytes: &[u8]) -> Option<Problem> {
    let message = match (wide_encoding_of(bytes), binary_format_of(bytes)) {
        (Some(encoding), _) => format!("the manifest is {encoding}; save it as UTF-8 text"),
        (None, Some("gzip data")) => "the manifest is compressed with gzip; pack it uncompressed".to_owned(),
        (None, Some(format)) => format!("the manifest is not YAML, but {format}; pack the text itself"),
        (None, None) => return None,
    };
    Some(yaml::problem(Position::START, message))
}

fn not_text(bytes: &[u8], valid_up_to: usize) -> Problem {
    if let Some(problem) = in_another_form(bytes) {
        return problem;
    }
    let before = String::from_utf8_lossy(&bytes[..valid_up_to]);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    yaml::problem(
        Position { line: number(line), column: number(column) },
        "the manifest is not UTF-8 here; save it as UTF-8 text",
    )
}
