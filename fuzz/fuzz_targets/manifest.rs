//! Any text as a manifest.
#![no_main]

use domain::Severity;
use krt::{ArchiveIndex, model::Manifest, parse_manifest};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    let mut index = ArchiveIndex::default();
    index.add_proto("a.proto", "service Entrypoint { rpc Greet (R) returns (R); rpc Salute (R) returns (R); }");
    for source in ["src/main.py", "bin/run", "etl"] {
        index.add_file(source);
    }
    let is_placed = |problem: &domain::Problem| problem.line.is_some() && problem.column.is_some();
    match parse_manifest(text, &index) {
        Ok((manifest, warnings)) => {
            assert!(warnings.iter().all(|warning| warning.severity == Severity::Warning && is_placed(warning)));
            assert!(!manifest.workflows.is_empty());
            for workflow in &manifest.workflows {
                assert!(workflow.nodes.iter().any(|node| node.name == workflow.exitpoint));
                assert!(workflow.nodes.iter().all(|node| index.is_file(&node.src) && !node.subscriptions.is_empty()));
            }
            let json = serde_json::to_string(&manifest).expect("serializable");
            assert_eq!(serde_json::from_str::<Manifest>(&json).expect("deserializable"), manifest);
        }
        Err(problems) => {
            let errors: Vec<_> = problems.iter().filter(|problem| problem.severity == Severity::Error).collect();
            assert!(!errors.is_empty());
            assert!(problems.iter().all(|problem| problem.message.len() < 4000 && problem.path.len() < 4000));
            // The last one may say how many more there are.
            assert!(errors[..errors.len() - 1].iter().all(|problem| is_placed(problem)));
        }
    }
});
