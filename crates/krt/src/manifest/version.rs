//! The KRT version of a manifest: the one it declares (docs/krt.md §2.1), compared with its form.

use super::{
    fields::{Fields, Item},
    report::Report,
};
use crate::{model::KrtVersion, problems::shown};

/// The version to read the manifest as. If the declared version and the form differ, that is an error, and the form
/// decides, so that all other messages are about what the person wrote.
pub(super) fn read(root: &Fields<'_>, report: &mut Report<'_>) -> KrtVersion {
    let form = form_of(root);
    let Some(item) = root.optional("krtVersion") else {
        if form == Some(KrtVersion::V2) {
            report.error(
                root.get("krtVersion").map_or(root.at, |item| item.at),
                "krtVersion",
                "`krtVersion` is missing, which means v1, but the workflows are written as in v2; add `krtVersion: v2`",
            );
            return KrtVersion::V2;
        }
        return KrtVersion::V1;
    };
    match (declared(&item, report), form) {
        (Some(KrtVersion::V1), Some(KrtVersion::V2)) => {
            item.error("`krtVersion` says v1, but the workflows are written as in v2; write `krtVersion: v2`", report);
            KrtVersion::V2
        }
        (Some(KrtVersion::V2), Some(KrtVersion::V1)) => {
            item.error(
                "`krtVersion` says v2, but the workflows are written as in v1; write `krtVersion: v1`, or give each workflow its own `nodes` and an `exitpoint`",
                report,
            );
            KrtVersion::V1
        }
        (Some(declared), _) => declared,
        (None, form) => form.unwrap_or(KrtVersion::V1),
    }
}

fn declared(item: &Item<'_>, report: &mut Report<'_>) -> Option<KrtVersion> {
    match item.raw() {
        Some("v1") => Some(KrtVersion::V1),
        Some("v2") => Some(KrtVersion::V2),
        Some(other) => {
            item.error(format!("krtVersion `{}` is not supported; write `v1` or `v2`", shown(other)), report);
            None
        }
        None => item.wrong("`v1` or `v2`", report),
    }
}

/// The only version that fits the manifest's form: v1 has `nodes` beside the workflows and `sequential` in them, v2 has
/// `nodes` in them. None when both fit or neither.
fn form_of(root: &Fields<'_>) -> Option<KrtVersion> {
    let workflows = root.get("workflows").map(|item| item.elements()).unwrap_or_default();
    let any_has = |name: &str| workflows.iter().filter_map(Item::peek_fields).any(|fields| fields.has(name));
    match (root.has("nodes") || any_has("sequential"), any_has("nodes")) {
        (true, false) => Some(KrtVersion::V1),
        (false, true) => Some(KrtVersion::V2),
        _ => None,
    }
}
