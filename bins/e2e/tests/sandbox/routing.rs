//! Routing: the existing kind of route is kept, a kind can be forced, and no request is dropped.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use toolforge_e2e::{Sandbox, TemporarySandbox, Tool};

/// Minimum number of pages to fetch.
const MIN_PAGES: usize = 10;

/// Fetches a page repeatedly while `action` runs. Returns the number of requests, and the failed responses.
fn fetched_during(tool: &Tool, action: impl FnOnce()) -> (usize, Vec<String>) {
    let (is_done, count) = (AtomicBool::new(false), AtomicUsize::new(0));
    let failures = std::thread::scope(|scope| {
        let fetching = scope.spawn(|| {
            let mut failures = Vec::new();
            // On a busy machine, the action may end after a few pages. Those just afterwards must be served as well.
            while !is_done.load(Ordering::Relaxed) || count.load(Ordering::Relaxed) < MIN_PAGES {
                let page = tool.page("/");
                count.fetch_add(1, Ordering::Relaxed);
                if page.status != 200 {
                    failures.push(format!("{page:?}"));
                }
                std::thread::sleep(Duration::from_millis(10));
            }
            failures
        });
        // Fetching must end even if the action panics.
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(action));
        is_done.store(true, Ordering::Relaxed);
        let failures = fetching.join().unwrap();
        outcome.unwrap();
        failures
    });
    (count.into_inner(), failures)
}

fn routes(tool: &Tool) -> String {
    tool.kubectl(&["get", "ingresses,httproutes", "-o", "name"]).trim().to_owned()
}

#[test]
fn routing_change_drops_no_request() {
    let tool = Tool::new("switch");
    tool.write("public_html/index.php", "<?php echo 'here';");
    tool.webservice(&["php8.2", "start"]).exits(0).and_that_is_all();
    assert_eq!(routes(&tool), "httproute.gateway.networking.k8s.io/switch");
    let (count, failures) = fetched_during(&tool, || {
        tool.webservice(&["start", "--routing", "ingress"])
            .exits(0)
            .says("delete HTTPRoute switch")
            .and_that_is_all();
    });
    assert_eq!(routes(&tool), "ingress.networking.k8s.io/switch-subdomain");
    assert!(count > 5 && failures.is_empty(), "{count} fetched, {failures:?}");
    // The existing kind of route is kept.
    tool.webservice(&["restart"]).exits(0).and_that_is_all();
    assert_eq!(routes(&tool), "ingress.networking.k8s.io/switch-subdomain");
    let (count, failures) = fetched_during(&tool, || {
        tool.webservice(&["start", "--routing", "httproute"]).exits(0).and_that_is_all();
    });
    assert_eq!(routes(&tool), "httproute.gateway.networking.k8s.io/switch");
    assert!(count > 5 && failures.is_empty(), "{count} fetched, {failures:?}");
    tool.webservice(&["stop"]).exits(0).and_that_is_all();
    assert_eq!(routes(&tool), "");
}

#[test]
fn restart_drops_no_request() {
    let tool = Tool::new("no-drop");
    tool.write("public_html/index.php", "<?php echo 'here';");
    tool.webservice(&["php8.2", "start"]).exits(0).and_that_is_all();
    for arguments in [&["restart"][..], &["restart", "-m", "1Gi", "-r", "2"], &["restart"]] {
        let (count, failures) = fetched_during(&tool, || {
            tool.webservice(arguments).exits(0).and_that_is_all();
            // The old pods terminate after the new ones are ready.
            std::thread::sleep(Duration::from_secs(5));
        });
        // How many there are depends on the machine.
        assert!(count > 20 && failures.is_empty(), "{arguments:?}: {count} fetched, {failures:?}");
    }
}

#[test]
fn cluster_without_gateway_api_uses_ingress() {
    let sandbox = TemporarySandbox::new("ingress");
    let up = sandbox.run(&["up", "--routing", "ingress"]);
    assert!(up.status.success(), "{}", String::from_utf8_lossy(&up.stderr));
    let tool = Tool::on(Sandbox::clone(&sandbox), "by-ingress", "tools-2023");
    tool.write("public_html/index.php", "<?php echo 'by ingress';");
    tool.webservice(&["php8.2", "start", "--routing", "httproute"])
        .exits(1)
        .says("the cluster does not serve HTTPRoutes")
        .and_that_is_all();
    tool.webservice(&["php8.2", "start"]).exits(0).and_that_is_all();
    assert_eq!(
        tool.kubectl(&["get", "ingresses", "-o", "name"]).trim(),
        "ingress.networking.k8s.io/by-ingress-subdomain"
    );
    let page = String::from_utf8(sandbox.run(&["status"]).stdout).unwrap();
    let port = page.split(".localhost:").nth(1).unwrap().split('/').next().unwrap().parse().unwrap();
    assert_eq!(toolforge_e2e::Page::fetch(port, "by-ingress.localhost", "/").body, "by ingress");
    tool.webservice(&["status"]).exits(0).says("is running").and_that_is_all();
    tool.webservice(&["restart", "-m", "1Gi"]).exits(0).and_that_is_all();
    tool.webservice(&["stop"]).exits(0).and_that_is_all();
    assert_eq!(tool.kubectl(&["get", "deployments,services,ingresses,pods", "-o", "name"]).trim(), "");
}
