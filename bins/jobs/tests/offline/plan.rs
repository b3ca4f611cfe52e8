//! What `plan` says.

use std::process::Output;

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::{JOBS, OFFLINE, Scratch, jobs, said};

#[test]
fn plan_shows_changes_and_downtime() {
    let directory = Scratch::new("plan", JOBS);
    std::fs::write(
        directory.0.join("live.yaml"),
        jobs(&directory, &[&["render", "jobs.yaml"], &OFFLINE[..]].concat()).stdout,
    )
    .unwrap();
    let changed = JOBS
        .replace("mem: 1Gi", "mem: 2Gi")
        .replace("port: 8000", "port: 9000")
        .replace("name: once", "name: other");
    std::fs::write(directory.0.join("jobs.yaml"), changed).unwrap();
    assert_snapshot!(said(&jobs(&directory, &["plan", "jobs.yaml", "--tool", "tf-test", "--from", "live.yaml"])), @"
    [exit 0]
    update scheduled job daily
      mem: 1Gi -> 2Gi
    update continuous job bot
      port: 8000/tcp -> 9000/tcp
      downtime: the old pod stops before the new one starts
    create one-off job other

    no quota is known, so this was not checked
    ");
    let line =
        ["jobs.yaml", "--tool", "tf-test", "--uid", "52503", "--from", "live.yaml", "--output", "json"];
    for verb in [&["plan"][..], &["load", "--dry-run=client"]] {
        let output = jobs(&directory, &[verb, &line[..]].concat());
        let plan: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((&plan["verdict"], &plan["fits"]), (&"not-checked".into(), &Value::Null), "{plan:#}");
    }
}

#[test]
fn warns_of_existing_runs_that_no_longer_fit() {
    let bot = "- {name: bot, command: x, image: bookworm, mem: 4Gi, continuous: true}\n";
    let directory = Scratch::new("existing", bot);
    let facts = toolforge_fixtures::path("facts/scheduled.yaml");
    let facts = ["jobs.yaml", "--tool", "stashbot", "--uid", "52503", "--from", facts.to_str().unwrap()];
    for verb in [&["plan"][..], &["load", "--dry-run=client"]] {
        let said = said(&jobs(&directory, &[verb, &facts[..]].concat()));
        let warning = "warning: these runs exceed the quota within the next 24 hours:\n  nightly alone, ";
        assert!(said.starts_with("[exit 0]") && said.contains(warning), "{said}");
    }
}

/// `webservice plan` and `quota-check FILE` have tests of the same text.
#[test]
fn verdicts_have_the_words_of_every_plan() {
    let words = toolforge_fixtures::read("facts/verdicts.txt");
    let facts = toolforge_fixtures::path("facts/scheduled.yaml");
    for (index, expected) in words.split("---\n").enumerate() {
        let bot = "- {name: bot, command: x, image: bookworm, mem: 4Gi, cpu: 500m, continuous: true, replicas: N}\n";
        let directory = Scratch::new("words", &bot.replace('N', &(index + 1).to_string()));
        let line = ["plan", "jobs.yaml", "--tool", "stashbot", "--from", facts.to_str().unwrap()];
        let said = said(&jobs(&directory, &line));
        assert!(said.contains(&format!("\n\n{expected}")), "{said}{expected}");
    }
}

/// `quota-check FILE` has a test of the same text.
#[test]
fn never_fitting_runs_have_the_words_of_every_plan() {
    let words = toolforge_fixtures::read("facts/never-fitting.txt");
    let facts = toolforge_fixtures::read("facts/scheduled.yaml").replace("memory: 4Gi", "memory: 99Gi");
    let job = "- {name: c, command: x, image: bookworm, mem: 9Gi, schedule: '@daily'}\n";
    let directory = Scratch::new("never-fitting", job);
    std::fs::write(directory.0.join("facts.yaml"), facts).unwrap();
    let line = ["plan", "jobs.yaml", "--tool", "stashbot", "--from", "facts.yaml"];
    let said = said(&jobs(&directory, &line));
    assert!(said.starts_with("[exit 3]\n") && said.contains(&format!("\n\n{words}")), "{said}{words}");
    // The error already says it.
    assert!(
        !said.contains("these runs exceed the quota") && said.contains("a run of job c never fits"),
        "{said}"
    );
}

#[test]
fn last_line_says_which_job_cannot_start() {
    let bots = "- {name: a, command: x, image: bookworm, continuous: true, mem: 4Gi}\n\
                - {name: b, command: x, image: bookworm, continuous: true, mem: 3Gi}\n";
    let job = "- {name: n, command: x, image: bookworm, schedule: '@daily', mem: 2Gi}\n";
    for (jobs_in_file, last) in [
        ([bots, job].concat(), "it fits now, but job n can never start: see the warning above\n"),
        (
            [bots, job, &job.replace("name: n", "name: o")].concat(),
            "but 2 jobs can never start: see the warning above\n",
        ),
    ] {
        let directory = Scratch::new("cannot-start", &jobs_in_file);
        let said = said(&jobs(
            &directory,
            &["plan", "jobs.yaml", "--tool", "stashbot", "--quota", "toolforge-2023"],
        ));
        assert!(said.starts_with("[exit 0]") && said.contains(last), "{said}");
    }
}

#[test]
fn several_jobs_are_proposed_together() {
    let file = ["a", "b"].map(|name| {
        format!("- {{name: {name}, command: x, image: bookworm, continuous: true, mem: 5Gi, cpu: 200m}}\n")
    });
    let directory = Scratch::new("several", &file.concat());
    let line = ["jobs.yaml", "--tool", "stashbot", "--uid", "52503", "--from", "none.yaml"];
    let quota = "{apiVersion: v1, kind: LimitRange, metadata: {name: l, namespace: tool-stashbot}, spec: {limits: [{type: \
                 Container, max: {memory: 4Gi}}]}}\n";
    std::fs::write(directory.0.join("none.yaml"), format!("---\n{quota}")).unwrap();
    let plan = said(&jobs(&directory, &[&["plan"][..], &line].concat()));
    assert!(plan.contains("\nwhat would fit:\n  job a and job b: each memory 4Gi\n"), "{plan}");
    let load = said(&jobs(&directory, &[&["load", "--dry-run=client"][..], &line].concat()));
    assert!(load.contains("hint: It would fit with `mem: 4Gi` of job a and job b. "), "{load}");
}

#[test]
fn plan_with_an_unknown_image_reports_no_success() {
    let directory = Scratch::new("image", "- name: once\n  command: x\n  image: bookwrm\n");
    std::fs::write(directory.0.join("none.yaml"), "apiVersion: v1\nkind: List\nitems: []\n").unwrap();
    assert_snapshot!(said(&jobs(&directory, &["plan", "jobs.yaml", "--tool", "tf-test", "--from", "none.yaml"])), @r#"
    [exit 1]
    error: jobs.yaml:3:10: unknown image type "bookwrm"; did you mean "bookworm"?

    hint: `toolforge jobs images` lists the images.

    hint: The bundled catalog of August 2025 was used; `--from FILE` reads the cluster's catalog.
    "#);
}

const STASHBOT: [&str; 4] = ["--tool", "stashbot", "--uid", "52503"];

#[test]
fn plan_reports_exceeded_quota_once() {
    let file = "- {name: a, command: x, image: bookworm, mem: 7Gi}\n";
    let scratch = Scratch::new("does-not-fit", file);
    let limits = toolforge_fixtures::path("facts/limits.yaml");
    let from = ["--from", limits.to_str().unwrap()];
    let output = jobs(&scratch, &[&["plan", "jobs.yaml"][..], &STASHBOT, &from].concat());
    assert_snapshot!(said(&output), @"
    [exit 3]
    create one-off job a

    RESOURCE         LIMIT  USED   AFTER   PEAK    VERDICT
    pods             4      1      2       2       fits
    requests.cpu     2      125m   225m    225m    fits
    requests.memory  6Gi    256Mi  3840Mi  3840Mi  fits
    limits.cpu       2      500m   1500m   1500m   fits
    limits.memory    8Gi    512Mi  7680Mi  7680Mi  fits
    job a: memory: 7Gi is more than the maximum of 4Gi for one container

    it can never fit: it exceeds the quota or a limit on its own
    what would fit:
      job a: memory 4Gi

    hint: `toolforge jobs quota` shows the usage, and https://w.wiki/6YLP explains how to request more.
    ");
}

#[test]
fn plan_within_a_profile_needs_no_kubeconfig() {
    let directory =
        Scratch::new("profile", "- {name: bot, command: ./bot, image: bookworm, continuous: true}\n");
    let line = ["plan", "jobs.yaml", "--tool", "tf-test", "--quota", "toolforge-2023"];
    assert_snapshot!(said(&jobs(&directory, &line)), @"
    [exit 0]
    create continuous job bot

    RESOURCE                LIMIT  USED  AFTER  PEAK   VERDICT
    pods                    10     0     1      1      fits
    requests.cpu            2      0     100m   100m   fits
    requests.memory         6Gi    0     512Mi  512Mi  fits
    limits.cpu              2      0     1      1      fits
    limits.memory           8Gi    0     512Mi  512Mi  fits
    count/deployments.apps  3      0     1      1      fits

    it fits the quota; whether a node has enough free resources is not checked
    ");
    assert_snapshot!(said(&jobs(&directory, &["plan", "jobs.yaml"])), @"
    [exit 4]
    error: kubeconfig /nonexistent/.kube/config does not exist

    hint: Become the tool first, `become TOOL`, or name another file with `--kubeconfig`.

    hint: Without a cluster: `--tool NAME` with `--quota toolforge-2023`, or with `--from FILE` to read what `kubectl get … -o yaml` printed.
    ");
    assert_snapshot!(said(&jobs(&directory, &["plan", "jobs.yaml", "--quota", "toolforge-2023"])), @"
    [exit 2]
    error: no tool name given, and no kubeconfig found

    hint: Name the tool: `--tool NAME`.
    ");
}

#[test]
fn plan_reports_each_problem_once() {
    let file = "- {name: a, command: x, image: bookworm, mem: 3Gi, continuous: true, replicas: 3}\n\
                - {name: b, command: x, image: bookwrm}\n";
    let scratch = Scratch::new("problem", file);
    let limits = toolforge_fixtures::path("facts/limits.yaml");
    let from = ["--from", limits.to_str().unwrap()];
    assert_snapshot!(said(&jobs(&scratch, &[&["plan", "jobs.yaml"][..], &STASHBOT, &from].concat())), @r#"
    [exit 1]
    create continuous job a

    RESOURCE         LIMIT  USED   AFTER   PEAK    VERDICT
    pods             4      1      4       4       fits
    requests.cpu     2      125m   425m    425m    fits
    requests.memory  6Gi    256Mi  4864Mi  4864Mi  fits
    limits.cpu       2      500m   3500m   3500m   too much
    limits.memory    8Gi    512Mi  9728Mi  9728Mi  too much
    error: jobs.yaml:2:32: unknown image type "bookwrm"; did you mean "bookworm"?

    hint: `toolforge jobs images` lists the images.

    hint: The bundled catalog of August 2025 was used; `--from FILE` reads the cluster's catalog.

    hint: A job without a CPU setting has a limit of 1, which counts against the quota; with `cpu: 200m` only that counts. `toolforge jobs quota` shows the usage, and https://w.wiki/6YLP explains how to request more.
    "#);
    let load = ["load", "jobs.yaml", "--dry-run"];
    assert_snapshot!(said(&jobs(&scratch, &[&load[..], &STASHBOT, &from].concat())), @r#"
    [exit 1]
    error: jobs.yaml:2:32: unknown image type "bookwrm"; did you mean "bookworm"?
      limits.cpu: 3500m of 2, 1500m CPU too much (quota tool-stashbot)
      limits.memory: 9728Mi of 8Gi, 1536Mi too much (quota tool-stashbot)

    hint: `toolforge jobs images` lists the images.

    hint: The bundled catalog of August 2025 was used; `--from FILE` reads the cluster's catalog.

    hint: A job without a CPU setting has a limit of 1, which counts against the quota; with `cpu: 200m` only that counts. `toolforge jobs quota` shows the usage, and https://w.wiki/6YLP explains how to request more.
    "#);
}

#[test]
fn plan_marks_exceeded_limits() {
    let file = "- {name: a, command: x, image: bookworm, schedule: '1 1 1 1 1'}\n";
    let scratch = Scratch::new("over", file);
    let live = jobs(&scratch, &[&["render", "jobs.yaml"][..], &STASHBOT].concat()).stdout;
    std::fs::write(scratch.0.join("live.yaml"), live).unwrap();
    std::fs::write(scratch.0.join("jobs.yaml"), file.replace("'1 ", "'2 ")).unwrap();
    scratch.write_quota("count/cronjobs.batch", "1", "2");
    let from = ["--from", "live.yaml", "--from", "quota.json"];
    assert_snapshot!(said(&jobs(&scratch, &[&["plan", "jobs.yaml"][..], &STASHBOT, &from].concat())), @"
    [exit 0]
    update scheduled job a
      schedule: 1 1 1 1 1 -> 2 1 1 1 1

    RESOURCE              LIMIT  USED  AFTER  PEAK  VERDICT
    count/cronjobs.batch  1      2     2      2     over; nothing added

    it fits the quota; whether a node has enough free resources is not checked
    ");
}

#[test]
fn plan_as_json_has_warnings_and_conflicts() {
    let job = |name: &str, rest: &str| {
        format!("- {{name: {name}, command: x, image: bookworm, cpu: 1, schedule: '{rest}'}}\n")
    };
    let file = format!("{}{}", job("a", "*/120 * * * *"), job("b", "0 12 * * *"));
    let scratch = Scratch::new("conflicts", &file);
    let limits = toolforge_fixtures::path("facts/limits.yaml");
    let from = ["--output", "json", "--from", limits.to_str().unwrap()];
    let output = jobs(&scratch, &[&["plan", "jobs.yaml"][..], &STASHBOT, &from].concat());
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_snapshot!(document["warnings"][0], @r#"{"code":"long-step","message":"minute \"*/120\" means \"0\", because the step is larger than the range; write \"0 */2 * * *\" to run every 2 hours","name":"a","objectKind":"CronJob","type":"scheduled"}"#);
    assert_eq!(document["conflicts"][0]["jobs"], serde_json::json!(["a", "b"]));
}

const RUNNING: &str = "\
- {name: one, command: x, image: bookworm, continuous: true, mem: 128Mi}
- {name: small, command: x, image: bookworm, continuous: true, mem: 128Mi, replicas: 2}
- {name: large, command: x, image: bookworm, continuous: true, mem: 576Mi, replicas: 2}
- {name: daily, command: x, image: bookworm, schedule: '@daily'}
";

/// Returns the plan of a file whose jobs run as they are defined, in a namespace with a quota for memory.
fn plan_again(name: &str, memory: &str, options: &[&str]) -> Output {
    let scratch = Scratch::new(name, RUNNING);
    let rendered =
        jobs(&scratch, &[&["render", "jobs.yaml", "--output", "json"][..], &STASHBOT].concat()).stdout;
    let mut live: Value = serde_json::from_slice(&rendered).unwrap();
    let items = live["items"].as_array_mut().unwrap();
    let pods: Vec<Value> = items.iter().flat_map(pods_of).collect();
    items.extend(pods);
    std::fs::write(scratch.0.join("live.json"), live.to_string()).unwrap();
    scratch.write_quota("limits.memory", memory, "1536Mi");
    let from = ["--from", "live.json", "--from", "quota.json"];
    jobs(&scratch, &[&["plan", "jobs.yaml"][..], &STASHBOT, &from, options].concat())
}

/// Returns the pods of a Deployment.
fn pods_of(object: &Value) -> Vec<Value> {
    let template = &object["spec"]["template"];
    let count = if object["kind"] == "Deployment" { object["spec"]["replicas"].as_u64().unwrap() } else { 0 };
    let pod = |index: u64| {
        let mut pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": template["metadata"]});
        pod["metadata"]["name"] = json!(format!("{}-{index}", object["metadata"]["name"].as_str().unwrap()));
        pod["spec"] = template["spec"].clone();
        pod["status"] = json!({"phase": "Running"});
        pod
    };
    (0..count).map(pod).collect()
}

#[test]
fn plan_shows_the_effect_of_a_restart() {
    assert_snapshot!(said(&plan_again("restart", "2Gi", &[])), @"
    [exit 0]
    keep one, small, large, daily
    nothing would change
    a restart of small would replace the pods without downtime
    a restart of one would stop the old pods before the new ones start
    a restart of large would work, but one more pod exceeds the quota (limits.memory: 2112Mi of 2Gi, 64Mi too much (quota q)), so the pods are replaced one after the other; the others keep running
    ");
    let lowered = String::from_utf8(plan_again("no-restart", "1Gi", &[]).stdout).unwrap();
    assert_snapshot!(lowered, @"
    keep one, small, large, daily
    nothing would change
    a restart of large or one or small would not fit, and would change nothing:
    limits.memory: 1536Mi of 1Gi, 512Mi too much (quota q)
    ");
    let output = plan_again("restart-json", "1Gi", &["--output", "json"]);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let changes = document["changes"].as_array().unwrap().iter();
    let restarts: Vec<Value> = changes.map(|change| change["restart"]["fits"].clone()).collect();
    assert_eq!(restarts, [json!(false), json!(false), json!(false), json!(null)]);
}

#[test]
fn conflicts_name_durations_that_are_assumed() {
    let job = |name: &str, hour: u64| {
        format!("- {{name: {name}, command: x, image: bookworm, mem: 3Gi, schedule: '0 {hour} * * *'}}\n")
    };
    let [hour, next] = [2, 3].map(toolforge_fixtures::hours_from_now);
    let directory = Scratch::new("assumed", &job("a", hour));
    directory.write_quota("limits.memory", "4Gi", "0");
    let rendered = jobs(&directory, &[&["render", "jobs.yaml", "--output", "json"], &OFFLINE[..]].concat());
    let mut live: Value = serde_json::from_slice(&rendered.stdout).unwrap();
    live["items"][0]["metadata"]["uid"] = json!("u-1");
    // The last success may be that of a run that was started by hand.
    live["items"][0]["status"] =
        json!({"lastScheduleTime": "2026-08-01T03:00:00Z", "lastSuccessfulTime": "2026-08-01T05:00:00Z"});
    std::fs::write(directory.0.join("live.json"), live.to_string()).unwrap();
    std::fs::write(directory.0.join("jobs.yaml"), job("a", hour) + &job("b", next)).unwrap();
    let line = ["plan", "jobs.yaml", "--from", "live.json", "--from", "quota.json"];
    let output = jobs(&directory, &[&line, &OFFLINE[..]].concat());
    let stderr = String::from_utf8(output.stderr).unwrap();
    let expected = format!(
        "warning: these runs exceed the quota within the next 24 hours:\n  a, b, {next:02}:00 to {next:02}:05\n  \
         assumed: a run of a takes 2h, the upper bound for the last run\n"
    );
    assert!(stderr.contains(&expected), "{stderr}");
}

#[test]
fn finite_pods_need_no_more_quota() {
    let directory = Scratch::new("waiting", "- {name: bot, command: x, image: bookworm, mem: 3Gi}\n");
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "old", "deletionTimestamp": "2999-01-01T00:00:00Z", "deletionGracePeriodSeconds": 30},
        "spec": {"containers": [{"name": "a", "resources": {"limits": {"memory": "6Gi"}}}]},
    });
    let amounts = json!({"hard": {"limits.memory": "8Gi"}, "used": {"limits.memory": "6Gi"}});
    let quota =
        json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q"}, "status": amounts});
    let live = json!({"apiVersion": "v1", "kind": "List", "items": [quota, pod]});
    std::fs::write(directory.0.join("live.yaml"), live.to_string()).unwrap();
    let line = ["plan", "jobs.yaml", "--tool", "tf-test", "--uid", "52503", "--from", "live.yaml"];
    let said = said(&jobs(&directory, &line));
    assert!(said.contains("it does not fit yet, but will once these pods have terminated\n"), "{said}");
    let hints = said.lines().filter(|line| line.starts_with("hint: ")).collect::<Vec<_>>();
    assert_eq!(hints, ["hint: Wait until these pods have terminated, then run the command again."]);
}

#[test]
fn amounts_below_the_minimum_need_no_quota() {
    let hints = |mem: &str, verb: &[&str]| {
        let directory = Scratch::new(
            &format!("minimum-{mem}-{}", verb.len()),
            &format!("- {{name: bot, command: x, image: bookworm, mem: {mem}}}\n"),
        );
        let range = json!({
            "apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "l"},
            "spec": {"limits": [{"type": "Container", "min": {"memory": "100Mi"}, "max": {"memory": "4Gi"}}]},
        });
        std::fs::write(directory.0.join("limits.json"), range.to_string()).unwrap();
        let line = ["jobs.yaml", "--tool", "tf-test", "--uid", "52503", "--from", "limits.json"];
        let said = said(&jobs(&directory, &[verb, &line].concat()));
        assert!(said.starts_with("[exit 3]"), "{said}");
        said.lines().filter(|line| line.starts_with("hint: ")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(
        hints("50Mi", &["plan"]),
        [
            "hint: Request at least the minimum, or leave the option out; `toolforge jobs quota` shows the limits."
        ]
    );
    assert_eq!(
        hints("50Mi", &["load", "--dry-run"]),
        [
            "hint: It would fit with `mem: 100Mi` of job bot. `toolforge jobs quota` shows the limits of one job."
        ]
    );
    assert!(hints("9Gi", &["plan"])[0].contains("explains how to request more"));
}

/// `quota-check FILE` has a test of the same facts.
#[test]
fn missing_pods_have_the_words_of_every_plan() {
    let bot = "- {name: bot, command: ./b, image: bookworm, continuous: true, mem: 1Gi, replicas: 3}\n";
    let directory = Scratch::new("missing", bot);
    let facts = toolforge_fixtures::path("facts/missing-pods.yaml");
    let line = ["plan", "jobs.yaml", "--tool", "stashbot", "--uid", "52503", "--from"];
    let output = jobs(&directory, &[&line[..], &[facts.to_str().unwrap()]].concat());
    assert_snapshot!(said(&output), @"
    [exit 3]
    keep bot
    nothing would change

    RESOURCE       LIMIT  USED  AFTER  PEAK  VERDICT
    limits.memory  2Gi    1Gi   3Gi    3Gi   too much

    it needs no quota, but existing workloads have missing pods that do not fit
    one of these would fit:
      job bot: memory 682Mi, with downtime
      job bot: 2 replicas
    a restart of bot would work, but downtime: the old and the new pod together exceed the quota (limits.memory: 4Gi of 2Gi, 2Gi too much (quota q)), so the old pod stops before the new one starts

    hint: `toolforge jobs quota` shows the usage, and https://w.wiki/6YLP explains how to request more.
    ");
}
