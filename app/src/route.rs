//! The parameters in a page's address, so that a link shows the same again.

use domain::{NameError, RuntimeId, VersionName};
use leptos_router::params::ParamsMap;

use crate::AppError;

/// The runtime that a path names. What no runtime can be called is answered as one that is not there.
pub fn runtime_id(text: &str) -> Result<RuntimeId, AppError> {
    text.parse().map_err(|_: NameError| AppError::not_found(format!("runtime `{text}`")))
}

/// The version that a path names.
pub fn version_name(text: &str) -> Result<VersionName, AppError> {
    text.parse().map_err(|_: NameError| AppError::not_found(format!("version `{text}`")))
}

/// The address of the page at `path` with one thing asked for differently; without it when `value` is empty.
pub fn with_param(path: &str, query: &ParamsMap, name: &'static str, value: &str) -> String {
    let mut query = query.clone();
    query.remove(name);
    if !value.is_empty() {
        query.insert(name, value.to_owned());
    }
    format!("{path}{}", query.to_query_string())
}

/// The query parameter of this name without the space around it; none when nothing is left.
pub fn param(query: &ParamsMap, name: &str) -> Option<String> {
    query.get(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}

/// A word of the wire as its type.
pub fn parse_enum<T: serde::de::DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_value(serde_json::Value::String(text.to_owned())).ok()
}

#[cfg(test)]
mod tests {
    use domain::VersionState;

    use super::*;

    #[test]
    fn an_address_changes_in_one_thing_and_keeps_the_rest() {
        let mut query = ParamsMap::new();
        query.insert("q", "a b".to_owned());
        query.insert("state", "started".to_owned());
        let address = with_param("/x", &query, "state", "stopped");
        assert!(address.starts_with("/x?") && address.contains("state=stopped") && address.contains("q=a%20b"));
        assert!(!address.contains("started"));
        query.remove("state");
        assert_eq!(with_param("/x", &query, "q", ""), "/x");
    }

    #[test]
    fn only_what_is_asked_for_counts() {
        let mut query = ParamsMap::new();
        query.insert("who", "  ".to_owned());
        assert_eq!(param(&query, "who"), None);
        assert_eq!(parse_enum::<VersionState>("started"), Some(VersionState::Started));
        assert_eq!(parse_enum::<VersionState>("on fire"), None);
    }
}
