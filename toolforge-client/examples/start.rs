//! Starts a web service of the type that is named, and waits until it is ready.

use std::error::Error;

use jiff::Timestamp;
use toolforge_client::{
    ApplyOptions, Attempt, Client, ConnectOptions, Kubeconfig, ROLLOUT_TIMEOUT, WaitOptions, WebServiceStart,
    kubeconfig_paths,
};
use toolforge_model::WebServiceOptions;
use toolforge_render::web_service::{
    PlanOptions, StartTime, WebServicePlan, WebServiceSettings, observe_web_service_request, resolve_request,
    web_service_changes,
};

#[expect(clippy::print_stdout, reason = "an example prints its result")]
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let kubeconfig = Kubeconfig::load(&kubeconfig_paths(None, std::env::home_dir().as_deref()))?;
    let tool = kubeconfig.tool()?;
    let client = Client::connect(&kubeconfig, &ConnectOptions::new("example/0.1"))?;
    let type_name = std::env::args().nth(1).map(|name| name.parse()).transpose()?;
    let options = WebServiceOptions { type_name, ..Default::default() };
    let planner = async |_: &Attempt| {
        let facts = client.web_service_facts(&tool).await?;
        let live = observe_web_service_request(&facts);
        let settings = WebServiceSettings::new(options.clone());
        let resolved = resolve_request(settings, live, &facts.namespace)?;
        let plan = WebServicePlan::new(resolved.request, &facts, PlanOptions::default())?;
        let set = web_service_changes(&plan, &facts, StartTime::WhereReplaced(Timestamp::now()));
        Ok::<_, Box<dyn Error>>(WebServiceStart::new(set, facts.live))
    };
    let started = client.start_web_service(&tool, ApplyOptions::default(), &planner).await?;
    started.report.into_result()?;
    let (target, wait) = (started.target, WaitOptions::new(ROLLOUT_TIMEOUT));
    println!("{:?}", client.wait_rollout(&tool, &target, wait, |event| println!("{event:?}")).await?);
    Ok(())
}
