//! The command line.

mod job;
mod output;

pub(crate) use job::JobArguments;
pub(crate) use output::JobsFormat;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use toolforge_cli::{DryRunOption, ExitCode, Failure, GlobalOptions, LogsOptions, OutputFormat, no_document};
use toolforge_model::JobName;

/// Run and inspect a tool's jobs: one-off, scheduled and continuous.
///
/// In a shell, `jobs` alone is a builtin; call this program as `toolforge jobs` or `toolforge-jobs`.
///
/// Examples:
///   toolforge jobs run bot --image python3.13 --command ./bot.py --continuous      keep a bot running
///   toolforge jobs run daily --image php8.4 --command ./daily.php --schedule @daily
///   toolforge jobs run once --image bookworm --command ./once.sh --wait            wait until it finishes
///   toolforge jobs plan jobs.yaml            show what `load` would change, and whether it fits
///   toolforge jobs load jobs.yaml            apply a jobs file
///   toolforge jobs list                      show all jobs and their states
///   toolforge jobs logs bot --follow         stream the logs of a job
///   toolforge jobs cron                      show the last, next and missed runs of scheduled jobs
///
/// Exit codes:
///   0  done, or it fits
///   1  wrong request, or a negative answer
///   2  usage error
///   3  exceeds the quota or the limits; nothing was changed
///   4  the cluster refused or is unreachable
///   5  a rollout or a wait failed or timed out
///   6  partially done; the report says what
/// `run --wait`, `trigger --wait` and `exec` exit with the exit code of the job's command.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "jobs",
    version,
    infer_long_args = true,
    verbatim_doc_comment,
    args_override_self = true,
    disable_help_subcommand = true
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) verb: Verb,
    /// Output format.
    #[arg(long, global = true, value_enum, value_name = "FORMAT", default_value_t)]
    pub(crate) output: JobsFormat,
    #[command(flatten)]
    pub(crate) global: GlobalOptions,
    /// Accepted for old scripts; it has no effect.
    #[arg(long, global = true, hide = true)]
    debug: bool,
}

impl Arguments {
    /// Checks what clap cannot: the values that describe a job, and options that the verb does not use.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        match &self.verb {
            Verb::Run(options) => options.job.check()?,
            Verb::Render(options) => options.check()?,
            _ => {}
        }
        if self.output.of_document() == OutputFormat::Table {
            return Ok(());
        }
        match &self.verb {
            Verb::Dump(_) if self.output == JobsFormat::Json => {
                Err(Failure::new(ExitCode::Usage, "dump has no JSON output: a jobs file is YAML")
                    .hint("Leave `--output` out."))
            }
            Verb::Run(_)
            | Verb::List(_)
            | Verb::Show(_)
            | Verb::Delete(_)
            | Verb::Flush(_)
            | Verb::Load(_)
            | Verb::Restart(_)
            | Verb::Trigger(_)
            | Verb::Suspend(_)
            | Verb::Resume(_)
            | Verb::Plan(_)
            | Verb::Dump(_)
            | Verb::Cron(_)
            | Verb::Render(_)
            | Verb::Images
            | Verb::Quota => Ok(()),
            Verb::Logs(_) => Err(no_document("logs")),
            Verb::Exec(_) => Err(no_document("exec")),
            Verb::Generate(_) => Err(no_document("generate")),
        }
    }
}

/// A verb of the program.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Verb {
    /// Run a job: once, on a schedule, or continuously.
    Run(RunArguments),
    /// List the jobs and their states.
    List(ListArguments),
    /// Show one job in detail.
    Show(NameArguments),
    /// Print the logs of a job.
    Logs(LogsArguments),
    /// Delete jobs.
    Delete(DeleteArguments),
    /// Delete all jobs.
    Flush(FlushArguments),
    /// Apply a jobs file.
    #[command(after_long_help = include_str!("../../../../docs/jobs-file.md"))]
    Load(LoadArguments),
    /// Show what `load` would change, and whether it fits the quota.
    Plan(PlanArguments),
    /// Print the current jobs as a jobs file.
    Dump(DumpArguments),
    /// Replace the pods of a continuous job, or stop the current run of a scheduled job and run it now.
    Restart(RestartArguments),
    /// Run a scheduled job now, in addition to its schedule.
    Trigger(TriggerArguments),
    /// Suspend the schedule of a job; its current run continues.
    Suspend(SuspendArguments),
    /// Resume a suspended schedule.
    Resume(SuspendArguments),
    /// Show the last, next and missed runs of scheduled jobs.
    Cron(CronArguments),
    /// Print the Kubernetes objects of a jobs file, or of one job with the options of `run`.
    Render(RenderArguments),
    /// Open a shell in a running pod of a job, or run a command there.
    Exec(ExecArguments),
    /// List the images.
    Images,
    /// Show the quota and its usage.
    Quota,
    /// Print a completion script (bash, zsh, fish) or the man page (man).
    Generate(GenerateArguments),
}

/// Whether anything is changed.
#[derive(Clone, Copy, Debug, Default, Args)]
pub(crate) struct DryRun {
    /// Change nothing: show what would be done, or let the API server check it.
    #[arg(long, value_enum, value_name = "WHERE", num_args = 0..=1, require_equals = true, default_missing_value = "client")]
    pub(crate) dry_run: Option<DryRunOption>,
}

/// Whether and how much is changed.
#[derive(Clone, Copy, Debug, Default, Args)]
pub(crate) struct ChangeOptions {
    /// Change nothing: show what would be done, or let the API server check it.
    #[arg(long, value_enum, value_name = "WHERE", num_args = 0..=1, require_equals = true, default_missing_value = "client")]
    pub(crate) dry_run: Option<DryRunOption>,
    /// Take over jobs that the platform's jobs service has recorded, and delete its records.
    #[arg(long)]
    pub(crate) adopt: bool,
}

/// The name of a job.
#[derive(Clone, Debug, Args)]
pub(crate) struct NameArguments {
    /// Name of the job.
    #[arg(value_name = "NAME")]
    pub(crate) name: JobName,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct SuspendArguments {
    /// Name of the job.
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
    /// Output format; `normal`, `long` and `name` are those of the platform's tool.
    #[arg(id = "output", short, long, value_enum, value_name = "FORMAT", default_value_t = JobsFormat::Normal)]
    pub(crate) output: JobsFormat,
    /// The same as `--output long`.
    #[arg(short, long, hide = true)]
    pub(crate) long: bool,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct LogsArguments {
    /// Name of the job.
    #[arg(value_name = "NAME")]
    pub(crate) name: JobName,
    #[command(flatten)]
    pub(crate) logs: LogsOptions,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct DeleteArguments {
    /// Names of the jobs.
    #[arg(value_name = "NAME", required = true)]
    pub(crate) names: Vec<JobName>,
    #[command(flatten)]
    pub(crate) change: ChangeOptions,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct FlushArguments {
    /// Do not ask for confirmation; without a terminal, there is no question.
    #[arg(short, long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) change: ChangeOptions,
}

/// A jobs file, and which of its jobs.
#[derive(Clone, Debug, Args)]
pub(crate) struct FileOptions {
    /// Jobs file; `-` is standard input.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Only this job of the file.
    #[arg(long, value_name = "NAME")]
    pub(crate) job: Option<JobName>,
    /// Delete jobs that were loaded from this file and are no longer in it.
    #[arg(long)]
    pub(crate) prune: bool,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct LoadArguments {
    #[command(flatten)]
    pub(crate) file: FileOptions,
    /// Do not ask for confirmation before jobs are deleted.
    #[arg(short, long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) change: ChangeOptions,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct PlanArguments {
    #[command(flatten)]
    pub(crate) file: FileOptions,
    /// Plan as if jobs that the platform's jobs service has recorded were taken over.
    #[arg(long)]
    pub(crate) adopt: bool,
    /// Exit with 1 if something would change.
    #[arg(long)]
    pub(crate) exit_code: bool,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct DumpArguments {
    /// File to write [default: standard output].
    #[arg(short = 'f', long, value_name = "FILE")]
    pub(crate) to_file: Option<PathBuf>,
    /// Replace a file that exists and has other content.
    #[arg(long, requires = "to_file")]
    pub(crate) force: bool,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct RestartArguments {
    /// Name of the job.
    #[arg(value_name = "NAME")]
    pub(crate) name: JobName,
    #[command(flatten)]
    pub(crate) dry_run: DryRun,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct TriggerArguments {
    /// Name of the job.
    #[arg(value_name = "NAME")]
    pub(crate) name: JobName,
    /// Wait until the run finishes, at most this many seconds, and exit with its exit code.
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
    /// Show what the scheduled jobs use over the next 24 hours, and which of them exceed the quota together.
    #[arg(long, conflicts_with_all = ["suggest", "name"])]
    pub(crate) calendar: bool,
    /// Suggest minutes at which fewer jobs start together.
    #[arg(long, conflicts_with = "name")]
    pub(crate) suggest: bool,
}

#[derive(Clone, Debug, Args)]
#[command(
    mut_arg("name", |argument| {
        argument.value_name("FILE").help("Jobs file, `-` is standard input; with --image, the name of the job")
    })
)]
pub(crate) struct RenderArguments {
    #[command(flatten)]
    pub(crate) job: JobArguments,
}

impl RenderArguments {
    fn check(&self) -> Result<(), Failure> {
        if self.job.has_image() {
            return self.job.check();
        }
        if self.job.has_options() {
            return Err(Failure::new(ExitCode::Usage, "options of a job need --image")
                .hint("Name the image, or leave these options out to render a file."));
        }
        if self.job.name.is_none() {
            return Err(Failure::new(ExitCode::Usage, "no jobs file given")
                .hint("Name a file, `toolforge jobs render jobs.yaml`, or describe a job as for `run`."));
        }
        Ok(())
    }
}

#[derive(Clone, Debug, Args)]
pub(crate) struct ExecArguments {
    /// Name of the job.
    #[arg(value_name = "NAME")]
    pub(crate) name: JobName,
    /// Command to run [default: a shell].
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<String>,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct GenerateArguments {
    /// What to generate.
    #[arg(value_name = "WHAT")]
    pub(crate) what: Vec<String>,
}
