//! The examples of the libraries, run as a tool.

use toolforge_e2e::{Outcome, Tool};

/// Where a tool finds the directory in which `cargo sandbox` was built, and the examples below it.
const EXAMPLES: &str = "/programs/built/examples";

fn run(tool: &Tool, name: &str, arguments: &[&str]) -> Outcome {
    tool.run(&[&[format!("{EXAMPLES}/{name}").as_str()], arguments].concat())
}

#[test]
fn example_starts_a_web_service() {
    let tool = Tool::new("example-web");
    tool.shell("mkdir -p public_html && echo hello > public_html/index.html").exits(0).and_that_is_all();
    run(&tool, "start", &["php8.2"]).exits(0).says("Ready").and_that_is_all();
    run(&tool, "status", &[]).exits(0).says("web service: running").and_that_is_all();
    tool.webservice(&["stop"]).exits(0).and_that_is_all();
}

#[test]
fn example_loads_a_jobs_file() {
    let tool = Tool::new("example-jobs");
    tool.write("jobs.yaml", "- {name: daily, command: ./daily, image: bookworm, schedule: '@daily'}\n");
    run(&tool, "load", &["jobs.yaml"]).exits(0).says("create daily").and_that_is_all();
    run(&tool, "load", &["jobs.yaml"]).exits(0).says("keep daily").and_that_is_all();
    run(&tool, "status", &[]).exits(0).says("job daily: waiting").and_that_is_all();
}

#[test]
fn kubectl_reads_the_plan_example() {
    let tool = Tool::new("example-plan");
    let printed = run(&tool, "plan", &[]).exits(0).says("# fits");
    tool.write("plan.yaml", &printed.stdout);
    let found = tool.shell("kubectl create --dry-run=client -o name -f plan.yaml").exits(0);
    for name in
        ["deployment.apps/stashbot", "service/stashbot", "ingress.networking.k8s.io/", "cronjob.batch/daily"]
    {
        assert!(found.stdout.contains(name), "{found:?}");
    }
    run(&tool, "plan", &["6Gi"])
        .exits(0)
        .says("# job daily: memory: 6Gi is more than the maximum of 4Gi for one container")
        .and_that_is_all();
}
