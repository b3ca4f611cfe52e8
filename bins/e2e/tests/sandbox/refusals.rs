//! What cannot run: each with its exit code and the sentence that a person reads.

use serde_json::{Value, json};
use toolforge_e2e::Tool;

#[test]
fn a_misspelt_type_is_named_with_the_nearest() {
    let tool = Tool::new("misspelt");
    tool.webservice(&["pyhton3.11", "start"])
        .exits(1)
        .says("pyhton3.11")
        .says("python3.11")
        .and_that_is_all();
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
    // uWSGI ends at once where it does not know an option.
    tool.write("www/python/src/uwsgi.ini", "[uwsgi]\nno-such-option = 1\n");
    tool.webservice(&["python3.11", "start"]).exits(5).says("exit code").and_that_is_all();
    tool.webservice(&["status"]).exits(0).says("exit code").and_that_is_all();
    tool.webservice(&["stop"]).exits(0).and_that_is_all();
}

#[test]
fn a_full_quota_is_found_before_anything_is_sent() {
    let tool = Tool::with_quota("full", "seed-2020");
    tool.write("public_html/index.php", "");
    tool.webservice(&["php8.2", "start", "-m", "4Gi", "-r", "3"])
        .exits(3)
        .says("limits.memory")
        .and_that_is_all();
    assert_eq!(tool.kubectl(&["get", "deployments,services", "-o", "name"]).trim(), "");
}

#[test]
fn more_than_one_container_may_have_is_refused_with_the_limit() {
    let tool = Tool::new("greedy");
    tool.write("public_html/index.php", "");
    tool.webservice(&["php8.2", "start", "-m", "5Gi"]).exits(3).says("4Gi").and_that_is_all();
}

#[test]
fn a_quota_that_fills_up_meanwhile_is_named_in_the_servers_words() {
    let tool = Tool::new("race");
    tool.write("public_html/index.php", "");
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
    // A type that the platform's admins have published by mistake, under a name that no other test uses.
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
fn a_foreign_host_name_is_refused_and_what_was_done_before_is_said() {
    let tool = Tool::new("host");
    // Run on a host whose settings name another domain than the cluster's: this one, which has no settings.
    let folder = std::env::temp_dir().join(format!("toolforge-e2e-host-{}", std::process::id()));
    for file in [".kube/config", ".toolskube/client.crt", ".toolskube/client.key"] {
        let path = folder.join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, tool.shell(&format!("cat ~/{file}")).exits(0).stdout).unwrap();
    }
    let output = std::process::Command::new(tool.sandbox().programs().join("webservice"))
        .args(["php8.2", "start", "--kubeconfig"])
        .arg(folder.join(".kube/config"))
        .output()
        .unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(6), "{said}");
    for words in
        ["Ingress host must be <toolname>.localhost", "applied Deployment host", "HTTPRoute host: not done"]
    {
        assert!(said.contains(words), "`{words}` is not in\n{said}");
    }
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
