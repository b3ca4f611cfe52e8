use std::path::PathBuf;

use clap::Parser;
use toolforge_cli::{
    DryRunOption, ExitCode, Failure, GlobalOptions, LogsOptions, OutputOption, RoutingOption, mount_parser,
    parse_cpu, parse_memory,
};
use toolforge_model::{
    BuildServiceImage, Cpu, HealthCheck, Memory, MountStorage, Replicas, Untrusted, WebServiceOptions,
};

use crate::commands::{LocalOptions, StatusOptions};
use crate::invocation::{self, Invocation};

/// The heading of the options that say what shall run.
const WEB_SERVICE: &str = "Web service options";

/// Starts, stops and explains the web service of a tool.
///
/// Examples:
///   webservice php8.2 start                 serve files and PHP 8.2
///   webservice restart -m 1Gi               start every pod anew, each with 1Gi of memory
///   webservice python3.11 plan -r 2         say what would change, and whether it fits the quota
///   webservice logs --follow --last 20      what its pods write
///   webservice status --output json         for programs
///
/// Actions:
///   start    start the web service, or change the one that runs
///   stop     stop it
///   restart  start every pod anew, without an outage where the type allows
///   status   say how it fares
///   shell    open a shell in a pod of its own, or run a command there: shell -- COMMAND
///   exec     open a shell in a pod that serves, or run a command there: exec -- COMMAND
///   logs     print what its pods write
///   plan     say what start would change, and whether it fits
///   render   print the Kubernetes objects
///   types    list the image types, or tell all of one: TYPE types
///   local    print the command line that runs it on your own machine
///   doctor   look whether everything that is needed is there
///   generate print a completion script (bash, zsh, fish) or the man page (man)
///
/// Exit codes: 0 done or fits, 1 a wrong request, 2 a command line that is not understood, 3 does not fit the quota or
/// the limits, 4 the cluster refused or cannot be reached, 5 the web service did not come up, 6 partly done.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "webservice",
    version,
    verbatim_doc_comment,
    infer_long_args = true,
    override_usage = usage("webservice")
)]
pub(crate) struct Arguments {
    /// The most memory that each pod may have, like 512Mi or 1.5Gi.
    #[arg(short, long, help_heading = WEB_SERVICE, value_name = "MEMORY", value_parser = parse_memory, allow_hyphen_values = true)]
    pub(crate) mem: Option<Memory>,
    /// The most CPU that each pod may have, like 500m or 0.5.
    #[arg(short, long, help_heading = WEB_SERVICE, value_name = "CPU", value_parser = parse_cpu, allow_hyphen_values = true)]
    pub(crate) cpu: Option<Cpu>,
    /// How many pods.
    #[arg(short, long, help_heading = WEB_SERVICE, value_name = "COUNT", allow_hyphen_values = true)]
    pub(crate) replicas: Option<Replicas>,
    /// The image that `buildservice` stands for [default: tool-NAME/tool-NAME:latest].
    #[arg(long, help_heading = WEB_SERVICE, value_name = "IMAGE")]
    pub(crate) buildservice_image: Option<BuildServiceImage>,
    /// A file with defaults for these options; `-` is standard input [default: service.template in the tool's home].
    #[arg(long, help_heading = WEB_SERVICE, value_name = "FILE")]
    pub(crate) template: Option<PathBuf>,
    /// Which shared storage the pods see: `all`, or `none` for an image of the build service.
    #[arg(long, help_heading = WEB_SERVICE, value_name = "STORAGE", value_parser = mount_parser())]
    pub(crate) mount: Option<MountStorage>,
    /// A page that tells whether a pod is well; one that does not answer it is started anew [default: only the port
    /// is looked at].
    #[arg(long, help_heading = WEB_SERVICE, value_name = "PATH")]
    pub(crate) health_check_path: Option<HealthCheck>,
    /// Taken from scripts of the grid's time; it has no meaning any more.
    #[arg(long, value_name = "RELEASE", hide = true)]
    release: Option<String>,
    /// Taken from scripts of the grid's time; it has no meaning any more.
    #[arg(long, hide = true)]
    canonical: bool,
    /// Only `kubernetes` is left.
    #[arg(long, value_name = "BACKEND", hide = true)]
    pub(crate) backend: Option<String>,
    /// How the web service is reached [default: as it stands, else as the cluster offers].
    #[arg(long, help_heading = WEB_SERVICE, value_enum, value_name = "ROUTING")]
    pub(crate) routing: Option<RoutingOption>,
    /// Say what would be done, or let the API server check it, and change nothing.
    #[arg(long, value_enum, value_name = "WHERE", num_args = 0..=1, require_equals = true, default_missing_value = "client")]
    pub(crate) dry_run: Option<DryRunOption>,
    #[command(flatten)]
    pub(crate) logs: LogsOptions,
    #[command(flatten)]
    pub(crate) status: StatusOptions,
    #[command(flatten)]
    pub(crate) local: LocalOptions,
    #[command(flatten)]
    pub(crate) global: GlobalOptions,
    #[command(flatten)]
    pub(crate) output: OutputOption,
    /// The image type, the action, and arguments for the type's own command.
    #[arg(value_name = "[TYPE] ACTION [ARGUMENTS]")]
    positionals: Vec<String>,
    /// More arguments, which may begin with `-`.
    #[arg(last = true, value_name = "ARGUMENTS")]
    trailing: Vec<String>,
}

/// Returns the form of a command line under the name by which the program was called.
pub(crate) fn usage(name: &str) -> String {
    format!("{name} [OPTIONS] [TYPE] ACTION [ARGUMENTS]... [-- ARGUMENTS...]")
}

/// Returns the failure of whoever still asks for the grid.
pub(crate) fn grid_is_gone() -> Failure {
    Failure::new(ExitCode::Usage, "there is no backend \"gridengine\": the grid is gone")
        .hint("Leave `--backend` out: `webservice php8.2 start`.")
}

impl Arguments {
    /// Returns the words that are no options, understood.
    pub(crate) fn invocation(&self) -> Result<Invocation, Failure> {
        if let Some(backend) = self.backend.as_deref().filter(|backend| *backend != "kubernetes") {
            if backend == "gridengine" {
                return Err(grid_is_gone());
            }
            let backend = Untrusted::new(backend);
            return Err(Failure::new(ExitCode::Usage, format!("there is no backend {}", backend.quoted()))
                .hint("Leave `--backend` out: `webservice php8.2 start`."));
        }
        invocation::read(&self.positionals, &self.trailing)
    }

    /// Returns what of a request was given.
    pub(crate) fn options(&self, invocation: &Invocation) -> WebServiceOptions {
        WebServiceOptions {
            type_name: invocation.type_name.clone(),
            build_service_image: self.buildservice_image.clone(),
            mount: self.mount,
            cpu: self.cpu,
            memory: self.mem,
            replicas: self.replicas,
            arguments: invocation.type_arguments(),
            health_check: self.health_check_path.clone(),
        }
    }
}
