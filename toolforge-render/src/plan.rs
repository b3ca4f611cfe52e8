//! Web services and jobs of a namespace planned together, ignoring live objects: for manifests and forecasts.

use toolforge_model::{JobRequest, WebServiceRequest};
use toolforge_quota::{ObjectName, QuotaCheck};

use crate::change::{Action, Change, ChangeDemand, ChangeSet, WorkloadKind};
use crate::job::{JobFacts, JobPlan, JobPlanError};
use crate::namespace::Namespace;
use crate::object::{Object, ObjectKind};
use crate::pod::{count_demand, one_pod_of};
use crate::web_service::{PlanError, PlanOptions, WebServiceFacts, WebServicePlan};

/// A web service or a job planned for an empty namespace, with its objects.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Plan {
    /// The job's name, or the tool's for a web service.
    pub name: String,
    /// The kind of the workload.
    pub kind: WorkloadKind,
    /// Its objects, in the order in which they are created.
    pub objects: Vec<Object>,
}

impl<'a> IntoIterator for &'a Plan {
    type Item = &'a Object;
    type IntoIter = std::slice::Iter<'a, Object>;

    fn into_iter(self) -> Self::IntoIter {
        self.objects.iter()
    }
}

impl Namespace {
    /// Plans a web service, with an Ingress as its route.
    ///
    /// # Errors
    /// When the catalog does not have the type.
    pub fn web(&self, request: WebServiceRequest) -> Result<Plan, PlanError> {
        let plan = WebServicePlan::new(request, &WebServiceFacts::new(self.clone()), PlanOptions::default())?;
        let name = plan.request().tool.to_string();
        Ok(Plan { name, kind: WorkloadKind::WebService, objects: plan.objects() })
    }

    /// Plans a job.
    ///
    /// # Errors
    /// When the catalog does not have the image.
    pub fn job(&self, request: JobRequest) -> Result<Plan, JobPlanError> {
        let objects = JobPlan::new(request, &JobFacts::new(self.clone()))?.objects();
        let (name, kind) = (objects.name.to_string(), objects.workload.job_kind());
        Ok(Plan { name, kind, objects: objects.into_objects() })
    }

    /// Returns whether the namespace fits all plans at the same time, with one run of each scheduled job.
    #[must_use]
    pub fn verdict<'a>(&self, plans: impl IntoIterator<Item = &'a Plan>) -> QuotaCheck {
        let limit_ranges = &self.limits.limit_ranges;
        let change = |plan: &Plan| {
            let owner = match plan.kind {
                WorkloadKind::WebService => ObjectName::new("web service", plan.name.as_str()),
                WorkloadKind::OneOff
                | WorkloadKind::Scheduled
                | WorkloadKind::Continuous
                | WorkloadKind::Recorded
                | WorkloadKind::Manifest
                | WorkloadKind::Pod => ObjectName::new("job", plan.name.as_str()),
            };
            let mut demand = ChangeDemand::of_objects(plan, limit_ranges, Some(&owner));
            for cron_job in plan.into_iter().filter(|object| object.kind() == ObjectKind::CronJob) {
                demand.requested.add_all(&one_pod_of(cron_job, limit_ranges));
                demand.requested.add_all(&count_demand(ObjectKind::Job));
            }
            Change { demand, ..Change::new(plan.kind, plan.name.as_str(), Action::Create) }
        };
        ChangeSet::at_once(plans.into_iter().map(change).collect(), &self.limits).at_rest
    }
}

#[cfg(test)]
mod tests {
    use toolforge_images::Catalog;
    use toolforge_model::{JobOptions, ToolName, WebServiceOptions};

    use super::*;

    fn plans(namespace: &Namespace, memory: &str) -> [Plan; 2] {
        let web = WebServiceOptions { type_name: Some("php8.2".parse().unwrap()), ..Default::default() };
        let job = JobOptions {
            name: Some("daily".parse().unwrap()),
            image: Some("python3.11".parse().unwrap()),
            command: Some("./daily.py".to_owned()),
            schedule: Some("@daily".to_owned()),
            memory: Some(memory.parse().unwrap()),
            ..Default::default()
        };
        let (web, job) =
            (web.into_request(&namespace.tool).unwrap(), job.into_request(&namespace.tool).unwrap());
        [namespace.web(web).unwrap(), namespace.job(job).unwrap()]
    }

    fn verdict(memory: &str) -> String {
        let tool: ToolName = "x".parse().unwrap();
        let namespace = Namespace::new(&tool, Catalog::bundled()).with_profile("tools-2023").unwrap();
        namespace.verdict(&plans(&namespace, memory)).to_string()
    }

    #[test]
    fn verdict_counts_all_plans_together() {
        assert_eq!(verdict("1Gi"), "fits");
        assert_eq!(verdict("4Gi"), "fits");
    }

    #[test]
    fn verdict_names_the_owner_of_a_container() {
        let text = verdict("6Gi");
        assert!(text.starts_with("job daily: memory: 6Gi is more than the maximum of 4Gi"), "{text}");
    }

    #[test]
    fn printed_plans_have_every_object() {
        let tool: ToolName = "x".parse().unwrap();
        let namespace = Namespace::new(&tool, Catalog::bundled());
        let plans = plans(&namespace, "1Gi");
        let text = crate::object::to_yaml(plans.iter().flatten());
        let kinds: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("kind: ")).collect();
        assert_eq!(kinds, ["Deployment", "Service", "Ingress", "CronJob"]);
    }
}
