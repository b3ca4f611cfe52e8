//! The template and the manifest: what wins, what is remembered, and that a broken one blocks nothing that does not
//! need it.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use insta::assert_snapshot;
use serde_json::json;
use toolforge_client::scripted::Answer;
use toolforge_fixtures::OwnProcess;

use super::{CATALOG, cluster, run_at};

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
        std::fs::create_dir_all(self.0.join(name).parent().unwrap()).unwrap();
        std::fs::write(self.0.join(name), text).unwrap();
    }

    fn manifest(&self) -> String {
        std::fs::read_to_string(self.0.join("service.manifest")).unwrap_or_default()
    }

    /// Runs a command line in a cluster without a web service, with types of four languages.
    fn run_with_types(&self, line: &str) -> String {
        let of = |name: &str| {
            format!(
                "{name}: {{state: stable, image: docker-registry.svc.toolforge.org/toolforge-{}-sssd-web}}\n",
                name.replace('.', "")
            )
        };
        let types: String = ["php8.2", "python3.11", "node18", "jdk17"].map(of).concat();
        let catalog = json!({"metadata": {"name": "image-config"}, "data": {"images-v1.yaml": types}});
        let answer = (CATALOG.to_owned(), Answer::json(200, &catalog));
        run_at(cluster(None, &[answer]), line, Some(&self.0))
    }

    /// Runs a command line where the objects of a file exist.
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
    // The same command again writes nothing.
    assert!(home.run(RUNNING, "start").starts_with("[exit 0]"));
    assert_eq!(home.manifest(), manifest);
    assert!(home.run(None, "stop").starts_with("[exit 0]"));
    assert!(home.manifest().ends_with("last-type: php8.2\nmine: 1\nversion: 4\n"), "{}", home.manifest());
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
fn invalid_manifest_blocks_its_users() {
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
fn invalid_template_blocks_start_only() {
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
    assert!(refused.contains("found 2 service.template files; only one is allowed"), "{refused}");
}

#[test]
fn command_line_overrides_template() {
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
fn missing_files_block_start() {
    let home = Home::new("needs");
    std::fs::remove_dir(home.0.join("public_html")).unwrap();
    let refused = home.run(None, "php8.2 start");
    assert!(refused.starts_with("[exit 1]\nerror: type php8.2 needs the directory public_html"), "{refused}");
    assert!(!refused.contains("PATCH"), "{refused}");
    assert!(home.run(RUNNING, "php8.2 restart --dry-run").starts_with("[exit 0]"));
    home.write(".lighttpd.conf", "");
    assert!(home.run(None, "php8.2 start --dry-run").starts_with("[exit 0]"));
}

#[test]
fn missing_files_of_running_are_warned() {
    let test = "config_files::missing_files_of_running_are_warned";
    let (_, stderr) = OwnProcess::of(test).run(|| {
        let home = Home::new("lost");
        let directory = home.0.join("public_html");
        std::fs::set_permissions(&directory, Permissions::from_mode(0o000)).unwrap();
        eprintln!("{}", home.run(None, "php8.2 start"));
        assert!(home.run(RUNNING, "start").starts_with("[exit 0]"));
        std::fs::remove_dir(&directory).unwrap();
        assert!(home.run(RUNNING, "restart --dry-run").starts_with("[exit 0]"));
        0
    });
    let is_request = |line: &&str| ["GET ", "POST "].iter().any(|verb| line.starts_with(verb));
    assert_snapshot!(stderr.lines().filter(|line| !is_request(line)).collect::<Vec<_>>().join("\n"), @"
    [exit 1]
    error: type php8.2 serves the directory public_html, which its owner may not read

    hint: Open it: `chmod u+rx ~/public_html`.

    warning: type php8.2 serves the directory public_html, which its owner may not read
    hint: To load changed files, run `webservice restart`.
    warning: type php8.2 needs the directory public_html or the file .lighttpd.conf in the home of the tool
    ");
}

#[test]
fn checks_program_of_a_command() {
    let test = "config_files::checks_program_of_a_command";
    let (_, stderr) = OwnProcess::of(test).run(|| {
        let home = Home::new("program");
        assert!(home.run_with_types("jdk17 start --dry-run ./run.sh").starts_with("[exit 0]"));
        home.write("run.sh", "#!/bin/sh\n");
        assert!(home.run_with_types("jdk17 plan ./run.sh").starts_with("[exit 0]"));
        // Other types do not run it.
        assert!(home.run_with_types("php8.2 plan ./run.sh").starts_with("[exit 0]"));
        0
    });
    let warnings = stderr.lines().filter(|line| line.starts_with("warning: ")).collect::<Vec<_>>();
    assert_eq!(
        warnings,
        [
            "warning: run.sh does not exist in the tool's home",
            "warning: run.sh is not executable; `chmod +x run.sh` changes that",
        ]
    );
}

#[test]
fn type_is_remembered_over_a_stop() {
    let home = Home::new("last-type");
    home.write("service.manifest", "version: 4\nbackend: kubernetes\nweb: python3.11\nother: 1\n");
    assert!(home.run(None, "stop").starts_with("[exit 0]"));
    let manifest = home.manifest();
    assert!(manifest.contains("cli.toolforge.org/last-type: python3.11\n"), "{manifest}");
    assert!(manifest.contains("other: 1\n") && !manifest.contains("web:"), "{manifest}");
    // It needs what the remembered type needs.
    let refused = home.run_with_types("start --dry-run");
    assert!(refused.contains("type python3.11 needs www/python/src"), "{refused}");
    home.write("www/python/src/app.py", "");
    assert!(home.run_with_types("start --dry-run").starts_with("[exit 0]"));
    assert!(home.run(None, "stop").starts_with("[exit 0]"));
    assert!(home.manifest().contains("last-type: python3.11\n"));
}

#[test]
fn type_is_proposed_for_the_files_in_the_home() {
    let home = Home::new("proposed");
    std::fs::remove_dir(home.0.join("public_html")).unwrap();
    assert!(home.run_with_types("start --dry-run").contains("type php8.2 needs the directory public_html"));
    home.write("www/js/package.json", "{}");
    let refused = home.run_with_types("start --dry-run");
    assert!(refused.contains("www/js/package.json has no string `scripts.start`"), "{refused}");
    // The platform's default type is the default as long as it can run.
    home.write("public_html/index.html", "");
    assert!(home.run_with_types("start --dry-run").starts_with("[exit 0]"));
}

#[test]
fn refusals_name_the_line_of_the_template() {
    let home = Home::new("origin");
    home.write("service.template", "# mine\ntype: golang111\n");
    let refused = home.run(None, "start --dry-run");
    for words in ["service.template:2 names this type", "toolforge build start URL"] {
        assert!(refused.contains(words), "{words}: {refused}");
    }
    home.write("service.template", "type: pyhton3.11\n");
    let refused = home.run_with_types("plan");
    assert!(refused.contains("hint: Write `type: python3.11` in service.template:1."), "{refused}");
    home.write("service.template", "type: php8.2\nmount: none\n");
    let refused = home.run(None, "start --dry-run");
    assert!(refused.contains("hint: Remove `mount` from service.template:2."), "{refused}");
    home.write("service.template", "backend: gridengine\n");
    let refused = home.run(None, "start --dry-run");
    assert!(refused.contains("hint: Remove `backend: gridengine` from service.template:1."), "{refused}");
}
