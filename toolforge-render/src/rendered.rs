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
    use toolforge_images::Catalog;
    use toolforge_model::{JobsFile, ToolName, WebServiceOptions};
    use toolforge_quota::{Resource, ResourceQuota};

    use super::counted;
    use crate::job::{JobFacts, LoadOptions, plan_load};
    use crate::namespace::Namespace;
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
}
