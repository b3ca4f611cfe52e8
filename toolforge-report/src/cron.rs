use toolforge_model::{JobName, Untrusted};

use crate::describe::{codes, structs};
use crate::job::{JobState, MissedRuns};

structs! {
    /// The runs of scheduled jobs: `jobs cron`.
    pub struct CronJobList {
        /// The scheduled jobs, by name.
        pub jobs: Vec<CronJob>,
    }

    /// A scheduled job and its runs.
    pub struct CronJob {
        /// Name of the job, or of a CronJob that no tool manages.
        pub name: JobName,
        /// Whether these programs or the platform's tools manage it.
        pub managed: bool,
        /// The program that created it, by its managed fields; `null` if that is not known.
        pub created_by: Option<Untrusted>,
        /// Schedule as it was written.
        pub schedule: Untrusted,
        /// Schedule as a cron expression, in UTC.
        pub cron_expression: Untrusted,
        /// What is unusual about the schedule.
        pub warning: Option<ScheduleWarning>,
        /// Whether the schedule is suspended.
        pub suspended: bool,
        /// Time zone, if it is not UTC.
        pub time_zone: Option<Untrusted>,
        /// State of the job.
        pub state: JobState,
        /// Time of the last run, RFC 3339.
        pub last_run: Option<String>,
        /// Result of the last run.
        pub last_result: RunResult,
        /// Whether the last run was started by hand.
        pub last_run_by_hand: bool,
        /// Times of the next runs, RFC 3339.
        pub next_runs: Vec<String>,
        /// Scheduled runs that did not start.
        pub missed: Option<MissedRuns>,
        /// Duration of a run in seconds.
        pub run_seconds: Option<u32>,
        /// Whether the duration was measured; if not, it is assumed.
        pub run_seconds_measured: Option<bool>,
        /// Whether the assumed duration is the longest that the last run can have taken, from the last start to the last success.
        pub run_seconds_at_most: Option<bool>,
    }

    /// What is unusual about a schedule.
    pub struct ScheduleWarning {
        /// The code.
        pub code: ScheduleWarningCode,
        /// The code as a sentence, for people.
        pub message: String,
        /// A cron expression that runs more often.
        pub suggestion: String,
    }

    /// The quota usage of the scheduled jobs over the next day: `jobs cron --calendar`.
    pub struct CronCalendar {
        /// Start of the day, RFC 3339.
        pub from: String,
        /// End of the day, RFC 3339.
        pub until: String,
        /// Length of an interval in seconds.
        pub interval_seconds: i64,
        /// Whether all runs fit the quotas; `null` if no quota is known.
        pub fits: Option<bool>,
        /// The simulated jobs.
        pub jobs: Vec<CalendarJob>,
        /// The jobs that are not simulated.
        pub left_out: Vec<LeftOutJob>,
        /// The limited resources.
        pub resources: Vec<CalendarResource>,
        /// Runs that exceed a quota together.
        pub conflicts: Vec<CalendarConflict>,
    }

    /// A simulated job.
    pub struct CalendarJob {
        /// Name of the job.
        pub name: JobName,
        /// Schedule as a cron expression, in UTC.
        pub cron_expression: String,
        /// Duration of a run in seconds.
        pub run_seconds: u32,
        /// Whether the duration was measured or assumed.
        pub run_seconds_measured: bool,
        /// Whether the assumed duration is the longest that the last run can have taken, from the last start to the last success.
        pub run_seconds_at_most: bool,
    }

    /// The usage of a resource over the day, as Kubernetes quantities.
    pub struct CalendarResource {
        /// Name of the ResourceQuota.
        pub quota: String,
        /// Name of the resource.
        pub resource: String,
        /// The limit.
        pub hard: String,
        /// The usage without the scheduled runs.
        pub others: String,
        /// The highest usage in each interval.
        pub peaks: Vec<String>,
    }

    /// Runs that exceed a quota together.
    pub struct CalendarConflict {
        /// Names of the jobs.
        pub jobs: Vec<String>,
        /// Start of the first conflict, RFC 3339.
        pub from: String,
        /// End of the first conflict, RFC 3339.
        pub until: String,
        /// How often it happens within the day.
        pub times: u32,
        /// The exceeded resources.
        pub shortfalls: Vec<CalendarShortfall>,
        /// Whether the runs conflict only while the change replaces pods.
        pub during_rollout: bool,
    }

    /// A scheduled job or CronJob that can never start, because workloads that keep running or finished Jobs use the quota.
    pub struct BlockedRun {
        /// Name of the job or CronJob.
        pub name: Untrusted,
        /// The resources that one pod of a run exceeds together with the workloads that keep running.
        pub shortfalls: Vec<CalendarShortfall>,
        /// Whether finished Jobs that CronJobs keep are why. Unless `historyFull`, runs start until there are as many as the history
        /// limits allow.
        pub when_history_is_full: bool,
        /// Whether there are as many already, so no run starts.
        pub history_full: bool,
    }

    /// A resource that is exceeded, as Kubernetes quantities.
    pub struct CalendarShortfall {
        /// Name of the ResourceQuota.
        pub quota: String,
        /// Name of the resource.
        pub resource: String,
        /// The limit.
        pub hard: String,
        /// The usage in the conflict.
        pub after: String,
    }

    /// Minutes at which fewer jobs start together: `jobs cron --suggest`.
    pub struct CronSuggestions {
        /// The suggestions.
        pub suggestions: Vec<CronSuggestion>,
        /// The jobs that exceed the quota and cannot be moved.
        pub unmoved: Vec<UnmovedJob>,
        /// Whether the search was stopped before all minutes were tried.
        pub partial: bool,
    }

    /// A scheduled job that is not simulated.
    pub struct LeftOutJob {
        /// Name of the job.
        pub name: JobName,
        /// Why the job is not simulated.
        pub code: LeftOutReason,
    }

    /// A scheduled job that cannot be moved to another minute.
    pub struct UnmovedJob {
        /// Name of the job.
        pub name: JobName,
        /// Why the job cannot be moved.
        pub code: UnmovedReason,
    }

    /// A suggestion for a job.
    pub struct CronSuggestion {
        /// Name of the job.
        pub name: JobName,
        /// Schedule as it was written.
        pub schedule: Untrusted,
        /// Current cron expression, in UTC.
        pub cron_expression: String,
        /// Suggested cron expression, in UTC.
        pub suggestion: String,
    }
}

codes! {
    /// What is unusual about a schedule.
    pub enum ScheduleWarningCode {
        /// It skips months that are too short.
        ShortMonths = "short-months",
        /// It runs only in leap years.
        LeapYears = "leap-years",
        /// It never runs.
        NeverRuns = "never-runs",
        /// A step is larger than the range of its field, and has no effect.
        LongStep = "long-step",
    }

    /// Why a scheduled job is not simulated.
    pub enum LeftOutReason {
        /// It is suspended.
        Suspended = "suspended",
        /// It has a time zone other than UTC.
        TimeZone = "time-zone",
        /// Its schedule or its pod template cannot be read.
        Unreadable = "unreadable",
    }

    /// Why a scheduled job cannot be moved to another minute.
    pub enum UnmovedReason {
        /// It runs every minute.
        EveryMinute = "every-minute",
        /// Its minutes are not spaced evenly over the hour.
        UnevenIntervals = "uneven-intervals",
        /// Its schedule is a duration, counted from the last run.
        Duration = "duration",
    }

    /// The result of a run.
    pub enum RunResult {
        /// It succeeded.
        Succeeded = "succeeded",
        /// It failed.
        Failed = "failed",
        /// There was no run.
        Never = "never",
        /// It is running.
        Running = "running",
        /// It is starting.
        Starting = "starting",
        /// A try failed; the next one follows.
        Retrying = "retrying",
        /// Its pod cannot start.
        Failing = "failing",
        /// The cluster refuses its pod.
        Blocked = "blocked",
        /// It was started by hand and is over, and its Job, which had the result, is deleted.
        Unknown = "unknown",
    }
}
