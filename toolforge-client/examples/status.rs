//! Prints the state of the tool's web service and of its jobs.

use jiff::Timestamp;
use toolforge_client::{Client, ConnectOptions, Kubeconfig, kubeconfig_paths};
use toolforge_render::job::job_status;
use toolforge_render::web_service::observe_web_service;

#[expect(clippy::print_stdout, reason = "an example prints its result")]
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let kubeconfig = Kubeconfig::load(&kubeconfig_paths(None, std::env::home_dir().as_deref()))?;
    let tool = kubeconfig.tool()?;
    let client = Client::connect(&kubeconfig, &ConnectOptions::new("example/0.1"))?;

    let web = observe_web_service(&client.web_service_facts(&tool).await?, Timestamp::now()).status;
    println!("web service: {}", web.state.as_str());
    for evidence in &web.causes {
        println!("  {}: {}", evidence.cause, evidence.message.escaped());
    }
    let facts = client.job_facts(&tool).await?;
    for job in facts.live.jobs_of(&tool) {
        let status = job_status(&job, &facts.live, Timestamp::now());
        println!("job {}: {}", job.name, status.state.as_str());
    }
    Ok(())
}
