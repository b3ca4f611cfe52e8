//! Loads every good file of the corpus twice.

use toolforge_e2e::Tool;

use super::load::versions;

/// Images that the sandbox does not have, and the ones to use instead.
const IMAGES: [(&str, &str); 13] = [
    ("tool-tf-test/tool-tf-test", "tool-built/tool-built"),
    (
        "docker-registry.tools.wmflabs.org/toolforge-python313-sssd-web",
        "docker-registry.svc.toolforge.org/toolforge-python311-sssd-base",
    ),
    (
        "docker-registry.tools.wmflabs.org/toolforge-python311-sssd-web",
        "docker-registry.svc.toolforge.org/toolforge-python311-sssd-base",
    ),
    (
        "docker-registry.tools.wmflabs.org/toolforge-python39-sssd-base",
        "docker-registry.svc.toolforge.org/toolforge-php73-sssd-base",
    ),
    ("python3.13", "python3.11"),
    ("tf-python39-DEPRECATED", "php7.3"),
    ("tf-python39", "php7.3"),
    ("python3.9", "php7.3"),
    ("php8.4", "php8.2"),
    ("node20", "node18"),
    ("tf-bullseye-std", "php7.3"),
    ("tf-bullseye", "php7.3"),
    ("bullseye", "php7.3"),
];

#[test]
fn second_load_of_good_files_writes_nothing() {
    let tool = Tool::new("tf-test");
    let much = r#"{"spec": {"hard": {"pods": "200", "services": "20", "limits.cpu": "200", "limits.memory": "200Gi",
        "requests.cpu": "200", "requests.memory": "200Gi", "count/deployments.apps": "50", "count/jobs.batch": "100"}}}"#;
    let _ = tool.kubectl(&["patch", "resourcequota", "tool-tf-test", "--patch", much]);
    let limits =
        r#"[{"op": "replace", "path": "/spec/limits/0/max", "value": {"cpu": "3", "memory": "6Gi"}}]"#;
    let _ = tool.kubectl(&["patch", "limitrange", "tool-tf-test", "--type", "json", "--patch", limits]);
    let files = toolforge_fixtures::files("jobs/good", ".yaml");
    for path in &files {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(path).unwrap();
        let text = IMAGES
            .iter()
            .fold(text, |text, (from, to)| text.replace(&format!("image: {from}"), &format!("image: {to}")));
        // The build service image has no such program.
        let text = text.replace("migrate --to latest", "echo --to latest");
        tool.write("jobs.yaml", &text);
        // Jobs that are waited for must complete.
        for script in text.split_whitespace().filter_map(|word| word.strip_prefix("./")) {
            let script = script.trim_matches(['\'', '"', ';', '&']);
            tool.write(script, "#!/bin/sh\n");
            tool.shell(&format!("chmod +x ~/{script}")).exits(0).and_that_is_all();
        }
        let first = tool.jobs(&["load", "jobs.yaml"]);
        assert!(first.code == 0, "{name}: {}\n{}", first.stdout, first.stderr);
        let before = versions(&tool);
        let second = tool.jobs(&["load", "jobs.yaml"]);
        assert_eq!(second.code, 0, "{name}: {}\n{}", second.stdout, second.stderr);
        // One-off jobs run again.
        let is_change = |line: &str| line.contains(" was ") && !line.ends_with(" was created again");
        assert!(!second.stdout.lines().any(is_change), "{name}: {}", second.stdout);
        assert_eq!(versions(&tool), before, "{name}");
        let all = "httproutes,deployments.apps,cronjobs.batch,jobs.batch,services,pods";
        let _ = tool.kubectl(&["delete", all, "--all", "--force", "--grace-period=0"]);
    }
    println!("{} files", files.len());
}
