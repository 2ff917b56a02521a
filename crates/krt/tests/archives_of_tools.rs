//! Archives as the usual tools write them (see `archives/README.md`): all are read alike, and what is refused of them is
//! accepted when it is packed as its message advises.

mod support;

use std::{fs, path::Path};

use krt::{Checked, Limits, check};
use support::refused;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/archives");

fn bytes(name: &str) -> Vec<u8> {
    fs::read(Path::new(FOLDER).join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn accepted(name: &str) -> Checked {
    check(bytes(name).as_slice(), &Limits::default()).unwrap_or_else(|error| panic!("{name}: {error:?}"))
}

#[test]
fn what_each_tool_packs_is_read_alike() {
    let long = format!("src/greeter/{}\u{e9}.py", "long-".repeat(24));
    let is_archive = |path: &Path| path.extension().is_some_and(|extension| extension == "krt");
    let found = fs::read_dir(FOLDER).unwrap().map(|entry| entry.unwrap().path()).filter(|path| is_archive(path));
    let mut names: Vec<_> = found.map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect();
    names.sort();
    let tools = [
        "7-zip",
        "bsdtar",
        "bsdtar-gnutar",
        "busybox",
        "git",
        "gnu-tar-gnu",
        "gnu-tar-posix",
        "pigz",
        "pigz-11",
        "python-gnu",
        "python-pax",
        "zopfli",
    ];
    let mut expected = tools.map(|tool| format!("{tool}.krt"));
    expected.sort();
    assert_eq!(names, expected);
    for name in &names {
        let checked = accepted(name);
        assert_eq!(checked.manifest.version.as_str(), "greeter-v1", "{name}");
        assert_eq!(checked.warnings, [], "{name}");
        for file in ["docs/README.md", "public_input.proto", "src/greeter/main.py", &long] {
            assert!(checked.index.is_file(file), "{name}: {file}");
        }
    }
}

#[test]
fn what_is_packed_again_as_the_message_advises_is_accepted() {
    for (before, advised, after) in [
        ("bsdtar-sparse", "`--no-read-sparse` (bsdtar)", "bsdtar-no-read-sparse"),
        ("gnu-sparse", "without `--sparse` (GNU tar)", "gnu-without-sparse"),
        ("gnu-hard-link", "with GNU tar by `--hard-dereference`", "gnu-hard-dereference"),
    ] {
        let problems = refused(&bytes(&format!("advice/{before}.krt")));
        assert!(problems[0].message.contains(advised), "{before}: {problems:?}");
        accepted(&format!("advice/{after}.krt"));
    }
    for (before, advised) in
        [("gnu-label", "pack it without `--label`"), ("gnu-incremental", "pack it without `--incremental`")]
    {
        let problems = refused(&bytes(&format!("advice/{before}.krt")));
        assert!(problems[0].message.contains(advised), "{before}: {problems:?}");
    }
}
