//! The real programs, run with a tool's uid, against a real Kubernetes.
#![expect(clippy::unwrap_used, reason = "a test's own function may stop the test")]

mod adoption;
mod doctor;
mod jobs;
mod limits;
mod logs;
mod manifest;
mod outage;
mod readers;
mod refusals;
mod rollout;
mod routing;
mod sandbox;
mod shell;
mod site;
mod stories;

/// A file without a `mod` declaration would not be compiled.
#[test]
fn every_test_file_is_compiled() {
    let main = include_str!("main.rs");
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sandbox");
    for entry in std::fs::read_dir(directory).unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().replace(".rs", "");
        assert!(name == "main" || main.contains(&format!("\nmod {name};")), "{name}.rs is not compiled");
    }
}
