//! The entrypoint: its proto file, its image, and the rpcs that workflows may name.

use std::collections::HashSet;

use super::{
    fields::{Fields, Item},
    nodes::{FileField, read_file_path, read_image},
    report::Report,
};
use crate::{
    limits::MAX_RPC_LEN,
    model::Entrypoint,
    problems::shown,
    proto::{self, Rpcs},
};

/// The most names that a message lists.
const MAX_LISTED: usize = 20;

pub(super) fn read(item: &Item<'_>, report: &mut Report<'_>) -> Option<Entrypoint> {
    let fields = item.fields("a mapping with `proto` and `image`", report)?;
    fields.warn_of_unknown(&["proto", "image"], &[], report);
    let proto = fields
        .require("proto", "name the proto file that defines the service, such as `proto: public_input.proto`", report)
        .and_then(|item| read_file_path(&item, FileField::Proto, report));
    let image = fields
        .require("image", "name the entrypoint's image, such as `image: konstellation/kre-entrypoint:latest`", report)
        .and_then(|item| read_image(&item, report));
    Some(Entrypoint { proto: proto?, image: image? })
}

/// The rpcs that workflows may name as their entrypoints.
pub(super) struct KnownRpcs {
    file: String,
    /// In the order of the file.
    names: Vec<String>,
    known: HashSet<String>,
}

/// None when not all of them are known. A proto file that was not kept, or cannot be read, is a warning.
pub(super) fn rpcs(entrypoint: Option<&Entrypoint>, root: &Fields<'_>, report: &mut Report<'_>) -> Option<KnownRpcs> {
    let file = entrypoint?.proto.as_str();
    let why = match proto::rpcs(file, report.index) {
        Some(Ok(Rpcs { names, services, complete: true })) => {
            warn_of_service(&services, file, root, report);
            return Some(KnownRpcs { file: file.to_owned(), known: names.iter().cloned().collect(), names });
        }
        Some(Ok(_)) => return None,
        Some(Err(reason)) => format!("the proto file cannot be read ({reason})"),
        None if report.skipped_protos.iter().any(|unread| unread == file) => {
            "the proto file is not UTF-8 text, or it is too large to be read".to_owned()
        }
        None => return None,
    };
    let item = root.get("entrypoint")?.peek_fields()?.get("proto")?;
    let message = format!("{why}; the workflows' entrypoints were not checked against its rpcs");
    report.warn(item.at, &item.path, message);
    None
}

/// The original image of the entrypoint knows one service only (docs/runners.md §3).
const SERVICE: &str = "Entrypoint";

fn warn_of_service(services: &[String], file: &str, root: &Fields<'_>, report: &mut Report<'_>) {
    let Some(first) = services.first().filter(|_| services.iter().all(|service| service != SERVICE)) else { return };
    let Some(item) = root.get("entrypoint").and_then(|item| item.peek_fields()?.get("proto")) else { return };
    let message = format!(
        "`{}` has the service `{}` and none named `{SERVICE}`; the original entrypoint image serves only that one, and ends \
         at its start without it",
        shown(file),
        shown(first)
    );
    report.warn(item.at, &item.path, message);
}

/// A workflow's entrypoint; one that the proto file does not define is a warning (docs/krt.md §4).
pub(super) fn read_workflow_entrypoint(
    workflow: &Fields<'_>,
    rpcs: Option<&KnownRpcs>,
    report: &mut Report<'_>,
) -> Option<String> {
    let item = workflow.require(
        "entrypoint",
        "name the rpc that triggers the workflow, such as `entrypoint: Greet`",
        report,
    )?;
    let name = item.text(report)?;
    let length = name.chars().count();
    if length > MAX_RPC_LEN {
        item.error(format!("the rpc's name has {length} characters; it has at most {MAX_RPC_LEN}"), report);
        return None;
    }
    if let Some(KnownRpcs { file, names, known }) = rpcs
        && !known.contains(name)
    {
        if item.has_placeholder(name, report) {
            return None;
        }
        let close = report.did_you_mean(name, names.iter().map(String::as_str));
        let listed: Vec<String> = names.iter().take(MAX_LISTED).map(|name| format!("`{}`", shown(name))).collect();
        let more = names.len().saturating_sub(MAX_LISTED);
        let defined = match (listed.as_slice(), more) {
            ([], _) => "it defines none".to_owned(),
            (listed, 0) => format!("it defines {}", listed.join(", ")),
            (listed, more) => format!("it defines {} and {more} more", listed.join(", ")),
        };
        let message = format!("`{}` is not an rpc of `{}`; {defined}{close}", shown(name), shown(file));
        report.warn(item.at, &item.path, message);
    }
    Some(name.to_owned())
}
