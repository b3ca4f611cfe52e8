//! Applying change sets: the requests and the report.
#![expect(clippy::unwrap_used, reason = "a test's own function may stop the test")]

use std::time::Duration;

use insta::assert_snapshot;
use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};
use toolforge_client::scripted::{Answer, Requests, Script};
use toolforge_client::{
    ApplyError, ApplyOptions, ApplyReport, Attempt, ChangeOutcome, ChangeReport, Planner, Progress,
    RolloutTarget, WebServiceStart,
};
use toolforge_images::Catalog;
use toolforge_model::{JobsFile, ToolName, WebServiceOptions};
use toolforge_render::change::ChangeSet;
use toolforge_render::job::{JobFacts, LoadOptions, plan_load};
use toolforge_render::namespace::Namespace;
use toolforge_render::web_service::{
    PlanOptions, Routing, StartTime, WebServiceFacts, WebServicePlan, web_service_changes,
};

const DEPLOYMENT: &str = "PATCH /apis/apps/v1/namespaces/tool-x/deployments/x";
const ROUTES: &str = "/apis/gateway.networking.k8s.io/v1/namespaces/tool-x/httproutes";
const INGRESS: &str = "/apis/networking.k8s.io/v1/namespaces/tool-x/ingresses/x-subdomain";

fn tool() -> ToolName {
    "x".parse().unwrap()
}

fn plan(facts: &WebServiceFacts, routing: Option<Routing>) -> WebServicePlan {
    let options = WebServiceOptions::default();
    let request = options.merge_into(&tool(), None, "php8.2".parse().unwrap()).unwrap();
    WebServicePlan::new(request, facts, PlanOptions::default().with_routing(routing)).unwrap()
}

/// Returns the facts of a running web service with an Ingress.
fn running() -> WebServiceFacts {
    let mut facts = WebServiceFacts::new(Namespace::new(&tool(), Catalog::bundled()));
    facts.live = plan(&facts, None).objects().into_iter().collect();
    facts.live.ingress.as_mut().unwrap().metadata.uid = Some("i-1".to_owned());
    facts
}

/// Returns the change from the Ingress to an HTTPRoute.
fn change_of_route() -> ChangeSet {
    let facts = running();
    web_service_changes(&plan(&facts, Some(Routing::HttpRoute)), &facts, StartTime::Keep)
}

/// Returns an HTTPRoute with the gateway's status of a generation.
fn route(generation: i64, observed: i64, status: &str) -> Value {
    let condition = json!({"type": "Accepted", "status": status, "observedGeneration": observed, "message": "no listener"});
    json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
        "metadata": {"name": "x", "uid": "r-1", "generation": generation, "resourceVersion": "11"},
        "status": {"parents": [{"conditions": [condition]}]},
    })
}

/// Applies the change from the Ingress to an HTTPRoute that the list shows first, and a watch afterwards.
async fn apply_route(stored: &Value, changed: &[Value]) -> (Result<(), String>, Requests) {
    let set = change_of_route();
    let list = json!({"metadata": {"resourceVersion": "10"}, "items": [stored]});
    let watch = format!(
        "GET {ROUTES}?allowWatchBookmarks=true&fieldSelector=metadata.name%3Dx&resourceVersion=10&timeoutSeconds=290&watch=true"
    );
    let frames: Vec<Value> =
        changed.iter().map(|route| json!({"type": "MODIFIED", "object": route})).collect();
    let (client, requests) = Script::new()
        .answer(&format!("PATCH {ROUTES}/x"), Answer::json(200, stored))
        .answer(&format!("GET {ROUTES}"), Answer::json(200, &list))
        .answer(&watch, Answer::frames(&frames).and_stays_open())
        .answer(&format!("DELETE {ROUTES}/x"), Answer::json(200, &json!({})))
        .answer(&format!("DELETE {INGRESS}"), Answer::json(200, &json!({})))
        .client();
    let report = client.apply_changes(&tool(), &set, ApplyOptions::default()).await;
    let result = report.into_result().map(|_| ()).map_err(|error: ApplyError| error.to_string());
    (result, requests)
}

#[tokio::test(start_paused = true)]
async fn accepted_route_replaces_the_ingress() {
    let (result, requests) = apply_route(&route(1, 1, "True"), &[]).await;
    assert_eq!(result, Ok(()));
    assert_snapshot!(requests, @"
    PATCH /apis/gateway.networking.k8s.io/v1/namespaces/tool-x/httproutes/x?fieldManager=toolforge-cli&force=true
    GET   /apis/gateway.networking.k8s.io/v1/namespaces/tool-x/httproutes?fieldSelector=metadata.name%3Dx&limit=500
    DELETE /apis/networking.k8s.io/v1/namespaces/tool-x/ingresses/x-subdomain
    ");
}

#[tokio::test(start_paused = true)]
async fn refused_route_keeps_the_ingress() {
    let (result, requests) = apply_route(&route(1, 1, "False"), &[]).await;
    assert_eq!(
        result,
        Err("the gateway refuses the new route, so the old one was kept: no listener".to_owned())
    );
    assert_snapshot!(requests.writes().lines().skip_while(|line| !line.starts_with("DELETE")).collect::<Vec<_>>().join("\n"), @r#"
    DELETE /apis/gateway.networking.k8s.io/v1/namespaces/tool-x/httproutes/x
    {
      "preconditions": {
        "uid": "r-1"
      },
      "propagationPolicy": "Background"
    }
    "#);
    assert!(!requests.to_string().contains(INGRESS), "{requests}");
}

#[tokio::test(start_paused = true)]
async fn wait_ignores_outdated_status() {
    for stale in ["True", "False"] {
        let (result, requests) = apply_route(&route(2, 1, stale), &[]).await;
        assert_eq!(
            result,
            Err("the gateway has not accepted the changed route within 5 seconds, so the old one was kept"
                .to_owned())
        );
        assert!(!requests.to_string().contains("DELETE"), "{requests}");
        let (result, requests) = apply_route(&route(2, 1, stale), &[route(2, 2, "True")]).await;
        assert_eq!(result, Ok(()));
        assert!(requests.to_string().contains(&format!("DELETE {INGRESS}")), "{requests}");
        let (result, _) = apply_route(&route(2, 1, stale), &[route(2, 2, "False")]).await;
        assert!(result.unwrap_err().contains("refuses"));
    }
}

fn load(existing: &str, wanted: &str) -> ChangeSet {
    let requests = |yaml: &str| {
        let jobs = JobsFile::parse(yaml, &tool()).unwrap().jobs;
        jobs.into_iter().map(|job| job.request).collect::<Vec<_>>()
    };
    let mut facts = JobFacts::new(Namespace::new(&tool(), Catalog::bundled()).with_uid(52503));
    let mut options = LoadOptions::of_file("/a.yaml");
    options.prunes = true;
    let live = plan_load(&requests(existing), &facts, &options).set;
    facts.live.extend(live.objects().cloned());
    plan_load(&requests(wanted), &facts, &options).set
}

fn progress(report: &ApplyReport) -> Vec<(&str, Progress)> {
    report.changes.iter().map(|report| (report.change.name.as_str(), report.progress)).collect()
}

#[tokio::test]
async fn failed_dry_run_has_stored_nothing() {
    let file = "- {name: a, image: bookworm, command: x, continuous: true, port: 8000}\n";
    let set = load("[]", file);
    let (client, requests) = Script::new()
        .answer("POST /apis/apps/v1/namespaces/tool-x/deployments", Answer::json(201, &json!({})))
        .answer("POST /api/v1/namespaces/tool-x/services", Answer::refusal(403, "Forbidden", "denied"))
        .client();
    let report = client.apply_changes(&tool(), &set, ApplyOptions::dry_run()).await;
    assert!(report.dry_run);
    assert_eq!(progress(&report), [("a", Progress::Nothing)]);
    assert!(!requests.to_string().contains("DELETE"), "{requests}");
}

#[tokio::test]
async fn addresses_are_owned_by_the_deployment() {
    let file = "- {name: a, image: bookworm, command: x, continuous: true, port: 8000}\n";
    let stored = json!({"metadata": {"name": "a", "uid": "d-1"}});
    let (client, requests) = Script::new()
        .answer("POST /apis/apps/v1/namespaces/tool-x/deployments", Answer::json(201, &stored))
        .answer("POST /api/v1/namespaces/tool-x/services", Answer::json(201, &json!({})))
        .client();
    let report = client.apply_changes(&tool(), &load("[]", file), ApplyOptions::default()).await;
    assert!(report.is_done());
    let writes = requests.writes();
    let owners: Vec<&str> = writes
        .lines()
        .skip_while(|line| !line.contains("ownerReferences"))
        .take_while(|line| !line.contains(']'))
        .map(str::trim)
        .collect();
    assert_eq!(
        owners.concat(),
        r#""ownerReferences": [{"apiVersion": "apps/v1","kind": "Deployment","name": "a","uid": "d-1"}"#
    );
}

#[tokio::test]
async fn dry_run_skips_quota_of_deletions() {
    let job = |name: &str| format!("- {{name: {name}, image: bookworm, command: x, continuous: true}}\n");
    let full = "deployments.apps \"b\" is forbidden: exceeded quota: q, requested: count/deployments.apps=1, used: count/deployments.apps=1, limited: count/deployments.apps=1";
    for (existing, wanted, is_done) in [(job("a"), job("b"), true), (job("a"), job("a") + &job("b"), false)] {
        let set = load(&existing, &wanted);
        let (client, _) = Script::new()
            .answer("DELETE /apis/apps/v1/namespaces/tool-x/deployments/a", Answer::json(200, &json!({})))
            .answer(
                "POST /apis/apps/v1/namespaces/tool-x/deployments",
                Answer::refusal(403, "Forbidden", full),
            )
            .client();
        let report = client.apply_changes(&tool(), &set, ApplyOptions::dry_run()).await;
        assert_eq!(report.is_done(), is_done, "{wanted}");
    }
}

#[tokio::test]
async fn dry_run_checks_without_removed_fields() {
    let mut facts = running();
    let mut live = serde_json::to_value(&facts.live.deployment).unwrap();
    live["spec"]["template"]["spec"]["containers"][0]["readinessProbe"] = json!({"exec": {"command": ["x"]}});
    facts.live.deployment = serde_json::from_value(live).unwrap();
    let set = web_service_changes(&plan(&facts, None), &facts, StartTime::Keep);
    let merge = format!("{DEPLOYMENT}?dryRun=All&fieldManager=toolforge-cli");
    let apply = format!("{DEPLOYMENT}?dryRun=All&fieldManager=toolforge-cli&force=true");
    let refused = Answer::refusal(422, "Invalid", "may not specify more than 1 handler type");
    let (client, requests) =
        Script::new().answer(&merge, Answer::json(200, &json!({}))).answer(&apply, refused).client();
    let report = client.apply_changes(&tool(), &set, ApplyOptions::dry_run()).await;
    let outcome = &report.changes[0].outcome;
    assert!(matches!(outcome, ChangeOutcome::Done), "{outcome:?}");
    assert_eq!(requests.count(), 1, "{requests}");
}

/// Returns continuous jobs of these names, as a file.
fn continuous(names: &[&str]) -> String {
    names.iter().fold(String::new(), |text, name| {
        text + &format!("- {{name: {name}, image: bookworm, command: x, continuous: true}}\n")
    })
}

/// Answers the deletions of `a` and `b`: `b` is gone at once, and `a` still terminates.
fn terminating_a() -> Script {
    let list =
        |items: Value| Answer::json(200, &json!({"metadata": {"resourceVersion": "10"}, "items": items}));
    let listed = |name: &str| {
        format!(
            "GET /apis/apps/v1/namespaces/tool-x/deployments?fieldSelector=metadata.name%3D{name}&limit=500"
        )
    };
    let watch = "GET /apis/apps/v1/namespaces/tool-x/deployments?allowWatchBookmarks=true&fieldSelector=metadata.name%3Da&resourceVersion=10&timeoutSeconds=290&watch=true";
    Script::new()
        .answer("DELETE /apis/apps/v1/namespaces/tool-x/deployments/a", Answer::json(200, &json!({})))
        .answer("DELETE /apis/apps/v1/namespaces/tool-x/deployments/b", Answer::json(200, &json!({})))
        .answer(&listed("a"), list(json!([{"metadata": {"name": "a"}}])))
        .answer(&listed("b"), list(json!([])))
        .answer(watch, Answer::frames(&[]).and_stays_open())
        .answer("GET /api/v1/namespaces/tool-x/pods", list(json!([])))
        .answer("POST /apis/apps/v1/namespaces/tool-x/deployments", Answer::json(201, &json!({})))
}

/// Plans the same changes, which somebody interrupts after some seconds.
struct Interrupted<'a> {
    set: &'a ChangeSet,
    seconds: u64,
}

impl Planner for Interrupted<'_> {
    type Plan = ChangeSet;
    type Error = ApplyError;

    async fn plan(&self, _attempt: &Attempt) -> Result<ChangeSet, ApplyError> {
        Ok(self.set.clone())
    }

    async fn interrupted(&self) {
        tokio::time::sleep(Duration::from_secs(self.seconds)).await;
    }
}

/// Applies a change set until it is interrupted after some seconds, and returns the outcome of each change.
async fn apply_for(seconds: u64, set: &ChangeSet, script: Script) -> (Vec<String>, Requests) {
    let (client, requests) = script.client();
    let planner = Interrupted { set, seconds };
    let report =
        client.apply_planned(&tool(), ApplyOptions::default(), &planner).await.unwrap().into_parts().1;
    let outcome = |change: &ChangeReport| {
        let outcome = match &change.outcome {
            ChangeOutcome::Failed(error) => error.to_string(),
            other => format!("{other:?}"),
        };
        format!("{}: {outcome}", change.change.name)
    };
    (report.changes.iter().map(outcome).collect(), requests)
}

#[tokio::test(start_paused = true)]
async fn does_not_wait_after_interrupted_deletions() {
    let set = load(&continuous(&["a", "b"]), "[]");
    let script = Script::new()
        .answer("DELETE /apis/apps/v1/namespaces/tool-x/deployments/a", Answer::json(200, &json!({})))
        .answer("DELETE /apis/apps/v1/namespaces/tool-x/deployments/b", Answer::silent());
    let (outcomes, requests) = apply_for(1, &set, script).await;
    assert_eq!(outcomes, ["a: Interrupted", "b: Interrupted"]);
    assert!(!requests.to_string().contains("GET"), "{requests}");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_created_after_an_interrupted_wait() {
    let set = load(&continuous(&["a", "b", "kept"]), &continuous(&["c", "kept"]));
    let (outcomes, requests) = apply_for(1, &set, terminating_a()).await;
    assert_eq!(outcomes, ["a: Interrupted", "b: Done", "c: NotTried", "kept: NotTried"]);
    assert!(!requests.to_string().contains("POST"), "{requests}");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_created_after_a_failed_deletion() {
    let set = load(&continuous(&["a", "b"]), &continuous(&["c"]));
    let (outcomes, requests) = apply_for(600, &set, terminating_a()).await;
    assert_eq!(outcomes, ["a: Deployment a still exists after 30 seconds", "b: Done", "c: NotTried"]);
    assert!(!requests.to_string().contains("POST"), "{requests}");
}

#[tokio::test(start_paused = true)]
async fn interruption_sends_nothing_more() {
    let set = load("[]", &continuous(&["a", "b"]));
    let (outcomes, requests) = apply_for(0, &set, terminating_a()).await;
    assert_eq!(outcomes, ["a: NotTried", "b: NotTried"]);
    assert_eq!(requests.count(), 0, "{requests}");
}

#[tokio::test]
async fn outdated_changes_are_planned_again() {
    let (one, two) = (load("[]", &continuous(&["a", "b"])), load("[]", &continuous(&["b"])));
    let taken = Answer::refusal(409, "AlreadyExists", "deployments.apps \"b\" already exists");
    let post = "POST /apis/apps/v1/namespaces/tool-x/deployments";
    let (client, requests) = Script::new()
        .answer(post, Answer::json(201, &json!({})))
        .answer(post, taken)
        .answer(post, Answer::json(201, &json!({})))
        .client();
    let planner = async |attempt: &Attempt| {
        let done: Vec<&str> = attempt.done().map(|change| change.name.as_str()).collect();
        assert_eq!(done.len(), usize::try_from(attempt.earlier_attempts).unwrap());
        Ok::<_, ApplyError>(if attempt.is_first() { one.clone() } else { two.clone() })
    };
    let applied = client.apply_planned(&tool(), ApplyOptions::default(), &planner).await.unwrap();
    assert_eq!(progress(&applied.into_parts().1), [("a", Progress::Complete), ("b", Progress::Complete)]);
    assert_eq!(requests.count(), 3, "{requests}");
}

#[tokio::test]
async fn changes_that_do_not_fit_are_not_sent() {
    let (client, requests) = Script::new().client();
    let requested = JobsFile::parse(&continuous(&["a"]), &tool()).unwrap().jobs.remove(0).request;
    let planner = async |_: &Attempt| {
        let mut facts = JobFacts::new(Namespace::new(&tool(), Catalog::bundled()).with_uid(52503));
        facts.namespace = facts.namespace.with_profile("tools-2023").unwrap();
        let mut requested = requested.clone();
        requested.memory = Some("100Gi".parse().unwrap());
        Ok::<_, ApplyError>(plan_load(&[requested], &facts, &LoadOptions::default()))
    };
    let error = client.apply_planned(&tool(), ApplyOptions::default(), &planner).await.unwrap_err();
    assert!(error.to_string().starts_with("the changes do not fit: "), "{error}");
    assert_eq!(requests.count(), 0, "{requests}");
}

#[tokio::test]
async fn completion_keeps_the_deployment() {
    let mut facts = running();
    facts.live.deployment.as_mut().unwrap().metadata.uid = Some("d-1".to_owned());
    let service = facts.live.service.take().unwrap();
    let planner = async |_: &Attempt| {
        let restart = StartTime::Always(Timestamp::UNIX_EPOCH);
        let set = web_service_changes(&plan(&facts, None), &facts, restart);
        Ok::<_, ApplyError>(WebServiceStart::new(set, facts.live.clone()))
    };
    for (uid, is_completed) in [("d-1", true), ("d-2", false)] {
        let (client, requests) = Script::new()
            .answer("PATCH /api/v1/namespaces/tool-x/services/x", Answer::json(201, &json!(service)))
            .client();
        let target = RolloutTarget { uid: Some(uid.to_owned()), generation: None };
        let report = client.complete_web_service(&tool(), &planner, &target).await.unwrap();
        assert_eq!(report.map(|report| report.is_done()), is_completed.then_some(true));
        assert_eq!(requests.to_string().lines().count(), usize::from(is_completed), "{requests}");
    }
}
