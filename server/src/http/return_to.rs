//! Where somebody goes after they have signed in: to the page that they asked for, and never to another site.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

const IN_QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.');

/// The address of the page to sign in, which goes on to this place.
pub(super) fn sign_in_url(place: &str) -> String {
    match same_site(Some(place)) {
        "/" => "/sign-in".to_owned(),
        place => format!("/sign-in?next={}", utf8_percent_encode(place, IN_QUERY)),
    }
}

/// The place, if it is one of this server's pages. A browser reads `//host` and `/\host` as another host, and leaves out
/// tabs and line ends before it reads.
pub(super) fn same_site(place: Option<&str>) -> &str {
    let is_page = |place: &&str| {
        place.starts_with('/')
            && !place.starts_with("//")
            && !place.contains('\\')
            && !place.chars().any(|c| c.is_control() || c == ' ')
            && !["/sign-in", "/sign-out", "/api/", "/link/", "/auth/"].iter().any(|other| place.starts_with(other))
    };
    place.filter(is_page).unwrap_or("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_place_but_one_of_this_site_s_pages_is_gone_to() {
        for place in ["/", "/runtimes/demo", "/activity?who=ana&action=start"] {
            assert_eq!(same_site(Some(place)), place);
        }
        for place in [
            "",
            "http://evil.example",
            "//evil.example",
            "/\\evil.example",
            "/\t/evil.example",
            "javascript:alert(1)",
            "evil",
            "/sign-in?next=/",
            "/api/v1/events",
            "/sign-out",
        ] {
            assert_eq!(same_site(Some(place)), "/", "{place:?}");
        }
        assert_eq!(same_site(None), "/");
    }

    #[test]
    fn a_place_with_a_query_of_its_own_stays_one() {
        assert_eq!(sign_in_url("/activity?who=ana&x=1"), "/sign-in?next=/activity%3Fwho%3Dana%26x%3D1");
        assert_eq!(sign_in_url("/"), "/sign-in");
    }
}
