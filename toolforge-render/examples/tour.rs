//! Plans a web service and a jobs file without a cluster: `cargo tour`, or `cargo tour -- jobs.yaml` for another file.
//!
//! It prints the objects as YAML, and the answers as comments. The images are those of the bundled catalog, the quota and
//! the limits those of a new tool.

use toolforge_images::Catalog;
use toolforge_model::{JobsFile, ToolName, WebServiceOptions};
use toolforge_render::Plan;
use toolforge_render::namespace::Namespace;
use toolforge_render::object::to_yaml;

#[expect(clippy::print_stdout, reason = "an example prints its result")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let text = match std::env::args().nth(1) {
        Some(path) => std::fs::read_to_string(path)?,
        None => include_str!("jobs.yaml").to_owned(),
    };
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
    for job in JobsFile::parse(&text, &tool)?.jobs {
        plans.push(namespace.job(job.request)?);
    }
    print!("{}", to_yaml(plans.iter().flatten()));
    comment("the web service and the jobs, together", &namespace.verdict(&plans).to_string());
    comment("a web service with more memory, alone", &namespace.verdict(&[web("6Gi")?]).to_string());
    Ok(())
}

#[expect(clippy::print_stdout, reason = "an example prints its result")]
fn comment(what: &str, answer: &str) {
    for line in answer.lines() {
        println!("# {what}: {line}");
    }
}
