//! Requests that fail: their exit codes and messages.

use serde_json::{Value, json};
use toolforge_e2e::Tool;

#[test]
fn misspelled_type_suggests_the_nearest() {
    let tool = Tool::new("misspelled");
    tool.webservice(&["pyhton3.11", "start"])
        .exits(1)
        .says("pyhton3.11")
        .says("python3.11")
        .and_that_is_all();
    assert_eq!(tool.kubectl(&["get", "all", "-o", "name"]).trim(), "");
}

#[test]
fn missing_image_ends_the_wait() {
    let tool = Tool::new("noimage");
    tool.webservice(&["buildservice", "start"])
        .exits(5)
        .says("tools-harbor.wmcloud.org/tool-noimage/tool-noimage:latest")
        .says("cannot be pulled")
        .and_that_is_all();
}

#[test]
fn crash_loop_ends_the_wait() {
    let tool = Tool::new("crash");
    // uWSGI exits on an unknown option.
    tool.write("www/python/src/uwsgi.ini", "[uwsgi]\nno-such-option = 1\n");
    tool.webservice(&["python3.11", "start"]).exits(5).says("exits with code").and_that_is_all();
    tool.webservice(&["status"]).exits(0).says("exits with code").and_that_is_all();
    tool.webservice(&["stop"]).exits(0).and_that_is_all();
}

#[test]
fn start_exceeding_the_quota_sends_nothing() {
    let tool = Tool::with_quota("full", "seed-2020");
    tool.write("public_html/index.php", "");
    tool.webservice(&["php8.2", "start", "-m", "4Gi", "-r", "3"])
        .exits(3)
        .says("limits.memory")
        .and_that_is_all();
    assert_eq!(tool.kubectl(&["get", "deployments,services", "-o", "name"]).trim(), "");
}

#[test]
fn memory_above_the_limit_is_rejected() {
    let tool = Tool::new("greedy");
    tool.write("public_html/index.php", "");
    tool.webservice(&["php8.2", "start", "-m", "5Gi"]).exits(3).says("4Gi").and_that_is_all();
}

#[test]
fn quota_race_shows_the_servers_message() {
    let tool = Tool::new("race");
    tool.write("public_html/index.php", "");
    // The quota check cannot foresee later changes. Here, a second quota allows no pods.
    tool.sandbox().create(&json!({
        "apiVersion": "v1", "kind": "ResourceQuota",
        "metadata": {"name": "behind", "namespace": tool.namespace()},
        "spec": {"hard": {"pods": "0"}, "scopes": ["NotTerminating"]},
    }));
    let started = tool.webservice(&["php8.2", "start"]);
    assert!(started.code == 3 || started.code == 5, "{started:?}");
    started.says("pods").and_that_is_all();
}

#[test]
fn registry_denial_shows_webhook_message() {
    let tool = Tool::new("registry");
    // A type that the platform's admins have published accidentally, with a name that no other test uses.
    let sandbox = tool.sandbox();
    let config_map = sandbox.kubectl(&["get", "configmap", "image-config", "-n", "tf-public", "-o", "json"]);
    let config_map: Value = serde_json::from_str(&config_map).unwrap();
    let foreign = "foreign: {state: stable, image: docker.io/library/foreign-web}\n";
    let published = config_map["data"]["images-v1.yaml"].as_str().unwrap();
    let catalog = format!("{}\n{foreign}", published.replace(foreign, ""));
    let patch = json!({"data": {"images-v1.yaml": catalog}}).to_string();
    let _ = sandbox.kubectl(&[
        "patch",
        "configmap",
        "image-config",
        "-n",
        "tf-public",
        "--type",
        "merge",
        "-p",
        &patch,
    ]);
    tool.webservice(&["foreign", "start", "true"])
        .exits(4)
        .says("registry-admission.tools.wmcloud.org")
        .says("Only WMCS-approved docker registry allowed")
        .says("nothing was changed")
        .and_that_is_all();
}

#[test]
fn denied_route_reports_partial_apply() {
    let tool = Tool::new("host");
    // Run on a host whose settings have another domain than the cluster: this host, which has no settings.
    let directory = std::env::temp_dir().join(format!("toolforge-e2e-host-{}", std::process::id()));
    for file in [".kube/config", ".toolskube/client.crt", ".toolskube/client.key"] {
        let path = directory.join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, tool.shell(&format!("cat ~/{file}")).exits(0).stdout).unwrap();
    }
    let output = std::process::Command::new(tool.sandbox().programs().join("webservice"))
        .args(["php8.2", "start", "--kubeconfig"])
        .arg(directory.join(".kube/config"))
        .output()
        .unwrap();
    std::fs::remove_dir_all(&directory).unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(6), "{text}");
    for expected in
        ["Ingress host must be <toolname>.localhost", "applied Deployment host", "HTTPRoute host: not done"]
    {
        assert!(text.contains(expected), "`{expected}` is not in\n{text}");
    }
}

#[test]
fn expired_certificate_shows_its_date() {
    let tool = Tool::new("expired");
    let mut parameters = rcgen::CertificateParams::new(Vec::<String>::new()).unwrap();
    parameters.distinguished_name.push(rcgen::DnType::CommonName, "expired");
    parameters.not_before = rcgen::date_time_ymd(2020, 1, 1);
    parameters.not_after = rcgen::date_time_ymd(2021, 2, 3);
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = parameters.self_signed(&key).unwrap();
    tool.shell("chmod u+w ~/.toolskube/*").exits(0).and_that_is_all();
    tool.write(".toolskube/client.crt", &certificate.pem());
    tool.write(".toolskube/client.key", &key.serialize_pem());
    tool.webservice(&["status"]).exits(4).says("expired").says("2021-02-03").and_that_is_all();
}

#[test]
fn other_tools_namespace_is_forbidden() {
    let tool = Tool::new("curious");
    let neighbor = Tool::new("neighbor");
    tool.webservice(&["status", "--tool", neighbor.name()]).exits(4).says("forbidden").and_that_is_all();
}
