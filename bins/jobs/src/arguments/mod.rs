//! The command line.

mod job;
mod options;
mod output;
mod verb;

pub(crate) use options::{
    AdoptArguments, ChangeOptions, ConvertArguments, CronArguments, DeleteArguments, DumpArguments,
    ExecArguments, FileOptions, FlushArguments, GenerateArguments, LintArguments, ListArguments,
    LoadArguments, LogsArguments, PlanArguments, RenderArguments, RestartArguments, RunArguments,
    SuspendArguments, TriggerArguments,
};
pub(crate) use output::JobsFormat;
pub(crate) use verb::{Arguments, Verb, command};
