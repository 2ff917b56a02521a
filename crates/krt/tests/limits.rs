//! What an archive may cost (`Limits`): each limit is named with its value, and nothing past it is read.

mod support;

use std::{fmt::Write as _, io::Read};

use krt::{CheckError, Limit, Limits, ReadOptions, check, check_with};
use support::{Counted, MANIFEST, Repeated, Tar, gzip};
use tar::EntryType;

#[track_caller]
fn too_large(packed: &[u8], limits: &Limits) -> String {
    match check(packed, limits) {
        Err(CheckError::TooLarge { message, .. }) => message,
        other => panic!("not too large: {other:?}"),
    }
}

#[test]
fn a_bomb_of_ten_gigabytes_is_stopped_by_its_ratio_early() {
    // A megabyte of zeros packs to a kilobyte, which gzip can repeat for ever.
    let zeros = gzip(&vec![0; 1 << 20]);
    let limits = Limits { max_unpacked_bytes: 1 << 40, ..Limits::default() };
    let head = gzip(&Tar::default().entry_of_size(b"zeros", EntryType::Regular, 10 << 30, b"").ended()[..512]);
    let mut bomb = Counted::new(head.as_slice().chain(Repeated::new(&zeros, 10 << 10)));
    match check(&mut bomb, &limits) {
        Err(CheckError::TooLarge { limit: Limit::Ratio, message }) => {
            assert_eq!(message, "it may unpack to at most 250 times its own size");
        }
        other => panic!("not too large: {other:?}"),
    }
    assert!(bomb.bytes < zeros.len() * 150, "{} bytes were read", bomb.bytes);
    // By its size it is refused before anything of it is unpacked.
    assert!(too_large(&head, &Limits::default()).contains("8 GiB"));
    // A small one is no bomb.
    let small = Tar::valid().file("zeros.bin", vec![0; 1 << 20]).packed();
    assert!(check(small.as_slice(), &Limits::default()).is_ok());
}

#[test]
fn a_bomb_is_stopped_by_its_size_before_it_is_unpacked() {
    let limits = Limits { max_unpacked_bytes: 1 << 20, ..Limits::default() };
    let packed = Tar::valid().file("model.bin", support::noise(3 << 20)).packed();
    let mut counted = Counted::new(packed.as_slice());
    let refused = check(&mut counted, &limits);
    assert!(
        matches!(&refused, Err(CheckError::TooLarge { message, .. }) if message == "it may unpack to at most 1 MiB"),
        "{refused:?}"
    );
    assert!(counted.bytes < packed.len() / 2, "{} of {} bytes were read", counted.bytes, packed.len());
    // A header alone can say more than there will ever be.
    let lie = Tar::valid().entry_of_size(b"huge", EntryType::Regular, u64::MAX >> 1, b"").packed();
    assert!(too_large(&lie, &Limits::default()).contains("8 GiB"));
    let long_lie = Tar::valid().entry_of_size(b"n", EntryType::GNULongName, u64::MAX >> 1, b"").packed();
    assert!(too_large(&long_lie, &Limits::default()).contains("1 KiB"));
}

#[test]
fn a_million_empty_entries_are_not_all_read() {
    let hundred = gzip(&Tar::default().file("", "").ended()[..512].repeat(100));
    let first = gzip(&Tar::valid().ended()[..Tar::valid().ended().len() - 1024]);
    let mut archive = Counted::new(first.as_slice().chain(Repeated::new(&hundred, 10_000)));
    match check(&mut archive, &Limits::default()) {
        Err(CheckError::TooLarge { limit: Limit::Entries, message }) => {
            assert_eq!(message, "at most 100000 files and folders are allowed");
        }
        other => panic!("not too large: {other:?}"),
    }
    assert!(archive.bytes < hundred.len() * 2000, "{} bytes were read", archive.bytes);
}

#[test]
fn the_compressed_size_is_bounded_also_where_nothing_comes_out_of_it() {
    let limits = Limits { max_packed_bytes: 1000, ..Limits::default() };
    let message = "a KRT file may have at most 1000 bytes";
    assert_eq!(too_large(&Tar::valid().file("noise", support::noise(5000)).packed(), &limits), message);
    let empty = gzip(b"");
    assert_eq!(too_large(&[empty.repeat(100), Tar::valid().packed()].concat(), &limits), message);
    assert_eq!(too_large(&[Tar::valid().packed(), vec![0; 2000]].concat(), &limits), message);
    let exact = Tar::valid().packed();
    let limits = Limits { max_packed_bytes: exact.len() as u64, ..limits };
    assert!(check(exact.as_slice(), &limits).is_ok());
}

#[test]
fn documentation_is_bounded_whether_it_is_kept_or_not() {
    let limits = Limits { max_docs_bytes: 1000, ..Limits::default() };
    let tar = Tar::default().file("docs/README.md", vec![b'x'; 600]).file("other/README.md", vec![b'x'; 600]);
    let valid = |tar: Tar| tar.raw(&Tar::valid().ended());
    assert!(check(gzip(&valid(tar.clone()).raw(&[]).ended()).as_slice(), &limits).is_ok());
    let packed = gzip(&valid(tar.file("docs/img/x.png", vec![b'x'; 401])).ended());
    let expected = "at most 1000 bytes are allowed for the documentation (`docs/`), which `docs/img/x.png` exceeds";
    for reading in [ReadOptions::FULL, ReadOptions { until: krt::Until::End, ..ReadOptions::BRIEF }] {
        match check_with(packed.as_slice(), &limits, &reading) {
            Err(CheckError::TooLarge { limit: Limit::DocsBytes, message }) => assert_eq!(message, expected),
            other => panic!("not too large: {other:?}"),
        }
    }
}

#[test]
fn the_number_of_documents_is_bounded_whether_they_are_kept_or_not() {
    let limits = Limits { max_documents: 3, ..Limits::default() };
    let with = |count: usize| (0..count).fold(Tar::valid(), |tar, at| tar.file(&format!("docs/{at}.md"), "")).packed();
    assert!(check(with(3).as_slice(), &limits).is_ok());
    for reading in [ReadOptions::FULL, ReadOptions { until: krt::Until::End, ..ReadOptions::BRIEF }] {
        match check_with(with(4).as_slice(), &limits, &reading) {
            Err(CheckError::TooLarge { limit: Limit::Documents, message }) => {
                assert_eq!(message, "at most 3 files are allowed in the documentation (`docs/`)");
            }
            other => panic!("not too large: {other:?}"),
        }
    }
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
    assert_eq!(too_large(&pax, &limits), "at most 512 KiB are allowed for an extended (PAX) header");
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
    for at in 0..999 {
        let _ = writeln!(manifest, "      - nobody-{at}");
    }
    let packed =
        Tar::default().file("krt.yml", manifest).file("src/greeter/main.py", "").file("public_input.proto", "");
    let problems = support::refused(&packed.packed());
    assert_eq!(problems.iter().filter(|problem| problem.severity == domain::Severity::Error).count(), 101);
    assert!(problems.last().is_some_and(|last| last.message.contains("899 more")), "{:?}", problems.last());
}
