//! Commands whose programs are in the tool's home.

use toolforge_render::job::FileFacts;
use toolforge_render::lint::{LintContext, LintHome};
use toolforge_render::web_service::HomeFiles;

use crate::support::{context, fixture, shown};

/// Returns the facts of a home with these files; a path that ends with `/` is a directory.
fn home(files: &[(&str, bool, &str)]) -> LintContext {
    let files: Vec<(String, FileFacts)> = files
        .iter()
        .map(|(path, is_executable, first_line)| {
            let file =
                FileFacts::File { is_executable: *is_executable, first_line: first_line.as_bytes().to_vec() };
            let facts = if path.ends_with('/') { FileFacts::Directory } else { file };
            (path.trim_end_matches('/').to_owned(), facts)
        })
        .collect();
    let look = move |path: &str| {
        let found = files.iter().find(|(known, _)| known == path).map(|(_, facts)| facts.clone());
        Some(found.unwrap_or(FileFacts::Missing))
    };
    let mut context = context("stashbot");
    context.home = Some(LintHome::new(HomeFiles::default(), look));
    context
}

fn pod(container: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: a, labels: {{toolforge: tool}}}}\nspec:\n  containers:\n  - name: a\n    \
         resources: {{limits: {{cpu: 500m}}, requests: {{cpu: 250m}}}}\n    \
         image: docker-registry.svc.toolforge.org/toolforge-python311-sssd-base:latest\n{container}"
    )
}

#[test]
fn checks_programs_of_manifests() {
    let files = [
        ("run.sh", true, "#!/bin/sh\r"),
        ("plain.sh", false, "#!/bin/sh"),
        ("bin/", true, ""),
        ("node.js", true, "#!/usr/bin/env node"),
        ("good.sh", true, "#!/bin/bash"),
    ];
    let mut out = String::new();
    for container in [
        "    command: [/data/project/stashbot/good.sh, run]\n",
        "    command: [/data/project/stashbot/none.sh, run]\n",
        "    command: [/data/project/stashbot/plain.sh]\n",
        "    command: [/data/project/stashbot/run.sh]\n",
        "    command:\n    - /data/project/stashbot/bin\n",
        "    command: [/data/project/stashbot/node.js]\n",
        "    workingDir: /data/project/stashbot\n    command: [./none.sh]\n",
        "    workingDir: /data/project/stashbot/bin/\n    command: [./none.sh]\n",
        "    command: [./none.sh]\n",
        "    args: [/bin/sh, -c, \"~/none.sh --fast; true\"]\n",
        "    command: [/bin/bash, -ec, --]\n    args:\n    - $HOME/none.sh\n",
        "    command: [bash, -c, ~/none.sh]\n    env: [{name: HOME, value: /tmp}]\n",
        "    command: [python3, /data/project/stashbot/none.py]\n",
        "    command: [/usr/bin/php, a.php]\n",
        "    command: [~/none.sh]\n",
        "    command: [/etc/none.sh]\n",
        "    command: [/data/project/stashbot/cfg/a.sh]\n    volumeMounts: [{name: c, mountPath: /data/project/stashbot/cfg}]\n  volumes: [{name: c, emptyDir: {}}]\n",
    ] {
        out.push_str(&format!("## {container}{}", shown(&pod(container), &home(&files))));
    }
    insta::assert_snapshot!(out);
}

#[test]
fn skips_pods_without_the_home() {
    let text = pod("    command: [/data/project/stashbot/none.sh]\n");
    let labels = "labels: {toolforge: tool, toolforge.org/mount-storage: none}";
    let none = text.replace("labels: {toolforge: tool}", labels);
    assert_eq!(shown(&none, &home(&[])), "");
    let build_service = none.replace("docker-registry.svc.toolforge.org", "tools-harbor.wmcloud.org/tool-x");
    assert_eq!(shown(&build_service, &home(&[])), "");
    // Without the home, nothing is known about the files.
    assert_eq!(shown(&text, &context("stashbot")), "");
}

#[test]
fn checks_programs_of_jobs_files() {
    let text = "\
- name: a
  image: python3.11
  command: ./none.sh --all
- name: b
  image: python3.11
  command: php a.php
  filelog-stdout: logs/b.out
  filelog-stderr: logs/b.err
- {name: c, image: python3.11, command: python3 ~/c.py, schedule: '@daily'} # lint: ignore=missing-command
";
    insta::assert_snapshot!(shown(text, &home(&[])));
}

#[test]
fn checks_files_of_web_services() {
    let mut out = String::new();
    for text in [
        "type: python3.11\nmem: 1Gi\n",
        "type: jdk17\nextra_args: [./none.sh, --port, 8000]\n",
        "type: jdk17\n",
        "type: buildservice\n",
        "mem: 1Gi\n",
    ] {
        out.push_str(&format!("## {text}{}", shown(text, &home(&[]))));
    }
    insta::assert_snapshot!(out);
}

#[test]
fn checks_scripts_of_the_page() {
    let deployment = fixture("seed/deployment.yaml");
    let found = shown(&deployment, &home(&[("bin/stashbot.sh", false, "")]));
    assert!(
        found.contains("22:22 warning command-not-executable: bin/stashbot.sh is not executable"),
        "{found}"
    );
    assert!(!shown(&deployment, &home(&[("bin/stashbot.sh", true, "")])).contains("stashbot.sh is not"));
}
