//! The requests that the verbs make, from recorded answers: an extra round trip, or a write that need not be, shows here.
#![expect(clippy::unwrap_used, reason = "a test's own function may stop the test")]

mod adoption;
mod by_hand;
mod documents;
mod does_not_fit;
mod lint;
mod partial;
mod questions;
mod stale;
mod unmanaged;
mod unread;

use insta::assert_snapshot;
use serde_json::{Value, json};
use toolforge_cli::{ExitCode, Failure, Session, Source};
use toolforge_client::ToolHome;
use toolforge_client::scripted::{Answer, Script};
use toolforge_render::namespace::Platform;

const CATALOG: &str = "GET /api/v1/namespaces/tf-public/configmaps/image-config";
const BATCH: &str = "/apis/batch/v1/namespaces/tool-tf-test";
const APPS: &str = "/apis/apps/v1/namespaces/tool-tf-test";
const CORE: &str = "/api/v1/namespaces/tool-tf-test";
const ROUTES: &str = "/apis/gateway.networking.k8s.io/v1/namespaces/tool-tf-test/httproutes";
const RECORDS: &str = "/apis/jobs-api.toolforge.org/v1/namespaces/tool-tf-test";

/// Returns the first object of a recorded case, as it is in a cluster.
fn object(case: &str) -> Value {
    objects(case).remove(0)
}

/// Returns the objects of a recorded case, as they are in a cluster.
fn objects(case: &str) -> Vec<Value> {
    let case: Value =
        serde_json::from_str(&toolforge_fixtures::read(&format!("parity/jobs/run/{case}.json"))).unwrap();
    let mut objects: Vec<Value> =
        case["created"].as_array().unwrap().iter().map(|created| created["object"].clone()).collect();
    for object in &mut objects {
        for (key, value) in [("uid", json!("u-1")), ("resourceVersion", json!("5")), ("generation", json!(1))]
        {
            object["metadata"][key] = value;
        }
    }
    objects
}

/// Returns the answers of a cluster in which these objects exist, except where `instead` answers.
fn cluster(cron_jobs: &[Value], deployments: &[Value], instead: &[(String, Answer)]) -> Script {
    let catalog = toolforge_fixtures::read("parity/jobs/image-config-for-golden.yaml");
    let catalog = json!({"metadata": {"name": "image-config"}, "data": {"images-v1.yaml": catalog}});
    let list =
        |items: &[Value]| Answer::json(200, &json!({"metadata": {"resourceVersion": "7"}, "items": items}));
    let mut answers = vec![
        (CATALOG.to_owned(), Answer::json(200, &catalog)),
        (format!("GET {APPS}/deployments"), list(deployments)),
        (format!("GET {BATCH}/cronjobs"), list(cron_jobs)),
        (format!("GET {BATCH}/jobs"), list(&[])),
        (format!("GET {CORE}/pods"), list(&[])),
        (format!("GET {CORE}/services"), list(&[])),
        (format!("GET {CORE}/events"), list(&[])),
        (format!("GET {CORE}/resourcequotas"), list(&[])),
        (format!("GET {CORE}/limitranges"), list(&[])),
        (format!("GET {ROUTES}"), Answer::not_found("", "")),
        (format!("GET {RECORDS}/continuous-jobs"), Answer::not_found("", "")),
        (format!("GET {RECORDS}/scheduled-jobs"), Answer::not_found("", "")),
    ];
    answers.retain(|(request, _)| !instead.iter().any(|(other, _)| other == request));
    answers.extend_from_slice(instead);
    answers.into_iter().fold(Script::new(), |script, (request, answer)| script.answer(&request, answer))
}

/// Runs a command line against a script and returns how it ended and the requests that it made, the first reads sorted.
fn run(script: Script, words: &[&str]) -> String {
    let (ended, requests) = outcome(script, words);
    let ended = match ended {
        Ok(kind) => format!("[exit {}]", kind.code()),
        Err(failure) => format!("[exit {}]\n{failure}", failure.exit_code().code()),
    };
    let mut lines: Vec<&str> = requests.lines().collect();
    let reads = lines.iter().take_while(|line| line.starts_with("GET")).count();
    lines[..reads].sort_unstable();
    format!("{ended}\n{}", lines.join("\n"))
}

/// Runs a command line against a script and returns its outcome and the requests that it made.
fn outcome(script: Script, words: &[&str]) -> (Result<ExitCode, Failure>, String) {
    outcome_in(tokio::runtime::Builder::new_current_thread().enable_all(), script, words)
}

/// Does the same in a runtime of a test.
fn outcome_in(
    runtime: &mut tokio::runtime::Builder,
    script: Script,
    words: &[&str],
) -> (Result<ExitCode, Failure>, String) {
    outcome_at_home(runtime, script, words, None)
}

/// Does the same with a home of the tool.
fn outcome_at_home(
    runtime: &mut tokio::runtime::Builder,
    script: Script,
    words: &[&str],
    home: Option<ToolHome>,
) -> (Result<ExitCode, Failure>, String) {
    let runtime = runtime.build().unwrap();
    let (client, requests) = {
        let _inside = runtime.enter();
        script.client()
    };
    let session = Session {
        tool: "tf-test".parse().unwrap(),
        platform: Platform::default(),
        uid: Some(52503),
        home,
        source: Source::Cluster { runtime, client },
    };
    let ended = jobs::run_in(&session, ["jobs"].into_iter().chain(words.iter().copied()));
    if let Err(failure) = &ended {
        // A verb that only reads does not suggest itself.
        let verbs = ["list", "show", "logs", "plan", "render", "quota", "cron", "images", "dump"];
        let verb = words.first().filter(|verb| verbs.contains(verb));
        let advised = verb.map(|verb| format!("jobs {verb}"));
        let is_own = |hint: &String| advised.as_ref().is_some_and(|advised| hint.contains(advised.as_str()));
        assert!(!failure.hints().iter().any(is_own), "{words:?}: {failure}");
    }
    (ended, requests.to_string())
}

/// Returns the lines of requests that write.
fn writes(shown: &str) -> String {
    let is_read = |line: &&str| !line.starts_with("GET");
    shown.lines().filter(is_read).collect::<Vec<_>>().join("\n")
}

#[test]
fn list_sends_a_fixed_number_of_requests() {
    let cron_jobs: Vec<Value> = (0..40)
        .map(|index| {
            let mut object = object("scheduled-hourly");
            for pointer in ["/metadata/name", "/metadata/labels/app.kubernetes.io~1name"] {
                *object.pointer_mut(pointer).unwrap() = json!(format!("j{index}"));
            }
            object
        })
        .collect();
    assert_snapshot!(run(cluster(&cron_jobs, &[], &[]), &["list"]), @"
    [exit 0]
    GET   /api/v1/namespaces/tf-public/configmaps/image-config
    GET   /api/v1/namespaces/tool-tf-test/events?limit=500
    GET   /api/v1/namespaces/tool-tf-test/pods?limit=500
    GET   /api/v1/namespaces/tool-tf-test/services?limit=500
    GET   /apis/apps/v1/namespaces/tool-tf-test/deployments?limit=500
    GET   /apis/batch/v1/namespaces/tool-tf-test/cronjobs?limit=500
    GET   /apis/batch/v1/namespaces/tool-tf-test/jobs?limit=500
    GET   /apis/gateway.networking.k8s.io/v1/namespaces/tool-tf-test/httproutes?limit=500
    ");
}

#[test]
fn run_creates_a_job_with_one_request() {
    let created = (format!("POST {BATCH}/jobs"), Answer::json(201, &json!({})));
    let line = ["run", "once", "--image", "python3.13", "--command", "./once.sh"];
    let shown = run(cluster(&[], &[], &[created]), &line);
    assert_snapshot!(writes(&shown), @"
    [exit 0]
    POST  /apis/batch/v1/namespaces/tool-tf-test/jobs?fieldManager=toolforge-cli
    ");
}

#[test]
fn incomplete_job_is_deleted() {
    let instead = [
        (format!("POST {APPS}/deployments"), Answer::json(201, &json!({}))),
        (
            format!("POST {CORE}/services"),
            Answer::refusal(
                403,
                "Forbidden",
                "services is forbidden: exceeded quota: q, requested: services=1, used: services=1, limited: services=1",
            ),
        ),
        (format!("DELETE {APPS}/deployments/web"), Answer::json(200, &json!({}))),
        (format!("GET {CORE}/services/web"), Answer::not_found("services", "web")),
    ];
    let line = ["run", "web", "--image", "python3.13", "--command", "x", "--continuous", "--port", "8000"];
    assert_snapshot!(writes(&run(cluster(&[], &[], &instead), &line)), @"
    [exit 4]
    error: the cluster refused: quota exceeded for services
      services is forbidden: exceeded quota: q, requested: services=1, used: services=1, limited: services=1

    hint: `quota-check` shows the usage; https://w.wiki/6YLP explains how to request more.

    POST  /apis/apps/v1/namespaces/tool-tf-test/deployments?fieldManager=toolforge-cli
    POST  /api/v1/namespaces/tool-tf-test/services?fieldManager=toolforge-cli
    DELETE /apis/apps/v1/namespaces/tool-tf-test/deployments/web
    ");
}

#[test]
fn run_completes_a_job_without_its_service() {
    let deployment = object("continuous-port");
    let name = deployment["metadata"]["name"].as_str().unwrap();
    let stored = json!({"metadata": {"name": name, "uid": "b"}});
    let instead = || {
        [
            (format!("POST {CORE}/services"), Answer::json(201, &json!({}))),
            (format!("PUT {APPS}/deployments/{name}"), Answer::json(200, &stored)),
        ]
    };
    let line =
        ["run", name, "--image", "python3.13", "--command", "./bot.py", "--continuous", "--port", "8080"];
    let deployments = std::slice::from_ref(&deployment);
    assert_snapshot!(writes(&run(cluster(&[], deployments, &instead()), &line)), @"
    [exit 0]
    POST  /api/v1/namespaces/tool-tf-test/services?fieldManager=toolforge-cli
    PUT   /apis/apps/v1/namespaces/tool-tf-test/deployments/myjob?fieldManager=toolforge-cli
    ");
    let other = [&line[..], &["--mem", "1Gi"]].concat();
    assert_snapshot!(writes(&run(cluster(&[], deployments, &instead()), &other)), @"
    [exit 1]
    error: a job with the name myjob already exists

    hint: `toolforge jobs delete myjob` deletes it; a job of a file is changed in the file, with `toolforge jobs load`.
    ");
}

/// A private job that is complete differs from one whose creation was interrupted: that one has no Service.
#[test]
fn run_does_not_publish_a_complete_job() {
    let objects = objects("continuous-port");
    let (deployment, service) = (&objects[0], &objects[1]);
    let route = &json!({
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": service["metadata"],
        "spec": {
            "hostnames": ["tf-test.toolforge.org"],
            "parentRefs": [{"namespace": "istio-gateway", "name": "toolforge"}],
            "rules": [{"backendRefs": [{"name": "myjob", "port": 8080}]}],
        },
    });
    let name = deployment["metadata"]["name"].as_str().unwrap();
    let stored =
        || Answer::json(200, &json!({"metadata": {"name": name, "uid": "u-1", "resourceVersion": "6"}}));
    let run = |services: &[Value], routes: &[Value]| {
        let instead = [
            (format!("GET {CORE}/services"), unmanaged::list(services)),
            (format!("GET {ROUTES}"), unmanaged::list(routes)),
            (format!("POST {CORE}/services"), stored()),
            (format!("POST {ROUTES}"), stored()),
            (format!("PUT {CORE}/services/{name}"), stored()),
            (format!("PUT {ROUTES}/{name}"), stored()),
            (format!("PUT {APPS}/deployments/{name}"), stored()),
        ];
        let port = service["spec"]["ports"][0]["port"].to_string();
        let line = [
            "run",
            name,
            "--image",
            "python3.13",
            "--command",
            "./bot.py",
            "--continuous",
            "--publish",
            "--port",
            &port,
        ];
        writes(&run(cluster(&[], std::slice::from_ref(deployment), &instead), &line))
    };
    assert_snapshot!(run(std::slice::from_ref(service), &[]), @"
    [exit 1]
    error: a job with the name myjob already exists

    hint: `toolforge jobs delete myjob` deletes it; a job of a file is changed in the file, with `toolforge jobs load`.
    ");
    assert_snapshot!(run(&[], &[]), @"
    [exit 0]
    POST  /apis/gateway.networking.k8s.io/v1/namespaces/tool-tf-test/httproutes?fieldManager=toolforge-cli
    POST  /api/v1/namespaces/tool-tf-test/services?fieldManager=toolforge-cli
    PUT   /apis/apps/v1/namespaces/tool-tf-test/deployments/myjob?fieldManager=toolforge-cli
    ");
    assert_snapshot!(run(&[], std::slice::from_ref(route)), @"
    [exit 0]
    PUT   /apis/gateway.networking.k8s.io/v1/namespaces/tool-tf-test/httproutes/myjob?fieldManager=toolforge-cli
    POST  /api/v1/namespaces/tool-tf-test/services?fieldManager=toolforge-cli
    PUT   /apis/apps/v1/namespaces/tool-tf-test/deployments/myjob?fieldManager=toolforge-cli
    ");
}

#[test]
fn recorded_job_changes_with_adopt_only() {
    let record = json!({"metadata": {"resourceVersion": "7"}, "items": [{"metadata": {"name": "myjob"}}]});
    let cron_job = object("scheduled-hourly");
    let instead = || {
        vec![
            (format!("GET {RECORDS}/scheduled-jobs"), Answer::json(200, &record)),
            (format!("DELETE {RECORDS}/scheduled-jobs/myjob"), Answer::json(200, &json!({}))),
            (format!("DELETE {BATCH}/cronjobs/myjob"), Answer::json(200, &json!({}))),
            (format!("GET {BATCH}/cronjobs/myjob"), Answer::not_found("cronjobs", "myjob")),
        ]
    };
    let refused = run(cluster(std::slice::from_ref(&cron_job), &[], &instead()), &["delete", "myjob"]);
    assert_snapshot!(writes(&refused), @"
    [exit 1]
    error: job myjob is kept by the platform's jobs service, which would still list it

    hint: `--adopt` deletes its record there, too.
    ");
    let listed = run(
        cluster(std::slice::from_ref(&cron_job), &[], &instead()),
        &["show", "myjob", "--output", "name"],
    );
    assert!(listed.starts_with("[exit 0]"), "{listed}");
    let again = ["run", "myjob", "--image", "python3.13", "--command", "x"];
    assert!(run(cluster(&[], &[], &instead()), &again).contains("already exists"));
}

#[test]
fn replace_retries_after_status_change() {
    let mut cron_job = object("scheduled-hourly");
    cron_job["metadata"]["resourceVersion"] = json!("6");
    let conflict = Answer::refusal(409, "Conflict", "the object has been modified");
    let path = format!("{BATCH}/cronjobs/myjob");
    let file = std::env::temp_dir().join(format!("jobs-{}.yaml", std::process::id()));
    std::fs::write(&file, "- {name: myjob, image: python3.13, command: ./job.sh, schedule: '@daily'}\n")
        .unwrap();
    let load = ["load", file.to_str().unwrap()];
    let script = |found: &Value| {
        let instead = [
            (format!("PUT {path}"), conflict.clone()),
            (format!("PUT {path}"), Answer::json(200, &json!({}))),
            (format!("GET {path}"), Answer::json(200, found)),
        ];
        cluster(&[object("scheduled-hourly")], &[], &instead)
    };
    let changed = run(script(&cron_job), &load);
    assert_eq!(changed.matches("PUT").count(), 2, "{changed}");
    assert!(changed.starts_with("[exit 0]"), "{changed}");
    // After a change by somebody else, the objects are read again.
    cron_job["metadata"]["generation"] = json!(2);
    let again = run(script(&cron_job), &load);
    std::fs::remove_file(&file).unwrap();
    let requests: Vec<&str> = again.lines().filter(|line| line.contains("cronjobs")).collect();
    assert_snapshot!(requests.join("\n"), @"
    GET   /apis/batch/v1/namespaces/tool-tf-test/cronjobs?limit=500
    PUT   /apis/batch/v1/namespaces/tool-tf-test/cronjobs/myjob?fieldManager=toolforge-cli
    GET   /apis/batch/v1/namespaces/tool-tf-test/cronjobs/myjob
    GET   /apis/batch/v1/namespaces/tool-tf-test/cronjobs?limit=500
    PUT   /apis/batch/v1/namespaces/tool-tf-test/cronjobs/myjob?fieldManager=toolforge-cli
    ");
    assert!(again.starts_with("[exit 0]"), "{again}");
}

/// Returns a scheduled job with another name, as it is in a cluster.
fn named(name: &str) -> Value {
    let mut object = object("scheduled-hourly");
    for pointer in ["/metadata/name", "/metadata/labels/app.kubernetes.io~1name"] {
        *object.pointer_mut(pointer).unwrap() = json!(name);
    }
    object["metadata"]["uid"] = json!(format!("u-{name}"));
    object
}

#[test]
fn delete_sends_all_deletions_before_it_waits() {
    let instead: Vec<(String, Answer)> = ["a", "b"]
        .into_iter()
        .flat_map(|name| {
            [
                (format!("DELETE {BATCH}/cronjobs/{name}"), Answer::json(200, &json!({}))),
                (
                    format!("GET {BATCH}/cronjobs?fieldSelector=metadata.name%3D{name}&limit=500"),
                    Answer::json(200, &json!({"metadata": {"resourceVersion": "8"}, "items": []})),
                ),
            ]
        })
        .collect();
    let shown = run(cluster(&[named("a"), named("b")], &[], &instead), &["delete", "a", "b", "a"]);
    let kinds: Vec<&str> = shown
        .lines()
        .skip_while(|line| !line.starts_with("DELETE"))
        .map(|line| line.split_whitespace().next().unwrap())
        .collect();
    assert!(shown.starts_with("[exit 0]"), "{shown}");
    assert_eq!(kinds[..2], ["DELETE", "DELETE"], "{shown}");
    assert!(kinds[2..].iter().all(|kind| *kind == "GET"), "{shown}");
    // An interrupted command can be repeated: what is gone already is not an error.
    let rest = run(cluster(&[named("b")], &[], &instead), &["delete", "a", "b"]);
    assert_snapshot!(writes(&rest), @"
    [exit 0]
    DELETE /apis/batch/v1/namespaces/tool-tf-test/cronjobs/b
    ");
    let none = run(cluster(&[], &[], &instead), &["delete", "a", "b"]);
    assert_snapshot!(writes(&none), @"
    [exit 1]
    error: these jobs do not exist: a, b

    hint: `toolforge jobs list --output name` lists the jobs.
    ");
}

#[test]
fn concurrent_creation_is_read_again() {
    let file = std::env::temp_dir().join(format!("jobs-race-{}.yaml", std::process::id()));
    std::fs::write(&file, "- {name: myjob, image: python3.13, command: ./job.sh, schedule: '@hourly'}\n")
        .unwrap();
    let load = ["load", file.to_str().unwrap()];
    let list =
        |items: &[Value]| Answer::json(200, &json!({"metadata": {"resourceVersion": "7"}, "items": items}));
    let exists = Answer::refusal(409, "AlreadyExists", "cronjobs.batch \"myjob\" already exists");
    let script = |found: &Value| {
        let instead = [
            (format!("GET {BATCH}/cronjobs"), list(&[])),
            (format!("GET {BATCH}/cronjobs"), list(std::slice::from_ref(found))),
            (format!("POST {BATCH}/cronjobs"), exists.clone()),
            (format!("PUT {BATCH}/cronjobs/myjob"), Answer::json(200, &json!({}))),
        ];
        cluster(&[], &[], &instead)
    };
    // If it already matches, nothing is left to do; if its definition differs, it is updated.
    let mut wanted = object("scheduled-hourly");
    let same = run(script(&wanted), &load);
    wanted["spec"]["schedule"] = json!("1 1 1 1 1");
    let other = run(script(&wanted), &load);
    let line = ["run", "myjob", "--image", "python3.13", "--command", "x", "--schedule", "@hourly"];
    let taken = run(script(&wanted), &line);
    std::fs::remove_file(&file).unwrap();
    assert_snapshot!(writes(&same), @"
    [exit 0]
    POST  /apis/batch/v1/namespaces/tool-tf-test/cronjobs?fieldManager=toolforge-cli
    ");
    assert_snapshot!(writes(&other), @"
    [exit 0]
    POST  /apis/batch/v1/namespaces/tool-tf-test/cronjobs?fieldManager=toolforge-cli
    PUT   /apis/batch/v1/namespaces/tool-tf-test/cronjobs/myjob?fieldManager=toolforge-cli
    ");
    assert_snapshot!(writes(&taken), @"
    [exit 1]
    error: a job with the name myjob already exists

    hint: `toolforge jobs trigger myjob` runs it now, as it is defined.

    hint: `toolforge jobs delete myjob` deletes it; a job of a file is changed in the file, with `toolforge jobs load`.

    POST  /apis/batch/v1/namespaces/tool-tf-test/cronjobs?fieldManager=toolforge-cli
    ");
}
