//! Whether files fit, from the real program, without a cluster.
#![expect(clippy::unwrap_used, reason = "a test's own function may stop the test")]

mod missing_pods;
mod scheduled;

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use insta::assert_snapshot;
use serde_json::Value;
use toolforge_fixtures::document_on_stderr;

/// Runs the program in the directory of the recorded facts, with a text on standard input.
fn quota_check(line: &str, input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_quota-check"));
    command.current_dir(toolforge_fixtures::path("facts")).env_clear().env("HOME", "/nonexistent");
    command.args(["--tool", "stashbot"]).args(line.split_whitespace());
    let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = pipes.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A program that refuses its arguments does not read.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    child.wait_with_output().unwrap()
}

fn said(line: &str, input: &str) -> String {
    let output = quota_check(line, input);
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    format!("[exit {}]\n{stdout}{stderr}", output.status.code().unwrap())
}

const JOBS: &str =
    "- {name: bot, command: ./bot.py, image: python3.11, continuous: true, mem: 1Gi, cpu: 0.5}\n";

/// A Deployment like the live one of `seed-restart.yaml`, with another image.
fn web(memory: &str, rest: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web}}\nspec:\n  replicas: 1\n\
         \x20 selector: {{matchLabels: {{app: web}}}}\n{rest}  template:\n    metadata: {{labels: {{app: web}}}}\n\
         \x20   spec:\n      containers:\n      - name: main\n        image: new\n        resources:\n\
         \x20         limits: {{cpu: 500m, memory: {memory}}}\n          requests: {{cpu: 125m, memory: 1Gi}}\n"
    )
}

#[test]
fn files_of_every_kind_fit_a_profile() {
    let config_map = "{apiVersion: v1, kind: ConfigMap, metadata: {name: x}}";
    let input = format!("{JOBS}---\ntype: php8.2\nmem: 3Gi\n---\n{config_map}\n");
    assert_snapshot!(said("--quota toolforge-2023 -", &input), @"
    [exit 0]
    create job bot
    create the web service
    create ConfigMap x

    RESOURCE                LIMIT  USED  AFTER  PEAK  VERDICT
    pods                    10     0     2      2     fits
    requests.cpu            2      0     625m   625m  fits
    requests.memory         6Gi    0     2Gi    2Gi   fits
    limits.cpu              2      0     1      1     fits
    limits.memory           8Gi    0     4Gi    4Gi   fits
    services                1      0     1      1     fits
    configmaps              10     0     1      1     fits
    count/deployments.apps  3      0     2      2     fits

    it fits the quota; whether a node has enough free resources is not checked
    ");
}

#[test]
fn seed_restart_of_a_manifest_deadlocks() {
    assert_snapshot!(said("--from seed-restart.yaml -", &web("4Gi", "")), @"
    [exit 3]
    update Deployment web

    RESOURCE         LIMIT  USED    AFTER   PEAK    VERDICT
    pods             4      2       2       3       fits
    requests.cpu     2      225m    225m    350m    fits
    requests.memory  6Gi    2304Mi  1280Mi  3328Mi  fits
    limits.cpu       2      1       1       1500m   fits
    limits.memory    8Gi    4608Mi  4608Mi  8704Mi  too much

    it does not fit: the new pods would wait for the old ones, which stop only when new ones are ready
    one of these would fit:
      Deployment web: rollout recreate, with downtime
      Deployment web: memory 3584Mi
    hint: Change the file to one of the proposals above; `quota-check request` with the same options and files writes a request for more quota.
    ");
}

#[test]
fn both_fixes_of_the_deadlock_fit() {
    assert_snapshot!(said("--from seed-restart.yaml -", &web("3584Mi", "")), @"
    [exit 0]
    update Deployment web

    RESOURCE         LIMIT  USED    AFTER   PEAK    VERDICT
    pods             4      2       2       3       fits
    requests.cpu     2      225m    225m    350m    fits
    requests.memory  6Gi    2304Mi  1280Mi  3328Mi  fits
    limits.cpu       2      1       1       1500m   fits
    limits.memory    8Gi    4608Mi  4Gi     8Gi     fits

    it fits the quota; whether a node has enough free resources is not checked
    ");
    assert_snapshot!(said("--from seed-restart.yaml -", &web("4Gi", "  strategy: {type: Recreate}\n")), @"
    [exit 0]
    update Deployment web
      downtime: the old pods stop before the new ones are ready

    RESOURCE         LIMIT  USED    AFTER   PEAK    VERDICT
    pods             4      2       2       2       fits
    requests.cpu     2      225m    225m    225m    fits
    requests.memory  6Gi    2304Mi  1280Mi  2304Mi  fits
    limits.cpu       2      1       1       1       fits
    limits.memory    8Gi    4608Mi  4608Mi  4608Mi  fits

    it fits the quota; whether a node has enough free resources is not checked
    ");
    assert!(said("--from seed-restart.yaml -", &web("3585Mi", "")).starts_with("[exit 3]"));
}

#[test]
fn json_has_verdict_and_adjustments() {
    let output = quota_check("--from seed-restart.yaml --output json -", &web("4Gi", ""));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert_eq!((&document["kind"], &document["verdict"]), (&"FilePlan".into(), &"deadlock".into()));
    assert_snapshot!(document["changes"], @r#"[{"action":"update","downtime":null,"name":"web","objectKind":"Deployment","rollout":"stated","type":"object"}]"#);
    assert_snapshot!(document["adjustments"], @r#"[{"also":[],"container":null,"cpu":null,"cpuRequest":null,"downtime":"between-pods","memory":null,"memoryRequest":null,"name":"web","objectKind":"Deployment","parallelism":null,"part":null,"replicas":null,"rollout":"recreate","schedule":null,"type":"object"},{"also":[],"container":null,"cpu":null,"cpuRequest":null,"downtime":null,"memory":"3584Mi","memoryRequest":null,"name":"web","objectKind":"Deployment","parallelism":null,"part":null,"replicas":null,"rollout":null,"schedule":null,"type":"object"}]"#);
}

#[test]
fn sizes_above_the_limits_never_fit() {
    assert_snapshot!(said("--quota seed-2020 -", &JOBS.replace("1Gi", "6Gi")), @"
    [exit 3]
    create job bot

    RESOURCE         LIMIT  USED  AFTER  PEAK  VERDICT
    pods             4      0     1      1     fits
    requests.cpu     2      0     500m   500m  fits
    requests.memory  6Gi    0     3Gi    3Gi   fits
    limits.cpu       2      0     500m   500m  fits
    limits.memory    8Gi    0     6Gi    6Gi   fits
    job bot: memory: 6Gi is more than the maximum of 4Gi for one container

    it can never fit: it exceeds the quota or a limit on its own
    what would fit:
      job bot: memory 4Gi
    hint: Change the file to one of the proposals above; `quota-check request` with the same options and files writes a request for more quota.
    ");
}

#[test]
fn errors_of_all_files_are_reported_at_once() {
    let input = "- {name: bot, comand: x, image: bookworm}\n---\na: [\n---\nb: \"\n---\n{apiVersion: v1, kind: Pod, \
                 metadata: {name: a, namespace: tool-other}}\n---\n{apiVersion: v1, kind: Pod}\n";
    assert_snapshot!(said("--quota seed-2020 - broken.yaml", input), @r#"
    [exit 1]
    error: the files have 6 errors
      -:1:15: unknown key "comand"; did you mean "command"?
      -:3:4: invalid YAML: unclosed bracket '['
      -:5:1: invalid YAML: the closing quote is missing; write b: ""
      -:7:60: namespace "tool-other" is not that of the tool; write tool-stashbot, or leave it out
      -:9:1: no metadata; expected a line like `metadata: {name: NAME}`
      broken.yaml:2:7: invalid YAML: unclosed bracket '['
    "#);
}

#[test]
fn unreadable_files_are_reported_with_the_errors_of_others() {
    let binary = std::env::temp_dir().join(format!("quota-check-binary-{}", std::process::id()));
    std::fs::write(&binary, b"a: \xff\n").unwrap();
    let line = format!("--quota seed-2020 none.yaml /dev/zero {} broken.yaml -", binary.display());
    let said = said(&line, "- {name: bot, comand: x, image: bookworm}\n");
    std::fs::remove_file(&binary).unwrap();
    assert_snapshot!(said.replace(binary.to_str().unwrap(), "BINARY"), @r#"
    [exit 1]
    error: the files have 5 errors
      none.yaml does not exist
      /dev/zero is larger than 4 MiB
      BINARY:1:4: the file is not UTF-8: the byte 0xff does not belong to a character
      broken.yaml:2:7: invalid YAML: unclosed bracket '['
      -:1:15: unknown key "comand"; did you mean "command"?
    "#);
}

#[test]
fn problems_are_reported_with_locations() {
    let input = "- {name: bot, command: x, image: pyhton3.11}\n---\ntype: none\n---\ntype: php8.2\n";
    assert_snapshot!(said("--quota seed-2020 -", input), @r#"
    [exit 1]
    error: 3 problems in the files
      -:1:34: job bot: unknown image type "pyhton3.11"; did you mean "python3.11"?
      -:5:1: a second service.template; a tool has only one web service
      -:3:1: unknown image type "none"

    hint: Rename what is there twice, or leave one of the files out.
    "#);
    let found = said("--quota seed-2020 -", "- {name: a, command: x, image: pyhton3.11, mem: lots}\n");
    assert!(found.contains("-:1:32: unknown image type") && found.contains("-:1:49: \"lots\""), "{found}");
    let run = "{apiVersion: batch/v1, kind: CronJob, metadata: {name: a}, spec: {schedule: '@daily', jobTemplate: {spec: \
               {activeDeadlineSeconds: 60, parallelism: 5, template: {spec: {containers: [{name: a, image: x}]}}}}}}";
    let said = said("--quota seed-2020 -", run);
    assert!(
        said.starts_with("[exit 3]") && said.contains("-:1:1: a run of CronJob a never fits: pods: 5 of 4"),
        "{said}"
    );
}

#[test]
fn errors_of_a_template_are_at_its_keys() {
    let found = |input: &str| said("--quota toolforge-2023 -", input);
    assert_snapshot!(found("backend: kubernetes\ncpu: 500m\ntype: php7.3\n"), @"
    [exit 1]
    error: -:3:1: type php7.3 is gone from the platform; php8.4 replaces it
    ");
    assert_snapshot!(found("backend: gridengine\ntype: php8.2\n"), @r#"
    [exit 1]
    error: -:1:1: backend "gridengine" no longer exists; only Kubernetes is supported
    "#);
    assert_snapshot!(found("type: golang1.11\n"), @"
    [exit 1]
    error: -:1:1: type golang1.11 is gone from the platform; an image of the build service replaces it
    ");
}

#[test]
fn deployments_need_a_selector() {
    let input = web("1Gi", "").replace("  selector: {matchLabels: {app: web}}\n", "");
    assert_snapshot!(said("--quota toolforge-2023 -", &input), @"
    [exit 1]
    error: -:5:3: this Deployment has no selector; write one that matches the labels of its pods
    ");
}

#[test]
fn large_and_truncated_files_are_refused() {
    assert_snapshot!(said("--quota seed-2020 /dev/zero", ""), @"
    [exit 1]
    error: /dev/zero is larger than 4 MiB
    ");
    let text = toolforge_fixtures::read("facts/running.json");
    let cut = said("--quota seed-2020 -", &text[..text.len() / 2]);
    assert!(cut.starts_with("[exit 1]") && cut.contains("is it cut off?"), "{cut}");
    assert_snapshot!(said("--quota seed-2020 -", ""), @"
    [exit 1]
    error: -:1:1: this file has no content; expected a jobs file, a service.template or a manifest
    ");
    assert_snapshot!(said("--quota seed-2020 none.yaml", ""), @"
    [exit 1]
    error: none.yaml does not exist
    ");
}

#[test]
fn lists_and_unknown_kinds_are_counted() {
    let input = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: List\n  items:\n\
                 \x20 - {apiVersion: example.com/v1, kind: Pony, metadata: {name: a}}\n\
                 - {apiVersion: v1, kind: Namespace, metadata: {name: a}}\n\
                 - {apiVersion: v1, kind: Service, metadata: {name: a}, spec: {type: NodePort, ports: [{port: 80}]}}\n";
    assert_snapshot!(said("--quota seed-2020 -", input), @"
    [exit 3]
    create Pony a
    create Service a

    RESOURCE            LIMIT  USED  AFTER  PEAK  VERDICT
    services            1      0     1      1     fits
    services.nodeports  0      0     1      1     too much

    it can never fit: it exceeds the quota or a limit on its own
    warning: -:8:3: Namespace objects belong to no namespace, so no quota counts them
    hint: `quota-check` shows what uses the quota, and `quota-check what-if` how large a web service or a job may be; `quota-check request` with the same options and files writes a request for more quota.
    ");
}

#[test]
fn warns_of_runs_that_exceed_the_quota() {
    let hour = toolforge_fixtures::hours_from_now(2);
    let job = |name: &str, minute: u64| {
        format!(
            "- {{name: {name}, command: x, image: bookworm, mem: 3Gi, schedule: '{minute} {hour} * * *'}}\n"
        )
    };
    let input = format!("{}{}---\ntype: php8.2\nmem: 3Gi\n", job("a", 0), job("b", 1));
    let output = quota_check("--quota toolforge-2023 --output json -", &input);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["conflicts"][0]["jobs"], serde_json::json!(["a", "b"]));
    let warning = &document_on_stderr(&output.stderr).unwrap()["notes"][0];
    assert_eq!(warning["message"], "these runs exceed the quota within the next 24 hours:");
    assert!(warning["details"][0].as_str().unwrap().starts_with("a, b"), "{warning}");
    assert!(
        document["adjustments"][1]["schedule"].as_str().unwrap().ends_with(&format!(" {hour} * * *")),
        "{document:#}"
    );
    assert!(
        warning["hints"][0].as_str().unwrap().starts_with("It would fit with `schedule: \""),
        "{warning}"
    );
}

#[test]
fn standard_input_is_read_once() {
    let expected = "error: standard input can be read only once\n\nhint: Write `-` once, and name files for the others.\n";
    let quota = "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: q}\nstatus: {hard: {pods: 1}}\n";
    for (line, input) in [
        ("--quota toolforge-2023 - -", "type: php8.2\n"),
        ("--from - -", quota),
        ("--from - --from -", quota),
        ("--from - request -", quota),
        ("--all --from - --from -", "{\"kind\": \"List\", \"items\": []}"),
    ] {
        let found = said(line, input);
        assert!(found.starts_with("[exit 2]\n") && found.ends_with(expected), "{line}: {found}");
    }
}

/// Returns a CronJob of a manifest, with a schedule and a size.
fn cron_job(name: &str, schedule: &str, memory: &str) -> String {
    let amounts = format!("{{limits: {{cpu: 100m, memory: {memory}}}}}");
    let pod = format!("{{restartPolicy: Never, containers: [{{name: a, image: x, resources: {amounts}}}]}}");
    format!(
        "{{apiVersion: batch/v1, kind: CronJob, metadata: {{name: {name}}}, spec: {{schedule: '{schedule}', jobTemplate: \
         {{spec: {{backoffLimit: 0, template: {{spec: {pod}}}}}}}}}}}\n"
    )
}

#[test]
fn runs_of_manifests_conflict_with_others() {
    let hour = toolforge_fixtures::hours_from_now(2);
    let job = format!("- {{name: a, command: x, image: bookworm, mem: 4Gi, schedule: '0 {hour} * * *'}}\n");
    let input = format!("{job}---\n{}", cron_job("b", &format!("1 {hour} * * *"), "4Gi"));
    let template = format!("{input}---\ntype: php8.2\nmem: 1Gi\n");
    let output = quota_check("--quota toolforge-2023 --output json -", &template);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["conflicts"][0]["jobs"], serde_json::json!(["a", "b"]), "{document:#}");
    let id = |found: &Value| [&found["type"], &found["objectKind"], &found["name"]].map(Value::to_string);
    let changes: Vec<_> = document["changes"].as_array().unwrap().iter().map(id).collect();
    assert!(document["adjustments"].as_array().unwrap().iter().all(|found| changes.contains(&id(found))));
    let schedules: Vec<&Value> = document["adjustments"].as_array().unwrap().iter().collect();
    let of_manifest = schedules
        .iter()
        .find(|found| (found["objectKind"].as_str(), found["name"].as_str()) == (Some("CronJob"), Some("b")));
    assert!(
        of_manifest.unwrap()["schedule"].as_str().unwrap().ends_with(&format!(" {hour} * * *")),
        "{document:#}"
    );
    let found = said("--quota toolforge-2023 -", &input);
    assert!(!found.contains("warning"), "{found}");
}

#[test]
fn manifest_replaces_the_live_schedule() {
    let facts = std::env::temp_dir().join(format!("quota-check-replaces-{}.yaml", std::process::id()));
    let limits = toolforge_fixtures::read("facts/scheduled.yaml").replace("memory: 4Gi", "memory: 9Gi");
    std::fs::write(&facts, limits).unwrap();
    let line = format!("--from {} -", facts.display());
    // The live job with this name runs at 3:00, together with 3Gi.
    for (memory, is_blocked) in [("4Gi", false), ("6Gi", true)] {
        // A container with another name would be added, and the live CPU request is kept.
        let input = cron_job("nightly", "0 4 * * *", memory);
        let input = input.replace("name: a,", "name: nightly,").replace("cpu: 100m", "cpu: 500m");
        let found = said(&line, &input);
        assert!(found.starts_with("[exit 0]"), "{found}");
        let warning = "warning: these jobs can never start, because other workloads use too much of the quota:\n  \
                       nightly: limits.memory: 9Gi of 8Gi, 1Gi too much (quota tool-stashbot)\n";
        assert_eq!(found.contains(warning), is_blocked, "{found}");
        assert!(!found.contains("03:00") && !found.contains("hours:"), "{found}");
        let output = quota_check(&format!("{line} --output json"), &input);
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        let blocked = document["blockedRuns"].as_array().unwrap();
        assert_eq!(blocked.iter().any(|run| run["name"] == "nightly"), is_blocked, "{document:#}");
        let suspended = input.replace("spec: {schedule", "spec: {suspend: true, schedule");
        let found = said(&line, &suspended);
        assert!(!found.contains("hours:"), "{found}");
    }
    std::fs::remove_file(&facts).unwrap();
}

/// Returns whether the output says that a run of the job of `scheduled.yaml` no longer fits.
fn warns_of_nightly(said: &str) -> bool {
    let lines = "warning: these runs exceed the quota within the next 24 hours:\n  nightly alone, ";
    said.contains(lines)
        && said.contains(
            "\nhint: `toolforge jobs cron --calendar` shows the day as it is now. Another minute would not help: lower the memory of these jobs or of other workloads.",
        )
}

#[test]
fn warns_of_existing_runs_that_no_longer_fit() {
    for (input, is_warned) in [
        ("type: php8.2\nmem: 4Gi\n", true),
        ("type: php8.2\nmem: 3Gi\n", false),
        ("- {name: bot, command: x, image: bookworm, mem: 4Gi, continuous: true}\n", true),
    ] {
        let found = said("--from scheduled.yaml --from catalog.yaml -", input);
        assert!(found.starts_with("[exit 0]") && warns_of_nightly(&found) == is_warned, "{found}");
    }
    let found = said("--from scheduled.yaml --from catalog.yaml what-if --memory 4Gi", "");
    assert!(found.starts_with("[exit 0]") && warns_of_nightly(&found), "{found}");
    // The job exists already.
    let found = said("--from scheduled.yaml --from catalog.yaml what-if nightly --memory 6Gi", "");
    // A run that a LimitRange refuses is an error, and not another warning.
    assert!(found.starts_with("[exit 3]") && !found.contains("warning: "), "{found}");
}

/// `jobs plan` and `webservice plan` have tests of the same text.
#[test]
fn verdicts_have_the_words_of_every_plan() {
    let words = toolforge_fixtures::read("facts/verdicts.txt");
    for (index, expected) in words.split("---\n").enumerate() {
        let replicas = index + 1;
        let manifest = web("4Gi", "").replace("replicas: 1", &format!("replicas: {replicas}"));
        for input in [
            format!("type: php8.2\nmem: 4Gi\ncpu: 500m\nreplicas: {replicas}\n"),
            format!(
                "- {{name: bot, command: x, image: bookworm, mem: 4Gi, cpu: 500m, continuous: true, replicas: {replicas}}}\n"
            ),
            manifest,
        ] {
            let found = said("--from scheduled.yaml --from catalog.yaml -", &input);
            assert!(found.contains(&format!("\n\n{expected}")), "{found}{expected}");
        }
    }
}

/// `jobs plan` has a test of the same text.
#[test]
fn never_fitting_runs_have_the_words_of_every_plan() {
    let words = toolforge_fixtures::read("facts/never-fitting.txt");
    let job = "- {name: c, command: x, image: bookworm, mem: 9Gi, schedule: '@daily'}\n";
    let cron_job = "{apiVersion: batch/v1, kind: CronJob, metadata: {name: c}, spec: {schedule: '1 2 * * *', jobTemplate: {spec: \
                    {template: {spec: {containers: [{name: a, resources: {limits: {memory: 9Gi, cpu: 100m}}}]}}}}}}\n";
    let facts = std::env::temp_dir().join(format!("quota-check-never-{}.yaml", std::process::id()));
    let limits = toolforge_fixtures::read("facts/scheduled.yaml");
    for max in ["4Gi", "99Gi"] {
        std::fs::write(&facts, limits.replace("memory: 4Gi", &format!("memory: {max}"))).unwrap();
        for (input, workload) in [(job, "job c"), (cron_job, "CronJob c")] {
            let found = said(&format!("--from {} --from catalog.yaml -", facts.display()), input);
            let words = words.replace("job c", workload);
            let words = if max == "4Gi" { words.replace("5Gi", "4Gi") } else { words };
            assert!(
                found.starts_with("[exit 3]\n") && found.contains(&format!("\n\n{words}")),
                "{found}{words}"
            );
            // The error says it, or names the exceeded limit.
            assert!(!found.contains("these runs exceed the quota"), "{found}");
            let problem = format!("a run of {workload} never fits");
            assert!(max == "4Gi" || found.contains(&problem), "{found}");
        }
    }
    std::fs::remove_file(&facts).unwrap();
}

#[test]
fn several_workloads_are_proposed_together() {
    let jobs = "- {name: a, command: x, image: bookworm, mem: 5Gi}\n- {name: b, command: x, image: bookworm, mem: 5Gi}\n";
    let found = said("--quota seed-2020 -", jobs);
    assert!(found.contains("\nwhat would fit:\n  job a and job b: each memory 4Gi\n"), "{found}");
    let output = quota_check("--quota seed-2020 - --output json", jobs);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let found = &document["adjustments"];
    assert_eq!(found.as_array().unwrap().len(), 1, "{found}");
    assert_eq!(found[0]["memory"], "4Gi");
    assert_eq!(
        (&found[0]["also"][0]["memory"], found[0]["also"].as_array().unwrap().len()),
        (&"4Gi".into(), 1)
    );
}

#[test]
fn jobs_that_fit_without_retries_are_reported() {
    let quota = std::env::temp_dir().join(format!("quota-check-retries-{}.yaml", std::process::id()));
    std::fs::write(
        &quota,
        "---\n{apiVersion: v1, kind: ResourceQuota, metadata: {name: q}, status: {hard: {count/pods: '3'}, used: {count/pods: '1'}}}",
    )
    .unwrap();
    let job = "{apiVersion: batch/v1, kind: Job, metadata: {name: a}, spec: {backoffLimit: 2, template: {spec: \
               {restartPolicy: Never, containers: [{name: a, image: x}]}}}}";
    let found = said(&format!("--from {} -", quota.display()), job);
    std::fs::remove_file(&quota).unwrap();
    assert_snapshot!(found, @"
    [exit 0]
    create Job a

    RESOURCE    LIMIT  USED  AFTER  PEAK  VERDICT
    count/pods  3      1     2      4     fits without retries

    it fits the quota, but not all retries fit if pods fail: count/pods: 4 of 3, 1 pod too many (quota q); whether a node has enough free resources is not checked
    ");
}

#[test]
fn never_fitting_sizes_name_the_violated_bound() {
    let pod = |resources: &str| {
        format!(
            "{{apiVersion: v1, kind: Pod, metadata: {{name: a}}, spec: {{containers: [{{name: a, image: x, resources: {resources}}}]}}}}"
        )
    };
    for (resources, expected) in [
        ("{limits: {memory: 50Mi}}", "it can never fit: it is less than the minimum"),
        ("{limits: {memory: 9Gi}}", "it can never fit: it exceeds the quota or a limit on its own"),
        ("{limits: {memory: 9Gi, cpu: 1m}}", "it can never fit: it exceeds the quota or a limit on its own"),
    ] {
        let found = said("--quota toolforge-2023 -", &pod(resources));
        assert!(found.starts_with("[exit 3]") && found.contains(&format!("\n{expected}\n")), "{found}");
        // More quota does not help against a minimum.
        assert_eq!(found.contains("`quota-check request`"), !expected.ends_with("minimum"), "{found}");
    }
    let quota = std::env::temp_dir().join(format!("quota-check-unset-{}.yaml", std::process::id()));
    std::fs::write(
        &quota,
        "---\n{apiVersion: v1, kind: ResourceQuota, metadata: {name: q}, status: {hard: {limits.memory: 8Gi}, used: {limits.memory: '0'}}}",
    )
    .unwrap();
    let found = said(&format!("--from {} -", quota.display()), &pod("{requests: {memory: 64Mi}}"));
    std::fs::remove_file(&quota).unwrap();
    assert_snapshot!(found, @"
    [exit 3]
    create Pod a
    Pod a: memory: no limit is set; quota q requires one

    it can never fit: a required amount is not set
    what would fit:
      Pod a: memory 64Mi
    hint: Change the file to one of the proposals above.
    ");
}

#[test]
fn warns_of_runs_during_a_rollout() {
    let file = std::env::temp_dir().join(format!("quota-check-rollout-{}.yaml", std::process::id()));
    let run = "{apiVersion: batch/v1, kind: CronJob, metadata: {name: often, namespace: tool-stashbot}, spec: {schedule: '* * * * *', \
               concurrencyPolicy: Forbid, jobTemplate: {spec: {template: {spec: {containers: [{name: a, image: x}]}}}}}}\n";
    let quota = "{apiVersion: v1, kind: ResourceQuota, metadata: {name: q}, status: {hard: {pods: '2'}, used: {pods: '1'}}}\n";
    let live = web("1Gi", "")
        .replace("image: new", "image: old")
        .replace("name: web}", "name: web, namespace: tool-stashbot}");
    std::fs::write(&file, format!("---\n{quota}---\n{run}---\n{live}")).unwrap();
    let line = format!("--from {} -", file.display());
    let text = said(&line, &web("1Gi", ""));
    let document: Value =
        serde_json::from_slice(&quota_check(&format!("{line} --output json"), &web("1Gi", "")).stdout)
            .unwrap();
    std::fs::remove_file(&file).unwrap();
    assert!(text.starts_with("[exit 0]\n"), "{text}");
    let warning = "warning: while pods are replaced, these runs or the new pods may have to wait, as together they exceed the quota:\n  \
                   often alone, from ";
    assert!(text.contains(warning), "{text}");
    let conflict = &document["conflicts"][0];
    assert_eq!(
        (&conflict["duringRollout"], &conflict["jobs"]),
        (&true.into(), &serde_json::json!(["often"]))
    );
    // In addition to only the old pods, it fits.
    assert!(document["conflicts"].as_array().unwrap().len() == 1, "{document:#}");
}

#[test]
fn huge_files_are_refused_in_little_memory() {
    let file = std::env::temp_dir().join(format!("quota-check-huge-{}.yaml", std::process::id()));
    std::fs::File::create(&file).unwrap().set_len(200 << 20).unwrap();
    let path = file.display();
    // In KiB: less than the file.
    let script = |arguments: String| {
        format!("ulimit -v 131072; exec {} --tool stashbot {arguments}", env!("CARGO_BIN_EXE_quota-check"))
    };
    for (arguments, expected) in [
        (format!("--quota toolforge-2023 {path}"), " is larger than 4 MiB"),
        (format!("--quota toolforge-2023 - < {path}"), "standard input is larger than 4 MiB"),
        (format!("request --quota toolforge-2023 {path}"), " is larger than 4 MiB"),
        (format!("--all --from {path}"), "0 quotas were read before"),
        (format!("audit --all --from {path}"), "expected value"),
    ] {
        let mut command = Command::new("sh");
        command.args(["-c", &script(arguments.clone())]).env_clear().env("HOME", "/nonexistent");
        let output = command.stdin(Stdio::null()).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments}: {stderr}");
        assert!(stderr.contains(expected), "{arguments}: {stderr}");
    }
    std::fs::remove_file(&file).unwrap();
}
