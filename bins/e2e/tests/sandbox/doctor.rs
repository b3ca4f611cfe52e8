//! `webservice doctor`, `types` and `local` with a real cluster.

use toolforge_e2e::Tool;

#[test]
fn doctor_names_each_problem() {
    let tool = Tool::new("doctor");
    let well = tool.webservice(&["doctor"]).exits(0);
    for name in [
        "kubeconfig",
        "certificate",
        "tool",
        "server",
        "clock",
        "permissions",
        "quota",
        "limits",
        "catalog",
        "home",
    ] {
        let line = well.stdout.lines().find(|line| line.split_whitespace().nth(1) == Some(name));
        assert!(line.is_some_and(|line| line.starts_with("OK ")), "{name}: {}", well.stdout);
    }
    assert!(!well.stdout.contains("BEGIN") && !well.stdout.contains("/data/project"), "{}", well.stdout);

    tool.write("service.manifest", "web: [\n");
    tool.write("service.manifest~", "");
    tool.write("service.template", "memory: 1Gi\n");
    tool.shell("chmod go+r ~/.kube/config").exits(0).and_that_is_all();
    tool.webservice(&["doctor"])
        .exits(1)
        .says("WARN  kubeconfig  ~/.kube/config can be read by others")
        .says("FAIL  manifest")
        .says("did you mean \"mem\"?")
        .says("service.manifest~ was left")
        .and_that_is_all();

    // With another authority, the server is not trusted, and the remaining checks are skipped.
    tool.shell("cp ~/.kube/config ~/saved; sed -i \"s/certificate-authority-data: .*/certificate-authority: ..\\/.toolskube\\/client.crt/\" ~/.kube/config")
        .exits(0)
        .and_that_is_all();
    tool.webservice(&["doctor"]).exits(1).says("FAIL  server").says("skip  permissions").and_that_is_all();
    tool.shell("sed 's/127.0.0.1:[0-9]*/127.0.0.1:1/' ~/saved > ~/.kube/config").exits(0).and_that_is_all();
    tool.webservice(&["doctor"]).exits(1).says("FAIL  server").says("refuse").and_that_is_all();
}

#[test]
fn types_and_local_match_the_cluster() {
    let tool = Tool::new("doctor-types");
    tool.write("public_html/index.php", "");
    let types = tool.webservice(&["types"]).exits(0).says("php8.2").says("deprecated: use php8.2");
    assert!(!types.stdout.contains("php8.4"), "{}", types.stdout);
    tool.webservice(&["php8.2", "start"]).exits(0).and_that_is_all();
    let image = tool.kubectl(&["get", "pods", "-o", "jsonpath={.items[0].spec.containers[0].image}"]);
    tool.webservice(&["local"]).exits(0).says(&image).says(":/data/project/doctor-types").and_that_is_all();
}
