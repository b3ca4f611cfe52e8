//! Scheduled jobs.

use toolforge_e2e::Tool;

#[test]
fn schedule_fires_and_trigger_runs_now() {
    let tool = Tool::new("job-cron");
    tool.jobs(&[
        "run",
        "tick",
        "--image",
        "bookworm",
        "--command",
        "date; echo tick",
        "--schedule",
        "* * * * *",
        "--no-filelog",
        "--cpu",
        "200m",
        "--emails",
        "all",
    ])
    .exits(0)
    .and_that_is_all();
    tool.jobs(&["list"]).exits(0).says("scheduled: * * * * *").says("next run in").and_that_is_all();
    // A manual run, with its exit code, in addition to the schedule.
    tool.jobs(&["trigger", "tick", "--wait"]).exits(0).says("completed").and_that_is_all();
    let followed = tool.shell("timeout 100 toolforge-jobs logs tick --follow | grep --max-count 2 ' tick$'");
    assert!(followed.stdout.matches("tick").count() >= 1, "{followed:?}");
    let fired = |outcome: &toolforge_e2e::Outcome| outcome.stdout.contains("\"lastScheduleTime\"");
    tool.until(80, "the schedule fires", |tool| tool.shell("kubectl get cronjob tick -o json"), fired);
    let cron_job = tool.object("cronjob", "tick");
    assert!(cron_job["status"]["lastScheduleTime"].as_str().unwrap().ends_with(":00Z"), "{cron_job}");
    let is_reported = |outcome: &toolforge_e2e::Outcome| outcome.stdout.contains("ok");
    tool.until(60, "the result is shown", |tool| tool.jobs(&["cron"]), is_reported);
    tool.jobs(&["suspend", "tick"]).exits(0).and_that_is_all();
    tool.jobs(&["cron"]).exits(0).says("suspended").and_that_is_all();
    // Loading the job, even with a change, does not resume it.
    tool.jobs(&["dump", "--to-file", "jobs.yaml"]).exits(0).and_that_is_all();
    tool.shell("sed -i 's/echo tick/echo tock/' jobs.yaml").exits(0).and_that_is_all();
    tool.jobs(&["load", "jobs.yaml"]).exits(0).says("updated").and_that_is_all();
    assert_eq!(tool.object("cronjob", "tick")["spec"]["suspend"], true);
    tool.jobs(&["resume", "tick"]).exits(0).and_that_is_all();
    tool.jobs(&["trigger", "tick"]).exits(0).says("started; `toolforge jobs logs tick").and_that_is_all();
    tool.jobs(&["restart", "tick"]).exits(0).and_that_is_all();
    tool.jobs(&["delete", "tick"]).exits(0).and_that_is_all();
    assert_eq!(tool.kubectl(&["get", "cronjobs,jobs,pods", "-o", "name"]), "");
}

#[test]
fn runs_missed_due_to_quota_are_reported() {
    let tool = Tool::new("job-missed");
    let full = r#"{"spec": {"hard": {"count/jobs.batch": "0"}}}"#;
    let _ = tool.kubectl(&["patch", "resourcequota", "tool-job-missed", "--patch", full]);
    let cron_job = serde_json::json!({
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": "tick", "labels": {
            "toolforge": "tool", "app.kubernetes.io/managed-by": "toolforge-jobs-framework",
            "app.kubernetes.io/created-by": "job-missed", "app.kubernetes.io/component": "cronjobs",
            "app.kubernetes.io/name": "tick", "app.kubernetes.io/version": "2",
        }},
        "spec": {"schedule": "* * * * *", "startingDeadlineSeconds": 30, "jobTemplate": {"spec": {"template": {"spec": {
            "restartPolicy": "Never", "containers": [{"name": "job", "image": "bookworm", "command": ["true"]}],
        }}}}},
    });
    tool.write("cronjob.json", &cron_job.to_string());
    tool.shell("kubectl apply -f cronjob.json").exits(0).and_that_is_all();
    tool.jobs(&["trigger", "tick"]).exits(3).says("count/jobs.batch").and_that_is_all();
    let is_reported = |outcome: &toolforge_e2e::Outcome| outcome.stdout.contains("quota was reached");
    tool.until(150, "the missed run is reported", |tool| tool.jobs(&["cron", "tick"]), is_reported);
}

#[test]
fn conflicting_runs_get_suggestions() {
    let tool = Tool::new("job-calendar");
    for name in ["a", "b", "c"] {
        let line = ["run", name, "--image", "bookworm", "--command", "true", "--mem", "4Gi", "--cpu", "200m"];
        tool.jobs(&[&line[..], &["--schedule", "30 4 * * *"]].concat()).exits(0).and_that_is_all();
    }
    tool.jobs(&["cron", "--calendar"])
        .exits(1)
        .says("limits.memory")
        .says("a, b, c")
        .says("12Gi of 8Gi")
        .and_that_is_all();
    tool.jobs(&["cron", "--suggest"]).exits(0).says("30 4 * * * ->").and_that_is_all();
    // With the suggested schedules, they fit one after the other.
    tool.jobs(&["dump", "--to-file", "jobs.yaml"]).exits(0).and_that_is_all();
    tool.shell("sed -i -e '/name: b/,/schedule/s/schedule: .*/schedule: 40 4 * * */' -e '/name: c/,/schedule/s/schedule: .*/schedule: 50 4 * * */' jobs.yaml")
        .exits(0)
        .and_that_is_all();
    tool.jobs(&["load", "jobs.yaml"]).exits(0).and_that_is_all();
    tool.jobs(&["cron", "--calendar"]).exits(0).and_that_is_all();
}
