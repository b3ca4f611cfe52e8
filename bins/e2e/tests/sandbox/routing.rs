//! How pages reach the web service: what stands wins, one kind can be forced, and no moment is without a route.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use toolforge_e2e::{Sandbox, Tool};

/// How many pages are fetched at least.
const LEAST: usize = 10;

/// Fetches a page again and again while something is done, and returns how many were fetched and what was not served.
fn fetched_during(tool: &Tool, done: impl FnOnce()) -> (usize, Vec<String>) {
    let (ended, count) = (AtomicBool::new(false), AtomicUsize::new(0));
    let failures = std::thread::scope(|scope| {
        let fetching = scope.spawn(|| {
            let mut failures = Vec::new();
            // On a busy machine it may all be over after a few pages; what comes just afterwards has to be served, too.
            while !ended.load(Ordering::Relaxed) || count.load(Ordering::Relaxed) < LEAST {
                let page = tool.page("/");
                count.fetch_add(1, Ordering::Relaxed);
                if page.status != 200 {
                    failures.push(format!("{page:?}"));
                }
                std::thread::sleep(Duration::from_millis(10));
            }
            failures
        });
        // Whatever becomes of it, the fetching ends.
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(done));
        ended.store(true, Ordering::Relaxed);
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
fn a_change_of_the_routing_leaves_no_moment_without_a_route() {
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
    // What stands wins, without a word.
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
fn a_restart_drops_no_request() {
    let tool = Tool::new("no-drop");
    tool.write("public_html/index.php", "<?php echo 'here';");
    tool.webservice(&["php8.2", "start"]).exits(0).and_that_is_all();
    for arguments in [&["restart"][..], &["restart", "-m", "1Gi", "-r", "2"], &["restart"]] {
        let (count, failures) = fetched_during(&tool, || {
            tool.webservice(arguments).exits(0).and_that_is_all();
            // The old pods leave after the new ones are ready.
            std::thread::sleep(Duration::from_secs(5));
        });
        assert!(count > 100 && failures.is_empty(), "{arguments:?}: {count} fetched, {failures:?}");
    }
}

/// A sandbox of the test's own, which goes when it is dropped.
struct Own(Sandbox);

impl Drop for Own {
    fn drop(&mut self) {
        let _ = self.0.run(&["down", "--delete"]);
    }
}

#[test]
fn a_cluster_without_the_gateway_api_is_served_by_ingress() {
    let own = Own(Sandbox::of_the_tests().beside("ingress"));
    let up = own.0.run(&["up", "--routing", "ingress"]);
    assert!(up.status.success(), "{}", String::from_utf8_lossy(&up.stderr));
    let tool = Tool::on(own.0.clone(), "by-ingress", "tools-2023");
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
    let page = String::from_utf8(own.0.run(&["status"]).stdout).unwrap();
    let port = page.split(".localhost:").nth(1).unwrap().split('/').next().unwrap().parse().unwrap();
    assert_eq!(toolforge_e2e::Page::fetch(port, "by-ingress.localhost", "/").body, "by ingress");
    tool.webservice(&["status"]).exits(0).says("is running").and_that_is_all();
    tool.webservice(&["restart", "-m", "1Gi"]).exits(0).and_that_is_all();
    tool.webservice(&["stop"]).exits(0).and_that_is_all();
    assert_eq!(tool.kubectl(&["get", "deployments,services,ingresses,pods", "-o", "name"]).trim(), "");
}
