//! Archives that are broken or hostile (docs/krt.md §1.3–1.4): each is refused in words, and none makes the reader
//! panic.

mod support;

use std::io::Read;

use krt::{CheckError, Limits, check};
use support::{MANIFEST, PROTO, Tar, check_bytes, gzip, refused, refused_for_one};
use tar::EntryType;

#[test]
fn what_is_no_gzip_is_told_apart() {
    for (bytes, fragment) in [
        (&b""[..], "the file is empty"),
        (b"PK\x03\x04rest", "ZIP file"),
        (b"BZh9", "bzip2"),
        (b"\xfd7zXZ\0", "xz"),
        (b"\x28\xb5\x2f\xfd", "zstd"),
        (b"version: v1\n", "not gzip"),
        (&Tar::valid().ended(), "tar without compression"),
    ] {
        let problem = refused_for_one(bytes);
        assert!(problem.message.contains(fragment), "{problem}");
    }
}

#[test]
fn a_cut_off_file_is_told_from_a_wrong_one_at_every_byte() {
    let packed = Tar::valid().packed();
    for end in 1..packed.len() {
        let problem = refused_for_one(&packed[..end]);
        assert!(problem.message.contains("ends too early"), "at {end}: {problem}");
    }
}

#[test]
fn a_cut_off_tar_is_refused_at_every_byte() {
    let tar = Tar::valid().ended();
    let content_end = tar.len() - 1024;
    for end in 0..content_end {
        let problems = refused(&gzip(&tar[..end]));
        assert!(!problems.is_empty(), "at {end}");
    }
    // Inside a block there is no other reason.
    for end in [513, 1023, 1500] {
        let problem = refused_for_one(&gzip(&tar[..end]));
        assert!(problem.message.contains("ends too early"), "at {end}: {problem}");
    }
}

#[test]
fn a_changed_byte_anywhere_never_panics_and_never_passes_as_something_else() {
    let packed = Tar::valid().packed();
    let original = check_bytes(&packed).expect("valid").manifest;
    for at in 0..packed.len() {
        for bit in [0x01, 0x80] {
            let mut damaged = packed.clone();
            damaged[at] ^= bit;
            if let Ok(checked) = check_bytes(&damaged) {
                assert_eq!(checked.manifest, original, "byte {at}");
            }
        }
    }
}

#[test]
fn what_is_inside_of_the_gzip_must_be_a_tar() {
    for (content, fragment) in
        [(&b""[..], "the tar is empty"), (b"hello", "no tar inside"), (&[b'x'; 2000], "no tar inside")]
    {
        let problem = refused_for_one(&gzip(content));
        assert!(problem.message.contains(fragment), "{problem}");
    }
    for (content, fragment) in [
        (Tar::valid().packed(), "gzip data again: it was compressed twice"),
        (b"version: greeter\n".to_vec(), "no tar inside the gzip data, but a text"),
        (b"PK\x03\x04".to_vec(), "but a ZIP file"),
        (b"\x28\xb5\x2f\xfd and more".repeat(100), "but data compressed with zstd"),
        (b"\xfd7zXZ\0".to_vec(), "but data compressed with xz"),
    ] {
        let problem = refused_for_one(&gzip(&content));
        assert!(problem.message.contains(fragment), "{problem}");
    }
    let problem = refused_for_one(&gzip(&[0; 1024]));
    assert!(problem.message.contains("no `krt.yml`"), "{problem}");
}

#[test]
fn damage_inside_of_the_tar_says_where() {
    let mut tar = Tar::valid().ended();
    tar[1024 + 20] ^= 1;
    let problem = refused_for_one(&gzip(&tar));
    assert!(problem.message.contains("checksum"), "{problem}");
    assert!(problem.message.contains("`krt.yml`"), "{problem}");
}

#[test]
fn nothing_may_follow_the_end() {
    let mut appended = Tar::valid().packed();
    appended.extend_from_slice(b"garbage");
    assert!(refused_for_one(&appended).message.contains("after the end of the gzip data"));

    let mut zeros_then_more = Tar::valid().packed();
    zeros_then_more.extend_from_slice(&[0; 70_000]);
    zeros_then_more.extend_from_slice(&Tar::valid().packed());
    assert!(refused_for_one(&zeros_then_more).message.contains("after the end of the gzip data"));

    // Readers disagree on whether a lone empty block ends a tar, so what follows one is not let through.
    let hidden = Tar::valid().raw(&[0; 512]).file("hidden", "x").packed();
    assert!(refused_for_one(&hidden).message.contains("after its end"));
    let behind_the_end = Tar::valid().raw(&[0; 1024]).file("hidden", "x").packed();
    assert!(refused_for_one(&behind_the_end).message.contains("after its end"));
}

#[test]
fn only_files_and_folders_inside_of_the_archive_are_let_in_and_each_other_one_is_named() {
    let packed = Tar::valid()
        .entry(b"a-symlink", EntryType::Symlink, b"")
        .entry(b"a-hardlink", EntryType::Link, b"")
        .entry(b"a-device", EntryType::Char, b"")
        .entry(b"a-disk", EntryType::Block, b"")
        .entry(b"a-pipe", EntryType::Fifo, b"")
        .entry(b"a-sparse", EntryType::GNUSparse, b"")
        .entry(b"a-volume", EntryType::new(b'V'), b"")
        .entry(b"a-folder", EntryType::Directory, b"content")
        .file("/etc/passwd", "x")
        .file("../outside", "x")
        .file("src/../../outside", "x")
        .entry(b"\xff\xfe.py", EntryType::Regular, b"")
        .entry(b"", EntryType::Regular, b"")
        .folder("../")
        .pax(&[("path", b"/by/pax")])
        .file("innocent", "x")
        .gnu_long_name("../by-gnu")
        .file("innocent", "x")
        .pax(&[("path", b"nul\0byte")])
        .file("innocent", "x")
        .pax(&[("GNU.sparse.major", b"1")])
        .file("by-pax-sparse", "x")
        .gnu_long_name(&format!("src/{}.py", "n".repeat(253)))
        .file("innocent", "x")
        .packed();
    let problems = refused(&packed);
    let long = format!("src/{}…", "n".repeat(76));
    let expected = [
        ("a-symlink", "symbolic link"),
        ("a-hardlink", "hard link"),
        ("a-device", "device"),
        ("a-disk", "device"),
        ("a-pipe", "pipe"),
        ("a-sparse", "sparse"),
        ("a-volume", "volume label"),
        ("a-folder", "folder that has content"),
        ("/etc/passwd", "absolute"),
        ("../outside", "`..`"),
        ("src/../../outside", "`..`"),
        ("\u{fffd}\u{fffd}.py", "UTF-8"),
        ("", "without a name"),
        ("../", "`..`"),
        ("/by/pax", "absolute"),
        ("../by-gnu", "`..`"),
        ("nul<U+0000>byte", "NUL"),
        ("by-pax-sparse", "sparse"),
        (&long, "longer than 255 bytes"),
    ];
    assert_eq!(problems.len(), expected.len(), "{problems:#?}");
    for (problem, (path, fragment)) in problems.iter().zip(expected) {
        assert_eq!(problem.path, path);
        assert!(problem.message.contains(fragment), "{problem}");
    }
}

#[test]
fn a_refused_entry_that_the_manifest_names_is_one_problem_not_two() {
    let packed = Tar::default()
        .file("krt.yml", MANIFEST)
        .file("public_input.proto", PROTO)
        .entry(b"src/greeter/main.py", EntryType::Symlink, b"")
        .packed();
    assert!(refused_for_one(&packed).message.contains("symbolic link"));
}

#[test]
fn problems_of_the_archive_and_of_the_manifest_come_together() {
    let packed = Tar::default()
        .entry(b"link", EntryType::Symlink, b"")
        .file("krt.yml", MANIFEST.replace("greeter-v1", "Greeter"))
        .file("public_input.proto", PROTO)
        .file("src/greeter/main.py", "")
        .packed();
    let paths: Vec<_> = refused(&packed).into_iter().map(|problem| problem.path).collect();
    assert_eq!(paths, ["link", "version"]);
}

#[test]
fn a_name_may_be_there_once() {
    for (again, name) in [("a.txt", "a.txt"), ("./a.txt", "a.txt"), ("a.txt/", "a.txt"), ("docs//", "docs")] {
        let tar = Tar::valid().file("a.txt", "1").folder("docs/");
        let kind = if again.ends_with('/') { EntryType::Directory } else { EntryType::Regular };
        let problem = refused_for_one(&tar.entry(again.as_bytes(), kind, b"").packed());
        assert_eq!(problem.path, name);
        assert!(problem.message.contains("twice"), "{problem}");
    }
    let problem = refused_for_one(&Tar::valid().file("a", "1").file("a/b", "2").packed());
    assert_eq!(problem.path, "a");
    assert!(problem.message.contains("folder of `a/b`"), "{problem}");
}

#[test]
fn there_is_one_manifest() {
    let problem = refused_for_one(&Tar::valid().file("krt.yaml", MANIFEST).packed());
    assert!(problem.message.contains("two manifests, `krt.yml` and `krt.yaml`"), "{problem}");
    let problem = refused_for_one(&Tar::valid().file("./krt.yml", MANIFEST).packed());
    assert!(problem.message.contains("twice"), "{problem}");
}

#[test]
fn a_missing_manifest_says_where_there_is_one() {
    let problem = refused_for_one(&Tar::default().file("README.md", "").packed());
    assert!(problem.message.contains("no `krt.yml` at the archive's root; add"), "{problem}");
    let problem = refused_for_one(&Tar::default().file("greeter/krt.yml", MANIFEST).packed());
    assert!(problem.message.contains("`greeter/krt.yml`; pack the folder's content"), "{problem}");
    let problem = refused_for_one(&Tar::default().file("KRT.YML", MANIFEST).packed());
    assert!(problem.message.contains("rename `KRT.YML`"), "{problem}");
    // A folder of that name is none.
    assert!(refused_for_one(&Tar::default().folder("krt.yml/").packed()).message.contains("no `krt.yml`"));
}

#[test]
fn headers_that_readers_understand_differently_are_refused() {
    for (tar, fragment) in [
        (Tar::valid().pax(&[("size", b"3")]).file("a", "12345"), "two different sizes"),
        (Tar::valid().pax(&[("path", b"a")]).gnu_long_name("b").file("c", ""), "two different names"),
        (Tar::valid().gnu_long_name("a").gnu_long_name("b").file("c", ""), "two long names"),
        (Tar::valid().pax(&[("path", b"a")]).pax(&[("path", b"b")]).file("c", ""), "two PAX headers"),
        (
            Tar::valid().entry(b"g", EntryType::XGlobalHeader, &support::pax_records(&[("path", b"krt.yml")])),
            "all entries at once",
        ),
        (Tar::valid().entry(b"x", EntryType::XHeader, b"nonsense").file("c", ""), "malformed"),
        (Tar::valid().gnu_long_name("a"), "describes a next entry"),
        (Tar::valid().gnu_long_name("a").file("", "x"), "an empty short one"),
        (Tar::valid().pax(&[("path", b"a")]).file("", "x"), "an empty short one"),
        (Tar::valid().prefixed(b"13712345670").file("a", "x"), "incremental backup"),
    ] {
        let problem = refused_for_one(&tar.packed());
        assert!(problem.message.contains(fragment), "{problem}");
    }
}

#[test]
fn an_error_of_the_reader_is_not_blamed_on_the_file() {
    struct GoneAfter<'b>(&'b [u8]);
    impl Read for GoneAfter<'_> {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            match self.0.read(into)? {
                0 => Err(std::io::Error::new(std::io::ErrorKind::UnexpectedEof, "the client went away")),
                read => Ok(read),
            }
        }
    }
    let packed = Tar::valid().packed();
    for end in 0..=packed.len() {
        match check(GoneAfter(&packed[..end]), &Limits::default()) {
            Err(CheckError::Read(error)) => assert_eq!(error.to_string(), "the client went away", "at {end}"),
            other => panic!("at {end}: {other:?}"),
        }
    }
}
