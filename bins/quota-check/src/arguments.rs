//! The command line.

use clap::{Args, Command, CommandFactory as _, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use std::str::FromStr;

use toolforge_cli::{
    ClusterOptions, ExitCode, Failure, GlobalOptions, NEAR_PERCENT, OutputFormat, no_document, parse_cpu,
    parse_memory, parse_profile, parse_whole, with_formats,
};
use toolforge_model::{Cpu, JobName, Memory, Replicas, ToolName, Untrusted};
use toolforge_quota::Resource;
use toolforge_quota::profiles::Profile;
use wildmatch::WildMatch;

/// The heading of the options for many tools.
const FLEET: &str = "Options for many tools";

/// Show a tool's quotas and limits and their usage. With files, check whether they fit; with `--all`, show the quotas of
/// all tools.
///
/// Exit codes: 0 success or the change fits, 1 invalid request or the check failed, 2 usage error, 3 does not fit, 4 the cluster
/// refused or is unreachable, 6 some objects could not be read.
#[derive(Clone, Debug, Parser)]
#[command(name = "quota-check", version, infer_long_args = true, disable_help_subcommand = true)]
pub(crate) struct Arguments {
    /// Files to check: jobs files, service.template, Kubernetes manifests (YAML or JSON), each at most 4 MiB; `-` is standard
    /// input. The type of a file is detected from its content. All files are checked together, during and after the change.
    #[arg(value_name = "FILE", conflicts_with = "all")]
    pub(crate) files: Vec<PathBuf>,
    #[command(subcommand)]
    pub(crate) verb: Option<Verb>,
    /// Name of the tool [default: the kubeconfig's]. With `--all`, a pattern: `*` is any text, `?` one character.
    #[arg(
        long,
        global = true,
        help_heading = "Global options",
        value_name = "NAME",
        env = "TOOLFORGE_TOOL",
        hide_env_values = true
    )]
    pub(crate) tool: Option<ToolPattern>,
    #[command(flatten)]
    pub(crate) cluster: ClusterOptions,
    /// Compare the usage with the limits of a profile: seed-2020, published in 2020, or toolforge-2023. Works without a cluster.
    #[arg(long, global = true, value_name = "PROFILE", value_parser = parse_profile)]
    pub(crate) quota: Option<Profile>,
    /// Output format.
    #[arg(long, short, global = true, value_enum, value_name = "FORMAT", default_value_t)]
    pub(crate) output: Format,
    #[command(flatten)]
    pub(crate) fleet: FleetOptions,
}

/// What is asked in addition to the quotas and their usage.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Verb {
    /// Show how large a workload can be and still restart without downtime, or whether a size fits.
    WhatIf(WhatIfArguments),
    /// Print the text of a request for more quota, with its evidence; nothing is sent.
    Request(RequestArguments),
    /// Find quotas, limits and existing workloads that contradict each other; with `--all`, those of all tools. Exit code 1 if
    /// something was found.
    Audit(AuditArguments),
    /// Print a completion script (bash, zsh, fish) or a man page (man), or write all man pages.
    Generate(GenerateArguments),
}

impl Verb {
    /// Returns its name.
    pub(crate) fn name(&self) -> VerbName {
        match self {
            Self::WhatIf(_) => VerbName::WhatIf,
            Self::Request(_) => VerbName::Request,
            Self::Audit(_) => VerbName::Audit,
            Self::Generate(_) => VerbName::Generate,
        }
    }
}

/// The name of a verb. What the help says of a verb is decided here for each of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum VerbName {
    WhatIf,
    Request,
    Audit,
    Generate,
}

impl VerbName {
    /// Returns the name as it is written.
    pub(crate) fn text(self) -> String {
        let name = self.to_possible_value().expect("no name is skipped");
        name.get_name().to_owned()
    }

    /// Returns the output formats of the verb; the first is the default.
    fn formats(self) -> &'static [Format] {
        match self {
            Self::Request | Self::Generate => &[Format::Table],
            Self::WhatIf | Self::Audit => &[Format::Table, Format::Json, Format::Yaml],
        }
    }
}

/// Returns the clap command, in which each verb has its own output formats.
pub(crate) fn command() -> Command {
    let program = Arguments::command();
    let output = program.get_arguments().find(|option| option.get_id() == "output").cloned();
    program.mut_subcommands(|verb| match (&output, VerbName::from_str(verb.get_name(), false)) {
        (Some(output), Ok(name)) => verb.arg(with_formats(output.clone().global(false), name.formats())),
        _ => verb,
    })
}

/// The size that is asked about.
#[derive(Clone, Debug, Args)]
pub(crate) struct WhatIfArguments {
    /// Name of a job [default: the web service].
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<JobName>,
    /// Memory limit of each pod.
    #[arg(long, short, alias = "mem", value_name = "MEMORY", value_parser = parse_memory)]
    pub(crate) memory: Option<Memory>,
    /// CPU limit of each pod.
    #[arg(long, short, value_name = "CPU", value_parser = parse_cpu)]
    pub(crate) cpu: Option<Cpu>,
    /// Number of pods.
    #[arg(long, short, value_name = "COUNT", value_parser = Replicas::parse_nonzero)]
    pub(crate) replicas: Option<Replicas>,
}

/// What needs more quota.
#[derive(Clone, Debug, Args)]
pub(crate) struct RequestArguments {
    /// Files that need more quota, as for `quota-check FILE`.
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
}

/// What is generated.
#[derive(Clone, Debug, Args)]
pub(crate) struct GenerateArguments {
    /// `bash`, `zsh`, `fish`, `man [COMMAND]` or `man-pages DIRECTORY`.
    #[arg(value_name = "WHAT")]
    pub(crate) what: Vec<String>,
}

/// Which tools are audited.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct AuditArguments {
    /// Audit all tools; with `--from`, those of a file that `kubectl get
    /// resourcequota,limitrange,deployment,replicaset,replicationcontroller,statefulset,daemonset,cronjob,job,pod,persistentvolumeclaim -A
    /// -o json` printed.
    #[arg(long)]
    pub(crate) all: bool,
}

/// The options that only the quotas of all tools have.
pub(crate) const FLEET_OPTIONS: [&str; 4] = ["--only", "--threshold", "--sort", "--baseline"];

/// The options for the quotas of many tools.
#[derive(Clone, Debug, Args)]
pub(crate) struct FleetOptions {
    /// Show the quotas of all tools, one line per quota; with `--from`, those of a file that `kubectl get resourcequota -A -o json`
    /// printed, of any size.
    #[arg(long, help_heading = FLEET)]
    pub(crate) all: bool,
    /// Show only quotas in a state.
    #[arg(long, help_heading = FLEET, requires = "all", value_enum, value_name = "STATE", value_delimiter = ',')]
    pub(crate) only: Vec<Only>,
    /// Usage percentage at which a quota counts as near its limit.
    #[arg(long, help_heading = FLEET, requires = "all", value_name = "PERCENT", default_value_t = NEAR_PERCENT,
        value_parser = percent)]
    pub(crate) threshold: u64,
    /// Sort by name, by the used share, or by the used amount of a resource such as `limits.memory`; largest first, except
    /// names. By default, quotas are printed in the order of the list, without keeping them in memory.
    #[arg(long, help_heading = FLEET, requires = "all", value_name = "KEY")]
    pub(crate) sort: Option<SortKey>,
    /// Compare with an earlier `--output json` or `--output ndjson`, and show what has changed since.
    #[arg(long, help_heading = FLEET, requires = "all", value_name = "FILE")]
    pub(crate) baseline: Option<PathBuf>,
}

fn percent(text: &str) -> Result<u64, String> {
    parse_whole(text, 1..=100).map(u64::from)
}

/// A state of quotas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Only {
    /// At least the threshold is used of CPU, memory or pods.
    Near,
    /// CPU, memory or pods are fully used.
    Blocked,
    /// Nothing is used.
    Unused,
}

/// What quotas are sorted by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SortKey {
    Name,
    Share,
    Resource(Resource),
}

impl FromStr for SortKey {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "name" => Ok(Self::Name),
            "share" => Ok(Self::Share),
            text => match Resource::from(text) {
                Resource::Other(_) => {
                    Err("expected name, share, or a resource of a quota, such as pods or limits.memory"
                        .to_owned())
                }
                resource => Ok(Self::Resource(resource)),
            },
        }
    }
}

/// An output format; those after `yaml` need `--all`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Text for people.
    #[default]
    Table,
    /// One JSON document.
    Json,
    /// One YAML document.
    Yaml,
    /// One JSON document per quota, one per line.
    Ndjson,
    /// Comma-separated values, one line for each resource of each quota.
    Csv,
    /// A table in Markdown.
    Markdown,
    /// Metrics for Prometheus' text-file collector.
    Prometheus,
    /// JUnit XML: a quota that is blocked is a failed test.
    Junit,
    /// One self-contained HTML page.
    Html,
}

/// The name of a tool, or a pattern of names.
#[derive(Clone, Debug)]
pub(crate) struct ToolPattern {
    text: String,
    pattern: WildMatch,
}

impl FromStr for ToolPattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if !text.contains(['*', '?']) {
            text.parse::<ToolName>().map_err(|error| error.to_string())?;
        }
        Ok(Self { text: text.to_owned(), pattern: WildMatch::new(text) })
    }
}

impl ToolPattern {
    /// Returns the pattern as it was typed.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns whether a name matches.
    pub(crate) fn matches(&self, name: &str) -> bool {
        self.pattern.matches(name)
    }
}

impl Arguments {
    /// Returns whether it is about all tools.
    fn is_about_all(&self) -> bool {
        self.fleet.all || matches!(self.verb, Some(Verb::Audit(AuditArguments { all: true })))
    }

    /// Returns the options that open a session; a pattern does not name a tool.
    ///
    /// # Errors
    /// When a pattern is given without `--all`.
    pub(crate) fn session_options(&self) -> Result<GlobalOptions, Failure> {
        let tool = match &self.tool {
            Some(pattern) if !self.is_about_all() => Some(pattern.text.parse().map_err(|_| {
                let name = Untrusted::new(pattern.text.as_str());
                Failure::new(
                    ExitCode::Usage,
                    format!("{} is a pattern, not the name of a tool", name.quoted()),
                )
                .hint("Add `--all` to show the quotas of several tools.")
            })?),
            _ => None,
        };
        Ok(GlobalOptions { tool, uid: None, cluster: self.cluster.clone() })
    }

    /// Returns the format for one namespace.
    ///
    /// # Errors
    /// When the format is one for many tools, or the verb prints only text.
    pub(crate) fn document_format(&self) -> Result<OutputFormat, Failure> {
        let name = self.verb.as_ref().map(Verb::name);
        if let Some(name) = name.filter(|name| !name.formats().contains(&Format::Json))
            && self.output != Format::Table
        {
            let verb = name.text();
            return Err(match self.output.to_possible_value() {
                Some(format) if !matches!(self.output, Format::Json | Format::Yaml) => {
                    let format = format.get_name();
                    let message =
                        format!("`--output {format}` cannot be used with `{verb}`, which prints text");
                    Failure::new(ExitCode::Usage, message).hint("Leave `--output` out.")
                }
                _ => no_document(&verb),
            });
        }
        match self.output {
            Format::Table => Ok(OutputFormat::Table),
            Format::Json => Ok(OutputFormat::Json),
            Format::Yaml => Ok(OutputFormat::Yaml),
            Format::Ndjson
            | Format::Csv
            | Format::Markdown
            | Format::Prometheus
            | Format::Junit
            | Format::Html => Err(match self.verb {
                None => Failure::new(ExitCode::Usage, "this output format shows the quotas of many tools")
                    .hint("Add `--all`."),
                Some(_) => {
                    Failure::new(ExitCode::Usage, "this output format is only for `quota-check --all`")
                        .hint("Write `--output json` or `--output yaml`, or leave `--output` out.")
                }
            }),
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
