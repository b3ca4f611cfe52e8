//! `convert` without a cluster.

use std::process::Command;

use insta::assert_snapshot;

use crate::{Scratch, jobs, said};

#[test]
fn convert_needs_no_kubeconfig() {
    let directory = Scratch::new("convert-alone", "*/5 * * * * jsub -N watch ./watch.py\n");
    let shown = said(&jobs(&directory, &["convert", "jobs.yaml"]));
    assert!(shown.starts_with("[exit 0]") && !shown.contains("tool "), "{shown}");
    let manifest = |namespace: &str| {
        let spec = "{restartPolicy: Never, containers: [{name: a, image: bookworm, command: [./a], \
                    env: [{name: HOME, value: /data/project/tf-test}]}]}";
        let text = format!(
            "{{apiVersion: v1, kind: List, items: [{{apiVersion: batch/v1, kind: Job, metadata: {{name: once{namespace}}}, \
             spec: {{template: {{spec: {spec}}}}}}}]}}"
        );
        std::fs::write(directory.0.join("jobs.yaml"), text).unwrap();
        said(&jobs(&directory, &["convert", "jobs.yaml"]))
    };
    let named = manifest(", namespace: tool-tf-test");
    assert!(named.starts_with("[exit 0]") && !named.contains("HOME"), "{named}");
    let unnamed = manifest("");
    assert!(unnamed.contains("note: the files name no tool"), "{unnamed}");
    assert!(unnamed.contains("HOME") && unnamed.contains("is now /data/project/your-tool"), "{unnamed}");
    assert_snapshot!(manifest(", namespace: default"), @r#"
    [exit 1]
    error: jobs.yaml:1:106: namespace "default" is not that of a tool, such as tool-NAME
    "#);
}

#[test]
fn image_option_must_be_in_the_catalog() {
    let directory = Scratch::new("convert-image", "0 3 * * * ./a.sh\n");
    let shown = |image: &str| {
        said(&jobs(&directory, &["convert", "jobs.yaml", "--tool", "tf-test", "--image", image]))
    };
    assert_snapshot!(shown("python311"), @r#"
    [exit 1]
    error: unknown image type "python311"; did you mean "python3.11"?

    hint: `toolforge jobs images` lists the images.

    hint: The bundled catalog of August 2025 was used; `--from FILE` reads the cluster's catalog.
    "#);
    assert!(shown("php7.9").starts_with("[exit 1]\nerror: unknown image type \"php7.9\"; did you mean \""));
    for image in ["python3.11", "tf-python311", "tool-x/y:latest", "docker.io/a/b:1"] {
        let shown = shown(image);
        assert!(shown.starts_with("[exit 0]") && shown.contains(&format!("image: {image}\n")), "{shown}");
    }
}

#[test]
fn broken_kubeconfig_is_not_ignored() {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: bookworm, command: [./a]}]}\n";
    let directory = Scratch::new("convert-kubeconfig", pod);
    std::fs::write(directory.0.join("config"), "a: [\n").unwrap();
    let shown = |options: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_jobs"));
        command.args(["convert", "jobs.yaml"]).args(options).current_dir(&directory.0).env_clear();
        said(&command.env("KUBECONFIG", directory.0.join("config")).output().unwrap())
    };
    let refused = shown(&[]);
    assert!(
        refused.starts_with("[exit 4]\nerror: kubeconfig ") && refused.contains("is not YAML"),
        "{refused}"
    );
    let noted = shown(&["--tool", "tf-test"]);
    assert!(noted.starts_with("[exit 0]\n"), "{noted}");
    assert!(noted.contains("\nnote: the cluster's images are not known: kubeconfig "), "{noted}");
}
