//! The example of the platform's page of 2020: a web service of 4Gi and a bot of 512Mi, under a quota of 8Gi.

#![expect(clippy::unwrap_used, reason = "a test's own function may stop the test")]

use k8s_openapi::api::apps::v1::{DeploymentSpec, DeploymentStatus};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::jiff::Timestamp;
use toolforge_images::Catalog;
use toolforge_model::{ToolName, WebServiceOptions};
use toolforge_quota::{Resource, Verdict};
use toolforge_render::change::{Change, ChangeSet, Downtime, Rollout};
use toolforge_render::namespace::Namespace;
use toolforge_render::pod::pod_demand;
use toolforge_render::web_service::{
    PlanOptions, StartTime, WebServiceFacts, WebServicePlan, web_service_adjustments, web_service_changes,
};

const RESTART: StartTime = StartTime::Always(Timestamp::UNIX_EPOCH);

fn plan(facts: &WebServiceFacts, memory: &str) -> WebServicePlan {
    let tool = &facts.namespace.tool;
    let options = WebServiceOptions { memory: memory.parse().ok(), ..WebServiceOptions::default() };
    let request = options.merge_into(tool, None, "php8.2".parse().unwrap()).unwrap();
    WebServicePlan::new(request, facts, PlanOptions::default()).unwrap()
}

/// Returns the facts while the web service of 4Gi and the bot of 512Mi run.
fn facts() -> WebServiceFacts {
    let tool: ToolName = "stashbot".parse().unwrap();
    let namespace = Namespace::new(&tool, Catalog::bundled()).with_profile("seed-2020").unwrap();
    let mut facts = WebServiceFacts::new(namespace);
    let set = web_service_changes(&plan(&facts, "4Gi"), &facts, StartTime::Keep);
    facts.live.extend(set.objects().cloned());
    let status = DeploymentStatus { ready_replicas: Some(1), ..DeploymentStatus::default() };
    facts.live.deployment.as_mut().unwrap().status = Some(status);
    let deployment = facts.live.deployment.as_ref().unwrap();
    let spec: Option<&DeploymentSpec> = (&deployment.spec).into();
    let template = spec.unwrap().template.clone();
    let web = Pod { metadata: template.metadata.unwrap(), spec: template.spec, ..Pod::default() };
    let limits = &mut facts.namespace.limits;
    let used = &mut limits.quotas[0].used;
    used.add_all(&pod_demand(web.spec.as_ref().unwrap(), &limits.limit_ranges));
    let bot = [
        (Resource::Pods, 1),
        (Resource::LimitsMemory, 512 << 20),
        (Resource::RequestsMemory, 256 << 20),
        (Resource::LimitsCpu, 500),
        (Resource::RequestsCpu, 100),
        (Resource::Services, 1),
    ];
    used.add_all(&bot.into());
    facts.live.pods = vec![web];
    facts
}

fn change(set: &ChangeSet) -> &Change {
    &set.changes[0]
}

#[test]
fn seed_restart_cannot_surge() {
    let facts = facts();
    let set = web_service_changes(&plan(&facts, "4Gi"), &facts, RESTART);
    let refused = set.refused_surge.as_ref().unwrap().to_string();
    assert_eq!(refused, "limits.memory: 8704Mi of 8Gi, 512Mi too much (quota seed-2020)");
}

#[test]
fn seed_restart_works_with_downtime() {
    let facts = facts();
    let set = web_service_changes(&plan(&facts, "4Gi"), &facts, RESTART);
    assert_eq!(set.verdict(), Verdict::Fits);
    assert_eq!(
        (change(&set).rollout, change(&set).downtime),
        (Some(Rollout::Recreate), Some(Downtime::BetweenPods))
    );
}

#[test]
fn seed_restart_works_with_less_memory() {
    let facts = facts();
    let asked = plan(&facts, "4Gi");
    let found = web_service_adjustments(&asked, &facts, RESTART, ChangeSet::fits_without_downtime);
    let found: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(found, ["memory 3584Mi"]);
    for (memory, downtime) in [("3584Mi", None), ("3585Mi", Some(Downtime::BetweenPods))] {
        let set = web_service_changes(&plan(&facts, memory), &facts, RESTART);
        assert_eq!(change(&set).downtime, downtime, "{memory}");
    }
}
