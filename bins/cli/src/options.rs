use std::ffi::OsString;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Arg, Args, ValueEnum};
use toolforge_model::{Cpu, Memory, MountStorage, QuantityError, ToolName, Untrusted};
use toolforge_quota::profiles::{Profile, UnknownProfileError, by_name};

/// The heading of the options that select the tool and its cluster.
const GLOBAL: &str = "Global options";

/// The options that every program has: which tool, and which cluster.
#[derive(Clone, Debug, Args)]
pub struct GlobalOptions {
    /// Name of the tool [default: the kubeconfig's].
    #[arg(long, global = true, help_heading = GLOBAL, value_name = "NAME", env = "TOOLFORGE_TOOL", hide_env_values = true)]
    pub tool: Option<ToolName>,
    /// Numeric user id of the tool, 50000 or more [default: that of this process].
    #[arg(long, global = true, help_heading = GLOBAL, value_name = "UID", value_parser = uid)]
    pub uid: Option<u32>,
    /// Which cluster, or files instead.
    #[command(flatten)]
    pub cluster: ClusterOptions,
}

/// The options that select the cluster.
#[derive(Clone, Debug, Default, Args)]
pub struct ClusterOptions {
    /// Path of the kubeconfig; of several, separated by `:`, the first that exists [default: ~/.kube/config].
    #[arg(long, global = true, help_heading = GLOBAL, value_name = "FILE", env = "KUBECONFIG", hide_env_values = true)]
    pub kubeconfig: Option<OsString>,
    /// Impersonate another user, for admins.
    #[arg(long = "as", global = true, help_heading = GLOBAL, value_name = "USER")]
    pub impersonate: Option<String>,
    /// Read cluster objects from a file with the output of `kubectl get … -o yaml`, not from the API; `-` is standard input.
    #[arg(long, global = true, help_heading = GLOBAL, value_name = "FILE")]
    pub from: Vec<PathBuf>,
}

fn uid(text: &str) -> Result<u32, String> {
    parse_whole(text, 50_000..=u32::MAX)
}

/// Parses a number of seconds.
///
/// # Errors
/// When it is something else.
pub fn parse_seconds(text: &str) -> Result<u32, String> {
    parse_whole(text, 0..=u32::MAX)
}

/// Parses a whole number of a range.
///
/// # Errors
/// When it is something else.
pub fn parse_whole(text: &str, range: RangeInclusive<u32>) -> Result<u32, String> {
    text.parse().ok().filter(|number| range.contains(number)).ok_or_else(|| {
        let (start, end) = (range.start(), range.end());
        let expected =
            if *end == u32::MAX { format!("{start} or more") } else { format!("{start} to {end}") };
        let what = if text.parse::<i64>().is_ok() { "is not allowed" } else { "is not a whole number" };
        format!("{} {what}; expected {expected}", Untrusted::new(text).quoted())
    })
}

/// Returns an option for output formats that shows only those of a verb, in help and in completions. The program refuses the
/// others with a reason. Where there is nothing to choose, the option is hidden.
#[must_use]
pub fn with_formats<T>(option: Arg, formats: &[T]) -> Arg
where
    T: ValueEnum + PartialEq + Send + Sync + 'static,
{
    let values = T::value_variants()
        .iter()
        .filter_map(|value| value.to_possible_value().map(|shown| shown.hide(!formats.contains(value))));
    let parser = PossibleValuesParser::new(values).try_map(|value| T::from_str(&value, false));
    option.value_parser(parser).hide(formats.len() < 2)
}

/// An output format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// Text for people.
    #[default]
    Table,
    /// One JSON document.
    Json,
    /// One YAML document.
    Yaml,
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
    /// One SARIF 2.1.0 document, for code review tools; for `lint` only.
    Sarif,
}

impl LintFormat {
    /// Returns the format for a command that prints no SARIF.
    #[must_use]
    pub fn of_document(self) -> OutputFormat {
        match self {
            Self::Table | Self::Sarif => OutputFormat::Table,
            Self::Json => OutputFormat::Json,
            Self::Yaml => OutputFormat::Yaml,
        }
    }
}

/// What a command that changes something does instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DryRunOption {
    /// Show what would be done and send nothing.
    Client,
    /// Let the API server check each request, including admission, and store nothing. What a deletion frees and whether a
    /// gateway accepts a route are not checked.
    Server,
}

/// Returns a parser for `--mount`.
#[must_use]
pub fn mount_parser() -> impl TypedValueParser<Value = MountStorage> {
    let values = [MountStorage::All, MountStorage::None].map(MountStorage::as_str);
    PossibleValuesParser::new(values).try_map(|value| value.parse::<MountStorage>())
}

/// Parses the name of a quota profile from the command line.
///
/// # Errors
/// If there is no profile of that name.
pub fn parse_profile(text: &str) -> Result<Profile, UnknownProfileError> {
    by_name(text)
}

/// Parses an amount of CPU from the command line.
///
/// # Errors
/// If it is invalid.
pub fn parse_cpu(text: &str) -> Result<Cpu, String> {
    let cpu: Cpu = text.parse().map_err(|error: QuantityError| error.to_string())?;
    cpu.check_probable().map_err(|error| error.to_string())
}

/// Parses an amount of memory from the command line.
///
/// # Errors
/// If it is invalid.
pub fn parse_memory(text: &str) -> Result<Memory, String> {
    let memory: Memory = text.parse().map_err(|error: QuantityError| error.to_string())?;
    memory.check_probable().map_err(|error| error.to_string())
}
