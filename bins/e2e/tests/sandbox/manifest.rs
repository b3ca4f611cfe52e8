//! The manifest in the tool's home, written by the real program with the tool's uid.

use toolforge_e2e::Tool;

fn manifest(tool: &Tool) -> String {
    tool.shell("cat ~/service.manifest").exits(0).stdout
}

#[test]
fn manifest_records_changed_options() {
    let tool = Tool::new("remember");
    tool.write("public_html/index.php", "<?php echo 'here';");
    tool.webservice(&["php8.2", "start", "-r", "2"]).exits(0).and_that_is_all();
    assert!(manifest(&tool).ends_with("backend: kubernetes\nreplicas: 2\nversion: 4\nweb: php8.2\n"));
    tool.webservice(&["restart", "-m", "1Gi", "-r", "1"]).exits(0).and_that_is_all();
    assert!(manifest(&tool).ends_with("backend: kubernetes\nmemory: 1Gi\nversion: 4\nweb: php8.2\n"));
    // If somebody else deletes the objects, `start` creates them as last requested.
    let _ = tool.kubectl(&["delete", "deployments,services,httproutes", "--all"]);
    let _ = tool.kubectl(&["wait", "--for=delete", "pod", "--all"]);
    tool.webservice(&["start"]).exits(0).and_that_is_all();
    let limits = "/spec/template/spec/containers/0/resources/limits/memory";
    assert_eq!(tool.object("deployment", tool.name()).pointer(limits).unwrap(), "1Gi");
    tool.webservice(&["stop"]).exits(0).and_that_is_all();
    assert!(manifest(&tool).ends_with("\nversion: 4\n"), "{}", manifest(&tool));
}

#[test]
fn python_tool_manifest_is_read() {
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
    tool.webservice(&["restart"]).exits(0).says("the request could not be saved").and_that_is_all();
    tool.webservice(&["stop"])
        .exits(0)
        .says("the web service could not be removed from service.manifest")
        .and_that_is_all();
    assert_eq!(manifest(&tool), "web: [\n");
}

#[test]
fn read_only_home_does_not_prevent_start() {
    let tool = Tool::new("read-only");
    tool.write("public_html/index.php", "<?php echo 'here';");
    // The log file exists, so the web server does not need to create it.
    tool.shell("touch ~/error.log; chmod a-w ~").exits(0).and_that_is_all();
    tool.webservice(&["php8.2", "start"])
        .exits(0)
        .says("the request could not be saved")
        .says("Permission denied")
        .and_that_is_all();
    assert_eq!(tool.page("/").body, "here");
}
