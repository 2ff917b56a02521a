//! KRT files made for a test.

use std::fmt::Write;

use flate2::{Compression, write::GzEncoder};

/// A small valid v1 file: one workflow with one node.
pub(crate) struct Krt {
    version: String,
    variables: Vec<String>,
    files: Vec<String>,
    padding: usize,
    node_image: String,
    entrypoint_image: String,
}

impl Krt {
    pub(crate) fn new(version: &str) -> Self {
        Self {
            version: version.to_owned(),
            variables: Vec::new(),
            files: Vec::new(),
            padding: 0,
            node_image: "example/greeter:1".to_owned(),
            entrypoint_image: "example/entrypoint:1".to_owned(),
        }
    }

    pub(crate) fn images(mut self, node: &str, entrypoint: &str) -> Self {
        (self.node_image, self.entrypoint_image) = (node.to_owned(), entrypoint.to_owned());
        self
    }

    pub(crate) fn variable(mut self, name: &str) -> Self {
        self.variables.push(name.to_owned());
        self
    }

    pub(crate) fn file(mut self, name: &str) -> Self {
        self.files.push(name.to_owned());
        self
    }

    /// With a file of so many bytes in it that do not compress.
    pub(crate) fn padded(mut self, bytes: usize) -> Self {
        self.padding = bytes;
        self
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut model = vec![0; self.padding];
        let mut state = 1u64;
        for byte in &mut model {
            // A linear congruential generator; all that matters is that gzip finds no pattern.
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *byte = (state >> 56) as u8;
        }
        pack(&[
            ("krt.yml", self.manifest().as_bytes()),
            (
                "public_input.proto",
                b"syntax = \"proto3\";\nservice Entrypoint {\n  rpc Greet (Request) returns (Response) {};\n}\n",
            ),
            ("src/greeter/main.py", b"print('hello')\n"),
            ("models/model.bin", &model),
        ])
    }

    fn manifest(&self) -> String {
        let mut text = format!(
            "version: {}\ndescription: Made for a test.\nentrypoint:\n  proto: public_input.proto\n  image: {}\nconfig:\n",
            self.version, self.entrypoint_image
        );
        for (kind, names) in [("variables", &self.variables), ("files", &self.files)] {
            writeln!(text, "  {kind}:").unwrap();
            for name in names {
                writeln!(text, "    - {name}").unwrap();
            }
        }
        writeln!(text, "nodes:\n  - name: greeter\n    image: {}\n    src: src/greeter/main.py", self.node_image)
            .unwrap();
        text.push_str("workflows:\n  - name: greeting\n    entrypoint: Greet\n    sequential:\n      - greeter\n");
        text
    }
}

/// A gzip-compressed tar with these files.
pub(crate) fn pack(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (name, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, name, *content).unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap()
}
