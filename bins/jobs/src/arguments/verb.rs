//! The command line, and the verbs.

use clap::{Command, CommandFactory as _, Parser, Subcommand, ValueEnum};
use toolforge_cli::{ExitCode, Failure, GlobalOptions, no_document, unused_option, with_formats};

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
///   0  success, or the change fits
///   1  invalid request, or the check failed
///   2  usage error
///   3  exceeds the quota or the limits; nothing was changed
///   4  the cluster refused or is unreachable
///   5  a rollout or a wait failed or timed out
///   6  partially done; the output lists what was done
/// `run --wait`, `trigger --wait` and `exec` exit with the exit code of the job's command.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "jobs",
    // In a shell, `jobs` alone is a builtin.
    bin_name = "toolforge jobs",
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
            Verb::Load(options) => options.file.check()?,
            Verb::Plan(options) => options.file.check()?,
            Verb::Generate(_) => self.global.refuse("generate")?,
            Verb::Lint(options) if options.lint.offline => self.global.refuse_cluster()?,
            _ => {}
        }
        self.check_uid()?;
        self.check_output()
    }

    /// Refuses the id of the tool's user where the verb does not use it.
    fn check_uid(&self) -> Result<(), Failure> {
        let verb = self.verb.name();
        if self.global.uid.is_none() || verb.uses_uid() {
            return Ok(());
        }
        let users = VerbName::value_variants().iter().filter(|verb| verb.uses_uid());
        Err(unused_option("--uid", &verb.text(), users.map(|verb| verb.text())))
    }

    /// Refuses an output format that the verb does not have.
    pub(crate) fn check_output(&self) -> Result<(), Failure> {
        let name = self.verb.name();
        let (verb, formats) = (name.text(), name.formats());
        if formats.contains(&self.output) {
            return Ok(());
        }
        let names: Vec<&str> = formats.iter().map(|format| format.as_str()).collect();
        match (&self.verb, self.output) {
            (_, JobsFormat::Sarif) => Err(Failure::new(ExitCode::Usage, "only `lint` prints SARIF")
                .hint("Leave `--output` out, or write `--output json`.")),
            (Verb::Dump(_), JobsFormat::Json) => {
                Err(Failure::new(ExitCode::Usage, "dump has no JSON output: a jobs file is YAML")
                    .hint("Leave `--output` out."))
            }
            (_, JobsFormat::Json | JobsFormat::Yaml) => Err(no_document(&verb)),
            (_, format) => {
                let message = format!("`--output {}` cannot be used with `{verb}`", format.as_str());
                let hint = match names.as_slice() {
                    [] | [_] => "Leave it out.".to_owned(),
                    [first @ .., last] => format!("Leave it out, or use {} or {last}.", first.join(", ")),
                };
                Err(Failure::new(ExitCode::Usage, message).hint(hint))
            }
        }
    }
}

/// Returns the clap command, in which each verb has its own output formats, and shows `--uid` and `--from` only where they are used.
pub(crate) fn command() -> Command {
    let program = Arguments::command();
    let option = |id: &str| program.get_arguments().find(|option| option.get_id() == id).cloned();
    let (output, uid, from) = (option("output"), option("uid"), option("from"));
    program.mut_subcommands(|verb| {
        let Ok(name) = VerbName::from_str(verb.get_name(), false) else { return verb };
        let formats = name.formats();
        let own = verb.get_arguments().any(|option| option.get_id() == "output");
        let verb = match &output {
            _ if own => verb.mut_arg("output", |option| with_formats(option, formats)),
            Some(output) => verb.arg(with_formats(output.clone().global(false), formats)),
            None => verb,
        };
        let unused = [(&uid, name.uses_uid()), (&from, name.uses_from())]
            .into_iter()
            .filter_map(|(option, is_used)| option.clone().filter(|_| !is_used));
        verb.args(unused.map(|option| option.global(false).hide(true)))
    })
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
    /// Returns its name.
    fn name(&self) -> VerbName {
        match self {
            Self::Run(_) => VerbName::Run,
            Self::List(_) => VerbName::List,
            Self::Show(_) => VerbName::Show,
            Self::Logs(_) => VerbName::Logs,
            Self::Delete(_) => VerbName::Delete,
            Self::Flush(_) => VerbName::Flush,
            Self::Load(_) => VerbName::Load,
            Self::Plan(_) => VerbName::Plan,
            Self::Lint(_) => VerbName::Lint,
            Self::Dump(_) => VerbName::Dump,
            Self::Convert(_) => VerbName::Convert,
            Self::Restart(_) => VerbName::Restart,
            Self::Adopt(_) => VerbName::Adopt,
            Self::Trigger(_) => VerbName::Trigger,
            Self::Suspend(_) => VerbName::Suspend,
            Self::Resume(_) => VerbName::Resume,
            Self::Cron(_) => VerbName::Cron,
            Self::Render(_) => VerbName::Render,
            Self::Exec(_) => VerbName::Exec,
            Self::Images => VerbName::Images,
            Self::Quota => VerbName::Quota,
            Self::Generate(_) => VerbName::Generate,
        }
    }

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

/// The name of a verb. What the help says of a verb is decided here for each of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum VerbName {
    Run,
    List,
    Show,
    Logs,
    Delete,
    Flush,
    Load,
    Plan,
    Lint,
    Dump,
    Convert,
    Restart,
    Adopt,
    Trigger,
    Suspend,
    Resume,
    Cron,
    Render,
    Exec,
    Images,
    Quota,
    Generate,
}

impl VerbName {
    /// Returns the name as it is written.
    fn text(self) -> String {
        let name = self.to_possible_value().expect("no name is skipped");
        name.get_name().to_owned()
    }

    /// Returns the output formats of the verb; the first is the default.
    fn formats(self) -> &'static [JobsFormat] {
        use JobsFormat::{Json, Long, Name, Normal, Sarif, Table, Wide, Yaml};
        match self {
            Self::List => &[Normal, Long, Name, Table, Wide, Json, Yaml],
            Self::Show | Self::Plan | Self::Cron | Self::Images => &[Table, Name, Json, Yaml],
            Self::Lint => &[Table, Json, Yaml, Sarif],
            Self::Dump => &[Table, Yaml],
            Self::Convert | Self::Logs | Self::Exec | Self::Generate => &[Table],
            Self::Run
            | Self::Delete
            | Self::Flush
            | Self::Load
            | Self::Restart
            | Self::Adopt
            | Self::Trigger
            | Self::Suspend
            | Self::Resume
            | Self::Render
            | Self::Quota => &[Table, Json, Yaml],
        }
    }

    /// Returns whether the verb uses the id of the tool's user: it renders jobs, or checks objects that are to run as that user.
    fn uses_uid(self) -> bool {
        match self {
            Self::Run
            | Self::Load
            | Self::Plan
            | Self::Lint
            | Self::Convert
            | Self::Restart
            | Self::Adopt
            | Self::Trigger
            | Self::Render => true,
            Self::List
            | Self::Show
            | Self::Logs
            | Self::Delete
            | Self::Flush
            | Self::Dump
            | Self::Suspend
            | Self::Resume
            | Self::Cron
            | Self::Exec
            | Self::Images
            | Self::Quota
            | Self::Generate => false,
        }
    }

    /// Returns whether the verb can read the cluster's objects from files: all but those that need its pods.
    fn uses_from(self) -> bool {
        match self {
            Self::Logs | Self::Exec | Self::Generate => false,
            Self::Run
            | Self::List
            | Self::Show
            | Self::Delete
            | Self::Flush
            | Self::Load
            | Self::Plan
            | Self::Lint
            | Self::Dump
            | Self::Convert
            | Self::Restart
            | Self::Adopt
            | Self::Trigger
            | Self::Suspend
            | Self::Resume
            | Self::Cron
            | Self::Render
            | Self::Images
            | Self::Quota => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verb_has_a_name() {
        let program = Arguments::command();
        let verbs: Vec<&str> = program.get_subcommands().map(Command::get_name).collect();
        let names: Vec<String> = VerbName::value_variants().iter().map(|verb| verb.text()).collect();
        assert_eq!(verbs, names);
    }
}
