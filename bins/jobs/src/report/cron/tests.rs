//! The three answers for made-up jobs.

use k8s_openapi::api::batch::v1::{CronJob, CronJobStatus, JobCondition, JobStatus};
use k8s_openapi::api::core::v1::{Event, ObjectReference};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;
use toolforge_cli::ExitCode;
use toolforge_images::Catalog;
use toolforge_model::JobOptions;
use toolforge_quota::{FinitePod, ObjectName, PodTraits, Resource, ResourceQuota, TerminatingPod};
use toolforge_render::job::{JobFacts, JobPlan, JobWorkload, manual_run};
use toolforge_render::namespace::Namespace;

use super::{calendar, cron, list, suggestions};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn now() -> Timestamp {
    at("2026-08-01T10:17:30Z")
}

fn facts() -> JobFacts {
    JobFacts::new(Namespace::new(&"stashbot".parse().unwrap(), Catalog::bundled()).with_uid(52503))
}

/// Adds a job created in July, with these times of its last run and last success.
fn add<'a>(
    facts: &'a mut JobFacts,
    (name, schedule): (&str, &str),
    began: Option<&str>,
    ended_well: Option<&str>,
) -> &'a mut CronJob {
    let options = JobOptions {
        name: Some(name.parse().unwrap()),
        command: Some("./run.py".to_owned()),
        image: Some("bookworm".parse().unwrap()),
        schedule: Some(schedule.to_owned()),
        ..JobOptions::default()
    };
    let request = options.into_request(&facts.namespace.tool).unwrap();
    let objects = JobPlan::new(request, facts).unwrap().objects();
    let JobWorkload::Scheduled(mut cron_job) = objects.workload else { panic!("{name} has a schedule") };
    cron_job.metadata.uid = Some(format!("uid-{name}"));
    cron_job.metadata.creation_timestamp = Some(Time(at("2026-07-01T00:00:00Z")));
    cron_job.status = Some(CronJobStatus {
        active: None,
        last_schedule_time: began.map(|moment| Time(at(moment))),
        last_successful_time: ended_well.map(|moment| Time(at(moment))),
    });
    facts.live.cron_jobs.push(*cron_job);
    facts.live.cron_jobs.last_mut().unwrap()
}

fn with_quota(mut facts: JobFacts, amounts: &[(Resource, u64, u64)]) -> JobFacts {
    let amounts = || amounts.iter().cloned();
    facts.namespace.limits.quotas.push(ResourceQuota {
        name: "tool-stashbot".to_owned(),
        hard: amounts().map(|(resource, hard, _)| (resource, hard)).collect(),
        used: amounts().map(|(resource, _, used)| (resource, used)).collect(),
        ..ResourceQuota::default()
    });
    facts
}

fn several() -> JobFacts {
    let mut facts = facts();
    let facts_ref = &mut facts;
    add(facts_ref, ("weekly", "@weekly"), None, None);
    add(facts_ref, ("daily", "0 4 * * *"), Some("2026-08-01T04:00:00Z"), Some("2026-08-01T04:12:03Z"));
    add(facts_ref, ("often", "*/5 * * * *"), Some("2026-08-01T09:50:00Z"), Some("2026-08-01T09:50:20Z"));
    add(facts_ref, ("bad", "7 10\t* * *"), Some("2026-08-01T10:07:00Z"), Some("2026-07-31T10:08:00Z"));
    add(facts_ref, ("never", "0 0 31 2 *"), None, None);
    let suspended =
        add(facts_ref, ("asleep", "@hourly"), Some("2026-07-30T10:00:00Z"), Some("2026-07-30T10:00:05Z"));
    suspended.spec.as_mut().unwrap().suspend = Some(true);
    let abroad = add(facts_ref, ("abroad", "0 4 * * *"), None, None);
    abroad.spec.as_mut().unwrap().time_zone = Some("Europe/\u{1b}[2JBerlin".to_owned());
    facts.live.events.push(Event {
        involved_object: ObjectReference { uid: Some("uid-often".to_owned()), ..ObjectReference::default() },
        reason: Some("FailedCreate".to_owned()),
        message: Some(
            "Error creating job: jobs.batch \"often-1\" is forbidden: exceeded quota: tool-stashbot, requested: \
             count/jobs.batch=1, used: count/jobs.batch=15, limited: count/jobs.batch=15"
                .to_owned(),
        ),
        last_timestamp: Some(Time(at("2026-08-01T10:15:01Z"))),
        ..Event::default()
    });
    facts
}

fn one(facts: &JobFacts, name: &str) -> String {
    cron(facts, Some(&name.parse().unwrap()), now()).unwrap().text
}

#[test]
fn table_shows_last_next_and_missed_runs() {
    insta::assert_snapshot!(list::table_text(&several(), now()), @r#"
    NAME    SCHEDULE               LAST RUN                 NEXT RUN                                                       MISSED
    abroad  0 4 * * *              never                    unknown, because it has a time zone, "Europe/\u{1b}[2JBerlin"
    asleep  @hourly (46 * * * *)   2026-07-30 10:00 ok      none, it is suspended
    bad     7 10\t* * *            2026-08-01 10:07 failed  2026-08-02 10:07, in 23h49m
    daily   0 4 * * *              2026-08-01 04:00 ok      2026-08-02 04:00, in 17h42m
    never   0 0 31 2 *             never                    none within five years
    often   */5 * * * *            2026-08-01 09:50 ok      2026-08-01 10:20, in 2m                                        5: quota exceeded
    weekly  @weekly (28 13 * * 0)  never                    2026-08-02 13:28, in 1d3h                                      4: unknown reason
    "#);
    let text = cron(&several(), None, now()).unwrap().text;
    assert!(text.starts_with("Times are UTC; it is 2026-08-01 10:17.\nNAME"), "{text}");
    assert_eq!(cron(&facts(), None, now()).unwrap().text, "There are no scheduled jobs.\n");
}

#[test]
fn one_job_shows_its_next_runs_and_the_reason() {
    let facts = several();
    insta::assert_snapshot!(one(&facts, "often"), @r#"
    often, times in UTC; it is 2026-08-01 10:17
      schedule  */5 * * * *
      state     Waiting for 27m10s: next run in 2m30s; 5 runs were missed: the quota was reached
      last run  2026-08-01 09:50 ok
      next runs 2026-08-01 10:20, in 2m
                2026-08-01 10:25, in 7m
                2026-08-01 10:30, in 12m
      missed    5, the last one at 2026-08-01 10:15
                a run exceeded the quota: Error creating job: jobs.batch "often-1" is forbidden: exceeded quota: tool-stashbot, requested: count/jobs.batch=1, used: count/jobs.batch=15, limited: count/jobs.batch=15
      duration  at most 20s per run, from the last start to the last success; that is assumed
    "#);
    insta::assert_snapshot!(one(&facts, "daily"), @"
    daily, times in UTC; it is 2026-08-01 10:17
      schedule  0 4 * * *
      state     Waiting for 6h5m27s: next run in 17h42m30s
      last run  2026-08-01 04:00 ok
      next runs 2026-08-02 04:00, in 17h42m
                2026-08-03 04:00, in 1d17h
                2026-08-04 04:00, in 2d17h
      missed    none
      duration  at most 12m3s per run, from the last start to the last success; that is assumed
    ");
    insta::assert_snapshot!(one(&facts, "never"), @r#"
    never, times in UTC; it is 2026-08-01 10:17
      schedule  0 0 31 2 *
      warning   this never runs, because February has no day 31; write "0 0 28 2 *" to run
      state     Waiting for 31d10h17m: no next run
      last run  never
      next runs none within five years
      missed    none
      duration  5m per run, assumed
    "#);
    insta::assert_snapshot!(one(&facts, "asleep"), @"
    asleep, times in UTC; it is 2026-08-01 10:17
      schedule  @hourly (46 * * * *)
      state     Suspended for 2d17m
      last run  2026-07-30 10:00 ok
      next runs none, it is suspended
      missed    none
      next      Run `toolforge jobs resume asleep` to resume the schedule.
    ");
}

#[test]
fn manual_run_is_marked() {
    let mut facts = facts();
    let cron_job = add(&mut facts, ("daily", "0 4 * * *"), Some("2026-08-01T04:00:00Z"), None).clone();
    let mut run = manual_run(&cron_job, at("2026-08-01T10:10:00Z")).unwrap();
    run.metadata.creation_timestamp = Some(Time(at("2026-08-01T10:10:00Z")));
    facts.live.jobs.push(run);
    insta::assert_snapshot!(list::table_text(&facts, now()), @"
    NAME   SCHEDULE   LAST RUN                                     NEXT RUN                     MISSED
    daily  0 4 * * *  2026-08-01 10:10 starting (started by hand)  2026-08-02 04:00, in 17h42m
    ");
}

#[test]
fn manual_run_is_shown_after_its_job_is_deleted() {
    let mut facts = facts();
    let cron_job = add(&mut facts, ("daily", "0 4 * * *"), None, None);
    let annotations = cron_job.metadata.annotations.get_or_insert_default();
    annotations.insert("cli.toolforge.org/run-by-hand".to_owned(), "2026-08-01T10:10:05Z".to_owned());
    insta::assert_snapshot!(list::table_text(&facts, now()), @"
    NAME   SCHEDULE   LAST RUN                                    NEXT RUN                     MISSED
    daily  0 4 * * *  2026-08-01 10:10 unknown (started by hand)  2026-08-02 04:00, in 17h42m  32: unknown reason
    ");
    // The schedule has run since.
    facts.live.cron_jobs.clear();
    let cron_job =
        add(&mut facts, ("daily", "0 4 * * *"), Some("2026-08-01T04:00:00Z"), Some("2026-08-01T04:00:09Z"));
    let annotations = cron_job.metadata.annotations.get_or_insert_default();
    annotations.insert("cli.toolforge.org/run-by-hand".to_owned(), "2026-07-31T10:10:05Z".to_owned());
    assert!(list::table_text(&facts, now()).contains("  2026-08-01 04:00 ok  "));
}

#[test]
fn json_contains_everything() {
    let mut facts = several();
    facts.live.cron_jobs.retain(|cron_job| cron_job.metadata.name.as_deref() == Some("often"));
    let value = cron(&facts, None, now()).unwrap().value;
    assert_eq!(value["kind"], "CronJobList");
    insta::assert_snapshot!(value["jobs"][0], @r#"{"createdBy":null,"cronExpression":"*/5 * * * *","lastResult":"succeeded","lastRun":"2026-08-01T09:50:00Z","lastRunByHand":false,"managed":true,"missed":{"code":"quota-exceeded","count":5,"last":"2026-08-01T10:15:00Z","message":"a run exceeded the quota: Error creating job: jobs.batch \"often-1\" is forbidden: exceeded quota: tool-stashbot, requested: count/jobs.batch=1, used: count/jobs.batch=15, limited: count/jobs.batch=15"},"name":"often","nextRuns":["2026-08-01T10:20:00Z","2026-08-01T10:25:00Z","2026-08-01T10:30:00Z"],"runSeconds":20,"runSecondsAtMost":true,"runSecondsMeasured":false,"schedule":"*/5 * * * *","state":"waiting","suspended":false,"timeZone":null,"warning":null}"#);
}

#[test]
fn calendar_draws_the_day_and_its_conflicts() {
    let gibibyte = 1 << 30;
    let mut facts = with_quota(
        several(),
        &[
            (Resource::LimitsMemory, gibibyte, gibibyte / 4),
            (Resource::LimitsCpu, 8000, 500),
            (Resource::Pods, 3, 1),
            (Resource::Count("jobs.batch".to_owned()), 15, 0),
            (Resource::Services, 1, 1),
        ],
    );
    add(&mut facts, ("hourly", "0 * * * *"), None, None);
    let (document, exit) = calendar(&facts, now()).unwrap();
    insta::assert_snapshot!(document.text, @"
    From 2026-08-01 10:18 to 2026-08-02 10:18 UTC, one column per half hour:

    pods              of 3    |*@*@*@*@*@*@*@*@*@*@*@*@*@*@*@*@*@*!*@*@*@*@*@*@|  max 4
    limits.cpu        of 8    |:-:-:-:-:-:-:-:-:-:-:-:-:-:-:-:-:-:=:-:-:-:-:-:-|  max 3500m
    limits.memory     of 1Gi  |#!#!#!#!#!#!#!#!#!#!#!#!#!#!#!#!#!#!#!#!#!#!#!#!|  max 1792Mi
    count/jobs.batch  of 15   |.:.:.:.:.:.:.:.:.:.:.:.:.:.:.:.:.:.:.:.:.:.:.:.:|  max 3
                                  12    15    18    21    00    03    06    09

    ' ' means unused, '.' to '@' up to the whole quota, '!' more than the quota.
    Other usage is assumed to stay as it is now.
    Assumed duration of a run (upper bound for the last run): bad 1m, daily 12m3s, often 20s.
    Assumed duration of a run (no successful run is known): hourly 5m, never 5m, weekly 5m.
    Left out (suspended): asleep.
    Left out (time zone): abroad.

    These runs exceed the quota:
      hourly, often, 11:00:00 to 11:00:20, and 22 more times
        limits.memory: 1280Mi of 1Gi, 256Mi too much (quota tool-stashbot)
      daily, hourly, often, 2026-08-02 04:00 to 04:05
        pods: 4 of 3, 1 pod too many (quota tool-stashbot)
        limits.memory: 1792Mi of 1Gi, 768Mi too much (quota tool-stashbot)
      daily, often, 2026-08-02 04:05:00 to 04:05:20, and 1 more time
        limits.memory: 1280Mi of 1Gi, 256Mi too much (quota tool-stashbot)
    `toolforge jobs cron --suggest` looks for better minutes.
    ");
    assert_eq!(exit, ExitCode::Failed);
    assert_eq!(document.value["kind"], "CronCalendar");
    assert_eq!(document.value["resources"][0]["peaks"].as_array().unwrap().len(), 48);
    insta::assert_snapshot!(document.value["conflicts"][0], @r#"{"duringRollout":false,"from":"2026-08-01T11:00:00Z","jobs":["hourly","often"],"shortfalls":[{"after":"1280Mi","hard":"1Gi","quota":"tool-stashbot","resource":"limits.memory"}],"times":23,"until":"2026-08-01T11:00:20Z"}"#);
}

#[test]
fn calendar_without_conflicts_succeeds() {
    let mut with_headroom = with_quota(facts(), &[(Resource::LimitsMemory, 8 << 30, 0)]);
    add(
        &mut with_headroom,
        ("daily", "0 4 * * *"),
        Some("2026-08-01T04:00:00Z"),
        Some("2026-08-01T06:12:03Z"),
    );
    let (document, exit) = calendar(&with_headroom, at("2026-08-01T00:00:00Z")).unwrap();
    insta::assert_snapshot!(document.text, @"
    From 2026-08-01 00:00 to 2026-08-02 00:00 UTC, one column per half hour:

    limits.memory  of 8Gi  |        .....                                   |  max 512Mi
                            00    03    06    09    12    15    18    21

    ' ' means unused, '.' to '@' up to the whole quota, '!' more than the quota.
    Other usage is assumed to stay as it is now.
    Assumed duration of a run (upper bound for the last run): daily 2h12m3s.

    All runs of the next 24 hours fit the quota.
    ");
    assert_eq!(exit, ExitCode::Success);

    with_headroom.namespace.limits.terminating.push(TerminatingPod::default());
    let text = calendar(&with_headroom, now()).unwrap().0.text;
    assert!(text.contains("stay constant, with terminating pods gone and missing pods created.\n"), "{text}");
    with_headroom.namespace.limits.quotas.clear();
    insta::assert_snapshot!(calendar(&with_headroom, now()).unwrap().0.text, @"
    No quota limits the runs of the next 24 hours.
    Assumed duration of a run (upper bound for the last run): daily 2h12m3s.
    ");
    with_headroom.live.cron_jobs.clear();
    add(&mut with_headroom, ("rare", "0 0 1 1 *"), None, None);
    insta::assert_snapshot!(calendar(&with_headroom, now()).unwrap().0.text, @"
    No run is scheduled in the next 24 hours.
    Assumed duration of a run (no successful run is known): rare 5m.
    ");
    with_headroom.live.cron_jobs.clear();
    insta::assert_snapshot!(calendar(&with_headroom, now()).unwrap().0.text, @"There are no scheduled jobs to simulate.");
}

#[test]
fn suggestions_explain_what_to_do() {
    let mut facts = facts();
    add(&mut facts, ("a", "13 * * * *"), None, None);
    add(&mut facts, ("b", "15 * * * *"), None, None);
    let text = |facts: &JobFacts| suggestions(facts, now()).unwrap().text;
    insta::assert_snapshot!(text(&facts), @"No suggestions: all runs of the next 24 hours fit the quota.");
    let mut tight = with_quota(facts.clone(), &[(Resource::LimitsCpu, 1500, 500)]);
    insta::assert_snapshot!(text(&tight), @"
    In the next 24 hours, 48 runs exceed the quota; with these schedules, none would:
      b: 15 * * * * -> 51 * * * *
    Nothing was changed. Edit the schedules in the jobs file (`toolforge jobs dump` prints one), then run `toolforge jobs load FILE`.
    ");
    let document = suggestions(&tight, now()).unwrap().value;
    assert_eq!(document["kind"], "CronSuggestions");
    insta::assert_snapshot!(document["suggestions"][0], @r#"{"cronExpression":"15 * * * *","name":"b","schedule":"15 * * * *","suggestion":"51 * * * *"}"#);
    tight.namespace.limits.quotas[0].used.add(Resource::LimitsCpu, 1000);
    insta::assert_snapshot!(text(&tight), @"
    No suggestions: in the next 24 hours, 48 runs exceed the quota, and moving one job to another minute does not lower that number.
    Shorten the runs, lower their memory or CPU, or choose other hours; `toolforge jobs cron --calendar` shows them.
    ");
    insta::assert_snapshot!(calendar(&tight, now()).unwrap().0.text.lines().last().unwrap(), @"`toolforge jobs cron --suggest` looks for better minutes.");
}

#[test]
fn calendar_with_a_shell_suggests_nothing() {
    let mut facts = facts();
    add(&mut facts, ("a", "13 * * * *"), None, None);
    add(&mut facts, ("b", "15 * * * *"), None, None);
    let mut tight = with_quota(facts, &[(Resource::LimitsCpu, 2500, 1500)]);
    let suggests = |facts: &JobFacts| calendar(facts, now()).unwrap().0.text.contains("--suggest");
    assert!(suggests(&tight));
    tight.namespace.limits.finite_pods.push(FinitePod {
        owner: ObjectName::of_pod("shell-1"),
        is_unowned: true,
        name: "shell-1".to_owned(),
        demand: [(Resource::LimitsCpu, 1500)].into_iter().collect(),
        traits: PodTraits::default(),
    });
    assert!(!suggests(&tight));
    assert!(suggestions(&tight, now()).unwrap().text.starts_with("No suggestions: all runs"));
}

#[test]
fn overlap_of_a_whole_day_is_printed() {
    let mut facts = with_quota(facts(), &[(Resource::LimitsCpu, 1000, 0)]);
    for name in ["a", "b"] {
        add(&mut facts, (name, "*/5 * * * *"), None, None);
    }
    let conflicts = |facts: &JobFacts, now: &str| {
        let text = calendar(facts, at(now)).unwrap().0.text;
        text.lines().skip_while(|line| !line.starts_with("These")).collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(conflicts(&facts, "2026-08-01T10:20:00Z"), @"
    These runs exceed the quota:
      a, b, all 24 hours
        limits.cpu: 2 of 1, 1 CPU too much (quota tool-stashbot)
    `toolforge jobs cron --suggest` looks for better minutes.
    ");
    // The first run is at 10:20, and the last one is still running at the end of the day.
    insta::assert_snapshot!(conflicts(&facts, "2026-08-01T10:17:30Z"), @"
    These runs exceed the quota:
      a, b, from 10:20 on
        limits.cpu: 2 of 1, 1 CPU too much (quota tool-stashbot)
    `toolforge jobs cron --suggest` looks for better minutes.
    ");
    // A third job is part of it for only five minutes.
    add(&mut facts, ("noon", "0 12 * * *"), None, None);
    insta::assert_snapshot!(conflicts(&facts, "2026-08-01T10:20:00Z"), @"
    These runs exceed the quota:
      a, b, all 24 hours
        limits.cpu: 2 of 1, 1 CPU too much (quota tool-stashbot)
      a, b, noon, 12:00 to 12:05
        limits.cpu: 3 of 1, 2 CPU too much (quota tool-stashbot)
    `toolforge jobs cron --suggest` looks for better minutes.
    ");
    facts.live.cron_jobs.pop();
    facts.live.cron_jobs[0].spec.as_mut().unwrap().concurrency_policy = Some("Allow".to_owned());
    facts.live.cron_jobs[0].status = Some(CronJobStatus {
        active: None,
        last_schedule_time: Some(Time(at("2026-08-01T10:00:00Z"))),
        last_successful_time: Some(Time(at("2026-08-01T10:09:00Z"))),
    });
    insta::assert_snapshot!(conflicts(&facts, "2026-08-01T10:17:30Z"), @"
    These runs exceed the quota:
      a, b, 10:20 to 10:25
        limits.cpu: 2 of 1, 1 CPU too much (quota tool-stashbot)
      a (2 runs), b, from 10:25 on
        limits.cpu: 3 of 1, 2 CPU too much (quota tool-stashbot)
    `toolforge jobs cron --suggest` looks for better minutes.
    ");
}

#[test]
fn suspended_job_shows_manual_run() {
    let mut facts = facts();
    add(&mut facts, ("daily", "0 4 * * *"), None, None).spec.as_mut().unwrap().suspend = Some(true);
    let mut run = manual_run(&facts.live.cron_jobs[0], at("2026-08-01T10:10:00Z")).unwrap();
    run.metadata.creation_timestamp = Some(Time(at("2026-08-01T10:10:00Z")));
    run.metadata.uid = Some("run".to_owned());
    run.status = Some(JobStatus {
        conditions: Some(vec![JobCondition {
            type_: "Complete".to_owned(),
            status: "True".to_owned(),
            ..JobCondition::default()
        }]),
        ..JobStatus::default()
    });
    facts.live.jobs.push(run);
    assert!(list::table_text(&facts, now()).contains("2026-08-01 10:10 ok (started by hand)"));
}
