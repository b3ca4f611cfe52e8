//! How a Job finishes, by its conditions.

use k8s_openapi::api::batch::v1::{Job, JobCondition};

/// How a Job finishes: its controller creates no more pods for it (Kubernetes 1.33, the Job controller).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JobEnd {
    /// It will have succeeded once the pods that still run have terminated (`SuccessCriteriaMet`). The quotas count these until then.
    Succeeding,
    /// It has succeeded, and none of its pods runs (`Complete`).
    Succeeded,
    /// It will have failed once the pods that still run have terminated (`FailureTarget`). The quotas count these until then.
    Failing,
    /// It has failed, and none of its pods runs (`Failed`).
    Failed,
}

impl JobEnd {
    /// All of them; those that are final come first.
    const ALL: [Self; 4] = [Self::Succeeded, Self::Failed, Self::Succeeding, Self::Failing];

    /// Returns how a Job finishes; `None` if it may create more pods, now or when it is no longer suspended.
    #[must_use]
    pub fn of(job: &Job) -> Option<Self> {
        end_of(job).map(|(end, _)| end)
    }

    /// Returns whether it has succeeded, or will have.
    #[must_use]
    pub fn is_success(self) -> bool {
        match self {
            Self::Succeeding | Self::Succeeded => true,
            Self::Failing | Self::Failed => false,
        }
    }

    /// Returns whether all of its pods have terminated.
    #[must_use]
    pub fn is_final(self) -> bool {
        match self {
            Self::Succeeded | Self::Failed => true,
            Self::Succeeding | Self::Failing => false,
        }
    }

    /// Returns the type of the condition that says so.
    fn condition_type(self) -> &'static str {
        match self {
            Self::Succeeding => "SuccessCriteriaMet",
            Self::Succeeded => "Complete",
            Self::Failing => "FailureTarget",
            Self::Failed => "Failed",
        }
    }
}

/// Returns how a Job finishes, and the condition that says so.
pub(crate) fn end_of(job: &Job) -> Option<(JobEnd, &JobCondition)> {
    JobEnd::ALL.into_iter().find_map(|end| Some((end, condition(job, end.condition_type())?)))
}

/// Returns whether the controller of a Job has suspended it: its pods are deleted, and none are created.
pub(crate) fn is_suspended(job: &Job) -> bool {
    condition(job, "Suspended").is_some()
}

fn condition<'a>(job: &'a Job, kind: &str) -> Option<&'a JobCondition> {
    let mut conditions = job.status.as_ref()?.conditions.iter().flatten();
    conditions.find(|condition| condition.type_ == kind && condition.status == "True")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn conditions_say_how_a_job_ends() {
        let job = |conditions: &[(&str, &str)]| -> Job {
            let conditions = conditions.iter().map(|(kind, status)| json!({"type": kind, "status": status}));
            let conditions: Vec<_> = conditions.collect();
            serde_json::from_value(json!({"metadata": {}, "status": {"conditions": conditions}})).unwrap()
        };
        let end = |conditions: &[(&str, &str)]| {
            JobEnd::of(&job(conditions)).map(|end| (end, end.is_success(), end.is_final()))
        };
        for (kind, expected) in [
            ("Complete", Some((JobEnd::Succeeded, true, true))),
            ("SuccessCriteriaMet", Some((JobEnd::Succeeding, true, false))),
            ("Failed", Some((JobEnd::Failed, false, true))),
            ("FailureTarget", Some((JobEnd::Failing, false, false))),
            ("Suspended", None),
            ("complete", None),
        ] {
            assert_eq!(end(&[(kind, "True")]), expected, "{kind}");
            assert_eq!(end(&[(kind, "False")]), None, "{kind}");
            assert_eq!(is_suspended(&job(&[(kind, "True")])), kind == "Suspended");
        }
        let both = [("FailureTarget", "True"), ("Failed", "True")];
        assert_eq!(end(&both), Some((JobEnd::Failed, false, true)));
        let both = [("SuccessCriteriaMet", "True"), ("Complete", "True")];
        assert_eq!(end(&both), Some((JobEnd::Succeeded, true, true)));
        assert_eq!(end(&[]), None);
        assert_eq!(JobEnd::of(&Job::default()), None);
    }
}
