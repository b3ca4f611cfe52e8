//! `webservice exec`: runs a command in a ready pod.

use toolforge_e2e::Tool;

#[test]
fn exec_passes_output_and_exit_code() {
    let tool = Tool::new("exec");
    tool.webservice(&["exec", "--", "true"])
        .exits(1)
        .says("no pod of the web service is ready")
        .and_that_is_all();
    tool.write("public_html/index.php", "");
    tool.webservice(&["php8.2", "start"]).exits(0).and_that_is_all();
    let pod = tool.kubectl(&["get", "pods", "-o", "jsonpath={.items[0].metadata.name}"]);
    tool.webservice(&["exec", "--", "hostname"]).exits(0).says(&pod).and_that_is_all();
    tool.webservice(&["exec", "--", "sh", "-c", "exit 42"]).exits(42).and_that_is_all();
    tool.shell("echo typed | webservice exec -- cat").exits(0).says("typed").and_that_is_all();
    // No pod was created for it.
    assert_eq!(tool.kubectl(&["get", "pods", "-o", "name"]).lines().count(), 1);
    tool.webservice(&["status"]).exits(0).says("is running").and_that_is_all();
}
