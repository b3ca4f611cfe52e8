//! Facts for jobs from the output of `kubectl get … -o yaml|json`.

use k8s_openapi::api::core::v1 as core;
use toolforge_model::ToolName;

use crate::job::{JobFacts, LiveJobs};
use crate::namespace::{Documents, DocumentsError, Platform, limits};
use crate::pod::with_unsettled_pods;

impl Documents {
    /// Returns the facts for a tool's jobs, whose pods run with the user id `uid`.
    ///
    /// Objects of other namespaces are skipped, except the catalog's ConfigMap; objects without a namespace count as the
    /// tool's. If no file contains the catalog, the bundled one is used.
    ///
    /// # Errors
    /// When an object lacks required fields, or the catalog, a quota or a limit is invalid.
    pub fn job_facts(
        &self,
        tool: &ToolName,
        uid: i64,
        platform: Platform,
    ) -> Result<JobFacts, DocumentsError> {
        let namespace = tool.namespace();
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
        let quotas = self.all_of_kind::<core::ResourceQuota>("ResourceQuota", &namespace)?;
        let limit_ranges = self.all_of_kind::<core::LimitRange>("LimitRange", &namespace)?;
        let limits = limits(&quotas, &limit_ranges)?;
        // Without pods, the files do not say which ones are missing.
        let has_pods = !live.pods.is_empty();
        let settled = |limits| with_unsettled_pods(limits, &live.deployments, &live.jobs, &live.pods);
        Ok(JobFacts {
            limits: if has_pods { settled(limits) } else { limits },
            live,
            ..JobFacts::new(tool.clone(), uid, self.catalog()?, platform)
        })
    }
}
