//! Any two texts as the entrypoint's proto file and one that it may import: nothing changes for callers from a version
//! to itself.
#![no_main]

use std::collections::BTreeMap;

use krt::{ArchiveIndex, Protos, Side, compare, parse_manifest};
use libfuzzer_sys::fuzz_target;

const MANIFEST: &[u8] = b"version: v
description: d
entrypoint: {proto: a.proto, image: a}
nodes: [{name: n, image: a, src: n.py}]
workflows: [{name: w, entrypoint: Greet, sequential: [n]}]
";

fuzz_target!(|files: (&str, &str)| {
    let mut index = ArchiveIndex::default();
    index.add_file("n.py");
    index.add_proto("a.proto", files.0);
    let (manifest, warnings) = parse_manifest(MANIFEST, &index).expect("a proto file refuses nothing");
    assert!(warnings.len() <= 1);
    let texts = [("a.proto", files.0), ("b.proto", files.1)].map(|(name, text)| (name.to_owned(), text.to_owned()));
    let protos = Protos { texts: texts.into(), ..Protos::default() };
    let none = BTreeMap::new();
    let side = Side { manifest: &manifest, config: &none, digests: None, protos: Some(&protos) };
    let callers = compare(side, side).callers;
    assert!(callers.breaking.is_empty() && callers.added.is_empty(), "{callers:?}");
});
