//! What the proto files of a version define: the rpcs of its entrypoint with their messages.

use domain::{ApiError, VersionName};
use krt::Protos;
use prost_reflect::{DescriptorPool, MessageDescriptor, MethodDescriptor};

/// The rpcs of one entrypoint. Cheap to clone where it is shared.
#[derive(Debug)]
pub(crate) struct Schema {
    rpcs: Vec<Rpc>,
}

#[derive(Debug, Clone)]
pub(crate) struct Rpc {
    /// `package.Service/Rpc`.
    pub(crate) name: String,
    method: MethodDescriptor,
}

impl Schema {
    /// Reads the files; `of` is how the version is called in messages: "`v1`".
    ///
    /// # Errors
    /// Why the messages are not known, as a sentence without its point.
    pub(crate) fn read(entrypoint_proto: &str, protos: &Protos, of: &str) -> Result<Self, String> {
        let found = krt::descriptors(entrypoint_proto, protos, of)?;
        let mut pool = DescriptorPool::global();
        pool.add_file_descriptor_protos(found.files).map_err(|error| {
            // A file that is not there is the likely cause; what the linker misses is said in any case.
            let missing: String = found.missing.iter().map(|sentence| format!("; {sentence}")).collect();
            format!("the proto files of {of} do not fit together: {error}{missing}")
        })?;
        let files = found.with_services.iter().filter_map(|name| pool.get_file_by_name(name));
        let services = files.flat_map(|file| file.services().collect::<Vec<_>>());
        let rpcs = services.flat_map(|service| {
            let rpc =
                |method: MethodDescriptor| Rpc { name: format!("{}/{}", service.full_name(), method.name()), method };
            service.methods().map(rpc).collect::<Vec<_>>()
        });
        Ok(Self { rpcs: rpcs.collect() })
    }

    /// In the order of the files.
    pub(crate) fn rpcs(&self) -> &[Rpc] {
        &self.rpcs
    }

    /// The rpc of this full name, or of this name alone where it is the only one.
    ///
    /// # Errors
    /// `NotFound`, naming those that there are.
    pub(crate) fn rpc(&self, name: &str, version: &VersionName) -> Result<&Rpc, ApiError> {
        let mut named = self.rpcs.iter().filter(|rpc| rpc.name == name || rpc.short_name() == name);
        if let (Some(rpc), None) = (named.next(), named.next()) {
            return Ok(rpc);
        }
        let known: Vec<String> = self.rpcs.iter().map(|rpc| format!("`{}`", rpc.name)).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        Err(ApiError::NotFound { what: format!("rpc `{name}` in version `{version}`, which has {known}") })
    }
}

impl Rpc {
    /// Without its service.
    pub(crate) fn short_name(&self) -> &str {
        self.method.name()
    }

    pub(crate) fn request(&self) -> MessageDescriptor {
        self.method.input()
    }

    pub(crate) fn response(&self) -> MessageDescriptor {
        self.method.output()
    }

    /// Why it cannot be called by hand, as a sentence without its point.
    pub(crate) fn off(&self) -> Option<String> {
        let streams = match (self.method.is_client_streaming(), self.method.is_server_streaming()) {
            (false, false) => return None,
            (true, false) => "its request is a stream",
            (false, true) => "its answer is a stream",
            (true, true) => "its request and its answer are streams",
        };
        Some(format!("{streams}, and only one message each way can be sent from here; use grpcurl"))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The schema of these files, the first of which is the entrypoint's.
    pub(in crate::calls) fn schema(files: &[(&str, &str)]) -> Result<Schema, String> {
        let texts = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
        Schema::read(files[0].0, &Protos { texts, ..Protos::default() }, "`v1`")
    }

    fn names(schema: &Schema) -> Vec<&str> {
        schema.rpcs().iter().map(|rpc| rpc.name.as_str()).collect()
    }

    const MESSAGES: &str = "syntax = 'proto3'; package demo; message In { string a = 1; } message Out {}";

    #[test]
    fn rpcs_of_the_entrypoint_and_of_its_public_imports_are_found_with_their_messages() {
        let entrypoint = "syntax = 'proto3'; package demo; import public 'more.proto'; import 'messages.proto';
            service Entrypoint { rpc Greet (In) returns (Out); rpc Watch (In) returns (stream Out); }";
        let more = "syntax = 'proto3'; import public 'messages.proto'; service More { rpc Also (demo.Out) returns (demo.In); }";
        let found = schema(&[("p/a.proto", entrypoint), ("p/more.proto", more), ("messages.proto", MESSAGES)]).unwrap();
        assert_eq!(names(&found), ["demo.Entrypoint/Greet", "demo.Entrypoint/Watch", "More/Also"]);
        let version = "v1".parse().unwrap();
        let greet = found.rpc("Greet", &version).unwrap();
        assert_eq!((greet.request().full_name(), greet.response().full_name()), ("demo.In", "demo.Out"));
        assert_eq!(greet.off(), None);
        assert!(
            found.rpc("demo.Entrypoint/Watch", &version).unwrap().off().unwrap().starts_with("its answer is a stream")
        );
        let unknown = found.rpc("Nothing", &version).unwrap_err().to_string();
        assert!(unknown.contains("`Nothing`") && unknown.contains("`More/Also`"), "{unknown}");
    }

    #[test]
    fn options_whose_definition_is_missing_keep_nobody_from_calling() {
        let text = "syntax = 'proto3';
            import 'google/api/annotations.proto'; import 'validate/validate.proto'; import 'google/protobuf/timestamp.proto';
            option (company.file) = { a: 1 };
            message In { option deprecated = true; string a = 1 [(validate.rules).string.min_len = 1, json_name = 'x'];
              repeated int32 b = 2 [packed = false]; google.protobuf.Timestamp at = 3; }
            service Entrypoint { rpc Greet (In) returns (In) { option (google.api.http) = { post: '/v1' }; } }";
        let found = schema(&[("a.proto", text)]).unwrap();
        let fields: Vec<_> = found.rpcs()[0].request().fields().map(|field| field.json_name().to_owned()).collect();
        assert_eq!(fields, ["x", "b", "at"]);
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        let service = "service E { rpc R (x.Far) returns (x.Far); }";
        let missing = schema(&[("a.proto", &format!("syntax = 'proto3'; import 'far.proto'; {service}"))]).unwrap_err();
        assert!(
            missing.contains("x.Far") && missing.contains("`far.proto` is not in the archive of `v1`"),
            "{missing}"
        );
        let edition = schema(&[("a.proto", "edition = '2023'; message A {}")]).unwrap_err();
        assert!(edition.starts_with("`a.proto` of `v1` is of edition 2023"), "{edition}");
        let broken = schema(&[("a.proto", "syntax = 'proto3';\nmessage { }")]).unwrap_err();
        assert!(broken.starts_with("`a.proto` of `v1` cannot be read (line 2: "), "{broken}");
    }

    #[test]
    fn imports_that_go_round_in_circles_end() {
        let file = |other: &str, own: &str| {
            format!(
                "syntax = 'proto3'; import public '{other}'; message {own} {{}} service S{own} {{ rpc R ({own}) returns ({own}); }}"
            )
        };
        // The same name in both ways, and many ways to the same file.
        let mut files =
            vec![("a.proto".to_owned(), file("b.proto", "A")), ("b.proto".to_owned(), file("a.proto", "B"))];
        for level in 0..40 {
            for side in ["l", "r"] {
                let (left, right) = (format!("l{}.proto", level + 1), format!("r{}.proto", level + 1));
                let text = format!("syntax = 'proto3'; import public '{left}'; import public '{right}';");
                files.push((format!("{side}{level}.proto"), text));
            }
        }
        files[0].1.push_str("import public 'l0.proto'; import public 'r0.proto';");
        let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        assert_eq!(names(&schema(&files).unwrap()), ["SA/R", "SB/R"]);
    }
}
