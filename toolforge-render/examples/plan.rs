//! Prints the objects of a web service and a scheduled job, and whether they fit together.
//!
//! `cargo run --example plan -- 6Gi` shows why a job of that size does not.

use toolforge_images::Catalog;
use toolforge_model::{JobOptions, ToolName, WebServiceOptions};
use toolforge_render::namespace::Namespace;
use toolforge_render::object::to_yaml;

#[expect(clippy::print_stdout, reason = "an example prints its result")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let tool: ToolName = "stashbot".parse()?;
    let namespace =
        Namespace::new(&tool, Catalog::parse(include_str!("catalog.yaml"))?).with_profile("tools-2023")?;
    let web = WebServiceOptions {
        type_name: Some("php8.2".parse()?),
        memory: Some("1Gi".parse()?),
        ..Default::default()
    };
    let job = JobOptions {
        name: Some("daily".parse()?),
        image: Some("python3.11".parse()?),
        command: Some("./daily.py".into()),
        schedule: Some("@daily".into()),
        memory: std::env::args().nth(1).map(|memory| memory.parse()).transpose()?,
        ..Default::default()
    };
    let plans = [namespace.web(web.into_request(&tool)?)?, namespace.job(job.into_request(&tool)?)?];
    print!("{}", to_yaml(plans.iter().flatten()));
    // A comment in YAML: "fits", or one line for each limit and quota that is exceeded.
    for line in namespace.verdict(&plans).to_string().lines() {
        println!("# {line}");
    }
    Ok(())
}
