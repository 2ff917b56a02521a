//! Archives that look odd and are right (docs/krt.md §1).

mod support;

use std::io::Read;

use krt::{Limits, check};
use support::{MANIFEST, PROTO, Tar, accepted, gzip};
use tar::EntryType;

#[test]
fn a_valid_archive_is_counted() {
    let checked = accepted(&Tar::valid().folder("docs/").file("docs/README.md", "# Hello\n").packed());
    assert_eq!(checked.manifest.version.as_str(), "greeter-v1");
    assert_eq!(checked.manifest_text, MANIFEST);
    assert_eq!(checked.entries, 5);
    assert_eq!(checked.unpacked_bytes, (MANIFEST.len() + PROTO.len() + 15 + 8) as u64);
    assert!(checked.warnings.is_empty(), "{:?}", checked.warnings);
}

#[test]
fn the_manifest_may_come_last_and_names_may_begin_with_a_dot() {
    let packed = Tar::default()
        .folder("./")
        .folder("./src/")
        .file("./src/greeter/main.py", "")
        .file("./public_input.proto", PROTO)
        .file("./krt.yml", MANIFEST)
        .packed();
    let checked = accepted(&packed);
    assert!(checked.warnings.is_empty(), "{:?}", checked.warnings);
    assert_eq!(checked.entries, 4);
}

#[test]
fn the_manifest_may_be_named_krt_yaml() {
    accepted(
        &Tar::default()
            .file("krt.yaml", MANIFEST)
            .file("public_input.proto", "")
            .file("src/greeter/main.py", "")
            .packed(),
    );
}

#[test]
fn what_macos_adds_is_passed_over() {
    let attributes: &[(&str, &[u8])] =
        &[("mtime", b"1700000000.5"), ("LIBARCHIVE.xattr.com.apple.x", b"a\nb\0\xff"), ("SCHILY.xattr.y", b"")];
    let packed = Tar::default()
        .entry(b"PaxHeaders/g", EntryType::XGlobalHeader, &support::pax_records(&[("comment", b"0123")]))
        .file("._krt.yml", b"\0\x05\x16\x07")
        .pax(attributes)
        .file("krt.yml", MANIFEST)
        .file("._public_input.proto", b"\xff\xfe")
        .file("src/greeter/._main.py", "x")
        .file("src/greeter/._main.py", "x")
        .pax(attributes)
        .file("public_input.proto", PROTO)
        .file("src/greeter/main.py", "")
        .packed();
    assert_eq!(accepted(&packed).entries, 3);
}

#[test]
fn long_names_are_read_in_gnu_and_in_pax_form() {
    let gnu = format!("src/{}/main.py", "g".repeat(200));
    let pax = format!("src/{}/é.py", "p".repeat(200));
    let manifest = MANIFEST
        .replace("src/greeter/main.py", &gnu)
        .replace("workflows:", &format!("  - name: second\n    image: busybox\n    src: {pax}\nworkflows:"))
        + "      - second\n";
    let packed = Tar::default()
        .gnu_long_name(&format!("./{gnu}"))
        .file("src/cut", "1")
        .pax(&[("path", pax.as_bytes())])
        .file("src/cut", "2")
        .file("krt.yml", &manifest)
        .file("public_input.proto", PROTO)
        .packed();
    let checked = accepted(&packed);
    assert!(checked.warnings.is_empty(), "{:?}", checked.warnings);
    let sources: Vec<_> = checked.manifest.workflows[0].nodes.iter().map(|node| node.src.as_str()).collect();
    assert_eq!(sources, [gnu, pax]);
}

#[test]
fn gzip_members_in_a_row_and_zeros_at_the_end_are_usual() {
    let tar = Tar::valid().ended();
    let (first, second) = tar.split_at(700);
    let mut packed = [gzip(first), gzip(second)].concat();
    packed.extend_from_slice(&[0; 1000]);
    accepted(&packed);
}

#[test]
fn a_tar_may_lack_its_end_mark_or_be_filled_up_to_a_record() {
    let mut tar = Tar::valid().ended();
    tar.truncate(tar.len() - 1024);
    accepted(&gzip(&tar));
    tar.resize(tar.len() + 20 * 512, 0);
    accepted(&gzip(&tar));
}

#[test]
fn paths_in_the_manifest_may_begin_with_a_dot() {
    let manifest = MANIFEST.replace("src/greeter", "./src/greeter").replace("proto: ", "proto: ./");
    let packed = Tar::default()
        .file("krt.yml", manifest)
        .file("public_input.proto", PROTO)
        .file("src/greeter/main.py", "")
        .packed();
    let checked = accepted(&packed);
    assert_eq!(checked.manifest.entrypoint.proto, "public_input.proto");
    assert_eq!(checked.manifest.workflows[0].nodes[0].src, "src/greeter/main.py");
}

#[test]
fn an_accepted_archive_is_read_to_its_last_byte_however_it_arrives() {
    /// One byte at a time, interrupted between them.
    struct Trickle<'b> {
        bytes: &'b [u8],
        interrupted: bool,
    }
    impl Read for Trickle<'_> {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            self.interrupted = !self.interrupted;
            if self.interrupted {
                return Err(std::io::ErrorKind::Interrupted.into());
            }
            let end = into.len().min(1);
            self.bytes.read(&mut into[..end])
        }
    }
    let mut packed = Tar::valid().packed();
    packed.extend_from_slice(&[0; 200_000]);
    let mut trickle = Trickle { bytes: &packed, interrupted: false };
    check(&mut trickle, &Limits::default()).expect("a valid archive");
    assert!(trickle.bytes.is_empty(), "{} bytes left", trickle.bytes.len());
}

#[test]
fn a_proto_that_is_too_large_to_be_kept_costs_a_warning_only() {
    let limits = Limits { max_protos_bytes: 10, ..Limits::default() };
    let checked = check(Tar::valid().packed().as_slice(), &limits).expect("a valid archive");
    assert_eq!(checked.warnings.len(), 1, "{:?}", checked.warnings);
    assert_eq!(checked.warnings[0].path, "entrypoint.proto");
    assert!(checked.warnings[0].message.contains("not checked"), "{}", checked.warnings[0]);
}

#[test]
fn documentation_that_would_not_be_seen_is_warned_of() {
    let utf_16: Vec<u8> = [vec![0xff, 0xfe], "# Hi".encode_utf16().flat_map(u16::to_le_bytes).collect()].concat();
    for (path, content, expected) in [
        ("docs/README.md", b"# Hi".to_vec(), None),
        ("docs/README.md", b"\xef\xbb\xbf# Hi".to_vec(), None),
        ("docs/img/a.png", b"\xff\xfe\x00".to_vec(), None),
        ("docs/guide.md", b"# Hi".to_vec(), None),
        ("docs/README.md", utf_16, Some("is UTF-16")),
        // Without a mark, and with four bytes for each character.
        ("docs/README.md", "# Hi".encode_utf16().flat_map(u16::to_le_bytes).collect(), Some("is UTF-16")),
        ("docs/README.md", "# Hi".encode_utf16().flat_map(u16::to_be_bytes).collect(), Some("is UTF-16")),
        ("docs/README.md", "# Hi".chars().flat_map(|c| u32::from(c).to_le_bytes()).collect(), Some("is UTF-32")),
        ("docs/README.md", b"caf\xe9".to_vec(), Some("is not UTF-8")),
        ("docs/notes/b.txt", b"caf\xe9".to_vec(), Some("is not UTF-8")),
        ("docs/readme.md", b"# Hi".to_vec(), Some("`docs/README.md`, in exactly these letters")),
        ("docs/README.MD", b"# Hi".to_vec(), Some("`docs/README.md`, in exactly these letters")),
        ("Docs/README.md", b"# Hi".to_vec(), Some("`docs/README.md`, in exactly these letters")),
        ("docs/index.md", b"# Hi".to_vec(), Some("`docs/README.md`, in exactly these letters")),
        ("docs/README.markdown", b"# Hi".to_vec(), Some("`docs/README.md`, in exactly these letters")),
    ] {
        let warnings = accepted(&Tar::valid().file(path, &content).packed()).warnings;
        let said: Vec<_> = warnings.iter().map(|warning| (warning.path.as_str(), warning.message.as_str())).collect();
        match (expected, said.as_slice()) {
            (None, []) => {}
            (Some(fragment), [(at, message)]) if *at == path && message.contains(fragment) => {}
            _ => panic!("{path}: {said:?}"),
        }
    }
    let unseen = accepted(&Tar::valid().file("docs/READ\u{200b}ME.md", "# Hi").packed()).warnings;
    assert_eq!(unseen[0].path, "docs/READ<U+200B>ME.md");
}
