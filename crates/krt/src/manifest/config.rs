//! The names of the configuration values that a version wants (docs/krt.md §2.3).

use std::collections::HashMap;

use super::{
    fields::{Fields, Item},
    report::Report,
};
use crate::{limits::MAX_CONFIG_VALUES, model::ConfigSpec, problems::shown, yaml::Position};

/// The longest key of a Secret, which is where values are kept under their names.
const MAX_NAME_LEN: usize = 253;
/// The prefix of the variables that every runner gets (docs/lifecycle.md §4.1).
const RUNNERS_PREFIX: &str = "KRT_";

pub(super) fn read(root: &Fields<'_>, report: &mut Report<'_>) -> Option<ConfigSpec> {
    let Some(item) = root.optional("config") else { return Some(ConfigSpec::default()) };
    let fields = item.fields("a mapping with `variables` and `files`", report)?;
    fields.warn_of_unknown(&["variables", "files"], &[], report);
    // Both lists share one Secret, so a name may be in one of them only.
    let mut seen = HashMap::new();
    let variables = read_names(&fields, "variables", check_variable, &mut seen, report);
    let files = read_names(&fields, "files", check_file, &mut seen, report);
    if seen.len() > MAX_CONFIG_VALUES {
        item.error(
            format!(
                "there are {} variables and files; a version has at most {MAX_CONFIG_VALUES} of them together",
                seen.len()
            ),
            report,
        );
        return None;
    }
    Some(ConfigSpec { variables: variables?, files: files? })
}

fn read_names(
    fields: &Fields<'_>,
    list: &str,
    check: fn(&str) -> Result<(), String>,
    seen: &mut HashMap<String, Position>,
    report: &mut Report<'_>,
) -> Option<Vec<String>> {
    let Some(list) = fields.optional(list) else { return Some(Vec::new()) };
    let items = list.list("a list of names", report)?;
    // Each is checked, so that all problems are reported.
    let names: Vec<Option<String>> = items.iter().map(|item| read_name(item, check, seen, report)).collect();
    names.into_iter().collect()
}

fn read_name(
    item: &Item<'_>,
    check: fn(&str) -> Result<(), String>,
    seen: &mut HashMap<String, Position>,
    report: &mut Report<'_>,
) -> Option<String> {
    let name = item.text(report)?;
    if let Err(message) = check(name) {
        if item.has_placeholder(name, report) {
            return None;
        }
        item.error(message, report);
        return None;
    }
    if let Some(first) = seen.get(name) {
        item.error(format!("`{}` is already at line {}; names are unique", shown(name), first.line), report);
        return None;
    }
    seen.insert(name.to_owned(), item.at);
    if name.starts_with(RUNNERS_PREFIX) && is_variable_name(name) {
        report.warn(
            item.at,
            &item.path,
            format!("variables that begin with `{RUNNERS_PREFIX}` belong to the runner, so the node may not get the value of `{}`; choose another name", shown(name)),
        );
    }
    Some(name.to_owned())
}

/// Whether it is a valid name of a configuration variable: `^[A-Z]([_A-Z0-9]*[A-Z0-9])?$` (docs/krt.md §2.3).
pub fn is_variable_name(name: &str) -> bool {
    let inner = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
    name.starts_with(|c: char| c.is_ascii_uppercase()) && name.bytes().all(inner) && !name.ends_with('_')
}

fn check_variable(name: &str) -> Result<(), String> {
    if name.len() > MAX_NAME_LEN {
        return Err(format!("the name has {} characters; a variable's name has at most {MAX_NAME_LEN}", name.len()));
    }
    if is_variable_name(name) {
        return Ok(());
    }
    Err(format!(
        "`{}` is not a variable name; use upper-case letters, digits and `_`, beginning with a letter and not ending with `_`, such as `API_KEY`",
        shown(name)
    ))
}

/// What a Secret's key may be.
fn check_file(name: &str) -> Result<(), String> {
    let inner = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
    if name.len() > MAX_NAME_LEN {
        return Err(format!("the name has {} characters; a file's name has at most {MAX_NAME_LEN}", name.len()));
    }
    if name.starts_with("..") {
        return Err(format!(
            "`{}` begins with `..`, which Kubernetes keeps for itself; choose another name",
            shown(name)
        ));
    }
    if name == "." || !name.bytes().all(inner) {
        return Err(format!(
            "`{}` is not a file name; use letters, digits, `-`, `.` and `_`, such as `credentials.json`",
            shown(name)
        ));
    }
    Ok(())
}
