//! The pods, claims and amounts that objects of manifests create, and with which they fit.

use insta::assert_snapshot;

use toolforge_quota::Verdict;

use crate::support::{deployment, plan, pod, verdict_of};

/// A quota that counts pods in both ways.
const POD_QUOTA: &str =
    "{apiVersion: v1, kind: ResourceQuota, metadata: {name: q}, spec: {hard: {pods: 4, count/pods: 6}}}";

/// Returns a Job, without retries where `spec` does not say how many.
fn job(spec: &str) -> String {
    let retries = if spec.contains("backoff") { "" } else { "backoffLimit: 0, " };
    let pod = "{restartPolicy: Never, containers: [{name: a, image: x}]}";
    format!(
        "{{apiVersion: batch/v1, kind: Job, metadata: {{name: a, uid: u-a}}, spec: {{{retries}{spec}, \
         selector: {{matchLabels: {{app: a}}}}, template: {{spec: {pod}}}}}}}\n---\n"
    )
}

#[test]
fn ephemeral_volumes_are_claims() {
    let quota = "{apiVersion: v1, kind: ResourceQuota, metadata: {name: q}, spec: {hard: {persistentvolumeclaims: 5, \
                 requests.storage: 3Gi}}}";
    let volume = "volumes: [{name: tmp, ephemeral: {volumeClaimTemplate: {spec: {resources: {requests: {storage: 1Gi}}}}}}]";
    let replicas = |replicas: u32| {
        deployment("web", "64Mi", replicas, "")
            .replace("spec:\n      containers", &format!("spec:\n      {volume}\n      containers"))
    };
    assert_snapshot!(plan("", quota, &[&replicas(3)]), @"
    create object Deployment web
      persistentvolumeclaims 0 -> 3, peak 3 of 5
      requests.storage 0 -> 3Gi, peak 3Gi of 3Gi
    fits
    ");
    assert_snapshot!(plan("", quota, &[&replicas(4)]), @"
    create object Deployment web
      persistentvolumeclaims 0 -> 4, peak 4 of 5
      requests.storage 0 -> 4Gi, peak 4Gi of 3Gi too much
    never
    fits: Deployment web: 3 replicas
    no downtime: Deployment web: 3 replicas
    ");
    let range = "{apiVersion: v1, kind: LimitRange, metadata: {name: l}, spec: {limits: [{type: PersistentVolumeClaim, \
                 max: {storage: 512Mi}}]}}";
    assert_snapshot!(plan("", range, &[&replicas(1)]), @"
    create object Deployment web
      Deployment web: storage: 1Gi is more than the maximum of 512Mi for one volume claim
    never
    ");
}

#[test]
fn every_part_of_a_pod_can_be_lowered() {
    let range = "{apiVersion: v1, kind: LimitRange, metadata: {name: r}, spec: {limits: [{type: Container, max: {memory: 1Gi}}]}}";
    let adjusted = |live: &str, spec: &str| {
        let pod = format!("{{apiVersion: v1, kind: Pod, metadata: {{name: a}}, spec: {{{spec}}}}}");
        let text = plan("", live, &[&pod]);
        text.lines().find_map(|line| line.strip_prefix("fits: Pod a: ")).map(str::to_owned)
    };
    let limits = |name: &str, memory: &str| {
        format!("{{name: {name}, image: x, resources: {{limits: {{memory: {memory}, cpu: 100m}}}}}}")
    };
    let (small, large) = (limits("a", "512Mi"), limits("b", "3Gi"));
    let init = format!("containers: [{small}], initContainers: [{large}]");
    assert_eq!(adjusted(range, &init).as_deref(), Some("memory 1Gi of init container b"));
    let quota =
        "{apiVersion: v1, kind: ResourceQuota, metadata: {name: q}, spec: {hard: {limits.memory: 2Gi}}}";
    assert_eq!(adjusted(quota, &init).as_deref(), Some("memory 2Gi of init container b"));
    // A sidecar runs in addition to the container.
    let sidecar = init.replace("{name: b", "{restartPolicy: Always, name: b");
    assert_eq!(adjusted(quota, &sidecar).as_deref(), Some("memory 1536Mi of init container b"));
    let own =
        format!("containers: [{small}], resources: {{limits: {{memory: 3Gi}}, requests: {{memory: 3Gi}}}}");
    assert_eq!(
        adjusted(quota, &own).as_deref(),
        Some("memory 2Gi and memory request 2Gi of the pod as a whole")
    );
    // It is not made smaller than its containers.
    let own = format!("containers: [{}], resources: {{limits: {{memory: 4Gi}}}}", limits("a", "3Gi"));
    assert_eq!(
        adjusted(quota, &own).as_deref(),
        Some("memory 2Gi of container a and memory 2Gi of the pod as a whole")
    );
}

#[test]
fn amounts_that_a_quota_requires_are_proposed_alone() {
    let adjusted = |hard: &str, resources: &str| {
        let quota =
            format!("{{apiVersion: v1, kind: ResourceQuota, metadata: {{name: q}}, spec: {{hard: {hard}}}}}");
        let pod = format!(
            "{{apiVersion: v1, kind: Pod, metadata: {{name: a}}, spec: {{containers: [{{name: a, image: x, resources: {resources}}}]}}}}"
        );
        let text = plan("", &quota, &[&pod]);
        text.lines().find_map(|line| line.strip_prefix("fits: Pod a: ")).map(str::to_owned)
    };
    let both = "{limits.memory: 8Gi, limits.cpu: 2}";
    for (hard, resources, expected) in [
        ("{limits.memory: 8Gi}", "{}", "memory 1Mi"),
        ("{limits.cpu: 2}", "{}", "CPU 1m"),
        (both, "{}", "memory 1Mi and CPU 1m"),
        (both, "{limits: {memory: 64Mi}}", "CPU 1m"),
        (both, "{requests: {memory: 64Mi}, limits: {cpu: 100m}}", "memory 64Mi"),
        (both, "{requests: {memory: 64Mi, cpu: 100m}}", "memory 64Mi and CPU 100m"),
        ("{limits.memory: 8Gi}", "{requests: {memory: 64Mi, cpu: 100m}}", "memory 64Mi"),
    ] {
        assert_eq!(adjusted(hard, resources).as_deref(), Some(expected), "{hard} {resources}");
    }
}

#[test]
fn paused_and_suspended_objects_create_no_pods() {
    let quota = "{apiVersion: v1, kind: ResourceQuota, metadata: {name: q}, spec: {hard: {limits.memory: 8Gi, \
                 count/replicasets.apps: 0, count/deployments.apps: 1, count/jobs.batch: 1}}}";
    let range = "{apiVersion: v1, kind: LimitRange, metadata: {name: r}, spec: {limits: [{type: Container, max: {memory: 1Gi}}]}}";
    let live = format!("{quota}\n---\n{range}\n---\n");
    let paused = deployment("web", "9Gi", 3, "  paused: true\n");
    assert_snapshot!(plan("", &live, &[&paused]), @"
    create object Deployment web
      count/deployments.apps 0 -> 1, peak 1 of 1
    fits
    ");
    // Nothing is created before it is unpaused.
    assert_snapshot!(plan("", &format!("{live}{paused}"), &[&paused.replace("replicas: 3", "replicas: 4")]), @"
    update object Deployment web
      count/deployments.apps 0 -> 1, peak 1 of 1
    fits
    ");
    let small = deployment("web", "1Gi", 9, "  paused: true\n");
    assert_snapshot!(plan("", &format!("{live}{small}"), &[&small.replace("paused: true", "paused: false")]), @"
    update object Deployment web
      limits.memory 0 -> 9Gi, peak 9Gi of 8Gi too much
      count/deployments.apps 0 -> 1, peak 1 of 1
      count/replicasets.apps 0 -> 1, peak 1 of 0 too much
    never
    ");
    let spec = "containers: [{name: a, image: x, resources: {limits: {memory: 9Gi}}}]";
    let job = format!("template: {{spec: {{restartPolicy: Never, {spec}}}}}");
    for (kind, spec) in [
        ("{apiVersion: batch/v1, kind: Job,", format!("suspend: true, {job}")),
        (
            "{apiVersion: batch/v1, kind: CronJob,",
            format!("suspend: true, schedule: '@daily', jobTemplate: {{spec: {{{job}}}}}"),
        ),
        (
            "{apiVersion: apps/v1, kind: StatefulSet,",
            format!("replicas: 0, selector: {{matchLabels: {{a: b}}}}, {job}"),
        ),
        (
            "{apiVersion: apps/v1, kind: ReplicaSet,",
            format!("replicas: 0, selector: {{matchLabels: {{a: b}}}}, {job}"),
        ),
    ] {
        let text = format!("{kind} metadata: {{name: a}}, spec: {{{spec}}}}}");
        assert!(plan("", range, &[&text]).ends_with("\nnot-checked\n"), "{text}");
    }
}

#[test]
fn paused_deployments_scale_the_pods_that_run() {
    let range = "{apiVersion: v1, kind: LimitRange, metadata: {name: r}, spec: {limits: [{type: Container, max: {memory: 4Gi}}]}}\n---\n";
    let quota = "{apiVersion: v1, kind: ResourceQuota, metadata: {name: q}, spec: {hard: {limits.memory: 8Gi}}, \
                 status: {used: {limits.memory: 512Mi}}}\n---\n";
    let paused = |memory: &str, replicas: u32| {
        let annotation = "uid: u-web, annotations: {deployment.kubernetes.io/revision: '1'}";
        deployment("web", memory, replicas, "  paused: true\n").replace("uid: u-web", annotation)
    };
    let set = set("ReplicaSet", 1, "512Mi", "").replace(
        "name: a, namespace: tool-stashbot",
        "name: web-1, namespace: tool-stashbot, ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: web, uid: u-web}]",
    );
    // Its template was changed before, or not yet.
    for live in [paused("512Mi", 1), format!("{}{set}", paused("9Gi", 1))] {
        let live = [range, quota, &live].concat();
        let found = plan("", &live, &[&paused("9Gi", 2)]);
        assert!(found.ends_with("\n  limits.memory 512Mi -> 1Gi, peak 1Gi of 8Gi\nfits\n"), "{found}");
        let found = plan("", &live, &[&paused("9Gi", 17)]);
        assert!(
            found.contains("limits.memory 512Mi -> 8704Mi, peak 8704Mi of 8Gi too much\nnever\n"),
            "{found}"
        );
    }
}

#[test]
fn finished_pods_of_jobs_still_count() {
    assert_snapshot!(plan("", POD_QUOTA, &[&job("parallelism: 2, completions: 5")]), @"
    create object Job a
      pods 0 -> 2, peak 2 of 4
      count/pods 0 -> 5, peak 5 of 6
    fits
    ");
    assert_snapshot!(plan("", POD_QUOTA, &[&job("parallelism: 2, completions: 7")]), @"
    create object Job a
      pods 0 -> 1, peak 1 of 4
      count/pods 0 -> 7, peak 7 of 6 too much
    never
    ");
    assert_snapshot!(plan("", POD_QUOTA, &[&job("parallelism: 2, completions: 7, suspend: true")]), @"
    create object Job a
    fits
    ");
    let spec = "{parallelism: 2, completions: 7, template: {spec: {containers: [{name: a, image: x}]}}}";
    let cron_job = format!(
        "{{apiVersion: batch/v1, kind: CronJob, metadata: {{name: a}}, spec: {{schedule: '@daily', jobTemplate: {{spec: {spec}}}}}}}"
    );
    assert_snapshot!(plan("", POD_QUOTA, &[&cron_job]), @"
    problem: a run of CronJob a never fits: count/pods: 7 of 6, 1 pod too many (quota q)
    create object CronJob a
    never
    ");
}

#[test]
fn jobs_may_fit_without_retries() {
    assert_snapshot!(plan("", POD_QUOTA, &[&job("backoffLimit: 5")]), @"
    create object Job a
      pods 0 -> 1, peak 1 of 4
      count/pods 0 -> 1, peak 6 of 6
    fits
    ");
    assert_snapshot!(plan("", POD_QUOTA, &[&job("backoffLimit: 6")]), @"
    create object Job a
      pods 0 -> 1, peak 1 of 4
      count/pods 0 -> 1, peak 7 of 6
    fits-without-retries
    ");
    // Each of both indexes may fail twice.
    let indexed = "completionMode: Indexed, completions: 2, backoffLimitPerIndex";
    assert_snapshot!(plan("", POD_QUOTA, &[&job(&format!("{indexed}: 2")).replace("backoffLimit: 0, ", "")]), @"
    create object Job a
      pods 0 -> 1, peak 1 of 4
      count/pods 0 -> 2, peak 6 of 6
    fits
    ");
}

#[test]
fn finished_pods_of_a_live_job_count_once() {
    let pod = |name: &str, phase: &str| {
        format!(
            "{{apiVersion: v1, kind: Pod, metadata: {{name: {name}, labels: {{app: a}}, ownerReferences: [{{apiVersion: \
             batch/v1, kind: Job, name: a, uid: u-a, controller: true}}]}}, spec: {{containers: [{{name: a, image: x}}]}}, \
             status: {{phase: {phase}}}}}\n---\n"
        )
    };
    let quota = POD_QUOTA.replace("spec:", "status: {used: {pods: 1, count/pods: 3}}, spec:");
    let live = job("parallelism: 2, completions: 5, backoffLimit: 2");
    let pods = [pod("a-1", "Succeeded"), pod("a-2", "Failed"), pod("a-3", "Running")].concat();
    let live = format!("{quota}\n---\n{live}{pods}");
    // Five have to succeed, and one has failed.
    assert_snapshot!(plan("", &live, &[&job("parallelism: 3, completions: 5, backoffLimit: 1")]), @"
    update object Job a
      pods 1 -> 3, peak 3 of 4
      count/pods 3 -> 6, peak 6 of 6
    fits
    ");
}

#[test]
fn live_job_needs_only_its_remaining_pods() {
    let planned = |spec: &str, status: &str, objects: u64| {
        let used = format!("status: {{used: {{pods: 1, count/pods: {objects}}}}}, spec:");
        let live = format!("{}\n---\n{}", POD_QUOTA.replace("spec:", &used), job(spec));
        let live = live.replace("}}}}\n---", &format!("}}}}}}, status: {{{status}}}}}\n---"));
        plan("", &live, &[&job(&format!("{spec}, ttlSecondsAfterFinished: 60"))])
    };
    // Four of five have succeeded.
    assert_snapshot!(planned("parallelism: 3, completions: 5", "active: 1, succeeded: 4", 5), @"
    update object Job a
      pods 1 -> 1, peak 1 of 4
      count/pods 5 -> 5, peak 5 of 6
    fits
    ");
    // Without completions, the others only finish.
    assert_snapshot!(planned("parallelism: 3", "active: 1, succeeded: 2", 3), @"
    update object Job a
      pods 1 -> 1, peak 1 of 4
      count/pods 3 -> 3, peak 3 of 6
    fits
    ");
    // Suspending it deletes only running pods.
    assert_snapshot!(planned("parallelism: 3, completions: 5, suspend: true", "succeeded: 3", 3), @"
    update object Job a
      count/pods 3 -> 3, peak 3 of 6
    fits
    ");
    let indexed = "completionMode: Indexed, parallelism: 3, completions: 3, backoffLimitPerIndex: 0";
    assert_snapshot!(planned(indexed, "active: 2, failedIndexes: '0'", 2), @"
    update object Job a
      pods 1 -> 2, peak 2 of 4
      count/pods 2 -> 2, peak 2 of 6
    fits
    ");
    assert_snapshot!(planned("parallelism: 3", "active: 1", 1), @"
    update object Job a
      pods 1 -> 3, peak 3 of 4
      count/pods 1 -> 3, peak 3 of 6
    fits
    ");
}

/// Returns an object with a selector, a template of one container and a number of replicas.
fn set(kind: &str, replicas: u32, memory: &str, rest: &str) -> String {
    let version = if kind == "ReplicationController" { "v1" } else { "apps/v1" };
    let selector = if kind == "ReplicationController" { "{app: a}" } else { "{matchLabels: {app: a}}" };
    format!(
        "{{apiVersion: {version}, kind: {kind}, metadata: {{name: a, namespace: tool-stashbot}}, spec: {{replicas: {replicas}, \
         {rest}selector: {selector}, template: {{metadata: {{labels: {{app: a}}}}, spec: {{containers: [{{name: a, image: x, \
         resources: {{limits: {{memory: {memory}}}}}}}]}}}}}}}}\n---\n"
    )
}

#[test]
fn pods_that_are_not_replaced_keep_their_size() {
    let quota = "{apiVersion: v1, kind: ResourceQuota, metadata: {name: q}, spec: {hard: {limits.memory: 1Gi}}, \
                 status: {used: {limits.memory: 1Gi}}}\n---\n";
    let own = pod("a", "512Mi", "");
    let pods = [own.clone(), own.replace("a-1", "a-2")].concat();
    for kind in ["ReplicaSet", "ReplicationController", "StatefulSet"] {
        let rest = if kind == "StatefulSet" { "updateStrategy: {type: OnDelete}, " } else { "" };
        // If no pod is known, the live template shows their usage.
        for pods in ["", &pods] {
            let live = [quota, &set(kind, 2, "512Mi", rest), pods].concat();
            let found = plan("", &live, &[&set(kind, 3, "64Mi", rest)]);
            let row = "  limits.memory 1Gi -> 1088Mi, peak 1088Mi of 1Gi too much\n";
            assert!(found.contains(row), "{kind}: {found}");
            // Nothing is created.
            let found = plan("", &live, &[&set(kind, 2, "9Gi", rest)]);
            assert_eq!(
                found,
                format!("update object {kind} a\n  limits.memory 1Gi -> 1Gi, peak 1Gi of 1Gi\nfits\n")
            );
            let found = plan("", &live, &[&set(kind, 1, "9Gi", rest)]);
            assert!(found.contains("limits.memory 1Gi -> 512Mi, peak 1Gi of 1Gi\nfits\n"), "{kind}: {found}");
        }
    }
    let quota = quota.replace("limits.memory: 1Gi}}, ", "limits.memory: 2Gi}}, ");
    let live = [quota.as_str(), &set("ReplicaSet", 2, "512Mi", ""), &pods].concat();
    let found = plan("", &live, &[&set("ReplicaSet", 3, "1Gi", "")]);
    assert!(found.contains("limits.memory 1Gi -> 2Gi, peak 2Gi of 2Gi\nfits\n"), "{found}");
    // Those of another StatefulSet are replaced.
    let live = [quota.as_str(), &set("StatefulSet", 2, "512Mi", ""), &pods].concat();
    let found = plan("", &live, &[&set("StatefulSet", 2, "64Mi", "")]);
    assert!(found.contains("limits.memory 1Gi -> 128Mi, "), "{found}");
}

#[test]
fn update_of_a_daemon_set_replaces_its_pods() {
    let quota = "{apiVersion: v1, kind: ResourceQuota, metadata: {name: q}, spec: {hard: {limits.memory: 2Gi}}, \
                 status: {used: {limits.memory: 1536Mi}}}\n---\n";
    let range = "{apiVersion: v1, kind: LimitRange, metadata: {name: r}, spec: {limits: [{type: Container, max: {memory: 1Gi}}]}}\n---\n";
    let set = |memory: &str, rest: &str| set("DaemonSet", 1, memory, rest).replace("replicas: 1, ", "");
    let status = "}, status: {desiredNumberScheduled: 3}}\n---\n";
    let live = |rest: &str| set("512Mi", rest).replace("}}\n---\n", status);
    assert_snapshot!(plan("", &[quota, &live("")].concat(), &[&set("640Mi", "")]), @"
    update object DaemonSet a, stated
      limits.memory 1536Mi -> 1920Mi, peak 1920Mi of 2Gi
    fits-after-termination
    ");
    assert_snapshot!(plan("", &[quota, &live("")].concat(), &[&set("1Gi", "")]), @"
    update object DaemonSet a, stated
      limits.memory 1536Mi -> 3Gi, peak 3Gi of 2Gi too much
    never
    fits: DaemonSet a: memory 682Mi
    no downtime: DaemonSet a: memory 682Mi
    ");
    let surge = "updateStrategy: {rollingUpdate: {maxSurge: 34%, maxUnavailable: 0}}, ";
    assert_snapshot!(plan("", &[quota, &live(surge)].concat(), &[&set("513Mi", surge)]), @"
    update object DaemonSet a, stated
      limits.memory 1536Mi -> 1539Mi, peak 2562Mi of 2Gi too much
    deadlock
    fits: DaemonSet a: rollout in-place
    fits: DaemonSet a: memory 512Mi
    no downtime: DaemonSet a: rollout in-place
    no downtime: DaemonSet a: memory 512Mi
    ");
    let on_delete = "updateStrategy: {type: OnDelete}, ";
    assert_snapshot!(plan("", &[quota, range, &live(on_delete)].concat(), &[&set("100Gi", on_delete)]), @"
    update object DaemonSet a
      limits.memory 1536Mi -> 1536Mi, peak 1536Mi of 2Gi
    fits
    ");
    // One pod is checked if the number of nodes is not known.
    assert_snapshot!(plan("", &[quota, range, &set("512Mi", "")].concat(), &[&set("100Gi", "")]), @"
    update object DaemonSet a, stated, downtime
      limits.memory 1536Mi -> 101Gi, peak 101Gi of 2Gi too much
      DaemonSet a: memory: 100Gi is more than the maximum of 1Gi for one container
    never
    fits: DaemonSet a: memory 1Gi, with downtime
    ");
}

#[test]
fn violations_name_one_of_several_containers() {
    let range = "{apiVersion: v1, kind: LimitRange, metadata: {name: r}, spec: {limits: [{type: Container, max: {memory: 4Gi}}]}}";
    let limits = |name: &str, memory: &str| {
        format!("{{name: {name}, image: x, resources: {{limits: {{memory: {memory}}}}}}}")
    };
    let (a, b, c) = (limits("a", "6Gi"), limits("b", "7Gi"), limits("c", "1Gi"));
    let pod = format!(
        "{{apiVersion: v1, kind: Pod, metadata: {{name: a}}, spec: {{containers: [{a}, {c}], initContainers: [{b}]}}}}"
    );
    let found = plan("", range, &[&pod]);
    let expected = "  Pod a: container a: memory: 6Gi is more than the maximum of 4Gi for one container\n  \
                    Pod a: container b: memory: 7Gi is more than the maximum of 4Gi for one container\n";
    assert!(found.contains(expected), "{found}");
}

#[test]
fn worst_of_different_defaults_decides() {
    let range = |name: &str, memory: &str| {
        format!(
            "{{apiVersion: v1, kind: LimitRange, metadata: {{name: {name}}}, spec: {{limits: [{{type: Container, default: \
             {{memory: {memory}}}}}]}}}}\n---\n"
        )
    };
    let quota = "{apiVersion: v1, kind: ResourceQuota, metadata: {name: q}, spec: {hard: {limits.memory: 200Mi}}}\n---\n";
    let pod = "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: a, image: x}]}}";
    let verdict = |first: &str, second: &str| {
        let live = [quota.to_owned(), range("a", first), range("b", second)].concat();
        plan("", &live, &[pod]).lines().nth(2).map(str::to_owned)
    };
    assert_eq!(verdict("100Mi", "200Mi").as_deref(), Some("fits"));
    assert_eq!(verdict("100Mi", "300Mi").as_deref(), Some("never"));
    assert_eq!(verdict("300Mi", "100Mi").as_deref(), Some("never"));
    // Without a quota, a refusal by a LimitRange is worse than `not-checked`.
    let max = "{apiVersion: v1, kind: LimitRange, metadata: {name: c}, spec: {limits: [{type: Container, max: {memory: 2Gi}}]}}";
    assert_eq!(verdict_of(&[&range("a", "1Gi"), &range("b", "4Gi"), max].concat(), pod), Verdict::Never);
    assert_eq!(verdict_of(&[&range("a", "1Gi"), &range("b", "2Gi"), max].concat(), pod), Verdict::NotChecked);
}

#[test]
fn quota_without_status_counts_nothing_yet() {
    let verdict = |status: &str| {
        let quota = format!(
            "{{apiVersion: v1, kind: ResourceQuota, metadata: {{name: q}}, spec: {{hard: {{pods: 1}}}}{status}}}"
        );
        verdict_of(
            &quota,
            "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: a, image: x}]}}",
        )
    };
    assert_eq!(verdict(""), Verdict::NotCounted);
    assert_eq!(verdict(", status: {hard: {pods: 1}, used: {pods: 0}}"), Verdict::Fits);
    assert_eq!(verdict(", status: {hard: {pods: 1}, used: {pods: 1}}"), Verdict::QuotaExceeded);
    // Resources that the quota does not count are not refused.
    let service = "{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {ports: [{port: 80}]}}";
    let quota = "{apiVersion: v1, kind: ResourceQuota, metadata: {name: q}, spec: {hard: {pods: 1}}}";
    assert_eq!(verdict_of(quota, service), Verdict::Fits);
}
