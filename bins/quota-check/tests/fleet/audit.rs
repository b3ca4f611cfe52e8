//! The audit of quotas and limits.

use super::*;

#[test]
fn audit_finds_contradicting_limits() {
    let audit = |line: &str| run_of(&format!("audit --all --from - {line}"), &audited());
    assert_snapshot!(audit(""), @"
    [exit 1]
    TOOL  LEVEL    CODE              FINDING
    odd   warning  unusable-maximum  LimitRange tool-odd allows each container 9Gi of memory, but quota tool-odd allows only 8Gi of limits.memory in total
    odd   error    quota-exceeded    limits.cpu: 3 of 2 are used (quota tool-odd); what is deleted cannot be created again
    odd   error    stranded          Deployment bot cannot be created again: CPU: 3 is more than the maximum of 1 for one container; limits.cpu: 3 of 2, 1 CPU too much (quota tool-odd)

    3 findings in 1 of 2 namespaces
    ");
    assert_snapshot!(audit("--tool fine"), @"
    [exit 0]
    0 findings in 0 of 1 namespace
    ");
    // Objects that a new quota would strand.
    assert_snapshot!(audit("--tool fine --quota seed-2020"), @"
    [exit 1]
    TOOL  LEVEL  CODE            FINDING
    fine  error  quota-exceeded  pods: 5 of 4 are used (quota seed-2020); what is deleted cannot be created again

    1 finding in 1 of 1 namespace
    ");
    let json: Value = serde_json::from_str(audit("-o json").split_once('\n').unwrap().1).unwrap();
    assert_eq!(json["namespaces"][0]["findings"][0]["code"], "unusable-maximum");
    let output = run("audit --all --from -", &audited()[..400]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("EOF while parsing"));
}

#[test]
fn audit_counts_all_pods_of_an_object() {
    let metadata = |name: &str| json!({"namespace": "tool-x", "name": name});
    let template = json!({"spec": {"containers": [{"name": "a", "image": "x"}]}});
    let run = json!({"spec": {"activeDeadlineSeconds": 60, "parallelism": 12, "template": template}});
    let few = json!({"selector": {}, "replicas": 4, "template": template});
    let many = json!({"selector": {}, "replicas": 20, "template": template});
    let items = json!([
        quota("tool-x", &json!({"pods": "4"}), &json!({"pods": "0"})),
        {"kind": "Deployment", "metadata": metadata("few"), "spec": few},
        {"kind": "Deployment", "metadata": metadata("many"), "spec": many},
        {"kind": "CronJob", "metadata": metadata("daily"), "spec": {"schedule": "@daily", "jobTemplate": run}},
    ]);
    let input = json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string();
    let output = run_of("audit --all --from -", &input);
    assert_snapshot!(output, @"
    [exit 1]
    TOOL  LEVEL  CODE      FINDING
    x     error  stranded  CronJob daily cannot be created again: pods: 12 of 4, 8 pods too many (quota tool-x)
    x     error  stranded  Deployment many cannot be created again: pods: 20 of 4, 16 pods too many (quota tool-x)

    2 findings in 1 of 1 namespace
    ");
}

#[test]
fn audit_counts_claims_and_other_objects() {
    let metadata = |name: &str| json!({"namespace": "tool-x", "name": name});
    let claim =
        json!({"metadata": {"name": "data"}, "spec": {"resources": {"requests": {"storage": "2Gi"}}}});
    let template = json!({"spec": {"containers": [{"name": "a", "image": "x"}]}});
    let mut volume = template.clone();
    volume["spec"]["volumes"] = json!([{"name": "tmp", "ephemeral": {"volumeClaimTemplate": claim}}]);
    let run = json!({"spec": {"completions": 9, "template": template}});
    let hard = json!({"persistentvolumeclaims": "1", "count/jobs.batch": "0", "count/pods": "3"});
    let set = json!({"selector": {}, "serviceName": "", "replicas": 2, "template": template, "volumeClaimTemplates": [claim]});
    let max = json!([{"type": "PersistentVolumeClaim", "max": {"storage": "1Gi"}}]);
    let items = json!([
        quota("tool-x", &hard, &json!({})),
        {"kind": "LimitRange", "metadata": metadata("x"), "spec": {"limits": max}},
        {"kind": "Deployment", "metadata": metadata("bot"), "spec": {"selector": {}, "template": volume}},
        {"kind": "StatefulSet", "metadata": metadata("db"), "spec": set},
        {"kind": "DaemonSet", "metadata": metadata("log"), "spec": {"selector": {}, "template": template},
         "status": {"desiredNumberScheduled": 4}},
        {"kind": "CronJob", "metadata": metadata("daily"), "spec": {"schedule": "@daily", "jobTemplate": run}},
    ]);
    let input = json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string();
    assert_snapshot!(run_of("audit --all --from -", &input), @"
    [exit 1]
    TOOL  LEVEL  CODE      FINDING
    x     error  stranded  CronJob daily cannot be created again: count/jobs.batch: 1 of 0, 1 object too many (quota tool-x); count/pods: 9 of 3, 6 pods too many (quota tool-x)
    x     error  stranded  DaemonSet log cannot be created again: count/pods: 4 of 3, 1 pod too many (quota tool-x)
    x     error  stranded  Deployment bot cannot be created again: storage: 2Gi is more than the maximum of 1Gi for one volume claim
    x     error  stranded  StatefulSet db cannot be created again: storage: 2Gi is more than the maximum of 1Gi for one volume claim; persistentvolumeclaims: 2 of 1, 1 volume claim too many (quota tool-x)

    4 findings in 1 of 1 namespace
    ");
    let alone = run_of("audit --tool x --from -", &input);
    assert_eq!(alone.matches("stranded").count(), 4, "{alone}");
}

#[test]
fn audit_has_objects_without_an_owner() {
    let large =
        json!({"containers": [{"name": "a", "image": "x", "resources": {"limits": {"memory": "2Gi"}}}]});
    let object = |kind: &str, name: &str, owner: &str, spec: &Value| {
        let mut metadata = json!({"namespace": "tool-x", "name": name});
        if !owner.is_empty() {
            metadata["ownerReferences"] =
                json!([{"apiVersion": "v1", "kind": owner, "name": "o", "uid": "o", "controller": true}]);
        }
        json!({"kind": kind, "metadata": metadata, "spec": spec})
    };
    let set = json!({"replicas": 2, "selector": {}, "template": {"spec": large}});
    let claim = |storage: &str| json!({"resources": {"requests": {"storage": storage}}});
    let max = json!([
        {"type": "Container", "max": {"memory": "1Gi"}},
        {"type": "PersistentVolumeClaim", "max": {"storage": "1Gi"}},
    ]);
    let mut over = object("Pod", "over", "", &large);
    over["status"] = json!({"phase": "Succeeded"});
    let items = json!([
        quota("tool-x", &json!({"pods": "1"}), &json!({})),
        object("LimitRange", "x", "", &json!({"limits": max})),
        object("ReplicaSet", "alone", "", &set),
        object("ReplicaSet", "bot-1", "Deployment", &set),
        object("ReplicationController", "old", "", &set),
        object("Pod", "shell", "", &large),
        object("Pod", "bot-1-x", "ReplicaSet", &large),
        over,
        object("PersistentVolumeClaim", "data", "", &claim("4Gi")),
        object("PersistentVolumeClaim", "small", "", &claim("1Gi")),
        object("PersistentVolumeClaim", "own", "Pod", &claim("4Gi")),
    ]);
    let input = json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string();
    let found = run_of("audit --all --from -", &input);
    assert_snapshot!(found, @"
    [exit 1]
    TOOL  LEVEL  CODE      FINDING
    x     error  stranded  PersistentVolumeClaim data cannot be created again: storage: 4Gi is more than the maximum of 1Gi for one volume claim
    x     error  stranded  Pod shell cannot be created again: memory: 2Gi is more than the maximum of 1Gi for one container
    x     error  stranded  ReplicaSet alone cannot be created again: memory: 2Gi is more than the maximum of 1Gi for one container; pods: 2 of 1, 1 pod too many (quota tool-x)
    x     error  stranded  ReplicationController old cannot be created again: memory: 2Gi is more than the maximum of 1Gi for one container; pods: 2 of 1, 1 pod too many (quota tool-x)

    4 findings in 1 of 1 namespace
    ");
    let alone = run_of("audit --tool x --from -", &input);
    assert_eq!(alone.matches("stranded").count(), 4, "{alone}");
}

#[test]
fn audit_has_jobs_that_need_more_pods() {
    let job = |name: &str, spec: &Value, status: &Value, owner: &str| {
        let template = json!({"spec": {"restartPolicy": spec["restartPolicy"], "containers": [{"name": "a", "image": "x", "resources":
            {"limits": {"memory": spec["memory"]}}}]}});
        let owners =
            json!([{"apiVersion": "batch/v1", "kind": owner, "name": "o", "uid": "o", "controller": true}]);
        let mut metadata = json!({"namespace": "tool-x", "name": name});
        if !owner.is_empty() {
            metadata["ownerReferences"] = owners;
        }
        let mut spec = spec.clone();
        spec["template"] = template;
        json!({"kind": "Job", "metadata": metadata, "spec": spec, "status": status})
    };
    let running = json!({"active": 1});
    let ended = |condition: &str| json!({"conditions": [{"type": condition, "status": "True"}]});
    let large = |more: &Value| {
        let mut spec = json!({"restartPolicy": "Never", "memory": "2Gi"});
        spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        spec
    };
    // The API server's default of `backoffLimit` is the largest number then.
    let indexed = |each: u32, pods: u32| {
        large(
            &json!({"completionMode": "Indexed", "backoffLimitPerIndex": each, "backoffLimit": i32::MAX, "completions": pods, "parallelism": pods}),
        )
    };
    let items = json!([
        quota("tool-x", &json!({"limits.memory": "1Gi", "count/jobs.batch": "0"}), &json!({})),
        job("each-once", &indexed(0, 3), &json!({"active": 3}), ""),
        job("each-twice", &indexed(1, 3), &json!({"active": 3, "failed": 1}), ""),
        job("retried", &large(&json!({})), &running, ""),
        job("retried-often", &large(&json!({"backoffLimit": 3})), &json!({"active": 1, "failed": 3}), ""),
        job("once", &large(&json!({"backoffLimit": 0, "completions": 1})), &running, ""),
        job("restarted", &large(&json!({"restartPolicy": "OnFailure", "completions": 1})), &running, ""),
        job("several", &large(&json!({"backoffLimit": 0, "completions": 3})), &running, ""),
        job("waiting", &large(&json!({"restartPolicy": "OnFailure", "completions": 1})), &json!({}), ""),
        job("over", &large(&json!({})), &ended("Complete"), ""),
        job("about-to-fail", &large(&json!({})), &ended("FailureTarget"), ""),
        job("about-to-succeed", &large(&json!({})), &ended("SuccessCriteriaMet"), ""),
        job("run", &large(&json!({})), &running, "CronJob"),
        job("one-failed", &indexed(0, 5), &json!({"active": 4, "failed": 1, "failedIndexes": "0"}), ""),
        job(
            "first-of-three",
            &large(&json!({"backoffLimit": 0, "parallelism": 3})),
            &json!({"active": 1, "succeeded": 1}),
            ""
        ),
        job("small", &large(&json!({"memory": "512Mi"})), &running, ""),
    ]);
    let input = json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string();
    let found = run_of("audit --all --from -", &input);
    assert_snapshot!(found, @"
    [exit 1]
    TOOL  LEVEL  CODE        FINDING
    x     error  no-default  quota tool-x requires each container to state limits.memory, and no LimitRange has a default for it
    x     error  stranded    Job each-twice cannot create the pods that it still needs: limits.memory: 2Gi of 1Gi, 1Gi too much (quota tool-x)
    x     error  stranded    Job retried cannot create the pods that it still needs: limits.memory: 2Gi of 1Gi, 1Gi too much (quota tool-x)
    x     error  stranded    Job several cannot create the pods that it still needs: limits.memory: 2Gi of 1Gi, 1Gi too much (quota tool-x)
    x     error  stranded    Job waiting cannot create the pods that it still needs: limits.memory: 2Gi of 1Gi, 1Gi too much (quota tool-x)

    5 findings in 1 of 1 namespace
    ");
    assert_eq!(run_of("audit --tool x --from -", &input), found);
}

#[test]
fn audit_of_nothing_fails() {
    let pods = r#"{"kind": "PodList", "items": [{"metadata": {"namespace": "tool-x", "name": "a"}}]}"#;
    assert_snapshot!(run_of("audit --all --from -", pods), @"
    [exit 1]
    error: there is nothing to audit: no namespace of a tool has a ResourceQuota or a LimitRange

    hint: Write the file with `kubectl get resourcequota,limitrange,deployment,replicaset,replicationcontroller,statefulset,daemonset,cronjob,job,pod,persistentvolumeclaim --all-namespaces --output json`.
    ");
    assert_snapshot!(run_of("audit --tool x --from -", pods), @"
    [exit 1]
    error: there is nothing to audit: the namespace has neither a ResourceQuota nor a LimitRange

    hint: Write the file with `kubectl get resourcequota,limitrange,deployment,replicaset,replicationcontroller,statefulset,daemonset,cronjob,job,pod,persistentvolumeclaim --output json`.
    ");
    assert_snapshot!(run_of("audit --all --from - --tool zz*", &audited()), @r#"
    [exit 1]
    error: there is nothing to audit: no tool matches "zz*"
    "#);
    assert_snapshot!(run_of("audit --from - --tool zz", &audited()), @"
    [exit 1]
    error: the `--from` files contain no objects of tool zz

    hint: They contain objects of fine and odd; set the tool with `--tool`.
    ");
}

#[test]
fn audit_takes_objects_of_several_files_once() {
    let file = std::env::temp_dir().join(format!("quota-check-audit-{}.json", std::process::id()));
    std::fs::write(&file, audited()).unwrap();
    let twice = format!("audit --all --tool fine --from {0} --from {0}", file.display());
    let output = run_of(&twice, "");
    std::fs::remove_file(&file).unwrap();
    assert_eq!(output, "[exit 0]\n0 findings in 0 of 1 namespace\n");
}
