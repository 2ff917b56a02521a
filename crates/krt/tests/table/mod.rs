//! Changes to a valid manifest, and the one problem that each must lead to.

use domain::Severity;

use crate::rules::{marked_place, read};

/// A change to a valid manifest: `from` becomes `to`, in which `‸` marks the reported place.
pub(crate) type Case = (&'static str, &'static str, &'static str, &'static str);

#[track_caller]
pub(crate) fn assert_each_is_one_problem(manifest: &str, severity: Severity, cases: &[Case]) {
    for (from, to, path, fragment) in cases {
        assert_eq!(manifest.matches(from).count(), 1, "`{from}` is not there once");
        let marked = manifest.replace(from, to);
        let place = marked_place(&marked);
        let problems = match (severity, read(&marked.replace('‸', ""))) {
            (Severity::Error, Err(problems)) | (Severity::Warning, Ok((_, problems))) => problems,
            (_, other) => panic!("{to}: {other:#?}"),
        };
        assert_eq!(problems.len(), 1, "{to}: {problems:#?}");
        let problem = &problems[0];
        assert_eq!(problem.severity, severity, "{to}");
        assert!(problem.message.contains(fragment), "{to}: {problem}");
        assert_eq!(&problem.path, path, "{to}: {problem}");
        match place {
            Some((line, column)) => {
                assert_eq!((problem.line, problem.column), (Some(line), Some(column)), "{to}: {problem}");
            }
            // Where a missing field is reported has a test of its own.
            None => assert!(problem.line.is_some() && problem.column.is_some(), "{to}: {problem}"),
        }
    }
}
