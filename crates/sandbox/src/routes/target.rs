//! What a path of the API means. By hand, as `namespaces/{name}/status` and `namespaces/{namespace}/{kind}` look alike.

use crate::{kinds::Kind, store::Key};

/// A parsed path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// Objects of a kind, in one namespace or in all.
    Collection {
        kind: Kind,
        namespace: Option<String>,
    },
    Object {
        kind: Kind,
        key: Key,
        subresource: Subresource,
    },
    Discovery(Discovery),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subresource {
    None,
    Status,
    Scale,
    Log,
}

/// Paths that say what the API has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Discovery {
    Version,
    Health,
    CoreVersions,
    Groups,
    Group(String),
    Resources { group: String, version: String },
    OpenApiV2,
}

/// Reads a path; nothing when there is no such thing.
pub(super) fn parse(path: &str) -> Option<Target> {
    let parts: Vec<&str> = path.split('/').filter(|p| !p.is_empty()).collect();
    let (group, version, rest) = match parts[..] {
        ["version"] => return Some(Target::Discovery(Discovery::Version)),
        ["healthz" | "readyz" | "livez", ..] => return Some(Target::Discovery(Discovery::Health)),
        ["openapi", "v2"] => return Some(Target::Discovery(Discovery::OpenApiV2)),
        ["api"] => return Some(Target::Discovery(Discovery::CoreVersions)),
        ["apis"] => return Some(Target::Discovery(Discovery::Groups)),
        ["apis", group] => return Some(Target::Discovery(Discovery::Group(group.to_owned()))),
        ["api", version, ..] => ("", version, &parts[2..]),
        ["apis", group, version, ..] => (group, version, &parts[3..]),
        _ => return None,
    };
    let kind = |plural: &str| Kind::by_plural(group, version, plural);
    let object = |plural: &str, namespace: &str, name: &str, subresource: Subresource| {
        let kind = kind(plural)?;
        let info = kind.info();
        let has = match subresource {
            Subresource::None => true,
            Subresource::Status => info.status,
            Subresource::Scale => info.scale,
            Subresource::Log => kind == Kind::Pod,
        };
        (has && info.namespaced != namespace.is_empty()).then(|| Target::Object {
            kind,
            key: Key::new(namespace, name),
            subresource,
        })
    };
    match *rest {
        [] => Some(Target::Discovery(Discovery::Resources { group: group.to_owned(), version: version.to_owned() })),
        [plural] => Some(Target::Collection { kind: kind(plural)?, namespace: None }),
        [plural, name] => object(plural, "", name, Subresource::None),
        ["namespaces", name, "status"] => object("namespaces", "", name, Subresource::Status),
        // The content is emptied by the namespace's controller; asking for it by `finalize` is not served.
        ["namespaces", namespace, plural] => {
            let kind = kind(plural).filter(|k| k.info().namespaced)?;
            Some(Target::Collection { kind, namespace: Some(namespace.to_owned()) })
        }
        ["namespaces", namespace, plural, name] => object(plural, namespace, name, Subresource::None),
        ["namespaces", namespace, plural, name, "status"] => object(plural, namespace, name, Subresource::Status),
        ["namespaces", namespace, plural, name, "scale"] => object(plural, namespace, name, Subresource::Scale),
        ["namespaces", namespace, plural, name, "log"] => object(plural, namespace, name, Subresource::Log),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_told_apart_by_their_place() {
        let pods = Target::Collection { kind: Kind::Pod, namespace: Some("status".into()) };
        assert_eq!(parse("/api/v1/namespaces/status/pods"), Some(pods));
        let status = Target::Object { kind: Kind::Namespace, key: Key::new("", "a"), subresource: Subresource::Status };
        assert_eq!(parse("/api/v1/namespaces/a/status"), Some(status));
        let scale = Target::Object { kind: Kind::Deployment, key: Key::new("a", "b"), subresource: Subresource::Scale };
        assert_eq!(parse("/apis/apps/v1/namespaces/a/deployments/b/scale"), Some(scale));
        for nothing in [
            "/",
            "/api/v1/pods/a",
            "/api/v1/namespaces/a/pods/b/scale",
            "/apis/apps/v1/pods",
            "/api/v1/namespaces/a/namespaces/b",
        ] {
            assert_eq!(parse(nothing), None, "{nothing}");
        }
    }
}
