//! The resources that the scheduled jobs of a tool use over time.

use std::ops::Range;

use k8s_openapi::api::batch::v1::{CronJobSpec, Job};
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use toolforge_model::JobName;
use toolforge_quota::{Concurrency, Demand, PodTraits, Pods, ScheduledRuns};

use crate::job::demand::{RunDemand, of_run};
use crate::job::duration::{DurationSource, due_time, last_duration};
use crate::job::{JobFacts, JobObjects, JobWorkload, LiveJobs, RunOutcome, runs_of_job};
use crate::object::{CronJobSchedule, cron_job_spec};

/// The assumed duration of a run if no earlier run is known, in seconds.
const ASSUMED_SECONDS: u32 = 300;

/// The shortest interval between runs that are simulated one by one, in seconds: that of a cron expression.
const SHORTEST_INTERVAL: u64 = 60;

/// The maximum number of simultaneous runs of a job that are simulated one by one.
const MOST_AT_ONCE: u64 = 100;

/// The maximum time for which runs that start within a period are followed after its end.
const LONGEST_RUN: SignedDuration = SignedDuration::from_hours(24);

/// The schedule, duration and demand of a scheduled job's runs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ScheduledJobLoad {
    /// The job's name.
    pub name: JobName,
    /// The schedule.
    pub schedule: CronJobSchedule,
    /// What each run requests.
    pub each: Demand,
    /// The pods of a run that need not run at the same time as its others.
    pub extra_pods: Pods,
    /// What decides which quotas count a run.
    pub traits: PodTraits,
    /// The duration of a run, in seconds.
    pub seconds: u32,
    /// Where the duration comes from.
    pub duration_source: DurationSource,
    /// What happens to a run that is due during another one.
    pub concurrency: Concurrency,
    /// How late a run may start, in seconds.
    pub starting_deadline: u32,
    /// When the current runs were due.
    pub current: Vec<Timestamp>,
}

impl ScheduledJobLoad {
    /// Returns the load of a scheduled job; `None` for any other job, and for a schedule that is suspended or in a time zone
    /// other than UTC.
    #[must_use]
    pub fn of(job: &JobObjects, facts: &JobFacts) -> Option<Self> {
        let JobWorkload::Scheduled(cron_job) = &job.workload else { return None };
        let spec = cron_job_spec(cron_job)?;
        if spec.suspend == Some(true) || has_other_time_zone(spec) {
            return None;
        }
        // Without a pod template, nothing runs.
        job.workload.template()?.spec.as_ref()?;
        let schedule = CronJobSchedule::of(cron_job)?;
        let last = last_duration(job, cron_job, &schedule, &facts.live);
        let RunDemand { each, extra_pods, traits } = of_run(job, facts);
        Some(Self {
            name: job.name.clone(),
            schedule,
            each,
            extra_pods,
            traits,
            seconds: last.map_or_else(|| assumed_seconds(job), |last| last.seconds).max(1),
            duration_source: last.map_or(DurationSource::Assumed, |last| last.source),
            concurrency: match spec.concurrency_policy.as_deref() {
                Some("Forbid") => Concurrency::Forbid,
                Some("Replace") => Concurrency::Replace,
                // The default of Kubernetes.
                _ => Concurrency::Allow,
            },
            // Without a deadline, a run may start as late as it has to.
            starting_deadline: spec
                .starting_deadline_seconds
                .map_or(u32::MAX, |seconds| u32::try_from(seconds).unwrap_or(0)),
            current: active_runs(job, &facts.live).into_iter().filter_map(start_time).collect(),
        })
    }

    /// Returns whether runs start so often that they are simulated as if some were always running: more often than once a
    /// minute, or a hundred times during a run.
    #[must_use]
    pub fn runs_all_the_time(&self) -> bool {
        self.permanent_runs().is_some()
    }

    /// Returns the number of simultaneous runs, if that many are simulated as always running.
    fn permanent_runs(&self) -> Option<u64> {
        let CronJobSchedule::Interval { seconds, .. } = &self.schedule else { return None };
        let at_once = match self.concurrency {
            Concurrency::Allow => u64::from(self.seconds).div_ceil(*seconds).max(1),
            Concurrency::Forbid | Concurrency::Replace => 1,
        };
        (*seconds < SHORTEST_INTERVAL || at_once > MOST_AT_ONCE).then_some(at_once)
    }

    /// Returns the current runs, and those that are due within a time.
    ///
    /// Runs that are simulated as always running are combined into one with their total demand.
    pub(super) fn runs(&self, time: &Range<Timestamp>) -> ScheduledRuns {
        match self.permanent_runs() {
            Some(at_once) => self.permanent(at_once, time),
            None => self.single_runs(time),
        }
    }

    fn permanent(&self, at_once: u64, time: &Range<Timestamp>) -> ScheduledRuns {
        let current = u64::try_from(self.current.len()).unwrap_or(u64::MAX);
        let at_once = at_once.max(current);
        let Range { start, end } = seconds(time);
        let Pods { count, each } = self.extra_pods.clone();
        ScheduledRuns {
            each: self.each.times(at_once),
            extra_pods: Pods { count: count.saturating_mul(at_once), each },
            starts: vec![start],
            seconds: u32::try_from(end.saturating_sub(start)).unwrap_or(u32::MAX),
            concurrency: Concurrency::Allow,
            ..self.runs_at(Vec::new())
        }
    }

    /// Iterates over the runs that are due within a time.
    fn due(&self, time: &Range<Timestamp>) -> impl Iterator<Item = Timestamp> + '_ {
        // A run at the start of the time is included.
        let before = time.start.checked_sub(SignedDuration::from_nanos(1)).unwrap_or(time.start);
        self.schedule.runs_between(before, time.end)
    }

    fn single_runs(&self, time: &Range<Timestamp>) -> ScheduledRuns {
        let starts = self.current.iter().copied().chain(self.due(time));
        self.runs_at(starts.map(Timestamp::as_second).collect())
    }

    /// Returns runs that are due at times.
    pub(super) fn runs_at(&self, starts: Vec<i64>) -> ScheduledRuns {
        ScheduledRuns {
            name: self.name.to_string(),
            each: self.each.clone(),
            extra_pods: self.extra_pods.clone(),
            traits: self.traits.clone(),
            starts,
            seconds: self.seconds,
            concurrency: self.concurrency,
            starting_deadline: self.starting_deadline,
        }
    }
}

/// Returns whether a schedule is in a time zone other than UTC.
pub(super) fn has_other_time_zone(spec: &CronJobSpec) -> bool {
    spec.time_zone.as_deref().is_some_and(|zone| !matches!(zone, "UTC" | "Etc/UTC"))
}

/// Returns the assumed duration of a run, in seconds: five minutes, or its timeout if that is shorter.
pub(super) fn assumed_seconds(job: &JobObjects) -> u32 {
    let timeout = job.workload.job_spec().and_then(|spec| spec.active_deadline_seconds);
    let timeout = timeout.and_then(|seconds| u32::try_from(seconds).ok());
    timeout.map_or(ASSUMED_SECONDS, |timeout| timeout.min(ASSUMED_SECONDS)).max(1)
}

/// Returns when a run was due, or, if it was started by hand, when it was created.
fn start_time(run: &Job) -> Option<Timestamp> {
    due_time(run).or(run.metadata.creation_timestamp.as_ref().map(|time| time.0))
}

fn active_runs<'a>(job: &JobObjects, live: &'a LiveJobs) -> Vec<&'a Job> {
    let mut runs = runs_of_job(job, live);
    runs.retain(|run| match RunOutcome::of(run, live) {
        RunOutcome::Running { .. } | RunOutcome::Retrying { .. } | RunOutcome::Starting { .. } => true,
        RunOutcome::Succeeded { .. } | RunOutcome::Failed { .. } | RunOutcome::Suspended => false,
    });
    runs
}

/// Returns a period extended until the runs that start in it have finished.
pub(super) fn with_last_runs(loads: &[ScheduledJobLoad], time: &Range<Timestamp>) -> Range<Timestamp> {
    let lasting = loads.iter().filter(|load| !load.runs_all_the_time());
    let longest = lasting.map(|load| SignedDuration::from_secs(load.seconds.into())).max();
    let longest = longest.unwrap_or_default().min(LONGEST_RUN);
    time.start..time.end.checked_add(longest).unwrap_or(Timestamp::MAX)
}

/// Returns a time in seconds since 1970.
pub(super) fn seconds(time: &Range<Timestamp>) -> Range<i64> {
    time.start.as_second()..time.end.as_second()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use k8s_openapi::api::batch::v1::{CronJob, CronJobStatus};
    use k8s_openapi::api::core::v1::Pod;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
    use serde_json::{Value, json};
    use toolforge_images::Catalog;
    use toolforge_model::JobOptions;
    use toolforge_quota::{Resource, ResourceQuota, conflicts};

    use super::*;
    use crate::job::{JobPlan, JobWorkload, manual_run, quotas_without_runs, simulate_scheduled_jobs};
    use crate::namespace::Namespace;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn facts(timeout: Option<u32>) -> JobFacts {
        let tool = "stashbot".parse().unwrap();
        let mut facts = JobFacts::new(Namespace::new(&tool, Catalog::bundled()).with_uid(52503));
        let options = JobOptions {
            name: Some("daily".parse().unwrap()),
            command: Some("./daily.py".to_owned()),
            image: Some("bookworm".parse().unwrap()),
            schedule: Some("15 10 * * *".to_owned()),
            timeout,
            ..JobOptions::default()
        };
        let request = options.into_request(&facts.namespace.tool).unwrap();
        let JobWorkload::Scheduled(mut cron_job) = JobPlan::new(request, &facts).unwrap().objects().workload
        else {
            panic!("it has a schedule")
        };
        cron_job.metadata.uid = Some("uid".to_owned());
        facts.live.cron_jobs.push(*cron_job);
        facts
    }

    fn load(facts: &JobFacts) -> Option<ScheduledJobLoad> {
        ScheduledJobLoad::of(&facts.live.jobs_of(&facts.namespace.tool)[0], facts)
    }

    #[test]
    fn duration_is_that_of_the_last_success() {
        let known = |facts: &JobFacts| load(facts).map(|load| (load.seconds, load.duration_source));
        for (timeout, assumed) in [(None, 300), (Some(60), 60), (Some(4000), 300)] {
            assert_eq!(known(&facts(timeout)), Some((assumed, DurationSource::Assumed)));
        }
        let mut facts = facts(Some(60));
        // During a run and after a failure, the last success is that of the run before.
        for (last_success, expected) in [("2026-08-01T10:15:42Z", 42), ("2026-07-31T10:15:52Z", 52)] {
            facts.live.cron_jobs[0].status = Some(CronJobStatus {
                last_schedule_time: Some(Time(at("2026-08-01T10:15:00Z"))),
                last_successful_time: Some(Time(at(last_success))),
                ..CronJobStatus::default()
            });
            assert_eq!(known(&facts), Some((expected, DurationSource::UpperBound)), "{last_success}");
        }
        for (zone, is_known) in [("UTC", true), ("Etc/UTC", true), ("Europe/Berlin", false)] {
            cron_job_spec_mut(&mut facts.live.cron_jobs[0]).time_zone = Some(zone.to_owned());
            assert_eq!(known(&facts).is_some(), is_known, "{zone}");
        }
    }

    fn cron_job_spec_mut(cron_job: &mut CronJob) -> &mut CronJobSpec {
        let spec: Option<&mut CronJobSpec> = (&mut cron_job.spec).into();
        spec.unwrap()
    }

    /// Returns the seconds of an hourly job with this status, these Jobs of runs and these events of their completion.
    fn hourly(status: &Value, runs: &[Value], ends: &[(&str, i64)]) -> Option<u32> {
        let events: Vec<Value> = ends
            .iter()
            .map(|(time, minute)| event("Job", &format!("daily-{minute}"), "Completed", time, ""))
            .collect();
        let load = hourly_load(status, runs, &events);
        load.filter(|load| load.duration_source != DurationSource::Assumed).map(|load| load.seconds)
    }

    fn event(kind: &str, name: &str, reason: &str, time: &str, message: &str) -> Value {
        let object = json!({"kind": kind, "name": name});
        json!({"metadata": {}, "reason": reason, "lastTimestamp": time, "message": message, "involvedObject": object})
    }

    fn hourly_load(status: &Value, runs: &[Value], events: &[Value]) -> Option<ScheduledJobLoad> {
        let mut facts = facts(None);
        let cron_job = &mut facts.live.cron_jobs[0];
        cron_job_spec_mut(cron_job).schedule = "0 * * * *".to_owned();
        cron_job.status = Some(serde_json::from_value(status.clone()).unwrap());
        let owner = json!([{"apiVersion": "batch/v1", "kind": "CronJob", "name": "daily", "uid": "uid", "controller": true}]);
        for run in runs {
            let mut run = run.clone();
            run["metadata"]["ownerReferences"] = owner.clone();
            facts.live.jobs.push(serde_json::from_value(run).unwrap());
        }
        for event in events {
            facts.live.events.push(serde_json::from_value(event.clone()).unwrap());
        }
        load(&facts)
    }

    /// The name of a run that is due at 10:00 on 2026-08-01, and of the one before.
    const MINUTE: i64 = 1_785_578_400 / 60;

    fn run(due: &str, status: &Value) -> Value {
        let noted = json!({"batch.kubernetes.io/cronjob-scheduled-timestamp": due});
        json!({"metadata": {"name": "run", "uid": due, "annotations": noted}, "status": status})
    }

    #[test]
    fn last_success_may_precede_last_run() {
        let status = |ended: &str, active: &[i64]| {
            let active: Vec<Value> =
                active.iter().map(|minute| json!({"name": format!("daily-{minute}")})).collect();
            json!({"lastScheduleTime": "2026-08-01T10:00:00Z", "lastSuccessfulTime": ended, "active": active})
        };
        let done = |at: &str| json!({"succeeded": 1, "completionTime": at, "conditions": [{"type": "Complete", "status": "True"}]});
        let failed = json!({"failed": 1, "conditions": [{"type": "Failed", "status": "True"}]});
        // The run of 10:00 started when that of 9:00 had finished, and is running or has failed.
        let late = status("2026-08-01T10:00:10Z", &[MINUTE]);
        assert_eq!(hourly(&late, &[], &[]), Some(3610));
        let over = status("2026-08-01T10:00:10Z", &[]);
        assert_eq!(hourly(&over, &[run("2026-08-01T10:00:00Z", &failed)], &[]), Some(3610));
        assert_eq!(hourly(&over, &[], &[("2026-08-01T10:00:10Z", MINUTE - 60)]), Some(3610));
        // The runs overlap.
        let both = status("2026-08-01T10:05:00Z", &[MINUTE]);
        assert_eq!(hourly(&both, &[], &[]), Some(65 * 60));
        let runs = [
            run("2026-08-01T10:00:00Z", &done("2026-08-01T10:03:00Z")),
            run("2026-08-01T09:00:00Z", &done("2026-08-01T10:05:00Z")),
        ];
        assert_eq!(hourly(&status("2026-08-01T10:05:00Z", &[]), &runs, &[]), Some(65 * 60));
        // The newer run finished first.
        assert_eq!(hourly(&status("2026-08-01T10:03:00Z", &[MINUTE - 60]), &[], &[]), Some(180));
        assert_eq!(
            hourly(&status("2026-08-01T10:03:00Z", &[]), &[], &[("2026-08-01T09:07:00Z", MINUTE - 60)]),
            Some(180)
        );
    }

    #[test]
    fn manual_run_is_measured_by_its_events() {
        // `kubectl create job by-hand --from=cronjob/daily` at 10:40, which finished at 10:40:30.
        let status =
            json!({"lastScheduleTime": "2026-08-01T10:00:00Z", "lastSuccessfulTime": "2026-08-01T10:40:30Z"});
        let found = |events: &[Value]| {
            hourly_load(&status, &[], events).map(|load| (load.seconds, load.duration_source)).unwrap()
        };
        let seen = "Saw a job that the controller did not create or forgot: by-hand";
        let events = [
            event("CronJob", "daily", "UnexpectedJob", "2026-08-01T10:40:00Z", seen),
            event("Job", "by-hand", "SuccessfulCreate", "2026-08-01T10:40:00Z", "Created pod: by-hand-x"),
            event("Job", "by-hand", "Completed", "2026-08-01T10:40:30Z", "Job completed"),
        ];
        assert_eq!(found(&events), (30, DurationSource::Measured));
        // An unrelated Job, and events that no longer exist.
        assert_eq!(found(&events[1..]), (2430, DurationSource::UpperBound));
        assert_eq!(found(&[]), (2430, DurationSource::UpperBound));
    }

    #[test]
    fn status_is_not_measured_beyond_the_timeout() {
        let mut facts = facts(Some(60));
        facts.live.cron_jobs[0].status = Some(CronJobStatus {
            last_schedule_time: Some(Time(at("2026-08-01T10:15:00Z"))),
            last_successful_time: Some(Time(at("2026-08-01T12:00:00Z"))),
            ..CronJobStatus::default()
        });
        let load = load(&facts).unwrap();
        assert_eq!((load.seconds, load.duration_source), (60, DurationSource::Assumed));
    }

    #[test]
    fn current_run_is_not_counted_twice() {
        let mut facts = facts(None);
        let amount = |resource: Resource, amount: u64| [(resource, amount)].into();
        facts.namespace.limits.quotas.push(ResourceQuota {
            hard: amount(Resource::Pods, 1),
            used: [(Resource::Pods, 1)].into(),
            ..ResourceQuota::default()
        });
        let loads = [load(&facts).unwrap()];
        let fits = |facts: &JobFacts| {
            let intervals = simulate_scheduled_jobs(
                &loads,
                facts,
                at("2026-08-01T10:17:00Z")..at("2026-08-02T10:17:00Z"),
            );
            intervals.iter().all(|interval| interval.shortfalls.is_empty())
        };
        assert!(!fits(&facts));

        let run = manual_run(&facts.live.cron_jobs[0], at("2026-08-01T10:15:00Z")).unwrap();
        let template = run.spec.clone().unwrap().template;
        facts.live.pods.push(Pod { metadata: template.metadata.unwrap(), spec: template.spec, status: None });
        facts.live.jobs.push(run);
        assert_eq!(quotas_without_runs(&loads, &facts)[0].used(&Resource::Pods), 0);
        assert_eq!(quotas_without_runs(&[], &facts)[0].used(&Resource::Pods), 1);
        assert!(fits(&facts));
    }

    #[test]
    fn intervals_are_simulated() {
        let mut facts = facts(None);
        cron_job_spec_mut(&mut facts.live.cron_jobs[0]).schedule = "@every 5h".to_owned();
        facts.live.cron_jobs[0].metadata.creation_timestamp = Some(Time(at("2026-08-01T09:00:30Z")));
        let load = load(&facts).unwrap();
        let runs = load.runs(&(at("2026-08-01T10:00:00Z")..at("2026-08-02T10:00:00Z")));
        let hours: Vec<i64> =
            runs.starts.iter().map(|start| (start - at("2026-08-01T09:00:30Z").as_second()) / 3600).collect();
        assert_eq!(hours, [5, 10, 15, 20]);
    }

    /// Returns how many pods a job with this schedule uses all day, if its runs take this long, together with a job that runs every
    /// minute; and whether a quota of this many pods admits them.
    fn frequent(schedule: &str, policy: &str, seconds: u32, pods: u64) -> (u64, bool) {
        let mut facts = facts(None);
        let spec = cron_job_spec_mut(&mut facts.live.cron_jobs[0]);
        (spec.schedule, spec.concurrency_policy) = (schedule.to_owned(), Some(policy.to_owned()));
        facts.namespace.limits.quotas = vec![ResourceQuota {
            hard: [(Resource::Pods, pods)].into(),
            used: [(Resource::Pods, 0)].into(),
            ..ResourceQuota::default()
        }];
        let load = ScheduledJobLoad { seconds, ..load(&facts).unwrap() };
        let minutely = ScheduledJobLoad {
            name: "other".parse().unwrap(),
            schedule: CronJobSchedule::Expression("* * * * *".parse().unwrap()),
            each: Demand::default(),
            ..load.clone()
        };
        let day = at("2026-08-01T10:00:00Z")..at("2026-08-02T10:00:00Z");
        let intervals = simulate_scheduled_jobs(&[load, minutely], &facts, day);
        let used: BTreeSet<u64> =
            intervals.iter().map(|interval| interval.requested.get(&Resource::Pods)).collect();
        assert_eq!(used.len(), 1);
        (*used.first().unwrap(), conflicts(&intervals).is_empty())
    }

    #[test]
    fn runs_of_each_second_take_place_all_the_time() {
        for (schedule, policy, seconds, expected) in [
            ("@every 1s", "Allow", 300, 300),
            ("@every 0s", "Allow", 300, 300),
            ("@every -5m", "Allow", 1, 1),
            ("@every 1s", "Allow", 86_400, 86_400),
            ("@every 30s", "Allow", 299, 10),
            ("@every 30s", "Allow", 10, 1),
            ("@every 1s", "Forbid", 300, 1),
            ("@every 1s", "Replace", 86_400, 1),
            ("@every 1m", "Allow", 86_400, 1440),
        ] {
            assert_eq!(
                frequent(schedule, policy, seconds, expected),
                (expected, true),
                "{schedule} {policy}"
            );
            assert!(!frequent(schedule, policy, seconds, expected - 1).1, "{schedule} {policy}");
        }
    }

    #[test]
    fn finished_runs_count_until_they_are_deleted() {
        let freed = |ttl: Option<i32>, limits: (i32, i32), outcomes: &[&str]| {
            let mut facts = facts(None);
            let spec = cron_job_spec_mut(&mut facts.live.cron_jobs[0]);
            (spec.successful_jobs_history_limit, spec.failed_jobs_history_limit) =
                (Some(limits.0), Some(limits.1));
            for (index, outcome) in outcomes.iter().enumerate() {
                let mut run = manual_run(&facts.live.cron_jobs[0], at("2026-08-01T10:15:00Z")).unwrap();
                run.metadata.name = Some(format!("daily-{index}"));
                run.metadata.uid = run.metadata.name.clone();
                run.spec.as_mut().unwrap().ttl_seconds_after_finished = ttl;
                run.status = (!outcome.is_empty()).then(|| {
                    serde_json::from_value(json!({"conditions": [{"type": outcome, "status": "True"}]}))
                        .unwrap()
                });
                let owner = json!({"apiVersion": "batch/v1", "kind": "Job", "name": "", "uid": run.metadata.uid, "controller": true});
                let pod = json!({
                    "metadata": {"name": format!("pod-{index}"), "ownerReferences": [owner]},
                    "spec": {"containers": []}, "status": {"phase": "Succeeded"},
                });
                let mut pod: Pod = serde_json::from_value(pod).unwrap();
                pod.metadata.labels =
                    run.spec.as_ref().and_then(|spec| spec.template.metadata.as_ref()?.labels.clone());
                facts.live.pods.extend((!outcome.is_empty()).then_some(pod));
                facts.live.jobs.push(run);
            }
            let loads = [load(&facts).unwrap()];
            let objects = ["jobs.batch", "pods"].map(|object| Resource::Count(object.to_owned()));
            facts.namespace.limits.quotas = vec![ResourceQuota {
                hard: objects.iter().map(|object| (object.clone(), 9)).collect(),
                used: objects.iter().map(|object| (object.clone(), 9)).collect(),
                ..ResourceQuota::default()
            }];
            objects.map(|object| 9 - quotas_without_runs(&loads, &facts)[0].used(&object))
        };
        let runs = ["Complete", "Complete", "Failed", "Failed", ""];
        for (ttl, limits, expected) in [
            // The running one is simulated, and its Job is not counted twice.
            (None, (3, 1), [2, 1]),
            (None, (1, 3), [2, 1]),
            (None, (9, 9), [1, 0]),
            (None, (0, 0), [5, 4]),
            (Some(30), (3, 1), [5, 4]),
        ] {
            assert_eq!(freed(ttl, limits, &runs), expected, "{ttl:?} {limits:?}");
        }
    }
}
