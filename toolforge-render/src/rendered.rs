//! Counts rendered workloads in this crate's tests: a command renders each of them once.

#[cfg(test)]
thread_local! {
    static RENDERED: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// Counts a rendered plan.
pub(crate) fn count() {
    #[cfg(test)]
    RENDERED.set(RENDERED.get() + 1);
}

/// Returns the number of plans that a function renders, and its result.
#[cfg(test)]
pub(crate) fn counted<T>(run: impl FnOnce() -> T) -> (usize, T) {
    let before = RENDERED.get();
    let result = run();
    (RENDERED.get() - before, result)
}

#[cfg(test)]
mod tests {
    use k8s_openapi::jiff::Timestamp;
    use serde_json::json;
    use toolforge_images::Catalog;
    use toolforge_model::{JobsFile, ToolName, WebServiceOptions};
    use toolforge_quota::{Resource, ResourceQuota};

    use super::counted;
    use crate::convert::plan_adoption;
    use crate::files::{FileContents, FilePlanFacts, plan_files};
    use crate::job::{JobFacts, LoadOptions, plan_load};
    use crate::namespace::Namespace;
    use crate::object::Object;
    use crate::web_service::{PlanOptions, StartTime, WebServiceFacts, WebServicePlan, web_service_changes};

    /// Returns a quota that allows one pod and no second one, so the rollout has to be chosen.
    fn full() -> ResourceQuota {
        ResourceQuota { hard: [(Resource::Pods, 1)].into(), ..ResourceQuota::default() }
    }

    #[test]
    fn start_renders_a_web_service_once() {
        let tool: ToolName = "x".parse().unwrap();
        let mut facts = WebServiceFacts::new(Namespace::new(&tool, Catalog::bundled()));
        facts.namespace.limits.quotas.push(full());
        let plan = |memory: &str, facts: &WebServiceFacts| {
            let options =
                WebServiceOptions { memory: Some(memory.parse().unwrap()), ..WebServiceOptions::default() };
            let request = options.merge_into(&tool, None, "php8.2".parse().unwrap()).unwrap();
            WebServicePlan::new(request, facts, PlanOptions::default()).unwrap()
        };
        let first = plan("1Gi", &facts);
        let (count, set) = counted(|| web_service_changes(&first, &facts, StartTime::Keep));
        assert_eq!(count, 1);
        facts.live.extend(set.objects().cloned());
        let second = plan("2Gi", &facts);
        let start = StartTime::Always(Timestamp::UNIX_EPOCH);
        assert_eq!(counted(|| web_service_changes(&second, &facts, start)).0, 1);
    }

    #[test]
    fn load_renders_each_job_once() {
        let tool: ToolName = "x".parse().unwrap();
        let mut facts = JobFacts::new(Namespace::new(&tool, Catalog::bundled()).with_uid(52503));
        facts.namespace.limits.quotas.push(full());
        let requests = |memory: &str| {
            let job = |name: &str, rest: &str| {
                format!("- {{name: {name}, command: x, image: bookworm, mem: {memory}, {rest}}}\n")
            };
            let text = [job("bot", "continuous: true, replicas: 2"), job("daily", "schedule: '@daily'")];
            let file = JobsFile::parse(&text.concat(), &tool).unwrap();
            file.jobs.into_iter().map(|job| job.request).collect::<Vec<_>>()
        };
        let options = LoadOptions::default();
        let (count, load) = counted(|| plan_load(&requests("1Gi"), &facts, &options));
        assert_eq!(count, 2);
        facts.live.extend(load.set.objects().cloned());
        assert_eq!(counted(|| plan_load(&requests("2Gi"), &facts, &options)).0, 2);
        assert_eq!(counted(|| plan_load(&requests("1Gi"), &facts, &options)).0, 2);
    }

    #[test]
    fn plan_of_files_renders_each_workload_once() {
        let tool: ToolName = "x".parse().unwrap();
        let mut facts = FilePlanFacts::new(Namespace::new(&tool, Catalog::bundled()).with_uid(52503));
        facts.jobs.namespace.limits.quotas.push(full());
        let files = |memory: &str| {
            let jobs = format!(
                "- {{name: bot, command: x, image: bookworm, continuous: true, mem: {memory}}}\n\
                 - {{name: daily, command: x, image: bookworm, schedule: '@daily', mem: {memory}}}\n"
            );
            let template = format!("type: php8.2\nmem: {memory}\n");
            [FileContents::parse(&jobs, &tool), FileContents::parse(&template, &tool)]
        };
        let (count, plan) = counted(|| plan_files(&files("1Gi"), &facts));
        assert_eq!((count, plan.set.changes.len()), (3, 3));
        let objects: Vec<Object> = plan.set.objects().cloned().collect();
        let is_web_service = |object: &&Object| object.metadata().name.as_deref() == Some(tool.as_str());
        facts.web_service.live.extend(objects.iter().filter(is_web_service).cloned());
        facts.jobs.live.extend(objects);
        assert_eq!(counted(|| plan_files(&files("2Gi"), &facts)).0, 3);
    }

    #[test]
    fn adoption_renders_the_job_once() {
        let tool: ToolName = "x".parse().unwrap();
        let mut facts = JobFacts::new(Namespace::new(&tool, Catalog::bundled()).with_uid(52503));
        let cron_job = json!({
            "metadata": {"name": "daily", "namespace": "tool-x"},
            "spec": {"schedule": "0 3 * * *", "jobTemplate": {"spec": {"template": {"spec": {
                "restartPolicy": "Never",
                "containers": [{
                    "name": "daily", "command": ["./daily.sh"],
                    "image": "docker-registry.svc.toolforge.org/toolforge-python311-sssd-base:latest",
                }],
            }}}}},
        });
        facts.live.cron_jobs.push(serde_json::from_value(cron_job).unwrap());
        let job = facts.live.unmanaged(&tool).remove(0);
        assert_eq!(counted(|| plan_adoption(&job, &facts).unwrap()).0, 1);
    }
}
