//! "Did you mean …?" for names that are similar to an existing one.

use crate::paths::file_name;

/// A longer text is not a misspelled name.
const MAX_LEN: usize = 256;

/// Looks for similar names, at a bounded cost: a manifest with thousands of wrong names and an archive with as many
/// files get fewer suggestions instead of a slow check.
pub(super) struct Suggester {
    comparisons_left: u64,
}

impl Default for Suggester {
    fn default() -> Self {
        Self { comparisons_left: 20_000_000 }
    }
}

impl Suggester {
    /// The candidate with the fewest typing errors, if they are few for its length.
    pub(super) fn closest<'c>(
        &mut self,
        wanted: &str,
        candidates: impl IntoIterator<Item = &'c str>,
    ) -> Option<&'c str> {
        if wanted.is_empty() || wanted.len() > MAX_LEN {
            return None;
        }
        let folded = wanted.to_lowercase();
        let allowed = (wanted.chars().count() / 3).max(1);
        let mut best: Option<(usize, &str)> = None;
        for candidate in candidates {
            let Some(left) = self.comparisons_left.checked_sub(1) else { break };
            self.comparisons_left = left;
            if candidate.len() > MAX_LEN || candidate.len().abs_diff(wanted.len()) > allowed * 4 {
                continue;
            }
            let cost = (wanted.len() * candidate.len().max(1)) as u64;
            let Some(left) = self.comparisons_left.checked_sub(cost) else { break };
            self.comparisons_left = left;
            let distance = strsim::osa_distance(&folded, &candidate.to_lowercase());
            if distance <= allowed && best.is_none_or(|(least, _)| distance < least) {
                best = Some((distance, candidate));
            }
        }
        best.map(|(_, candidate)| candidate)
    }

    /// The one candidate with the same file name, if there is just one.
    pub(super) fn only_namesake<'c>(
        &mut self,
        wanted: &str,
        candidates: impl IntoIterator<Item = &'c str>,
    ) -> Option<&'c str> {
        let left = &mut self.comparisons_left;
        let mut namesakes = candidates
            .into_iter()
            .take_while(|candidate| {
                *left = left.saturating_sub(candidate.len() as u64);
                *left > 0
            })
            .filter(|candidate| file_name(candidate) == file_name(wanted));
        let only = namesakes.next()?;
        namesakes.next().is_none().then_some(only)
    }
}

#[cfg(test)]
mod tests {
    use super::Suggester;

    #[test]
    fn few_typing_errors_are_forgiven_and_many_are_not() {
        let names = ["etl", "email-classificator", "exitpoint"];
        let closest = |wanted| Suggester::default().closest(wanted, names);
        assert_eq!(closest("elt"), Some("etl"));
        assert_eq!(closest("email-clasificator"), Some("email-classificator"));
        assert_eq!(closest("Exitpoint"), Some("exitpoint"));
        assert_eq!(closest("storer"), None);
        assert_eq!(closest(""), None);
    }

    #[test]
    fn a_file_of_the_same_name_elsewhere_is_found_if_it_is_the_only_one() {
        let mut suggester = Suggester::default();
        assert_eq!(suggester.only_namesake("main.py", ["src/a/main.py", "x"]), Some("src/a/main.py"));
        assert_eq!(suggester.only_namesake("main.py", ["src/a/main.py", "src/b/main.py"]), None);
    }

    #[test]
    fn searching_ends_when_it_has_cost_enough() {
        let mut suggester = Suggester { comparisons_left: 10 };
        assert_eq!(suggester.closest("abcd", ["abce"]), None);
    }
}
