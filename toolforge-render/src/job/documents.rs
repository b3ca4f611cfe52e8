//! Facts for jobs from the output of `kubectl get … -o yaml|json`.

use crate::job::{JobFacts, LiveJobs};
use crate::namespace::{Documents, DocumentsError, Namespace};
use crate::pod::with_unsettled_pods;

impl Documents {
    /// Returns the facts for jobs: `facts`, which [`namespace`](Self::namespace) returned, and the live objects.
    ///
    /// Objects of other namespaces are skipped; objects without a namespace count as the tool's.
    ///
    /// # Errors
    /// When an object lacks required fields.
    pub fn job_facts(&self, mut facts: Namespace) -> Result<JobFacts, DocumentsError> {
        let namespace = facts.tool.namespace();
        let live = LiveJobs {
            deployments: self.all_of_kind("Deployment", &namespace)?,
            cron_jobs: self.all_of_kind("CronJob", &namespace)?,
            jobs: self.all_of_kind("Job", &namespace)?,
            services: self.all_of_kind("Service", &namespace)?,
            http_routes: self.all_of_kind("HTTPRoute", &namespace)?,
            pods: self.all_of_kind("Pod", &namespace)?,
            events: self.all_of_kind("Event", &namespace)?,
            recorded: std::collections::BTreeMap::new(),
        };
        // Without pods, the files do not say which ones are missing.
        if !live.pods.is_empty() {
            facts.limits = with_unsettled_pods(facts.limits, &live.deployments, &live.jobs, &live.pods);
        }
        Ok(JobFacts { namespace: facts, live })
    }
}
