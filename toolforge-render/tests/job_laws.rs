//! Properties of every job.

#![expect(clippy::unwrap_used, reason = "a test's own function may stop the test")]

use proptest::prelude::*;
use serde_json::Value;
use toolforge_fixtures::generate_jobs;
use toolforge_images::Catalog;
use toolforge_model::{JobRequest, JobsFile, ToolName, platform, write_jobs};
use toolforge_render::change::{Action, Change};
use toolforge_render::job::{
    JobFacts, JobObjects, JobPlan, JobWorkload, LiveJobs, LoadOptions, LoadPlan, observe_job, plan_load,
};
use toolforge_render::namespace::Namespace;
use toolforge_render::object::Object;

fn tool() -> ToolName {
    "x".parse().unwrap()
}

fn facts() -> JobFacts {
    JobFacts::new(Namespace::new(&tool(), Catalog::bundled()).with_uid(52503))
}

fn request() -> impl Strategy<Value = JobRequest> {
    generate_jobs::job_request(&tool(), &["python3.11", "bookworm", "php8.2"])
}

fn plan(request: &JobRequest, facts: &JobFacts) -> JobPlan {
    JobPlan::new(request.clone(), facts).unwrap()
}

/// Returns the live objects after a load.
fn loaded(plan: &LoadPlan) -> LiveJobs {
    let mut live = LiveJobs::default();
    live.extend(plan.set.objects().cloned());
    live
}

fn without_our_annotations(mut job: JobObjects) -> JobObjects {
    let metadata = match &mut job.workload {
        JobWorkload::OneOff(job) => &mut job.metadata,
        JobWorkload::Scheduled(cron_job) => &mut cron_job.metadata,
        JobWorkload::Continuous(deployment) => &mut deployment.metadata,
    };
    if let Some(annotations) = &mut metadata.annotations {
        annotations.retain(|key, _| !key.starts_with(platform::ANNOTATION_PREFIX));
    }
    job
}

fn specs(objects: JobObjects) -> Vec<Value> {
    objects.into_objects().iter().map(|object: &Object| object.to_json()["spec"].clone()).collect()
}

proptest! {
    #[test]
    fn rendered_job_is_observed_as_the_request(request in request()) {
        let facts = facts();
        let plan = plan(&request, &facts);
        prop_assert_eq!(&observe_job(&plan.objects(), &facts), plan.request());
        prop_assert_eq!(plan.request(), &request);
    }

    #[test]
    fn observation_needs_no_annotations(request in request()) {
        let facts = facts();
        let objects = plan(&request, &facts).objects();
        let observed = observe_job(&without_our_annotations(objects.clone()), &facts);
        prop_assert_eq!(specs(plan(&observed, &facts).objects()), specs(objects));
    }

    #[test]
    fn dumped_file_survives_a_round_trip(requests in prop::collection::vec(request(), 1..4)) {
        let mut requests = requests;
        let mut names = std::collections::BTreeSet::new();
        requests.retain(|request| names.insert(request.name.clone()));
        let text = write_jobs(&requests);
        let read = JobsFile::parse(&text, &tool());
        let read = read.map_err(|errors| TestCaseError::fail(format!("{errors}\n{text}")))?;
        prop_assert_eq!(read.warnings, vec![]);
        let read: Vec<JobRequest> = read.jobs.into_iter().map(|job| job.request).collect();
        prop_assert_eq!(&read, &requests, "{}", text);
        // Also with another parser, which only knows YAML.
        let other: serde_yaml::Value = serde_yaml::from_str(&text).unwrap();
        for (job, request) in other.as_sequence().unwrap().iter().zip(&requests) {
            prop_assert_eq!(job["command"].as_str(), Some(request.command.as_str()));
        }
    }

    #[test]
    fn second_load_changes_nothing(requests in prop::collection::vec(request(), 1..5)) {
        let mut facts = facts();
        let mut requests = requests;
        let mut names = std::collections::BTreeSet::new();
        requests.retain(|request| names.insert(request.name.clone()));
        // Only one job can be published.
        let mut is_public = false;
        requests.retain(|request| {
            let public = request.kind.port().is_some_and(|port| port.is_public());
            !public || !std::mem::replace(&mut is_public, true)
        });
        let options = LoadOptions::of_file("/data/project/x/jobs.yaml");
        let first = plan_load(&requests, &facts, &options);
        prop_assert_eq!(&first.problems, &vec![]);
        prop_assert!(first.set.changes.iter().all(|change| change.action == Action::Create));
        facts.live = loaded(&first);
        let second = plan_load(&requests, &facts, &options);
        prop_assert_eq!(&second.problems, &vec![]);
        prop_assert!(second.set.changes.iter().all(Change::is_keep));
        // Only the jobs that are no longer in the file are deleted.
        let mut prunes = options;
        prunes.prunes = true;
        let rest = plan_load(&requests[1..], &facts, &prunes);
        let gone: Vec<_> = rest.set.pending().map(|change| (change.name.as_str(), change.action)).collect();
        prop_assert_eq!(gone, vec![(requests[0].name.as_str(), Action::Delete)]);
    }
}

#[test]
fn loading_a_file_twice_changes_nothing() {
    let catalog =
        Catalog::parse(&toolforge_fixtures::read("parity/jobs/image-config-for-golden.yaml")).unwrap();
    let tool: ToolName = "tf-test".parse().unwrap();
    let empty = JobFacts::new(Namespace::new(&tool, catalog).with_uid(52503));
    let files = toolforge_fixtures::files("jobs/good", ".yaml");
    for path in &files {
        let file = JobsFile::parse(&std::fs::read_to_string(path).unwrap(), &tool).unwrap();
        let requests: Vec<JobRequest> = file.jobs.into_iter().map(|job| job.request).collect();
        let first = plan_load(&requests, &empty, &LoadOptions::default());
        assert!(first.problems.is_empty(), "{}: {:?}", path.display(), first.problems);
        let mut facts = empty.clone();
        facts.live = loaded(&first);
        let second = plan_load(&requests, &facts, &LoadOptions::default());
        assert_eq!(second.set.pending().count(), 0, "{}: {:?}", path.display(), second.set);
    }
    println!("{} files", files.len());
}
