//! The workloads that use the quota of a namespace.

use std::fmt;

use k8s_openapi::api::core::v1::Pod;
use toolforge_model::{Untrusted, platform};

use crate::change::WorkloadKind;
use crate::object::{has_label, is_shell, label};
use crate::pod::has_ended;
use crate::web_service::is_web_service;

/// A workload whose running pods use the quota of a namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum QuotaConsumer {
    /// The web service.
    WebService {
        /// How many of its pods run.
        pods: usize,
    },
    /// A shell.
    Shell {
        /// The name of its pod.
        pod: Untrusted,
    },
    /// A job.
    Job {
        /// The kind of the job.
        kind: WorkloadKind,
        /// The name of the job.
        name: Untrusted,
    },
    /// A pod of another workload.
    Pod {
        /// The name of the pod.
        name: Untrusted,
    },
}

impl fmt::Display for QuotaConsumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WebService { pods: 1 } => f.write_str("the web service"),
            Self::WebService { pods } => write!(f, "the web service, with {pods} pods"),
            Self::Shell { pod } => write!(f, "the shell {}", pod.escaped()),
            Self::Job { name, .. } => write!(f, "the job {}", name.escaped()),
            Self::Pod { name } => write!(f, "the pod {}", name.escaped()),
        }
    }
}

/// Returns what uses the quota of a namespace, each workload once: the web service, then shells, jobs, and other pods.
#[must_use]
pub fn quota_consumers(pods: &[Pod]) -> Vec<QuotaConsumer> {
    let mut consumers: Vec<QuotaConsumer> = Vec::new();
    for pod in pods.iter().filter(|pod| !has_ended(pod)) {
        let consumer = consumer_of(pod);
        match (consumers.iter_mut().find(|known| known.is_same(&consumer)), consumer) {
            (Some(QuotaConsumer::WebService { pods }), _) => *pods += 1,
            (Some(_), _) => {}
            (None, consumer) => consumers.push(consumer),
        }
    }
    consumers.sort_by_key(|consumer| match consumer {
        QuotaConsumer::WebService { .. } => 0,
        QuotaConsumer::Shell { .. } => 1,
        QuotaConsumer::Job { .. } => 2,
        QuotaConsumer::Pod { .. } => 3,
    });
    consumers
}

/// Returns the workload of a pod, with this one pod.
pub(crate) fn consumer_of(pod: &Pod) -> QuotaConsumer {
    let labels = pod.metadata.labels.as_ref();
    let name = Untrusted::new(pod.metadata.name.clone().unwrap_or_default());
    if is_web_service(labels) {
        return QuotaConsumer::WebService { pods: 1 };
    }
    if is_shell(labels) {
        return QuotaConsumer::Shell { pod: name };
    }
    let is_job = has_label(labels, platform::LABEL_MANAGED_BY, platform::MANAGED_BY_JOBS);
    match label(labels, platform::LABEL_JOB_NAME).filter(|_| is_job) {
        Some(job) => {
            let kind = match label(labels, platform::LABEL_COMPONENT) {
                Some(platform::COMPONENT_CONTINUOUS) => WorkloadKind::Continuous,
                Some(platform::COMPONENT_SCHEDULED) => WorkloadKind::Scheduled,
                _ => WorkloadKind::OneOff,
            };
            QuotaConsumer::Job { kind, name: Untrusted::new(job) }
        }
        None => QuotaConsumer::Pod { name },
    }
}

impl QuotaConsumer {
    /// Returns whether two pods belong to the same workload.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        matches!((self, other), (Self::WebService { .. }, Self::WebService { .. })) || self == other
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn quota_consumers_are_named_once() {
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
        let shown = quota_consumers(&pods).iter().map(|consumer| format!("{consumer}\n")).collect::<String>();
        insta::assert_snapshot!(shown, @r"
        the web service, with 2 pods
        the shell shell-1-bcd
        the job report
        the pod by\u{1b}hand
        ");
    }
}
