//! What a runner reads from its environment. `RUNNER_AS`, which the images set, says which original it stands in for; all
//! other variables are the original's own.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, Result, anyhow, bail};

pub(crate) enum Role {
    Node(Node),
    Entrypoint(Entrypoint),
}

/// How a version's parts exchange messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Generation {
    B,
    C1,
    C2,
}

/// Which language's runner a node stands in for: they differ in how strict they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    Python,
    Go,
}

pub(crate) struct Node {
    pub(crate) generation: Generation,
    pub(crate) language: Language,
    pub(crate) workflow: String,
    pub(crate) runtime: String,
    pub(crate) version: String,
    pub(crate) name: String,
    pub(crate) nats: Nats,
    pub(crate) stream: String,
    pub(crate) inputs: Vec<String>,
    pub(crate) output: String,
    /// Where errors and early answers go in generation B.
    pub(crate) entrypoint_subject: String,
    pub(crate) base_path: PathBuf,
    pub(crate) handler: PathBuf,
    pub(crate) mongo_writer: String,
    pub(crate) mongo_uri: String,
    pub(crate) influx_uri: String,
    pub(crate) object_store: Option<String>,
    /// In the order of `script::Scope`; empty before C2.
    pub(crate) buckets: Vec<String>,
}

pub(crate) struct Entrypoint {
    pub(crate) generation: Generation,
    pub(crate) runtime: String,
    pub(crate) version: String,
    pub(crate) name: String,
    pub(crate) nats: Nats,
    pub(crate) subjects_file: PathBuf,
    pub(crate) request_timeout: Duration,
    /// The folder of `public_input.proto`. The original has it built in, and so do the images; tests move it.
    pub(crate) files: PathBuf,
    pub(crate) addr: String,
}

pub(crate) struct Nats {
    pub(crate) url: String,
    /// Of a request to JetStream.
    pub(crate) timeout: Duration,
}

/// Reads the variables of the original that `RUNNER_AS` names, such as `kre-py:3.3.0`.
///
/// # Errors
/// When one that the original cannot do without is missing; the originals exit then.
pub(crate) fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Role> {
    let required = |name: &str| variable(name).ok_or_else(|| anyhow!("the variable {name} is missing"));
    let original = required("RUNNER_AS")?;
    let (program, release) = original.split_once(':').context("RUNNER_AS is PROGRAM:RELEASE")?;
    let generation = generation(program, release)?;
    // Python's runners die of it.
    if program == "kre-py" && variable("KRT_NATS_MAX_ACK_PENDING").is_some() {
        bail!("KRT_NATS_MAX_ACK_PENDING is set");
    }
    let seconds = |name: &str, default: u64| -> Result<Duration> {
        let secs =
            variable(name).map(|text| text.parse()).transpose().with_context(|| format!("{name} is no number"))?;
        Ok(Duration::from_secs(secs.unwrap_or(default)))
    };
    let nats = Nats { url: required("KRT_NATS_SERVER")?, timeout: seconds("KRT_JS_REQUEST_TIMEOUT", 5)? };
    let (runtime, version) = (required("KRT_RUNTIME_ID")?, required("KRT_VERSION")?);
    let name = required("KRT_NODE_NAME")?;
    required("KRT_VERSION_ID")?;
    let influx_uri = required("KRT_INFLUX_URI")?;
    if program == "kre-entrypoint" {
        required("KRT_NODE_ID")?;
        return Ok(Role::Entrypoint(Entrypoint {
            generation,
            runtime,
            version,
            name,
            nats,
            subjects_file: required("KRT_NATS_SUBJECTS_FILE")?.into(),
            request_timeout: seconds("KRT_REQUEST_TIMEOUT", 30_000)?,
            files: variable("RUNNER_FILES").unwrap_or_else(|| "/krt-files".to_owned()).into(),
            addr: variable("RUNNER_ADDR").unwrap_or_else(|| "0.0.0.0:9000".to_owned()),
        }));
    }
    let (inputs, entrypoint_subject) = match generation {
        Generation::B => {
            required("KRT_IS_LAST_NODE")?;
            (vec![required("KRT_NATS_INPUT")?], required("KRT_NATS_ENTRYPOINT_SUBJECT")?)
        }
        Generation::C1 | Generation::C2 => {
            (required("KRT_NATS_INPUTS")?.split(',').map(str::to_owned).collect(), String::new())
        }
    };
    let buckets = match generation {
        Generation::B | Generation::C1 => Vec::new(),
        Generation::C2 => ["PROJECT", "WORKFLOW", "NODE"]
            .map(|scope| required(&format!("KRT_NATS_KEY_VALUE_STORE_{scope}")))
            .into_iter()
            .collect::<Result<_>>()?,
    };
    Ok(Role::Node(Node {
        generation,
        language: if program == "kre-go" { Language::Go } else { Language::Python },
        workflow: required("KRT_WORKFLOW_NAME")?,
        runtime,
        version,
        name,
        nats,
        stream: required("KRT_NATS_STREAM")?,
        inputs,
        output: required("KRT_NATS_OUTPUT")?,
        entrypoint_subject,
        base_path: required("KRT_BASE_PATH")?.into(),
        handler: required("KRT_HANDLER_PATH")?.into(),
        mongo_writer: required("KRT_NATS_MONGO_WRITER")?,
        mongo_uri: required("KRT_MONGO_URI")?,
        influx_uri,
        object_store: variable("KRT_NATS_OBJECT_STORE"),
        buckets,
    }))
}

/// The generation of an original's release (docs/runners.md §1).
fn generation(program: &str, release: &str) -> Result<Generation> {
    let mut numbers = release.split('.').map_while(|part| part.parse::<u32>().ok());
    let release = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    let (first_b, first_c1, first_c2) = match program {
        "kre-py" => ((2, 1), (3, 0), (3, 3)),
        "kre-go" => ((2, 1), (4, 0), (4, 3)),
        "kre-entrypoint" => ((1, 8), (3, 0), (3, 1)),
        _ => bail!("RUNNER_AS names no runner: {program}"),
    };
    Ok(match release {
        release if release >= first_c2 => Generation::C2,
        release if release >= first_c1 => Generation::C1,
        release if release >= first_b => Generation::B,
        _ => bail!("{program} {release:?} is older than this program can stand in for"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMON: [&str; 6] =
        ["KRT_RUNTIME_ID", "KRT_VERSION_ID", "KRT_VERSION", "KRT_NODE_NAME", "KRT_NATS_SERVER", "KRT_INFLUX_URI"];
    const NODE: [&str; 7] = [
        "KRT_WORKFLOW_NAME",
        "KRT_NATS_STREAM",
        "KRT_NATS_OUTPUT",
        "KRT_BASE_PATH",
        "KRT_HANDLER_PATH",
        "KRT_NATS_MONGO_WRITER",
        "KRT_MONGO_URI",
    ];
    const B: [&str; 3] = ["KRT_NATS_INPUT", "KRT_IS_LAST_NODE", "KRT_NATS_ENTRYPOINT_SUBJECT"];
    const C2: [&str; 4] = [
        "KRT_NATS_INPUTS",
        "KRT_NATS_KEY_VALUE_STORE_PROJECT",
        "KRT_NATS_KEY_VALUE_STORE_WORKFLOW",
        "KRT_NATS_KEY_VALUE_STORE_NODE",
    ];

    #[test]
    fn each_runner_needs_exactly_the_variables_of_its_original() {
        let cases: [(&str, Vec<&str>); 4] = [
            ("kre-py:2.1.0", [&COMMON[..], &NODE, &B].concat()),
            ("kre-go:4.2.0", [&COMMON[..], &NODE, &C2[..1]].concat()),
            ("kre-py:3.3.0", [&COMMON[..], &NODE, &C2].concat()),
            ("kre-entrypoint:1.8.1", [&COMMON[..], &["KRT_NODE_ID", "KRT_NATS_SUBJECTS_FILE"]].concat()),
        ];
        for (original, names) in cases {
            let without = |missing: &str| {
                let known = names.iter().filter(|name| **name != missing);
                let known: Vec<&str> = known.copied().chain(["RUNNER_AS"]).collect();
                read(|name| known.contains(&name).then(|| if name == "RUNNER_AS" { original } else { "x" }.to_owned()))
            };
            assert!(without("").is_ok(), "{original}");
            for missing in &names {
                let error = without(missing).err().map(|error| error.to_string()).unwrap_or_default();
                assert!(error.contains(missing), "{original} without {missing}: {error:?}");
            }
        }
    }

    #[test]
    fn a_release_says_its_generation() {
        let of = |program, release| generation(program, release).ok();
        assert_eq!(of("kre-py", "2.0.0"), None);
        assert_eq!(of("kre-py", "2.1.3"), Some(Generation::B));
        assert_eq!(of("kre-py", "3.2.0"), Some(Generation::C1));
        assert_eq!(of("kre-go", "4.3.0"), Some(Generation::C2));
        assert_eq!(of("kre-entrypoint", "3.1.0"), Some(Generation::C2));
        assert_eq!(of("nginx", "3.1.0"), None);
    }
}
