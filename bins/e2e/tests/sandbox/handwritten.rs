//! Handwritten manifests: checked, fixed, applied, converted and adopted, as in the README.

use serde_json::json;
use toolforge_e2e::Tool;

#[test]
fn manifests_become_jobs() {
    let tool = Tool::new("handwritten");
    let seed = toolforge_fixtures::path("lint/seed");
    for file in ["cronjobs.yaml", "deployment.yaml"] {
        let text = std::fs::read_to_string(seed.join(file)).unwrap();
        let text = text.replace("wikiloveslove", tool.name()).replace("stashbot", tool.name());
        tool.write(file, &text.replace("python37", "python311"));
    }
    tool.shell("toolforge jobs lint cronjobs.yaml deployment.yaml")
        .exits(1)
        .says("batch/v1")
        .and_that_is_all();
    tool.shell("toolforge jobs lint --fix cronjobs.yaml").says("cronjobs.yaml.orig").and_that_is_all();
    tool.shell("toolforge jobs convert cronjobs.yaml deployment.yaml > jobs.yaml").exits(0).and_that_is_all();
    tool.shell("toolforge jobs plan jobs.yaml").exits(0).says("list-images").and_that_is_all();
    tool.shell("kubectl apply -f cronjobs.yaml").exits(0).and_that_is_all();
    tool.shell("toolforge jobs adopt cronjob/list-images --yes").exits(0).and_that_is_all();
    // The same as `toolforge jobs adopt cronjob/list-images`, which asks on a terminal.
    tool.jobs(&["list", "--output", "name"]).exits(0).says("list-images").and_that_is_all();
    // `crontab -l | toolforge jobs convert - > jobs.yaml`, on a machine without cron.
    let crontab = "crontab() { echo '5 4 * * * ./daily.py'; }";
    tool.shell(&format!("{crontab}; crontab -l | toolforge jobs convert - > jobs.yaml"))
        .exits(0)
        .and_that_is_all();
    tool.shell("cat jobs.yaml").says("name: daily").says("schedule: 5 4 * * *").and_that_is_all();
}

/// Writes the two examples of the page with an image that the sandbox has; their scripts are not there yet.
fn write_examples(tool: &Tool) {
    let seed = toolforge_fixtures::path("lint/seed");
    for file in ["cronjobs.yaml", "deployment.yaml"] {
        let mut text = std::fs::read_to_string(seed.join(file)).unwrap().replace("python37", "python311");
        for (from, to) in
            [("/data/project/wikiloveslove", tool.name()), ("/data/project/stashbot", tool.name())]
        {
            text = text.replace(from, &format!("/data/project/{to}"));
        }
        tool.write(file, &text.replace("tool-stashbot", &tool.namespace()));
    }
}

#[test]
fn examples_of_the_page_run() {
    let tool = Tool::new("page");
    write_examples(&tool);
    tool.jobs(&["lint", "cronjobs.yaml", "deployment.yaml"])
        .exits(1)
        .says("list_images.sh does not exist in the tool's home")
        .says("bin/stashbot.sh does not exist in the tool's home")
        .and_that_is_all();
    tool.write("list_images.sh", "#!/bin/sh\necho 12 images\n");
    tool.write("bin/stashbot.sh", "#!/bin/sh\necho \"stashbot $1\"\nsleep 1000\n");
    tool.shell("chmod +x list_images.sh").exits(0).and_that_is_all();
    tool.jobs(&["lint", "--fix", "cronjobs.yaml", "deployment.yaml"])
        .exits(0)
        .says("bin/stashbot.sh is not executable; `chmod +x bin/stashbot.sh` changes that")
        .and_that_is_all();
    tool.shell("chmod +x bin/stashbot.sh").exits(0).and_that_is_all();
    let left = tool.jobs(&["lint", "cronjobs.yaml", "deployment.yaml"]).exits(0);
    assert!(!left.stdout.contains("error[") && !left.stdout.contains(".sh"), "{}", left.stdout);
    // As the page says.
    tool.shell("kubectl apply --validate=true -f $HOME/cronjobs.yaml").exits(0).and_that_is_all();
    tool.shell("kubectl create --validate=true -f deployment.yaml").exits(0).and_that_is_all();
    tool.jobs(&["list", "--output", "table"]).exits(0).says("list-images").says("stashbot").and_that_is_all();
    tool.jobs(&["show", "list-images"]).exits(0).says("28 * * * *").and_that_is_all();
    tool.jobs(&["trigger", "list-images", "--wait"]).exits(0).says("completed").and_that_is_all();
    tool.jobs(&["logs", "list-images"]).exits(0).says("12 images").and_that_is_all();
    let runs = |outcome: &toolforge_e2e::Outcome| outcome.stdout.contains("Running for");
    tool.until(60, "the bot runs", |tool| tool.jobs(&["show", "stashbot"]), runs);
    tool.jobs(&["logs", "stashbot"]).exits(0).says("stashbot run").and_that_is_all();
    let converted = tool.jobs(&["convert", "cronjobs.yaml", "deployment.yaml"]).exits(0);
    tool.write("jobs.yaml", &converted.stdout);
    tool.jobs(&["lint", "jobs.yaml"]).exits(0).and_that_is_all();
    tool.jobs(&["plan", "jobs.yaml"]).says("list-images").says("stashbot").and_that_is_all();
}

#[test]
fn kubectl_keeps_the_last_of_equal_keys() {
    let tool = Tool::new("equal-keys");
    let head = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";
    tool.write("a.yaml", &format!("{head}data: {{a: first, a: last}}\n"));
    tool.shell("kubectl apply --validate=strict -f a.yaml").exits(0).and_that_is_all();
    assert_eq!(tool.object("configmap", "a")["data"], json!({"a": "last"}));
    tool.jobs(&["lint", "a.yaml"]).exits(0).says("warning[duplicate-key]").and_that_is_all();
    // A merged key does not replace one of the mapping itself.
    tool.write("a.yaml", &format!("{head}data: {{<<: {{a: merged, b: merged}}, a: own}}\n"));
    tool.shell("kubectl apply --validate=strict -f a.yaml").exits(0).and_that_is_all();
    assert_eq!(tool.object("configmap", "a")["data"], json!({"a": "own", "b": "merged"}));
    tool.jobs(&["lint", "a.yaml"]).exits(0).says("nothing found").and_that_is_all();
    // Words of YAML 1.1 are booleans.
    tool.write("a.yaml", &format!("{head}data: {{a: no}}\n"));
    tool.shell("kubectl apply --validate=strict -f a.yaml").exits(1).and_that_is_all();
    tool.jobs(&["lint", "a.yaml"]).exits(1).says("error[yaml-boolean]").and_that_is_all();
}
