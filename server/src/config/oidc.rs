//! Sign-in with an OpenID Connect provider: flags in, checked [`OidcSettings`] out.

use std::{fs, path::PathBuf, time::Duration};

use clap::Args;
use reqwest::Url;

use super::{ConfigError, logins::is_loopback_host};
use crate::secret::Secret;

#[derive(Clone, Args)]
pub struct OidcFlags {
    /// The issuer of the OpenID Connect provider, exactly as the provider writes it. Its discovery document is at
    /// <issuer>/.well-known/openid-configuration
    #[arg(long, env = "KAI_OIDC_ISSUER", value_name = "URL")]
    pub oidc_issuer: Option<String>,

    /// The id under which the provider knows this server
    #[arg(long, env = "KAI_OIDC_CLIENT_ID", value_name = "ID")]
    pub oidc_client_id: Option<String>,

    /// The file with the client's secret [default: none, for a public client]
    #[arg(long, env = "KAI_OIDC_CLIENT_SECRET_FILE", value_name = "FILE")]
    pub oidc_client_secret_file: Option<PathBuf>,

    /// The scopes to ask for, separated by spaces. openid is always asked for
    #[arg(long, env = "KAI_OIDC_SCOPES", default_value = "openid profile email", value_name = "SCOPES")]
    pub oidc_scopes: String,

    /// The claim that names the groups of a person: a text or a list of texts
    #[arg(long, env = "KAI_OIDC_GROUPS_CLAIM", default_value = "groups", value_name = "NAME")]
    pub oidc_groups_claim: String,

    /// The group whose members are administrators of all; the server gives it that role at each start [default: none]
    #[arg(long, env = "KAI_OIDC_ADMIN_GROUP", value_name = "NAME")]
    pub oidc_admin_group: Option<String>,

    /// The name of the provider on the sign-in page
    #[arg(long, env = "KAI_OIDC_NAME", default_value = "OpenID Connect", value_name = "NAME")]
    pub oidc_name: String,
}

/// How people sign in with an OpenID Connect provider.
#[derive(Debug, Clone)]
pub struct OidcSettings {
    /// As it was entered: the provider's own spelling is compared with it, letter by letter.
    pub issuer: String,
    pub client_id: String,
    /// None for a public client.
    pub client_secret: Option<Secret>,
    /// Without `openid`.
    pub scopes: Vec<String>,
    pub groups_claim: String,
    /// Its members are administrators of all.
    pub admin_group: Option<String>,
    pub name: String,
    /// They have no flag.
    pub limits: OidcLimits,
}

/// What the provider may take, and for how long what it said holds.
#[derive(Debug, Clone, Copy)]
pub struct OidcLimits {
    /// Of one request to the provider.
    pub request_timeout: Duration,
    pub max_answer_bytes: usize,
    /// How long the discovery document and the keys hold.
    pub metadata_age: Duration,
    /// After a failure: nobody asks the provider again before.
    pub pause_after_failure: Duration,
    /// Between two looks for a key that is not among the known ones.
    pub pause_between_keys: Duration,
    /// How long a sign-in may take at the provider.
    pub sign_in_timeout: Duration,
    /// How far the provider's clock may be ahead of this one.
    pub clock_skew: Duration,
}

impl Default for OidcLimits {
    fn default() -> Self {
        Self {
            request_timeout: Duration::from_secs(10),
            max_answer_bytes: 1 << 20,
            metadata_age: Duration::from_secs(60 * 60),
            pause_after_failure: Duration::from_secs(5),
            pause_between_keys: Duration::from_secs(60),
            sign_in_timeout: Duration::from_secs(10 * 60),
            clock_skew: Duration::from_secs(60),
        }
    }
}

impl TryFrom<OidcFlags> for OidcSettings {
    type Error = ConfigError;

    fn try_from(flags: OidcFlags) -> Result<Self, ConfigError> {
        let required = |value: Option<String>, setting| {
            let value = value.filter(|value| !value.trim().is_empty());
            value.ok_or(ConfigError::OidcMissing(setting))
        };
        let issuer = required(flags.oidc_issuer, "KAI_OIDC_ISSUER")?;
        if !is_issuer(&issuer) {
            return Err(ConfigError::OidcIssuer(issuer));
        }
        let client_secret = match flags.oidc_client_secret_file {
            None => None,
            Some(path) => {
                let read = fs::read_to_string(&path);
                let text = read.map_err(|source| ConfigError::OidcSecretFile { path: path.clone(), source })?;
                if text.trim().is_empty() {
                    return Err(ConfigError::OidcSecretEmpty(path));
                }
                Some(text.trim().into())
            }
        };
        let scopes = flags.oidc_scopes.split_whitespace().filter(|scope| *scope != "openid");
        Ok(Self {
            issuer,
            client_id: required(flags.oidc_client_id, "KAI_OIDC_CLIENT_ID")?,
            client_secret,
            scopes: scopes.map(str::to_owned).collect(),
            groups_claim: flags.oidc_groups_claim,
            admin_group: flags.oidc_admin_group.filter(|group| !group.is_empty()),
            name: flags.oidc_name,
            limits: OidcLimits::default(),
        })
    }
}

/// OpenID Connect Discovery 1.0 §3: `https`, without query and fragment. Plain HTTP is for providers on this machine.
fn is_issuer(text: &str) -> bool {
    let Ok(url) = Url::parse(text) else { return false };
    let is_plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    is_plain && is_protected(&url)
}

/// Whether nobody between here and there reads along.
pub(crate) fn is_protected(url: &Url) -> bool {
    url.scheme() == "https" || url.scheme() == "http" && url.host_str().is_some_and(is_loopback_host)
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser};

    use super::*;

    #[derive(Parser)]
    struct Only {
        #[command(flatten)]
        oidc: OidcFlags,
    }

    fn settings(args: &[&str]) -> Result<OidcSettings, ConfigError> {
        // What is set where the tests run is nothing to them.
        let command = Only::command().mut_args(|argument| argument.env(clap::builder::Resettable::Reset));
        let matches = command.try_get_matches_from(["kai-server"].iter().chain(args)).unwrap();
        <Only as clap::FromArgMatches>::from_arg_matches(&matches).unwrap().oidc.try_into()
    }

    const REQUIRED: [&str; 4] = ["--oidc-issuer", "https://id.example/realms/kai", "--oidc-client-id", "kai"];

    #[test]
    fn issuer_and_client_are_all_that_has_to_be_set() {
        let found = settings(&REQUIRED).unwrap();
        assert_eq!((&*found.issuer, &*found.client_id), ("https://id.example/realms/kai", "kai"));
        assert!(found.client_secret.is_none());
        assert_eq!(found.scopes, ["profile", "email"]);
        assert_eq!((&*found.groups_claim, &*found.name), ("groups", "OpenID Connect"));
        assert!(matches!(settings(&REQUIRED[..2]), Err(ConfigError::OidcMissing("KAI_OIDC_CLIENT_ID"))));
        assert!(matches!(settings(&REQUIRED[2..]), Err(ConfigError::OidcMissing("KAI_OIDC_ISSUER"))));
    }

    #[test]
    fn an_issuer_that_others_could_read_along_with_is_refused() {
        for (issuer, taken) in [
            ("https://id.example", true),
            ("https://id.example/", true),
            ("http://127.0.0.1:5556/dex", true),
            ("http://[::1]:5556/dex", true),
            ("http://localhost:5556/dex", true),
            ("http://id.example", false),
            ("http://127.0.0.1.example", false),
            ("https://id.example?tenant=1", false),
            ("https://id.example#a", false),
            ("https://kai@id.example", false),
            ("id.example", false),
        ] {
            let found = settings(&["--oidc-issuer", issuer, "--oidc-client-id", "kai"]);
            assert_eq!(found.is_ok(), taken, "{issuer}");
        }
    }

    #[test]
    fn the_secret_is_read_from_its_file_and_never_printed() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = &file.path().to_str().unwrap().to_owned();
        let with_file = [&REQUIRED[..], &["--oidc-client-secret-file", path]].concat();
        assert!(matches!(settings(&with_file), Err(ConfigError::OidcSecretEmpty(_))));
        fs::write(path, "s3cret\n").unwrap();
        let found = settings(&with_file).unwrap();
        assert_eq!(found.client_secret.as_ref().unwrap().expose(), "s3cret");
        assert!(!format!("{found:?}").contains("s3cret"));
        drop(file);
        assert!(matches!(settings(&with_file), Err(ConfigError::OidcSecretFile { .. })));
    }
}
