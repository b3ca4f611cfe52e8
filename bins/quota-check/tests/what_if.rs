//! How large a workload may be, and the text of a request, from the real program, without a cluster.
#![expect(clippy::unwrap_used, reason = "a test's own function may stop the test")]

use std::process::{Command, Output, Stdio};

use insta::assert_snapshot;
use serde_json::Value;

fn quota_check(line: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_quota-check"));
    command.current_dir(toolforge_fixtures::path("facts")).env_clear().env("HOME", "/nonexistent");
    command.args(["--tool", "stashbot"]).args(line.split_whitespace()).stdin(Stdio::null()).output().unwrap()
}

fn said(line: &str) -> String {
    let output = quota_check(line);
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    format!("[exit {}]\n{stdout}{stderr}", output.status.code().unwrap())
}

#[test]
fn largest_sizes_of_a_web_service() {
    assert_snapshot!(said("what-if --from running.json --quota seed-2020"), @"
    [exit 0]
    the web service

    SIZE      NOW    LARGEST
    memory    512Mi  4Gi
    CPU       500m   1
    replicas  1      4

    each value on its own; the change and a restart afterwards have no downtime
    ");
}

#[test]
fn largest_sizes_with_unknown_usage_are_bounds() {
    let quota = std::env::temp_dir().join(format!("quota-check-uncounted-{}.yaml", std::process::id()));
    let spec = "---\n{apiVersion: v1, kind: ResourceQuota, metadata: {name: q}, spec: {hard: {limits.memory: 4Gi}}}\n";
    std::fs::write(&quota, spec).unwrap();
    let shown = said(&format!("what-if --from {}", quota.display()));
    std::fs::remove_file(&quota).unwrap();
    assert_snapshot!(shown, @"
    [exit 0]
    there is no web service; a new one of type php7.4:

    SIZE      DEFAULT  LARGEST      WITH DOWNTIME
    memory    512Mi    at most 2Gi  at most 4Gi
    CPU       500m     not limited  not limited
    replicas  1        at most 8    at most 8

    each value on its own; the start and a restart afterwards have no downtime
    with downtime: the same, if old pods may stop before new ones are ready
    usage has not been counted yet, so these sizes may turn out not to fit
    ");
}

#[test]
fn largest_sizes_with_downtime_are_shown() {
    let quota = std::env::temp_dir().join(format!("quota-check-downtime-{}.yaml", std::process::id()));
    std::fs::write(
        &quota,
        "---\n{apiVersion: v1, kind: ResourceQuota, metadata: {name: q}, status: {hard: {limits.memory: 1Gi}, used: {limits.memory: 512Mi}}}",
    )
    .unwrap();
    let line = format!("what-if --from running.json --from {}", quota.display());
    let (shown, json) = (said(&line), quota_check(&format!("{line} -o json")));
    std::fs::remove_file(&quota).unwrap();
    assert_snapshot!(shown, @"
    [exit 0]
    the web service

    SIZE      NOW    LARGEST      WITH DOWNTIME
    memory    512Mi  512Mi        1Gi
    CPU       500m   not limited  not limited
    replicas  1      2            2

    each value on its own; the change and a restart afterwards have no downtime
    with downtime: the same, if old pods may stop before new ones are ready
    ");
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(
        (&json["largestMemory"], &json["largestMemoryWithDowntime"]),
        (&"512Mi".into(), &"1Gi".into())
    );
}

#[test]
fn missing_web_service_is_reported() {
    assert_snapshot!(said("what-if --quota seed-2020"), @"
    [exit 0]
    there is no web service; a new one of type php7.4:

    SIZE      DEFAULT  LARGEST
    memory    512Mi    4Gi
    CPU       500m     1
    replicas  1        4

    each value on its own; the start and a restart afterwards have no downtime
    ");
}

#[test]
fn requested_sizes_have_a_verdict() {
    assert_snapshot!(said("what-if --quota seed-2020 --memory 4Gi --replicas 2"), @"
    [exit 0]
    there is no web service; a new one of type php7.4: memory 4Gi, CPU 500m, 2 replicas

    RESOURCE         LIMIT  USED  AFTER  PEAK  VERDICT
    pods             4      0     2      2     fits
    requests.cpu     2      0     250m   250m  fits
    requests.memory  6Gi    0     4Gi    4Gi   fits
    limits.cpu       2      0     1      1     fits
    limits.memory    8Gi    0     8Gi    8Gi   fits
    services         1      0     1      1     fits

    it fits the quota; whether a node has enough free resources is not checked
    a restart afterwards would work, but one more pod exceeds the quota (limits.memory: 12Gi of 8Gi, 4Gi too much (quota seed-2020)), so the pods are replaced one after the other; the others keep running

    SIZE      ASKED  LARGEST
    memory    4Gi    4Gi
    CPU       500m   1
    replicas  2      2

    each value on its own; the start and a restart afterwards have no downtime
    ");
    assert_snapshot!(said("what-if --quota seed-2020 --memory 4Gi --replicas 3"), @"
    [exit 3]
    there is no web service; a new one of type php7.4: memory 4Gi, CPU 500m, 3 replicas

    RESOURCE         LIMIT  USED  AFTER  PEAK   VERDICT
    pods             4      0     3      3      fits
    requests.cpu     2      0     375m   375m   fits
    requests.memory  6Gi    0     6Gi    6Gi    fits
    limits.cpu       2      0     1500m  1500m  fits
    limits.memory    8Gi    0     12Gi   12Gi   too much
    services         1      0     1      1      fits

    it can never fit: it exceeds the quota or a limit on its own
    one of these would fit:
      the web service: memory 2730Mi
      the web service: 2 replicas

    SIZE      ASKED  LARGEST
    memory    4Gi    2730Mi
    CPU       500m   -
    replicas  3      2

    each value on its own; the start and a restart afterwards have no downtime
    -: not even the smallest size fits: limits.memory: 12Gi of 8Gi, 4Gi too much (quota seed-2020)

    hint: Choose a smaller size; `quota-check` shows what uses the quota. `quota-check request FILE`, with a service.template of this size, writes a request for more quota.
    ");
}

#[test]
fn run_of_a_size_that_never_fits_is_reported() {
    let facts = std::env::temp_dir().join(format!("quota-check-run-{}.yaml", std::process::id()));
    let limits = toolforge_fixtures::read("facts/scheduled.yaml").replace("memory: 4Gi", "memory: 99Gi");
    std::fs::write(&facts, limits).unwrap();
    let found = said(&format!("what-if nightly --from {} --from catalog.yaml --memory 9Gi", facts.display()));
    std::fs::remove_file(&facts).unwrap();
    assert!(found.starts_with("[exit 3]\n"), "{found}");
    assert!(found.contains("\nit can never fit: it exceeds the quota or a limit on its own\nwhat would fit:\n  job nightly: memory "), "{found}");
    assert!(found.contains("\nmemory  9Gi    ") && !found.contains("these runs exceed the quota"), "{found}");
}

#[test]
fn missing_largest_sizes_have_a_reason() {
    let quota = std::env::temp_dir().join(format!("quota-check-full-{}.yaml", std::process::id()));
    std::fs::write(
        &quota,
        "---\n{apiVersion: v1, kind: ResourceQuota, metadata: {name: q}, status: {hard: {pods: '3'}, used: {pods: '3'}}}",
    )
    .unwrap();
    let found = said(&format!("what-if --from catalog.yaml --from {}", quota.display()));
    std::fs::remove_file(&quota).unwrap();
    assert_snapshot!(found, @"
    [exit 0]
    there is no web service; a new one of type php8.2:

    SIZE      DEFAULT  LARGEST
    memory    512Mi    -
    CPU       500m     -
    replicas  1        -

    each value on its own; the start and a restart afterwards have no downtime
    -: not even the smallest size fits: pods: 4 of 3, 1 pod too many (quota q)
    ");
}

/// Runs a question about a namespace whose quota of 8Gi is used by a terminating pod of 4Gi and others.
fn said_while_terminating(name: &str, used: &str, line: &str) -> String {
    let file = std::env::temp_dir().join(format!("quota-check-{name}-{}.yaml", std::process::id()));
    std::fs::write(
        &file,
        format!(
            "---\n{{apiVersion: v1, kind: ResourceQuota, metadata: {{name: q}}, status: {{hard: {{limits.memory: 8Gi}}, \
             used: {{limits.memory: {used}}}}}}}\n---\n{{apiVersion: v1, kind: Pod, metadata: {{name: old, \
             namespace: tool-stashbot, deletionTimestamp: '2999-01-01T00:00:00Z', deletionGracePeriodSeconds: 30}}, spec: \
             {{containers: [{{name: a, image: i, resources: {{limits: {{memory: 4Gi}}}}}}]}}, status: {{phase: Running}}}}\n"
        ),
    )
    .unwrap();
    let found = said(&format!("what-if --from catalog.yaml --from {} {line}", file.display()));
    std::fs::remove_file(&file).unwrap();
    found
}

#[test]
fn terminating_pods_do_not_limit_sizes() {
    // 8Gi for the pod and its replacement together, or for one after the other.
    assert_snapshot!(said_while_terminating("largest", "4Gi", ""), @"
    [exit 0]
    there is no web service; a new one of type php8.2:

    SIZE      DEFAULT  LARGEST      WITH DOWNTIME
    memory    512Mi    4Gi          8Gi
    CPU       500m     not limited  not limited
    replicas  1        16           16

    each value on its own; the start and a restart afterwards have no downtime
    with downtime: the same, if old pods may stop before new ones are ready
    ");
    let text = said_while_terminating("largest-json", "4Gi", "-o json");
    let document: Value = serde_json::from_str(text.strip_prefix("[exit 0]\n").unwrap()).unwrap();
    assert_eq!(
        (&document["largestMemory"], &document["largestMemoryWithDowntime"]),
        (&"4Gi".into(), &"8Gi".into())
    );
    let text = said_while_terminating("later", "4Gi", "--memory 5Gi");
    assert!(
        text.starts_with("[exit 3]")
            && text.contains("it does not fit yet, but will once these pods have terminated\n"),
        "{text}"
    );
    assert!(!text.contains("would fit"), "{text}");
    // In addition to 2Gi of other workloads.
    let text = said_while_terminating("never", "6Gi", "--memory 7Gi");
    assert!(text.contains("what would fit:\n  the web service: memory 6Gi\n"), "{text}");
    let text = said_while_terminating("restart", "6Gi", "--memory 2Gi");
    assert!(
        text.starts_with("[exit 0]")
            && text.contains("a restart afterwards would replace the pods without downtime\n"),
        "{text}"
    );
}

#[test]
fn largest_sizes_are_tight() {
    // Four pods of 2Gi fill 8Gi; one more mebibyte is too much.
    for (memory, exit_code) in [("2Gi", 0), ("2049Mi", 3)] {
        let output = quota_check(&format!("what-if --quota seed-2020 --replicas 4 --memory {memory}"));
        assert_eq!(output.status.code(), Some(exit_code), "{memory}");
    }
    let output = quota_check("what-if --quota seed-2020 --replicas 4 --output json");
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&document["kind"], &document["largestMemory"]), (&"WhatIf".into(), &"2Gi".into()));
}

#[test]
fn nothing_is_checked_without_a_quota() {
    assert_snapshot!(said("what-if --from catalog.yaml"), @"
    [exit 0]
    there is no web service; a new one of type php8.2:

    SIZE      DEFAULT  LARGEST
    memory    512Mi    not limited
    CPU       500m     not limited
    replicas  1        not limited

    no quota is known, so the start was not checked
    ");
    assert_snapshot!(said("what-if --from catalog.yaml --memory 4Gi"), @"
    [exit 0]
    there is no web service; a new one of type php8.2: memory 4Gi, CPU 500m, 1 replica

    no quota is known, so this was not checked
    a restart afterwards would replace the pods; whether there would be downtime is not known

    SIZE      ASKED  LARGEST
    memory    4Gi    not limited
    CPU       500m   not limited
    replicas  1      not limited
    ");
    let output = quota_check("what-if --from catalog.yaml --output json");
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let change = &document["change"];
    assert_eq!((&change["verdict"], &change["fits"]), (&"not-checked".into(), &Value::Null), "{document:#}");
    assert_eq!((&document["largestMemory"], &document["largestReplicas"]), (&Value::Null, &Value::Null));
    assert_eq!(document["unlimited"], serde_json::json!(["memory", "cpu", "replicas"]));
    assert_eq!((&document["type"], &document["name"]), (&"web-service".into(), &"stashbot".into()));
}

#[test]
fn what_if_rejects_missing_jobs() {
    assert_snapshot!(said("what-if --from seed-restart.yaml bot"), @"
    [exit 1]
    error: job 'bot' does not exist

    hint: There are no jobs; `quota-check FILE` checks a jobs file.
    ");
}

#[test]
fn request_has_evidence_and_numbers() {
    assert_snapshot!(said("request --from seed-restart.yaml large.template"), @"
    [exit 0]
    # Quota of tool stashbot

    ## Requested

    The smallest limits that admit everything below:

    - pods: 5
    - requests.memory: 9984Mi
    - limits.cpu: 2500m
    - limits.memory: 19968Mi
    - services: 2
    - memory of one container: 5Gi

    For the platform's admins, in `values/tools.yaml` of maintain-kubeusers:

    ```yaml
    quotas:
      overrides:
        stashbot:
          version: T000000 # the id of the task
          cpu: 3
          memory: 20
          pods: 5
          pod_memory: 5
          services: 2
    ```

    ## Quota and use

    | resource | used | limit |
    | --- | --- | --- |
    | pods | 2 | 4 |
    | requests.cpu | 225m | 2 |
    | requests.memory | 2304Mi | 6Gi |
    | limits.cpu | 1 | 2 |
    | limits.memory | 4608Mi | 8Gi |
    | services | 1 | 1 |
    | services.nodeports | 0 | 0 |

    One container may have at most CPU 1 and memory 4Gi.

    ## Blocked

    No refusals are known; events were not read from the cluster.

    ## What runs

    | workload | pods | CPU limit | memory limit |
    | --- | --- | --- | --- |
    | the pod web-5d8c7f9b6-abcde | 1 | 500m | 4Gi |
    | the pod bot-6c9d5b7f8-fghij | 1 | 500m | 512Mi |

    The cluster has no usage metrics.

    ## The plan that needs it (large.template)

    - create the web service

    | resource | limit | used | after | at the peak |
    | --- | --- | --- | --- | --- |
    | pods | 4 | 2 | 5 | 5 |
    | requests.cpu | 2 | 225m | 600m | 600m |
    | requests.memory | 6Gi | 2304Mi | 9984Mi | 9984Mi |
    | limits.cpu | 2 | 1 | 2500m | 2500m |
    | limits.memory | 8Gi | 4608Mi | 19.5Gi | 19.5Gi |
    | services | 1 | 1 | 2 | 2 |

    memory: 5Gi is more than the maximum of 4Gi for one container
    ");
}

#[test]
fn unnecessary_request_is_reported() {
    let text = said("--from seed-restart.yaml request");
    assert!(
        text.contains("The quota blocks nothing, and nothing that was checked needs more quota."),
        "{text}"
    );
    assert!(said("request --from seed-restart.yaml --output json").starts_with("[exit 2]"));
}

#[test]
fn request_escapes_hostile_names() {
    let text = said("request --from hostile.json");
    assert!(!text.contains('\u{1b}') && text.starts_with("[exit 0]"), "{text}");
}

#[test]
fn overview_names_quota_consumers() {
    assert_snapshot!(said("--from seed-restart.yaml"), @"
    [exit 0]
    RESOURCE            USED    LIMIT  STATE
    pods                2       4
    requests.cpu        225m    2
    requests.memory     2304Mi  6Gi
    limits.cpu          1       2
    limits.memory       4608Mi  8Gi
    services            1       1      in use
    services.nodeports  0       0      not allowed

    EACH CONTAINER  DEFAULT  REQUEST  MIN    MAX
    cpu             500m     150m     50m    1
    memory          512Mi    256Mi    100Mi  4Gi

    WORKLOAD                 PODS  CPU   MEMORY  SHARE
    pod web-5d8c7f9b6-abcde  1     500m  4Gi     50 % of limits.memory
    pod bot-6c9d5b7f8-fghij  1     500m  512Mi   25 % of pods
    the cluster has no usage metrics
    ");
}
