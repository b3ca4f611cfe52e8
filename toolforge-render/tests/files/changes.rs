//! What is created, updated and kept, and what that requests.

use std::fmt::Write as _;

use insta::assert_snapshot;
use toolforge_model::ToolName;
use toolforge_render::change::{ChangeSet, PodPart};
use toolforge_render::files::{FileContents, file_adjustments, plan_files};
use toolforge_render::namespace::Documents;

use crate::support::{deployment, plan, pod};

#[test]
fn every_kind_is_counted() {
    let pod = "spec: {containers: [{name: a, image: x, resources: {limits: {cpu: 50m, memory: 128Mi}}}]}";
    let template = format!("selector: {{matchLabels: {{a: b}}}}, template: {{{pod}}}");
    let claim = "spec: {resources: {requests: {storage: 1Gi}}}";
    let quota = "{apiVersion: v1, kind: ResourceQuota, metadata: {name: q}, spec: {hard: {pods: 99, limits.memory: 9Gi, \
                 requests.storage: 9Gi, persistentvolumeclaims: 9, services: 9, services.nodeports: 9, \
                 services.loadbalancers: 9, secrets: 9, configmaps: 9, replicationcontrollers: 9, \
                 count/deployments.apps: 9, count/replicasets.apps: 9, count/statefulsets.apps: 9, \
                 count/daemonsets.apps: 9, count/jobs.batch: 9, count/cronjobs.batch: 9, count/pods: 99, \
                 count/ponies.example.com: 9, count/ingresses.networking.k8s.io: 9}}}";
    let mut text = String::new();
    for (api_version, kind, spec) in [
        ("apps/v1", "Deployment", format!("spec: {{replicas: 2, {template}}}")),
        ("apps/v1", "ReplicaSet", format!("spec: {{replicas: 3, {template}}}")),
        (
            "apps/v1",
            "StatefulSet",
            format!("spec: {{replicas: 2, {template}, volumeClaimTemplates: [{{{claim}}}]}}"),
        ),
        ("apps/v1", "DaemonSet", format!("spec: {{{template}}}")),
        ("v1", "ReplicationController", format!("spec: {{template: {{{pod}}}}}")),
        ("batch/v1", "Job", format!("spec: {{parallelism: 5, completions: 4, template: {{{pod}}}}}")),
        (
            "batch/v1",
            "CronJob",
            format!("spec: {{schedule: '@daily', jobTemplate: {{spec: {{template: {{{pod}}}}}}}}}"),
        ),
        ("v1", "Pod", pod.to_owned()),
        ("v1", "Service", "spec: {type: LoadBalancer, ports: [{port: 80}, {port: 81}]}".to_owned()),
        ("v1", "PersistentVolumeClaim", claim.to_owned()),
        ("v1", "Secret", "data: {a: eA==}".to_owned()),
        ("v1", "ConfigMap", "data: {a: b}".to_owned()),
        ("networking.k8s.io/v1", "Ingress", "spec: {}".to_owned()),
        ("example.com/v1", "Pony", "spec: {}".to_owned()),
    ] {
        writeln!(text, "apiVersion: {api_version}\nkind: {kind}\nmetadata: {{name: a}}\n{spec}\n---")
            .unwrap();
    }
    assert_snapshot!(plan("", quota, &[&text]), @"
    create object Deployment a
    create object ReplicaSet a
    create object StatefulSet a
    create object DaemonSet a
    create object ReplicationController a
    create object Job a
    create object CronJob a
    create object Pod a
    create object Service a
    create object PersistentVolumeClaim a
    create object Secret a
    create object ConfigMap a
    create object Ingress a
    create object Pony a
      pods 0 -> 14, peak 14 of 99
      limits.memory 0 -> 1792Mi, peak 1792Mi of 9Gi
      services 0 -> 1, peak 1 of 9
      services.nodeports 0 -> 2, peak 2 of 9
      services.loadbalancers 0 -> 1, peak 1 of 9
      replicationcontrollers 0 -> 1, peak 1 of 9
      secrets 0 -> 1, peak 1 of 9
      configmaps 0 -> 1, peak 1 of 9
      persistentvolumeclaims 0 -> 3, peak 3 of 9
      count/cronjobs.batch 0 -> 1, peak 1 of 9
      count/daemonsets.apps 0 -> 1, peak 1 of 9
      count/deployments.apps 0 -> 1, peak 1 of 9
      count/ingresses.networking.k8s.io 0 -> 1, peak 1 of 9
      count/jobs.batch 0 -> 1, peak 1 of 9
      count/pods 0 -> 14, peak 14 of 99
      count/ponies.example.com 0 -> 1, peak 1 of 9
      count/replicasets.apps 0 -> 2, peak 2 of 9
      count/statefulsets.apps 0 -> 1, peak 1 of 9
      requests.storage 0 -> 3Gi, peak 3Gi of 9Gi
    fits
    ");
}

#[test]
fn seed_restart_of_a_manifest_deadlocks() {
    let live = [
        deployment("web", "4Gi", 1, ""),
        pod("web", "4Gi", ""),
        deployment("bot", "512Mi", 1, ""),
        pod("bot", "512Mi", ""),
    ];
    let changed = |rest: &str| deployment("web", "4Gi", 1, rest).replace("image: x", "image: new");
    assert_snapshot!(plan("seed-2020", &live.concat(), &[&changed("")]), @"
    update object Deployment web, stated
      pods 2 -> 2, peak 3 of 4
      requests.cpu 200m -> 200m, peak 300m of 2
      requests.memory 4608Mi -> 4608Mi, peak 8704Mi of 6Gi too much
      limits.cpu 200m -> 200m, peak 300m of 2
      limits.memory 4608Mi -> 4608Mi, peak 8704Mi of 8Gi too much
    deadlock
    fits: Deployment web: rollout recreate, with downtime
    fits: Deployment web: memory 1536Mi
    no downtime: Deployment web: memory 1536Mi
    ");
    let strategy = "  strategy: {type: Recreate}\n";
    assert_snapshot!(plan("seed-2020", &live.concat(), &[&changed(strategy)]), @"
    update object Deployment web, recreate, downtime
      pods 2 -> 2, peak 2 of 4
      requests.cpu 200m -> 200m, peak 200m of 2
      requests.memory 4608Mi -> 4608Mi, peak 4608Mi of 6Gi
      limits.cpu 200m -> 200m, peak 200m of 2
      limits.memory 4608Mi -> 4608Mi, peak 4608Mi of 8Gi
    fits
    ");
    let strategy = "  strategy: {rollingUpdate: {maxSurge: 0, maxUnavailable: 1}}\n";
    assert_snapshot!(plan("seed-2020", &live.concat(), &[&changed(strategy)]), @"
    update object Deployment web, stated, downtime
      pods 2 -> 2, peak 2 of 4
      requests.cpu 200m -> 200m, peak 200m of 2
      requests.memory 4608Mi -> 4608Mi, peak 4608Mi of 6Gi
      limits.cpu 200m -> 200m, peak 200m of 2
      limits.memory 4608Mi -> 4608Mi, peak 4608Mi of 8Gi
    fits-after-termination
    ");
}

#[test]
fn manifests_are_compared_with_live_objects() {
    let live = [deployment("bot", "1Gi", 2, ""), pod("bot", "1Gi", "")].concat();
    assert_snapshot!(plan("seed-2020", &live, &[&deployment("bot", "1024Mi", 2, "")]), @"
    keep object Deployment bot
    fits
    ");
    assert_snapshot!(plan("seed-2020", &live, &[&deployment("bot", "1Gi", 3, "")]), @"
    update object Deployment bot
      pods 1 -> 3, peak 3 of 4
      requests.cpu 100m -> 300m, peak 300m of 2
      requests.memory 1Gi -> 3Gi, peak 3Gi of 6Gi
      limits.cpu 100m -> 300m, peak 300m of 2
      limits.memory 1Gi -> 3Gi, peak 3Gi of 8Gi
    fits
    ");
    assert_snapshot!(plan("seed-2020", &live, &[&deployment("bot", "2Gi", 2, "  paused: true\n")]), @"
    update object Deployment bot
      pods 1 -> 2, peak 2 of 4
      requests.cpu 100m -> 200m, peak 200m of 2
      requests.memory 1Gi -> 2Gi, peak 2Gi of 6Gi
      limits.cpu 100m -> 200m, peak 200m of 2
      limits.memory 1Gi -> 2Gi, peak 2Gi of 8Gi
    fits
    ");
    assert_snapshot!(plan("seed-2020", &live, &[&deployment("bot", "2Gi", 2, "")]), @"
    update object Deployment bot, stated
      pods 1 -> 2, peak 3 of 4
      requests.cpu 100m -> 200m, peak 300m of 2
      requests.memory 1Gi -> 4Gi, peak 5Gi of 6Gi
      limits.cpu 100m -> 200m, peak 300m of 2
      limits.memory 1Gi -> 4Gi, peak 5Gi of 8Gi
    fits
    ");
}

#[test]
fn files_of_different_kinds_are_checked_together() {
    let job = "- {name: daily, command: x, image: bookworm, mem: 3Gi, cpu: 0.5}\n";
    let template = "type: php8.2\nmem: 3Gi\n";
    let bot = deployment("bot", "3Gi", 1, "");
    for files in [&[job, template][..], &[template, &bot], &[job, &bot]] {
        let found = plan("toolforge-2023", "", files);
        assert!(found.ends_with("fits\n"), "{found}");
    }
    assert_snapshot!(plan("toolforge-2023", "", &[job, template, &bot]), @"
    create one-off daily
    create web-service stashbot
    create object Deployment bot
      pods 0 -> 3, peak 3 of 10
      requests.cpu 0 -> 725m, peak 725m of 2
      requests.memory 0 -> 6Gi, peak 6Gi of 6Gi
      limits.cpu 0 -> 1100m, peak 1100m of 2
      limits.memory 0 -> 9Gi, peak 9Gi of 8Gi too much
      services 0 -> 1, peak 1 of 1
      count/deployments.apps 0 -> 2, peak 2 of 3
      count/jobs.batch 0 -> 1, peak 1 of 15
    never
    fits: the web service: memory 2Gi
    fits: job daily: memory 2Gi
    fits: Deployment bot: memory 2Gi
    no downtime: the web service: memory 2Gi
    no downtime: job daily: memory 2Gi
    no downtime: Deployment bot: memory 2Gi
    ");
}

#[test]
fn sizes_above_everything_never_fit() {
    assert_snapshot!(plan("seed-2020", "", &[&deployment("bot", "5Gi", 1, "")]), @"
    create object Deployment bot
      pods 0 -> 1, peak 1 of 4
      requests.cpu 0 -> 100m, peak 100m of 2
      requests.memory 0 -> 5Gi, peak 5Gi of 6Gi
      limits.cpu 0 -> 100m, peak 100m of 2
      limits.memory 0 -> 5Gi, peak 5Gi of 8Gi
      Deployment bot: memory: 5Gi is more than the maximum of 4Gi for one container
    never
    fits: Deployment bot: memory 4Gi
    no downtime: Deployment bot: memory 4Gi
    ");
    assert_snapshot!(plan("seed-2020", "", &[&deployment("bot", "1Gi", 9, "")]), @"
    create object Deployment bot
      pods 0 -> 9, peak 9 of 4 too much
      requests.cpu 0 -> 900m, peak 900m of 2
      requests.memory 0 -> 9Gi, peak 9Gi of 6Gi too much
      limits.cpu 0 -> 900m, peak 900m of 2
      limits.memory 0 -> 9Gi, peak 9Gi of 8Gi too much
    never
    fits: Deployment bot: 4 replicas
    no downtime: Deployment bot: 4 replicas
    ");
    let service =
        "{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {type: NodePort, ports: [{port: 80}]}}";
    assert_snapshot!(plan("seed-2020", "", &[service]), @"
    create object Service a
      services 0 -> 1, peak 1 of 1
      services.nodeports 0 -> 1, peak 1 of 0 too much
    never
    ");
    let run = "{apiVersion: batch/v1, kind: CronJob, metadata: {name: a}, spec: {schedule: '@daily', jobTemplate: {spec: \
               {activeDeadlineSeconds: 60, parallelism: 5, template: {spec: {containers: [{name: a, resources: {limits: {memory: 2Gi}}}]}}}}}}";
    assert_snapshot!(plan("seed-2020", "", &[run]), @"
    problem: a run of CronJob a never fits: pods: 5 of 4, 1 pod too many (quota seed-2020), requests.memory: 10Gi of 6Gi, 4Gi too much (quota seed-2020), limits.cpu: 2500m of 2, 500m CPU too much (quota seed-2020), limits.memory: 10Gi of 8Gi, 2Gi too much (quota seed-2020)
    create object CronJob a
    never
    fits: CronJob a: parallelism 3
    no downtime: CronJob a: parallelism 3
    ");
    assert_snapshot!(plan("seed-2020", "", &["- {name: a, command: x, image: none, mem: 1Gi}\n---\ntype: none\n---\nmem: 1Gi\n"]), @r#"
    problem: job a: unknown image type "none"
    problem: a second service.template; a tool has only one web service
    problem: unknown image type "none"
    fits
    "#);
}

#[test]
fn claims_are_bound_by_limit_ranges() {
    let range = "{apiVersion: v1, kind: LimitRange, metadata: {name: l}, spec: {limits: [{type: PersistentVolumeClaim, \
                 max: {storage: 1Gi}}]}}";
    let claim = "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: a}, spec: {resources: {requests: \
                 {storage: 2Gi}}}}";
    assert_snapshot!(plan("", range, &[claim]), @"
    create object PersistentVolumeClaim a
      PersistentVolumeClaim a: storage: 2Gi is more than the maximum of 1Gi for one volume claim
    never
    ");
}

#[test]
fn waits_for_terminating_pods() {
    let terminating = ", deletionTimestamp: '2026-01-01T00:00:30Z', finalizers: []";
    let live =
        [pod("old", "6Gi", terminating), deployment("other", "1Gi", 1, ""), pod("other", "1Gi", "")].concat();
    assert_snapshot!(plan("seed-2020", &live, &[&deployment("bot", "2Gi", 1, "")]), @"
    create object Deployment bot
      pods 2 -> 3, peak 3 of 4
      requests.cpu 200m -> 300m, peak 300m of 2
      requests.memory 7Gi -> 9Gi, peak 9Gi of 6Gi too much
      limits.cpu 200m -> 300m, peak 300m of 2
      limits.memory 7Gi -> 9Gi, peak 9Gi of 8Gi too much
    fits-after-termination
    ");
}

/// Returns an object as the API server has it after `kubectl apply` of another one.
fn applied(live: &str, applied: &str) -> String {
    let applied = serde_json::to_string(applied).unwrap();
    let metadata =
        format!("metadata: {{annotations: {{kubectl.kubernetes.io/last-applied-configuration: {applied}}}, ");
    live.replacen("metadata: {", &metadata, 1)
}

#[test]
fn unchanged_manifests_are_kept() {
    let bot = |resources: &str, env: &str, volume: &str| {
        format!(
            "{{\"apiVersion\": \"apps/v1\", \"kind\": \"Deployment\", metadata: {{\"name\": \"bot\", \"namespace\": \
             \"tool-stashbot\"}}, \"spec\": {{\"replicas\": 1, \"selector\": {{\"matchLabels\": {{\"app\": \"bot\"}}}}, \
             \"template\": {{\"metadata\": {{\"labels\": {{\"app\": \"bot\"}}}}, \"spec\": {{\"volumes\": [{{\"name\": \
             \"v\", \"emptyDir\": {{\"sizeLimit\": {volume}}}}}], \"containers\": [{{\"name\": \"main\", \"image\": \"x\", \
             \"env\": [{env}], \"resources\": {{\"limits\": {resources}}}}}]}}}}}}}}\n"
        )
    };
    let live = bot(r#"{"cpu": "1", "memory": "1Gi"}"#, r#"{"name": "A"}"#, r#""1Gi""#);
    let file = bot(r#"{"cpu": 1, "memory": "1024Mi"}"#, r#"{"name": "A", "value": ""}"#, r#""1024Mi""#);
    let last = file.replace("metadata: {", "\"metadata\": {");
    assert_eq!(plan("seed-2020", &live, &[&file]), "keep object Deployment bot\nfits\n");
    assert_eq!(plan("seed-2020", &applied(&live, &last), &[&file]), "keep object Deployment bot\nfits\n");
    let half = file.replace("\"cpu\": 1,", "\"cpu\": 0.5,");
    assert!(
        plan("seed-2020", &applied(&live, &last), &[&half]).starts_with("update object Deployment bot, ")
    );
    let without_env = file.replace(r#"{"name": "A", "value": ""}"#, "");
    let removed = plan("seed-2020", &applied(&live, &last), &[&without_env]);
    assert!(removed.starts_with("update object Deployment bot, "), "{removed}");
}

#[test]
fn unchanged_data_is_kept() {
    let object = |kind: &str, data: &str| {
        format!("{{apiVersion: v1, kind: {kind}, metadata: {{name: a, namespace: tool-stashbot}}, {data}}}\n")
    };
    let secret = object("Secret", "type: Opaque, data: {a: eA==, b: eQ==}");
    let map = object("ConfigMap", "data: {a: x, b: y}");
    for (live, file, action) in [
        (&map, object("ConfigMap", "data: {a: x, b: y}"), "keep"),
        (&map, object("ConfigMap", "data: {a: x, b: z}"), "update"),
        (&secret, object("Secret", "data: {a: eA==, b: eQ==}"), "keep"),
        (&secret, object("Secret", "stringData: {a: x, b: y}"), "keep"),
        (&secret, object("Secret", "stringData: {a: x, b: z}"), "update"),
    ] {
        let found = plan("seed-2020", live, &[&file]);
        assert!(found.starts_with(&format!("{action} object ")), "{file}: {found}");
    }
    let last = r#"{"data": {"a": "x", "b": "y"}}"#;
    let found = plan("seed-2020", &applied(&map, last), &[&object("ConfigMap", "data: {a: x}")]);
    assert!(found.starts_with("update object "), "{found}");
}

#[test]
fn objects_of_two_files_are_repeated() {
    let job = |name: &str, rest: &str| format!("- {{name: {name}, command: x, image: bookworm, {rest}}}\n");
    let continuous = job("bot", "continuous: true, port: 80");
    let service = "{apiVersion: v1, kind: Service, metadata: {name: bot}, spec: {ports: [{port: 80}]}}\n";
    let cron_job = "{apiVersion: batch/v1, kind: CronJob, metadata: {name: bot}, spec: {schedule: '@daily', jobTemplate: \
                    {spec: {template: {spec: {containers: [{name: a, image: x}]}}}}}}\n";
    let run = cron_job.replace("CronJob", "Job").replace(
        "spec: {schedule: '@daily', jobTemplate: {spec: {template: {spec: {containers: [{name: a, image: x}]}}}}}",
        "spec: {template: {spec: {containers: [{name: a, image: x}]}}}",
    );
    let template = "type: php8.2\n".to_owned();
    for (first, second, expected) in [
        (&continuous, deployment("bot", "1Gi", 1, ""), "Deployment bot; job bot has one"),
        (&continuous, service.to_owned(), "Service bot; job bot has one"),
        (&job("bot", "schedule: '@daily'"), cron_job.to_owned(), "CronJob bot; job bot has one"),
        (&job("bot", "mem: 1Gi"), run, "Job bot; job bot has one"),
        (&template, deployment("stashbot", "1Gi", 1, ""), "Deployment stashbot; the web service has one"),
        (&template, service.replace("bot", "stashbot"), "Service stashbot; the web service has one"),
        (&template, job("stashbot", "continuous: true"), "Deployment stashbot; the web service has one"),
    ] {
        let found = plan("toolforge-2023", "", &[first, &second]);
        let mut problems = found.lines().filter(|line| line.starts_with("problem: "));
        let expected = format!("problem: a second {expected}");
        assert_eq!((problems.next(), problems.next()), (Some(expected.as_str()), None), "{found}");
        assert!(!found.contains("object"), "{found}");
    }
    for second in [cron_job, &deployment("other", "1Gi", 1, "")] {
        let found = plan("toolforge-2023", "", &[&continuous, second]);
        assert!(!found.contains("problem"), "{found}");
    }
}

/// Returns the first line of a plan.
fn first_line(live: &str, file: &str) -> String {
    plan("seed-2020", live, &[file]).lines().next().unwrap_or_default().to_owned()
}

#[test]
fn immutable_fields_are_problems() {
    let bot = deployment("bot", "1Gi", 1, "");
    let other = bot.replace("{app: bot}", "{app: other}");
    assert_eq!(
        first_line(&bot, &other),
        "problem: spec.selector.matchLabels.app of Deployment bot cannot be changed; delete it first"
    );
    assert_eq!(first_line("", &other), "create object Deployment bot");
    let one = pod("bot", "1Gi", "");
    for (from, to, expected) in [
        ("memory: 1Gi", "memory: 1024Mi", "keep object Pod bot-1"),
        ("image: x", "image: z", "update object Pod bot-1"),
        ("app: bot", "app: other", "update object Pod bot-1"),
        (
            "memory: 1Gi",
            "memory: 3Gi",
            "problem: spec.containers[main].resources.limits.memory of Pod bot-1 cannot be changed; delete it first",
        ),
        (
            "image: x, ",
            "image: x, command: [z], ",
            "problem: spec.containers[main].command of Pod bot-1 cannot be changed; delete it first",
        ),
        (
            "name: main",
            "name: new",
            "problem: spec.containers[new] of Pod bot-1 cannot be changed; delete it first",
        ),
    ] {
        assert_eq!(first_line(&one, &one.replace(from, to)), expected, "{to}");
    }
    let job = "{apiVersion: batch/v1, kind: Job, metadata: {name: a, namespace: tool-stashbot}, spec: {parallelism: 1, \
               completions: 1, template: {spec: {containers: [{name: a, image: x}]}}}}\n";
    for (from, to, expected) in [
        ("parallelism: 1", "parallelism: 2", "update object Job a"),
        (
            "image: x",
            "image: z",
            "problem: spec.template.spec.containers[a].image of Job a cannot be changed; delete it first",
        ),
        (
            "completions: 1",
            "completions: 2",
            "problem: spec.completions of Job a cannot be changed; delete it first",
        ),
    ] {
        assert_eq!(first_line(job, &job.replace(from, to)), expected, "{to}");
    }
    let set = "{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: a, namespace: tool-stashbot}, spec: {replicas: 1, \
               serviceName: a, selector: {matchLabels: {a: b}}, template: {spec: {containers: [{name: a, image: x}]}}}}\n";
    for (from, to, expected) in [
        ("replicas: 1", "replicas: 2", "update object StatefulSet a"),
        ("image: x", "image: z", "update object StatefulSet a, in-place, downtime"),
        (
            "serviceName: a",
            "serviceName: b",
            "problem: spec.serviceName of StatefulSet a cannot be changed; delete it first",
        ),
    ] {
        assert_eq!(first_line(set, &set.replace(from, to)), expected, "{to}");
    }
}

#[test]
fn numbers_below_zero_are_errors() {
    let bot = deployment("bot", "1Gi", 1, "").replace("replicas: 1", "replicas: -1");
    assert_eq!(
        first_line("", &bot),
        "error: line 5, column 13: replicas is -1; expected a whole number of at least 0"
    );
    let job = "{apiVersion: batch/v1, kind: Job, metadata: {name: a}, spec: {parallelism: -2, template: {spec: {containers: \
               [{name: a, image: x}]}}}}\n";
    assert!(first_line("", job).ends_with("parallelism is -2; expected a whole number of at least 0"));
}

#[test]
fn object_of_an_old_api_version_is_the_same() {
    let ingress = |version: &str| {
        format!(
            "{{apiVersion: {version}, kind: Ingress, metadata: {{name: i}}, spec: {{ingressClassName: x}}}}\n---\n"
        )
    };
    let found = plan("", &ingress("extensions/v1beta1"), &[&ingress("networking.k8s.io/v1")]);
    assert!(found.starts_with("keep object Ingress i\n"), "{found}");
}

/// Returns a pod with a second container, and amounts of the first one: limits and requests of memory and CPU.
fn pod_of(amounts: [&str; 4]) -> String {
    let [memory, cpu, memory_request, cpu_request] = amounts;
    let stated = |pairs: [(&str, &str); 2]| {
        let stated = pairs.into_iter().filter(|(_, amount)| !amount.is_empty());
        stated.map(|(resource, amount)| format!("{resource}: {amount}")).collect::<Vec<_>>().join(", ")
    };
    let limits = stated([("memory", memory), ("cpu", cpu)]);
    let requests = stated([("memory", memory_request), ("cpu", cpu_request)]);
    format!(
        "{{apiVersion: v1, kind: Pod, metadata: {{name: a}}, spec: {{containers: [{{name: main, image: x, resources: \
         {{limits: {{{limits}}}, requests: {{{requests}}}}}}}, {{name: other, image: x, resources: {{limits: {{memory: \
         100Mi, cpu: 100m}}}}}}]}}}}\n"
    )
}

#[test]
fn printed_proposals_fit() {
    let tool: ToolName = "stashbot".parse().unwrap();
    let namespace = Documents::default().namespace(&tool).unwrap().with_profile("seed-2020").unwrap();
    let facts = Documents::default().file_facts(namespace).unwrap();
    let mut text = String::new();
    for amounts in [
        ["256Mi", "100m", "1Gi", ""],
        ["256Mi", "100m", "1Gi", "200m"],
        ["7Gi", "100m", "5Gi", ""],
        ["7Gi", "100m", "1Gi", ""],
        ["7Gi", "100m", "", ""],
        ["512Mi", "3", "", "1500m"],
        ["512Mi", "", "", "3"],
        ["", "", "7Gi", ""],
        ["", "", "", "3"],
    ] {
        let check = |amounts: [&str; 4]| {
            let files = [FileContents::parse(&pod_of(amounts), &tool)];
            let plan = plan_files(&files, &facts);
            (plan.fits(), file_adjustments(&files, &facts, &plan, ChangeSet::fits))
        };
        let (fits, found) = check(amounts);
        assert!(!fits && !found.is_empty(), "{amounts:?}");
        for found in found {
            writeln!(text, "{amounts:?}: {found}").unwrap();
            let proposed = [
                found.limits.memory.map(|amount| amount.to_string()),
                found.limits.cpu.map(|amount| amount.to_string()),
                found.requests.memory.map(|amount| amount.to_string()),
                found.requests.cpu.map(|amount| amount.to_string()),
            ];
            let [memory, cpu, memory_request, cpu_request] = &proposed;
            let or = |proposed: &Option<String>, index: usize| {
                proposed.clone().unwrap_or_else(|| amounts[index].to_owned())
            };
            let amounts = [or(memory, 0), or(cpu, 1), or(memory_request, 2), or(cpu_request, 3)];
            assert!(check(amounts.each_ref().map(String::as_str)).0, "{found}: {amounts:?}");
            assert_eq!(found.part, Some(PodPart::Container("main".to_owned())));
        }
    }
    assert_snapshot!(text, @r#"
    ["256Mi", "100m", "1Gi", ""]: memory request 256Mi of container main
    ["256Mi", "100m", "1Gi", "200m"]: memory request 256Mi and CPU request 100m of container main
    ["7Gi", "100m", "5Gi", ""]: memory 4Gi and memory request 4Gi of container main
    ["7Gi", "100m", "1Gi", ""]: memory 4Gi of container main
    ["7Gi", "100m", "", ""]: memory 4Gi of container main
    ["512Mi", "3", "", "1500m"]: CPU 1 and CPU request 1 of container main
    ["512Mi", "", "", "3"]: CPU request 500m of container main
    ["", "", "7Gi", ""]: memory request 512Mi of container main
    ["", "", "", "3"]: CPU request 500m of container main
    "#);
}
