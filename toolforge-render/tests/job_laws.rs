//! Laws that hold for every job.

#![expect(clippy::unwrap_used, reason = "a test's own function may stop the test")]

use proptest::prelude::*;
use serde_json::Value;
use toolforge_fixtures::generate_jobs;
use toolforge_images::Catalog;
use toolforge_model::{JobRequest, JobsFile, ToolName, platform, write_jobs};
use toolforge_render::job::{
    JobFacts, JobManifests, JobPlan, LiveJob, LiveJobs, LiveWorkload, LoadOptions, StepKind, Workload,
    observe_job, plan_load, render_job,
};
use toolforge_render::namespace::Platform;

fn tool() -> ToolName {
    "x".parse().unwrap()
}

fn facts() -> JobFacts {
    JobFacts::new(tool(), 52503, Catalog::bundled(), Platform::default())
}

fn request() -> impl Strategy<Value = JobRequest> {
    generate_jobs::job_request(&tool(), &["python3.11", "bookworm", "php8.2"])
}

fn plan(request: &JobRequest, facts: &JobFacts) -> JobPlan {
    JobPlan::new(request.clone(), facts).unwrap()
}

/// Returns what the API server would hold after these objects were sent to it.
fn standing(all: &[JobManifests]) -> LiveJobs {
    let mut live = LiveJobs::default();
    for manifests in all {
        match &manifests.workload {
            Workload::OneOff(job) => live.jobs.push((**job).clone()),
            Workload::Scheduled(cron_job) => live.cron_jobs.push((**cron_job).clone()),
            Workload::Continuous(deployment) => live.deployments.push((**deployment).clone()),
        }
        live.services.extend(manifests.service.clone());
        live.http_routes.extend(manifests.http_route.clone());
    }
    live
}

fn without_our_annotations(mut job: LiveJob) -> LiveJob {
    let metadata = match &mut job.workload {
        LiveWorkload::OneOff(job) => &mut job.metadata,
        LiveWorkload::Scheduled(cron_job) => &mut cron_job.metadata,
        LiveWorkload::Continuous(deployment) => &mut deployment.metadata,
    };
    if let Some(annotations) = &mut metadata.annotations {
        annotations.retain(|key, _| !key.starts_with(platform::ANNOTATION_PREFIX));
    }
    job
}

fn specs(manifests: &JobManifests) -> Vec<Value> {
    manifests.to_json().map(|object| object["spec"].clone()).collect()
}

proptest! {
    #[test]
    fn what_was_rendered_is_observed_as_what_was_asked_for(request in request()) {
        let facts = facts();
        let plan = plan(&request, &facts);
        let live = LiveJob::of_manifests(&render_job(&plan));
        prop_assert_eq!(&observe_job(&live, &facts), plan.request());
        prop_assert_eq!(plan.request(), &request);
    }

    #[test]
    fn without_our_annotations_an_observation_still_makes_the_same_objects(request in request()) {
        let facts = facts();
        let manifests = render_job(&plan(&request, &facts));
        let observed = observe_job(&without_our_annotations(LiveJob::of_manifests(&manifests)), &facts);
        let again = render_job(&plan(&observed, &facts));
        prop_assert_eq!(specs(&again), specs(&manifests));
    }

    #[test]
    fn what_is_dumped_is_read_as_what_it_was(requests in prop::collection::vec(request(), 1..4)) {
        let mut requests = requests;
        let mut names = std::collections::BTreeSet::new();
        requests.retain(|request| names.insert(request.name.clone()));
        let text = write_jobs(&requests);
        let read = JobsFile::parse(&text, &tool());
        let read = read.map_err(|mistakes| TestCaseError::fail(format!("{mistakes}\n{text}")))?;
        prop_assert_eq!(read.warnings, vec![]);
        let read: Vec<JobRequest> = read.jobs.into_iter().map(|job| job.request).collect();
        prop_assert_eq!(&read, &requests, "{}", text);
        // And by another reader, which knows no more than YAML.
        let other: serde_yaml::Value = serde_yaml::from_str(&text).unwrap();
        for (job, request) in other.as_sequence().unwrap().iter().zip(&requests) {
            prop_assert_eq!(job["command"].as_str(), Some(request.command.as_str()));
        }
    }

    #[test]
    fn what_was_loaded_is_kept_by_a_second_load(requests in prop::collection::vec(request(), 1..5)) {
        let mut facts = facts();
        let mut requests = requests;
        let mut names = std::collections::BTreeSet::new();
        requests.retain(|request| names.insert(request.name.clone()));
        // A domain leads to one thing only.
        let mut is_public = false;
        requests.retain(|request| {
            let public = request.kind.port().is_some_and(|port| port.is_public());
            !public || !std::mem::replace(&mut is_public, true)
        });
        let options = LoadOptions { file: Some("/data/project/x/jobs.yaml"), ..LoadOptions::default() };
        let first = plan_load(&requests, &facts, &options);
        prop_assert_eq!(&first.problems, &vec![]);
        prop_assert!(first.steps.iter().all(|step| step.kind == StepKind::Create));
        let made: Vec<JobManifests> =
            first.steps.iter().map(|step| render_job(step.plan.as_ref().unwrap())).collect();
        facts.live = standing(&made);
        let second = plan_load(&requests, &facts, &options);
        prop_assert_eq!(&second.problems, &vec![]);
        prop_assert_eq!(second.changes().count(), 0);
        // What no longer stands in the file goes, and nothing else.
        let prunes = LoadOptions { prunes: true, ..options };
        let rest = plan_load(&requests[1..], &facts, &prunes);
        let gone: Vec<_> = rest.changes().map(|step| (step.name.clone(), step.kind.clone())).collect();
        prop_assert_eq!(gone, vec![(requests[0].name.clone(), StepKind::Delete)]);
    }
}

#[test]
fn every_good_file_loads_once_and_then_changes_nothing() {
    let catalog =
        Catalog::parse(&toolforge_fixtures::read("parity/jobs/image-config-for-golden.yaml")).unwrap();
    let tool: ToolName = "tf-test".parse().unwrap();
    let empty = JobFacts::new(tool.clone(), 52503, catalog, Platform::default());
    let files = toolforge_fixtures::files("jobs/good", ".yaml");
    for path in &files {
        let file = JobsFile::parse(&std::fs::read_to_string(path).unwrap(), &tool).unwrap();
        let requests: Vec<JobRequest> = file.jobs.into_iter().map(|job| job.request).collect();
        let first = plan_load(&requests, &empty, &LoadOptions::default());
        assert!(first.problems.is_empty(), "{}: {:?}", path.display(), first.problems);
        let made: Vec<JobManifests> =
            first.steps.iter().map(|step| render_job(step.plan.as_ref().unwrap())).collect();
        let facts = JobFacts { live: standing(&made), ..empty.clone() };
        let second = plan_load(&requests, &facts, &LoadOptions::default());
        assert_eq!(second.changes().count(), 0, "{}: {:?}", path.display(), second.steps);
    }
    println!("{} files", files.len());
}
