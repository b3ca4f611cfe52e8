//! Links the unwinder, for panics, into the programs.
//!
//! Without this, Rust's library brings `libgcc_s.so.1` into each program on Linux with glibc: a second shared library to find, map
//! and relocate, and to search for each symbol of the C library. That takes about a tenth of a start-up. `libgcc_eh.a` is the
//! same code, and part of every GCC.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let target = |key: &str| std::env::var(format!("CARGO_CFG_TARGET_{key}")).unwrap_or_default();
    if target("OS") == "linux" && target("ENV") == "gnu" {
        // Not bundled: the linker takes it from the system, before the shared library, which is then not needed.
        println!("cargo::rustc-link-lib=static:-bundle=gcc_eh");
    }
}
