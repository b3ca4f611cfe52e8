//! Other programs understand our output, and we understand theirs.

use serde_json::Value;
use toolforge_e2e::Tool;

#[test]
fn kubectl_parses_our_yaml() {
    let tool = Tool::new("reader");
    let words =
        ["on", "1_000", "yes", "0x1f", "~", "null", "a: b", "- x", "#", "=", "<<", "2023-01-01", "é ✓", " "];
    let arguments =
        [&["jdk17", "render", "--from", "empty.yaml", "--tool", "reader", "--"][..], &words].concat();
    tool.write("empty.yaml", "apiVersion: v1\nkind: List\nitems: []\n");
    let yaml = tool.webservice(&arguments).exits(0);
    tool.write("manifest.yaml", &yaml.stdout);
    let json =
        [&["jdk17", "render", "--from", "empty.yaml", "--tool", "reader", "-o", "json", "--"][..], &words]
            .concat();
    let meant: Value = serde_json::from_str(&tool.webservice(&json).exits(0).stdout).unwrap();

    let read = tool.shell("kubectl apply --dry-run=client -o json -f ~/manifest.yaml");
    if read.code == 127 {
        panic!("the tool's shell has no kubectl: {read:?}");
    }
    let read: Value = serde_json::from_str(&read.exits(0).stdout).unwrap();
    let command =
        |list: &Value| list["items"][0]["spec"]["template"]["spec"]["containers"][0]["command"].clone();
    assert_eq!(command(&read), command(&meant));
    assert_eq!(command(&meant).as_array().unwrap()[5..].len(), words.len());
}

#[test]
fn plan_works_with_kubectl_output() {
    let tool = Tool::new("stashbot");
    let dump = "kubectl get resourcequotas,limitranges,deployments,services,ingresses,httproutes,cronjobs,jobs,pods -o yaml \
                > namespace.yaml && \
                kubectl get configmap image-config --namespace tf-public -o yaml > catalog.yaml";
    let line = "webservice php8.2 plan --tool stashbot --from namespace.yaml --from catalog.yaml";
    let plan = || {
        tool.shell(dump).exits(0).and_that_is_all();
        tool.shell(&format!("unset HOME; {line}")).exits(0).says("limits.memory").says("it fits the quota")
    };
    plan().says("create Deployment stashbot").and_that_is_all();
    tool.write("public_html/index.php", "");
    tool.webservice(&["php8.2", "start"]).exits(0).and_that_is_all();
    let again = plan();
    assert!(!again.stdout.contains("create"), "{again:?}");
}
