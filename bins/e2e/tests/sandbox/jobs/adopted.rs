//! Jobs that the platform's jobs service created.

use serde_json::Value;
use toolforge_e2e::Tool;

use super::load::versions;

#[test]
fn platform_jobs_can_be_changed_and_deleted() {
    let tool = Tool::new("tf-adopt");
    let uid = tool.shell("id -u").exits(0).stdout.trim().to_owned();
    let mut created_names = Vec::new();
    for case in
        ["continuous-everything", "continuous-port", "scheduled-timeout-retry-emails", "scheduled-hourly"]
    {
        let case: Value =
            serde_json::from_str(&toolforge_fixtures::read(&format!("parity/jobs/run/{case}.json"))).unwrap();
        for (index, created) in case["created"].as_array().unwrap().iter().enumerate() {
            let mut object = created["object"].clone();
            let path = created["path"].as_str().unwrap();
            let (version, kind) = if path.contains("/deployments") {
                ("apps/v1", "Deployment")
            } else if path.contains("/cronjobs") {
                ("batch/v1", "CronJob")
            } else {
                ("v1", "Service")
            };
            object["apiVersion"] = version.into();
            object["kind"] = kind.into();
            let name = format!("j{}", created_names.len() + usize::from(index == 0));
            if index == 0 {
                created_names.push(name.clone());
            }
            let text = object.to_string();
            let own = object["metadata"]["name"].as_str().unwrap().to_owned();
            let text = text
                .replace(&format!("\"{own}\""), &format!("\"{name}\""))
                .replace("tf-test", "tf-adopt")
                .replace("52503", &uid)
                .replace("toolforge-python313-sssd-web", "toolforge-python311-sssd-base")
                .replace("docker-registry.tools.wmflabs.org", "docker-registry.svc.toolforge.org");
            tool.write("object.json", &text);
            tool.shell("kubectl create -f object.json").exits(0).and_that_is_all();
        }
    }
    tool.jobs(&["list", "--output", "name"]).exits(0).says("j1\nj2\nj3\nj4\n").and_that_is_all();
    tool.jobs(&["show", "j1"]).exits(0).says("python3.11").says("script: true").and_that_is_all();
    // Loading the dump of the platform's jobs changes nothing.
    let before = versions(&tool);
    tool.jobs(&["dump", "--to-file", "jobs.yaml"]).exits(0).and_that_is_all();
    tool.jobs(&["load", "jobs.yaml"]).exits(0).says("Job j4 is already up to date").and_that_is_all();
    assert_eq!(versions(&tool), before);
    // A change takes over the whole object: fields of other managers are removed.
    tool.shell("sed -i -e '/health-check-script/d' -e '/replicas/d' -e 's/retry: 2/retry: 1/' jobs.yaml")
        .exits(0)
        .and_that_is_all();
    tool.jobs(&["load", "jobs.yaml"])
        .exits(0)
        .says("Job j1 was updated")
        .says("Job j3 was updated")
        .and_that_is_all();
    let deployment = tool.object("deployment", "j1");
    assert_eq!(deployment["spec"]["strategy"]["type"], "Recreate");
    assert!(deployment["spec"]["template"]["spec"]["containers"][0]["livenessProbe"].is_null());
    assert_eq!(tool.object("cronjob", "j3")["spec"]["jobTemplate"]["spec"]["backoffLimit"], 1);
    // Its program does not exist here.
    tool.jobs(&["restart", "j2"]).exits(5).says("./bot.py: not found").and_that_is_all();
    tool.jobs(&["flush", "--yes"]).exits(0).and_that_is_all();
    assert_eq!(tool.kubectl(&["get", "deployments,cronjobs,services", "-o", "name"]), "");
}
