//! Whose log is read.

use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;
use toolforge_model::{ToolName, platform};
use toolforge_render::web_service::serves;

use crate::log::owner::LogOwner;
use crate::{Collection, ObjectPath, ResourceType};

/// Says which pods' logs are read together, and with which object they end.
#[derive(Clone, Debug)]
pub struct LogSubject {
    namespace: String,
    /// The labels that all of the pods carry.
    labels: Vec<(&'static str, String)>,
    /// Which of the pods with these labels count.
    counts: fn(&Pod) -> bool,
    owner: ObjectPath,
}

impl LogSubject {
    /// Returns the log's subject for a web service: the pods that serve, until its Deployment is gone.
    #[must_use]
    pub fn web_service(tool: &ToolName) -> Self {
        Self {
            namespace: tool.namespace(),
            labels: vec![(platform::LABEL_NAME, tool.as_str().to_owned())],
            counts: serves,
            owner: LogOwner::Deployment.path(tool.namespace(), tool.as_str()),
        }
    }

    /// Returns the log's subject for a job of that name, which is an object of this kind with the same name.
    #[must_use]
    pub fn job(tool: &ToolName, name: &str, owner: LogOwner) -> Self {
        Self {
            namespace: tool.namespace(),
            labels: vec![
                (platform::LABEL_TOOLFORGE, platform::TOOLFORGE_TOOL.to_owned()),
                (platform::LABEL_MANAGED_BY, platform::MANAGED_BY_JOBS.to_owned()),
                (platform::LABEL_CREATED_BY, tool.as_str().to_owned()),
                (platform::LABEL_JOB_NAME, name.to_owned()),
            ],
            // The labels are on nothing but the job's pods.
            counts: |_| true,
            owner: owner.path(tool.namespace(), name),
        }
    }

    /// Returns the pods among which the subject's are.
    #[must_use]
    pub fn collection(&self) -> Collection {
        ResourceType::of::<Pod>().in_namespace(self.namespace.as_str())
    }

    /// Returns the parameters that select the target's pods.
    #[must_use]
    pub fn list_params(&self) -> ListParams {
        let labels = self.labels.iter().map(|(name, value)| format!("{name}={value}"));
        ListParams::default().labels(&labels.collect::<Vec<_>>().join(","))
    }

    /// Returns whether a pod is one of the subject's.
    #[must_use]
    pub fn has(&self, pod: &Pod) -> bool {
        let label = |name: &str| pod.metadata.labels.as_ref()?.get(name);
        self.labels.iter().all(|(name, value)| label(name) == Some(value)) && (self.counts)(pod)
    }

    /// Returns the object whose end is the end of the log.
    pub(super) fn owner(&self) -> &ObjectPath {
        &self.owner
    }
}
