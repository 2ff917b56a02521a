//! Two manifests that have every field, and the archive that they are read against.

use domain::Problem;
use krt::{ArchiveIndex, model::Manifest, parse_manifest};

pub(crate) const V2: &str = "version: demo-v2
krtVersion: v2
description: Shows it all.
entrypoint:
  proto: public_input.proto
  image: konstellation/kre-entrypoint:latest
config:
  variables:
    - API_KEY
    - REGION
  files:
    - model.conf
workflows:
  - name: classify
    entrypoint: Classify
    exitpoint: answer
    nodes:
      - name: etl
        image: konstellation/kre-py:latest
        src: src/etl/main.py
        subscriptions: [entrypoint]
      - name: split
        image: busybox:1.37
        src: src/split/main.py
        gpu: true
        replicas: 2
        subscriptions: [etl]
      - name: answer
        image: konstellation/kre-go:latest
        src: ./bin/answer
        subscriptions: [etl, split.spam]
        objectStore:
          name: emails
          scope: project
  - name: store
    entrypoint: Store
    exitpoint: keep
    nodes:
      - name: keep
        image: localhost:5000/keep
        src: bin/store
        subscriptions:
          - entrypoint
        objectStore:
          name: kept
";

pub(crate) const V1: &str = "version: greeter-v1
krtVersion: v1
description: Greets.
entrypoint:
  proto: public_input.proto
  image: konstellation/kre-entrypoint:latest
nodes:
  - name: greeter
    image: konstellation/kre-py:latest
    src: src/greeter/main.py
    gpu: true
  - name: printer
    image: busybox
    src: bin/printer
workflows:
  - name: greeting
    entrypoint: Greet
    sequential:
      - greeter
  - name: saluting
    entrypoint: Salute
    sequential: [greeter, printer]
";

/// Reads a manifest against an archive that has what the two of above need.
pub(crate) fn read(manifest: &str) -> Result<(Manifest, Vec<Problem>), Vec<Problem>> {
    let v1 = !manifest.contains("Classify");
    let rpcs = if v1 { ["Greet", "Salute"] } else { ["Classify", "Store"] };
    let rpcs = rpcs.map(|name| format!("  rpc {name} (R) returns (R) {{}};\n")).concat();
    let mut index = ArchiveIndex::default();
    index.add_proto("public_input.proto", format!("service Entrypoint {{\n{rpcs}}}\n"));
    let sources: &[&str] = if v1 {
        &["src/greeter/main.py", "bin/printer"]
    } else {
        &["src/etl/main.py", "src/split/main.py", "bin/answer", "bin/store"]
    };
    for source in sources {
        index.add_file(*source);
    }
    parse_manifest(manifest.as_bytes(), &index)
}

/// Line and column of the mark `‸`, if there is one.
pub(crate) fn marked_place(text: &str) -> Option<(u32, u32)> {
    let before = text.split_once('‸')?.0;
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    Some((u32::try_from(line).ok()?, u32::try_from(column).ok()?))
}
