use toolforge_model::{ToolName, Untrusted};

use crate::describe::{codes, structs};
use crate::job::Job;
use crate::plan::{Action, Difference, Downtime, QuotaRow, Rollout, Violation};
use crate::web_service::WebServiceStatus;
use crate::workload::WorkloadType;

structs! {
    /// What a command did: `webservice start`, `stop` and `restart`; `jobs run`, `load`, `adopt`, `delete`, `flush`,
    /// `restart`, `trigger`, `suspend` and `resume`. With `--dry-run`, what it would do; `jobs run` and `load` print a `LoadPlan` then.
    pub struct ApplyReport {
        /// The tool.
        pub tool: ToolName,
        /// Whether it was a dry run, and who checked it; `null` if it was none.
        pub dry_run: Option<DryRun>,
        /// Whether it fits the quotas and limits; `null` if no quota is known, or one is not counted yet.
        pub fits: Option<bool>,
        /// The web services and jobs, in the order in which they are changed.
        pub changes: Vec<AppliedChange>,
        /// The quotas.
        pub quotas: Vec<QuotaRow>,
        /// Limits that are exceeded.
        pub violations: Vec<Violation>,
        /// The state of the web service afterwards; `null` for jobs, after a dry run, and if it is not known.
        pub web_service: Option<WebServiceStatus>,
        /// The states of the changed jobs afterwards, without those that no longer exist.
        pub jobs: Vec<Job>,
        /// The exit code of the program.
        pub exit_code: u8,
    }

    /// What was done to a web service or a job.
    pub struct AppliedChange {
        /// Action on the workload.
        pub action: Action,
        /// Type of the workload.
        pub r#type: WorkloadType,
        /// Kind of its object, like `Deployment`; `null` if there is none.
        pub object_kind: Option<Untrusted>,
        /// Name of the job or the object; of a web service, that of the tool.
        pub name: Untrusted,
        /// Whether it is a web service or a job; `false` for an object that no tool manages, and for a single pod.
        pub managed: bool,
        /// How far it got.
        pub outcome: Outcome,
        /// How its pods are replaced; `null` if they are not.
        pub rollout: Option<Rollout>,
        /// When nothing of it runs; `null` if there is no downtime.
        pub downtime: Option<Downtime>,
        /// Its objects, in the order in which they are changed.
        pub objects: Vec<ObjectResult>,
    }

    /// What was done to a Kubernetes object.
    pub struct ObjectResult {
        /// Action on the object.
        pub action: Action,
        /// Kind of the object.
        pub object_kind: String,
        /// Name of the object.
        pub name: String,
        /// How it was written; `null` if it was not.
        pub written: Option<WriteKind>,
        /// The fields that differ.
        pub differences: Vec<Difference>,
    }
}

codes! {
    /// Who checks a dry run.
    pub enum DryRun {
        /// Nothing was sent.
        Client = "client",
        /// The API server checked each request and stored nothing.
        Server = "server",
    }

    /// How far a change got.
    pub enum Outcome {
        /// A dry run: nothing was sent, or the API server accepted it and stored nothing.
        Planned = "planned",
        /// Nothing had to be changed.
        Unchanged = "unchanged",
        /// All of it was done.
        Done = "done",
        /// It failed, and nothing of it was done.
        Failed = "failed",
        /// It failed, and a part of it was done.
        PartiallyDone = "partially-done",
        /// All of it was done, and its run failed or was not waited for.
        RunFailed = "run-failed",
        /// It was interrupted; whether the last object was written is not known.
        Interrupted = "interrupted",
        /// It was not tried, because an earlier one failed.
        NotTried = "not-tried",
    }

    /// How an object was written.
    pub enum WriteKind {
        /// Created.
        Created = "created",
        /// Some of its fields were set or removed.
        Merged = "merged",
        /// Applied on the server's side.
        Applied = "applied",
        /// Replaced as a whole.
        Replaced = "replaced",
        /// Deleted.
        Deleted = "deleted",
    }
}
