//! The real programs, as a tool's own uid, against a real Kubernetes.
#![expect(clippy::unwrap_used, reason = "a test's own function may stop the test")]

mod adoption;
mod demo;
mod doctor;
mod exec;
mod jobs;
mod limits;
mod logs;
mod manifest;
mod outage;
mod readers;
mod refusals;
mod rights;
mod robust;
mod rollout;
mod routing;
mod shell;
mod shell_pod;
mod site;
mod stories;

/// A file that no `mod` names would never be compiled.
#[test]
fn every_test_file_is_in_the_program() {
    let main = include_str!("main.rs");
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sandbox");
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().replace(".rs", "");
        assert!(name == "main" || main.contains(&format!("\nmod {name};")), "{name}.rs is not compiled");
    }
}
