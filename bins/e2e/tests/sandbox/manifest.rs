//! What is remembered in the tool's home, by the real program as the tool's own uid.

use toolforge_e2e::Tool;

fn manifest(tool: &Tool) -> String {
    tool.shell("cat ~/service.manifest").exits(0).stdout
}

#[test]
fn a_restart_with_more_memory_is_remembered_and_one_replica_is_no_key() {
    let tool = Tool::new("remember");
    tool.write("public_html/index.php", "<?php echo 'here';");
    tool.webservice(&["php8.2", "start", "-r", "2"]).exits(0).and_that_is_all();
    assert!(manifest(&tool).ends_with("backend: kubernetes\nreplicas: 2\nversion: 4\nweb: php8.2\n"));
    tool.webservice(&["restart", "-m", "1Gi", "-r", "1"]).exits(0).and_that_is_all();
    assert!(manifest(&tool).ends_with("backend: kubernetes\nmemory: 1Gi\nversion: 4\nweb: php8.2\n"));
    // Somebody else removes the objects: what was asked for last comes back.
    let _ = tool.kubectl(&["delete", "deployments,services,httproutes", "--all"]);
    let _ = tool.kubectl(&["wait", "--for=delete", "pod", "--all"]);
    tool.webservice(&["start"]).exits(0).and_that_is_all();
    let limits = "/spec/template/spec/containers/0/resources/limits/memory";
    assert_eq!(tool.object("deployment", tool.name()).pointer(limits).unwrap(), "1Gi");
    tool.webservice(&["stop"]).exits(0).and_that_is_all();
    assert!(manifest(&tool).ends_with("\nversion: 4\n"), "{}", manifest(&tool));
}

#[test]
fn a_manifest_of_the_python_tool_says_what_to_start_and_a_broken_one_blocks_no_stop() {
    let tool = Tool::new("inherit");
    tool.write("public_html/index.php", "<?php echo 'inherited';");
    tool.write(
        "service.manifest",
        "# This file is used by Toolforge infrastructure.\n# Please do not edit manually at this time.\n\
         # Sun May 21 12:34:56 2023\nbackend: kubernetes\nbuildservice-image: tool-inherit/tool-inherit:latest\n\
         cpu: 250m\nversion: 4\nweb: php8.2\n",
    );
    tool.webservice(&["start"]).exits(0).and_that_is_all();
    let limits = "/spec/template/spec/containers/0/resources/limits/cpu";
    assert_eq!(tool.object("deployment", tool.name()).pointer(limits).unwrap(), "250m");
    assert_eq!(tool.page("/").body, "inherited");
    tool.write("service.manifest", "web: [\n");
    tool.webservice(&["status"]).exits(0).says("is running").and_that_is_all();
    tool.webservice(&["restart"]).exits(0).says("what was asked for is not remembered").and_that_is_all();
    tool.webservice(&["stop"]).exits(0).says("is still remembered").and_that_is_all();
    assert_eq!(manifest(&tool), "web: [\n");
}

#[test]
fn a_home_that_cannot_be_written_to_is_no_obstacle() {
    let tool = Tool::new("read-only");
    tool.write("public_html/index.php", "<?php echo 'here';");
    // Its log is there, so that the web server itself can do without.
    tool.shell("touch ~/error.log; chmod a-w ~").exits(0).and_that_is_all();
    tool.webservice(&["php8.2", "start"])
        .exits(0)
        .says("what was asked for is not remembered")
        .says("Permission denied")
        .and_that_is_all();
    assert_eq!(tool.page("/").body, "here");
}
