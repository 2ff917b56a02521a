//! Leaves out of a release what nobody calls, though no tool can find that.
//!
//! Leptos has two ways to take a page over, and the entry point uses the one that waits for nothing. The other, which can
//! wait (`hydrate_async`), is reachable all the same, through the table of methods that each kind of view has.
//!
//! The compiler makes one function of several that have the same code, under any of their names, so a name alone tells
//! too little: what is left out must be, by its name, a future of that way itself, and not one of its helpers; and
//! nothing else may call it. The browser tests of `make test` run pages that are built like this.

use std::collections::{BTreeMap, BTreeSet};

use walrus::{
    FunctionBuilder, FunctionId, FunctionKind, Module,
    ir::{Call, Visitor, dfs_in_order},
};

/// What makes a future of the way that is not used, and what drives one, as rustc's two ways to mangle names have it.
const UNCALLED: [&str; 3] = ["::hydrate_async", "::hydrate_async::{{closure}}", "::hydrate_async::{closure#0}"];

/// Empties those functions.
pub(super) fn leave_out(module: &mut Module) {
    for id in uncalled(module) {
        let (params, results) = module.types.params_results(module.funcs.get(id).ty());
        let (params, results) = (params.to_vec(), results.to_vec());
        let arguments = params.iter().map(|kind| module.locals.add(*kind)).collect();
        let mut empty = FunctionBuilder::new(&mut module.types, &params, &results);
        empty.func_body().unreachable();
        module.funcs.get_mut(id).kind = FunctionKind::Local(empty.local_func(arguments));
    }
}

/// Those that are named so and that nothing else calls.
fn uncalled(module: &Module) -> BTreeSet<FunctionId> {
    let is_named = |id: &FunctionId| module.funcs.get(*id).name.as_deref().is_some_and(is_uncalled);
    let mut found: BTreeSet<_> = module.funcs.iter_local().map(|(id, _)| id).filter(is_named).collect();
    let callers = callers(module);
    loop {
        let is_called = |id: &&FunctionId| callers.get(id).is_some_and(|by| !by.is_subset(&found));
        let called: Vec<_> = found.iter().filter(is_called).copied().collect();
        if called.is_empty() {
            return found;
        }
        found.retain(|id| !called.contains(id));
    }
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

fn callers(module: &Module) -> BTreeMap<FunctionId, BTreeSet<FunctionId>> {
    struct Calls(Vec<FunctionId>);
    impl<'a> Visitor<'a> for Calls {
        fn visit_call(&mut self, call: &Call) {
            self.0.push(call.func);
        }
    }

    let mut callers: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for (caller, function) in module.funcs.iter_local() {
        let mut calls = Calls(Vec::new());
        dfs_in_order(&mut calls, function, function.entry_block());
        for called in calls.0 {
            callers.entry(called).or_default().insert(caller);
        }
    }
    callers
}

#[cfg(test)]
mod tests {
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

    #[test]
    fn what_another_function_calls_stays_with_all_that_it_calls() {
        let mut module = Module::default();
        let mut add = |name: &str, calls: &[FunctionId]| {
            let mut function = FunctionBuilder::new(&mut module.types, &[], &[]);
            let mut body = function.func_body();
            for called in calls {
                body.call(*called);
            }
            function.name(format!("{name}::h0123456789abcdef"));
            function.finish(vec![], &mut module.funcs)
        };
        let inner = add("a::hydrate_async::{{closure}}", &[]);
        let alone = add("b::hydrate_async::{{closure}}", &[inner]);
        let shared_inner = add("c::hydrate_async::{{closure}}", &[]);
        let shared = add("d::hydrate_async::{{closure}}", &[shared_inner]);
        add("e::hydrate", &[shared]);
        assert_eq!(uncalled(&module), BTreeSet::from([inner, alone]));
    }
}
