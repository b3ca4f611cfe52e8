//! The template and the manifest: what wins, what is remembered, and that a broken one blocks nothing that does not
//! need it.

use std::path::PathBuf;

use super::{cluster, run_at};

/// A home of a test's own, removed at its end.
struct Home(PathBuf);

impl Home {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("toolforge-webservice-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(path.join("public_html")).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.join(name), text).unwrap();
    }

    fn manifest(&self) -> String {
        std::fs::read_to_string(self.0.join("service.manifest")).unwrap_or_default()
    }

    /// Runs a command line where the objects of a file stand.
    fn run(&self, file: Option<&str>, line: &str) -> String {
        run_at(cluster(file, &[]), line, Some(&self.0))
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

const RUNNING: Option<&str> = Some("running.json");

#[test]
fn start_writes_the_manifest_and_stop_deletes_it() {
    let home = Home::new("remembered");
    home.write("service.manifest", "mine: 1\nreplicas: 3\nweb: tcl\n");
    assert!(home.run(RUNNING, "start").starts_with("[exit 0]"));
    let manifest = home.manifest();
    assert!(manifest.ends_with("backend: kubernetes\nmine: 1\nversion: 4\nweb: php8.2\n"), "{manifest}");
    // The same again writes nothing.
    assert!(home.run(RUNNING, "start").starts_with("[exit 0]"));
    assert_eq!(home.manifest(), manifest);
    assert!(home.run(None, "stop").starts_with("[exit 0]"));
    assert!(home.manifest().ends_with("mine: 1\nversion: 4\n"), "{}", home.manifest());
}

#[test]
fn dry_run_plan_and_status_write_no_manifest() {
    let home = Home::new("dry");
    for line in ["start --dry-run", "plan", "render", "status", "restart --dry-run", "stop --dry-run"] {
        assert!(home.run(RUNNING, line).starts_with("[exit 0]"), "{line}");
    }
    assert_eq!(home.manifest(), "");
}

#[test]
fn invalid_manifest_blocks_only_actions_that_need_it() {
    let home = Home::new("broken");
    home.write("service.manifest", "web: [\n");
    for (file, line) in [
        (RUNNING, "status"),
        (RUNNING, "start"),
        (RUNNING, "stop --dry-run"),
        (None, "stop"),
        (None, "status"),
        (None, "php8.2 start --dry-run"),
    ] {
        assert!(home.run(file, line).starts_with("[exit 0]"), "{line}");
    }
    let refused = home.run(None, "start --dry-run");
    assert!(refused.starts_with("[exit 1]\nerror: "), "{refused}");
    assert!(refused.contains("service.manifest cannot be read: line "), "{refused}");
    assert_eq!(home.manifest(), "web: [\n");
}

#[test]
fn invalid_template_blocks_only_start_and_reports_all_errors() {
    let home = Home::new("template");
    home.write("service.template", "cpu: lots\nreplicas: 0\n");
    for line in ["status", "stop --dry-run"] {
        assert!(home.run(RUNNING, line).starts_with("[exit 0]"), "{line}");
    }
    let refused = home.run(RUNNING, "start --dry-run");
    for words in [
        "[exit 1]",
        "service.template has errors",
        "service.template:1:6: cpu",
        "service.template:2:11: replicas",
    ] {
        assert!(refused.contains(words), "{words}: {refused}");
    }
    home.write("public_html/service.template", "");
    let refused = home.run(RUNNING, "restart --dry-run");
    assert!(refused.contains("only one service.template is allowed, and there are 2"), "{refused}");
}

#[test]
fn command_line_overrides_template_and_template_overrides_live() {
    let home = Home::new("precedence");
    home.write("service.manifest", "web: pyhton3.11\n");
    // Without live objects, the manifest applies; a live setting is not repeated.
    assert!(home.run(None, "start --dry-run").contains("unknown image type \"pyhton3.11\""));
    assert!(home.run(RUNNING, "start --dry-run").starts_with("[exit 0]"));
    home.write("service.template", "type: node81\n");
    assert!(home.run(RUNNING, "start --dry-run").contains("unknown image type \"node81\""));
    assert!(home.run(RUNNING, "php8.2 start --dry-run").starts_with("[exit 0]"));
    home.write("service.template", "backend: gridengine\n");
    assert!(home.run(RUNNING, "start --dry-run").contains("no longer exists"));
    assert!(home.run(RUNNING, "start --backend kubernetes --dry-run").starts_with("[exit 0]"));
}

#[test]
fn missing_files_block_start_but_not_a_running_web_service() {
    let home = Home::new("needs");
    std::fs::remove_dir(home.0.join("public_html")).unwrap();
    let refused = home.run(None, "php8.2 start");
    assert!(refused.starts_with("[exit 1]\nerror: type php8.2 needs the directory public_html"), "{refused}");
    assert!(!refused.contains("PATCH"), "{refused}");
    assert!(home.run(RUNNING, "php8.2 restart --dry-run").starts_with("[exit 0]"));
    home.write(".lighttpd.conf", "");
    assert!(home.run(None, "php8.2 start --dry-run").starts_with("[exit 0]"));
}
