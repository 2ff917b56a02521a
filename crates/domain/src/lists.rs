//! What lists of versions are asked for and answer: part by part, so that a thousand versions are none too many.

use serde::{Deserialize, Serialize};

use crate::{Command, RuntimeId, VersionName, VersionState, VersionSummary};

/// Which of a runtime's versions to list, and how many of them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct VersionQuery {
    /// Only those in this state.
    pub state: Option<VersionState>,
    /// Only those with each of these words in their name or description, in whatever case.
    pub text: String,
    /// Archived ones too. Asking for that state asks for them as well.
    pub archived: bool,
    pub limit: u32,
}

impl VersionQuery {
    /// How many a page shows at first, and how many more each time: a screenful or two, as each row is work for a browser.
    pub const PAGE: u32 = 25;

    /// Whether a version of this state, name and description is one of those asked for.
    pub fn matches(&self, state: VersionState, name: &VersionName, description: &str) -> bool {
        let in_state = match self.state {
            Some(wanted) => state == wanted,
            None => self.archived || state != VersionState::Archived,
        };
        in_state && contains_words(&self.text, &[name.as_str(), description])
    }

    /// [`VersionQuery::matches`] for what is known of a version.
    pub fn lists(&self, version: &VersionSummary) -> bool {
        self.matches(version.state, &version.name, &version.description)
    }
}

/// The answer to a [`VersionQuery`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionPage {
    /// Published first, then newest; archived ones last.
    pub versions: Vec<VersionSummary>,
    /// How many match in all.
    pub matching: u32,
    /// The version that requests from outside reach, whether it matches or not.
    pub published: Option<VersionSummary>,
    /// The version that was published before that one, or last when none is published now; never an archived one.
    pub previous: Option<VersionSummary>,
}

/// A place to go to, or something to do there, that was found by words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchResult {
    pub runtime: RuntimeId,
    pub runtime_name: String,
    /// The runtime's version that requests from outside reach.
    pub published: Option<VersionName>,
    /// None when it is the runtime itself.
    pub version: Option<MatchedVersion>,
}

impl SearchResult {
    /// Whether each word of `text` is in one of its names, or in what is to be done.
    pub fn matches(&self, text: &str) -> bool {
        let version = self.version.as_ref();
        let names =
            [Some(self.runtime.as_str()), Some(&*self.runtime_name), version.map(|version| version.name.as_str())];
        let command = version.and_then(|version| version.command).map(Command::as_str);
        contains_words(text, &names.into_iter().chain([command]).flatten().collect::<Vec<_>>())
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatchedVersion {
    pub name: VersionName,
    pub state: VersionState,
    /// Something that the version's state allows; none to just go there.
    pub command: Option<Command>,
}

/// Whether each word of `text` is in one of `texts`, in whatever case.
pub fn contains_words(text: &str, texts: &[&str]) -> bool {
    let texts: Vec<_> = texts.iter().map(|text| text.to_lowercase()).collect();
    text.to_lowercase().split_whitespace().all(|word| texts.iter().any(|text| text.contains(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_has_to_be_found_somewhere() {
        assert!(contains_words("", &["reviews-v1"]));
        assert!(contains_words("V1  sorts", &["reviews-v1", "Sorts reviews"]));
        assert!(!contains_words("v1 drafts", &["reviews-v1", "Sorts reviews"]));
    }

    #[test]
    fn what_was_found_has_the_words_of_its_names_and_of_what_it_does() {
        let found = |command| SearchResult {
            runtime: "demo".parse().unwrap(),
            runtime_name: "Shop".to_owned(),
            published: None,
            version: Some(MatchedVersion { name: "v1".parse().unwrap(), state: VersionState::Started, command }),
        };
        for text in ["", "v1 shop", "DEMO pub"] {
            assert!(found(Some(Command::Publish)).matches(text), "{text}");
        }
        assert!(!found(Some(Command::Stop)).matches("pub"));
        assert!(!found(None).matches("publish"));
    }

    #[test]
    fn archived_versions_are_listed_only_when_asked_for() {
        let name: VersionName = "v1".parse().unwrap();
        let lists = |query: VersionQuery, state| query.matches(state, &name, "");
        let archived = VersionState::Archived;
        assert!(!lists(VersionQuery::default(), archived));
        assert!(lists(VersionQuery { archived: true, ..VersionQuery::default() }, archived));
        let only = VersionQuery { state: Some(archived), ..VersionQuery::default() };
        assert!(lists(only.clone(), archived));
        assert!(!lists(only, VersionState::Started));
        assert!(lists(VersionQuery::default(), VersionState::Started));
    }
}
