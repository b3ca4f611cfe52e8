//! Plans a web service and a jobs file without a cluster: `cargo tour`, or `cargo tour jobs.yaml` for another file.
//!
//! It prints the objects as YAML, and the answers as comments. The images are those of the bundled catalog, the quota and
//! the limits those of a new tool.

use std::process::ExitCode;

use toolforge_images::Catalog;
use toolforge_model::{JobsFile, ToolName, WebServiceOptions};
use toolforge_render::Plan;
use toolforge_render::namespace::Namespace;
use toolforge_render::object::to_yaml;

/// The jobs file that is read if no other one is named.
pub(crate) const JOBS: &str = include_str!("jobs.yaml");

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "an example prints its result")]
fn main() -> ExitCode {
    let file = std::env::args().nth(1);
    let text = match file {
        Some(file) => std::fs::read_to_string(&file).map_err(|error| format!("{file}: {error}")),
        None => Ok(JOBS.to_owned()),
    };
    match text.map_err(Into::into).and_then(|text| tour(&text)) {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Returns the objects of a web service and of the jobs of a file, and whether they fit.
///
/// # Errors
/// When the file has errors.
pub(crate) fn tour(text: &str) -> Result<String, Box<dyn std::error::Error>> {
    let tool: ToolName = "stashbot".parse()?;
    let namespace = Namespace::new(&tool, Catalog::bundled()).with_profile("tools-2023")?;
    let web = |memory: &str| -> Result<Plan, Box<dyn std::error::Error>> {
        let options = WebServiceOptions {
            type_name: Some("php8.2".parse()?),
            memory: Some(memory.parse()?),
            ..Default::default()
        };
        Ok(namespace.web(options.into_request(&tool)?)?)
    };
    let mut plans = vec![web("1Gi")?];
    for job in JobsFile::parse(text, &tool)?.jobs {
        plans.push(namespace.job(job.request)?);
    }
    let known = "the bundled catalog of August 2025 and the quota of a new tool of 2023".to_owned();
    let comments = [
        ("images and limits", known),
        ("the web service and the jobs, together", namespace.verdict(&plans).to_string()),
        ("a web service with more memory, alone", namespace.verdict(&[web("6Gi")?]).to_string()),
    ];
    let comment = |(what, answer): (&str, String)| -> String {
        answer.lines().map(|line| format!("# {what}: {line}\n")).collect()
    };
    Ok(to_yaml(plans.iter().flatten()) + &comments.map(comment).concat())
}
