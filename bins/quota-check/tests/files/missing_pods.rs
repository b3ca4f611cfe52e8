//! Pods that are missing of what files leave as it is.

use insta::assert_snapshot;
use serde_json::Value;

use crate::{quota_check, said};

const BOT: &str = "- {name: bot, command: ./b, image: bookworm, continuous: true, mem: 1Gi, replicas: 3}\n";

/// The Deployment of the facts.
const DEPLOYMENT: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: d}
spec:
  replicas: 1
  selector: {matchLabels: {app: d}}
  template:
    metadata: {labels: {app: d}}
    spec: {containers: [{name: a, image: i, resources: {limits: {memory: 2Gi}}}]}
";

#[test]
fn reports_missing_pods_of_web_services() {
    let template = "type: php8.2\nmem: 1Gi\n";
    assert_snapshot!(said("--from web-without-pods.yaml --from catalog.yaml -", template), @"
    [exit 3]
    keep the web service
    nothing would change

    RESOURCE       LIMIT  USED  AFTER  PEAK  VERDICT
    limits.memory  768Mi  0     1Gi    1Gi   too much

    it needs no quota, but existing workloads have missing pods that do not fit
    what would fit:
      the web service: memory 768Mi
    hint: Change the file to one of the proposals above.
    ");
    let output = quota_check("--from web-without-pods.yaml --from catalog.yaml --output json -", template);
    let plan: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(plan["adjustments"][0]["memory"], "768Mi", "{plan}");
}

#[test]
fn reports_missing_pods_of_continuous_jobs() {
    assert_snapshot!(said("--from missing-pods.yaml -", BOT), @"
    [exit 3]
    keep job bot
    nothing would change

    RESOURCE       LIMIT  USED  AFTER  PEAK  VERDICT
    limits.memory  2Gi    1Gi   3Gi    3Gi   too much

    it needs no quota, but existing workloads have missing pods that do not fit
    one of these would fit:
      job bot: memory 682Mi, with downtime
      job bot: 2 replicas
    hint: Change the file to one of the proposals above.
    ");
}

#[test]
fn reports_missing_pods_of_deployments() {
    assert_snapshot!(said("--from missing-pods.yaml -", DEPLOYMENT), @"
    [exit 3]
    keep Deployment d
    nothing would change

    RESOURCE       LIMIT  USED  AFTER  PEAK  VERDICT
    limits.memory  2Gi    1Gi   4Gi    4Gi   too much

    it needs no quota, but existing workloads have missing pods that do not fit
    hint: `quota-check` shows what uses the quota, and `quota-check what-if` how large a web service or a job may be.
    ");
}

#[test]
fn missing_pods_that_may_be_created_count() {
    let other = "- {name: once, command: ./b, image: bookworm, mem: 1Gi}\n";
    // One of the missing pods may be created at any time; the others cannot.
    assert_snapshot!(said("--from missing-pods.yaml -", &[BOT, other].concat()), @"
    [exit 3]
    create job once
    keep job bot

    RESOURCE       LIMIT  USED  AFTER  PEAK  VERDICT
    limits.memory  2Gi    1Gi   4Gi    4Gi   too much

    it does not fit in addition to current usage
    hint: `quota-check` shows what uses the quota, and `quota-check what-if` how large a web service or a job may be; `quota-check request` with the same options and files writes a request for more quota.
    ");
}

#[test]
fn reports_missing_pods_of_other_objects() {
    let spec = "template: {metadata: {labels: {app: s}}, spec: {containers: [{name: a, image: i, resources: {limits: {memory: 1Gi}}}]}}";
    let selector = "selector: {matchLabels: {app: s}}";
    let quota = "---\n{apiVersion: v1, kind: ResourceQuota, metadata: {name: q}, spec: {hard: {limits.memory: 2Gi}}, status: {hard: \
                 {limits.memory: 2Gi}, used: {limits.memory: 1Gi}}}\n---\n";
    for (kind, replicas, status) in [
        ("StatefulSet", "replicas: 3, ", "replicas: 1"),
        ("ReplicaSet", "replicas: 3, ", "replicas: 1"),
        ("DaemonSet", "", "desiredNumberScheduled: 3, currentNumberScheduled: 1"),
    ] {
        let object = |status: &str| {
            format!(
                "{{apiVersion: apps/v1, kind: {kind}, metadata: {{name: s}}, spec: {{{replicas}{selector}, {spec}}}{status}}}\n"
            )
        };
        let file = std::env::temp_dir().join(format!("quota-check-set-{kind}-{}.yaml", std::process::id()));
        let said_of = |status: &str| {
            std::fs::write(&file, format!("{quota}{}", object(&format!(", status: {{{status}}}")))).unwrap();
            said(&format!("--from {} -", file.display()), &object(""))
        };
        let found = said_of(status);
        assert!(
            found.starts_with("[exit 3]") && found.contains("existing workloads have missing pods"),
            "{found}"
        );
        let found = said_of(
            &status
                .replace("replicas: 1", "replicas: 3")
                .replace("currentNumberScheduled: 1", "currentNumberScheduled: 3"),
        );
        assert!(found.starts_with("[exit 0]") && found.contains("it needs no quota now"), "{found}");
        std::fs::remove_file(&file).unwrap();
    }
}

#[test]
fn kinds_that_the_files_lack_are_a_warning() {
    let service = |name: &str| {
        format!(
            "{{apiVersion: v1, kind: Service, metadata: {{name: {name}}}, spec: {{ports: [{{port: 80}}]}}}}\n"
        )
    };
    let limits = std::env::temp_dir().join(format!("quota-check-limits-{}.yaml", std::process::id()));
    std::fs::write(&limits, toolforge_fixtures::read("facts/limits.yaml")).unwrap();
    let found = said(&format!("--from {} -", limits.display()), &service("a"));
    let warning = "warning: the files of `--from` have no services, but the quota counts some, so what exists may be planned as new\n\n\
                   hint: Add the output of `kubectl get services -o yaml` to these files.\n";
    assert!(found.starts_with("[exit 3]") && found.contains(warning), "{found}");
    let found = said(&format!("--from {} --from catalog.yaml -", limits.display()), "type: php8.2\n");
    assert!(found.contains(warning), "{found}");
    // With the Service, nothing is missing.
    let known = std::env::temp_dir().join(format!("quota-check-known-{}.yaml", std::process::id()));
    std::fs::write(&known, format!("---\n{}", service("a"))).unwrap();
    let found = said(&format!("--from {} --from {} -", limits.display(), known.display()), &service("b"));
    assert!(found.starts_with("[exit 3]") && !found.contains("warning"), "{found}");
    // Nor where no Service is created, or none is counted.
    let config_map = "{apiVersion: v1, kind: ConfigMap, metadata: {name: x}}";
    assert!(!said(&format!("--from {} -", limits.display()), config_map).contains("warning"));
    assert!(!said("--quota toolforge-2023 -", &service("a")).contains("warning"));
    for (kind, api_version, resource, plural) in [
        ("Ingress", "networking.k8s.io/v1", "count/ingresses.networking.k8s.io", "ingresses"),
        ("StatefulSet", "apps/v1", "count/statefulsets.apps", "statefulsets"),
        ("ConfigMap", "v1", "configmaps", "configmaps"),
    ] {
        let quota = format!(
            "apiVersion: v1\nkind: ResourceQuota\nmetadata: {{name: q}}\nspec: {{hard: {{{resource}: '2'}}}}\n\
             status: {{used: {{{resource}: '1'}}}}\n"
        );
        std::fs::write(&known, quota).unwrap();
        let object = format!(
            "{{apiVersion: {api_version}, kind: {kind}, metadata: {{name: x}}, spec: {{selector: {{matchLabels: {{app: a}}}}, \
             template: {{metadata: {{labels: {{app: a}}}}, spec: {{containers: [{{name: a, image: x}}]}}}}}}}}"
        );
        // The catalog's ConfigMap is in another namespace.
        let found = said(&format!("--from {} --from catalog.yaml -", known.display()), &object);
        assert!(found.contains(&format!("have no {plural}, but the quota counts some")), "{found}");
    }
    [known, limits].iter().for_each(|file| std::fs::remove_file(file).unwrap());
}
