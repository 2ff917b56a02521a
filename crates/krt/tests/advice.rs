//! Messages show the difference that they are about, and what they advise works.

#[expect(dead_code, reason = "a part of it is for other tests")]
mod rules;
mod support;

use domain::Problem;
use krt::{ArchiveIndex, parse_manifest};
use rules::{V2, read};
use support::{MANIFEST, PROTO, Tar, gzip, refused, refused_for_one};
use tar::EntryType;

/// The problems of V2 when `from` is `to` in it.
fn problems(from: &str, to: &str) -> Vec<Problem> {
    assert_eq!(V2.matches(from).count(), 1, "`{from}` is not there once");
    read(&V2.replace(from, to)).expect_err("refused")
}

#[track_caller]
fn expect(from: &str, to: &str, fragments: &[&str]) {
    let problems = problems(from, to);
    let said = |fragment: &&&str| problems.iter().any(|problem| problem.message.contains(**fragment));
    let missing: Vec<_> = fragments.iter().filter(|fragment| !said(fragment)).collect();
    assert!(missing.is_empty(), "{to}: nothing of {missing:?} in {problems:#?}");
}

#[test]
fn names_that_look_alike_are_told_apart_by_their_code_points() {
    let with = |packed: &str, wanted: &str| {
        let mut index = ArchiveIndex::default();
        index.add_proto("public_input.proto", PROTO);
        index.add_file(packed);
        let manifest = MANIFEST.replace("src/greeter/main.py", wanted);
        let problems = parse_manifest(manifest.as_bytes(), &index).expect_err("refused");
        assert_eq!(problems.len(), 1, "{problems:#?}");
        problems[0].message.clone()
    };
    for (packed, wanted, expected) in [
        ("src/mode\u{300}le.py", "src/mod\u{e8}le.py", "here it has U+00E8, there U+0065 U+0300"),
        ("src/mod\u{e8}le.py", "src/mode\u{300}le.py", "here it has U+0065 U+0300, there U+00E8"),
        ("src/my\u{a0}main.py", "src/my main.py", "`src/my<U+00A0>main.py`"),
        ("src/main.py", "src/main\u{200b}.py", "no file `src/main<U+200B>.py`"),
        ("src/main.py", "src/main\u{200b}.py", "here it has U+200B, there nothing"),
        // More of the kind: a Cyrillic letter, a soft hyphen, a dash that is none.
        ("src/main.py", "src/m\u{430}in.py", "here it has U+0430, there U+0061"),
        ("src/main.py", "src/ma\u{ad}in.py", "`src/ma<U+00AD>in.py`"),
        ("src/re-rank.py", "src/re\u{2010}rank.py", "here it has U+2010, there U+002D"),
    ] {
        let message = with(packed, wanted);
        assert!(message.contains(expected), "{message}");
    }
    let visible = with("src/main.py", "src/mian.py");
    assert!(visible.ends_with("did you mean `src/main.py`?"), "{visible}");
    expect("version: demo-v2", "version: demo-v2\u{200b}", &["`demo-v2<U+200B>` is not a valid name"]);
    expect("image: busybox:1.37", "image: busy\u{a0}box", &["`busy<U+00A0>box` has spaces"]);
    expect("    - REGION", "    - REG\u{feff}ION", &["`REG<U+FEFF>ION`"]);
}

#[test]
fn what_a_template_left_is_named_and_not_taken_for_a_value() {
    let image = "image: busybox:1.37";
    expect(image, "image: ${REGISTRY}/kre-py:latest", &["`image` contains the placeholder `${REGISTRY}`"]);
    expect(image, "image: registry/<app>:1", &["placeholder `<app>`"]);
    expect(image, "image: \"{{ image }}\"", &["placeholder `{{ image }}`"]);
    expect("version: demo-v2", "version: {{ version }}", &["`{{` begins a template's placeholder"]);
    expect("version: demo-v2", "version: \"{{ .Chart.Version }}\"", &["placeholder `{{ .Chart.Version }}`"]);
    expect("version: demo-v2", "version: $VERSION", &["placeholder `$VERSION`"]);
    expect("version: demo-v2", "{% if x %}\nversion: demo-v2", &["`{%` begins a template's placeholder"]);
    expect("    - REGION", "    - __REGION__", &["placeholder `__REGION__`"]);
    expect("replicas: 2", "replicas: ${REPLICAS}", &["`replicas` contains the placeholder `${REPLICAS}`"]);
    expect("gpu: true", "gpu: \"{{ gpu }}\"", &["`gpu` contains the placeholder `{{ gpu }}`"]);
    expect(image, "image: @IMAGE@", &["`@` begins a template's placeholder"]);
    expect("src: src/etl/main.py", "src: \"%SRC%/main.py\"", &["placeholder `%SRC%`"]);
    expect("image: busybox:1.37", "image: Konstellation/kre-py", &["write `konstellation`"]);
}

#[test]
fn what_is_in_the_way_of_reading_the_text_is_named_with_its_place() {
    for (from, to, line, fragment) in [
        (
            "version: demo-v2\n",
            "<<<<<<< HEAD\nversion: demo-v2\n=======\nversion: b\n>>>>>>> b\n",
            1,
            "conflict marker",
        ),
        ("config:\n", "config:\n>>>>>>> theirs\n", 8, "conflict marker"),
        // What is left when one of the markers has been removed.
        ("version: demo-v2\n", "version: demo-v2\n=======\n", 2, "conflict marker"),
        ("version: demo-v2\n", "||||||| base\nversion: demo-v2\n", 1, "conflict marker"),
        ("  proto: public_input.proto", "\u{a0}\u{a0}proto: public_input.proto", 5, "the indentation contains U+00A0"),
        ("  image: konstellation/kre-entrypoint:latest", "  \u{3000}image: x", 6, "the indentation contains U+3000"),
        ("  variables:\n", "\tvariables:\n", 8, "the indentation contains a tab"),
    ] {
        let problem = &problems(from, to)[0];
        assert!(problem.message.contains(fragment) && problem.line == Some(line), "{to}: {problem}");
    }
    // In a text over several lines they are what the text says.
    let description = "description: |\n  a\n  {{ b }}\n   \tc\n  \u{a0}d";
    read(&V2.replace("description: Shows it all.", description)).expect("valid");
}

#[test]
fn quotes_and_words_of_yaml_are_explained() {
    expect(
        "gpu: true",
        "gpu: \"true\"",
        &["must be `true` or `false`, which is written without quotes", "write `true`"],
    );
    expect("gpu: true", "gpu: 'False'", &["found `\"False\"`, write `False`"]);
    expect("gpu: true", "gpu: yes", &["write `true`; found the text `yes`"]);
    expect("replicas: 2", "replicas: \"2\"", &["is written without quotes", "write `2`"]);
    expect("replicas: 2", "replicas: two", &["found the text `two`"]);
    expect("    - REGION", "    - NULL", &["found `NULL`, which in YAML means nothing", "in quotes: `\"NULL\"`"]);
    expect("    - REGION", "    - null", &["found `null`, which in YAML means nothing"]);
    expect("    - REGION", "    -", &["found nothing"]);
    expect("version: demo-v2", "version: \u{201c}demo-v2\u{201d}", &["typographic quotes are part of the text"]);
    read(&V2.replace("    - REGION", "    - \"NULL\"")).expect("in quotes it is a name");
    read(&V2.replace("gpu: true", "gpu: False")).expect("as advised");
}

#[test]
fn a_number_that_is_read_in_two_ways_is_refused() {
    for (written, advised) in [("010", "10"), ("007", "7"), ("+012", "12")] {
        expect(
            "replicas: 2",
            &format!("replicas: {written}"),
            &["in base 8 and others in base 10", &format!("`{advised}`")],
        );
        read(&V2.replace("replicas: 2", &format!("replicas: {advised}"))).expect("as advised");
    }
}

#[test]
fn backslashes_are_explained_on_both_sides() {
    expect(
        "src: src/etl/main.py",
        "src: src\\etl\\main.py",
        &["folders are separated by `/`: write `src/etl/main.py`"],
    );
    for (written, advice) in [
        (
            "C:\\work\\src\\etl\\main.py",
            "is absolute; paths begin at the archive's root, with `/` between folders: write `src/etl/main.py`",
        ),
        ("\\src\\etl\\main.py", "write `src/etl/main.py`"),
        ("D:\\other.py", "name the file as it is there"),
        ("\"src\\\\etl\\\\main.py\"", "write `src/etl/main.py`"),
        ("\"src\\main.py\"", "in double quotes `\\` begins an escape"),
    ] {
        expect("src: src/etl/main.py", &format!("src: {written}"), &[advice]);
    }
    let with = |files: &[&str]| {
        let tar = files.iter().fold(Tar::default(), |tar, name| tar.file(name, ""));
        refused(&tar.file("krt.yml", MANIFEST).file("public_input.proto", PROTO).packed())
    };
    let packed = with(&["src\\greeter\\main.py"]);
    assert!(packed[0].message.contains("in the archive as `src\\greeter\\main.py`"), "{packed:?}");
    assert!(packed[0].message.contains("`src/greeter/main.py` is in"), "{packed:?}");
    let nowhere = refused_for_one(&Tar::default().file("app\\krt.yml", MANIFEST).packed());
    assert!(nowhere.message.contains("but there is `app\\krt.yml`, where `\\`"), "{nowhere}");
}

#[test]
fn a_manifest_under_nearly_its_name_or_in_another_form_is_recognised() {
    for name in [
        "krt.yml.txt",
        "krt.yaml.bak",
        "KRT.yml",
        "krt.ymal",
        "krt.yml ",
        "ktr.yml",
        "krt.yml\u{200b}",
        "krt (1).yml",
        "kr\u{442}.yml",
    ] {
        let problem = refused_for_one(&Tar::default().file(name, MANIFEST).packed());
        assert!(
            problem.message.contains("; rename `krt")
                || problem.message.contains("; rename `k")
                || problem.message.contains("; rename `KRT"),
            "{problem}"
        );
    }
    let alike = refused_for_one(&Tar::default().file("kr\u{442}.yml", MANIFEST).packed());
    assert!(alike.message.contains("here it has U+0442, there U+0074"), "{alike}");
    for (manifest, fragment) in [
        (gzip(MANIFEST.as_bytes()), "compressed with gzip"),
        (b"PK\x03\x04\x14\0\x08\0".to_vec(), "not YAML, but a ZIP file"),
        (b"BZh91AY&SY\xff\xfe".to_vec(), "not YAML, but data compressed with bzip2"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n".to_vec(), "a Git LFS pointer"),
        (MANIFEST.encode_utf16().flat_map(u16::to_le_bytes).collect(), "is UTF-16"),
        (MANIFEST.chars().flat_map(|c| u32::from(c).to_be_bytes()).collect(), "is UTF-32"),
        ([vec![0xff, 0xfe], MANIFEST.encode_utf16().flat_map(u16::to_le_bytes).collect()].concat(), "is UTF-16"),
        (MANIFEST.replace("Greets", "Gr\u{fc}\u{df}t").chars().map(|c| c as u8).collect(), "not UTF-8 here"),
    ] {
        let packed = Tar::default().file("krt.yml", &manifest).file("public_input.proto", PROTO).packed();
        assert!(refused(&packed)[0].message.contains(fragment), "{fragment}");
    }
}

#[test]
fn what_other_tars_write_is_named_with_advice_for_each() {
    // As GNU tar writes it: without a size.
    let mut label = tar::Header::new_gnu();
    label.as_old_mut().name[..5].copy_from_slice(b"label");
    label.set_entry_type(EntryType::new(b'V'));
    label.as_old_mut().size = [0; 12];
    label.set_cksum();
    let packed = gzip(
        &Tar::default().raw(label.as_bytes()).raw(&Tar::valid().ended()).ended()[..Tar::valid().ended().len() + 512],
    );
    let problem = refused_for_one(&packed);
    assert_eq!(problem.path, "label");
    assert!(problem.message.contains("volume label, not a file; pack it without `--label`"), "{problem}");

    let pointer = refused_for_one(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n");
    assert!(pointer.message.contains("it is a Git LFS pointer"), "{pointer}");
    for (kind, fragments) in [
        (EntryType::GNUSparse, &["`--sparse` (GNU tar)", "`--no-read-sparse` (bsdtar)"][..]),
        (EntryType::Link, &["GNU tar by `--hard-dereference`", "`cp -R`"]),
        (EntryType::new(b'M'), &["without `--multi-volume`"]),
        (EntryType::new(b'D'), &["without `--incremental`"]),
    ] {
        let problem = refused_for_one(&Tar::valid().entry(b"x", kind, b"").packed());
        assert!(fragments.iter().all(|fragment| problem.message.contains(fragment)), "{problem}");
    }
}

#[test]
fn a_character_that_no_database_stores_is_refused_where_it_is() {
    expect("description: Shows it all.", "description: \"a\\0b\"", &["`description` has a NUL character"]);
    expect("    - REGION", "    - \"REG\\0ION\"", &["this element has a NUL character"]);
    expect("image: busybox:1.37", "image: \"busybox\\0\"", &["NUL character"]);
    expect("src: src/etl/main.py", "src: \"src/etl/main.py\\0\"", &["NUL character"]);
}
