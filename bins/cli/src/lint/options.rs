use clap::{Args, ValueEnum};

use crate::options::OutputFormat;

/// The heading of the options of `lint`.
const LINT: &str = "Lint options";

/// The options of `lint`.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct LintOptions {
    /// Exit with 1 for warnings, too.
    #[arg(long, help_heading = LINT)]
    pub strict: bool,
    /// Do not ask the cluster; use the bundled policy, catalog and limits.
    #[arg(long, help_heading = LINT)]
    pub offline: bool,
    /// Rewrite what can be fixed without a change of its meaning, and keep the original as FILE.orig.
    #[arg(long, help_heading = LINT)]
    pub fix: bool,
    /// Output format, also SARIF for code review tools.
    #[arg(long, help_heading = LINT, value_enum, value_name = "FORMAT")]
    pub format: Option<LintFormat>,
}

/// An output format of `lint`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LintFormat {
    /// Text for people.
    #[default]
    Table,
    /// One JSON document.
    Json,
    /// One YAML document.
    Yaml,
    /// One SARIF 2.1.0 document.
    Sarif,
}

impl LintOptions {
    /// Returns the format that `--format` names, else that of `--output`.
    pub(super) fn format(self, output: OutputFormat) -> LintFormat {
        self.format.unwrap_or(match output {
            OutputFormat::Table => LintFormat::Table,
            OutputFormat::Json => LintFormat::Json,
            OutputFormat::Yaml => LintFormat::Yaml,
        })
    }
}
