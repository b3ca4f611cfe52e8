//! The linter and the API server, with the platform's policies, agree about generated manifests.

mod manifests;

use std::collections::BTreeMap;

use serde_json::{Value, json};
use toolforge_e2e::{Api, Connection, Tool};
use toolforge_images::Catalog;
use toolforge_quota::{Limits, profiles};
use toolforge_render::lint::{Level, LintContext, lint};

use self::manifests::{
    CONFIG_MAP, CRON_JOB, DEPLOYMENT, DOMAIN, ENDPOINTS, INGRESS, JOB, NETWORK_POLICY, POD, SECRET, SERVICE,
    clean, mutate,
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
    // What the controllers create is checked when they do.
    let template = match kind {
        DEPLOYMENT | JOB => &object["spec"]["template"],
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
    let mut context = LintContext::offline(Some(tool.name().parse().unwrap()));
    context.catalog = Catalog::parse(include_str!("../../../../fixtures/catalog/images-2026.yaml")).unwrap();
    context.limits = Limits::from(profiles::by_name("toolforge-2023").unwrap());
    context.assumes_limits = false;
    context.platform.public_domain = DOMAIN.to_owned();

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
        ENDPOINTS,
        NETWORK_POLICY,
    ];
    let mut wrong: BTreeMap<String, String> = BTreeMap::new();
    let (mut refused, mut accepted, mut disagreements) = (0, 0, 0);
    for _ in 0..count {
        let kind = random.pick(&kinds);
        let mut object = clean(&mut random, kind, tool.name());
        let changed = if random.percent(85) { mutate(&mut random, kind, &mut object) } else { String::new() };
        let text = serde_json::to_string_pretty(&object).unwrap();
        let errors: Vec<String> = lint(&text, &context)
            .into_iter()
            .filter(|finding| finding.level() == Level::Error)
            .map(|finding| format!("{}: {}", finding.rule.id(), finding.message.as_raw()))
            .collect();
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
