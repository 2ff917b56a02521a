//! What holds the layers of `app` (ARCHITECTURE.md): a module uses only those that stand above it in the list, and no two
//! files use each other, but for a module and its own parts.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use syn::{UseTree, visit::Visit};

use crate::{site::files_under, workspace::Workspace};

/// From the bottom up. What is in one line may not use each other.
const APP: [&[&str]; 9] = [
    &["json"],
    &["error", "format"],
    &["route"],
    &["platform"],
    &["api"],
    &["state"],
    &["ui"],
    &["features"],
    &["pages"],
];
/// `ui` is handed plain values and callbacks.
const NOT_FOR_UI: [&str; 2] = ["api", "state"];

/// A module by its path, such as `["state", "live"]`.
type Module = Vec<String>;

#[derive(Default)]
struct Uses {
    /// Of the file that is read.
    module: Module,
    found: BTreeSet<Module>,
}

impl Uses {
    fn add(&mut self, path: &[String]) {
        match path.first().map(String::as_str) {
            Some("crate") => drop(self.found.insert(path[1..].to_vec())),
            Some("super") => {
                let ups = path.iter().take_while(|part| *part == "super").count();
                let kept = self.module.len().saturating_sub(ups);
                self.found.insert([&self.module[..kept], &path[ups..]].concat());
            }
            _ => {}
        }
    }

    fn walk(&mut self, tree: &UseTree, before: &[String]) {
        let with = |part: &syn::Ident| [before, &[part.to_string()]].concat();
        match tree {
            UseTree::Path(path) => self.walk(&path.tree, &with(&path.ident)),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.walk(tree, before)),
            UseTree::Name(name) => self.add(&with(&name.ident)),
            UseTree::Rename(name) => self.add(&with(&name.ident)),
            UseTree::Glob(_) => self.add(before),
        }
    }
}

impl<'ast> Visit<'ast> for Uses {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.walk(&item.tree, &[]);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.add(&path.segments.iter().map(|segment| segment.ident.to_string()).collect::<Vec<_>>());
        syn::visit::visit_path(self, path);
    }

    /// Tests may use what they like.
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if module.ident != "tests" {
            syn::visit::visit_item_mod(self, module);
        }
    }
}

/// Each module of the crate with the modules of the crate that its file names.
fn graph(source: &Path) -> Result<BTreeMap<Module, BTreeSet<Module>>> {
    let mut files: BTreeMap<Module, PathBuf> = BTreeMap::new();
    for file in files_under(source)?.into_iter().filter(|file| file.extension().is_some_and(|ending| ending == "rs")) {
        let path = file.strip_prefix(source)?.with_extension("");
        let mut module: Module = path.iter().map(|part| part.to_string_lossy().into_owned()).collect();
        if module.last().is_some_and(|last| last == "mod" || last == "lib") {
            module.pop();
        }
        files.insert(module, file);
    }
    let mut graph = BTreeMap::new();
    for (module, file) in &files {
        let mut uses = Uses { module: module.clone(), found: BTreeSet::new() };
        let text = fs::read_to_string(file)?;
        uses.visit_file(&syn::parse_file(&text).with_context(|| format!("cannot parse {}", file.display()))?);
        // The longest part of a path that is a file; the crate's own names are its modules' by another way.
        let named = uses.found.iter().filter_map(|path| {
            (1..=path.len()).rev().map(|length| &path[..length]).find(|part| files.contains_key(*part))
        });
        let named: BTreeSet<Module> = named.map(<[String]>::to_vec).filter(|named| named != module).collect();
        graph.insert(module.clone(), named);
    }
    Ok(graph)
}

fn layer(module: &Module) -> Option<usize> {
    let first = module.first()?;
    APP.iter().position(|names| names.contains(&first.as_str()))
}

fn shown(module: &Module) -> String {
    module.join("::")
}

#[test]
fn each_module_of_app_uses_only_the_layers_below_it() -> Result<()> {
    let source = Workspace::find()?.root.join("app/src");
    let mut wrong = Vec::new();
    for (module, named) in graph(&source)? {
        let Some(own) = layer(&module) else { continue };
        for other in named.iter().filter(|other| other.first() != module.first()) {
            let is_above = layer(other).is_none_or(|layer| layer >= own);
            if is_above || (module[0] == "ui" && NOT_FOR_UI.contains(&other[0].as_str())) {
                wrong.push(format!("{} uses {}", shown(&module), shown(other)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

#[test]
fn no_two_files_of_app_use_each_other_but_a_module_and_its_parts() -> Result<()> {
    let graph = graph(&Workspace::find()?.root.join("app/src"))?;
    let is_part = |one: &Module, other: &Module| one.starts_with(other) || other.starts_with(one);
    let mut wrong = Vec::new();
    for module in graph.keys() {
        // All that it uses, by whatever way, without going through its own module or parts.
        let (mut reached, mut ahead) = (BTreeSet::new(), vec![module]);
        while let Some(next) = ahead.pop() {
            for other in graph[next].iter().filter(|other| !is_part(next, other)) {
                if reached.insert(other) {
                    ahead.push(other);
                }
            }
        }
        if reached.contains(module) {
            wrong.push(shown(module));
        }
    }
    assert!(wrong.is_empty(), "in a circle: {}", wrong.join(", "));
    Ok(())
}
