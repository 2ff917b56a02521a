//! Has the linker keep what the pages are cut apart by: which function and which data refers to which.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-cdylib-link-arg=--emit-relocs");
}
