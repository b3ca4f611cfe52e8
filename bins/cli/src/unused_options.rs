//! Options that a verb does not use.

use std::ffi::OsStr;
use std::fmt;

use crate::failure::{ExitCode, Failure};
use crate::options::{ClusterOptions, GlobalOptions};

/// The command that shows what others would do.
const PLAN: &str = "`plan`";

impl GlobalOptions {
    /// Refuses all of these options for a verb that uses none of them.
    ///
    /// # Errors
    /// When one of them is on the command line. Those that the environment sets are accepted.
    pub fn refuse(&self, verb: &str) -> Result<(), Failure> {
        let hint = format!("Leave it out; `{verb}` needs neither a tool nor a cluster.");
        self.given().first().map_or(Ok(()), |option| Err(unused(option, verb, hint)))
    }

    /// Refuses the options of the cluster together with `--offline`, which needs none.
    ///
    /// # Errors
    /// When one of them is on the command line.
    pub fn refuse_cluster(&self) -> Result<(), Failure> {
        let hint = "Leave it out, or leave `--offline` out to use the cluster.";
        let given = self.given();
        let found = given.iter().find(|option| **option != "--tool");
        found.map_or(Ok(()), |option| Err(unused(option, "--offline", hint)))
    }

    /// Returns whether the command line names a kubeconfig or files with facts; the environment may name a kubeconfig that a
    /// command does not need without a cluster.
    #[must_use]
    pub fn names_facts(&self) -> bool {
        self.given().iter().any(|option| matches!(*option, "--kubeconfig" | "--from"))
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

/// Returns the failure of an option that a verb does not use, with the verbs that do.
#[must_use]
pub fn unused_option(
    option: &str,
    verb: &str,
    users: impl IntoIterator<Item = impl fmt::Display>,
) -> Failure {
    unused(option, verb, users_hint(users))
}

/// Returns the hint at the verbs that have an option.
pub(crate) fn users_hint(users: impl IntoIterator<Item = impl fmt::Display>) -> String {
    let users: Vec<String> = users.into_iter().map(|user| format!("`{user}`")).collect();
    if let [plan] = users.as_slice()
        && plan == PLAN
    {
        // Without the option, other commands may change something.
        return format!("Only {plan} has it, which changes nothing.");
    }
    format!("Leave it out; it is an option of {}.", users.join(", "))
}

/// Returns the failure of an option that has no effect with a verb or another option.
fn unused(option: &str, with: &str, hint: impl Into<String>) -> Failure {
    Failure::new(ExitCode::Usage, format!("`{option}` cannot be used with `{with}`")).hint(hint)
}
