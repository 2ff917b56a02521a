//! What a page is asked for by its address, so that a link shows the same again.

use leptos_router::params::ParamsMap;

/// The address of the page at `path` with one thing asked for differently; without it when `value` is empty.
pub fn with_param(path: &str, query: &ParamsMap, name: &'static str, value: &str) -> String {
    let mut query = query.clone();
    query.remove(name);
    if !value.is_empty() {
        query.insert(name, value.to_owned());
    }
    format!("{path}{}", query.to_query_string())
}

/// What is asked for by this name, if anything.
pub fn param(query: &ParamsMap, name: &str) -> Option<String> {
    query.get(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}

/// A word of the wire as its type.
pub fn word<T: serde::de::DeserializeOwned>(text: &str) -> Option<T> {
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
        assert_eq!(word::<VersionState>("started"), Some(VersionState::Started));
        assert_eq!(word::<VersionState>("on fire"), None);
    }
}
