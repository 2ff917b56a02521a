//! The layers of the server's own modules: each may use only the modules before it in [`LAYERS`], and only some may use
//! the libraries that belong to a layer.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
};

/// From the bottom up. A module that is missing here fails the test.
const LAYERS: [&str; 24] = [
    "private",
    "secret",
    "file_lock",
    "changes",
    "krt_url",
    "documentation",
    "config",
    "store",
    "files",
    "identity",
    "measurements",
    "cluster",
    "messaging",
    "reconciler",
    "calls",
    "service",
    "accounts",
    "admin",
    "retention",
    "broadcast",
    "intake",
    "site",
    "http",
    "run",
];

/// Libraries with the only modules that may name them.
const LIBRARIES: [(&str, &[&str]); 9] = [
    ("sqlx", &["store"]),
    ("kube", &["cluster", "reconciler"]),
    ("k8s_openapi", &["cluster", "reconciler"]),
    ("async_nats", &["messaging"]),
    ("leptos", &["http", "site"]),
    ("openidconnect", &["accounts"]),
    ("prost_reflect", &["calls"]),
    ("tonic", &["calls"]),
    // A request's body is an upload's source, and the in-process cluster is a router.
    ("axum", &["http", "intake", "cluster"]),
];

#[test]
fn each_module_uses_only_the_layers_below_it_and_its_own_libraries() {
    let src = Path::new(&env::var_os("CARGO_MANIFEST_DIR").expect("cargo says where the package is")).join("src");
    let mut modules = BTreeSet::new();
    let mut violations = Vec::new();
    for file in rust_files(&src) {
        let inside = file.strip_prefix(&src).unwrap();
        let module = inside.components().next().unwrap().as_os_str().to_str().unwrap().trim_end_matches(".rs");
        // The program and the list of modules; tests may use everything.
        if ["main", "lib"].contains(&module) || inside.iter().any(|part| part == "tests.rs" || part == "tests") {
            continue;
        }
        modules.insert(module.to_owned());
        let text = fs::read_to_string(&file).unwrap();
        let code: String = without_tests(&text).lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        let rank = |name: &str| LAYERS.iter().position(|layer| *layer == name);
        for used in used_modules(&code).iter().filter(|used| *used != module) {
            if rank(used) >= rank(module) {
                violations.push(format!("{}: `{module}` may not use `{used}`", inside.display()));
            }
        }
        for (library, users) in LIBRARIES {
            let named = code.contains(&format!("use {library}::")) || code.contains(&format!(" {library}::"));
            if named && !users.contains(&module) {
                violations.push(format!("{}: `{module}` may not use `{library}`", inside.display()));
            }
        }
    }
    assert_eq!(violations, Vec::<String>::new());
    assert_eq!(modules, LAYERS.map(str::to_owned).into(), "each module has its place among the layers");
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.flat_map(|path| if path.is_dir() { rust_files(&path) } else { vec![path] });
    files.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

/// Modules of tests come last in each file.
fn without_tests(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(text)
}

/// `a` of `crate::a::…`, and each of `crate::{a::…, b::…}`.
fn used_modules(code: &str) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        let Some(group) = rest.strip_prefix('{') else {
            used.insert(identifier(rest));
            continue;
        };
        let mut depth = 0;
        let mut begins = true;
        for (at, letter) in group.char_indices() {
            if depth == 0 && begins && letter.is_alphabetic() {
                used.insert(identifier(&group[at..]));
                begins = false;
            }
            match letter {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => begins = true,
                _ => {}
            }
        }
    }
    used
}

fn identifier(text: &str) -> String {
    text.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect()
}
