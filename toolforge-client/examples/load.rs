//! Applies a jobs file, as `jobs load` does.

use toolforge_client::{ApplyOptions, Client, ConnectOptions, Kubeconfig, kubeconfig_paths};
use toolforge_model::JobsFile;
use toolforge_render::job::{LoadOptions, plan_load};

#[expect(clippy::print_stdout, reason = "an example prints its result")]
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).unwrap_or_else(|| "jobs.yaml".to_owned());
    let kubeconfig = Kubeconfig::load(&kubeconfig_paths(None, std::env::home_dir().as_deref()))?;
    let tool = kubeconfig.tool()?;
    let client = Client::connect(&kubeconfig, &ConnectOptions::new("example/0.1"))?;

    let file = JobsFile::parse(&std::fs::read_to_string(path)?, &tool)?;
    let requests: Vec<_> = file.jobs.into_iter().map(|job| job.request).collect();
    let facts = client.job_facts(&tool).await?;
    let load = plan_load(&requests, &facts, &LoadOptions::default());
    if let Some(problem) = load.problems.into_iter().next() {
        return Err(problem.into());
    }
    if !load.set.fits() {
        return Err(format!("{}\n{}", load.set.at_rest, load.set.at_peak).into());
    }
    let report = client.apply_changes(&tool, &load.set, ApplyOptions::default()).await;
    for done in report.into_result()?.changes {
        println!("{} {}", done.change.action, done.change.name);
    }
    Ok(())
}
