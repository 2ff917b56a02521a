//! Whose a stream or a consumer is, as its description says (decision 28).

use std::{fmt, str::FromStr};

use domain::{RuntimeId, VersionName};

use crate::store::InstallationId;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    pub installation: InstallationId,
    pub runtime: RuntimeId,
    pub version: VersionName,
}

const BY: &str = "managed by kai-server";

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{BY}, installation {}, runtime {}, version {}", self.installation, self.runtime, self.version)
    }
}

/// It is no mark of ours.
#[derive(Debug)]
pub struct NoMark;

impl FromStr for Mark {
    type Err = NoMark;

    fn from_str(text: &str) -> Result<Self, NoMark> {
        fn read(text: &str) -> Option<Mark> {
            let mut parts = text.split(", ");
            let mut value = |key: &str| parts.next()?.strip_prefix(key);
            value(BY).filter(|rest| rest.is_empty())?;
            Some(Mark {
                installation: value("installation ")?.parse().ok()?,
                runtime: value("runtime ")?.parse().ok()?,
                version: value("version ")?.parse().ok()?,
            })
        }
        read(text).ok_or(NoMark)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_as_it_is_written_and_nothing_else_is_one() {
        let mark = Mark {
            installation: InstallationId::random(),
            runtime: "demo".parse().unwrap(),
            version: "v1".parse().unwrap(),
        };
        let text = mark.to_string();
        assert_eq!(text.parse::<Mark>().ok(), Some(mark));
        for other in ["", "managed by kai-server", "mine", &text.replace("demo", "De mo"), &text.replace("by", "with")]
        {
            assert!(other.parse::<Mark>().is_err(), "{other}");
        }
    }
}
