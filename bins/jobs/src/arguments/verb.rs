//! The command line, and the verbs.

use clap::{Parser, Subcommand};
use toolforge_cli::{ExitCode, Failure, GlobalOptions, OutputFormat, no_document};

use super::options::{
    AdoptArguments, ConvertArguments, CronArguments, DeleteArguments, DumpArguments, ExecArguments,
    FlushArguments, GenerateArguments, LintArguments, ListArguments, LoadArguments, LogsArguments,
    NameArguments, PlanArguments, RenderArguments, RestartArguments, RunArguments, SuspendArguments,
    TriggerArguments,
};
use super::output::JobsFormat;

/// Run and inspect a tool's jobs: one-off, scheduled and continuous.
///
/// In a shell, `jobs` alone is a builtin; call this program as `toolforge jobs` or `toolforge-jobs`.
///
/// Examples:
///   toolforge jobs run bot --image python3.13 --command ./bot.py --continuous      keep a bot running
///   toolforge jobs run daily --image php8.4 --command ./daily.php --schedule @daily
///   toolforge jobs run once --image bookworm --command ./once.sh --wait         and wait
///   toolforge jobs plan jobs.yaml            show what `load` would change, and whether it fits
///   toolforge jobs load jobs.yaml            apply a jobs file
///   toolforge jobs lint cronjobs.yaml        check Kubernetes manifests and jobs files
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
        if self.output == JobsFormat::Sarif && !matches!(self.verb, Verb::Lint(_)) {
            return Err(Failure::new(ExitCode::Usage, "only `lint` prints SARIF")
                .hint("Leave `--output` out, or write `--output json`."));
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
            | Verb::Adopt(_)
            | Verb::Trigger(_)
            | Verb::Suspend(_)
            | Verb::Resume(_)
            | Verb::Plan(_)
            | Verb::Lint(_)
            | Verb::Dump(_)
            | Verb::Cron(_)
            | Verb::Render(_)
            | Verb::Images
            | Verb::Quota => Ok(()),
            Verb::Convert(_) => Err(no_document("convert")),
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
    /// List the jobs and their states, and below them the objects that no tool manages.
    List(ListArguments),
    /// Show one job or object in detail.
    Show(NameArguments),
    /// Print the logs of a job.
    Logs(LogsArguments),
    /// Delete jobs.
    Delete(DeleteArguments),
    /// Delete all jobs; objects that no tool manages are kept.
    Flush(FlushArguments),
    /// Apply a jobs file.
    #[command(after_long_help = include_str!("../../../../docs/jobs-file.md"))]
    Load(LoadArguments),
    /// Show what `load` would change, and whether it fits the quota.
    Plan(PlanArguments),
    /// Check Kubernetes manifests, jobs files and templates, and fix what can be fixed.
    Lint(LintArguments),
    /// Print the current jobs as a jobs file.
    Dump(DumpArguments),
    /// Convert manifests, crontabs and `jsub` lines to a jobs file.
    Convert(ConvertArguments),
    /// Replace the pods of a continuous job and wait until they are ready, or stop the current run of a scheduled job and run it now.
    Restart(RestartArguments),
    /// Turn a Deployment, CronJob or Job that no tool manages into a job, in place where possible.
    Adopt(AdoptArguments),
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
    /// Print a completion script (bash, zsh, fish) or a man page (man), or write all man pages.
    Generate(GenerateArguments),
}

impl Verb {
    /// Returns whether the verb only reads, and ends without waiting for anything but answers.
    pub(crate) fn is_reading(&self) -> bool {
        match self {
            Self::List(_)
            | Self::Show(_)
            | Self::Plan(_)
            | Self::Lint(_)
            | Self::Dump(_)
            | Self::Convert(_)
            | Self::Cron(_)
            | Self::Render(_)
            | Self::Images
            | Self::Quota => true,
            Self::Run(_)
            | Self::Logs(_)
            | Self::Delete(_)
            | Self::Flush(_)
            | Self::Load(_)
            | Self::Restart(_)
            | Self::Adopt(_)
            | Self::Trigger(_)
            | Self::Suspend(_)
            | Self::Resume(_)
            | Self::Exec(_)
            | Self::Generate(_) => false,
        }
    }
}
