use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use toolforge_model::{Cpu, Memory, MountStorage, ToolName};
use toolforge_render::web_service::Routing;

/// The options that every program has: whose objects, and from where.
#[derive(Clone, Debug, Args)]
pub struct GlobalOptions {
    /// The tool [default: the kubeconfig's].
    #[arg(long, global = true, value_name = "NAME", env = "TOOLFORGE_TOOL", hide_env_values = true)]
    pub tool: Option<ToolName>,
    /// The tool's numeric user id, 50000 or more; only jobs hold it [default: this process's].
    #[arg(long, global = true, value_name = "UID", value_parser = clap::value_parser!(u32).range(50_000..))]
    pub uid: Option<u32>,
    /// The kubeconfig; of several, joined by `:`, the first that exists [default: ~/.kube/config].
    #[arg(long, global = true, value_name = "FILE", env = "KUBECONFIG", hide_env_values = true)]
    pub kubeconfig: Option<OsString>,
    /// Ask the cluster as another user, as admins may.
    #[arg(long = "as", global = true, value_name = "USER")]
    pub impersonate: Option<String>,
    /// Take facts from what `kubectl get … -o yaml` printed instead of from the cluster; `-` is standard input.
    #[arg(long, global = true, value_name = "FILE")]
    pub from: Vec<PathBuf>,
}

/// How the answer is printed, where `-o` is free for it.
#[derive(Clone, Copy, Debug, Args)]
pub struct OutputOption {
    /// How to print the answer.
    #[arg(long, short, global = true, value_enum, value_name = "FORMAT", default_value_t)]
    pub output: OutputFormat,
}

/// How an answer is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// For people.
    #[default]
    Table,
    /// One JSON document.
    Json,
    /// One YAML document.
    Yaml,
}

/// How the web service is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RoutingOption {
    /// By an Ingress.
    Ingress,
    /// By an `HTTPRoute`.
    Httproute,
}

impl From<RoutingOption> for Routing {
    fn from(option: RoutingOption) -> Self {
        match option {
            RoutingOption::Ingress => Self::Ingress,
            RoutingOption::Httproute => Self::HttpRoute,
        }
    }
}

/// How far a command that writes goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DryRunOption {
    /// Say what would be done and send nothing.
    Client,
    /// Let the API server check it, admission included, and store nothing.
    Server,
}

/// Returns what reads a choice of shared storage from the command line.
#[must_use]
pub fn mount_parser() -> impl TypedValueParser<Value = MountStorage> {
    let words = [MountStorage::All, MountStorage::None].map(MountStorage::as_str);
    PossibleValuesParser::new(words).try_map(|word| word.parse::<MountStorage>())
}

/// Reads an amount of CPU from the command line.
///
/// # Errors
/// When it is none.
pub fn parse_cpu(text: &str) -> Result<Cpu, String> {
    text.parse().map_err(|error: toolforge_model::QuantityError| error.to_string())
}

/// Reads an amount of memory from the command line.
///
/// # Errors
/// When it is none.
pub fn parse_memory(text: &str) -> Result<Memory, String> {
    text.parse().map_err(|error: toolforge_model::QuantityError| error.to_string())
}
