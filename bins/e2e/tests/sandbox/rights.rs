//! The rights of a tool in the sandbox: the same as on the platform, so that the same requests are forbidden.

use toolforge_e2e::Tool;

#[test]
fn tool_has_exactly_the_platforms_rights() {
    let tool = Tool::new("rights");
    let rights = [
        ("create deployments.apps", true),
        ("patch services", true),
        ("deletecollection pods", true),
        ("create pods --subresource=exec", true),
        ("create ingresses.networking.k8s.io", true),
        ("create httproutes.gateway.networking.k8s.io", true),
        ("create jobs.batch", true),
        ("get resourcequotas", true),
        ("list events", true),
        ("update resourcequotas", false),
        ("create events", false),
        ("get persistentvolumeclaims", false),
        ("get serviceaccounts", false),
        ("create rolebindings.rbac.authorization.k8s.io", false),
        ("create pods --subresource=eviction", false),
        ("patch deployments.apps --subresource=status", false),
        ("get nodes", false),
        ("list gateways.gateway.networking.k8s.io", false),
        ("get deployments.apps --namespace kube-system", false),
    ];
    let commands: String =
        rights.iter().map(|(right, _)| format!("kubectl auth can-i {right} 2>/dev/null\n")).collect();
    let answers = tool.shell(&commands).stdout;
    let answers: Vec<&str> = answers.lines().collect();
    assert_eq!(answers.len(), rights.len(), "{answers:?}");
    for ((right, allowed), answer) in rights.iter().zip(answers) {
        assert_eq!(answer, if *allowed { "yes" } else { "no" }, "{right}");
    }
}
