//! The linter and the API server, with the platform's policies, agree about generated manifests.

mod manifests;
mod more_changes;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};
use toolforge_e2e::{Api, Connection, Tool};
use toolforge_images::Catalog;
use toolforge_quota::{Limits, profiles};
use toolforge_render::lint::{Level, LintContext, lint, server_objects};

use self::manifests::{
    CONFIG_MAP, CRON_JOB, DEPLOYMENT, DOMAIN, ENDPOINTS, HTTP_ROUTE, INGRESS, JOB, NETWORK_POLICY, POD,
    REPLICA_SET, SECRET, SERVICE, STATEFUL_SET, clean, mutate,
};
use crate::random::Random;

/// How many manifests are generated; `TOOLFORGE_E2E_MANIFESTS` sets another number.
const MANIFESTS: usize = 2000;

/// Returns why the API server, or a controller, refuses an object; `None` if both accept it.
fn refusal(connection: &mut Connection, namespace: &str, object: &Value) -> Option<String> {
    let kind = object["kind"].as_str().unwrap_or_default();
    let api_version = object["apiVersion"].as_str().unwrap_or_default();
    let plural = match kind {
        INGRESS => "ingresses".to_owned(),
        NETWORK_POLICY => "networkpolicies".to_owned(),
        ENDPOINTS => "endpoints".to_owned(),
        kind => format!("{}s", kind.to_lowercase()),
    };
    let in_namespace = object["metadata"]["namespace"].as_str().unwrap_or(namespace);
    let root = if api_version.contains('/') { "apis" } else { "api" };
    let query = "dryRun=All&fieldValidation=Strict";
    let path = format!("/{root}/{api_version}/namespaces/{in_namespace}/{plural}?{query}");
    let (code, answer) = connection.try_text("POST", &path, object);
    if code != 201 {
        return Some(format!("{code} {answer}"));
    }
    if kind == CRON_JOB {
        let template = &object["spec"]["jobTemplate"];
        let mut job = json!({"apiVersion": api_version, "kind": JOB, "metadata": template["metadata"], "spec": template["spec"]});
        job["metadata"]["name"] = json!("of-a-controller");
        let path = format!("/{root}/{api_version}/namespaces/{namespace}/jobs?{query}");
        let (code, answer) = connection.try_text("POST", &path, &job);
        if code != 201 {
            return Some(format!("its Job: {code} {answer}"));
        }
    }
    // Objects that controllers create are checked at their creation.
    let template = match kind {
        DEPLOYMENT | JOB | REPLICA_SET | STATEFUL_SET => &object["spec"]["template"],
        CRON_JOB => &object["spec"]["jobTemplate"]["spec"]["template"],
        _ => return None,
    };
    let mut pod =
        json!({"apiVersion": "v1", "kind": POD, "metadata": template["metadata"], "spec": template["spec"]});
    pod["metadata"]["name"] = json!("of-a-controller");
    let (code, answer) =
        connection.try_text("POST", &format!("/api/v1/namespaces/{namespace}/pods?{query}"), &pod);
    (code != 201).then(|| format!("its pod: {code} {answer}"))
}

/// Returns the linter's facts of the sandbox.
fn context(tool: &Tool) -> LintContext {
    let mut context = LintContext::offline(Some(tool.name().parse().unwrap()));
    context.catalog = Catalog::parse(include_str!("../../../../fixtures/catalog/images-2026.yaml")).unwrap();
    context.limits = Limits::from(profiles::by_name("toolforge-2023").unwrap());
    context.assumes_limits = false;
    context.platform.public_domain = DOMAIN.to_owned();
    context
}

/// Returns the errors in a text.
fn errors(text: &str, context: &LintContext) -> Vec<String> {
    lint(text, context)
        .into_iter()
        .filter(|finding| finding.level() == Level::Error)
        .map(|finding| format!("{}: {}", finding.rule.id(), finding.message.as_raw()))
        .collect()
}

#[test]
fn lint_agrees_about_hand_written_manifests() {
    let tool = Tool::new("lint-hand");
    let namespace = tool.namespace();
    let api = Api::impersonating(tool.sandbox(), tool.name());
    let mut connection = api.connect();
    let context = context(&tool);
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/lint/handwritten");
    let mut wrong = Vec::new();
    let mut count = 0;
    for verdict in ["accepted", "refused"] {
        for file in std::fs::read_dir(directory.join(verdict)).unwrap() {
            let path = file.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            let objects = server_objects(&text, &context, &[]);
            let [object] = objects.as_slice() else { panic!("{}: one object", path.display()) };
            let answer = refusal(&mut connection, &namespace, &object.json);
            let errors = errors(&text, &context);
            if answer.is_none() != (verdict == "accepted") || answer.is_none() != errors.is_empty() {
                wrong.push(format!("{}: {answer:?}\n  lint: {errors:?}", path.display()));
            }
            count += 1;
        }
    }
    assert!(wrong.is_empty() && count > 8, "{count} files:\n{}", wrong.join("\n"));
}

#[test]
fn lint_agrees_with_the_api_server() {
    let variable = |name: &str| std::env::var(name).ok().and_then(|value| value.parse().ok());
    let seed = variable("TOOLFORGE_E2E_SEED").unwrap_or(2026);
    let count = variable("TOOLFORGE_E2E_MANIFESTS")
        .and_then(|count| usize::try_from(count).ok())
        .unwrap_or(MANIFESTS);
    let mut random = Random::new(seed);
    let tool = Tool::new("lint");
    let namespace = tool.namespace();
    let api = Api::impersonating(tool.sandbox(), tool.name());
    let mut connection = api.connect();
    let context = context(&tool);
    let kinds = [
        DEPLOYMENT,
        DEPLOYMENT,
        CRON_JOB,
        CRON_JOB,
        JOB,
        POD,
        SERVICE,
        CONFIG_MAP,
        SECRET,
        INGRESS,
        HTTP_ROUTE,
        ENDPOINTS,
        NETWORK_POLICY,
        REPLICA_SET,
        STATEFUL_SET,
        STATEFUL_SET,
    ];
    let mut wrong: BTreeMap<String, String> = BTreeMap::new();
    let (mut refused, mut accepted, mut disagreements) = (0, 0, 0);
    for _ in 0..count {
        let kind = random.pick(&kinds);
        let mut object = clean(&mut random, kind, tool.name());
        let changed = if random.percent(85) { mutate(&mut random, kind, &mut object) } else { String::new() };
        let text = serde_json::to_string_pretty(&object).unwrap();
        let errors = errors(&text, &context);
        let answer = refusal(&mut connection, &namespace, &object);
        match (&answer, errors.is_empty()) {
            (None, true) => accepted += 1,
            (Some(_), false) => refused += 1,
            _ => {
                disagreements += 1;
                let answer = answer.unwrap_or_else(|| "accepted".to_owned());
                let answer: String = answer.chars().take(400).collect();
                wrong.insert(format!("{kind} {changed}"), format!("{answer}\n  lint: {errors:?}"));
            }
        }
    }
    println!(
        "seed {seed}, {count} manifests: {accepted} accepted, {refused} refused, {disagreements} disagreements"
    );
    let list: Vec<String> = wrong.iter().map(|(case, found)| format!("{case}\n  {found}")).collect();
    assert!(wrong.is_empty(), "{} kinds of disagreements:\n{}", wrong.len(), list.join("\n"));
    assert!(accepted * 5 > count && refused * 5 > count, "too few of one verdict");
}
