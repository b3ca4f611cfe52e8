//! A PHP site from start to stop, with its page fetched through the front door.

use toolforge_e2e::{Page, Tool};

const PAGE: &str = "<?php echo 'php ' . PHP_MAJOR_VERSION . ' says ' . (6 * 7);";

fn php_site(name: &str) -> Tool {
    let tool = Tool::new(name);
    tool.write("public_html/index.php", PAGE);
    tool
}

#[test]
fn php_site_starts_restarts_and_stops() {
    let tool = php_site("site");
    tool.webservice(&["status"]).exits(0).says("Your webservice is not running").and_that_is_all();

    tool.webservice(&["php8.2", "start"]).exits(0).says("Starting webservice").and_that_is_all();
    let page = tool.page("/");
    assert_eq!((page.status, page.body.trim()), (200, "php 8 says 42"), "{page:?}");
    tool.webservice(&["status"])
        .exits(0)
        .says("Your webservice of type php8.2 is running on backend kubernetes")
        .and_that_is_all();

    tool.webservice(&["restart", "-m", "1Gi"]).exits(0).says("Restarting...").and_that_is_all();
    let deployment = tool.object("deployment", "site");
    let container = &deployment["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["resources"]["limits"]["memory"], "1Gi");
    assert_eq!(container["resources"]["requests"]["memory"], "512Mi");
    assert_eq!(tool.page("/").status, 200);

    tool.webservice(&["stop"]).exits(0).says("Stopping webservice").and_that_is_all();
    let left = tool.kubectl(&["get", "deployments,services,ingresses,httproutes,pods", "-o", "name"]);
    assert_eq!(left.trim(), "", "left behind");
    assert_eq!(tool.page("/").status, 404);
    tool.webservice(&["stop"]).exits(0).says("Your webservice is not running").and_that_is_all();
}

#[test]
fn printed_addresses_can_be_opened() {
    let tool = php_site("address");
    let printed = |text: &str| {
        let address = text.split_whitespace().find(|word| word.starts_with("http")).unwrap().to_owned();
        (Page::open(&address).body, address)
    };
    let start = tool.webservice(&["php8.2", "start"]).exits(0).stdout;
    let status = tool.webservice(&["status"]).exits(0).stdout;
    let address = format!("http://address.localhost:{}/", tool.sandbox().pages());
    assert_eq!(printed(&start), ("php 8 says 42".to_owned(), address.clone()));
    assert_eq!(printed(&status), ("php 8 says 42".to_owned(), address.clone()));
    tool.webservice(&["stop"]).exits(0).and_that_is_all();

    let line = "toolforge-jobs run page --image python3.11 --command 'python3 -m http.server 8000' --continuous --port 8000 --publish";
    tool.shell(line).exits(0).and_that_is_all();
    let shown = tool.jobs(&["show", "page", "--output", "json"]).exits(0).stdout;
    assert!(shown.contains(&address), "{shown}");
    tool.until(60, "the job's page", |tool| tool.jobs(&["list"]), |_| Page::open(&address).status == 200);
}

#[test]
fn second_start_writes_nothing() {
    let tool = php_site("twice");
    tool.webservice(&["php8.2", "start"]).exits(0).and_that_is_all();
    let versions = || {
        let line = "jsonpath={range .items[*]}{.kind} {.metadata.name} {.metadata.generation} {.metadata.managedFields[?(@.manager=='toolforge-cli')].time}{'\\n'}{end}";
        tool.kubectl(&["get", "deployments,services,httproutes", "-o", line, "--show-managed-fields"])
    };
    let before = versions();
    assert!(before.contains("Deployment twice") && before.contains("HTTPRoute twice"), "{before}");
    tool.webservice(&["php8.2", "start"]).exits(0).says("already running").and_that_is_all();
    assert_eq!(versions(), before);
}

#[test]
fn start_recreates_missing_objects() {
    let tool = php_site("half");
    tool.webservice(&["php8.2", "start"]).exits(0).and_that_is_all();
    let _ = tool.kubectl(&["delete", "service", "half"]);
    tool.webservice(&["status"]).exits(0).says("Service").and_that_is_all();
    tool.webservice(&["start"]).exits(0).and_that_is_all();
    assert_eq!(tool.page("/").status, 200);
}

#[test]
fn start_applies_and_reports_changes() {
    let tool = php_site("change");
    tool.webservice(&["php8.2", "start"]).exits(0).and_that_is_all();
    tool.webservice(&["start", "--replicas", "2"]).exits(0).says("replicas").and_that_is_all();
    let deployment = tool.object("deployment", "change");
    assert_eq!(deployment["status"]["readyReplicas"], 2);
}

#[test]
fn quota_check_shows_limits_and_usage() {
    let tool = php_site("limits");
    tool.webservice(&["php8.2", "start"]).exits(0).and_that_is_all();
    tool.run(&["quota-check"])
        .exits(0)
        .says("limits.memory")
        .says("512Mi")
        .says("8Gi")
        .says("in use")
        .and_that_is_all();
    let json = tool.run(&["quota-check", "--output", "json"]).exits(0);
    let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert!(json["apiVersion"].is_string(), "{json}");
}

#[test]
fn programs_work_with_one_thread() {
    let tool = php_site("frugal");
    tool.webservice(&["php8.2", "start"]).exits(0).and_that_is_all();
    // The login hosts limit the number of threads. Resolving a host name in the kubeconfig must not need one either.
    tool.write("jobs.yaml", "- {name: daily, image: bookworm, command: ./run.sh, schedule: '@daily'}\n");
    for (command, said) in [
        ("webservice status", "is running"),
        ("jobs plan jobs.yaml", "daily"),
        ("jobs load jobs.yaml", "daily"),
        ("quota-check jobs.yaml", "fits"),
    ] {
        let line = format!(
            "sed -i s/127.0.0.1/localhost/ ~/.kube/config; ulimit -u 1; ulimit -v 65536; exec {command}"
        );
        tool.run(&["/bin/bash", "-c", &line]).exits(0).says(said).and_that_is_all();
    }
}

#[test]
fn proxies_of_the_environment_are_not_used() {
    let tool = Tool::new("site-proxy");
    let names = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"];
    let proxies = names.map(|name| format!("{name}=http://127.0.0.1:1 ")).concat();
    for (line, expected) in [
        ("webservice status", "not running"),
        ("toolforge-jobs cron", "There are no scheduled jobs."),
        ("quota-check", "limits.memory"),
    ] {
        tool.shell(&format!("{proxies}{line}")).exits(0).says(expected).and_that_is_all();
    }
}
