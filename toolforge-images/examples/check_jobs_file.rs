//! Prints all errors and warnings of a jobs file: `cargo run --example check_jobs_file -- jobs.yaml`.
//!
//! Images are looked up in the bundled catalog; without an argument a file with several errors is checked.

#![expect(clippy::print_stdout, reason = "an example prints its result")]

use std::error::Error;

use toolforge_images::Catalog;
use toolforge_model::{ToolName, platform};

const EXAMPLE: &str = "\
- name: daily
  image: pyhton3.11
  command: ./daily.py
  schedule: '@dayly'
- name: daily
  comand: ./again.py
";

fn main() -> Result<(), Box<dyn Error>> {
    let text = match std::env::args().nth(1) {
        Some(path) => std::fs::read_to_string(path)?,
        None => EXAMPLE.to_owned(),
    };
    let tool: ToolName = "stashbot".parse()?;
    let findings =
        Catalog::bundled().check_jobs_file(&text, &tool, platform::DEFAULT_BUILD_SERVICE_REPOSITORY);
    for error in &findings.errors {
        println!("error: {error}");
    }
    for warning in &findings.warnings {
        println!("warning: {warning}");
    }
    Ok(())
}
