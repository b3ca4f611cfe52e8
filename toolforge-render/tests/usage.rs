//! What uses the quota of a namespace, and what it blocks.

#![expect(clippy::unwrap_used, reason = "a test's own function may stop the test")]

use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};
use toolforge_images::Catalog;
use toolforge_model::ToolName;
use toolforge_quota::profiles;
use toolforge_render::job::JobFacts;
use toolforge_render::namespace::Namespace;
use toolforge_render::pod::{PodSet, PodSetKind};
use toolforge_render::usage::{
    PodMetrics, blocked_objects, out_of_memory_kills, unknown_sets, upcoming_runs, workload_usage,
};

const NOW: &str = "2026-11-29T12:00:00Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn facts() -> JobFacts {
    let tool: ToolName = "x".parse().unwrap();
    JobFacts::new(Namespace::new(&tool, Catalog::bundled()).with_profile("toolforge-2023").unwrap())
}

fn pod(name: &str, labels: &Value, memory: &str, status: &Value) -> Value {
    let resources = json!({"limits": {"cpu": "100m", "memory": memory}});
    json!({
        "metadata": {"name": name, "labels": labels},
        "spec": {"containers": [{"name": "main", "resources": resources}]},
        "status": status,
    })
}

fn event(kind: &str, name: &str, message: &str, times: [&str; 2], count: u32) -> Value {
    json!({
        "metadata": {}, "reason": "FailedCreate", "message": message, "count": count,
        "involvedObject": {"kind": kind, "name": name}, "firstTimestamp": times[0], "lastTimestamp": times[1],
    })
}

const EXCEEDED: &str = "Error creating: pods \"bot-1-x\" is forbidden: exceeded quota: tool-x, requested: limits.memory=2Gi, \
                        used: limits.memory=7Gi, limited: limits.memory=8Gi";

#[test]
fn workloads_are_sorted_by_their_share() {
    let web = json!({"app.kubernetes.io/component": "web", "app.kubernetes.io/managed-by": "webservice"});
    let job =
        json!({"app.kubernetes.io/managed-by": "toolforge-jobs-framework", "app.kubernetes.io/name": "bot"});
    let shell = json!({
        "app.kubernetes.io/component": "webservice-interactive", "app.kubernetes.io/managed-by": "webservice",
    });
    let running = json!({"phase": "Running"});
    let pods = json!([
        pod("by-hand", &json!({}), "1Gi", &running),
        pod("bot-1", &job, "3Gi", &running),
        pod("web-1", &web, "2Gi", &running),
        pod("web-2", &web, "2Gi", &running),
        pod("shell-1", &shell, "512Mi", &running),
        pod("done", &job, "4Gi", &json!({"phase": "Succeeded"})),
    ]);
    let pods: Vec<_> = serde_json::from_value(pods).unwrap();
    let metrics: Vec<PodMetrics> = serde_json::from_value(json!([
        {"metadata": {"name": "web-1"}, "containers": [{"name": "main", "usage": {"cpu": "12345678n", "memory": "100Mi"}}]},
        {"metadata": {"name": "web-2"}, "containers": [{"name": "main", "usage": {"cpu": "1m", "memory": "28Mi"}}]},
    ]))
    .unwrap();
    let profile = profiles::by_name("toolforge-2023").unwrap();
    let usage = workload_usage(&pods, std::slice::from_ref(&profile.quota), &[profile.limit_range], &metrics);
    let shown: Vec<String> = usage
        .iter()
        .map(|usage| {
            let share = usage.share(std::slice::from_ref(&profile.quota)).unwrap();
            let measured = usage.measured.map(|found| format!(" {} {}", found.cpu, found.memory));
            format!(
                "{}: {}, {} % of {}{}",
                usage.consumer,
                usage.pods,
                share.percent,
                share.resource,
                measured.unwrap_or_default()
            )
        })
        .collect();
    insta::assert_snapshot!(shown.join("\n"), @"
    the web service: 2, 67 % of requests.memory 14m 128Mi
    the job bot: 1, 50 % of requests.memory
    the pod by-hand: 1, 17 % of requests.memory
    the shell shell-1: 1, 10 % of pods
    ");
}

#[test]
fn blocked_objects_still_need_their_pods() {
    let mut facts = facts();
    let deployment = |name: &str, unavailable: u32| {
        json!({
            "metadata": {"name": name}, "spec": {"selector": {}, "template": {}},
            "status": {"observedGeneration": 1, "replicas": 1 - unavailable, "unavailableReplicas": unavailable},
        })
    };
    facts.live.deployments =
        serde_json::from_value(json!([deployment("bot", 1), deployment("bot-b", 0)])).unwrap();
    let cron_job = json!({"metadata": {"name": "daily"}, "spec": {"schedule": "@daily", "jobTemplate": {}}});
    facts.live.cron_jobs = serde_json::from_value(json!([cron_job])).unwrap();
    let once = ["2026-11-29T11:55:00Z", "2026-11-29T11:55:00Z"];
    facts.live.events = serde_json::from_value(json!([
        // Pods of a deleted Deployment, CronJob and Job, and of a run of an existing CronJob.
        event("ReplicaSet", "gone-5d8c7f9b6", EXCEEDED, once, 1),
        event("CronJob", "gone", EXCEEDED, once, 1),
        event("Job", "gone", EXCEEDED, once, 1),
        event("Job", "daily-29500000", EXCEEDED, ["2026-11-29T11:40:00Z", "2026-11-29T11:40:00Z"], 1),
        event("ReplicaSet", "bot-5d8c7f9b6", EXCEEDED, ["2026-11-29T11:00:00Z", "2026-11-29T11:50:00Z"], 12),
        event("ReplicaSet", "bot-b-6c9d5b7f8", EXCEEDED, ["2026-11-29T11:00:00Z", "2026-11-29T11:59:00Z"], 2),
        event("CronJob", "daily", EXCEEDED, ["2026-11-29T11:55:00Z", "2026-11-29T11:55:00Z"], 1),
        event(
            "ReplicaSet",
            "other-1",
            "Error creating: no quota",
            ["2026-11-29T11:55:00Z", "2026-11-29T11:55:00Z"],
            1
        ),
    ]))
    .unwrap();
    let shown: Vec<String> = blocked_objects(&facts, now())
        .iter()
        .map(|found| {
            let resources: Vec<_> =
                found.exceeded.iter().map(|exceeded| exceeded.resource.as_raw()).collect();
            let (object, since) = (&found.object, found.since.unwrap());
            let missing = found
                .missing
                .as_ref()
                .map(|pods| format!(" lacks {} of {}", pods.count, pods.owner))
                .unwrap_or_default();
            format!(
                "{object} {} {} {since} {}{missing}",
                found.is_blocked_now,
                resources.join(","),
                found.count
            )
        })
        .collect();
    insta::assert_snapshot!(shown.join("\n"), @"
    ReplicaSet bot-5d8c7f9b6 true limits.memory 2026-11-29T11:00:00Z 12 lacks 1 of Deployment bot
    ReplicaSet bot-b-6c9d5b7f8 false limits.memory 2026-11-29T11:00:00Z 2
    CronJob daily false limits.memory 2026-11-29T11:55:00Z 1
    Job daily-29500000 false limits.memory 2026-11-29T11:40:00Z 1
    ");
}

#[test]
fn conditions_show_blocked_objects_without_events() {
    let mut facts = facts();
    let condition = json!({
        "type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": EXCEEDED,
        "lastTransitionTime": "2026-11-29T09:00:00Z",
    });
    let other = json!({"type": "Available", "status": "True", "message": EXCEEDED});
    let deployment = |name: &str, condition: &Value| {
        json!({
            "metadata": {"name": name}, "spec": {"replicas": 2, "selector": {}, "template": {}},
            "status": {"observedGeneration": 1, "unavailableReplicas": 2, "conditions": [condition]},
        })
    };
    let of_disk = json!({"type": "ReplicaFailure", "status": "True", "message": "no space left on device"});
    facts.live.deployments = serde_json::from_value(json!([
        deployment("bot", &condition),
        deployment("fine", &other),
        deployment("known", &condition),
        deployment("other", &of_disk),
    ]))
    .unwrap();
    let set = |kind: PodSetKind, condition: &Value| {
        let status = json!({"replicas": 1, "conditions": [condition]});
        let spec = json!({"replicas": 3, "template": {"spec": {"containers": []}}});
        PodSet::of_json(kind, &json!({"metadata": {"name": "set"}, "spec": spec, "status": status})).unwrap()
    };
    facts.live.sets = vec![set(PodSetKind::ReplicaSet, &condition), set(PodSetKind::StatefulSet, &other)];
    let recent = ["2026-11-29T11:50:00Z", "2026-11-29T11:59:00Z"];
    let events = [("ReplicaSet", "known-5d8c7f9b6"), ("StatefulSet", "set"), ("StatefulSet", "unknown")];
    let events = events.map(|(kind, name)| event(kind, name, EXCEEDED, recent, 2));
    facts.live.events = serde_json::from_value(json!(events)).unwrap();
    assert_eq!(unknown_sets(&facts.live).into_iter().collect::<Vec<_>>(), [PodSetKind::StatefulSet]);
    let shown: Vec<String> = blocked_objects(&facts, now())
        .iter()
        .map(|found| {
            assert!(found.is_blocked_now);
            let missing = found.missing.as_ref().map_or("some".to_owned(), |pods| pods.count.to_string());
            format!("{} lacks {missing} since {}, {} times", found.object, found.since.unwrap(), found.count)
        })
        .collect();
    insta::assert_snapshot!(shown.join("\n"), @"
    ReplicaSet known-5d8c7f9b6 lacks 2 since 2026-11-29T09:00:00Z, 2 times
    StatefulSet set lacks 2 since 2026-11-29T11:50:00Z, 2 times
    StatefulSet unknown lacks some since 2026-11-29T11:50:00Z, 2 times
    Deployment bot lacks 2 since 2026-11-29T09:00:00Z, 0 times
    ReplicaSet set lacks 2 since 2026-11-29T09:00:00Z, 0 times
    ");
}

#[test]
fn files_may_lack_blocked_objects() {
    let names = ["ReplicaSet gone-5d8c7f9b6", "Deployment gone", "CronJob gone", "Job gone"];
    let shown = |facts: &JobFacts| {
        let found = blocked_objects(facts, now());
        found.into_iter().map(|found| found.object.to_string()).collect::<Vec<_>>()
    };
    let mut facts = facts();
    let once = ["2026-11-29T11:55:00Z", "2026-11-29T11:55:00Z"];
    let events = names.map(|object| {
        let (kind, name) = object.split_once(' ').unwrap();
        event(kind, name, EXCEEDED, once, 1)
    });
    facts.live.events = serde_json::from_value(json!(events)).unwrap();
    facts.live.pods =
        serde_json::from_value(json!([pod("bot", &json!({}), "1Gi", &json!({"phase": "Running"}))])).unwrap();
    assert_eq!(shown(&facts), [""; 0]);
    let add_kind = |facts: &mut JobFacts, kind: &str| {
        facts.file_kinds.get_or_insert_default().insert(kind.to_owned());
    };
    add_kind(&mut facts, "Pod");
    assert_eq!(shown(&facts), names);
    let deployment = json!({"metadata": {"name": "bot"}, "spec": {"selector": {}, "template": {}}});
    facts.live.deployments = serde_json::from_value(json!([deployment])).unwrap();
    add_kind(&mut facts, "Deployment");
    assert_eq!(shown(&facts), names[2..]);
    let cron_job = json!({"metadata": {"name": "daily"}, "spec": {"schedule": "@daily", "jobTemplate": {}}});
    facts.live.cron_jobs = serde_json::from_value(json!([cron_job])).unwrap();
    add_kind(&mut facts, "CronJob");
    assert_eq!(shown(&facts), ["Job gone"]);
    add_kind(&mut facts, "Job");
    facts.live.jobs = serde_json::from_value(json!([{"metadata": {"name": "once"}}])).unwrap();
    assert_eq!(shown(&facts), [""; 0]);
}

#[test]
fn kills_show_the_limit() {
    let status = json!({
        "phase": "Running",
        "containerStatuses": [{
            "name": "main", "image": "", "imageID": "", "ready": true, "restartCount": 3,
            "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled", "finishedAt": "2026-11-29T11:00:00Z"}},
        }],
    });
    let pods = json!([pod("bot-1", &json!({}), "1Gi", &status), pod("fine", &json!({}), "1Gi", &json!({}))]);
    let kills = out_of_memory_kills(&serde_json::from_value::<Vec<_>>(pods).unwrap());
    assert_eq!(kills.len(), 1);
    assert_eq!((kills[0].limit.unwrap().to_string(), kills[0].restarts), ("1Gi".to_owned(), 3));
}

#[test]
fn kills_of_sidecars_and_init_containers_count() {
    for (init, states) in [
        (json!({"name": "helper", "restartPolicy": "Always"}), ["lastState", "state"]),
        (json!({"name": "helper"}), ["state", "lastState"]),
    ] {
        let killed = json!({"terminated": {"exitCode": 137, "reason": "OOMKilled"}});
        let mut pod = pod("bot-1", &json!({}), "1Gi", &json!({"phase": "Running"}));
        pod["spec"]["initContainers"] = json!([init]);
        pod["spec"]["initContainers"][0]["resources"] = json!({"limits": {"memory": "64Mi"}});
        let status = json!({"name": "helper", "image": "", "imageID": "", "ready": true, "restartCount": 2});
        pod["status"]["initContainerStatuses"] = json!([status]);
        pod["status"]["initContainerStatuses"][0][states[0]] = killed;
        pod["status"]["initContainerStatuses"][0][states[1]] = json!({"running": {}});
        let kills = out_of_memory_kills(&[serde_json::from_value(pod).unwrap()]);
        let shown: Vec<_> =
            kills.iter().map(|kill| (kill.limit.unwrap().to_string(), kill.restarts)).collect();
        assert_eq!(shown, [("64Mi".to_owned(), 2)], "{init}");
    }
}

#[test]
fn upcoming_runs_have_a_verdict() {
    let mut facts = facts();
    let cron_job = |name: &str, schedule: &str, memory: &str| {
        let labels = json!({
            "toolforge": "tool", "app.kubernetes.io/managed-by": "toolforge-jobs-framework",
            "app.kubernetes.io/created-by": "x", "app.kubernetes.io/component": "cronjobs",
            "app.kubernetes.io/name": name,
        });
        let containers = json!([{"name": "job", "resources": {"limits": {"memory": memory}}}]);
        let template = json!({"spec": {"containers": containers}});
        let spec = json!({"schedule": schedule, "jobTemplate": {"spec": {"template": template}}});
        json!({"metadata": {"name": name, "labels": labels, "uid": name}, "spec": spec})
    };
    // No tool manages it.
    let mut by_hand = cron_job("by-hand", "@daily", "2Gi");
    by_hand["metadata"]["labels"] = json!({});
    facts.live.cron_jobs = serde_json::from_value(json!([
        cron_job("late", "0 23 * * *", "1Gi"),
        cron_job("soon", "5 12 * * *", "4Gi"),
        cron_job("never", "9 12 * * *", "6Gi"),
        by_hand,
    ]))
    .unwrap();
    let quota = &mut facts.namespace.limits.quotas[0];
    quota.used.add(toolforge_quota::Resource::LimitsMemory, 5 << 30);
    let shown: Vec<String> = upcoming_runs(&facts, now())
        .iter()
        .map(|run| format!("{} {} {}", run.name, run.due, run.now.verdict()))
        .collect();
    insta::assert_snapshot!(shown.join("\n"), @"
    soon 2026-11-29T12:05:00Z quota-exceeded
    never 2026-11-29T12:09:00Z never
    late 2026-11-29T23:00:00Z fits
    by-hand 2026-11-30T00:00:00Z fits
    ");
}
