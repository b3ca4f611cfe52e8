//! The positionals and options of each verb.

use std::path::PathBuf;

use clap::Args;
use toolforge_cli::{
    DryRunOption, ExitCode, Failure, LintOptions, LogsOptions, parse_profile, parse_seconds,
};
use toolforge_model::{JobImage, JobName};
use toolforge_quota::profiles::Profile;
use toolforge_render::job::WorkloadRef;

use super::job::JobArguments;
use super::output::JobsFormat;

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
    /// Name of the job, or of a Deployment, CronJob, Job or pod that no tool manages, also as KIND/NAME.
    #[arg(value_name = "NAME")]
    pub(crate) name: WorkloadRef,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct SuspendArguments {
    /// Name of the job, or of a Deployment, CronJob, Job or pod that no tool manages, also as KIND/NAME.
    #[arg(value_name = "NAME")]
    pub(crate) name: WorkloadRef,
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
    /// Name of the job, or of a Deployment, CronJob, Job or pod that no tool manages, also as KIND/NAME.
    #[arg(value_name = "NAME")]
    pub(crate) name: WorkloadRef,
    #[command(flatten)]
    pub(crate) logs: LogsOptions,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct DeleteArguments {
    /// Names of the jobs, or of Deployments, CronJobs, Jobs and pods that no tool manages, also as KIND/NAME.
    #[arg(value_name = "NAME", required = true)]
    pub(crate) names: Vec<WorkloadRef>,
    /// Do not ask for confirmation before objects that are not jobs are deleted; needed without a terminal.
    #[arg(short, long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) change: ChangeOptions,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct FlushArguments {
    /// Do not ask for confirmation.
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

impl FileOptions {
    pub(super) fn check(&self) -> Result<(), Failure> {
        let is_part = self.job.is_some() || self.file.as_os_str() == "-";
        if self.prune && is_part { Err(Self::no_whole_file()) } else { Ok(()) }
    }

    /// Returns the failure of `--prune` without a whole file by whose path its jobs are known again.
    pub(crate) fn no_whole_file() -> Failure {
        Failure::new(ExitCode::Usage, "`--prune` needs a whole file with a path")
            .hint("Leave `--prune` out, or name the file and leave `--job` out.")
    }
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
    /// Plan as `load --adopt` does: take over jobs that the platform's jobs service has recorded.
    #[arg(long)]
    pub(crate) adopt: bool,
    /// Plan within the limits of a named profile instead of the namespace's: seed-2020 or toolforge-2023.
    #[arg(long, value_name = "PROFILE", value_parser = parse_profile)]
    pub(crate) quota: Option<Profile>,
    /// Exit with 1 if something would change.
    #[arg(long)]
    pub(crate) exit_code: bool,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct LintArguments {
    /// Files to check; `-` is standard input.
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// Output format.
    #[arg(id = "output", short, long, value_enum, value_name = "FORMAT", default_value = "table")]
    pub(crate) output: JobsFormat,
    #[command(flatten)]
    pub(crate) lint: LintOptions,
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
    /// Do not ask for confirmation before an object that no tool manages is restarted; needed without a terminal.
    #[arg(short, long)]
    pub(crate) yes: bool,
    /// Name of the job, or of a Deployment, CronJob, Job or pod that no tool manages, also as KIND/NAME.
    #[arg(value_name = "NAME")]
    pub(crate) name: WorkloadRef,
    #[command(flatten)]
    pub(crate) dry_run: DryRun,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct AdoptArguments {
    /// Name of a Deployment, CronJob or Job that no tool manages, also as KIND/NAME.
    #[arg(value_name = "NAME")]
    pub(crate) name: WorkloadRef,
    /// Do not ask for confirmation if something is restarted or lost; needed without a terminal.
    #[arg(short, long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) dry_run: DryRun,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct TriggerArguments {
    /// Name of the job, or of a Deployment, CronJob, Job or pod that no tool manages, also as KIND/NAME.
    #[arg(value_name = "NAME")]
    pub(crate) name: WorkloadRef,
    /// Wait until the run finishes, at most this many seconds, and exit with its exit code.
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "600", value_parser = parse_seconds)]
    pub(crate) wait: Option<u32>,
    #[command(flatten)]
    pub(crate) dry_run: DryRun,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct CronArguments {
    /// Only this job or CronJob.
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<WorkloadRef>,
    /// Show what the scheduled jobs use over the next 24 hours, and which of them exceed the quota together.
    #[arg(long, conflicts_with_all = ["suggest", "name"])]
    pub(crate) calendar: bool,
    /// Suggest minutes at which fewer jobs start together.
    #[arg(long, conflicts_with = "name")]
    pub(crate) suggest: bool,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct ConvertArguments {
    /// Files to convert, `-` is standard input: manifests or the output of `kubectl get -o yaml`, a crontab, lines of jsub.
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// Image of jobs from a crontab or jsub, which do not name one [default: guessed from the command].
    #[arg(long, value_name = "IMAGE")]
    pub(crate) image: Option<JobImage>,
    /// Write the service.template of a web service to this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) service_template: Option<PathBuf>,
}

#[derive(Clone, Debug, Args)]
#[command(
    mut_arg("name", |argument| {
        argument.value_name("FILE").help("Jobs file, `-` is standard input; with --image, the name of the job")
    }),
    mut_arg("wait", |argument| argument.hide(true))
)]
pub(crate) struct RenderArguments {
    #[command(flatten)]
    pub(crate) job: JobArguments,
}

impl RenderArguments {
    pub(super) fn check(&self) -> Result<(), Failure> {
        if self.job.has_image() {
            if self.job.wait.is_some() {
                let message = "`--wait` cannot be used with `render`";
                return Err(Failure::new(ExitCode::Usage, message).hint("Leave it out; nothing runs."));
            }
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
    /// Name of the job, or of a Deployment, CronJob, Job or pod that no tool manages, also as KIND/NAME.
    #[arg(value_name = "NAME")]
    pub(crate) name: WorkloadRef,
    /// Command to run [default: a shell].
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<String>,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct GenerateArguments {
    /// `bash`, `zsh`, `fish`, `man [COMMAND]` or `man-pages DIRECTORY`.
    #[arg(value_name = "WHAT")]
    pub(crate) what: Vec<String>,
}
