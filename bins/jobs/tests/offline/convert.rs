//! `convert` without a cluster.

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
