//! Workloads of kubectl in addition to those of the platform's tools.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test's own function may stop the test")]

use k8s_openapi::api::apps::v1::DeploymentSpec;
use k8s_openapi::jiff::Timestamp;
use toolforge_images::Catalog;
use toolforge_model::ToolName;
use toolforge_render::change::{Action, Downtime, StepAction};
use toolforge_render::convert::{ConversionNote, as_created, plan_adoption};
use toolforge_render::job::{
    FoundWorkload, JobFacts, JobObjects, JobWorkload, LoadOptions, ScheduledJobLoad, WorkloadLookupError,
    WorkloadRef, job_deletions, job_status, observe_job, plan_load, pod_status, pods_of_job, restart_job,
    simulate_scheduled_jobs, suspend_job, trigger_job, workload_deletions,
};
use toolforge_render::namespace::{Documents, Namespace};
use toolforge_render::object::{Object, ObjectKind, created_by};

fn tool() -> ToolName {
    "tf-test".parse().unwrap()
}

fn now() -> Timestamp {
    "2026-11-25T12:00:00Z".parse().unwrap()
}

fn facts() -> JobFacts {
    let mut documents = Documents::default();
    documents.read("by-hand.yaml", &toolforge_fixtures::read("facts/by-hand.yaml")).unwrap();
    documents.job_facts(Namespace::new(&tool(), Catalog::bundled()).with_uid(52503)).unwrap()
}

fn find(facts: &JobFacts, wanted: &str) -> Result<FoundWorkload, WorkloadLookupError> {
    facts.live.find(&tool(), &wanted.parse::<WorkloadRef>().unwrap())
}

fn job(facts: &JobFacts, wanted: &str) -> JobObjects {
    match find(facts, wanted).unwrap() {
        FoundWorkload::Job(job) => *job,
        FoundWorkload::Pod(pod) => panic!("{wanted} is {pod:?}"),
    }
}

#[test]
fn unmanaged_workloads_are_those_without_a_tool() {
    let facts = facts();
    let of = |job: &JobObjects| {
        let status = job_status(job, &facts.live, now());
        let by = job.created_by().map(|by| by.as_raw().to_owned()).unwrap_or_default();
        format!("{} {} {by}", job.workload_ref(), status.state)
    };
    let found: Vec<String> = facts.live.unmanaged(&tool()).iter().map(of).collect();
    assert_eq!(
        found,
        [
            "deployment/stashbot failing kubectl-create",
            "cronjob/list-images running kubectl-client-side-apply"
        ]
    );
    let pods = facts.live.unmanaged_pods(&tool());
    let names: Vec<_> = pods.iter().map(|pod| pod.metadata.name.as_deref().unwrap()).collect();
    assert_eq!(names, ["debug"]);
    assert_eq!(pod_status(pods[0], &facts.live, now()).state.as_str(), "running");
    assert_eq!(created_by(&pods[0].metadata).unwrap().as_raw(), "kubectl-run");
    let jobs = facts.live.jobs_of(&tool());
    let managed: Vec<&str> = jobs.iter().map(|job| job.name.as_str()).collect();
    assert_eq!(managed, ["daily"]);
    assert!(jobs[0].is_managed());
}

#[test]
fn pods_are_found_by_their_owners() {
    let facts = facts();
    let pods = |wanted: &str| -> Vec<String> {
        let pods = pods_of_job(&job(&facts, wanted), &facts.live);
        pods.into_iter().filter_map(|pod| pod.metadata.name.clone()).collect()
    };
    assert_eq!(pods("stashbot"), ["stashbot-7d9c5b6f48-q2w9z"]);
    assert_eq!(pods("list-images"), ["list-images-29406928-x7k2p"]);
    assert_eq!(pods("job/list-images-29406928"), ["list-images-29406928-x7k2p"]);
    assert_eq!(pods("test"), Vec::<String>::new());
    for pod in &facts.live.pods {
        let owner = facts.live.owner_of(&tool(), pod).map(|owner| owner.workload_ref().to_string());
        let expected = match pod.metadata.name.as_deref().unwrap() {
            "stashbot-7d9c5b6f48-q2w9z" => Some("deployment/stashbot"),
            "list-images-29406928-x7k2p" => Some("cronjob/list-images"),
            _ => None,
        };
        assert_eq!(owner.as_deref(), expected);
    }
}

#[test]
fn names_are_looked_up_in_order() {
    let mut facts = facts();
    let kind = |found: FoundWorkload| match found {
        FoundWorkload::Job(job) => job.workload_ref().to_string(),
        FoundWorkload::Pod(pod) => format!("pod/{}", pod.metadata.name.unwrap()),
    };
    for (wanted, expected) in [
        ("daily", "cronjob/daily"),
        ("cj/daily", "cronjob/daily"),
        ("stashbot", "deployment/stashbot"),
        ("deploy/stashbot", "deployment/stashbot"),
        ("test", "job/test"),
        ("job/test", "job/test"),
        ("debug", "pod/debug"),
        ("stashbot-7d9c5b6f48-q2w9z", "pod/stashbot-7d9c5b6f48-q2w9z"),
    ] {
        assert_eq!(kind(find(&facts, wanted).unwrap()), expected, "{wanted}");
    }
    for wanted in ["job/stashbot", "pod/stashbot", "nothing"] {
        assert!(matches!(find(&facts, wanted), Err(WorkloadLookupError::NotFound { .. })), "{wanted}");
    }
    for wanted in ["tf-test", "pod/tf-test-5f6d7c8b9-abcde", "shell-1764068400"] {
        assert!(matches!(find(&facts, wanted), Err(WorkloadLookupError::WebService { .. })), "{wanted}");
    }
    let mut other = facts.live.cron_jobs[0].clone();
    other.metadata.name = Some("stashbot".to_owned());
    facts.live.cron_jobs.push(other);
    assert_eq!(
        find(&facts, "stashbot").unwrap_err().to_string(),
        "stashbot is the name of several objects: deployment/stashbot, cronjob/stashbot"
    );
}

#[test]
fn schedule_of_kubectl_is_simulated() {
    let facts = facts();
    let cron_job = job(&facts, "list-images");
    assert_eq!(
        job_status(&cron_job, &facts.live, now()).next_run.unwrap().to_string(),
        "2026-11-25T12:28:00Z"
    );
    let loads: Vec<ScheduledJobLoad> = facts
        .live
        .all_scheduled(&tool())
        .iter()
        .filter_map(|job| ScheduledJobLoad::of(job, &facts))
        .collect();
    let names: Vec<&str> = loads.iter().map(|load| load.name.as_str()).collect();
    assert_eq!(names, ["daily", "list-images"]);
    let day = now()..now().checked_add(k8s_openapi::jiff::SignedDuration::from_hours(24)).unwrap();
    let intervals = simulate_scheduled_jobs(&loads, &facts, day);
    assert!(intervals.iter().any(|interval| interval.names.iter().any(|name| name == "list-images")));
}

#[test]
fn changes_require_the_observed_object() {
    let facts = facts();
    let seen = |set: &toolforge_render::change::ChangeSet| {
        assert!(set.changes.iter().all(|change| !change.is_managed));
        let step = &set.changes[0].steps[0];
        match &step.action {
            StepAction::Merge { seen: Some(seen), .. } => seen.resource_version.clone(),
            StepAction::Delete { uid: Some(_), resource_version } => resource_version.clone(),
            other => panic!("{other:?}"),
        }
    };
    let (bot, cron_job) = (job(&facts, "stashbot"), job(&facts, "list-images"));
    let restart = restart_job(&bot, &facts, now()).unwrap();
    assert_eq!(seen(&restart).as_deref(), Some("105"));
    assert_eq!(seen(&suspend_job(&cron_job).unwrap()).as_deref(), Some("101"));
    assert_eq!(
        seen(&workload_deletions(&[], &[find(&facts, "stashbot").unwrap()], &facts)).as_deref(),
        Some("105")
    );
    assert_eq!(
        seen(&workload_deletions(&[], &[find(&facts, "debug").unwrap()], &facts)).as_deref(),
        Some("107")
    );
    let run = trigger_job(&cron_job, &facts, now()).unwrap();
    assert_eq!(run.objects().next().unwrap().name(), "list-images-1795608000");
}

#[test]
fn restart_keeps_the_strategy_of_its_author() {
    let facts = facts();
    let set = restart_job(&job(&facts, "stashbot"), &facts, now()).unwrap();
    let StepAction::Merge { patch, .. } = &set.changes[0].steps[0].action else { panic!("{set:?}") };
    assert_eq!(patch["spec"].get("strategy"), None, "{patch}");
    assert!(set.changes[0].downtime.is_some());
}

#[test]
fn load_and_flush_leave_unmanaged_objects_alone() {
    let facts = facts();
    let mut options = LoadOptions::of_file("/data/project/tf-test/jobs.yaml");
    options.prunes = true;
    assert!(plan_load(&[], &facts, &options).set.changes.is_empty());
    let jobs = facts.live.jobs_of(&tool());
    let flushed = job_deletions(jobs.iter().map(|job| &job.name), &facts);
    let steps = flushed.changes.iter().flat_map(|change| &change.steps);
    assert!(steps.into_iter().all(|step| step.id.name == "daily"));
    // A job with the same name does not replace them.
    for (name, kind) in [("stashbot", "continuous: true"), ("list-images", "schedule: '@daily'")] {
        let text = format!("- {{name: {name}, command: x, image: bookworm, {kind}}}");
        let file = toolforge_model::JobsFile::parse(&text, &tool()).unwrap();
        let requests: Vec<_> = file.jobs.into_iter().map(|job| job.request).collect();
        let plan = plan_load(&requests, &facts, &options);
        assert!(plan.set.changes.is_empty() && plan.problems.len() == 1, "{plan:?}");
    }
}

#[test]
fn command_of_kubectl_is_read_as_written() {
    let facts = facts();
    assert_eq!(
        observe_job(&job(&facts, "stashbot"), &facts).command,
        "/data/project/tf-test/bin/stashbot.sh run"
    );
    let request = observe_job(&job(&facts, "list-images"), &facts);
    assert_eq!(request.command, "/bin/sh -c /data/project/tf-test/list_images.sh");
    assert!(matches!(job(&facts, "list-images").workload, JobWorkload::Scheduled(_)));
    assert_eq!(job(&facts, "list-images").workload.kind(), ObjectKind::CronJob);
}

#[test]
fn cron_job_is_adopted_in_place() {
    let facts = facts();
    let adoption = plan_adoption(&job(&facts, "list-images"), &facts).unwrap();
    let change = adoption.change().unwrap();
    assert_eq!(change.action, Action::Update);
    assert!(!adoption.restarts && !adoption.is_free());
    let notes: Vec<String> = adoption.notes.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(notes.join("\n"), @"
    the container has no command, only arguments: if the image has an entry point, the job does not run it
    spec.jobTemplate.spec.template.spec.containers[bot].resources.requests.cpu: was 150m, is now 500m
    spec.jobTemplate.spec.template.spec.containers[bot].resources.requests.memory: was 256Mi, is now 512Mi, the default
    spec.concurrencyPolicy: was Allow, is now Forbid
    spec.jobTemplate.spec.backoffLimit: was 6, is now 0
    spec.jobTemplate.spec.template.spec.restartPolicy: was OnFailure, is now Never
    image docker-registry.tools.wmflabs.org/toolforge-python311-sssd-base:latest is an old reference to python3.11 (docker-registry.svc.toolforge.org/toolforge-python311-sssd-web:latest)
    spec.jobTemplate.spec.template.spec.terminationGracePeriodSeconds: was 30, is now 15
    spec.jobTemplate.spec.ttlSecondsAfterFinished: is now 30
    spec.startingDeadlineSeconds: is now 30
    spec.successfulJobsHistoryLimit: was 3, is now 1
    ");
    let StepAction::Replace { seen } = &change.steps[0].action else { panic!("{change:?}") };
    assert_eq!(seen.resource_version.as_deref(), Some("101"));
    // It is a job afterwards, with the labels of its author.
    let mut after = facts.clone();
    after.live.cron_jobs.clear();
    after.live.extend(change.objects().cloned());
    let adopted = after.live.job(&tool(), &"list-images".parse().unwrap()).unwrap();
    assert_eq!(observe_job(&adopted, &after).command, "/data/project/tf-test/list_images.sh");
    assert_eq!(adopted.workload.metadata().labels.as_ref().unwrap()["name"], "tf-test.list-images");
}

#[test]
fn other_selector_recreates_deployment() {
    let facts = facts();
    let adoption = plan_adoption(&job(&facts, "stashbot"), &facts).unwrap();
    let change = adoption.change().unwrap();
    assert!(adoption.restarts);
    assert_eq!((change.action, change.downtime), (Action::Recreate, Some(Downtime::UntilRecreated)));
    let steps: Vec<&str> = change
        .steps
        .iter()
        .map(|step| match &step.action {
            StepAction::Delete { .. } => "delete",
            StepAction::AwaitGone { .. } => "await",
            StepAction::Create => "create",
            _ => "other",
        })
        .collect();
    assert_eq!(steps, ["delete", "await", "create"]);
}

#[test]
fn unlabeled_objects_are_adopted_free() {
    let mut facts = facts();
    let text = "[{name: bot, command: ./bot.py, image: bookworm, continuous: true, filelog: no}]";
    let requests: Vec<_> = toolforge_model::JobsFile::parse(text, &tool())
        .unwrap()
        .jobs
        .into_iter()
        .map(|job| job.request)
        .collect();
    let plan = plan_load(&requests, &facts, &LoadOptions::default());
    facts.live.extend(plan.set.objects().cloned());
    let deployment = facts.live.deployments.last_mut().unwrap();
    deployment.metadata.labels = None;
    deployment.metadata.uid = Some("u-bot".to_owned());
    let adoption = plan_adoption(&job(&facts, "bot"), &facts).unwrap();
    assert!(adoption.is_free(), "{:?}", adoption.notes);
    assert_eq!(adoption.change().unwrap().action, Action::Update);
    assert!(adoption.change().unwrap().rollout.is_none());
}

#[test]
fn owned_and_unknown_objects_are_not_adopted() {
    let mut facts = facts();
    let error =
        |facts: &JobFacts, name: &str| plan_adoption(&job(facts, name), facts).unwrap_err().to_string();
    // The output of `kubectl create job --from`, which nothing re-creates.
    assert_eq!(error(&facts, "job/test"), "it belongs to CronJob list-images");
    let mut owned = facts.clone();
    let owner = owned.live.jobs.iter_mut().find(|found| found.metadata.name.as_deref() == Some("test"));
    owner.unwrap().metadata.owner_references.as_mut().unwrap()[0].kind = "Workflow".to_owned();
    assert_eq!(error(&owned, "job/test"), "it belongs to Workflow list-images");
    let owner = owned.live.jobs.iter_mut().find(|found| found.metadata.name.as_deref() == Some("test"));
    owner.unwrap().metadata.owner_references.as_mut().unwrap()[0].controller = Some(true);
    assert_eq!(error(&owned, "job/test"), "it belongs to Workflow list-images, which creates it again");
    let spec: Option<&mut DeploymentSpec> = (&mut facts.live.deployments[0].spec).into();
    spec.unwrap().template.spec.as_mut().unwrap().containers[0].image =
        Some("docker.io/library/nginx".to_owned());
    let found = error(&facts, "stashbot");
    assert!(found.contains("nginx"), "{found}");
}

/// Returns the facts with a Service that selects pods with a label.
fn with_service(name: &str, selector: (&str, &str)) -> JobFacts {
    let mut facts = facts();
    let (key, value) = selector;
    let service = serde_json::json!({
        "metadata": {"name": name, "uid": name, "resourceVersion": "9"},
        "spec": {"selector": {key: value}, "ports": [{"port": 80, "targetPort": 8000}]},
    });
    facts.live.services.push(serde_json::from_value(service).unwrap());
    facts
}

#[test]
fn service_of_others_is_not_replaced() {
    // Another Service provides the job's port, and this one has its name.
    let mut facts = with_service("stashbot", ("name", "other"));
    facts.live.services.extend(with_service("stashbot-web", ("name", "stashbot")).live.services);
    let error = plan_adoption(&job(&facts, "stashbot"), &facts).unwrap_err();
    assert!(
        error.to_string().contains("Service \"stashbot\" exists and does not belong to a job"),
        "{error}"
    );
}

#[test]
fn own_service_is_replaced() {
    let facts = with_service("stashbot", ("name", "stashbot"));
    let adoption = plan_adoption(&job(&facts, "stashbot"), &facts).unwrap();
    let step =
        adoption.change().unwrap().steps.iter().find(|step| step.id.kind == ObjectKind::Service).unwrap();
    assert!(
        matches!(&step.action, StepAction::Replace { seen } if seen.resource_version.as_deref() == Some("9"))
    );
    let notes: Vec<String> = adoption.notes.iter().map(ToString::to_string).collect();
    assert!(
        notes.contains(&"Service stashbot: spec.ports[0].port: was 80, is now 8000".to_owned()),
        "{notes:?}"
    );
    assert!(!notes.iter().any(|note| note.contains("no longer selects")), "{notes:?}");
}

#[test]
fn service_is_replaced_in_place() {
    let mut facts = facts();
    let text = "[{name: bot, command: ./bot.py, image: bookworm, continuous: true, port: 8000}]";
    let file = toolforge_model::JobsFile::parse(text, &tool()).unwrap();
    let requests: Vec<_> = file.jobs.into_iter().map(|job| job.request).collect();
    facts.live.extend(plan_load(&requests, &facts, &LoadOptions::default()).set.objects().cloned());
    facts.live.deployments.last_mut().unwrap().metadata.labels = None;
    facts.live.services.last_mut().unwrap().metadata.labels = None;
    let adoption = plan_adoption(&job(&facts, "bot"), &facts).unwrap();
    let change = adoption.change().unwrap();
    assert_eq!(change.action, Action::Update);
    assert!(change.steps.iter().all(|step| matches!(step.action, StepAction::Replace { .. })), "{change:?}");
    // One that selects other pods is not touched: the job has no port.
    let service = facts.live.services.last_mut().unwrap().spec.as_mut().unwrap();
    service.selector = Some([("app".to_owned(), "other".to_owned())].into());
    let adoption = plan_adoption(&job(&facts, "bot"), &facts).unwrap();
    let steps = &adoption.change().unwrap().steps;
    assert!(steps.iter().all(|step| step.id.kind == ObjectKind::Deployment), "{steps:?}");
}

#[test]
fn service_that_loses_the_pods_is_noted() {
    let facts = with_service("web", ("name", "stashbot"));
    let adoption = plan_adoption(&job(&facts, "stashbot"), &facts).unwrap();
    let notes: Vec<String> = adoption.notes.iter().map(ToString::to_string).collect();
    let expected = "Service web no longer selects its pods: they have the labels of the job";
    assert!(notes.iter().any(|note| note == expected), "{notes:?}");
}

#[test]
fn differences_of_an_adoption_are_its_notes() {
    let facts = facts();
    for name in ["list-images", "stashbot"] {
        let adoption = plan_adoption(&job(&facts, name), &facts).unwrap();
        let step = adoption.change().unwrap().steps.iter().find(|step| step.wanted.is_some()).unwrap();
        assert!(!adoption.is_free() && !step.differences.is_empty());
        for note in &adoption.notes {
            let (ConversionNote::Field { object: None, path, before, after }
            | ConversionNote::Amount { path, before, after, .. }) = note
            else {
                continue;
            };
            let found = step.differences.iter().find(|found| found.path == *path).unwrap();
            assert_eq!((&found.live, &found.wanted), (before, after), "{note}");
        }
    }
}

#[test]
fn finalizers_are_kept_by_an_adoption() {
    let finalizers = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
    let mut facts = with_service("stashbot", ("name", "stashbot"));
    facts.live.cron_jobs[0].metadata.finalizers = finalizers(&["example.org/wait", "orphan"]);
    facts.live.deployments[0].metadata.finalizers = finalizers(&["example.org/wait"]);
    facts.live.services[0].metadata.finalizers = finalizers(&["example.org/lb"]);
    // One is updated, and the other is re-created.
    for name in ["list-images", "stashbot"] {
        let adoption = plan_adoption(&job(&facts, name), &facts).unwrap();
        let change = adoption.change().unwrap();
        let mut objects = change.objects().map(Object::to_json);
        let workload = objects.find(|object| object["kind"] != "Service").unwrap();
        assert_eq!(workload["metadata"]["finalizers"], serde_json::json!(["example.org/wait"]), "{name}");
        let recreated = as_created(&job(&facts, name)).to_json();
        assert_eq!(recreated["metadata"]["finalizers"], serde_json::json!(["example.org/wait"]), "{name}");
    }
    let adoption = plan_adoption(&job(&facts, "stashbot"), &facts).unwrap();
    let notes: Vec<String> = adoption.notes.iter().map(ToString::to_string).collect();
    assert!(notes.iter().any(|note| note.starts_with("Service stashbot: metadata.finalizers")), "{notes:?}");
}
