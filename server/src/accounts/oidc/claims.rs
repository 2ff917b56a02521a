//! What the provider says of a person, made into a name and groups of a size that one can keep.

use std::collections::BTreeMap;

use domain::{PersonName, is_unseen};
use openidconnect::{
    AdditionalClaims, EndUserName, EndUserUsername, IdTokenClaims, LocalizedClaim, UserInfoClaims,
    core::CoreGenderClaim,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

const MAX_NAME_CHARS: usize = 60;
const MAX_GROUPS: usize = 500;
const MAX_GROUP_CHARS: usize = 256;

/// The claims that OpenID Connect does not name; the groups are one of them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct OtherClaims(BTreeMap<String, Value>);

impl AdditionalClaims for OtherClaims {}

/// A name to show and the groups; what is not said is none.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Profile {
    pub(super) name: Option<PersonName>,
    pub(super) groups: Option<Vec<String>>,
}

impl Profile {
    pub(super) fn of_token(claims: &IdTokenClaims<OtherClaims, CoreGenderClaim>, groups_claim: &str) -> Self {
        let verified = claims.email_verified() == Some(true);
        let email = claims.email().filter(|_| verified).map(|email| email.as_str());
        Self {
            name: name(claims.name(), claims.preferred_username(), email),
            groups: groups(claims.additional_claims(), groups_claim),
        }
    }

    pub(super) fn of_user_info(claims: &UserInfoClaims<OtherClaims, CoreGenderClaim>, groups_claim: &str) -> Self {
        let verified = claims.email_verified() == Some(true);
        let email = claims.email().filter(|_| verified).map(|email| email.as_str());
        Self {
            name: name(claims.name(), claims.preferred_username(), email),
            groups: groups(claims.additional_claims(), groups_claim),
        }
    }

    /// The ID token's word counts for more than the user information's, which is not signed.
    pub(super) fn or(self, other: Self) -> Self {
        Self { name: self.name.or(other.name), groups: self.groups.or(other.groups) }
    }

    pub(super) fn is_complete(&self) -> bool {
        self.name.is_some() && self.groups.is_some()
    }
}

fn name(
    name: Option<&LocalizedClaim<EndUserName>>,
    username: Option<&EndUserUsername>,
    verified_email: Option<&str>,
) -> Option<PersonName> {
    let name = name.and_then(|name| name.get(None)).map(|name| name.as_str());
    [name, username.map(|username| username.as_str()), verified_email].into_iter().flatten().find_map(shown)
}

/// As a name that a person can have: one short line, without what a reader cannot see; none when nothing is left.
pub(super) fn shown(text: &str) -> Option<PersonName> {
    let text: String = text
        .chars()
        .filter_map(|c| match c {
            '(' | ')' => Some(' '),
            c if c.is_whitespace() => Some(' '),
            c => Some(c).filter(|c| !is_unseen(*c)),
        })
        .collect();
    let text: String = text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(MAX_NAME_CHARS).collect();
    text.parse().ok()
}

/// A text or a list of texts. What is too much is left out, which takes rights and gives none.
fn groups(claims: &OtherClaims, claim: &str) -> Option<Vec<String>> {
    let named: Vec<&str> = match claims.0.get(claim)? {
        Value::String(group) => vec![group],
        Value::Array(groups) => groups.iter().filter_map(Value::as_str).collect(),
        _ => vec![],
    };
    let fits = |group: &&&str| {
        (1..=MAX_GROUP_CHARS).contains(&group.chars().take(MAX_GROUP_CHARS + 1).count()) && !group.contains(is_unseen)
    };
    let mut kept: Vec<String> = named.iter().filter(fits).take(MAX_GROUPS).map(|group| (*group).to_owned()).collect();
    if kept.len() < named.len() {
        tracing::warn!("{} of {} groups in the claim `{claim}` are left out", named.len() - kept.len(), named.len());
    }
    kept.sort();
    kept.dedup();
    Some(kept)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn profile(claims: Value) -> Profile {
        let mut all = json!({ "sub": "1" });
        all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
        let body = all.to_string();
        let claims = UserInfoClaims::from_json::<std::convert::Infallible>(body.as_bytes(), None).unwrap();
        Profile::of_user_info(&claims, "groups")
    }

    #[test]
    fn the_name_is_the_first_that_is_said_and_an_email_counts_only_when_it_is_verified() {
        for (claims, name) in [
            (
                json!({ "name": "Mira Holt", "preferred_username": "mira", "email": "m@a", "email_verified": true }),
                Some("Mira Holt"),
            ),
            (
                json!({ "name": " ", "preferred_username": "mira", "email": "m@a", "email_verified": true }),
                Some("mira"),
            ),
            (json!({ "email": "m@a", "email_verified": true }), Some("m@a")),
            (json!({ "email": "m@a", "email_verified": "true" }), Some("m@a")),
            (json!({ "email": "m@a", "email_verified": false }), None),
            (json!({ "email": "m@a" }), None),
            (json!({}), None),
        ] {
            let found = profile(claims.clone()).name;
            assert_eq!(found.as_ref().map(PersonName::as_str), name, "{claims}");
        }
    }

    #[test]
    fn a_name_is_one_short_line_of_what_can_be_seen() {
        let shown = |text: &str| shown(text).map(String::from);
        assert_eq!(shown("  Mira\n\tHolt\0 ").as_deref(), Some("Mira Holt"));
        assert_eq!(shown("Mira Holt (Extern)").as_deref(), Some("Mira Holt Extern"));
        assert_eq!(shown("\u{202e}arim\u{200b}").as_deref(), Some("arim"));
        assert_eq!(shown(&"ä".repeat(500)).unwrap().chars().count(), MAX_NAME_CHARS);
        // Nobody is called as the server is, or as whoever needs no sign-in.
        for none in ["\u{feff} \n", "", "()", "Local", "kai-server"] {
            assert_eq!(shown(none), None, "{none:?}");
        }
    }

    #[test]
    fn groups_are_a_text_or_a_list_of_texts_and_bounded() {
        let many: Vec<_> = (0..2000).map(|number| format!("g{number:04}")).collect();
        for (groups, expected) in [
            (json!("ops"), Some(vec!["ops"])),
            (json!(["ops", "dev", "ops"]), Some(vec!["dev", "ops"])),
            (json!([]), Some(vec![])),
            (json!(["ops", 1, null, { "a": 1 }, "", "a\nb", "x".repeat(5000)]), Some(vec!["ops"])),
            (json!({ "ops": true }), Some(vec![])),
            (json!(many), Some(many[..MAX_GROUPS].iter().map(String::as_str).collect())),
        ] {
            let found = profile(json!({ "groups": groups })).groups;
            assert_eq!(found.as_ref().map(|found| found.iter().map(String::as_str).collect::<Vec<_>>()), expected);
        }
        assert_eq!(profile(json!({ "roles": ["ops"] })).groups, None);
    }
}
