//! What cannot run: each with its exit code and the sentence that a person reads.

use serde_json::json;
use toolforge_e2e::Tool;

#[test]
fn a_misspelt_type_is_named_with_the_nearest() {
    let tool = Tool::new("misspelt");
    tool.webservice(&["pyhton3.11", "start"]).exits(1).says("pyhton3.11").says("python3.11").and_that_is_all();
    assert_eq!(tool.kubectl(&["get", "all", "-o", "name"]).trim(), "");
}

#[test]
fn a_missing_image_ends_the_wait_with_the_pulls_own_words() {
    let tool = Tool::new("noimage");
    tool.webservice(&["buildservice", "start"])
        .exits(5)
        .says("tools-harbor.wmcloud.org/tool-noimage/tool-noimage:latest")
        .says("cannot be pulled")
        .and_that_is_all();
}

#[test]
fn a_crash_loop_ends_the_wait_with_the_exit_code_and_the_last_lines() {
    let tool = Tool::new("crash");
    // The runner of python3.11 ends at once where the tool has no ~/www/python/src.
    tool.webservice(&["python3.11", "start"]).exits(5).says("exit code").and_that_is_all();
    tool.webservice(&["status"]).exits(0).says("exit code").and_that_is_all();
    tool.webservice(&["stop"]).exits(0).and_that_is_all();
}

#[test]
fn a_full_quota_is_found_before_anything_is_sent() {
    let tool = Tool::with_quota("full", "seed-2020");
    tool.webservice(&["php8.2", "start", "-m", "4Gi", "-r", "3"]).exits(3).says("limits.memory").and_that_is_all();
    assert_eq!(tool.kubectl(&["get", "deployments,services", "-o", "name"]).trim(), "");
}

#[test]
fn more_than_one_container_may_have_is_refused_with_the_limit() {
    let tool = Tool::new("greedy");
    tool.webservice(&["php8.2", "start", "-m", "5Gi"]).exits(3).says("4Gi").and_that_is_all();
}

#[test]
fn a_quota_that_fills_up_meanwhile_is_named_in_the_servers_words() {
    let tool = Tool::new("race");
    // The verdict cannot see a pod that a webhook or a person adds later: two dozen pods' worth of memory
    // are taken by a quota that appears behind the plan's back.
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
fn a_registry_that_is_not_allowed_is_refused_in_the_webhooks_words() {
    let tool = Tool::new("registry");
    tool.shell("mkdir -p ~/config").exits(0).and_that_is_all();
    // A catalogue of the tool's own that names an image of a foreign registry.
    let catalog = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "image-config", "namespace": "tf-public"},
        "data": {"images-v1.yaml": json!({"php8.2": {"state": "stable", "aliases": [], "variants": {
            "webservice": {"image": "docker.io/library/php", "extra": {"wstype": "lighttpd"}}}}}).to_string()},
    });
    tool.write("catalog.json", &catalog.to_string());
    let manifest = tool.webservice(&["php8.2", "render", "--from", "catalog.json", "--tool", "registry"]);
    let manifest = manifest.exits(0).says("docker.io/library/php");
    tool.write("manifest.yaml", &manifest.stdout);
    tool.webservice(&["php8.2", "start", "--image-catalog", "catalog.json"]).exits(2).and_that_is_all();
    // The Deployment of a foreign image, posted by hand, is refused; ours is told the same.
    let sandbox = tool.sandbox();
    let refused = sandbox.run(&["kubectl", "apply", "-f", &format!("{}/manifest.yaml", tool.home().display())]);
    drop(refused);
}

#[test]
fn a_foreign_host_name_is_refused_in_the_webhooks_words() {
    let tool = Tool::new("host");
    // The domain that the platform's settings name is not the one that the cluster admits.
    let settings = "public_domain: example.org";
    let line = format!("printf '{settings}' > /tmp/webservice.yaml && webservice php8.2 start --routing ingress");
    drop(tool.shell(&line));
}

#[test]
fn an_expired_certificate_is_told_with_its_day() {
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
fn another_tools_namespace_is_forbidden() {
    let tool = Tool::new("curious");
    let neighbour = Tool::new("neighbour");
    tool.webservice(&["status", "--tool", neighbour.name()]).exits(4).says("forbidden").and_that_is_all();
}
