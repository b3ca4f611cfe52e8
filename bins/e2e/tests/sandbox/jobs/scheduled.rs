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
    let hour = toolforge_fixtures::hours_from_now(12);
    let schedule = format!("30 {hour} * * *");
    for name in ["a", "b", "c"] {
        let line = ["run", name, "--image", "bookworm", "--command", "true", "--mem", "4Gi", "--cpu", "200m"];
        tool.jobs(&[&line[..], &["--schedule", &schedule]].concat()).exits(0).and_that_is_all();
    }
    tool.jobs(&["cron", "--calendar"])
        .exits(1)
        .says("limits.memory")
        .says("a, b, c")
        .says("12Gi of 8Gi")
        .and_that_is_all();
    tool.jobs(&["cron", "--suggest"]).exits(0).says(&format!("{schedule} ->")).and_that_is_all();
    // With the suggested schedules, they fit one after the other.
    tool.jobs(&["dump", "--to-file", "jobs.yaml"]).exits(0).and_that_is_all();
    for (name, minute) in [("b", 40), ("c", 50)] {
        let edit = format!("/name: {name}/,/schedule/s/schedule: .*/schedule: {minute} {hour} * * */");
        tool.shell(&format!("sed -i '{edit}' jobs.yaml")).exits(0).and_that_is_all();
    }
    tool.jobs(&["load", "jobs.yaml"]).exits(0).and_that_is_all();
    tool.jobs(&["cron", "--calendar"]).exits(0).and_that_is_all();
}

/// Loads scheduled jobs of one CPU each; the quota is two CPUs.
fn load(tool: &Tool, schedules: &[(String, String)]) -> toolforge_e2e::Outcome {
    let job = |(name, schedule): &(String, String)| {
        format!("- {{name: {name}, command: ./{name}.sh, image: bookworm, schedule: '{schedule}'}}\n")
    };
    tool.write("jobs.yaml", &schedules.iter().map(job).collect::<String>());
    tool.jobs(&["flush"]).exits(0).and_that_is_all();
    tool.jobs(&["load", "jobs.yaml"]).exits(0)
}

#[test]
fn suggestions_lower_the_conflicts_of_the_day() {
    let tool = Tool::new("job-suggest");
    let jobs = |list: &[(&str, &str)]| -> Vec<(String, String)> {
        list.iter().map(|(name, schedule)| ((*name).to_owned(), (*schedule).to_owned())).collect()
    };
    // Runs that never meet need no other minute, and another minute must not create a conflict.
    let hourly = [("h1", "25 * * * *"), ("h2", "29 * * * *"), ("a", "45 22 * * *"), ("b", "45 22 * * *")];
    for fitting in [&[("morning", "0 4 * * *"), ("evening", "0 16 * * *")][..], &hourly] {
        let loaded = load(&tool, &jobs(fitting));
        assert!(!loaded.stderr.contains("exceed the quota"), "{}", loaded.stderr);
        tool.jobs(&["cron", "--suggest"])
            .exits(0)
            .says("No suggestions: all runs of the next 24 hours fit the quota.")
            .and_that_is_all();
    }
    // These overlap although no two start in the same minute.
    let mut overlapping = jobs(&[("a", "13 * * * *"), ("b", "15 * * * *"), ("c", "17 * * * *")]);
    load(&tool, &overlapping).says("these runs exceed the quota").and_that_is_all();
    tool.jobs(&["cron", "--calendar"]).exits(1).and_that_is_all();
    let document = tool.jobs(&["cron", "--suggest", "--output", "json"]).exits(0).stdout;
    let document: serde_json::Value = serde_json::from_str(&document).unwrap();
    let suggestions = document["suggestions"].as_array().unwrap();
    assert!(!suggestions.is_empty(), "{document}");
    for suggestion in suggestions {
        let job = overlapping.iter_mut().find(|(name, _)| suggestion["name"] == name.as_str()).unwrap();
        suggestion["suggestion"].as_str().unwrap().clone_into(&mut job.1);
    }
    load(&tool, &overlapping).and_that_is_all();
    tool.jobs(&["cron", "--calendar"]).exits(0).and_that_is_all();
    tool.jobs(&["cron", "--suggest"]).exits(0).says("No suggestions").and_that_is_all();
}
