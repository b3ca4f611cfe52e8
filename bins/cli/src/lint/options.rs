use clap::Args;

/// The heading of the options of `lint`.
const LINT: &str = "Lint options";

/// The options of `lint`.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct LintOptions {
    /// Exit with 1 for warnings, too.
    #[arg(long, help_heading = LINT)]
    pub strict: bool,
    /// Do not contact the cluster; use the bundled policy, catalog and limits.
    #[arg(long, help_heading = LINT)]
    pub offline: bool,
    /// Rewrite what can be fixed without a change of its meaning, and keep the original as FILE.orig.
    #[arg(long, help_heading = LINT)]
    pub fix: bool,
}
