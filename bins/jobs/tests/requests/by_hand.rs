//! Manual runs, and the record of them.

use insta::assert_snapshot;
use serde_json::json;
use toolforge_client::scripted::Answer;

use crate::{BATCH, cluster, object, run, writes};

#[test]
fn start_of_a_run_is_recorded() {
    let job = || [object("scheduled-hourly")];
    let created = (format!("POST {BATCH}/jobs"), Answer::json(201, &json!({"metadata": {"uid": "u-2"}})));
    let recorded = |answer: Answer| (format!("PATCH {BATCH}/cronjobs/myjob"), answer);
    let well = recorded(Answer::json(200, &json!({"metadata": {"name": "myjob"}})));
    let ran = |verb| writes(&run(cluster(&job(), &[], &[created.clone(), well.clone()]), &[verb, "myjob"]));
    assert_snapshot!(ran("trigger"), @"
    [exit 0]
    POST  /apis/batch/v1/namespaces/tool-tf-test/jobs?fieldManager=toolforge-cli
    PATCH /apis/batch/v1/namespaces/tool-tf-test/cronjobs/myjob?fieldManager=toolforge-cli
    ");
    assert_eq!(ran("restart"), ran("trigger"));
    let line = ["trigger", "myjob", "--dry-run=server"];
    let dry = run(cluster(&job(), &[], std::slice::from_ref(&created)), &line);
    assert!(dry.starts_with("[exit 0]") && !dry.contains("PATCH"), "{dry}");
    // The run has started nevertheless.
    let refused = recorded(Answer::refusal(403, "Forbidden", "cronjobs is forbidden: no"));
    let shown = run(cluster(&job(), &[], &[created, refused]), &["trigger", "myjob"]);
    assert!(shown.starts_with("[exit 0]"), "{shown}");
}
