//! What an archive may cost (`Limits`): each limit is named with its value, and nothing past it is read.

mod support;

use std::{fmt::Write as _, io::Read};

use krt::{CheckError, Limits, check};
use support::{MANIFEST, Tar, gzip};
use tar::EntryType;

#[track_caller]
fn too_large(packed: &[u8], limits: &Limits) -> String {
    match check(packed, limits) {
        Err(CheckError::TooLarge { message, .. }) => message,
        other => panic!("not too large: {other:?}"),
    }
}

#[test]
fn a_bomb_is_stopped_by_its_ratio() {
    // A megabyte of zeros packs to a kilobyte, which gzip can repeat for ever.
    let zeros = gzip(&vec![0; 1 << 20]);
    let mut bomb = gzip(&Tar::default().entry_of_size(b"zeros", EntryType::Regular, 1 << 32, b"").ended()[..512]);
    bomb.extend(zeros.iter().cycle().take(zeros.len() * 100));
    let limit = too_large(&bomb, &Limits::default());
    assert!(limit.contains("250 times"), "{limit}");
    // A small one is no bomb.
    let small = Tar::valid().file("zeros.bin", vec![0; 1 << 20]).packed();
    assert!(check(small.as_slice(), &Limits::default()).is_ok());
}

#[test]
fn a_bomb_is_stopped_by_its_size_before_it_is_unpacked() {
    /// Notes how much was asked for.
    struct Counted<'b>(&'b [u8], usize);
    impl Read for Counted<'_> {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            let read = self.0.read(into)?;
            self.1 += read;
            Ok(read)
        }
    }
    let limits = Limits { max_unpacked_bytes: 1 << 20, ..Limits::default() };
    let packed = Tar::valid().file("model.bin", support::noise(3 << 20)).packed();
    let mut counted = Counted(&packed, 0);
    let refused = check(&mut counted, &limits);
    assert!(
        matches!(&refused, Err(CheckError::TooLarge { message, .. }) if message == "at most 1 MiB unpacked are allowed"),
        "{refused:?}"
    );
    assert!(counted.1 < packed.len() / 2, "{} of {} bytes were read", counted.1, packed.len());
    // A header alone can say more than there will ever be.
    let lie = Tar::valid().entry_of_size(b"huge", EntryType::Regular, u64::MAX >> 1, b"").packed();
    assert!(too_large(&lie, &Limits::default()).contains("8 GiB"));
    let long_lie = Tar::valid().entry_of_size(b"n", EntryType::GNULongName, u64::MAX >> 1, b"").packed();
    assert!(too_large(&long_lie, &Limits::default()).contains("1 KiB"));
}

#[test]
fn names_and_headers_are_bounded() {
    let limits = Limits { max_entries: 10, max_name_bytes: 150, max_names_bytes: 500, ..Limits::default() };
    let many = (0..10).fold(Tar::valid(), |tar, at| tar.file(&format!("._{at}"), ""));
    assert_eq!(too_large(&many.packed(), &limits), "at most 10 files and folders are allowed");

    let long = "n".repeat(151);
    let expected = "at most 150 bytes are allowed for a name";
    assert_eq!(too_large(&Tar::valid().gnu_long_name(&long).file("x", "").packed(), &limits), expected);
    assert_eq!(too_large(&Tar::valid().pax(&[("path", long.as_bytes())]).file("x", "").packed(), &limits), expected);
    let just_right = Tar::valid().gnu_long_name(&long[1..]).file("x", "").packed();
    assert!(check(just_right.as_slice(), &limits).is_ok());

    let together = (0..5).fold(Tar::valid(), |tar, at| tar.file(&format!("{at}{}", "n".repeat(95)), ""));
    assert_eq!(too_large(&together.packed(), &limits), "at most 500 bytes are allowed for the names of all files");

    let attributes = vec![b'x'; 2 << 20];
    let pax = Tar::valid().pax(&[("SCHILY.xattr.x", &attributes)]).file("x", "").packed();
    assert_eq!(too_large(&pax, &limits), "at most 1 MiB are allowed for an extended (PAX) header");
}

#[test]
fn the_manifest_is_bounded() {
    let large = format!("{MANIFEST}# {}\n", "x".repeat(256 << 10));
    let limit = too_large(&Tar::default().file("krt.yml", large).packed(), &Limits::default());
    assert_eq!(limit, "at most 256 KiB are allowed for the manifest (`krt.yml`)");
}

#[test]
fn problems_are_listed_up_to_a_limit_and_then_counted() {
    let tar = (0..120).fold(Tar::valid(), |tar, at| tar.entry(format!("l{at}").as_bytes(), EntryType::Symlink, b""));
    let problems = support::refused(&tar.packed());
    assert_eq!(problems.len(), 101);
    assert!(problems[100].message.contains("20 more"), "{}", problems[100]);

    let mut manifest = MANIFEST.to_owned();
    for at in 0..5000 {
        let _ = writeln!(manifest, "      - nobody-{at}");
    }
    let packed =
        Tar::default().file("krt.yml", manifest).file("src/greeter/main.py", "").file("public_input.proto", "");
    let problems = support::refused(&packed.packed());
    assert_eq!(problems.iter().filter(|problem| problem.severity == domain::Severity::Error).count(), 101);
    assert!(problems.last().is_some_and(|last| last.message.contains("4900 more")), "{:?}", problems.last());
}
