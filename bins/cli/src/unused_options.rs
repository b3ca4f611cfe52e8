//! Options that a verb does not use.

use std::ffi::{OsStr, OsString};

use clap::Command;

use crate::command_line::options;
use crate::failure::{ExitCode, Failure};
use crate::options::{ClusterOptions, GlobalOptions};
use toolforge_model::Untrusted;

impl GlobalOptions {
    /// Refuses all of these options for a verb that uses none of them.
    ///
    /// # Errors
    /// When one of them is on the command line. Those that the environment sets are accepted.
    pub fn refuse(&self, verb: &str) -> Result<(), Failure> {
        let hint = format!("Leave it out; `{verb}` needs neither a tool nor a cluster.");
        self.given().first().map_or(Ok(()), |option| Err(unused(option, verb, hint)))
    }

    /// Refuses the options of the cluster beside `--offline`, which needs none.
    ///
    /// # Errors
    /// When one of them is on the command line.
    pub fn refuse_cluster(&self) -> Result<(), Failure> {
        let hint = "Leave it out, or leave `--offline` out to ask the cluster.";
        let given = self.given();
        let found = given.iter().find(|option| **option != "--tool");
        found.map_or(Ok(()), |option| Err(unused(option, "--offline", hint)))
    }

    /// Returns the names of the options on the command line.
    fn given(&self) -> Vec<&'static str> {
        let Self { tool, uid, cluster: ClusterOptions { kubeconfig, impersonate, from } } = self;
        let is_other =
            |variable: &str, value: &OsStr| std::env::var_os(variable).is_none_or(|set| set != value);
        let tool = tool.as_ref().is_some_and(|tool| is_other("TOOLFORGE_TOOL", OsStr::new(tool.as_str())));
        let kubeconfig = kubeconfig.as_ref().is_some_and(|path| is_other("KUBECONFIG", path));
        let all = [
            ("--tool", tool),
            ("--uid", uid.is_some()),
            ("--kubeconfig", kubeconfig),
            ("--as", impersonate.is_some()),
            ("--from", !from.is_empty()),
        ];
        all.into_iter().filter_map(|(name, is_given)| is_given.then_some(name)).collect()
    }
}

/// Refuses all options for a word that is no subcommand of clap's and has none, such as `generate` of `quota-check`.
///
/// # Errors
/// When the arguments have an option.
pub fn refuse_options(command: &Command, arguments: &[OsString], verb: &str) -> Result<(), Failure> {
    let hint = format!("Leave it out; `{verb}` needs neither a tool nor a cluster.");
    options(command, arguments).first().map_or(Ok(()), |option| Err(unused(option, verb, hint)))
}

/// Returns the failure of an option that has no effect with a verb or another option.
fn unused(option: &str, with: &str, hint: impl Into<String>) -> Failure {
    let option = Untrusted::new(option);
    Failure::new(ExitCode::Usage, format!("`{}` cannot be used with `{with}`", option.escaped())).hint(hint)
}
