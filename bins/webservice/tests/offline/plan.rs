//! What `plan` says, and what a start says that does not fit.

use insta::assert_snapshot;
use serde_json::json;

use crate::{FACTS, webservice};

#[test]
fn plan_that_does_not_fit() {
    assert_snapshot!(webservice(&format!("plan -m 5Gi -r 2 {FACTS} --from running.json")), @"
    [exit 3]
    update Deployment stashbot
      spec.replicas: 1 -> 2
      spec.template.spec.containers[webservice].resources.limits.memory: 512Mi -> 5Gi
      spec.template.spec.containers[webservice].resources.requests.memory: 256Mi -> 2560Mi

    RESOURCE         LIMIT  USED   AFTER  PEAK    VERDICT
    pods             4      1      2      3       fits
    requests.cpu     2      125m   250m   375m    fits
    requests.memory  6Gi    256Mi  5Gi    5376Mi  fits
    limits.cpu       2      500m   1      1500m   fits
    limits.memory    8Gi    512Mi  10Gi   10.5Gi  too much
    services         1      1      1      1       fits
    memory: 5Gi is more than the maximum of 4Gi for one container

    it can never fit: it exceeds the quota or a limit on its own
    what would fit:
      the web service: memory 4Gi
    --- stderr

    hint: `quota-check` shows the usage, and https://w.wiki/6YLP explains how to request more.
    ");
}

#[test]
fn plan_within_a_profile_needs_no_kubeconfig() {
    assert_snapshot!(webservice("php8.2 plan --tool stashbot --quota toolforge-2023"), @"
    [exit 0]
    create Deployment stashbot
    create Service stashbot
    create Ingress stashbot-subdomain

    RESOURCE                LIMIT  USED  AFTER  PEAK   VERDICT
    pods                    10     0     1      1      fits
    requests.cpu            2      0     125m   125m   fits
    requests.memory         6Gi    0     256Mi  256Mi  fits
    limits.cpu              2      0     500m   500m   fits
    limits.memory           8Gi    0     512Mi  512Mi  fits
    services                1      0     1      1      fits
    count/deployments.apps  3      0     1      1      fits

    it fits the quota; whether a node has enough free resources is not checked
    ");
    assert_snapshot!(webservice("php8.2 plan"), @"
    [exit 4]
    --- stderr
    error: kubeconfig /nonexistent/.kube/config does not exist

    hint: Become the tool first, `become TOOL`, or name another file with `--kubeconfig`.

    hint: Without a cluster: `--tool NAME` with `--quota toolforge-2023`, or with `--from FILE` to read what `kubectl get … -o yaml` printed.
    ");
}

#[test]
fn plan_that_changes_nothing() {
    assert_snapshot!(webservice(&format!("plan {FACTS} --from running.json")), @"
    [exit 0]
    nothing would change

    RESOURCE         LIMIT  USED   AFTER  PEAK   VERDICT
    pods             4      1      1      1      fits
    requests.cpu     2      125m   125m   125m   fits
    requests.memory  6Gi    256Mi  256Mi  256Mi  fits
    limits.cpu       2      500m   500m   500m   fits
    limits.memory    8Gi    512Mi  512Mi  512Mi  fits
    services         1      1      1      1      fits

    it fits the quota; whether a node has enough free resources is not checked
    a restart would replace the pods without downtime
    ");
}

/// Returns what a plan without changes says of a restart, where a quota allows this much memory.
fn restart_within(memory: &str) -> String {
    let file =
        std::env::temp_dir().join(format!("toolforge-webservice-{}-{memory}.json", std::process::id()));
    let status = json!({"hard": {"limits.memory": memory}, "used": {"limits.memory": "1536Mi"}});
    let quota =
        json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q"}, "status": status});
    std::fs::write(&file, quota.to_string()).unwrap();
    let line = "plan --tool stashbot --from catalog.yaml --from running.json --from";
    let plan = webservice(&format!("{line} {}", file.display()));
    std::fs::remove_file(&file).unwrap();
    plan.split("is not checked\n").nth(1).unwrap_or(&plan).to_owned()
}

#[test]
fn plan_shows_the_effect_of_a_restart() {
    assert_snapshot!(restart_within("2Gi"), @"a restart would replace the pods without downtime");
    assert_snapshot!(restart_within("1536Mi"), @"a restart would work, but downtime: the old and the new pod together exceed the quota (limits.memory: 2Gi of 1536Mi, 512Mi too much (quota q)), so the old pod stops before the new one starts");
    assert_snapshot!(restart_within("1Gi"), @"
    a restart would not fit, and would change nothing:
    limits.memory: 1536Mi of 1Gi, 512Mi too much (quota q)
    ");
}

#[test]
fn warns_of_existing_runs_that_no_longer_fit() {
    let facts = "--tool stashbot --from catalog.yaml --from scheduled.yaml";
    let warning = "warning: these runs exceed the quota within the next 24 hours:\n  nightly alone, ";
    for verb in ["plan", "start --dry-run"] {
        let said = webservice(&format!("php8.2 {verb} -m 4Gi {facts}"));
        assert!(said.starts_with("[exit 0]") && said.contains(warning), "{said}");
        let said = webservice(&format!("php8.2 {verb} -m 3Gi {facts}"));
        assert!(said.starts_with("[exit 0]") && !said.contains("warning"), "{said}");
    }
    let document = webservice(&format!("php8.2 plan -m 4Gi {facts} --output json"));
    assert!(document.contains(r#""jobs": ["#) && document.contains(r#""nightly""#), "{document}");
}

/// `jobs plan` and `quota-check FILE` have tests of the same text.
#[test]
fn verdicts_have_the_words_of_every_plan() {
    let words = toolforge_fixtures::read("facts/verdicts.txt");
    for (index, expected) in words.split("---\n").enumerate() {
        let line = format!("php8.2 plan -m 4Gi -c 500m -r {} --from catalog.yaml", index + 1);
        let said = webservice(&format!("{line} --tool stashbot --from scheduled.yaml"));
        assert!(said.contains(&format!("\n\n{expected}")), "{said}{expected}");
    }
}

#[test]
fn plan_within_a_profile() {
    let plan = webservice(&format!("plan -m 4Gi -r 2 {FACTS} --from running.json --quota seed-2020"));
    // The files' quota is named after the namespace, and has fewer resources.
    assert!(plan.starts_with("[exit 0]") && plan.contains("limits.memory"), "{plan}");
    let refused = webservice(&format!("php8.2 start {FACTS} --quota seed-2020"));
    assert!(refused.contains("`--quota` cannot be used with `start`"), "{refused}");
}

const NEARLY_FULL: &str =
    "--tool stashbot --from catalog.yaml --from limits-nearly-full.yaml --from running.json";

#[test]
fn plan_reports_downtime() {
    assert_snapshot!(webservice(&format!("plan -m 768Mi {NEARLY_FULL}")), @r#"
    [exit 0]
    update Deployment stashbot
      spec.strategy.rollingUpdate: {"maxSurge":1,"maxUnavailable":0} -> nothing
      spec.strategy.type: RollingUpdate -> Recreate
      spec.template.spec.containers[webservice].resources.limits.memory: 512Mi -> 768Mi
      spec.template.spec.containers[webservice].resources.requests.memory: 256Mi -> 384Mi

    RESOURCE         LIMIT  USED    AFTER   PEAK    VERDICT
    pods             4      3       3       3       fits
    requests.cpu     2      125m    125m    125m    fits
    requests.memory  6Gi    256Mi   384Mi   384Mi   fits
    limits.cpu       2      500m    500m    500m    fits
    limits.memory    2Gi    1536Mi  1792Mi  1792Mi  fits
    services         1      1       1       1       fits

    it fits the quota; whether a node has enough free resources is not checked
    downtime: the old and the new pod together exceed the quota (limits.memory: 2304Mi of 2Gi, 256Mi too much (quota tool-stashbot)), so the old pod stops before the new one starts
    without downtime:
      the web service: memory 512Mi
    "#);
    let said = webservice(&format!("restart --dry-run -m 768Mi {NEARLY_FULL}"));
    assert!(said.contains("note: downtime: the old and the new pod together exceed the quota"), "{said}");
    let said = webservice(&format!("restart --dry-run {NEARLY_FULL}"));
    assert!(!said.contains("note:"), "{said}");
}

#[test]
fn plan_replaces_pods_in_place() {
    assert_snapshot!(webservice(&format!("plan -m 500Mi -r 2 {NEARLY_FULL}")), @"
    [exit 0]
    update Deployment stashbot
      spec.replicas: 1 -> 2
      spec.strategy.rollingUpdate.maxSurge: 1 -> 0
      spec.strategy.rollingUpdate.maxUnavailable: 0 -> 1
      spec.template.spec.containers[webservice].resources.limits.memory: 512Mi -> 500Mi
      spec.template.spec.containers[webservice].resources.requests.memory: 256Mi -> 250Mi

    RESOURCE         LIMIT  USED    AFTER   PEAK   VERDICT
    pods             4      3       4       4      fits
    requests.cpu     2      125m    250m    250m   fits
    requests.memory  6Gi    256Mi   500Mi   512Mi  fits
    limits.cpu       2      500m    1       1      fits
    limits.memory    2Gi    1536Mi  2024Mi  2Gi    fits
    services         1      1       1       1      fits

    it fits the quota, but new pods may have to wait until old ones have terminated; whether a node has enough free resources is not checked
    one more pod exceeds the quota (pods: 5 of 4, 1 pod too many (quota tool-stashbot), limits.memory: 2548Mi of 2Gi, 500Mi too much (quota tool-stashbot)), so the pods are replaced one after the other; the others keep running
    ");
}

#[test]
fn start_that_does_not_fit_sends_nothing() {
    assert_snapshot!(webservice(&format!("start -m 5Gi -r 2 --dry-run {FACTS} --from running.json")), @"
    [exit 3]
    --- stderr
    error: the change does not fit; nothing was changed
      memory: 5Gi is more than the maximum of 4Gi for one container
      limits.memory: 10Gi of 8Gi, 2Gi too much (quota tool-stashbot)

    hint: It would fit with `--mem 4Gi`. `quota-check` shows the usage, and https://w.wiki/6YLP explains how to request more.
    ");
}

#[test]
fn restart_when_down_reports_no_downtime() {
    let facts = toolforge_fixtures::read("facts/running.json")
        .replace("\"readyReplicas\"", "\"unavailableReplicas\"");
    let file = std::env::temp_dir().join(format!("webservice-down-{}.json", std::process::id()));
    std::fs::write(&file, facts).unwrap();
    let found = webservice(&format!("plan {FACTS} --from {}", file.display()));
    std::fs::remove_file(&file).unwrap();
    assert!(found.contains("\na restart would replace the pods; none of them is ready now\n"), "{found}");
}

#[test]
fn no_restart_is_forecast_at_zero_replicas() {
    let facts = toolforge_fixtures::read("facts/running.json");
    let mut facts: serde_json::Value = serde_json::from_str(&facts).unwrap();
    let items = facts["items"].as_array_mut().unwrap();
    let deployment = items.iter_mut().find(|item| item["kind"] == "Deployment").unwrap();
    deployment["spec"]["replicas"] = serde_json::json!(0);
    for key in ["replicas", "readyReplicas", "updatedReplicas", "availableReplicas"] {
        deployment["status"][key] = serde_json::json!(0);
    }
    items.retain(|item| item["kind"] != "Pod");
    let file = std::env::temp_dir().join(format!("webservice-zero-{}.json", std::process::id()));
    std::fs::write(&file, facts.to_string()).unwrap();
    let found = |line: &str| webservice(&format!("{line} {FACTS} --from {}", file.display()));
    let (text, document) = (found("plan"), found("plan --output json"));
    std::fs::remove_file(&file).unwrap();
    assert!(text.starts_with("[exit 0]") && !text.contains("restart"), "{text}");
    assert!(document.contains("\"restart\": null"), "{document}");
}

#[test]
fn missing_pods_are_not_helped_by_less_memory() {
    let file = std::env::temp_dir().join(format!("webservice-missing-{}.yaml", std::process::id()));
    let text = std::fs::read_to_string(toolforge_fixtures::path("facts/web-without-pods.yaml")).unwrap();
    let text = text.replace("limits.memory: 768Mi", "pods: '1'").replace("limits.memory: \"0\"", "pods: '1'");
    std::fs::write(&file, text).unwrap();
    let said = webservice(&format!("plan --tool stashbot --from catalog.yaml --from {}", file.display()));
    std::fs::remove_file(&file).unwrap();
    assert!(said.contains("\nhint: Stop something else; "), "{said}");
}
