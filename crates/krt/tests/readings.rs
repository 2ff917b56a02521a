//! What is kept of an archive, and how far it is read (`ReadOptions`).

mod support;

use krt::{CheckError, Document, Limits, ReadOptions, check_with};
use sha2::{Digest, Sha256};
use support::{Counted, MANIFEST, PROTO, Tar, accepted};

const LIMITED: Limits = Limits::DEFAULT;

fn documented() -> Tar {
    Tar::default()
        .file("docs/README.md", "# Hello\n")
        .file("docs/._README.md", "Finder")
        .file("docs/.DS_Store", "Finder")
        .folder("docs/img/")
        .file("src/greeter/main.py", "print('hello')\n")
        .file("src/greeter/other.py", "never named\n")
        .file("krt.yml", MANIFEST)
        .file("./docs/img/x.png", b"\x89PNG")
        .file("docsets/README.md", "no documentation")
        .file("public_input.proto", PROTO)
}

#[test]
fn documents_proto_and_facts_are_kept_wherever_they_are_in_the_archive() {
    let checked = accepted(&documented().packed());
    let document = |path: &str, content: &[u8]| Document { path: path.to_owned(), content: content.to_owned() };
    assert_eq!(checked.documents, [document("docs/README.md", b"# Hello\n"), document("docs/img/x.png", b"\x89PNG")]);
    assert_eq!(checked.protos.texts["public_input.proto"], PROTO);
    assert!(checked.complete);

    let digests: Vec<_> = checked.digests.iter().map(|f| (f.path.as_str(), f.size_bytes, f.sha256.as_str())).collect();
    let digest =
        |content: &[u8]| Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    assert_eq!(
        digests,
        [
            ("docs/README.md", 8, digest(b"# Hello\n").as_str()),
            ("docs/img/x.png", 4, &digest(b"\x89PNG")),
            ("public_input.proto", PROTO.len() as u64, &digest(PROTO.as_bytes())),
            ("src/greeter/main.py", 15, &digest(b"print('hello')\n")),
        ]
    );
}

#[test]
fn a_source_that_is_a_document_or_a_proto_too_is_all_of_them() {
    let manifest = MANIFEST.replace("src/greeter/main.py", "docs/run.proto");
    let packed =
        Tar::default().file("krt.yml", manifest).file("docs/run.proto", PROTO).file("public_input.proto", PROTO);
    let checked = accepted(&packed.packed());
    assert_eq!(checked.digests.len(), 2);
    assert_eq!(checked.documents.len(), 1);
}

fn with_noise_behind(tar: Tar) -> Vec<u8> {
    tar.file("model.bin", support::noise(2 << 20)).entry(b"link", tar::EntryType::Symlink, b"").packed()
}

#[test]
fn a_brief_reading_ends_when_all_that_is_named_has_been_found() {
    let packed = with_noise_behind(Tar::valid().file("docs/README.md", "x"));
    let mut counted = Counted::new(packed.as_slice());
    let checked = check_with(&mut counted, &LIMITED, &ReadOptions::BRIEF).expect("valid as far as it was read");
    assert!(!checked.complete);
    assert!(counted.bytes < packed.len() / 4, "{} of {} bytes were read", counted.bytes, packed.len());
    assert_eq!(checked.index.proto("public_input.proto"), Some(PROTO));
    assert_eq!((checked.documents.len(), checked.digests.len(), checked.protos.texts.len()), (0, 0, 0));

    // What is missing is looked for to the end, and so is what is wrong there.
    let packed = with_noise_behind(Tar::default().file("krt.yml", MANIFEST).file("public_input.proto", PROTO));
    match check_with(packed.as_slice(), &LIMITED, &ReadOptions::BRIEF) {
        Err(CheckError::Refused { problems, manifest_text }) => {
            assert_eq!(manifest_text.as_deref(), Some(MANIFEST));
            let paths: Vec<_> = problems.iter().map(|problem| problem.path.as_str()).collect();
            assert_eq!(paths, ["link", "nodes[0].src"]);
        }
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn a_manifest_that_cannot_be_read_names_nothing_to_look_for() {
    let packed = with_noise_behind(Tar::default().file("krt.yml", "version: [\n"));
    let mut counted = Counted::new(packed.as_slice());
    assert!(matches!(check_with(&mut counted, &LIMITED, &ReadOptions::BRIEF), Err(CheckError::Refused { .. })));
    assert!(counted.bytes < packed.len() / 4, "{} of {} bytes were read", counted.bytes, packed.len());
}

#[test]
fn a_large_file_before_the_manifest_is_hashed_only_if_the_manifest_names_it() {
    let limits = Limits { hash_ahead_bytes: 1000, ..LIMITED };
    let source = vec![b'x'; 2000];
    let packed = Tar::default()
        .file("models/model.bin", vec![b'y'; 1500])
        .file("small.txt", "small")
        .file("./src/greeter/main.py", &source)
        .file("krt.yml", MANIFEST)
        .file("public_input.proto", PROTO)
        .packed();
    let checked = check_with(packed.as_slice(), &limits, &ReadOptions::FULL).expect("valid");
    let known: Vec<_> = checked.digests.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(known, ["public_input.proto"]);
    assert_eq!(checked.unhashed.iter().collect::<Vec<_>>(), ["src/greeter/main.py"]);

    let mut counted = Counted::new(packed.as_slice());
    let found = krt::digests_of(&mut counted, &limits, &checked.unhashed).expect("it was read before");
    let at_once = check_with(packed.as_slice(), &LIMITED, &ReadOptions::FULL).expect("valid");
    assert!(at_once.unhashed.is_empty());
    assert_eq!(found, [at_once.digests[1].clone()]);
    assert_eq!((found[0].path.as_str(), found[0].size_bytes), ("src/greeter/main.py", 2000));
}
