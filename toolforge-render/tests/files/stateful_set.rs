//! Updates of StatefulSets.

use crate::support::plan;

const QUOTA: &str = "{apiVersion: v1, kind: ResourceQuota, metadata: {name: q}, spec: {hard: {limits.memory: 4Gi, \
                     requests.storage: 3Gi, persistentvolumeclaims: 3}}, status: {used: {limits.memory: USED, requests.storage: \
                     CLAIMSGi, persistentvolumeclaims: 'CLAIMS'}}}\n---\n";

fn quota(used: &str, claims: u64) -> String {
    QUOTA.replace("USED", used).replace("CLAIMS", &claims.to_string())
}

/// Returns a StatefulSet; the pods of an update below the partition stay.
fn set(replicas: u64, memory: &str, partition: u64, rest: &str) -> String {
    format!(
        "{{apiVersion: apps/v1, kind: StatefulSet, metadata: {{name: a, namespace: tool-stashbot, uid: u}}, spec: {{replicas: \
         {replicas}, serviceName: a, selector: {{matchLabels: {{app: a}}}}, updateStrategy: {{rollingUpdate: {{partition: \
         {partition}}}}}, {rest}template: {{metadata: {{labels: {{app: a}}}}, spec: {{containers: [{{name: main, image: x, \
         resources: {{limits: {{memory: {memory}}}}}}}]}}}}}}}}\n---\n"
    )
}

#[test]
fn pods_below_the_partition_are_kept() {
    let live = [quota("3Gi", 0), set(3, "1Gi", 0, "")].concat();
    for (replicas, memory, partition, expected) in [
        (3, "512Mi", 0, "limits.memory 3Gi -> 1536Mi, peak 3Gi of 4Gi\n"),
        (3, "512Mi", 2, "limits.memory 3Gi -> 2560Mi, peak 3Gi of 4Gi\n"),
        // Only the last one is larger.
        (3, "2Gi", 2, "limits.memory 3Gi -> 4Gi, peak 4Gi of 4Gi\n"),
        (3, "2049Mi", 2, "limits.memory 3Gi -> 4097Mi, peak 4097Mi of 4Gi too much\n"),
        // None is replaced.
        (3, "9Gi", 3, "limits.memory 3Gi -> 3Gi, peak 3Gi of 4Gi\n"),
        (3, "9Gi", 9, "limits.memory 3Gi -> 3Gi, peak 3Gi of 4Gi\n"),
        (2, "9Gi", 2, "limits.memory 3Gi -> 2Gi, peak 3Gi of 4Gi\n"),
        // Those that are added below the partition have the old template.
        (4, "9Gi", 4, "limits.memory 3Gi -> 4Gi, peak 4Gi of 4Gi\n"),
        (5, "512Mi", 4, "limits.memory 3Gi -> 4608Mi, peak 4608Mi of 4Gi too much\n"),
    ] {
        let found = plan("", &live, &[&set(replicas, memory, partition, "")]);
        assert!(found.contains(expected), "{replicas} {memory} {partition}: {found}");
        let is_replaced = partition < 3.min(replicas);
        assert_eq!(found.contains("in-place"), partition < replicas, "{found}");
        assert!(is_replaced || !found.contains("downtime\n"), "{found}");
    }
    // A remaining pod serves requests in the meantime.
    let live = [quota("2Gi", 0), set(2, "1Gi", 0, "")].concat();
    let found = plan("", &live, &[&set(2, "512Mi", 1, "")]);
    assert!(found.starts_with("update object StatefulSet a, in-place\n"), "{found}");
}

#[test]
fn lower_partition_continues_an_update() {
    let status = "}, status: {replicas: 3, currentRevision: a-1, updateRevision: a-2}}\n---\n";
    let running = set(3, "2Gi", 3, "").replace("}}\n---\n", status);
    let live = [quota("3Gi", 0), running].concat();
    let found = plan("", &live, &[&set(3, "2Gi", 0, "")]);
    assert!(found.starts_with("update object StatefulSet a, in-place"), "{found}");
}

#[test]
fn existing_claims_are_kept() {
    let claims =
        "volumeClaimTemplates: [{metadata: {name: data}, spec: {resources: {requests: {storage: 1Gi}}}}], ";
    let claim = |ordinal: u64| {
        format!(
            "{{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {{name: data-a-{ordinal}, namespace: tool-stashbot}}, \
             spec: {{resources: {{requests: {{storage: 1Gi}}}}}}}}\n---\n"
        )
    };
    let start = "ordinals: {start: 5}, ";
    for (live, rest, replicas, expected) in [
        // The StatefulSet was deleted, and its claims were not.
        (vec![claim(0), claim(1)], "", 3, "persistentvolumeclaims 2 -> 3, peak 3 of 3\n"),
        (vec![claim(5), claim(1)], start, 3, "persistentvolumeclaims 2 -> 4, peak 4 of 3 too much\n"),
        // It was scaled down.
        (
            vec![set(1, "1Mi", 0, claims), claim(0), claim(1)],
            "",
            3,
            "persistentvolumeclaims 2 -> 3, peak 3 of 3\n",
        ),
    ] {
        let live = [vec![quota("0", 2)], live].concat().concat();
        let found = plan("", &live, &[&set(replicas, "1Mi", 0, &format!("{claims}{rest}"))]);
        assert!(found.contains(expected), "{found}");
    }
    let live = [vec![quota("0", 2)], vec![claim(0), claim(1)]].concat().concat();
    let found = plan("", &live, &[&set(2, "1Mi", 0, claims)]);
    assert!(!found.contains("persistentvolumeclaims"), "{found}");
}
