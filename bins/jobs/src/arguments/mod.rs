//! The command line.

mod job;
mod output;

pub(crate) use job::JobArguments;
pub(crate) use output::JobsFormat;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use toolforge_cli::{DryRunOption, GlobalOptions, LogsOptions};
use toolforge_model::JobName;

/// Runs, loads, follows and explains the jobs of a tool.
///
/// In a shell `jobs` alone is the shell's own; `toolforge jobs`, or `toolforge-jobs`, calls this program.
///
/// Examples:
///   toolforge jobs run bot --image python3.13 --command ./bot.py --continuous      keep a bot running
///   toolforge jobs run daily --image php8.4 --command ./daily.php --schedule @daily
///   toolforge jobs run once --image bookworm --command ./once.sh --wait            and end as it ends
///   toolforge jobs plan jobs.yaml            say what `load` would change, and whether it fits
///   toolforge jobs load jobs.yaml            make the jobs those of a file
///   toolforge jobs list                      say how all jobs fare
///   toolforge jobs logs bot --follow         what a job writes
///   toolforge jobs cron                      when scheduled jobs ran, run next, and what was missed
///
/// Exit codes:
///   0  done, or it fits
///   1  a wrong request, or a negative answer
///   2  a command line that is not understood
///   3  does not fit the quota or the limits; nothing was sent
///   4  the cluster refused, or cannot be reached
///   5  a rollout or a wait took too long
///   6  partly done; the report says what
/// `run --wait`, `trigger --wait` and `exec` end as the command did.
#[derive(Clone, Debug, Parser)]
#[command(name = "jobs", version, infer_long_args = true, verbatim_doc_comment, args_override_self = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) verb: Verb,
    /// How to print the answer.
    #[arg(long, global = true, value_enum, value_name = "FORMAT", default_value_t)]
    pub(crate) output: JobsFormat,
    #[command(flatten)]
    pub(crate) global: GlobalOptions,
    /// Taken from scripts; it has no meaning any more.
    #[arg(long, global = true, hide = true)]
    debug: bool,
}

/// What shall be done.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Verb {
    /// Run a job: once, at the times of a schedule, or always.
    Run(RunArguments),
    /// List the jobs and how they fare.
    List(ListArguments),
    /// Tell all of one job, and why it does not run.
    Show(NameArguments),
    /// Print what a job's pods write.
    Logs(LogsArguments),
    /// Delete jobs.
    Delete(DeleteArguments),
    /// Delete all jobs.
    Flush(FlushArguments),
    /// Make the jobs those of a file.
    #[command(after_long_help = include_str!("../../../../docs/jobs-file.md"))]
    Load(LoadArguments),
    /// Say what `load` would change, and whether it fits.
    Plan(PlanArguments),
    /// Print the jobs as a file that `load` reads.
    Dump(DumpArguments),
    /// Start a continuous job anew, or run a scheduled one now and end the run under way.
    Restart(RestartArguments),
    /// Run a scheduled job now, beside its schedule.
    Trigger(TriggerArguments),
    /// Stop a scheduled job's schedule; a run under way goes on.
    Suspend(SuspendArguments),
    /// Let a suspended schedule go on.
    Resume(SuspendArguments),
    /// Tell when scheduled jobs ran, run next, and which runs were missed.
    Cron(CronArguments),
    /// Print the Kubernetes objects of a file's jobs, or of one that is described as for `run`.
    Render(RenderArguments),
    /// Open a shell in a job's running pod, or run a command there.
    Exec(ExecArguments),
    /// List the images.
    Images,
    /// Show the quota and what is used of it.
    Quota,
    /// Print a completion script (bash, zsh, fish) or the man page (man).
    Generate(GenerateArguments),
}

/// Whether anything is changed.
#[derive(Clone, Copy, Debug, Default, Args)]
pub(crate) struct DryRun {
    /// Say what would be done, or let the API server check it, and change nothing.
    #[arg(long, value_enum, value_name = "WHERE", num_args = 0..=1, require_equals = true, default_missing_value = "client")]
    pub(crate) dry_run: Option<DryRunOption>,
}

/// Whether and how much is changed.
#[derive(Clone, Copy, Debug, Default, Args)]
pub(crate) struct ChangeOptions {
    /// Say what would be done, or let the API server check it, and change nothing.
    #[arg(long, value_enum, value_name = "WHERE", num_args = 0..=1, require_equals = true, default_missing_value = "client")]
    pub(crate) dry_run: Option<DryRunOption>,
    /// Take over jobs that the platform's jobs service keeps: its records of them are removed.
    #[arg(long)]
    pub(crate) adopt: bool,
}

/// The name of a job.
#[derive(Clone, Debug, Args)]
pub(crate) struct NameArguments {
    /// The job's name.
    #[arg(value_name = "NAME")]
    pub(crate) name: JobName,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct SuspendArguments {
    /// The job's name.
    #[arg(value_name = "NAME")]
    pub(crate) name: JobName,
    #[command(flatten)]
    pub(crate) dry_run: DryRun,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct RunArguments {
    #[command(flatten)]
    pub(crate) job: JobArguments,
    #[command(flatten)]
    pub(crate) change: ChangeOptions,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct ListArguments {
    /// How to print the list: `normal`, `long` and `name` as the platform's tool does.
    #[arg(id = "output", short, long, value_enum, value_name = "FORMAT", default_value_t = JobsFormat::Normal)]
    pub(crate) output: JobsFormat,
    /// As `--output long`.
    #[arg(short, long, hide = true)]
    pub(crate) long: bool,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct LogsArguments {
    /// The job's name.
    #[arg(value_name = "NAME")]
    pub(crate) name: JobName,
    #[command(flatten)]
    pub(crate) logs: LogsOptions,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct DeleteArguments {
    /// The jobs' names.
    #[arg(value_name = "NAME", required = true)]
    pub(crate) names: Vec<JobName>,
    #[command(flatten)]
    pub(crate) change: ChangeOptions,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct FlushArguments {
    /// Do not ask; elsewhere than on a terminal nobody is asked.
    #[arg(short, long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) change: ChangeOptions,
}

/// Which file, and which of its jobs.
#[derive(Clone, Debug, Args)]
pub(crate) struct FileOptions {
    /// The file with the jobs; `-` is standard input.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Only this one of its jobs.
    #[arg(long, value_name = "NAME")]
    pub(crate) job: Option<JobName>,
    /// Remove the jobs that were loaded from this file and are no longer in it.
    #[arg(long)]
    pub(crate) prune: bool,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct LoadArguments {
    #[command(flatten)]
    pub(crate) file: FileOptions,
    /// Do not ask before jobs are removed.
    #[arg(short, long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) change: ChangeOptions,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct PlanArguments {
    #[command(flatten)]
    pub(crate) file: FileOptions,
    /// Plan as if jobs that the platform's jobs service keeps were taken over.
    #[arg(long)]
    pub(crate) adopt: bool,
    /// End with 1 where something would change.
    #[arg(long)]
    pub(crate) exit_code: bool,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct DumpArguments {
    /// The file to write [default: standard output].
    #[arg(short = 'f', long, value_name = "FILE")]
    pub(crate) to_file: Option<PathBuf>,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct RestartArguments {
    /// The job's name.
    #[arg(value_name = "NAME")]
    pub(crate) name: JobName,
    #[command(flatten)]
    pub(crate) dry_run: DryRun,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct TriggerArguments {
    /// The job's name.
    #[arg(value_name = "NAME")]
    pub(crate) name: JobName,
    /// Wait for the end of the run, so many seconds at most, and end as it ends.
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "600")]
    pub(crate) wait: Option<u32>,
    #[command(flatten)]
    pub(crate) dry_run: DryRun,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct CronArguments {
    /// Only this job.
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<JobName>,
    /// Draw what the scheduled jobs take over the next 24 hours, and say which of them cannot run together.
    #[arg(long)]
    pub(crate) calendar: bool,
    /// Propose minutes at which fewer jobs begin together.
    #[arg(long)]
    pub(crate) suggest: bool,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct RenderArguments {
    #[command(flatten)]
    pub(crate) job: JobArguments,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct ExecArguments {
    /// The job's name.
    #[arg(value_name = "NAME")]
    pub(crate) name: JobName,
    /// The command; a shell where none is given.
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<String>,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct GenerateArguments {
    /// What to generate.
    #[arg(value_name = "WHAT")]
    pub(crate) what: Vec<String>,
}
