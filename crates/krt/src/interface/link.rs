//! From the texts of proto files to an [`Interface`]: reads the files that are reached, and finds the types that they
//! name. A name that cannot be found stays unknown with the files that may define it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{
    Interface, Message, Missing, Payload, Rpc, Type, TypeRef,
    fields::{self, Definitions},
    missing::Why,
};
use crate::{
    Protos,
    proto::{self, FileDescriptorProto},
};

/// Reads what the entrypoint's proto file offers to callers.
///
/// # Errors
/// Why the file itself cannot be read. One that it imports makes types unknown instead.
pub(crate) fn link(entrypoint_proto: &str, protos: &Protos) -> Result<Interface, Missing> {
    let mut files = Files::read(entrypoint_proto, protos)?;
    let definitions: Vec<Definitions> =
        files.files.iter_mut().map(|file| fields::definitions(&mut file.proto)).collect();
    let mut symbols = Symbols::new();
    for (file, found) in definitions.iter().enumerate() {
        // Two files that define the same are no concern of a comparison.
        for name in found.messages.keys() {
            symbols.entry(name.clone()).or_insert(Symbol { file, is_enum: false });
        }
        for name in found.enums.keys() {
            symbols.entry(name.clone()).or_insert(Symbol { file, is_enum: true });
        }
    }

    let mut interface = Interface::default();
    let mut extensions = Vec::new();
    for (at, found) in definitions.into_iter().enumerate() {
        let (file, scope) = (&files.files[at].proto, Scope::of(at, &files, &symbols));
        for (name, written) in found.messages {
            let fields = written.fields(&name, file, &scope);
            let message = Message { fields, extension_ranges: written.extension_ranges(), extensions: BTreeMap::new() };
            interface.types.entry(name).or_insert(Type::Message(message));
        }
        for (name, values) in found.enums {
            interface.types.entry(name).or_insert(Type::Enum(values));
        }
        extensions.extend(found.extensions.into_iter().filter_map(|written| written.field(file, &scope)));
    }
    for (extended, number, field) in extensions {
        if let Some(Type::Message(message)) = interface.types.get_mut(&extended) {
            message.extensions.insert(number, field);
        }
    }
    files.add_services(&symbols, &mut interface);
    Ok(interface)
}

/// All messages and enums by full name.
type Symbols = HashMap<String, Symbol>;

struct Symbol {
    /// The index of the file that defines it.
    file: usize,
    is_enum: bool,
}

pub(super) struct File {
    pub(super) proto: FileDescriptorProto,
    /// Indexes in [`Files`], or why there is none.
    imports: Vec<Result<usize, Missing>>,
    imports_well_known: bool,
}

impl File {
    fn public_imports(&self) -> impl Iterator<Item = &Result<usize, Missing>> {
        let indexes = self.proto.public_dependency.iter().filter_map(|index| usize::try_from(*index).ok());
        // Those that come with every compiler define no services.
        indexes.filter_map(|index| self.imports.get(index)).filter(|import| *import != &Ok(WELL_KNOWN))
    }
}

/// In place of the index of a file that comes with every compiler.
const WELL_KNOWN: usize = usize::MAX;

/// The entrypoint's proto file, which is the first, and all that it leads to.
pub(super) struct Files {
    pub(super) files: Vec<File>,
}

impl Files {
    /// # Errors
    /// Why the entrypoint's file itself cannot be read.
    pub(super) fn read(entrypoint_proto: &str, protos: &Protos) -> Result<Self, Missing> {
        let parse = |path: &str| {
            let missing = |why| Missing { file: path.to_owned(), why };
            let text = protos.texts.get(path).ok_or_else(|| missing(Why::TooMuch))?;
            let parsed = proto::parse(text).map_err(|reason| missing(Why::Broken(reason.to_string())))?;
            Ok(FileDescriptorProto { name: Some(path.to_owned()), ..parsed })
        };
        let mut known: BTreeMap<String, Result<usize, Missing>> =
            BTreeMap::from([(entrypoint_proto.to_owned(), Ok(0))]);
        let mut parsed = vec![parse(entrypoint_proto)?];
        let mut files = Vec::new();
        while files.len() < parsed.len() {
            let proto = std::mem::take(&mut parsed[files.len()]);
            let mut imports = Vec::with_capacity(proto.dependency.len());
            for import in &proto.dependency {
                if proto::is_well_known(import) {
                    imports.push(Ok(WELL_KNOWN));
                    continue;
                }
                let Some(path) = proto::places_of(import, entrypoint_proto).find(|place| protos.has(place)) else {
                    let why = if protos.without_imports { Why::NotKept } else { Why::NotInArchive };
                    imports.push(Err(Missing { file: import.clone(), why }));
                    continue;
                };
                let file = known.entry(path).or_insert_with_key(|path| {
                    parse(path).map(|proto| {
                        parsed.push(proto);
                        parsed.len() - 1
                    })
                });
                imports.push(file.clone());
            }
            let imports_well_known = imports.contains(&Ok(WELL_KNOWN));
            files.push(File { proto, imports, imports_well_known });
        }
        Ok(Self { files })
    }

    /// The files whose services are the entrypoint's.
    fn add_services(&self, symbols: &Symbols, interface: &mut Interface) {
        let (public, unseen) = self.behind_public_imports([0]);
        interface.unseen_services = unseen;
        for at in public {
            let scope = Scope::of(at, self, symbols);
            let proto = &self.files[at].proto;
            for service in &proto.service {
                let name = joined(proto.package(), service.name());
                for method in &service.method {
                    let payload = |is_stream, of: &str| Payload { is_stream, of: scope.find(of, &name) };
                    let rpc = Rpc {
                        request: payload(method.client_streaming(), method.input_type()),
                        response: payload(method.server_streaming(), method.output_type()),
                    };
                    interface.rpcs.insert(format!("{name}/{}", method.name()), rpc);
                }
            }
        }
    }

    /// The file of this index and those whose names mean something in it, and what may define more.
    pub(super) fn visible_to(&self, at: usize) -> (BTreeSet<usize>, Vec<Missing>) {
        let file = &self.files[at];
        let imported = file.imports.iter().filter_map(|import| import.as_ref().ok()).copied();
        let (mut visible, mut missing) = self.behind_public_imports(imported.filter(|at| *at != WELL_KNOWN));
        visible.insert(at);
        missing.extend(file.imports.iter().filter_map(|import| import.as_ref().err()).cloned());
        missing.sort();
        missing.dedup();
        (visible, missing)
    }

    /// These files and those that they pass on, and what they would pass on if it could be read.
    pub(super) fn behind_public_imports(&self, of: impl IntoIterator<Item = usize>) -> (BTreeSet<usize>, Vec<Missing>) {
        let (mut seen, mut missing) = (BTreeSet::new(), Vec::new());
        let mut left: Vec<usize> = of.into_iter().collect();
        while let Some(at) = left.pop() {
            if !seen.insert(at) {
                continue;
            }
            for import in self.files[at].public_imports() {
                match import {
                    Ok(at) => left.push(*at),
                    Err(why) => missing.push(why.clone()),
                }
            }
        }
        missing.sort();
        missing.dedup();
        (seen, missing)
    }
}

/// What names mean within one file.
pub(super) struct Scope<'f> {
    symbols: &'f Symbols,
    /// The file and what it imports, with what that passes on.
    visible: BTreeSet<usize>,
    missing: Vec<Missing>,
    well_known: bool,
}

impl<'f> Scope<'f> {
    fn of(at: usize, files: &Files, symbols: &'f Symbols) -> Self {
        let (visible, missing) = files.visible_to(at);
        let well_known = visible.iter().any(|at| files.files[*at].imports_well_known);
        Self { symbols, visible, missing, well_known }
    }

    /// The type of this name, looking outwards from the message or service in which it is used.
    pub(super) fn find(&self, written: &str, used_in: &str) -> TypeRef {
        if let Some(name) = self.full_name(written, used_in) {
            return TypeRef::Named(name);
        }
        TypeRef::Unknown { written: written.trim_start_matches('.').to_owned(), missing: self.missing.clone() }
    }

    /// Whether it is one, as far as is known.
    pub(super) fn may_be_message(&self, of: &TypeRef) -> bool {
        match of {
            TypeRef::Scalar(_) => false,
            TypeRef::Named(name) => self.symbols.get(name).is_none_or(|symbol| !symbol.is_enum),
            TypeRef::Unknown { .. } => true,
        }
    }

    /// The full name of a message or enum.
    pub(super) fn full_name(&self, written: &str, used_in: &str) -> Option<String> {
        let is_known = |name: &str| {
            let is_visible = self.symbols.get(name).is_some_and(|symbol| self.visible.contains(&symbol.file));
            is_visible || (self.well_known && name.starts_with("google.protobuf."))
        };
        if let Some(absolute) = written.strip_prefix('.') {
            return is_known(absolute).then(|| absolute.to_owned());
        }
        let mut scope = Some(used_in);
        while let Some(within) = scope {
            let name = joined(within, written);
            if is_known(&name) {
                return Some(name);
            }
            scope = match within.rsplit_once('.') {
                Some((outer, _)) => Some(outer),
                None => (!within.is_empty()).then_some(""),
            };
        }
        None
    }
}

pub(super) fn joined(scope: &str, name: &str) -> String {
    if scope.is_empty() { name.to_owned() } else { format!("{scope}.{name}") }
}
