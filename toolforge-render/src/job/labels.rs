//! The labels by which the platform recognizes a job's objects (jobs-api, 2026).

use toolforge_model::{JobKind, JobName, JobRequest, MountStorage, ToolName, platform};

use crate::object::{Labels, has_label, label};

/// Returns the labels by which a job's objects are found: those of its tool, and its name.
pub(super) fn selector(tool: &ToolName, name: &JobName) -> Labels {
    [
        (platform::LABEL_TOOLFORGE, platform::TOOLFORGE_TOOL),
        (platform::LABEL_MANAGED_BY, platform::MANAGED_BY_JOBS),
        (platform::LABEL_CREATED_BY, tool.as_str()),
        (platform::LABEL_JOB_NAME, name.as_str()),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .into()
}

/// Returns the labels that a job's Service carries and selects its pods by.
pub(super) fn of_service(request: &JobRequest) -> Labels {
    let mut labels = selector(&request.tool, &request.name);
    labels.insert(platform::LABEL_VERSION.to_owned(), platform::JOBS_VERSION.to_owned());
    labels.insert(platform::LABEL_COMPONENT.to_owned(), component(&request.kind).to_owned());
    labels
}

/// Returns the labels of a job's object and of its pods.
pub(super) fn of_job(request: &JobRequest) -> Labels {
    let mut labels = of_service(request);
    if request.file_log.is_on() {
        labels.insert(platform::LABEL_FILE_LOG.to_owned(), "yes".to_owned());
    }
    labels.insert(platform::LABEL_EMAILS.to_owned(), request.emails.as_str().to_owned());
    labels.insert(platform::LABEL_MOUNT_STORAGE.to_owned(), MountStorage::as_str(request.mount).to_owned());
    labels
}

fn component(kind: &JobKind) -> &'static str {
    match kind {
        JobKind::OneOff { .. } => platform::COMPONENT_ONE_OFF,
        JobKind::Scheduled { .. } => platform::COMPONENT_SCHEDULED,
        JobKind::Continuous { .. } => platform::COMPONENT_CONTINUOUS,
    }
}

/// Returns whether an object's labels mark it as one of a tool's jobs.
#[must_use]
pub fn is_job(labels: Option<&Labels>, tool: &ToolName) -> bool {
    has_label(labels, platform::LABEL_TOOLFORGE, platform::TOOLFORGE_TOOL)
        && has_label(labels, platform::LABEL_MANAGED_BY, platform::MANAGED_BY_JOBS)
        && has_label(labels, platform::LABEL_CREATED_BY, tool.as_str())
}

/// Returns the name of the job that an object is part of, by its labels.
#[must_use]
pub fn job_name_of(labels: Option<&Labels>) -> Option<JobName> {
    label(labels, platform::LABEL_JOB_NAME)?.parse().ok()
}
