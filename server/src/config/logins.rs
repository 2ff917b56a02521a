//! Who may use the server and how they get in: logins, the public URL, TLS and proxies.

use std::{fmt, net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};
use ipnet::IpNet;

use super::{
    ConfigError,
    limits::SessionLimits,
    oidc::{OidcFlags, OidcSettings},
};

/// The flags of logins.
#[derive(Clone, Args)]
pub struct LoginFlags {
    /// How people sign in; may be repeated, or separated by commas. Without it everybody who reaches the server is `local`
    /// and may do everything, so it listens on loopback only
    #[arg(long, env = "KAI_LOGIN", value_enum, value_delimiter = ',', value_name = "HOW")]
    pub login: Vec<LoginMode>,

    /// The URL at which people open the pages, such as https://kai.example.org. Cookies, redirects, and the host and origin
    /// that requests must name follow from it. Requires https unless its host is a loopback one [default: http://<addr>,
    /// which only a loopback address may have]
    #[arg(long, env = "KAI_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<String>,

    /// The file with the TLS certificate and its chain (PEM), for https without a proxy. Read again when it changes
    #[arg(long, env = "KAI_TLS_CERT", value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,

    /// The file with the private key of --tls-cert (PEM)
    #[arg(long, env = "KAI_TLS_KEY", value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,

    /// The addresses or networks of proxies in front of the server, such as 10.0.0.7,10.1.0.0/16; may be repeated. Only
    /// from these X-Forwarded-For is believed
    #[arg(long, env = "KAI_TRUSTED_PROXIES", value_delimiter = ',', value_parser = network, value_name = "NETWORK")]
    pub trusted_proxies: Vec<IpNet>,

    /// How long a session may lie unused before it ends
    #[arg(long, env = "KAI_SESSION_IDLE", default_value = "8h", value_parser = humantime::parse_duration, value_name = "TIME")]
    pub session_idle: Duration,

    #[command(flatten)]
    pub oidc: OidcFlags,

    /// How long a session lasts at most
    #[arg(long, env = "KAI_SESSION_MAX", default_value = "24h", value_parser = humantime::parse_duration, value_name = "TIME")]
    pub session_max: Duration,
}

/// A way to sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum LoginMode {
    /// By name and password, which this server keeps
    Local,
    /// At an OpenID Connect provider, which the --oidc-… flags name
    Oidc,
}

/// An address is a network of one.
fn network(text: &str) -> Result<IpNet, String> {
    let address = text.parse::<std::net::IpAddr>().map(IpNet::from);
    address.or_else(|_| text.parse()).map_err(|_| "use an address, or a network such as 10.0.0.0/8".to_owned())
}

/// Who may use the server and how they get in.
#[derive(Debug, Clone)]
pub struct LoginSettings {
    /// Empty where nobody signs in.
    pub modes: Vec<LoginMode>,
    /// None: `http://` and the address of the listener.
    pub public_url: Option<PublicUrl>,
    pub tls: Option<TlsFiles>,
    /// None unless people sign in with a provider.
    pub oidc: Option<OidcSettings>,
    pub trusted_proxies: Vec<IpNet>,
    pub sessions: SessionLimits,
}

/// Where a certificate and its key are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    pub cert: PathBuf,
    pub key: PathBuf,
}

/// Where people open the pages: `https://kai.example.org`, or with a port. It ends without a slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    is_https: bool,
    /// The host, and the port unless it is the scheme's.
    authority: String,
}

impl PublicUrl {
    pub fn is_https(&self) -> bool {
        self.is_https
    }

    /// The host, and the port unless it is the scheme's: as the header `Host` has it.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Whether only this machine can open it.
    pub fn is_loopback(&self) -> bool {
        http::uri::Authority::try_from(self.authority.as_str())
            .is_ok_and(|authority| is_loopback_host(authority.host()))
    }

    pub fn parse(text: &str) -> Option<Self> {
        let url = reqwest::Url::parse(text).ok()?;
        let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        let is_https = match url.scheme() {
            "http" => false,
            "https" => true,
            _ => return None,
        };
        if !is_bare || !url.username().is_empty() || url.password().is_some() {
            return None;
        }
        let host = url.host_str()?;
        let authority = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        Some(Self { is_https, authority })
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", if self.is_https { "https" } else { "http" }, self.authority)
    }
}

/// Whether a host is of this machine, whatever a name server says.
pub(crate) fn is_loopback_host(host: &str) -> bool {
    // A name that is written to its root is the same one.
    let host = host.strip_suffix('.').unwrap_or(host);
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|ip| ip.to_canonical().is_loopback())
}

impl LoginFlags {
    /// `addr` is where the pages are to be; `insecure_no_login` says that something else knows who may use them.
    pub(super) fn settings(self, addr: SocketAddr, insecure_no_login: bool) -> Result<LoginSettings, ConfigError> {
        let mut modes = self.login;
        modes.sort();
        modes.dedup();
        let is_on = !modes.is_empty();
        let is_loopback = addr.ip().to_canonical().is_loopback();
        if is_on && insecure_no_login {
            return Err(ConfigError::LoginAndInsecure);
        }
        if !is_on && !insecure_no_login && !is_loopback {
            return Err(ConfigError::NotLoopback { setting: "KAI_ADDR", addr });
        }
        let parse = |text: String| PublicUrl::parse(&text).ok_or(ConfigError::PublicUrl(text));
        let public_url = self.public_url.map(parse).transpose()?;
        match &public_url {
            None if is_on && !is_loopback => return Err(ConfigError::NoPublicUrl { addr }),
            // Else it would be open to whoever opens that URL.
            Some(url) if !is_on && !insecure_no_login && !url.is_loopback() => {
                return Err(ConfigError::PublicWithoutLogin(url.to_string()));
            }
            Some(url) if is_on && !url.is_https() && !url.is_loopback() => {
                return Err(ConfigError::PublicWithoutTls(url.to_string()));
            }
            _ => {}
        }
        let tls = self.tls_cert.zip(self.tls_key).map(|(cert, key)| TlsFiles { cert, key });
        if tls.is_some() && !public_url.as_ref().is_some_and(PublicUrl::is_https) {
            return Err(ConfigError::TlsWithoutPublicUrl);
        }
        let (idle, absolute) = (self.session_idle, self.session_max);
        let sensible = Duration::from_secs(60)..=Duration::from_secs(366 * 24 * 60 * 60);
        for (setting, time) in [("KAI_SESSION_IDLE", idle), ("KAI_SESSION_MAX", absolute)] {
            if !sensible.contains(&time) {
                return Err(ConfigError::SessionTime { setting, time });
            }
        }
        let sessions = SessionLimits { idle, absolute, ..SessionLimits::default() };
        let oidc = modes.contains(&LoginMode::Oidc).then(|| self.oidc.try_into()).transpose()?;
        Ok(LoginSettings { modes, public_url, tls, oidc, trusted_proxies: self.trusted_proxies, sessions })
    }
}

impl LoginSettings {
    /// Whether people sign in.
    pub fn is_on(&self) -> bool {
        !self.modes.is_empty()
    }

    /// Where people open the pages of a server that listens here.
    pub fn public_url(&self, addr: SocketAddr) -> PublicUrl {
        self.public_url.clone().unwrap_or_else(|| PublicUrl { is_https: false, authority: addr.to_string() })
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::config::{Flags, Settings};

    fn settings(args: &[&str]) -> Result<LoginSettings, ConfigError> {
        let flags = Flags::try_parse_from(["kai-server", "--data-dir", "/data"].iter().chain(args)).unwrap();
        Settings::try_from(flags).map(|settings| settings.logins)
    }

    #[test]
    fn nobody_signs_in_unless_it_is_asked_for_and_then_any_address_goes() {
        assert!(!settings(&[]).unwrap().is_on());
        let local = settings(&["--login", "local"]).unwrap();
        assert_eq!(local.modes, [LoginMode::Local]);
        let url = local.public_url("127.0.0.1:3000".parse().unwrap());
        assert_eq!((url.to_string().as_str(), url.is_https()), ("http://127.0.0.1:3000", false));
        let public =
            ["--addr", "0.0.0.0:3000", "--login", "local,local", "--public-url", "https://Kai.example.org:443/"];
        let url = settings(&public).unwrap().public_url.unwrap();
        assert_eq!((url.to_string().as_str(), url.authority()), ("https://kai.example.org", "kai.example.org"));
    }

    #[test]
    fn what_would_leave_the_server_open_or_send_passwords_in_the_clear_is_refused_in_words() {
        for (args, said) in [
            (&["--addr", "0.0.0.0:3000"][..], "KAI_LOGIN"),
            (&["--addr", "0.0.0.0:3000", "--login", "local"], "KAI_PUBLIC_URL"),
            (&["--login", "local", "--insecure-no-login"], "one of"),
            (&["--public-url", "https://kai.example.org"], "KAI_LOGIN"),
            (&["--login", "local", "--public-url", "http://kai.example.org"], "https"),
            (&["--login", "local", "--public-url", "https://kai.example.org/kai"], "without a path"),
            (&["--login", "local", "--public-url", "https://a:b@kai.example.org"], "without a path"),
            (&["--login", "local", "--public-url", "kai.example.org"], "without a path"),
            (&["--login", "local", "--tls-cert", "/c", "--tls-key", "/k"], "KAI_PUBLIC_URL"),
            (&["--login", "local", "--session-idle", "1s"], "KAI_SESSION_IDLE"),
            (&["--login", "local,oidc"], "KAI_OIDC_ISSUER"),
        ] {
            let refusal = settings(args).unwrap_err().to_string();
            assert!(refusal.contains(said), "{args:?}: {refusal}");
        }
        assert!(settings(&["--login", "local", "--public-url", "http://localhost:3000"]).is_ok());
        assert!(Flags::try_parse_from(["kai-server", "--tls-cert", "/c"]).is_err());
        assert!(Flags::try_parse_from(["kai-server", "--trusted-proxies", "proxy"]).is_err());
    }

    #[test]
    fn proxies_are_addresses_and_networks() {
        let proxies = settings(&["--trusted-proxies", "10.0.0.7,10.1.0.0/16,fd00::/8"]).unwrap().trusted_proxies;
        assert_eq!(
            proxies.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["10.0.0.7/32", "10.1.0.0/16", "fd00::/8"]
        );
    }
}
