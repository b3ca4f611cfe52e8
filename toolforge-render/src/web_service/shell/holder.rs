use std::fmt;

use k8s_openapi::api::core::v1::Pod;
use toolforge_model::{Untrusted, platform};

use crate::pod::has_ended;
use crate::web_service::is_web_service;
use crate::web_service::shell::{has, is_shell};

/// The value of the label `app.kubernetes.io/managed-by` on the pods of jobs (jobs-framework-api, 2021).
const MANAGED_BY_JOBS: &str = "toolforge-jobs-framework";

/// The label with a job's name on its pods (jobs-framework-api, 2021).
const LABEL_JOB: &str = "app.kubernetes.io/name";

/// What holds room in a namespace, in the words of the command that stops it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder {
    /// The web service, with so many pods.
    WebService(usize),
    /// Another shell.
    Shell(Untrusted),
    /// A job.
    Job(Untrusted),
    /// A pod of something else.
    Pod(Untrusted),
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WebService(1) => f.write_str("the web service; `webservice stop` ends it"),
            Self::WebService(pods) => {
                write!(f, "the web service, with {pods} pods; `webservice stop` ends it")
            }
            Self::Shell(name) => {
                write!(f, "the shell {0}; leave it, or `kubectl delete pod {0}`", name.escaped())
            }
            Self::Job(name) => write!(f, "the job {0}; `toolforge jobs delete {0}` ends it", name.escaped()),
            Self::Pod(name) => write!(f, "the pod {}", name.escaped()),
        }
    }
}

/// Returns what runs in a namespace: the web service first, then shells, jobs and all else, each once.
#[must_use]
pub fn holders(pods: &[Pod]) -> Vec<Holder> {
    let (mut web, mut found) = (0, Vec::new());
    for pod in pods.iter().filter(|pod| !has_ended(pod)) {
        let labels = pod.metadata.labels.as_ref();
        let name = Untrusted::new(pod.metadata.name.clone().unwrap_or_default());
        let job = labels.and_then(|labels| labels.get(LABEL_JOB)).cloned();
        if is_web_service(labels) {
            web += 1;
        } else if is_shell(labels) {
            found.push((0, Holder::Shell(name)));
        } else if has(labels, platform::LABEL_MANAGED_BY, MANAGED_BY_JOBS)
            && let Some(job) = job
        {
            found.push((1, Holder::Job(Untrusted::new(job))));
        } else {
            found.push((2, Holder::Pod(name)));
        }
    }
    found.sort_by_key(|(order, _)| *order);
    let mut holders: Vec<Holder> = (web > 0).then_some(Holder::WebService(web)).into_iter().collect();
    holders.extend(found.into_iter().map(|(_, holder)| holder));
    holders.dedup();
    holders
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn what_holds_room_is_named_with_what_ends_it() {
        let pod = |name: &str, component: &str, manager: &str, phase: &str| -> Value {
            json!({
                "metadata": {"name": name, "labels": {
                    "app.kubernetes.io/component": component, "app.kubernetes.io/managed-by": manager,
                    "app.kubernetes.io/name": "report",
                }},
                "status": {"phase": phase},
            })
        };
        let pods = json!([
            pod("report-1", "cronjobs", "toolforge-jobs-framework", "Running"),
            pod("report-2", "cronjobs", "toolforge-jobs-framework", "Running"),
            pod("report-3", "cronjobs", "toolforge-jobs-framework", "Succeeded"),
            pod("x-1", "web", "webservice", "Running"),
            pod("x-2", "web", "webservice", "Pending"),
            pod("shell-1-bcd", "webservice-interactive", "webservice", "Running"),
            pod("by\u{1b}hand", "", "", "Running"),
        ]);
        let pods: Vec<Pod> = serde_json::from_value(pods).unwrap();
        let said = holders(&pods).iter().map(|holder| format!("{holder}\n")).collect::<String>();
        insta::assert_snapshot!(said, @r"
        the web service, with 2 pods; `webservice stop` ends it
        the shell shell-1-bcd; leave it, or `kubectl delete pod shell-1-bcd`
        the job report; `toolforge jobs delete report` ends it
        the pod by\u{1b}hand
        ");
    }
}
