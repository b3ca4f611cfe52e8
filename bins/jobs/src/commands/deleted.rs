//! The object that an adoption deletes before it creates the job: it is not lost if that fails.

use toolforge_cli::{ExitCode, Failure, Session};
use toolforge_client::serde_json::Value;
use toolforge_client::{Attempt, ResourceType, WriteKind, Written, post_params};
use toolforge_model::Untrusted;
use toolforge_render::convert::as_created;
use toolforge_render::job::JobObjects;
use toolforge_report::DetailCode;

/// The object that is adopted, and whether it was deleted: until its job is created, only this program has its definition.
#[derive(Default)]
pub(super) struct Deleted {
    pub(super) planned: Option<JobObjects>,
    is_deleted: bool,
}

impl Deleted {
    /// Adds what was written.
    pub(super) fn add<'a>(&mut self, written: impl IntoIterator<Item = &'a Written>) {
        let Some(job) = &self.planned else { return };
        let (kind, name) = (job.workload.kind(), job.name.as_str());
        for written in written.into_iter().filter(|found| found.id.kind == kind && found.id.name == name) {
            self.is_deleted = written.kind == WriteKind::Deleted;
        }
    }

    /// Returns the object if earlier attempts have deleted it and not created its job.
    pub(super) fn after(&mut self, attempt: &Attempt) -> Option<JobObjects> {
        self.is_deleted = false;
        self.add(attempt.written());
        self.planned.clone().filter(|_| self.is_deleted)
    }

    /// Creates the object again if it was deleted, and returns the failure with what became of it: at worst, its manifest.
    pub(super) fn put_back(&self, session: &Session, failure: Failure) -> Failure {
        let Some(job) = self.planned.as_ref().filter(|_| self.is_deleted) else { return failure };
        let original = as_created(job);
        let collection = ResourceType::of_kind(original.kind()).in_namespace(session.tool.namespace());
        let created = session.cluster().and_then(|(runtime, client)| {
            let (document, params) = (original.to_json(), post_params());
            let created = client.create::<Value>(&collection, &document, &params);
            runtime.block_on(created).map_err(Failure::from)
        });
        let subject = job.workload_ref();
        let (exit_code, message) = match &created {
            Ok(_) => (
                ExitCode::Cluster,
                format!("{subject} is not a job: it was deleted, and created again as it was"),
            ),
            Err(_) => (
                ExitCode::Partial,
                format!("{subject} was deleted, and is not a job yet; this is its manifest:"),
            ),
        };
        let exit_code = match failure.exit_code() {
            signal @ ExitCode::Propagated(_) => signal,
            _ => exit_code,
        };
        let reasons = [failure.message().to_owned()].into_iter().chain(failure.details());
        let reported = reasons.fold(Failure::new(exit_code, message), Failure::detail);
        let Err(error) = created else { return reported };
        let text = original.to_yaml();
        let text = Untrusted::new(text.trim_start_matches("---\n"));
        reported
            .detail(format!("it could not be created again: {}", error.message()))
            .coded_detail(DetailCode::Manifest, text.lines_escaped().to_string())
            .hint(format!(
                "Save the manifest: `kubectl create -f FILE` creates {subject} again, and `toolforge jobs convert FILE` prints it for \
                 a jobs file."
            ))
    }
}
