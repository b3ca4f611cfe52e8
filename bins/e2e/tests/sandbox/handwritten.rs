//! Manifests that were written by hand: checked, fixed, applied, converted and adopted, as in the README.

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
