//! Fields that a file does not state, and that live objects have.

use insta::assert_snapshot;
use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};
use toolforge_render::change::Action;
use toolforge_render::job::RunsAfterChanges;

use crate::support::{plan, planned, planned_with_facts};

/// Returns a live object.
fn live(kind: &str, name: &str, spec: &Value) -> Value {
    let status = match kind {
        "Job" => json!({"active": 3}),
        _ => json!({"replicas": 3, "readyReplicas": 3, "updatedReplicas": 3, "availableReplicas": 3}),
    };
    let metadata = json!({
        "name": name, "namespace": "tool-stashbot", "uid": format!("u-{name}"),
        "annotations": {"deployment.kubernetes.io/revision": "1"},
    });
    json!({"apiVersion": api_version(kind), "kind": kind, "metadata": metadata, "spec": spec, "status": status})
}

fn file(kind: &str, name: &str, spec: &Value) -> Value {
    json!({"apiVersion": api_version(kind), "kind": kind, "metadata": {"name": name}, "spec": spec})
}

fn api_version(kind: &str) -> &'static str {
    match kind {
        "Job" | "CronJob" => "batch/v1",
        "DaemonSet" | "Deployment" | "StatefulSet" | "ReplicaSet" => "apps/v1",
        _ => "v1",
    }
}

/// Returns a live object as `kubectl apply` of an earlier file has left it.
fn last_applied(mut object: Value, before: &Value) -> Value {
    let annotations = &mut object["metadata"]["annotations"];
    annotations["kubectl.kubernetes.io/last-applied-configuration"] = json!(before.to_string());
    object
}

fn quota(hard: &Value, used: &Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q", "namespace": "tool-stashbot"},
        "spec": {"hard": hard}, "status": {"hard": hard, "used": used},
    })
}

/// Returns a quota of 4Gi of which three pods use 3Gi.
fn three_of_four() -> Value {
    quota(&json!({"limits.memory": "4Gi"}), &json!({"limits.memory": "3Gi"}))
}

fn template(image: &str, resources: &Value) -> Value {
    let spec = json!({"containers": [{"name": "c", "image": image, "resources": resources}]});
    json!({"metadata": {"labels": {"app": "d"}}, "spec": spec})
}

fn limited(memory: &str) -> Value {
    template("a", &json!({"limits": {"memory": memory}}))
}

/// Returns a spec with more fields.
fn with(template: &Value, others: &Value) -> Value {
    let mut spec = json!({"selector": {"matchLabels": {"app": "d"}}, "template": template});
    spec.as_object_mut().unwrap().extend(others.as_object().unwrap().clone());
    spec
}

/// Returns the plan of files for a namespace with live objects, without the proposals.
fn shown(live: &[Value], files: &[Value]) -> String {
    let live: Vec<String> = live.iter().map(ToString::to_string).collect();
    let files: Vec<String> = files.iter().map(ToString::to_string).collect();
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    plan("", &live.join("\n---\n"), &files)
}

#[test]
fn unset_replicas_are_kept() {
    let before = file("Deployment", "d", &with(&limited("1Gi"), &json!({})));
    let scaled = json!({
        "replicas": 3,
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
    });
    let scaled = last_applied(live("Deployment", "d", &with(&limited("1Gi"), &scaled)), &before);
    let larger = file("Deployment", "d", &with(&limited("1200Mi"), &json!({})));
    assert_snapshot!(shown(&[three_of_four(), scaled], &[larger]), @"
    update object Deployment d, stated
      limits.memory 3Gi -> 3600Mi, peak 4624Mi of 4Gi too much
    deadlock
    fits: Deployment d: rollout in-place
    fits: Deployment d: memory 1Gi
    fits: Deployment d: 2 replicas
    no downtime: Deployment d: rollout in-place
    no downtime: Deployment d: memory 1Gi
    no downtime: Deployment d: 2 replicas
    ");
    let recreated = json!({"replicas": 3, "strategy": {"type": "Recreate"}});
    let recreated = live("Deployment", "d", &with(&limited("1Gi"), &recreated));
    let twice = |kind| file(kind, "d", &with(&limited("2Gi"), &json!({})));
    assert_snapshot!(shown(&[three_of_four(), recreated], &[twice("Deployment")]), @"
    update object Deployment d, recreate, downtime
      limits.memory 3Gi -> 6Gi, peak 6Gi of 4Gi too much
    never
    fits: Deployment d: memory 1365Mi, with downtime
    fits: Deployment d: 2 replicas, with downtime
    no downtime: Deployment d: memory 1365Mi and rollout in-place
    no downtime: Deployment d: 2 replicas and rollout in-place
    ");
    let set = live("StatefulSet", "d", &with(&limited("1Gi"), &json!({"replicas": 3})));
    assert_snapshot!(shown(&[three_of_four(), set], &[twice("StatefulSet")]), @"
    update object StatefulSet d, in-place
      limits.memory 3Gi -> 6Gi, peak 6Gi of 4Gi too much
    never
    fits: StatefulSet d: memory 1365Mi
    fits: StatefulSet d: 2 replicas
    no downtime: StatefulSet d: memory 1365Mi
    no downtime: StatefulSet d: 2 replicas
    ");
}

#[test]
fn unset_replicas_still_count() {
    let pod =
        json!({"containers": [{"name": "c", "image": "a", "resources": {"limits": {"memory": "2Gi"}}}]});
    let pod = file("Pod", "p", &pod);
    for kind in ["ReplicaSet", "ReplicationController"] {
        let spec = |image, others: Value| {
            let mut spec = with(&template(image, &json!({"limits": {"memory": "1Gi"}})), &others);
            if kind == "ReplicationController" {
                spec["selector"] = json!({"app": "d"});
            }
            spec
        };
        let set = live(kind, "d", &spec("a", json!({"replicas": 3})));
        let found = shown(&[three_of_four(), set], &[file(kind, "d", &spec("b", json!({}))), pod.clone()]);
        assert!(found.contains("  limits.memory 3Gi -> 5Gi, peak 5Gi of 4Gi too much\n"), "{kind}: {found}");
        assert!(found.contains("\nnever\n"), "{kind}: {found}");
    }
}

#[test]
fn removed_replicas_are_one() {
    let spec = with(&limited("1Gi"), &json!({"replicas": 3, "strategy": {"type": "Recreate"}}));
    let set = last_applied(live("Deployment", "d", &spec), &file("Deployment", "d", &spec));
    let one = file("Deployment", "d", &with(&limited("2Gi"), &json!({"strategy": {"type": "Recreate"}})));
    assert_snapshot!(shown(&[three_of_four(), set], &[one]), @"
    update object Deployment d, recreate, downtime
      limits.memory 3Gi -> 2Gi, peak 3Gi of 4Gi
    fits
    ");
    // `null` removes a field, no matter who set it.
    let null = with(&limited("2Gi"), &json!({"replicas": null}));
    let found = shown(&[three_of_four(), live("Deployment", "d", &spec)], &[file("Deployment", "d", &null)]);
    assert!(found.contains("limits.memory 3Gi -> 2Gi"), "{found}");
}

#[test]
fn unset_strategy_is_kept() {
    let three = json!({"replicas": 3});
    let mut recreated = three.clone();
    recreated["strategy"] = json!({"type": "Recreate"});
    let recreated = live("Deployment", "d", &with(&limited("1Gi"), &recreated));
    let changed = file("Deployment", "d", &with(&limited("1.2Gi"), &three));
    assert_snapshot!(shown(&[three_of_four(), recreated], &[changed]), @"
    update object Deployment d, recreate, downtime
      limits.memory 3Gi -> 3865470567, peak 3865470567 of 4Gi
    fits
    no downtime: Deployment d: rollout in-place
    ");
    let in_place = json!({
        "replicas": 1,
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}},
    });
    let in_place = live("Deployment", "d", &with(&limited("1Gi"), &in_place));
    let quota = quota(&json!({"limits.memory": "2Gi"}), &json!({"limits.memory": "1Gi"}));
    let larger = |others| file("Deployment", "d", &with(&limited("1.5Gi"), &others));
    assert_snapshot!(shown(&[quota.clone(), in_place.clone()], &[larger(json!({}))]), @"
    update object Deployment d, stated, downtime
      limits.memory 1Gi -> 1536Mi, peak 1536Mi of 2Gi
    fits-after-termination
    ");
    // kubectl replaces a strategy that the file sets, and the defaults of its type apply.
    let rolling = larger(json!({"strategy": {"type": "RollingUpdate"}}));
    assert!(shown(&[quota, in_place], &[rolling]).contains("\ndeadlock\n"));
}

#[test]
fn unset_amounts_are_kept() {
    let others = json!({"replicas": 3, "strategy": {"type": "Recreate"}});
    let limited = live("Deployment", "d", &with(&limited("1Gi"), &others));
    let unlimited = with(&template("b", &json!({})), &json!({"replicas": 3}));
    let unlimited = [file("Deployment", "d", &unlimited)];
    assert_snapshot!(shown(&[three_of_four(), limited.clone()], &unlimited), @"
    update object Deployment d, recreate, downtime
      limits.memory 3Gi -> 3Gi, peak 3Gi of 4Gi
    fits
    no downtime: Deployment d: rollout in-place
    ");
    // A proposal sets a field that the file does not.
    let five = with(&template("b", &json!({})), &json!({"replicas": 5}));
    assert_snapshot!(shown(&[three_of_four(), limited.clone()], &[file("Deployment", "d", &five)]), @"
    update object Deployment d, recreate, downtime
      limits.memory 3Gi -> 5Gi, peak 5Gi of 4Gi too much
    never
    fits: Deployment d: memory 819Mi, with downtime
    fits: Deployment d: 4 replicas, with downtime
    no downtime: Deployment d: 4 replicas and rollout in-place
    ");
    let applied = last_applied(limited.clone(), &file("Deployment", "d", &limited["spec"]));
    let found = shown(&[three_of_four(), applied], &unlimited);
    assert!(found.contains("\nnever\n"), "{found}");
}

#[test]
fn paused_deployment_stays_paused() {
    let others = json!({"replicas": 3, "paused": true, "strategy": {"type": "RollingUpdate"}});
    let paused = live("Deployment", "d", &with(&limited("1Gi"), &others));
    let four = file("Deployment", "d", &with(&limited("2Gi"), &json!({"replicas": 4})));
    assert_snapshot!(shown(&[three_of_four(), paused], &[four]), @"
    update object Deployment d
      limits.memory 3Gi -> 4Gi, peak 4Gi of 4Gi
    fits
    ");
}

#[test]
fn unset_fields_of_runs_are_kept() {
    let pod = json!({"restartPolicy": "Never", "containers": [{"name": "a", "image": "x"}]});
    let spec = json!({
        "parallelism": 3, "completions": 10, "selector": {"matchLabels": {"job-name": "j"}},
        "template": {"metadata": {"labels": {"job-name": "j"}}, "spec": pod},
    });
    let mut labeled = file("Job", "j", &json!({"completions": 10, "template": {"spec": pod}}));
    labeled["metadata"]["labels"] = json!({"a": "b"});
    let quota = quota(&json!({"pods": "4"}), &json!({"pods": "3"}));
    assert_snapshot!(shown(&[quota, live("Job", "j", &spec)], &[labeled]), @"
    update object Job j
      pods 3 -> 3, peak 3 of 4
    fits
    ");

    let schedule = |others: Value, memory: &str| {
        let limits = json!({"limits": {"memory": memory}});
        let pod = json!({"restartPolicy": "Never", "containers": [{"name": "a", "image": "x", "resources": limits}]});
        let mut spec = json!({"schedule": "@daily", "jobTemplate": {"spec": {"template": {"spec": pod}}}});
        spec.as_object_mut().unwrap().extend(others.as_object().unwrap().clone());
        spec
    };
    let suspended = live("CronJob", "c", &schedule(json!({"suspend": true}), "1Gi"));
    let larger = |others| file("CronJob", "c", &schedule(others, "5Gi"));
    assert_snapshot!(shown(&[three_of_four(), suspended.clone()], &[larger(json!({}))]), @"
    update object CronJob c
    fits
    ");
    let resumed = shown(&[three_of_four(), suspended], &[larger(json!({"suspend": false}))]);
    assert!(resumed.contains("\nnever\n"), "{resumed}");
}

#[test]
fn suspended_cron_job_has_no_runs() {
    let cron_job = |image: &str, others: &Value| {
        let pod = json!({"restartPolicy": "Never", "containers": [{"name": "a", "image": image}]});
        let mut spec = json!({"schedule": "@every 1s", "jobTemplate": {"spec": {"template": {"spec": pod}}}});
        spec.as_object_mut().unwrap().extend(others.as_object().unwrap().clone());
        spec
    };
    let suspended = live("CronJob", "c", &cron_job("a", &json!({"suspend": true}))).to_string();
    for (others, runs) in [(json!({}), false), (json!({"suspend": false}), true)] {
        let file = file("CronJob", "c", &cron_job("b", &others)).to_string();
        let (plan, facts) = planned_with_facts(&suspended, &file);
        let time = Timestamp::UNIX_EPOCH..Timestamp::UNIX_EPOCH;
        let after = RunsAfterChanges::new(&plan.set, &plan.jobs, &facts.jobs, &time);
        assert_eq!(!after.permanent_jobs().is_empty(), runs, "{others}");
    }
}

#[test]
fn unset_type_of_a_service_is_kept() {
    let ports =
        json!([{"name": "a", "port": 80, "nodePort": 30080}, {"name": "b", "port": 81, "nodePort": 30081}]);
    let both = live("Service", "s", &json!({"type": "NodePort", "selector": {"a": "b"}, "ports": ports}));
    let without = json!([{"name": "a", "port": 80}, {"name": "b", "port": 81}]);
    let without = file("Service", "s", &json!({"selector": {"a": "c"}, "ports": without}));
    let other = file("Service", "t", &json!({"type": "NodePort", "ports": [{"port": 80}]}));
    let quota = quota(&json!({"services.nodeports": "2"}), &json!({"services.nodeports": "2"}));
    assert_snapshot!(shown(&[quota, both], &[without, other]), @"
    update object Service s
    create object Service t
      services.nodeports 2 -> 3, peak 3 of 2 too much
    never
    ");
}

#[test]
fn unset_class_of_a_claim_is_kept() {
    const GOLD: &str = "gold.storageclass.storage.k8s.io/requests.storage";
    let spec = json!({
        "accessModes": ["ReadWriteOnce"], "storageClassName": "gold", "volumeName": "pv1",
        "resources": {"requests": {"storage": "4Gi"}},
    });
    let larger = json!({"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "6Gi"}}});
    let larger = file("PersistentVolumeClaim", "v", &larger);
    let quota = quota(&json!({GOLD: "5Gi"}), &json!({GOLD: "4Gi"}));
    assert_snapshot!(shown(&[quota, live("PersistentVolumeClaim", "v", &spec)], &[larger]), @"
    update object PersistentVolumeClaim v
      gold.storageclass.storage.k8s.io/requests.storage 4Gi -> 6Gi, peak 6Gi of 5Gi too much
    never
    ");
}

#[test]
fn equal_foreign_changes_replace_no_pods() {
    let applied = file("Deployment", "d", &with(&template("a", &json!({})), &json!({"replicas": 1})));
    let set = live("Deployment", "d", &with(&template("b", &json!({})), &json!({"replicas": 1})));
    let again = file("Deployment", "d", &with(&template("b", &json!({})), &json!({"replicas": 1})));
    let live = [three_of_four(), last_applied(set, &applied)].map(|object| object.to_string());
    let plan = planned(&live.join("\n---\n"), &again.to_string());
    let change = &plan.set.changes[0];
    assert_eq!((change.action, change.rollout), (Action::Update, None));
}

#[test]
fn null_removes_a_live_field() {
    let scaled = live("Deployment", "d", &with(&limited("1Gi"), &json!({"replicas": 3})));
    let stated = |others: Value| file("Deployment", "d", &with(&limited("1Gi"), &others));
    assert_snapshot!(shown(&[three_of_four(), scaled.clone()], &[stated(json!({"replicas": null}))]), @"
    update object Deployment d
      limits.memory 3Gi -> 1Gi, peak 3Gi of 4Gi
    fits
    ");
    // A removed field has its default again.
    let one = live("Deployment", "d", &with(&limited("1Gi"), &json!({"replicas": 1})));
    assert_snapshot!(shown(&[three_of_four(), one], &[stated(json!({"replicas": null}))]), @"
    keep object Deployment d
    fits
    ");
    let unlimited = template("a", &json!({"limits": {"memory": null}}));
    let unlimited = file("Deployment", "d", &with(&unlimited, &json!({})));
    assert_snapshot!(shown(&[three_of_four(), scaled], &[unlimited]), @"
    update object Deployment d, stated
      limits.memory 3Gi -> 0, peak 3Gi of 4Gi
      Deployment d: memory: no limit is set; quota q requires one
    never
    fits: Deployment d: memory 1Mi
    no downtime: Deployment d: memory 1Mi
    ");
}

#[test]
fn null_of_a_default_changes_nothing() {
    let defaults = json!({
        "replicas": 1, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600, "minReadySeconds": 0,
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
    });
    let is_kept = |kind: &str, live_fields: &Value, stated: &Value| {
        let [live_spec, stated] = [live_fields, stated].map(|fields| with(&limited("1Gi"), fields));
        let found = shown(&[three_of_four(), live(kind, "d", &live_spec)], &[file(kind, "d", &stated)]);
        found.starts_with("keep")
    };
    for (field, other) in [
        ("replicas", json!(2)),
        ("revisionHistoryLimit", json!(3)),
        ("progressDeadlineSeconds", json!(60)),
        ("strategy", json!({"type": "Recreate"})),
    ] {
        let mut changed = defaults.clone();
        changed[field] = other;
        assert!(is_kept("Deployment", &defaults, &json!({field: null})), "{field}");
        assert!(!is_kept("Deployment", &changed, &json!({field: null})), "{field}");
    }
    for (kind, field, default, other) in [
        ("StatefulSet", "replicas", json!(1), json!(2)),
        ("StatefulSet", "podManagementPolicy", json!("OrderedReady"), json!("Parallel")),
        (
            "StatefulSet",
            "updateStrategy",
            json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}),
            json!({"type": "OnDelete"}),
        ),
        (
            "DaemonSet",
            "updateStrategy",
            json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}),
            json!({"type": "OnDelete"}),
        ),
        ("ReplicaSet", "replicas", json!(1), json!(2)),
    ] {
        let stated = json!({field: null});
        assert!(is_kept(kind, &json!({field: default}), &stated), "{kind} {field}");
        assert!(!is_kept(kind, &json!({field: other}), &stated), "{kind} {field}");
    }
}

#[test]
fn finished_jobs_have_no_pods_left() {
    let template = json!({"metadata": {"labels": {"app": "d"}}, "spec": {"restartPolicy": "Never", "containers": [
        {"name": "c", "image": "a", "resources": {"limits": {"memory": "1Gi"}}},
    ]}});
    let done = |condition: &str| {
        let mut done = live("Job", "d", &json!({"parallelism": 2, "template": template}));
        done["status"] = json!({"succeeded": 2, "conditions": [{"type": condition, "status": "True"}]});
        done
    };
    let mut labeled = file("Job", "d", &json!({"parallelism": 2, "template": template}));
    labeled["metadata"]["labels"] = json!({"a": "b"});
    let quota = quota(&json!({"pods": "1", "limits.memory": "1Gi"}), &json!({}));
    assert_snapshot!(shown(&[quota], &[labeled.clone()]), @"
    create object Job d
      pods 0 -> 1, peak 1 of 1
      limits.memory 0 -> 1Gi, peak 1Gi of 1Gi
    fits-one-after-another
    ");
    let quota = self::quota(&json!({"pods": "1", "limits.memory": "1Gi"}), &json!({}));
    for condition in ["Complete", "Failed", "SuccessCriteriaMet", "FailureTarget"] {
        let plan = shown(&[quota.clone(), done(condition)], &[labeled.clone()]);
        assert_eq!(plan.trim(), "update object Job d\nfits", "{condition}");
    }
}

#[test]
fn class_of_a_claim_cannot_change() {
    let spec = |class: &str| json!({"accessModes": ["ReadWriteOnce"], "storageClassName": class, "resources": {"requests": {"storage": "4Gi"}}});
    let claim = live("PersistentVolumeClaim", "v", &spec("gold"));
    let plan = shown(&[three_of_four(), claim], &[file("PersistentVolumeClaim", "v", &spec("silver"))]);
    assert_snapshot!(plan, @"
    problem: spec.storageClassName of PersistentVolumeClaim v cannot be changed; delete it first
    fits
    ");
}
