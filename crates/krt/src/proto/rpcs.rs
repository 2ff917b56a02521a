//! The names of the rpcs that a workflow's entrypoint may have.

use std::collections::{BTreeSet, VecDeque};

use super::{FileDescriptorProto, Unreadable, is_well_known, parse, places_of};
use crate::{ArchiveIndex, limits::MAX_COMPARED_BYTES};

/// The rpcs of a proto file, and of those that it imports publicly.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Rpcs {
    /// Without their services' names, in the order of the files.
    pub(crate) names: Vec<String>,
    /// The services that have them.
    pub(crate) services: Vec<String>,
    /// False when a public import could not be looked into, so that there may be more.
    pub(crate) complete: bool,
}

/// The rpcs of the entrypoint's proto file; none when its text was not kept.
pub(crate) fn rpcs(entrypoint_proto: &str, index: &ArchiveIndex) -> Option<Result<Rpcs, Unreadable>> {
    let mut found = Rpcs { complete: true, ..Rpcs::default() };
    let mut left = match parse(index.proto(entrypoint_proto)?) {
        Ok(file) => found.add(file),
        Err(reason) => return Some(Err(reason)),
    };
    let mut seen = BTreeSet::from([entrypoint_proto.to_owned()]);
    let mut bytes_left = MAX_COMPARED_BYTES;
    while let Some(import) = left.pop_front() {
        let place = places_of(&import, entrypoint_proto).find(|place| index.is_file(place));
        if place.as_ref().is_some_and(|place| !seen.insert(place.clone())) {
            continue;
        }
        let text = place.and_then(|place| index.proto(&place)).filter(|text| text.len() <= bytes_left);
        bytes_left -= text.map_or(0, str::len);
        match text.map(parse) {
            Some(Ok(file)) => left.extend(found.add(file)),
            Some(Err(_)) | None => found.complete = false,
        }
    }
    Some(Ok(found))
}

impl Rpcs {
    /// Adds a file's rpcs and answers what it imports publicly.
    fn add(&mut self, file: FileDescriptorProto) -> VecDeque<String> {
        let indexes = file.public_dependency.iter().filter_map(|index| usize::try_from(*index).ok());
        let imports = indexes.filter_map(|index| file.dependency.get(index)).filter(|import| !is_well_known(import));
        let imports = imports.cloned().collect();
        self.services.extend(file.service.iter().filter_map(|service| service.name.clone()));
        let methods = file.service.into_iter().flat_map(|service| service.method);
        self.names.extend(methods.filter_map(|method| method.name));
        imports
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(files: &[(&str, &str)]) -> Result<Rpcs, Unreadable> {
        let mut index = ArchiveIndex::default();
        for (name, text) in files {
            index.add_proto(*name, *text);
        }
        rpcs(files[0].0, &index).unwrap()
    }

    fn names(text: &str) -> Vec<String> {
        of(&[("a.proto", text)]).unwrap().names
    }

    #[test]
    fn rpcs_of_every_service_are_found_in_order() {
        let text = r#"
            syntax = "proto3";
            message rpc { string service = 1; }
            service Entrypoint {
              option (x) = "rpc Hidden (";
              rpc Greet (Request) returns (Response) { option deprecated = true; };
              rpc Salute(stream Request)returns(stream Response);
            }
            service Other{rpc Third(A)returns(B){}}
        "#;
        assert_eq!(names(text), ["Greet", "Salute", "Third"]);
        assert_eq!(names("edition = \"2023\"; service S { rpc R (A) returns (B); }"), ["R"]);
    }

    #[test]
    fn comments_and_strings_define_nothing() {
        let text = "
            // service A { rpc X (R) returns (R); }
            /* service A { rpc Y (R) returns (R); } */
            service A { // rpc Z (
              rpc Real /* { */ (R) returns (R);
            }
            option a = 'service B { rpc Q (';
            option b = \"\\\" service B { rpc P (\";
        ";
        assert_eq!(names(text), ["Real"]);
    }

    #[test]
    fn services_behind_public_imports_count_and_others_do_not() {
        let service = |rpc: &str| format!("service S {{ rpc {rpc} (R) returns (R); }}");
        let first = format!("import public 'b.proto'; import 'c.proto'; {}", service("A"));
        let second = format!("import public 'd.proto'; import public 'a.proto'; {}", service("B"));
        let (c, d) = (service("C"), service("D"));
        let found = of(&[("p/a.proto", &first), ("p/b.proto", &second), ("p/c.proto", &c), ("d.proto", &d)]).unwrap();
        let services = ["S", "S", "S"].map(str::to_owned).to_vec();
        assert_eq!(found, Rpcs { names: ["A", "B", "D"].map(str::to_owned).to_vec(), services, complete: true });
        // No more is read than is compared.
        let (large, first_of_many) =
            (" ".repeat(250 << 10), "import public 'b.proto'; import public 'c.proto'; import public 'd.proto';");
        let many = of(&[("a.proto", first_of_many), ("b.proto", &large), ("c.proto", &large), ("d.proto", &large)]);
        assert!(!many.unwrap().complete);
        let missing = of(&[("a.proto", &first)]).unwrap();
        let services = vec!["S".to_owned()];
        assert_eq!(missing, Rpcs { names: vec!["A".to_owned()], services, complete: false });
    }

    #[test]
    fn what_is_broken_is_said_with_its_line() {
        for broken in ["service", "service A {", "service A { rpc", "}}}} service", "/*", "\"", "'\\", "é{(}"] {
            let reason = of(&[("a.proto", broken)]).unwrap_err().to_string();
            assert!(!reason.is_empty(), "{broken}");
        }
        let reason = of(&[("a.proto", "service A {\n rpc X (R);\n}")]).unwrap_err().to_string();
        assert!(reason.starts_with("line 2: "), "{reason}");
        assert_eq!(names(""), Vec::<String>::new());
    }
}
