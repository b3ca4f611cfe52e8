use insta::assert_snapshot;
use k8s_openapi::jiff::Timestamp;
use toolforge_images::Catalog;
use toolforge_render::job::{JobFacts, WorkloadRef};
use toolforge_render::namespace::{Documents, Namespace};

use super::{UnmanagedObject, note_of_unmanaged, show_unmanaged, unmanaged_table};
use crate::report::cron;

fn now() -> Timestamp {
    "2026-11-25T12:00:00Z".parse().unwrap()
}

fn facts() -> JobFacts {
    let mut documents = Documents::default();
    documents.read("by-hand.yaml", &toolforge_fixtures::read("facts/by-hand.yaml")).unwrap();
    documents.job_facts(Namespace::new(&"tf-test".parse().unwrap(), Catalog::bundled())).unwrap()
}

fn shown(name: &str) -> String {
    let facts = facts();
    let found = facts.live.find(&facts.namespace.tool, &name.parse::<WorkloadRef>().unwrap()).unwrap();
    show_unmanaged(&UnmanagedObject::of(found, &facts, now()), now()).unwrap().text
}

#[test]
fn table_shows_creator_usage_and_state() {
    let objects = UnmanagedObject::all(&facts(), now());
    assert_snapshot!(unmanaged_table(&objects, now()), @"
    Not managed by `toolforge jobs` or `webservice`:
    NAME         KIND        CREATED BY                 USES                    STATUS
    stashbot     Deployment  kubectl-create             1 pod, 500m CPU, 512Mi  Failed for 4m59s: the command exits with code 1 and is restarted again and again
    list-images  CronJob     kubectl-client-side-apply  1 pod, 500m CPU, 512Mi  Running for 31m59s
    debug        Pod         kubectl-run                1 pod, 500m CPU, 512Mi  Running for 1h59m58s
    ");
    assert_snapshot!(note_of_unmanaged(&objects).unwrap(), @"note: 3 objects are not managed by `toolforge jobs`; `toolforge jobs list --output table` shows them");
    assert_eq!(unmanaged_table(&[], now()), "");
    assert_eq!(note_of_unmanaged(&[]), None);
}

#[test]
fn deployment_is_shown_with_its_causes() {
    assert_snapshot!(shown("stashbot"), @"
    deployment/stashbot
      managed     no, neither by `toolforge jobs` nor by `webservice`
      created by  kubectl-create
      image       docker-registry.tools.wmflabs.org/toolforge-python311-sssd-base:latest
      command     /data/project/tf-test/bin/stashbot.sh run
      replicas    1
      uses        1 pod, 500m CPU, 512Mi
      status      Failed for 4m59s: the command exits with code 1 and is restarted again and again
      pods        stashbot-7d9c5b6f48-q2w9z
      hints       The command exits with code 1 and is restarted again and again.
                  Last termination: terminated with exit code 1, 2026-11-25 11:55:01
                  UTC.
                  Fix the error that `toolforge jobs logs deployment/stashbot` shows,
                  then run `toolforge jobs restart deployment/stashbot`; `toolforge jobs
                  delete deployment/stashbot` stops the attempts.
    ");
}

#[test]
fn secrets_of_a_command_are_not_shown() {
    let mut facts = facts();
    let deployment =
        facts.live.deployments.iter_mut().find(|found| found.metadata.name.as_deref() == Some("stashbot"));
    let spec = deployment.unwrap().spec.as_mut().unwrap().template.spec.as_mut().unwrap();
    spec.containers[0].command = Some(["./bot", "--password", "hunter2222"].map(str::to_owned).to_vec());
    spec.containers[0].args = Some(vec!["API_KEY=hunter2222 x".to_owned()]);
    let found = facts
        .live
        .find(&facts.namespace.tool, &"deployment/stashbot".parse::<WorkloadRef>().unwrap())
        .unwrap();
    let document = show_unmanaged(&UnmanagedObject::of(found, &facts, now()), now()).unwrap();
    assert!(document.text.contains("command     ./bot --password '***' 'API_KEY=***'"), "{}", document.text);
    assert!(!document.value.to_string().contains("hunter2222"), "{}", document.value);
}

#[test]
fn cron_job_is_shown_with_its_schedule() {
    assert_snapshot!(shown("cronjob/list-images"), @"
    cronjob/list-images
      managed     no, neither by `toolforge jobs` nor by `webservice`
      created by  kubectl-client-side-apply
      schedule    28 * * * *
      image       docker-registry.tools.wmflabs.org/toolforge-python311-sssd-base:latest
      command     /bin/sh -c /data/project/tf-test/list_images.sh
      uses        1 pod, 500m CPU, 512Mi
      status      Running for 31m59s
      pods        list-images-29406928-x7k2p
      hints       Previous run: 2026-11-25 11:28:00 UTC.
                  Next run: 2026-11-25 12:28:00 UTC.
    ");
}

#[test]
fn pod_is_shown_with_its_owner() {
    assert_snapshot!(shown("stashbot-7d9c5b6f48-q2w9z"), @"
    pod/stashbot-7d9c5b6f48-q2w9z
      owner       deployment/stashbot
      created by  unknown
      image       docker-registry.tools.wmflabs.org/toolforge-python311-sssd-base:latest
      command     /data/project/tf-test/bin/stashbot.sh run
      uses        1 pod, 500m CPU, 512Mi
      status      Failed for 4m59s: the command exits with code 1 and is restarted again and again
      hints       The command exits with code 1 and is restarted again and again.
                  Last termination: terminated with exit code 1, 2026-11-25 11:55:01
                  UTC.
                  Fix the error that `toolforge jobs logs deployment/stashbot` shows,
                  then run `toolforge jobs restart deployment/stashbot`; `toolforge jobs
                  delete deployment/stashbot` stops the attempts.
      next        `toolforge jobs delete pod/stashbot-7d9c5b6f48-q2w9z` deletes it, and another pod replaces it.
    ");
    assert_snapshot!(shown("debug"), @"
    pod/debug
      managed     no, neither by `toolforge jobs` nor by `webservice`
      created by  kubectl-run
      image       docker-registry.tools.wmflabs.org/toolforge-bookworm-sssd:latest
      command     sleep infinity
      uses        1 pod, 500m CPU, 512Mi
      status      Running for 1h59m58s
    ");
    assert_snapshot!(shown("job/test"), @"
    job/test
      owner       cronjob/list-images
      created by  unknown
      image       docker-registry.tools.wmflabs.org/toolforge-python311-sssd-base:latest
      command     /bin/sh -c /data/project/tf-test/list_images.sh
      uses        nothing
      status      Succeeded for 1m30s
    ");
}

#[test]
fn json_has_usage_and_reference() {
    let facts = facts();
    let found = facts.live.find(&facts.namespace.tool, &"stashbot".parse().unwrap()).unwrap();
    let report = serde_json::to_value(UnmanagedObject::of(found, &facts, now()).report()).unwrap();
    assert_eq!(report["managed"], false);
    assert_eq!(report["reference"], "deployment/stashbot");
    assert_eq!(report["createdBy"], "kubectl-create");
    let usage = report["usage"].as_array().unwrap();
    assert!(usage.contains(&serde_json::json!({"resource": "limits.cpu", "used": "500m"})), "{usage:?}");
    assert_eq!(report["status"]["causes"][0]["code"], "crash-loop");
}

#[test]
fn cron_shows_hand_written_cron_jobs() {
    assert_snapshot!(cron(&facts(), None, now()).unwrap().text, @"
    Times are UTC; it is 2026-11-25 12:00.
    NAME         CREATED BY                 SCHEDULE    LAST RUN                               NEXT RUN                    MISSED
    daily        toolforge jobs             5 4 * * *   2026-11-25 04:05 ok                    2026-11-26 04:05, in 16h5m
    list-images  kubectl-client-side-apply  28 * * * *  2026-11-25 11:58 ok (started by hand)  2026-11-25 12:28, in 28m
    ");
    assert_snapshot!(cron(&facts(), Some(&"list-images".parse().unwrap()), now()).unwrap().text, @"
    list-images, times in UTC; it is 2026-11-25 12:00
      created   by kubectl-client-side-apply, not by `toolforge jobs`
      schedule  28 * * * *
      state     Running for 31m59s
      last run  2026-11-25 11:58 ok (started by hand)
      next runs 2026-11-25 12:28, in 28m
                2026-11-25 13:28, in 1h28m
                2026-11-25 14:28, in 2h28m
      missed    none
      duration  5m per run, assumed
    ");
}

#[test]
fn unknown_kinds_of_owners_are_shown_unchanged() {
    let mut facts = facts();
    let job = facts.live.jobs.iter_mut().find(|job| job.metadata.name.as_deref() == Some("test")).unwrap();
    let owner =
        serde_json::json!([{"apiVersion": "argoproj.io/v1", "kind": "Workflow", "name": "flow", "uid": "w"}]);
    job.metadata.owner_references = serde_json::from_value(owner).unwrap();
    let found = facts.live.find(&facts.namespace.tool, &"job/test".parse().unwrap()).unwrap();
    let text = show_unmanaged(&UnmanagedObject::of(found, &facts, now()), now()).unwrap().text;
    assert!(text.contains("owner       Workflow/flow"), "{text}");
}
