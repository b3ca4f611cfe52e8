//! What `quota-check` says of files, sizes and use is what the API server and the controllers do.

use std::process::Command;

use serde_json::{Value, json};
use toolforge_e2e::{Outcome, Tool};
use toolforge_quota::Resource;

/// The image of every pod; the sandbox admits no others.
const IMAGE: &str = "docker-registry.svc.toolforge.org/toolforge-bookworm-sssd:latest";

/// Returns a JSON document that the program prints as the tool, with its exit code.
fn document(tool: &Tool, arguments: &[&str]) -> (i32, Value) {
    let line = [&["quota-check"], arguments, &["--output", "json"]].concat();
    let Outcome { code, stdout, stderr } = tool.run(&line);
    let document = serde_json::from_str(&stdout);
    (code, document.unwrap_or_else(|error| json!(format!("{error}: {stdout}{stderr}"))))
}

fn spec(memory: &str, cpu: &str) -> Value {
    let amounts = json!({"memory": memory, "cpu": cpu});
    json!({
        "terminationGracePeriodSeconds": 1,
        "containers": [{
            "name": "main", "image": IMAGE, "command": ["sleep", "infinity"],
            "resources": {"limits": amounts, "requests": amounts},
        }],
    })
}

fn template(memory: &str, cpu: &str, version: &str) -> Value {
    let labels = json!({"app": "made", "toolforge": "tool"});
    json!({"metadata": {"labels": labels, "annotations": {"version": version}}, "spec": spec(memory, cpu)})
}

fn deployment(memory: &str, version: &str, strategy: &Value) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "made"},
        "spec": {
            "replicas": 1, "selector": {"matchLabels": {"app": "made"}}, "strategy": strategy,
            "template": template(memory, "100m", version),
        },
    })
}

/// Returns the usage of each resource of the tool's quota.
fn used(tool: &Tool) -> Value {
    tool.object("resourcequota", &tool.namespace())["status"]["used"].clone()
}

/// Returns the rows whose predicted amount is not the one that is used now, each with both.
fn unlike_predicted(tool: &Tool, rows: &[Value]) -> Vec<String> {
    let used = used(tool);
    let differs = |row: &&Value| {
        let resource = Resource::from(row["resource"].as_str().unwrap());
        let amount = |text: &Value| resource.parse_amount(text.as_str().unwrap_or_default()).ok();
        amount(&used[resource.to_string()]) != amount(&row["after"])
    };
    let shown = |row: &Value| {
        let resource = row["resource"].as_str().unwrap();
        format!("{resource}: used {}, predicted {}", used[resource], row["after"])
    };
    rows.iter().filter(differs).map(shown).collect()
}

/// The most seconds to wait for the cluster. A quota also counts objects whose creation failed until the cluster recounts all
/// quotas, every five minutes.
const LONGEST_WAIT: u64 = 60;

/// Repeats a look at the cluster until it is as expected.
fn until(what: &str, is_expected: impl Fn() -> bool) {
    let begin = std::time::Instant::now();
    while !is_expected() {
        assert!(begin.elapsed().as_secs() < LONGEST_WAIT, "{what}: not within {LONGEST_WAIT} s");
        std::thread::sleep(std::time::Duration::from_millis(500));
    }
}

#[test]
fn seed_restart_cannot_surge_and_has_two_fixes() {
    let tool = Tool::with_quota("seed-restart", "seed-2020");
    tool.write("public_html/index.php", "<?php echo 'back';");
    tool.jobs(&["run", "bot", "--image", "bookworm", "--command", "sleep 900", "--continuous"])
        .exits(0)
        .and_that_is_all();
    tool.webservice(&["php8.2", "start", "-m", "4Gi"]).exits(0).and_that_is_all();
    // The report before anything is sent: the new pod does not fit with the old one, and both solutions.
    tool.webservice(&["plan"])
        .exits(0)
        .says("a restart would work, but downtime: the old and the new pod together exceed the quota (limits.memory: 8704Mi of 8Gi, 512Mi too much")
        .says("without downtime:\n  the web service: memory 3584Mi\n")
        .and_that_is_all();
    let web = |memory: &str| {
        let live = tool.object("deployment", tool.name());
        let pod = live["spec"]["template"].clone();
        let mut changed =
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": tool.name()}});
        changed["spec"] = json!({"selector": live["spec"]["selector"], "template": pod, "strategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}});
        let changed_pod = &mut changed["spec"]["template"];
        changed_pod["metadata"]["annotations"]["version"] = json!("2");
        changed_pod["spec"]["containers"][0]["resources"]["limits"]["memory"] = json!(memory);
        tool.write("web.json", &changed.to_string());
    };
    web("4Gi");
    tool.run(&["quota-check", "web.json"])
        .exits(3)
        .says("it does not fit: the new pods would wait for the old ones")
        .says("rollout recreate, with downtime")
        .says("memory 3584Mi\n")
        .and_that_is_all();
    // One solution: the old pod stops first.
    tool.webservice(&["restart"])
        .exits(0)
        .says("so the old pod stops before the new one starts")
        .and_that_is_all();
    assert_eq!(tool.page("/").body, "back");
    // The other solution: the new pod fits with the old one, and not one mebibyte more.
    tool.webservice(&["restart", "-m", "3585Mi", "--dry-run"]).exits(0).says("downtime").and_that_is_all();
    let restarted = tool.webservice(&["restart", "-m", "3584Mi"]).exits(0);
    assert!(!restarted.stderr.contains("downtime"), "{restarted:?}");
    assert_eq!(tool.page("/").body, "back");
}

#[test]
fn files_of_mixed_kinds_are_applied_as_predicted() {
    let tool = Tool::with_quota("mixed", "toolforge-2023");
    tool.write("public_html/index.php", "<?php echo 'here';");
    tool.write(
        "jobs.yaml",
        "- {name: bot, command: sleep 900, image: bookworm, continuous: true, mem: 300Mi, cpu: 200m}\n",
    );
    tool.write("service.template", "type: php8.2\nmem: 1Gi\n");
    let mut job = json!({
        "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "three"},
        "spec": {"parallelism": 3, "completions": 4, "template": template("110Mi", "50m", "1")},
    });
    job["spec"]["template"]["spec"]["restartPolicy"] = json!("Never");
    job["spec"]["template"]["metadata"]["labels"] = json!({"toolforge": "tool"});
    let config = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "made"}});
    let manifests = [deployment("150Mi", "1", &json!({})), job, config];
    let text: Vec<String> = manifests.iter().map(Value::to_string).collect();
    tool.write("manifests.yaml", &text.join("\n---\n"));
    let (code, plan) = document(&tool, &["jobs.yaml", "service.template", "manifests.yaml"]);
    assert_eq!((code, &plan["verdict"]), (0, &json!("fits")), "{plan:#}");
    let rows = plan["quotas"].as_array().unwrap();
    assert!(rows.len() > 7, "{plan:#}");
    tool.jobs(&["load", "jobs.yaml"]).exits(0).and_that_is_all();
    tool.webservice(&["--template", "service.template", "start"]).exits(0).and_that_is_all();
    tool.shell("kubectl apply -f manifests.yaml").exits(0).and_that_is_all();
    let begin = std::time::Instant::now();
    loop {
        let unlike = unlike_predicted(&tool, rows);
        if unlike.is_empty() {
            break;
        }
        assert!(
            begin.elapsed().as_secs() < LONGEST_WAIT,
            "{unlike:#?}\n{plan:#}\n{}",
            tool.kubectl(&["get", "all,configmaps", "-o", "wide"])
        );
        std::thread::sleep(std::time::Duration::from_millis(500));
    }
    // Applying them again changes nothing.
    let (code, plan) = document(&tool, &["jobs.yaml", "service.template", "manifests.yaml"]);
    let actions = plan["changes"].as_array().unwrap().iter().map(|change| &change["action"]);
    assert!(code == 0 && actions.clone().all(|action| action == "keep"), "{plan:#}");
}

#[test]
fn objects_that_the_server_refuses_do_not_fit() {
    let tool = Tool::with_quota("refused", "seed-2020");
    tool.sandbox().create(&json!({
        "apiVersion": "v1", "kind": "LimitRange",
        "metadata": {"name": "claims", "namespace": tool.namespace()},
        "spec": {"limits": [{"type": "PersistentVolumeClaim", "max": {"storage": "1Gi"}, "min": {"storage": "1Mi"}}]},
    }));
    let claim = |storage: &str| {
        json!({
            "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "made"},
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": storage}}},
        })
    };
    let service = |kind: &str| {
        json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": "made"},
            "spec": {"type": kind, "selector": {"app": "made"}, "ports": [{"port": 80}]},
        })
    };
    let pod = |memory: &str| json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "made"}, "spec": spec(memory, "100m")});
    for (object, fits, reason) in [
        (service("NodePort"), false, "services.nodeports"),
        (service("ClusterIP"), true, ""),
        (claim("2Gi"), false, "maximum storage usage per PersistentVolumeClaim"),
        (claim("1Gi"), true, ""),
        (pod("4097Mi"), false, "maximum memory usage per Container"),
        (pod("4Gi"), true, ""),
        (pod("99Mi"), false, "minimum memory usage per Container"),
    ] {
        tool.write("object.json", &object.to_string());
        let (code, plan) = document(&tool, &["object.json"]);
        assert_eq!(code, if fits { 0 } else { 3 }, "{object}: {plan:#}");
        // As the cluster's admin: a tool may not create volume claims.
        let namespace = format!("--namespace={}", tool.namespace());
        let mut command =
            tool.sandbox().command(&["kubectl", &namespace, "create", "--dry-run=server", "-f", "-"]);
        command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
        let mut child = command.stderr(std::process::Stdio::piped()).spawn().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), object.to_string().as_bytes()).unwrap();
        let answer = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&answer.stderr).into_owned();
        assert_eq!(answer.status.success(), fits, "{object}: {said}");
        assert!(said.contains(reason), "{object}: {said}");
    }
}

#[test]
fn parallel_pods_of_a_job_are_created_as_they_fit() {
    let tool = Tool::with_quota("parallel", "seed-2020");
    let job = |parallelism: u64| {
        let mut job = json!({
            "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "made"},
            "spec": {"parallelism": parallelism, "completions": 9, "template": template("100Mi", "50m", "1")},
        });
        job["spec"]["template"]["spec"]["restartPolicy"] = json!("Never");
        job["spec"]["template"]["metadata"]["labels"] = json!({"toolforge": "tool"});
        job.to_string()
    };
    tool.write("five.json", &job(5));
    let (code, plan) = document(&tool, &["five.json"]);
    assert_eq!((code, &plan["verdict"]), (0, &json!("fits-one-after-another")), "{plan:#}");
    tool.write("four.json", &job(4));
    assert_eq!(document(&tool, &["four.json"]).1["verdict"], "fits");
    tool.shell("kubectl create -f five.json").exits(0).and_that_is_all();
    until("four pods are created, and one is refused", || {
        let events = tool.kubectl(&["get", "events", "-o", "json"]);
        used(&tool)["pods"] == "4" && events.contains("exceeded quota")
    });
}

#[test]
fn strategies_under_a_full_quota_end_as_predicted() {
    let surge = json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}});
    let in_place = json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}});
    let recreate = json!({"type": "Recreate"});
    let tool = Tool::with_quota("strategies", "seed-2020");
    tool.jobs(&[
        "run",
        "other",
        "--image",
        "bookworm",
        "--command",
        "sleep 900",
        "--continuous",
        "--mem",
        "1Gi",
        "--cpu",
        "100m",
    ])
    .exits(0)
    .and_that_is_all();
    let write = |version: &str, strategy: &Value| {
        tool.write("web.json", &deployment("3Gi", version, strategy).to_string());
        // A second pod also exceeds the requests of 6Gi.
        document(&tool, &["web.json"])
    };
    let apply = || tool.shell("kubectl apply -f web.json").exits(0).and_that_is_all();
    let rolled_out = |seconds: u32| {
        tool.shell(&format!("kubectl rollout status deployment/made --timeout={seconds}s")).code == 0
    };
    assert_eq!(write("1", &surge).0, 0);
    apply();
    assert!(rolled_out(240));
    for (version, strategy) in [("2", &in_place), ("3", &recreate)] {
        let (code, plan) = write(version, strategy);
        assert_eq!(code, 0, "{plan:#}");
        apply();
        assert!(rolled_out(240), "{strategy}");
    }
    let (code, plan) = write("4", &surge);
    assert_eq!((code, &plan["verdict"]), (3, &json!("deadlock")), "{plan:#}");
    assert_eq!(plan["adjustments"][0]["rollout"], "recreate", "{plan:#}");
    apply();
    assert!(!rolled_out(10));
    let events = tool.kubectl(&["get", "events", "-o", "json"]);
    assert!(events.contains("exceeded quota"), "{events}");
    // The overview shows the blocked object, and the request has the numbers that unblock it.
    tool.run(&["quota-check"]).exits(0).says("blocked now:").says("ReplicaSet made-").and_that_is_all();
    tool.run(&["quota-check", "request"])
        .exits(0)
        .says("- requests.memory: 6656Mi")
        .says("requested: requests.memory=3Gi")
        .and_that_is_all();
    let quota = r#"{"spec": {"hard": {"requests.memory": "6656Mi"}}}"#;
    let _ = tool.kubectl(&["patch", "resourcequota", &tool.namespace(), "--patch", quota]);
    // The ReplicaSet controller doubles its delay after each refusal; a change of the ReplicaSet ends the delay.
    let _ = tool.kubectl(&["annotate", "replicasets", "--all", "poked=1"]);
    assert!(rolled_out(240));
}

#[test]
fn largest_sizes_restart_without_downtime() {
    let tool = Tool::with_quota("what-if", "seed-2020");
    tool.write("public_html/index.php", "<?php echo 'here';");
    tool.webservice(&["php8.2", "start", "-m", "3Gi"]).exits(0).and_that_is_all();
    // A change from 3Gi to 4Gi fits once; two pods of 4Gi fit exactly.
    let (code, answer) = document(&tool, &["what-if"]);
    assert_eq!((code, &answer["largestMemory"]), (0, &json!("4Gi")), "{answer:#}");
    tool.jobs(&[
        "run",
        "bot",
        "--image",
        "bookworm",
        "--command",
        "sleep 900",
        "--continuous",
        "--mem",
        "1001Mi",
    ])
    .exits(0)
    .and_that_is_all();
    let (_, answer) = document(&tool, &["what-if"]);
    let largest = answer["largestMemory"].as_str().unwrap();
    assert_eq!(largest, "3595Mi", "{answer:#}");
    let restart = |memory: &str| {
        let restarted = tool.webservice(&["restart", "-m", memory]).exits(0);
        !restarted.stderr.contains("downtime")
    };
    assert!(restart(largest));
    assert!(restart(largest));
    tool.run(&["quota-check", "what-if", "--memory", "3596Mi"]).exits(0).says("downtime").and_that_is_all();
    tool.run(&["quota-check", "what-if", "--memory", "4097Mi"])
        .exits(3)
        .says("it can never fit")
        .says("the web service: memory 4Gi")
        .and_that_is_all();
}

#[test]
fn overview_shows_quotas_if_only_they_are_readable() {
    let tool = Tool::new("overview");
    let run = ["run", "bot", "--image", "bookworm", "--command", "sleep 900", "--continuous"];
    tool.jobs(&run).exits(0).and_that_is_all();
    let run = ["run", "daily", "--image", "bookworm", "--command", "true", "--schedule", "@daily"];
    tool.jobs(&run).exits(0).and_that_is_all();
    tool.run(&["quota-check"])
        .exits(0)
        .says("limits.memory")
        .says("job bot")
        .says("NEXT RUN")
        .says("daily")
        .and_that_is_all();
    // Somebody else, who may read the quotas and limits of the namespace and nothing else.
    let namespace = tool.namespace();
    let rule =
        json!({"apiGroups": [""], "resources": ["resourcequotas", "limitranges"], "verbs": ["get", "list"]});
    let role = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "quotas"});
    let user = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "quota-reader"});
    let metadata = json!({"name": "quotas", "namespace": namespace});
    tool.sandbox().create(&json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": metadata, "rules": [rule],
    }));
    tool.sandbox().create(&json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": metadata,
        "roleRef": role, "subjects": [user],
    }));
    let kubeconfig = std::env::temp_dir().join(format!("overview-{}.kubeconfig", std::process::id()));
    let config = tool.sandbox().kubectl(&["config", "view", "--raw", "--flatten"]);
    std::fs::write(&kubeconfig, config).unwrap();
    let output = Command::new(tool.sandbox().programs().join("quota-check"))
        .arg("--kubeconfig")
        .arg(&kubeconfig)
        .args(["--as", "quota-reader", "--tool", "overview"])
        .output()
        .unwrap();
    std::fs::remove_file(&kubeconfig).unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(6), "{output:?}");
    assert!(said.contains("limits.memory") && !said.contains("WORKLOAD"), "{said}");
}

#[test]
fn measured_usage_is_shown_with_the_limits() {
    let tool = Tool::new("measured-use");
    // A string of 100 MiB with all of its pages written, and some CPU usage.
    let command = "perl -e 'vec($string, 100 * 2**20 - 1, 8) = 1; \
                   while (1) { $n++ for 1..20000; select undef, undef, undef, 0.05 }'";
    let run = ["run", "bot", "--image", "bookworm", "--command", command, "--continuous"];
    tool.jobs(&run).exits(0).and_that_is_all();
    let measured = |outcome: &Outcome| outcome.stdout.contains("MEMORY USED");
    tool.until(90, "the pod is measured", |tool| tool.run(&["quota-check"]), measured);
    let (code, overview) = document(&tool, &[]);
    let workload = &overview["workloads"][0];
    let within = |resource: Resource, field: &str, least: &str, most: &str| {
        let amount = |text: &str| resource.parse_amount(text).unwrap();
        let measured = workload[field].as_str().map(amount);
        measured.is_some_and(|measured| (amount(least)..=amount(most)).contains(&measured))
    };
    assert_eq!(code, 0, "{overview:#}");
    assert!(within(Resource::LimitsMemory, "measuredMemory", "100Mi", "150Mi"), "{workload:#}");
    assert!(within(Resource::LimitsCpu, "measuredCpu", "1m", "1"), "{workload:#}");
    tool.shell("kubectl top pods").exits(0).says("bot-").and_that_is_all();
    // The API server forwards the user's identity.
    tool.shell("kubectl top pods --namespace kube-system")
        .exits(1)
        .says("pods.metrics.k8s.io is forbidden")
        .and_that_is_all();
}

#[test]
fn sizes_named_by_refusals_are_accepted() {
    let tool = Tool::with_quota("named-sizes", "seed-2020");
    tool.write("public_html/index.php", "<?php echo 'here';");
    let run = ["run", "big", "--image", "bookworm", "--command", "sleep 900", "--continuous"];
    tool.jobs(&[&run[..], &["--mem", "4Gi"]].concat()).exits(0).and_that_is_all();
    let start = |size: &[&str]| tool.webservice(&[&["php8.2", "start", "-r", "2"], size].concat());
    start(&["-m", "4Gi"])
        .exits(3)
        .says("hint: It would fit with `--mem 2Gi`, or with `--replicas 1`.")
        .and_that_is_all();
    start(&["-m", "2049Mi"]).exits(3).says("`--mem 2Gi`").and_that_is_all();
    start(&["--mem", "2Gi"]).exits(0).and_that_is_all();
    tool.webservice(&["stop"]).exits(0).and_that_is_all();

    let job = |name: &str, memory: &str, kind: &str| {
        format!("- {{name: {name}, command: sleep 900, image: bookworm, mem: {memory}, {kind}}}\n")
    };
    let load = |text: String| {
        tool.write("jobs.yaml", &text);
        tool.jobs(&["load", "jobs.yaml"])
    };
    let limit = |memory: &str| tool.set_quota(&json!({"limits.memory": memory}));
    load(job("tick", "1Gi", "schedule: '@yearly'")).exits(0).and_that_is_all();
    limit("4600Mi");
    tool.jobs(&["trigger", "tick"]).exits(3).says("`mem: 504Mi` of job tick").and_that_is_all();
    load(job("tick", "504Mi", "schedule: '@yearly'")).exits(0).and_that_is_all();
    tool.jobs(&["trigger", "tick"]).exits(0).and_that_is_all();
    tool.jobs(&["delete", "tick"]).exits(0).and_that_is_all();
    limit("3000Mi");
    tool.jobs(&["restart", "big"]).exits(3).says("`mem: 3000Mi` of job big").and_that_is_all();
    load(job("big", "3001Mi", "continuous: true"))
        .exits(3)
        .says("`mem: 3000Mi` of job big")
        .and_that_is_all();
    load(job("big", "3000Mi", "continuous: true")).exits(0).and_that_is_all();
    until("the job runs with that size", || {
        let live = tool.object("deployment", "big");
        live["status"]["readyReplicas"] == 1 && live["status"]["updatedReplicas"] == 1
    });
}
