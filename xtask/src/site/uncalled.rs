//! Leaves out of a release what nobody calls, though no tool can find that.
//!
//! Leptos has two ways to take a page over, and the entry point uses the one that waits for nothing. The other, which can
//! wait (`hydrate_async`), is reachable all the same, through the table of methods that each kind of view has. Its
//! functions are emptied before the pages are cut, together with what the linker notes about them (their relocations): the
//! cutter keeps what can be reached by these notes alone, so whatever only they need is left out as well.
//!
//! The compiler makes one function of several that have the same code, under any of their names, so a name alone tells
//! too little: what is emptied must be, by its name, a future of that way itself, and not one of its helpers; and nothing
//! else may call it. The browser tests of `make test` run pages that are built like this.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use anyhow::{Result, bail};
use wasm_encoder::{Encode, RawSection};
use wasmparser::{CustomSectionReader, KnownCustom, Name, Operator, Parser, Payload, TypeRef};

/// What makes a future of the way that is not used, and what drives one, as rustc's two ways to mangle names have it.
const UNCALLED: [&str; 3] = ["::hydrate_async", "::hydrate_async::{{closure}}", "::hydrate_async::{closure#0}"];

/// Where the linker notes what each function refers to.
const RELOCATIONS: &str = "reloc.CODE";

/// The linked program with those functions emptied.
pub(super) fn leave_out(wasm: &[u8]) -> Result<Vec<u8>> {
    let program = Program::read(wasm)?;
    let emptied: Vec<_> = program.uncalled().into_iter().map(|number| program.bodies[&number].clone()).collect();
    let mut module = wasm_encoder::Module::new();
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload?;
        let Some((id, range)) = payload.as_section() else { continue };
        let range = places(range)?;
        let mut data = wasm[range.clone()].to_vec();
        match &payload {
            Payload::CodeSectionStart { .. } => {
                emptied.iter().for_each(|body| empty(&mut data[body.start - range.start..body.end - range.start]));
            }
            Payload::CustomSection(section) if section.name() == RELOCATIONS => {
                data = without(wasm, section, &emptied, program.code)?;
            }
            _ => {}
        }
        module.section(&RawSection { id, data: &data });
    }
    Ok(module.finish())
}

struct Program {
    /// Where the code section begins.
    code: usize,
    /// Where each function's locals and instructions are, by its number.
    bodies: BTreeMap<u32, Range<usize>>,
    names: BTreeMap<u32, String>,
    callers: BTreeMap<u32, BTreeSet<u32>>,
}

impl Program {
    fn read(wasm: &[u8]) -> Result<Self> {
        let mut program = Self { code: 0, bodies: BTreeMap::new(), names: BTreeMap::new(), callers: BTreeMap::new() };
        let mut number = 0;
        for payload in Parser::new(0).parse_all(wasm) {
            match payload? {
                Payload::ImportSection(imports) => {
                    for import in imports.into_imports() {
                        number += u32::from(matches!(import?.ty, TypeRef::Func(_)));
                    }
                }
                Payload::CodeSectionStart { range, .. } => program.code = places(range)?.start,
                Payload::CodeSectionEntry(body) => {
                    for operator in body.get_operators_reader()? {
                        if let Operator::Call { function_index } = operator? {
                            program.callers.entry(function_index).or_default().insert(number);
                        }
                    }
                    program.bodies.insert(number, places(body.range())?);
                    number += 1;
                }
                Payload::CustomSection(section) => program.read_names(&section)?,
                _ => {}
            }
        }
        Ok(program)
    }

    fn read_names(&mut self, section: &CustomSectionReader<'_>) -> Result<()> {
        let KnownCustom::Name(names) = section.as_known() else { return Ok(()) };
        for names in names {
            if let Name::Function(functions) = names? {
                for naming in functions {
                    let naming = naming?;
                    self.names.insert(naming.index, naming.name.to_owned());
                }
            }
        }
        Ok(())
    }

    /// Those that are named so and that nothing else calls.
    fn uncalled(&self) -> BTreeSet<u32> {
        let named = self.names.iter().filter(|(number, name)| self.bodies.contains_key(number) && is_uncalled(name));
        let mut found: BTreeSet<_> = named.map(|(number, _)| *number).collect();
        loop {
            let is_called = |number: &&u32| self.callers.get(number).is_some_and(|by| !by.is_subset(&found));
            let called: Vec<_> = found.iter().filter(is_called).copied().collect();
            if called.is_empty() {
                return found;
            }
            found.retain(|number| !called.contains(number));
        }
    }
}

fn places(range: Range<u64>) -> Result<Range<usize>> {
    Ok(usize::try_from(range.start)?..usize::try_from(range.end)?)
}

/// Makes a function of it that has no locals, fails when it is called, and is as long as before. The shortest ones are
/// left, which refer to nothing.
fn empty(body: &mut [u8]) {
    const NO_LOCALS: u8 = 0;
    const UNREACHABLE: u8 = 0x00;
    const NOP: u8 = 0x01;
    const END: u8 = 0x0b;
    if let [locals, fails, rest @ .., end] = body {
        (*locals, *fails, *end) = (NO_LOCALS, UNREACHABLE, END);
        rest.fill(NOP);
    }
}

/// The section of relocations without those of the emptied bodies.
fn without(wasm: &[u8], section: &CustomSectionReader<'_>, emptied: &[Range<usize>], code: usize) -> Result<Vec<u8>> {
    let KnownCustom::Reloc(relocations) = section.as_known() else {
        bail!("{RELOCATIONS} cannot be read");
    };
    let mut kept = (0_u32, Vec::new());
    let mut entries = relocations.entries().into_iter_with_offsets().peekable();
    let end = places(section.range())?.end;
    while let Some(entry) = entries.next() {
        let (from, entry) = entry?;
        let to = match entries.peek() {
            Some(Ok((next, _))) => usize::try_from(*next)?,
            _ => end,
        };
        let place = code + usize::try_from(entry.offset)?;
        let after = emptied.partition_point(|body| body.end <= place);
        if emptied.get(after).is_none_or(|body| place < body.start) {
            kept.0 += 1;
            kept.1.extend_from_slice(&wasm[usize::try_from(from)?..to]);
        }
    }
    let mut data = Vec::new();
    RELOCATIONS.encode(&mut data);
    relocations.section_index().encode(&mut data);
    kept.0.encode(&mut data);
    data.extend(kept.1);
    Ok(data)
}

fn is_uncalled(name: &str) -> bool {
    let path = path_of(name);
    // So not a function that has such a future as its parameter: that ends with the parameter's bracket.
    UNCALLED.iter().any(|ending| path.ends_with(ending))
}

/// What a function is called in the source, by its name in the wasm.
pub(super) fn path_of(name: &str) -> String {
    let mut path = format!("{:#}", rustc_demangle::demangle(name));
    // wasm-bindgen leaves rustc's hash in the names that it has demangled.
    if let Some((before, hash)) = path.rsplit_once("::h")
        && hash.len() == 16
        && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
    {
        path.truncate(before.len());
    }
    path
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn a_helper_of_a_future_and_whatever_has_one_as_a_parameter_are_not_meant() {
        for (name, expected) in [
            ("<T as tachys::view::any_view::IntoAny>::into_any::hydrate_async::h0123456789abcdef", true),
            ("tachys::view::RenderHtml::hydrate_async::{{closure}}::h0123456789abcdef", true),
            ("_ZN6tachys4view10RenderHtml13hydrate_async28_$u7b$$u7b$closure$u7d$$u7d$17h0123456789abcdefE", true),
            ("_RNCNvNtCs1234_7mycrate3foo13hydrate_async0B5_", true),
            ("tachys::view::RenderHtml::hydrate_async::{{closure}}::inner_1::h0123456789abcdef", false),
            ("tachys::view::RenderHtml::hydrate_async::{{closure}}::{{closure}}::h0123456789abcdef", false),
            ("core::ptr::drop_in_place<a::hydrate_async::{{closure}}>::h0123456789abcdef", false),
            ("tachys::view::RenderHtml::hydrate::h0123456789abcdef", false),
            ("é", false),
        ] {
            assert_eq!(is_uncalled(name), expected, "{name}");
        }
    }

    /// A linked program of functions that call each other by number, each with its relocations.
    fn linked(functions: &[(&str, &[u32])]) -> Vec<u8> {
        use wasm_encoder::{CodeSection, CustomSection, Function, FunctionSection, NameMap, NameSection, TypeSection};

        let (mut types, mut kinds, mut code) = (TypeSection::new(), FunctionSection::new(), CodeSection::new());
        let (mut names, mut relocations) = (NameMap::new(), Vec::new());
        types.ty().function([], []);
        // Behind the number of functions.
        let mut place = 1;
        for (number, (name, calls)) in (0..).zip(functions) {
            kinds.function(0);
            // Behind the body's length and its number of locals.
            place += 2;
            let mut body = vec![0];
            for called in *calls {
                relocations.push((place + 1, *called));
                // As the linker writes them, to have room for any number.
                body.extend([0x10, u8::try_from(*called).expect("few functions") | 0x80, 0x80, 0x80, 0x80, 0]);
                place += 6;
            }
            body.push(0x0b);
            place += 1;
            let mut function = Function::new([]);
            function.raw(body[1..].iter().copied());
            code.function(&function);
            names.append(number, &format!("{name}::h0123456789abcdef"));
        }
        let mut entries = Vec::new();
        3_u32.encode(&mut entries);
        u32::try_from(relocations.len()).expect("few relocations").encode(&mut entries);
        for (place, called) in relocations {
            entries.push(0);
            u32::encode(&place, &mut entries);
            called.encode(&mut entries);
        }
        let mut all = NameSection::new();
        all.functions(&names);
        let mut module = wasm_encoder::Module::new();
        module.section(&types).section(&kinds).section(&code).section(&all);
        module.section(&CustomSection { name: RELOCATIONS.into(), data: entries.into() });
        module.finish()
    }

    /// Who calls whom.
    fn calls(wasm: &[u8]) -> Result<Vec<(u32, u32)>> {
        let callers = Program::read(wasm)?.callers;
        Ok(callers.iter().flat_map(|(called, by)| by.iter().map(|by| (*by, *called))).collect())
    }

    /// Who has relocations, once for each.
    fn relocated(wasm: &[u8]) -> Result<Vec<u32>> {
        let program = Program::read(wasm)?;
        let mut relocated = Vec::new();
        for payload in Parser::new(0).parse_all(wasm) {
            if let Payload::CustomSection(section) = payload?
                && let KnownCustom::Reloc(relocations) = section.as_known()
            {
                for entry in relocations.entries() {
                    let place = program.code + usize::try_from(entry?.offset)?;
                    let of = program.bodies.iter().find(|(_, body)| body.contains(&place)).context("in no function")?;
                    relocated.push(*of.0);
                }
            }
        }
        Ok(relocated)
    }

    #[test]
    fn what_another_function_calls_stays_with_all_that_it_calls() -> Result<()> {
        let wasm = linked(&[
            ("helper", &[]),
            ("a::hydrate_async::{{closure}}", &[0]),
            ("b::hydrate_async::{{closure}}", &[1]),
            ("c::hydrate_async::{{closure}}", &[0]),
            ("d::hydrate_async::{{closure}}", &[3]),
            ("e::hydrate", &[4, 0]),
        ]);
        assert_eq!(relocated(&wasm)?, [1, 2, 3, 4, 5, 5]);

        let slim = leave_out(&wasm)?;

        wasmparser::validate(&slim)?;
        assert_eq!(calls(&slim)?, [(3, 0), (5, 0), (4, 3), (5, 4)]);
        assert_eq!(relocated(&slim)?, [3, 4, 5, 5]);
        Ok(())
    }

    #[test]
    fn a_program_with_nothing_to_leave_out_is_as_it_was() -> Result<()> {
        let wasm = linked(&[("helper", &[]), ("a::hydrate", &[0])]);
        assert_eq!(leave_out(&wasm)?, wasm);
        Ok(())
    }
}
