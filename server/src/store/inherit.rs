//! Configuration that a new version inherits from the runtime's others, so that no value has to be entered twice.
//!
//! For each name the newest version that has a value of it decides. If that value was of the other kind it is not taken:
//! a variable that became a file has changed its meaning.

use std::collections::BTreeMap;

use domain::{ConfigKind, InheritedValue, Problem, RuntimeId, VersionName};
use krt::model::{ConfigSpec, Manifest};

use super::{
    CONFIG_MAX_BYTES, ENVIRONMENT_STRING_MAX_BYTES, InheritConfig, NewVersion, StoreError, VersionKey,
    exceeds_environment,
    sql::{Tx, values},
};

/// For each name the newest version that has a value of it. Values may be large, so they are not in what is sorted.
macro_rules! newest {
    ($columns:literal, $join:literal) => {
        concat!(
            "SELECT newest.name, v.name AS version, v.manifest",
            $columns,
            " FROM (
                SELECT c.name, c.version_key,
                    ROW_NUMBER() OVER (PARTITION BY c.name ORDER BY v.created_at DESC, v.key DESC) AS nth
                FROM config_values c JOIN versions v ON v.key = c.version_key
                WHERE v.runtime = $1
             ) newest JOIN versions v ON v.key = newest.version_key ",
            $join,
            " WHERE newest.nth = 1 ORDER BY newest.name"
        )
    };
}

/// The values that a version added now could inherit, by name.
pub(super) async fn offered(tx: &mut Tx, runtime: &RuntimeId) -> Result<Vec<InheritedValue>, StoreError> {
    let rows = tx.fetch_all(newest!("", ""), values![runtime.as_str()]).await?;
    let mut offered = Vec::new();
    for row in rows {
        let name: String = row.get("name")?;
        let manifest: Manifest = row.json("manifest")?;
        if let Some(kind) = kind_of(&manifest.config, &name) {
            offered.push(InheritedValue { name, kind, from: row.parsed("version")? });
        }
    }
    // Not by the database: how it compares texts depends on which it is and how it was set up.
    offered.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(offered)
}

/// The outcome of inheriting values.
#[derive(Default)]
pub(super) struct Inherited {
    /// Which values, from where, for its history; none when it got none.
    pub(super) detail: Option<String>,
    /// One for each value that was too large to inherit.
    pub(super) warnings: Vec<Problem>,
}

/// Gives a version that was just added its values.
pub(super) async fn inherit_values(tx: &mut Tx, key: VersionKey, new: &NewVersion) -> Result<Inherited, StoreError> {
    const SELECT: &str =
        newest!(", c.value", "JOIN config_values c ON c.version_key = newest.version_key AND c.name = newest.name");
    let wanted = &new.manifest.config;
    if new.inherit_config == InheritConfig::None || (wanted.variables.is_empty() && wanted.files.is_empty()) {
        return Ok(Inherited::default());
    }
    let mut total = 0;
    let mut warnings = Vec::new();
    // The versions that values came from, each with their names.
    let mut sources: BTreeMap<VersionName, Vec<String>> = BTreeMap::new();
    for row in tx.fetch_all(SELECT, values![new.runtime.as_str()]).await? {
        let name: String = row.get("name")?;
        let left_out = matches!(&new.inherit_config, InheritConfig::Except(names) if names.contains(&name));
        let Some(kind) = kind_of(wanted, &name).filter(|_| !left_out) else { continue };
        let value: String = row.get("value")?;
        let manifest: Manifest = row.json("manifest")?;
        if kind_of(&manifest.config, &name) != Some(kind) {
            continue;
        }
        let from: VersionName = row.parsed("version")?;
        let size = name.len() + value.len();
        let limit = if exceeds_environment(&name, &value) {
            Some(format!("an environment variable holds at most {ENVIRONMENT_STRING_MAX_BYTES}, including `{name}=`"))
        } else if total + size > CONFIG_MAX_BYTES {
            Some(format!("all values of a version together hold at most {CONFIG_MAX_BYTES}"))
        } else {
            None
        };
        if let Some(limit) = limit {
            let message = format!("not inherited from version `{from}`: the value has {} bytes; {limit}", value.len());
            warnings.push(Problem::warning(name, message));
            continue;
        }
        total += size;
        tx.execute(
            "INSERT INTO config_values (version_key, name, value) VALUES ($1, $2, $3)",
            values![key, &name, &value],
        )
        .await?;
        sources.entry(from).or_default().push(name);
    }
    Ok(Inherited { detail: (!sources.is_empty()).then(|| detail(sources)), warnings })
}

fn kind_of(spec: &ConfigSpec, name: &str) -> Option<ConfigKind> {
    let has = |names: &[String]| names.iter().any(|wanted| wanted == name);
    match (has(&spec.variables), has(&spec.files)) {
        (true, _) => Some(ConfigKind::Variable),
        (false, true) => Some(ConfigKind::File),
        (false, false) => None,
    }
}

/// `inherited KEY, MODE from v2; settings.json from v1`.
fn detail(sources: BTreeMap<VersionName, Vec<String>>) -> String {
    let parts: Vec<_> = sources
        .into_iter()
        .map(|(version, mut names)| {
            names.sort_unstable();
            format!("{} from {version}", names.join(", "))
        })
        .collect();
    format!("inherited {}", parts.join("; "))
}
