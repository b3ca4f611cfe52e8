//! Applies a jobs file, as `jobs load` does.

use std::error::Error;

use toolforge_client::{ApplyOptions, Attempt, Client, ConnectOptions, Kubeconfig, kubeconfig_paths};
use toolforge_model::JobsFile;
use toolforge_render::job::{LoadOptions, plan_load};

#[expect(clippy::print_stdout, reason = "an example prints its result")]
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).unwrap_or_else(|| "jobs.yaml".to_owned());
    let kubeconfig = Kubeconfig::load(&kubeconfig_paths(None, std::env::home_dir().as_deref()))?;
    let tool = kubeconfig.tool()?;
    let client = Client::connect(&kubeconfig, &ConnectOptions::new("example/0.1"))?;

    let file = JobsFile::parse(&std::fs::read_to_string(path)?, &tool)?;
    let requests: Vec<_> = file.jobs.into_iter().map(|job| job.request).collect();
    let planner = async |attempt: &Attempt| {
        let facts = client.job_facts(&tool).await?;
        let mut options = LoadOptions::default();
        options.done = attempt.done().filter_map(|change| change.name.parse().ok()).collect();
        let load = plan_load(&requests, &facts, &options);
        match load.problems.first() {
            Some(problem) => Err(problem.to_string().into()),
            None => Ok::<_, Box<dyn Error>>(load),
        }
    };
    let (_, report) = client.apply_planned(&tool, ApplyOptions::default(), &planner).await?.into_parts();
    for done in report.into_result()?.changes {
        println!("{} {}", done.change.action, done.change.name);
    }
    Ok(())
}
