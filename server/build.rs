//! Only so that a migration that is added makes cargo embed it: the macro alone notices changed files, not new ones.

fn main() {
    println!("cargo:rerun-if-changed=../migrations");
}
