//! Jobs files.

use std::collections::BTreeMap;

use serde_json::Value;
use toolforge_e2e::Tool;

const FILE: &str = "\
- &bot
  name: bot
  command: sleep 600
  image: bookworm
  continuous: true
  cpu: 200m
- name: daily
  command: echo daily
  image: bookworm
  schedule: '@daily'
  mem: 1Gi
- <<: *bot
  name: second
";

/// Returns a version of each object of the tool's jobs, which changes when the object is written.
pub(super) fn versions(tool: &Tool) -> BTreeMap<String, String> {
    let list: Value =
        serde_json::from_str(&tool.kubectl(&["get", "deployments,cronjobs,services", "-o", "json"])).unwrap();
    let version = |object: &Value| {
        // The resource version would also change when a controller writes the status.
        let key =
            format!("{}/{}", object["kind"].as_str().unwrap(), object["metadata"]["name"].as_str().unwrap());
        let version = object["metadata"]["generation"].to_string()
            + &object["metadata"]["managedFields"][0]["time"].to_string();
        (key, version)
    };
    list["items"].as_array().unwrap().iter().map(version).collect()
}

#[test]
fn load_writes_only_changes_and_prunes() {
    let tool = Tool::new("job-load");
    tool.write("jobs.yaml", FILE);
    tool.jobs(&["plan", "jobs.yaml", "--exit-code"])
        .exits(1)
        .says("create continuous job bot")
        .says("fits")
        .and_that_is_all();
    assert_eq!(tool.kubectl(&["get", "deployments,cronjobs", "-o", "name"]), "");
    tool.jobs(&["load", "jobs.yaml"])
        .exits(0)
        .says("Job daily was created")
        .says("3 job(s) loaded")
        .and_that_is_all();
    let first = versions(&tool);
    tool.jobs(&["load", "jobs.yaml"]).exits(0).says("Job daily is already up to date").and_that_is_all();
    assert_eq!(versions(&tool), first);
    // Another spelling of the same amount is not a change.
    tool.shell("sed -i 's/mem: 1Gi/mem: 1024Mi/' jobs.yaml").exits(0).and_that_is_all();
    tool.jobs(&["plan", "jobs.yaml", "--exit-code"]).exits(0).says("nothing would change").and_that_is_all();
    // Loading a dump changes nothing.
    tool.jobs(&["dump", "--to-file", "dumped.yaml"]).exits(0).and_that_is_all();
    tool.jobs(&["load", "dumped.yaml"]).exits(0).says("already up to date").and_that_is_all();
    assert_eq!(versions(&tool), first);
    // Only the changed job is updated.
    tool.shell("sed -i 's/mem: 1024Mi/mem: 2Gi/' jobs.yaml").exits(0).and_that_is_all();
    tool.jobs(&["plan", "jobs.yaml"]).exits(0).says("mem: 1Gi -> 2Gi").and_that_is_all();
    tool.jobs(&["load", "jobs.yaml"])
        .exits(0)
        .says("Job daily was updated")
        .says("Job bot is already")
        .and_that_is_all();
    // `--prune` deletes jobs that were loaded from the file and are no longer in it, but not others.
    tool.jobs(&["run", "other", "--image", "bookworm", "--command", "true", "--schedule", "@weekly"])
        .exits(0)
        .and_that_is_all();
    tool.shell("sed -i '/<<: /,$d' jobs.yaml").exits(0).and_that_is_all();
    tool.jobs(&["load", "jobs.yaml"]).exits(0).and_that_is_all();
    assert_eq!(
        tool.kubectl(&["get", "deployments", "-o", "name"]),
        "deployment.apps/bot\ndeployment.apps/second\n"
    );
    tool.jobs(&["load", "jobs.yaml", "--prune"]).exits(1).says("second").says("--yes").and_that_is_all();
    tool.jobs(&["load", "jobs.yaml", "--prune", "--yes"])
        .exits(0)
        .says("Job second was deleted")
        .and_that_is_all();
    assert_eq!(
        tool.kubectl(&["get", "deployments,cronjobs", "-o", "name"]),
        "deployment.apps/bot\ncronjob.batch/daily\ncronjob.batch/other\n"
    );
}

#[test]
fn load_with_errors_sends_nothing() {
    let tool = Tool::new("job-errors");
    tool.write(
        "jobs.yaml",
        &FILE.replace("mem: 1Gi", "mem: lots").replace("command: sleep 600", "comand: sleep 600"),
    );
    tool.jobs(&["load", "jobs.yaml"])
        .exits(1)
        .says("unknown key \"comand\"; did you mean \"command\"?")
        .says("jobs.yaml:11:8: \"lots\" is not an amount of memory")
        .and_that_is_all();
    tool.write("jobs.yaml", &FILE.replace("cpu: 200m", "cpu: 1100m"));
    tool.jobs(&["load", "jobs.yaml"]).exits(3).says("nothing was changed").and_that_is_all();
    assert_eq!(tool.kubectl(&["get", "deployments,cronjobs", "-o", "name"]), "");
    // With the quota used up, an unchanged file can be loaded, but one more job cannot.
    let one = r#"{"spec": {"hard": {"count/cronjobs.batch": "1"}}}"#;
    let _ = tool.kubectl(&["patch", "resourcequota", "tool-job-errors", "--patch", one]);
    let cron = "- name: a\n  command: x\n  image: bookworm\n  schedule: '@daily'\n";
    tool.write("jobs.yaml", cron);
    for _ in 0..2 {
        tool.jobs(&["load", "jobs.yaml"]).exits(0).and_that_is_all();
    }
    tool.write("jobs.yaml", &format!("{cron}{}", cron.replace("name: a", "name: b")));
    tool.until(
        20,
        "the quota's usage is updated",
        |tool| tool.jobs(&["load", "jobs.yaml"]),
        |outcome| outcome.code == 3 && outcome.stderr.contains("count/cronjobs.batch"),
    );
    tool.jobs(&["run", "c", "--image", "bookworm", "--command", "x", "--schedule", "@daily"])
        .exits(3)
        .and_that_is_all();
}

#[test]
fn partial_load_is_reported_and_resumed() {
    let tool = Tool::new("job-partly");
    let namespace = tool.namespace();
    let policy = serde_json::json!({"apiVersion": "v1", "kind": "List", "items": [
        {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": namespace},
            "spec": {
                "matchConstraints": {"resourceRules": [{
                    "apiGroups": ["batch"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["cronjobs"],
                }]},
                "validations": [{"expression": "object.metadata.name != 'middle'", "message": "not in the middle"}],
            },
        },
        {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": namespace},
            "spec": {
                "policyName": namespace,
                "validationActions": ["Deny"],
                "matchResources": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}},
            },
        },
    ]});
    tool.write("policy.json", &policy.to_string());
    let file = format!("/data/project/{}/policy.json", tool.name());
    let text = tool.shell(&format!("cat {file}")).stdout;
    let path = std::env::temp_dir().join("toolforge-e2e-policy.json");
    std::fs::write(&path, text).unwrap();
    let _ = tool.sandbox().kubectl(&["apply", "-f", &path.to_string_lossy()]);
    let job = |name: &str| format!("- name: {name}\n  command: x\n  image: bookworm\n  schedule: '@daily'\n");
    tool.write("jobs.yaml", &["first", "middle", "last"].map(job).concat());
    // The API server needs a moment to enforce the policy.
    tool.until(
        30,
        "the policy is enforced",
        |tool| {
            tool.shell(
                "toolforge jobs run middle --image bookworm --command x --schedule @daily --dry-run=server",
            )
        },
        |outcome| outcome.code == 4,
    );
    tool.jobs(&["load", "jobs.yaml"])
        .exits(6)
        .says("1 of 3 changes were applied")
        .says("not in the middle")
        .says("not tried")
        .and_that_is_all();
    assert_eq!(tool.kubectl(&["get", "cronjobs", "-o", "name"]), "cronjob.batch/first\n");
    let _ = tool.sandbox().kubectl(&["delete", "-f", &path.to_string_lossy()]);
    tool.until(
        30,
        "the remaining jobs are loaded",
        |tool| tool.jobs(&["load", "jobs.yaml"]),
        |outcome| outcome.code == 0,
    );
    assert_eq!(tool.kubectl(&["get", "cronjobs", "-o", "name"]).lines().count(), 3);
}

#[test]
fn one_off_job_of_a_file_runs_at_each_load() {
    let tool = Tool::new("job-load-once");
    let file = |command: &str| {
        format!(
            "- {{name: compile, image: bookworm, command: {command}, wait: true, cpu: 200m}}\n\
             - {{name: update, image: bookworm, command: 'true', schedule: '0 5 1 1 *', cpu: 200m}}\n"
        )
    };
    // The second load is within the half minute after the failure in which the Job still exists.
    tool.write("jobs.yaml", &file("exit 3"));
    for line in ["Job compile was created", "Job compile was created again"] {
        tool.jobs(&["load", "jobs.yaml"])
            .exits(6)
            .says(line)
            .says("job 'compile' failed: terminated with exit code 3; 1 change was held back")
            .says("done; its run has not succeeded")
            .says("`tail /data/project/job-load-once/compile.err /data/project/job-load-once/compile.out` shows its output")
            .says("it runs job compile again")
            .and_that_is_all();
        assert_eq!(tool.kubectl(&["get", "cronjobs", "-o", "name"]), "");
    }
    tool.write("jobs.yaml", &file("echo ran"));
    for line in ["Job update was created", "Job update is already up to date"] {
        tool.jobs(&["load", "jobs.yaml"])
            .exits(0)
            .says("Job compile was created again")
            .says(line)
            .and_that_is_all();
    }
    tool.shell("cat compile.out").exits(0).says("ran\nran\n").and_that_is_all();
}

#[test]
fn stream_has_no_identity_for_prune() {
    let tool = Tool::new("job-load-pipe");
    let job =
        |name: &str| format!("- {{name: {name}, image: bookworm, command: x, schedule: '1 1 * * *'}}\n");
    for name in ["a", "b"] {
        tool.write(&format!("{name}.yaml"), &job(name));
    }
    for load in ["cat a.yaml | toolforge jobs load /dev/stdin", "toolforge jobs load /dev/stdin < a.yaml"] {
        tool.shell(load).exits(0).and_that_is_all();
    }
    for load in [
        "cat b.yaml | toolforge jobs load /dev/stdin --prune --yes",
        "toolforge jobs load /dev/stdin --prune --yes < b.yaml",
        "bash -c 'toolforge jobs load <(cat b.yaml) --prune --yes'",
        "cat b.yaml | toolforge jobs load - --prune --yes",
    ] {
        tool.shell(load).exits(2).says("needs a whole file with a path").and_that_is_all();
    }
    assert_eq!(tool.kubectl(&["get", "cronjobs", "-o", "name"]), "cronjob.batch/a\n");
}

#[test]
fn concurrent_loads_apply_one_of_them() {
    let tool = Tool::new("job-load-race");
    let job =
        |name: &str| format!("- {{name: {name}, image: bookworm, command: x, schedule: '1 1 * * *'}}\n");
    tool.write("jobs.yaml", &["x0", "x1", "x2"].map(job).concat());
    let at_once = |command: &str| format!("for i in 1 2 3 4; do ({command}; echo exit $?) & done; wait");
    let outcome = tool.shell(&at_once("toolforge jobs load jobs.yaml 2>&1"));
    assert_eq!(outcome.stdout.matches("exit 0").count(), 4, "{}", outcome.stdout);
    // If several `run` use one name, one creates the job, and the others fail as if it had existed before.
    let run = "toolforge jobs run same --image bookworm --command x --schedule '1 1 * * *' 2>&1";
    let outcome = tool.shell(&at_once(run));
    assert_eq!(outcome.stdout.matches("exit 0").count(), 1, "{}", outcome.stdout);
    assert_eq!(outcome.stdout.matches("exit 1").count(), 3, "{}", outcome.stdout);
    assert_eq!(outcome.stdout.matches("already exists").count(), 3, "{}", outcome.stdout);
    // A change of kind deletes the old job first, and with three Deployments the quota is full. A load may end partway, find
    // no headroom or be refused; running the same command again finishes it.
    tool.shell("sed -i 's/schedule: .1 1 [*] [*] [*]./continuous: true, cpu: 200m/' jobs.yaml")
        .exits(0)
        .and_that_is_all();
    let outcome = tool.shell(&at_once("toolforge jobs load jobs.yaml 2>&1"));
    let codes: Vec<&str> = outcome.stdout.lines().filter_map(|line| line.strip_prefix("exit ")).collect();
    assert_eq!(codes.len(), 4, "{}", outcome.stdout);
    assert!(codes.iter().all(|code| ["0", "3", "4", "6"].contains(code)), "{}", outcome.stdout);
    // For some seconds, the quota's usage still counts the Deployments that the loads have deleted.
    tool.until(
        60,
        "the load converges",
        |tool| tool.jobs(&["load", "jobs.yaml"]),
        |outcome| outcome.code == 0,
    );
    assert_eq!(tool.kubectl(&["get", "deployments", "-o", "name"]).lines().count(), 3);
}

#[test]
fn several_jobs_are_deleted_concurrently() {
    let tool = Tool::new("job-delete");
    for name in ["a", "b", "c"] {
        let command = "trap '' TERM; while :; do sleep 1; done";
        tool.jobs(&[
            "run",
            name,
            "--image",
            "bookworm",
            "--command",
            command,
            "--continuous",
            "--cpu",
            "60m",
        ])
        .exits(0)
        .and_that_is_all();
    }
    tool.until(
        60,
        "all pods run",
        |tool| tool.jobs(&["list"]),
        |outcome| outcome.stdout.matches("Running").count() == 3,
    );
    // Each pod takes 15 seconds to terminate.
    let start = std::time::Instant::now();
    tool.jobs(&["delete", "a", "b", "gone"]).exits(0).says("do not exist: gone").and_that_is_all();
    assert!(start.elapsed().as_secs() < 29, "{:?}", start.elapsed());
    let line = "toolforge jobs delete a b c & sleep 3; kill -INT $!; wait $!; echo exit $?";
    tool.shell(&format!("bash -c '{line}'"))
        .exits(0)
        .says("exit 130")
        .says("1 of 1 changes were applied")
        .says("deleted, and still terminating")
        .and_that_is_all();
    assert_eq!(tool.kubectl(&["get", "deployments", "-o", "name"]), "");
}

#[test]
fn load_takes_over_orphaned_objects() {
    let tool = Tool::new("job-left");
    let file = "- name: web\n  command: sleep 600\n  image: bookworm\n  continuous: true\n  cpu: 200m\n  port: 8000\n  publish: /\n";
    tool.write("jobs.yaml", file);
    tool.jobs(&["load", "jobs.yaml"]).exits(0).and_that_is_all();
    // Delete the Deployment, but not its Service and HTTPRoute.
    let _ = tool.kubectl(&["delete", "deployment", "web"]);
    tool.write("jobs.yaml", &file.replace("8000", "9000"));
    tool.jobs(&["load", "jobs.yaml"]).exits(0).says("Job web was created").and_that_is_all();
    assert_eq!(tool.object("service", "web")["spec"]["ports"][0]["port"], 9000);
    // A wrong port of the Service, or an HTTPRoute that is no longer requested, is a difference.
    let _ = tool.kubectl(&[
        "patch",
        "service",
        "web",
        "--type",
        "json",
        "--patch",
        r#"[{"op": "replace", "path": "/spec/ports/0/port", "value": 1}]"#,
    ]);
    tool.jobs(&["plan", "jobs.yaml"]).exits(0).says("port: 1 -> 9000").and_that_is_all();
    tool.write("jobs.yaml", &file.replace("  publish: /\n", "").replace("8000", "9000"));
    tool.jobs(&["load", "jobs.yaml"]).exits(0).says("updated").and_that_is_all();
    assert_eq!(tool.kubectl(&["get", "httproutes", "-o", "name"]), "");
    assert_eq!(tool.object("service", "web")["spec"]["ports"][0]["port"], 9000);
    tool.jobs(&["plan", "jobs.yaml", "--exit-code"]).exits(0).and_that_is_all();
    tool.jobs(&["flush"]).exits(0).and_that_is_all();
    assert_eq!(tool.kubectl(&["get", "deployments,services", "-o", "name"]), "");
}

#[test]
fn readme_commands_work() {
    let tool = Tool::new("job-readme");
    tool.write("daily.py", "#!/usr/bin/python3\nprint('daily')\n");
    tool.write(
        "jobs.yaml",
        "- name: bot\n  command: sleep 600\n  image: bookworm\n  continuous: true\n  cpu: 200m\n",
    );
    tool.shell("chmod +x daily.py").exits(0).and_that_is_all();
    tool.shell("toolforge jobs run daily --image python3.11 --command ./daily.py --schedule @daily")
        .exits(0)
        .and_that_is_all();
    tool.shell("toolforge jobs plan jobs.yaml").exits(0).says("create continuous job bot").and_that_is_all();
    tool.shell("toolforge jobs load jobs.yaml").exits(0).says("Job bot was created").and_that_is_all();
    tool.shell("toolforge jobs list").exits(0).says("scheduled: @daily").says("continuous").and_that_is_all();
    tool.shell("toolforge jobs cron").exits(0).says("@daily").and_that_is_all();
    tool.shell("toolforge jobs trigger daily --wait").exits(0).says("completed").and_that_is_all();
    tool.shell("cat daily.out").exits(0).says("daily").and_that_is_all();
}
