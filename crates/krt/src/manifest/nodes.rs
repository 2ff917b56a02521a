//! The fields that nodes have in v1 and in v2, and the values that they share with the entrypoint: images and files.

use std::collections::HashMap;

use domain::NodeName;

use super::{
    fields::{Fields, Item},
    report::Report,
};
use crate::{
    ArchiveIndex, image,
    paths::{self, PathError},
    problems::shown,
};

/// The fields that a node has in both versions.
pub(super) struct NodeParts {
    pub(super) name: NodeName,
    pub(super) image: String,
    pub(super) src: String,
    pub(super) gpu: bool,
}

pub(super) fn read_parts(fields: &Fields<'_>, report: &mut Report<'_>) -> Option<NodeParts> {
    let name =
        fields.require("name", "name the node, such as `name: etl`", report).and_then(|item| item.name("etl", report));
    let image = fields
        .require("image", "name the node's image, such as `image: konstellation/kre-py:latest`", report)
        .and_then(|item| read_image(&item, report));
    let src = fields
        .require("src", "name the file that the node runs, such as `src: src/etl/main.py`", report)
        .and_then(|item| read_file_path(&item, FileField::Src, report));
    let gpu = fields.optional("gpu").map_or(Some(false), |item| item.boolean(report));
    Some(NodeParts { name: name?, image: image?, src: src?, gpu: gpu? })
}

pub(super) fn read_image(item: &Item<'_>, report: &mut Report<'_>) -> Option<String> {
    let text = item.text(report)?;
    match image::parse(text) {
        Ok(_) => Some(text.to_owned()),
        Err(_) if item.has_placeholder(text, report) => None,
        Err(error) => {
            item.error(error.to_string(), report);
            None
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum FileField {
    Proto,
    Src,
}

/// The path of a file that is in the archive (docs/krt.md §2.1 and §6), in the form that the archive's names have.
pub(super) fn read_file_path(item: &Item<'_>, field: FileField, report: &mut Report<'_>) -> Option<String> {
    let text = item.text(report)?;
    let path = match paths::normalize(text) {
        Ok(path) => path,
        Err(error) => {
            item.error(why_no_path(text, error), report);
            return None;
        }
    };
    let extension = if field == FileField::Proto { ".proto" } else { "" };
    if !report.index.is_file(&path) && item.has_placeholder(text, report) {
        return None;
    }
    if let Some(advice) = backslashes(&path, report.index) {
        item.error(format!("`{}` {advice}", shown(text)), report);
        return None;
    }
    if !path.ends_with(extension) {
        let close = report.did_you_mean_file(&format!("{path}{extension}"), extension);
        item.error(format!("`{}` is not a proto file; its name must end in `.proto`{close}", shown(text)), report);
        return None;
    }
    if report.index.is_file(&path) {
        if field == FileField::Src && report.index.saves(&path) {
            let message = format!(
                "`{}` saves data with `db.save` or `prediction.save`; these calls fail unless a writer of your own answers on \
                 `mongo_writer_data.<runtime>` in NATS",
                shown(&path)
            );
            report.warn(item.at, &item.path, message);
        }
        return Some(path);
    }
    if report.index.is_folder(&path) {
        let message = match field {
            FileField::Proto => format!("`{}` is a folder; name the proto file", shown(text)),
            FileField::Src => {
                let inside = format!("{path}/");
                let file = report.index.files_under(&inside).next().unwrap_or("main.py");
                format!(
                    "`{}` is a folder; name the file in it that the node runs, such as `{}`",
                    shown(text),
                    shown(file)
                )
            }
        };
        item.error(message, report);
        return None;
    }
    let close = report.did_you_mean_file(&path, extension);
    item.error(format!("there is no file `{}` in the archive{close}", shown(text)), report);
    None
}

/// Advice for a path, or an entry's name, with the backslashes of Windows.
fn backslashes(path: &str, index: &ArchiveIndex) -> Option<String> {
    let slashed = path.replace('\\', "/");
    if index.is_file(path) {
        return None;
    }
    let packed = index.files().find(|name| name.contains('\\') && name.replace('\\', "/") == slashed);
    if let Some(packed) = packed {
        let packed = shown(packed);
        return Some(format!(
            "is in the archive as `{packed}`, where `\\` is part of the name and not a separator; pack it with a tool that writes `/`, such as `tar`"
        ));
    }
    if !path.contains('\\') {
        return None;
    }
    let is_drive = |text: &str| text.len() == 2 && text.ends_with(':');
    if slashed.starts_with('/') || slashed.split('/').next().is_some_and(is_drive) {
        // A path of the machine that it was written on, which may end with the one in the archive.
        let ends_with = |name: &&str| slashed.strip_suffix(name).is_some_and(|before| before.ends_with('/'));
        let meant = index.files().filter(ends_with).max_by_key(|name| name.len());
        let meant =
            meant.map_or_else(|| "name the file as it is there".to_owned(), |name| format!("write `{}`", shown(name)));
        return Some(format!("is absolute; paths begin at the archive's root, with `/` between folders: {meant}"));
    }
    Some(format!("has `\\` in it; folders are separated by `/`: write `{}`", shown(&slashed)))
}

fn why_no_path(text: &str, error: PathError) -> String {
    let text_shown = shown(text);
    match error {
        PathError::Absolute => format!(
            "`{text_shown}` is absolute; paths begin at the archive's root: `{}`",
            shown(text.trim_start_matches('/'))
        ),
        PathError::Parent => format!("`{text_shown}` has `..`; name a file inside the archive"),
        PathError::Empty => format!("`{text_shown}` is the archive's root; name a file in it"),
        PathError::Nul => format!("`{text_shown}` has a NUL character; name a file in the archive"),
    }
}

/// The names of all nodes, also of those with errors: a node whose image is wrong still exists for those that name it.
pub(super) struct NodeNames<'n> {
    /// In the order of the manifest.
    names: Vec<&'n str>,
    lines: HashMap<&'n str, u32>,
}

impl<'n> NodeNames<'n> {
    /// Reads the names of a list's nodes and reports duplicates.
    pub(super) fn read(nodes: &[Item<'n>], report: &mut Report<'_>) -> Self {
        let mut names = Vec::new();
        let mut lines = HashMap::new();
        for item in nodes.iter().filter_map(|node| node.peek_fields()?.get("name")) {
            let Some(name) = item.raw().filter(|name| !name.is_empty()) else { continue };
            if let Some(line) = lines.get(name) {
                item.error(
                    format!("a node named `{}` is already at line {line}; names are unique", shown(name)),
                    report,
                );
            } else {
                lines.insert(name, item.at.line);
                names.push(name);
            }
        }
        Self { names, lines }
    }

    pub(super) fn contains(&self, name: &str) -> bool {
        self.lines.contains_key(name)
    }

    /// All but one, in the order of the manifest.
    pub(super) fn without<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'n str> + 's {
        self.names.iter().copied().filter(move |other| *other != name)
    }

    /// Reports a name that no node has, with a similar one. `said` is the first part of the message.
    pub(super) fn report_unknown(&self, name: &str, said: &str, item: &Item<'_>, report: &mut Report<'_>) {
        let close = report.did_you_mean(name, self.names.iter().copied());
        item.error(format!("{said}{}", if close.is_empty() { self.listed("") } else { close }), report);
    }

    /// All names but one: `; there are …`.
    pub(super) fn listed(&self, but: &str) -> String {
        let listed: Vec<String> = self.without(but).take(10).map(|name| format!("`{}`", shown(name))).collect();
        match listed.as_slice() {
            [] => "; there is no other".to_owned(),
            [one] => format!("; there is {one}"),
            listed => format!("; there are {}", listed.join(", ")),
        }
    }
}
