//! How the pods of a web service are replaced, and whether that fits.

#![expect(clippy::unwrap_used, reason = "a test's own function may stop the test")]

use k8s_openapi::api::apps::v1::{DeploymentSpec, ReplicaSet};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::jiff::Timestamp;
use toolforge_images::Catalog;
use toolforge_model::{ToolName, WebServiceOptions};
use toolforge_quota::{ObjectName, Resource, ResourceQuota, WaitingPods};
use toolforge_render::change::{ChangeSet, Rollout};
use toolforge_render::namespace::Namespace;
use toolforge_render::web_service::{
    PlanOptions, StartTime, WebServiceFacts, WebServicePlan, web_service_changes,
};

fn plan(memory: &str, replicas: &str, facts: &WebServiceFacts) -> WebServicePlan {
    let tool: ToolName = "x".parse().unwrap();
    let options = WebServiceOptions {
        memory: Some(memory.parse().unwrap()),
        replicas: Some(replicas.parse().unwrap()),
        ..Default::default()
    };
    let request = options.merge_into(&tool, None, "php8.2".parse().unwrap()).unwrap();
    WebServicePlan::new(request, facts, PlanOptions::default()).unwrap()
}

/// Returns the facts of a web service that runs with some pods, in mebibytes of a quota.
fn running(memory: &str, replicas: &str, pods: usize, hard: u64, used: u64) -> WebServiceFacts {
    let mut facts = WebServiceFacts::new(Namespace::new(&"x".parse().unwrap(), Catalog::bundled()));
    let live = plan(memory, replicas, &facts).objects();
    facts.live = live.into_iter().collect();
    let spec: Option<&DeploymentSpec> = (&facts.live.deployment.as_ref().unwrap().spec).into();
    let template = spec.unwrap().template.clone();
    let pod = Pod { metadata: template.metadata.unwrap(), spec: template.spec, status: None };
    facts.live.pods.extend(std::iter::repeat_n(pod, pods));
    facts.namespace.limits.quotas = vec![ResourceQuota {
        hard: [(Resource::LimitsMemory, hard << 20)].into(),
        used: [(Resource::LimitsMemory, used << 20)].into(),
        ..ResourceQuota::default()
    }];
    facts
}

fn restart(facts: &WebServiceFacts, memory: &str, replicas: &str) -> ChangeSet {
    web_service_changes(&plan(memory, replicas, facts), facts, StartTime::Always(Timestamp::UNIX_EPOCH))
}

#[test]
fn web_restart_respects_a_lowered_quota() {
    let facts = running("1Gi", "1", 1, 768, 1024);
    let set = restart(&facts, "1Gi", "1");
    assert!(!set.fits());
    assert_eq!(set.at_rest.to_string(), "limits.memory: 1Gi of 768Mi, 256Mi too much (quota )");
    // The quota does not apply to running pods.
    assert!(web_service_changes(&plan("1Gi", "1", &facts), &facts, StartTime::Keep).fits());
    let smaller = restart(&facts, "768Mi", "1");
    assert!(smaller.fits());
    assert_eq!(smaller.changes[0].rollout, Some(Rollout::Recreate));
}

#[test]
fn restart_fits_despite_a_blocked_pod() {
    let facts = running("1Gi", "3", 2, 2048, 2048);
    let set = restart(&facts, "1Gi", "3");
    assert!(set.fits(), "{}", set.at_rest);
    assert_eq!(set.changes[0].rollout, Some(Rollout::Recreate));
    assert!(web_service_changes(&plan("1Gi", "3", &facts), &facts, StartTime::Keep).fits());
    assert!(!restart(&facts, "1Gi", "4").fits());
}

#[test]
fn restart_of_no_pods_needs_quota_for_one() {
    for (hard, fits) in [(768, false), (1024, true), (2047, true)] {
        let facts = running("1Gi", "3", 0, hard, 0);
        assert_eq!(restart(&facts, "1Gi", "3").fits(), fits, "{hard}");
    }
    // The pod that the Deployment is about to create is that of the restart.
    let mut waiting = running("1Gi", "1", 0, 1024, 0);
    waiting.namespace.limits.waiting = vec![WaitingPods {
        owner: ObjectName::new("Deployment", "x"),
        count: 1,
        each: [(Resource::LimitsMemory, 1 << 30)].into_iter().collect(),
        ..WaitingPods::default()
    }];
    assert!(restart(&waiting, "1Gi", "1").fits());
    let taken = running("1Gi", "1", 0, 2048, 1536);
    assert_eq!(
        restart(&taken, "1Gi", "1").at_rest.to_string(),
        "limits.memory: 2560Mi of 2Gi, 512Mi too much (quota )"
    );
}

#[test]
fn old_pods_are_scaled_first() {
    let rollout = |hard| {
        let facts = running("96Mi", "2", 2, hard, 192);
        let set = restart(&facts, "64Mi", "4");
        (set.fits(), set.changes[0].rollout)
    };
    assert_eq!(rollout(448), (true, Some(Rollout::Surge)));
    assert_eq!(rollout(447), (true, Some(Rollout::InPlace)));
    // The fourth old pod is refused, and a new one replaces it.
    assert_eq!(rollout(383), (true, Some(Rollout::InPlace)));
    assert_eq!(rollout(352), (true, Some(Rollout::InPlace)));
    assert_eq!(rollout(351), (true, Some(Rollout::Recreate)));
    assert!(!rollout(255).0);
}

#[test]
fn history_limit_keeps_old_replica_sets() {
    let replica_sets = Resource::from("count/replicasets.apps");
    for (old, hard, after, fits) in [
        (1, 1, 2, false),
        (1, 2, 2, true),
        (3, 3, 4, false),
        (3, 4, 4, true),
        (11, 11, 11, false),
        (11, 12, 11, true),
    ] {
        let mut facts = running("1Gi", "1", 1, 8192, 1024);
        facts.live.replica_sets = vec![ReplicaSet::default(); old];
        facts.namespace.limits.quotas[0].hard = [(replica_sets.clone(), hard)].into();
        facts.namespace.limits.quotas[0].used = [(replica_sets.clone(), u64::try_from(old).unwrap())].into();
        let set = restart(&facts, "1Gi", "1");
        assert_eq!(set.fits(), fits, "{old} {hard}");
        let row = set.forecast().next().unwrap();
        assert_eq!((row.peak, row.at_rest.after), (u64::try_from(old).unwrap() + 1, after), "{old}");
    }
}
