//! What is converted can be read as a jobs file.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test's own function may stop the test")]

use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};
use toolforge_images::Catalog;
use toolforge_model::{JobsFile, ServiceTemplate, ToolName, write_jobs};
use toolforge_render::convert::{Conversion, Converter, with_current_version};
use toolforge_render::manifest::{Manifests, file_documents};
use toolforge_render::namespace::Namespace;

static NAMESPACE: LazyLock<Namespace> = LazyLock::new(|| Namespace::new(&tool(), Catalog::bundled()));

fn tool() -> ToolName {
    "stashbot".parse().unwrap()
}

/// Asserts that reading the jobs file and the template returns the converted workloads.
fn assert_readable(conversion: &Conversion) {
    let text = conversion.to_yaml();
    if !text.is_empty() {
        let file = JobsFile::parse(&text, &tool()).unwrap_or_else(|errors| panic!("{errors}\n{text}"));
        let read = write_jobs(file.jobs.iter().map(|job| &job.request));
        assert_eq!(read, write_jobs(conversion.jobs.iter().map(|job| &job.request)), "{text}");
    }
    if let Some(web) = &conversion.web_service {
        ServiceTemplate::parse(&web.to_yaml()).unwrap_or_else(|errors| panic!("{errors}\n{}", web.to_yaml()));
    }
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        select(vec![
            "x",
            "./bot.py",
            "--all",
            "-",
            "",
            "a b",
            "true",
            "1",
            "#",
            "'",
            "\n",
            "$$x",
            "/bin/sh",
            "-c",
            "\u{1b}[1m"
        ])
        .prop_map(str::to_owned),
        "\\PC{0,12}",
    ]
}

fn image() -> impl Strategy<Value = &'static str> {
    select(vec![
        "docker-registry.svc.toolforge.org/toolforge-python311-sssd-base:latest",
        "docker-registry.tools.wmflabs.org/toolforge-php82-sssd-web:latest",
        "tools-harbor.wmcloud.org/tool-stashbot/stashbot:latest",
        "nginx",
    ])
}

fn count() -> impl Strategy<Value = i64> {
    select(vec![-1, 0, 1, 5, 6, 30, 300, 70_000])
}

fn probe() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        (text(), count()).prop_map(|(path, port)| json!({"httpGet": {"path": path, "port": port}})),
        prop::collection::vec(text(), 0..3).prop_map(|command| json!({"exec": {"command": command}})),
        Just(json!({"tcpSocket": {"port": "http"}})),
    ]
}

prop_compose! {
    fn container()(
        image in image(),
        command in prop::option::of(prop::collection::vec(text(), 0..4)),
        args in prop::option::of(prop::collection::vec(text(), 0..3)),
        env in prop::collection::vec((text(), text()), 0..3),
        memory in select(vec!["1Gi", "0", "100m", "64Mi", "1e3", "9999999Ti"]),
        cpu in select(vec!["1", "0", "1m", "100u", "1e3"]),
        liveness in probe(),
        readiness in probe(),
    ) -> Value {
        let env: Vec<Value> =
            env.into_iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
        json!({
            "name": "x", "image": image, "command": command, "args": args, "env": env, "livenessProbe": liveness,
            "readinessProbe": readiness, "resources": {"limits": {"cpu": cpu, "memory": memory}},
            "ports": [{"name": "http", "containerPort": 8000}],
        })
    }
}

prop_compose! {
    fn objects()(
        kind in select(vec!["Deployment", "Web", "CronJob", "Job", "Pod"]),
        name in select(vec!["bot", "Bot", "a.b", "x-", "1", "stashbot"]),
        container in container(),
        restart in select(vec!["Always", "Never", "OnFailure"]),
        mount in select(vec!["all", "none", "other"]),
        (number, seconds, port) in (count(), count(), count()),
        schedule in select(vec!["7 3 * * *", "@daily", "* * * * *", "99 * * * *", "0 0 30 2 *"]),
        (protocol, target) in (select(vec!["TCP", "UDP", "SCTP"]), select(vec![json!("http"), json!("no"), json!(9)])),
    ) -> Vec<Value> {
        let labels = json!({"app": "x", "toolforge.org/mount-storage": mount});
        let pod = json!({"restartPolicy": restart, "containers": [container]});
        let template = json!({"metadata": {"labels": labels}, "spec": pod});
        let job = json!({"backoffLimit": number, "activeDeadlineSeconds": seconds, "template": template});
        let deployment = json!({"replicas": number, "selector": {"matchLabels": {"app": "x"}}, "template": template});
        let (version, named, spec) = match kind {
            "CronJob" => ("batch/v1", kind, json!({"schedule": schedule, "jobTemplate": {"spec": job}})),
            "Job" => ("batch/v1", kind, job),
            "Pod" => ("v1", kind, pod),
            _ => ("apps/v1", "Deployment", deployment),
        };
        let labels = if kind == "Web" { json!({"app.kubernetes.io/component": "web"}) } else { Value::Null };
        let ports = json!([{"port": port, "protocol": protocol, "targetPort": target}]);
        vec![
            json!({"apiVersion": version, "kind": named, "metadata": {"name": name, "labels": labels}, "spec": spec}),
            json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {"selector": {"app": "x"}, "ports": ports}}),
        ]
    }
}

fn line() -> impl Strategy<Value = String> {
    let start = select(vec!["0 3 * * *", "@daily", "*/5 * * * 1-5", "", "99 * * * *", "@reboot"]);
    let submit = select(vec![
        "",
        "jsub -once -N Some_Name",
        "jstart -mem 1g",
        "jsub -l h_vmem=1.5G,h_rt=1 -o a.log -j y",
        "/usr/bin/jsub -mem 0",
    ]);
    (start, submit, prop::collection::vec(text(), 1..4)).prop_map(|(start, submit, words)| {
        let words = words.join(" ").replace('\n', " ");
        format!("{start} {submit} {words}").trim().to_owned()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn converted_manifests_are_readable(objects in objects()) {
        let mut manifests = Manifests::default();
        let text = json!({"apiVersion": "v1", "kind": "List", "items": objects}).to_string();
        for document in &file_documents(&text).documents {
            manifests.read(&with_current_version(&document.node), &tool());
        }
        let mut converter = Converter::new(&NAMESPACE, None);
        converter.add_manifests(&manifests.manifests);
        assert_readable(&converter.finish());
    }

    #[test]
    fn converted_lines_are_readable(lines in prop::collection::vec(line(), 1..5)) {
        let mut converter = Converter::new(&NAMESPACE, None);
        converter.add_lines(&lines.join("\n"));
        assert_readable(&converter.finish());
    }
}
