//! Code that the programs share: global options, sessions, failures with hints and exit codes, tables, logs, progress.
//!
//! It knows no verb of any program. Only this crate and `toolforge-client` read the environment and the clock.
//!
//! ```
//! use toolforge_cli::{ExitCode, Failure};
//!
//! let failure = Failure::new(ExitCode::Failed, "unknown image type \"pyhton3.11\"").hint("Did you mean `python3.11`?");
//! assert_eq!(failure.exit_code().code(), 1);
//! assert_eq!(failure.to_string(), "error: unknown image type \"pyhton3.11\"\n\nhint: Did you mean `python3.11`?\n");
//! ```

mod apply_report;
mod command_line;
mod completion;
mod conflicts;
mod failure;
mod file_facts;
mod format;
mod generate;
mod help;
mod input;
mod last_lines;
mod library_errors;
mod lint;
mod log;
mod notice;
mod object_stream;
mod options;
mod output;
mod process;
mod progress;
mod remote;
mod replace_file;
mod report;
mod rollout;
mod session;
mod table;
mod terminal;
mod unused_options;
mod usage_error;
mod verdict;

pub use apply_report::{applied_changes, apply_report, planned_changes, unchanged};
pub use command_line::{
    HelpOption, help_option, positionals, quotes_hint, replaced, retyped, separate_command, shown_line,
    typed_options, value_and_following, value_and_rest, with_flag_after_verb,
};
pub use completion::{
    ArgValueCandidates, CandidateSource, CompletionCandidate, CompletionRequest, Shell, choices,
    completion_script, generate_choices, topic_choices,
};
pub use conflicts::{RunBlocker, RunConflicts, conflict_line, conflict_report, day, exceed_alone};
pub use failure::{ExitCode, Failure};
pub use file_facts::{file_facts, warn_of_missing_kinds};
pub use format::prints_documents;
pub use generate::{DescribedProgram, reference_page};
pub use help::{TOPICS, WHERE_TO_ASK, topic, unknown_topic};
pub use input::{Input, read_input, similar_file_hint};
pub use last_lines::{FileMark, LastLines};
pub use library_errors::{without_cluster, without_cluster_from_files};
pub use lint::{LintOptions, lint, lint_in};
pub use log::{FollowEnd, LogOrigin, LogPrinter, LogStop, LogStyle, LogsOptions, until_stdout_closes};
pub use notice::{Notice, print_message, print_question};
pub use object_stream::for_each_object;
pub use options::{
    ClusterOptions, DryRunOption, GlobalOptions, LintFormat, OutputFormat, mount_parser, parse_cpu,
    parse_memory, parse_profile, parse_seconds, parse_whole, with_formats,
};
pub use output::{
    Document, capture, escape_control_characters, no_document, print, print_for_people, print_text,
    refuse_output, to_json,
};
pub use process::{Interruption, interrupted, parse, print_kept_notices, run};
pub use progress::ProgressLine;
pub use remote::{RemoteContainer, run_remote};
pub use replace_file::{has_other_content, not_written, replace_file, write_file};
pub use report::{
    NEAR_PERCENT, WorkloadName, cause, difference, downtime, forecast_cells, image_type, last_termination,
    quota_report, quota_rows, quota_usage, rollout, violations, warn_of_unread, warn_of_unread_kinds,
};
pub use report::{quota_wait_line, restarts_text, terminating_line, waiting_line};
pub use rollout::{
    RolloutLine, failed_rollout, restart_forecast, restart_outcome, rollout_failure, rollout_note,
    rollout_timeout,
};
pub use session::{
    BUNDLED_HINT, Session, Source, catalog_or_bundled, has_kubeconfig, images_to_show, kubeconfig_files,
};
pub use table::{Table, age, columns, duration, wrap};
pub use terminal::is_terminal;
pub use unused_options::unused_option;
pub use usage_error::{misspelled_option, suggested_option, usage_failure};
pub use verdict::{
    SizeForm, adjustment_goal, adjustments, adjustments_hint, adjustments_text, forecast_text,
    is_helped_by_more_quota, retries_text, verdict_code, verdict_text,
};
