//! A refusal names the size that fits and is nearest to the requested one.

use insta::assert_snapshot;
use serde_json::{Value, json};
use toolforge_client::scripted::Script;

use crate::partial::{ended, list};
use crate::{CORE, cluster, object, run};

/// Returns the answers of a cluster with a quota of memory.
fn with_memory(cron_jobs: &[Value], deployments: &[Value], hard: &str, used: &str) -> Script {
    let amounts = |memory: &str| json!({"limits.memory": memory});
    let quota = json!({"metadata": {"name": "q"}, "status": {"hard": amounts(hard), "used": amounts(used)}});
    let pods: Vec<Value> = deployments.iter().flat_map(pods_of).collect();
    let instead =
        [(format!("GET {CORE}/resourcequotas"), list(&[quota])), (format!("GET {CORE}/pods"), list(&pods))];
    cluster(cron_jobs, deployments, &instead)
}

fn pods_of(deployment: &Value) -> Vec<Value> {
    let template = &deployment["spec"]["template"];
    let pod = |index: u64| {
        let mut metadata = template["metadata"].clone();
        metadata["name"] = json!(format!("pod-{index}"));
        json!({"metadata": metadata, "spec": template["spec"], "status": {"phase": "Running"}})
    };
    (0..deployment["spec"]["replicas"].as_u64().unwrap()).map(pod).collect()
}

#[test]
fn refused_run_names_the_nearest_sizes() {
    let line = ["run", "b", "--image", "python3.13", "--command", "x", "--continuous", "--mem", "1Gi"];
    let line = [&line[..], &["--replicas", "2"]].concat();
    assert_snapshot!(ended(&run(with_memory(&[], &[], "1700Mi", "300Mi"), &line)), @"
    [exit 3]
    error: the change does not fit; nothing was changed
      limits.memory: 2348Mi of 1700Mi, 648Mi too much (quota q)

    hint: It would fit with `--mem 700Mi`, or with `--replicas 1`. `toolforge jobs quota` shows the usage, and https://w.wiki/6YLP explains how to request more.
    ");
}

#[test]
fn refused_load_names_the_nearest_sizes() {
    let file = std::env::temp_dir().join(format!("toolforge-jobs-nearest-{}.yaml", std::process::id()));
    let jobs = "\
- {name: a, image: python3.13, command: x, continuous: true, mem: 1Gi}
- {name: b, image: python3.13, command: x, mem: 512Mi}
";
    std::fs::write(&file, jobs).unwrap();
    let load = ["load", file.to_str().unwrap()];
    let refused = ended(&run(with_memory(&[], &[], "1400Mi", "0"), &load));
    let never = jobs.replace("mem: 512Mi", "mem: 2Gi, schedule: '@daily'");
    std::fs::write(&file, never).unwrap();
    let never = ended(&run(with_memory(&[], &[], "1400Mi", "0"), &load));
    std::fs::remove_file(&file).unwrap();
    assert_snapshot!(refused, @"
    [exit 3]
    error: the change does not fit; nothing was changed
      limits.memory: 1536Mi of 1400Mi, 136Mi too much (quota q)

    hint: It would fit with `mem: 888Mi` of job a, or with `mem: 376Mi` of job b. `toolforge jobs quota` shows the usage, and https://w.wiki/6YLP explains how to request more.
    ");
    assert_snapshot!(never.replace(file.to_str().unwrap(), "FILE"), @"
    [exit 3]
    error: FILE:2:3: a run of job b never fits: limits.memory: 2Gi of 1400Mi, 648Mi too much (quota q)

    hint: It would fit with `mem: 376Mi` of job b. `toolforge jobs quota` shows the usage, and https://w.wiki/6YLP explains how to request more.
    ");
}

#[test]
fn refused_restart_names_the_nearest_sizes() {
    let mut deployment = object("continuous-port");
    deployment["spec"]["replicas"] = json!(2);
    let script = with_memory(&[], &[deployment], "700Mi", "1Gi");
    assert_snapshot!(ended(&run(script, &["restart", "myjob"])), @"
    [exit 3]
    error: a restart does not fit; nothing was changed
      limits.memory: 1Gi of 700Mi, 324Mi too much (quota q)

    hint: It would fit with `mem: 350Mi` of job myjob and downtime, or with `replicas: 1` of job myjob. Change it in the jobs file, and run `toolforge jobs load FILE`.
    ");
}

#[test]
fn refused_trigger_names_the_nearest_sizes() {
    let script = || with_memory(&[object("scheduled-hourly")], &[], "2Gi", "1800Mi");
    let triggered = ended(&run(script(), &["trigger", "myjob"]));
    assert_snapshot!(triggered, @"
    [exit 3]
    error: a run does not fit now; nothing was changed
      limits.memory: 2312Mi of 2Gi, 264Mi too much (quota q)

    hint: It would fit with `mem: 248Mi` of job myjob. Change it in the jobs file, and run `toolforge jobs load FILE`.
    ");
    assert_eq!(triggered, ended(&run(script(), &["restart", "myjob"])));
}
