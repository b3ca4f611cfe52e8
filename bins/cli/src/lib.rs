//! What the programs of the workspace share: global options, where facts come from, failures with their hints and
//! exit codes, tables, progress.
//!
//! It knows no verb of any program. Only here and in `toolforge-client` are the environment and the clock read.
//!
//! ```
//! use toolforge_cli::{ExitCode, Failure};
//!
//! let failure = Failure::new(ExitCode::Failed, "no image type \"pyhton3.11\"").hint("Did you mean `python3.11`?");
//! assert_eq!(failure.exit_code().code(), 1);
//! assert_eq!(failure.to_string(), "error: no image type \"pyhton3.11\"\n\nhint: Did you mean `python3.11`?\n");
//! ```

mod age;
mod document;
mod failure;
mod failures;
mod generate;
mod interrupt;
mod log;
mod options;
mod output;
mod progress;
mod reader;
mod remote;
mod run;
mod session;
mod table;
mod terminal;

pub use age::age;
pub use document::{CauseDocument, LimitDocument, QuotaRowDocument};
pub use failure::{ExitCode, Failure};
pub use generate::{Generated, Shell, reference_page};
pub use interrupt::interrupted;
pub use log::{FollowEnd, LogOrigin, LogPrinter, LogStop, LogStyle, LogsOptions, until_stdout_closes};
pub use options::{
    DryRunOption, GlobalOptions, OutputFormat, OutputOption, mount_parser, parse_cpu, parse_memory,
};
pub use output::{Document, document, no_document, print, print_text};
pub use progress::ProgressLine;
pub use reader::reader_is_gone;
pub use remote::run_remote;
pub use run::{parse, run};
pub use session::{Session, Source, kubeconfig_files};
pub use table::Table;
pub use terminal::{Attached, attach, is_terminal};
