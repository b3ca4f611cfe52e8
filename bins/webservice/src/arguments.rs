use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, ValueEnum};
use toolforge_cli::{
    DryRunOption, ExitCode, Failure, GlobalOptions, LintFormat, LintOptions, LogsOptions, mount_parser,
    no_document, parse_cpu, parse_memory, parse_profile, quotes_hint, retyped, unused_option,
};
use toolforge_model::{
    BuildServiceImage, Cpu, GridIsGone, HealthCheck, Memory, MountStorage, Replicas, ReplicasError,
    Untrusted, WebServiceOptions,
};
use toolforge_quota::profiles::Profile;
use toolforge_render::web_service::Routing;

use crate::invocation::{self, Action, Invocation};

/// The heading of the options that describe the web service.
const WEB_SERVICE: &str = "Web service options";

/// The heading of the options of `status`.
const STATUS: &str = "Status options";

/// The heading of the options of `local`.
const LOCAL: &str = "Local options";

/// Start, stop and inspect a tool's web service.
///
/// Examples:
///   webservice php8.2 start                 serve files and PHP 8.2
///   webservice restart -m 1Gi               replace all pods and give each 1Gi of memory
///   webservice python3.11 plan -r 2         show what would change, and whether it fits the quota
///   webservice logs --follow --last 20      stream the logs of all pods
///   webservice status --output json         print the status for scripts
///
/// Actions:
///   start    start the web service, or change the running one
///   stop     stop the web service
///   restart  replace all pods, without downtime if the type and the quota allow it
///   status   show the state of the web service and, if it is not running, why
///   shell    open a shell in a new pod, or run a command there
///   exec     open a shell in a running pod, or run a command there
///   logs     print the logs of the pods
///   plan     show what start would change, and whether it fits the quota
///   render   print the Kubernetes objects
///   lint     check Kubernetes manifests and templates, and fix what can be fixed
///   types    list image types; TYPE types shows one in detail
///   local    print the command that runs the web service on your own machine
///   doctor   check the setup: kubeconfig, cluster, permissions, home directory
///   generate print a completion script (bash, zsh, fish) or a man page (man), or write all man pages
///   help     show the help on an action or a topic
///
/// For shell and exec, all arguments after the command are passed to it.
///
/// Exit codes:
///   0  success, or the change fits
///   1  invalid request, or the check failed
///   2  usage error
///   3  exceeds the quota or the limits; nothing was changed
///   4  the cluster refused or is unreachable
///   5  a rollout or a wait failed or timed out
///   6  partially done; the output lists what was done
#[derive(Clone, Debug, Parser)]
#[command(
    name = "webservice",
    version,
    verbatim_doc_comment,
    infer_long_args = true,
    override_usage = usage("webservice"),
    mut_arg("uid", |argument| {
        let help = "Numeric user id in the container, 50000 or more [default: that of the image]";
        argument.help(help).help_heading(LOCAL)
    })
)]
pub(crate) struct Arguments {
    /// Memory limit of each pod, like 512Mi or 1.5Gi.
    #[arg(short, long, help_heading = WEB_SERVICE, value_name = "MEMORY", value_parser = parse_memory, allow_hyphen_values = true)]
    pub(crate) mem: Option<Memory>,
    /// CPU limit of each pod, like 500m or 0.5.
    #[arg(short, long, help_heading = WEB_SERVICE, value_name = "CPU", value_parser = parse_cpu, allow_hyphen_values = true)]
    pub(crate) cpu: Option<Cpu>,
    /// Number of pods.
    #[arg(short, long, help_heading = WEB_SERVICE, value_name = "COUNT", value_parser = replicas, allow_hyphen_values = true)]
    pub(crate) replicas: Option<Replicas>,
    /// Image of the type `buildservice` [default: tool-NAME/tool-NAME:latest].
    #[arg(long, help_heading = WEB_SERVICE, value_name = "IMAGE")]
    pub(crate) buildservice_image: Option<BuildServiceImage>,
    /// File with defaults for these options; `-` is standard input [default: service.template in the tool's home].
    #[arg(long, help_heading = WEB_SERVICE, value_name = "FILE")]
    pub(crate) template: Option<PathBuf>,
    /// Shared storage to mount: `all`, or `none` for a build service image.
    #[arg(long, help_heading = WEB_SERVICE, value_name = "STORAGE", value_parser = mount_parser())]
    pub(crate) mount: Option<MountStorage>,
    /// Path of a health check page; a pod that does not answer it is restarted [default: only the port is checked].
    #[arg(long, help_heading = WEB_SERVICE, value_name = "PATH")]
    pub(crate) health_check_path: Option<HealthCheck>,
    /// Accepted for old scripts; it has no effect.
    #[arg(long, value_name = "RELEASE", hide = true)]
    release: Option<String>,
    /// Accepted for old scripts; it has no effect.
    #[arg(long, hide = true)]
    canonical: bool,
    /// Only `kubernetes` is supported.
    #[arg(long, value_name = "BACKEND", hide = true)]
    pub(crate) backend: Option<String>,
    /// Kind of the route from the web service's domain [default: the current one, else what the cluster offers].
    #[arg(long, help_heading = WEB_SERVICE, value_enum, value_name = "ROUTING")]
    pub(crate) routing: Option<RoutingOption>,
    /// Change nothing: show what would be done, or let the API server check it.
    #[arg(long, value_enum, value_name = "WHERE", num_args = 0..=1, require_equals = true, default_missing_value = "client")]
    pub(crate) dry_run: Option<DryRunOption>,
    /// Plan within the limits of a named profile instead of the namespace's: seed-2020 or toolforge-2023.
    #[arg(long, help_heading = WEB_SERVICE, value_name = "PROFILE", value_parser = parse_profile)]
    pub(crate) quota: Option<Profile>,
    /// Output format.
    #[arg(long, short, global = true, value_enum, value_name = "FORMAT", default_value_t)]
    pub(crate) output: LintFormat,
    #[command(flatten)]
    pub(crate) logs: LogsOptions,
    #[command(flatten)]
    pub(crate) status: StatusOptions,
    #[command(flatten)]
    pub(crate) local: LocalOptions,
    #[command(flatten)]
    pub(crate) lint: LintOptions,
    #[command(flatten)]
    pub(crate) global: GlobalOptions,
    /// The image type, the action, and arguments for the type's command.
    #[arg(value_name = "[TYPE] ACTION [ARGUMENTS]")]
    positionals: Vec<String>,
    /// More arguments, which may begin with `-`.
    #[arg(last = true, value_name = "ARGUMENTS")]
    trailing: Vec<String>,
    /// The command line, for hints that repeat it.
    #[arg(skip)]
    line: Vec<OsString>,
}

/// The options of `status`.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct StatusOptions {
    /// Exit with 1 if the web service is not up.
    #[arg(long, help_heading = STATUS)]
    pub(crate) exit_code: bool,
}

/// The options of `local`.
#[derive(Clone, Debug, Args)]
pub(crate) struct LocalOptions {
    /// Container engine on this machine [default: the installed one].
    #[arg(long, help_heading = LOCAL, value_enum, value_name = "ENGINE")]
    pub(crate) engine: Option<Engine>,
    /// Directory to mount as the tool's home [default: the tool's home, else the current directory].
    #[arg(long, help_heading = LOCAL, value_name = "DIRECTORY")]
    pub(crate) home: Option<PathBuf>,
    /// Run the command instead of printing it.
    #[arg(long, help_heading = LOCAL)]
    pub(crate) run: bool,
}

/// A container engine on a developer's machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Engine {
    /// Docker.
    Docker,
    /// Podman.
    Podman,
}

/// The kind of the route from the web service's domain to its pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RoutingOption {
    /// An Ingress.
    Ingress,
    /// An `HTTPRoute`.
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

/// Reads the number of pods, at least one.
fn replicas(text: &str) -> Result<Replicas, String> {
    Replicas::parse_nonzero(text).map_err(|error| match error {
        ReplicasError::Zero => format!("{error}; `webservice stop` stops the web service"),
        error => error.to_string(),
    })
}

/// Returns the usage line for the name by which the program was called.
pub(crate) fn usage(name: &str) -> String {
    format!("{name} [OPTIONS] [TYPE] ACTION [ARGUMENTS]... [-- ARGUMENTS...]")
}

/// Returns the failure of a request for the grid engine, with how to take it back.
pub(crate) fn grid_is_gone(hint: &str) -> Failure {
    Failure::from_error(ExitCode::Usage, &GridIsGone).hint(hint)
}

impl Arguments {
    /// Returns the arguments with the command line that they were parsed from.
    pub(crate) fn typed_as(self, line: Vec<OsString>) -> Self {
        Self { line, ..self }
    }

    /// Returns the command line as it was typed, with other words in place of some that are not options.
    fn line_with(&self, replaced: &[(&str, &str)]) -> String {
        format!("webservice {}", retyped(&crate::command(), &self.line, replaced))
    }

    /// Returns the command line as it was typed, with another type.
    pub(crate) fn line_with_type(&self, type_name: &str) -> String {
        let word = self.positionals.first().map_or("", String::as_str);
        let words = match Action::from_word(word) {
            Some(_) => format!("{type_name} {word}"),
            None => type_name.to_owned(),
        };
        self.line_with(&[(word, &words)])
    }

    /// Returns the type, the action and its arguments, and checks that the action uses the given options.
    pub(crate) fn invocation(&self) -> Result<Invocation, Failure> {
        if let Some(backend) = self.backend.as_deref().filter(|backend| *backend != "kubernetes") {
            if backend == "gridengine" {
                return Err(grid_is_gone("Leave `--backend` out."));
            }
            let backend = Untrusted::new(backend);
            return Err(Failure::new(ExitCode::Usage, format!("unknown backend {}", backend.quoted()))
                .hint("Leave `--backend` out."));
        }
        let line = |replaced: &[(&str, &str)]| self.line_with(replaced);
        let surplus_hint = |surplus: &str| quotes_hint(&crate::command(), &self.line, surplus);
        let invocation = invocation::read(&self.positionals, &self.trailing, line, surplus_hint)?;
        self.check_options(invocation.action)?;
        Ok(invocation)
    }

    /// Refuses options that the action does not use. Those of the Python tool are accepted with every action, as there.
    fn check_options(&self, action: Action) -> Result<(), Failure> {
        let Self { routing, dry_run, quota, output, logs, status, local, lint, global, .. } = self;
        let LogsOptions { follow: _, last: _, since, until, grep } = logs;
        let StatusOptions { exit_code } = status;
        let LocalOptions { engine, home, run } = local;
        let LintOptions { strict, offline, fix } = lint;
        match action {
            Action::Generate => global.refuse(action.as_str())?,
            Action::Lint if *offline => global.refuse_cluster()?,
            Action::Doctor if !global.cluster.from.is_empty() => {
                return Err(Failure::new(ExitCode::Usage, "`--from` cannot be used with `doctor`")
                    .hint("Leave it out; `doctor` checks the cluster itself."));
            }
            _ => {}
        }
        for (id, is_given) in [
            ("uid", global.uid.is_some()),
            ("routing", routing.is_some()),
            ("dry_run", dry_run.is_some()),
            ("quota", quota.is_some()),
            ("since", since.is_some()),
            ("until", until.is_some()),
            ("grep", grep.is_some()),
            ("exit_code", *exit_code),
            ("engine", engine.is_some()),
            ("home", home.is_some()),
            ("run", *run),
            ("strict", *strict),
            ("offline", *offline),
            ("fix", *fix),
        ] {
            if is_given && !action.options().contains(&id) {
                let users = Action::ALL.into_iter().filter(|user| user.options().contains(&id));
                let option = format!("--{}", id.replace('_', "-"));
                return Err(unused_option(&option, action.as_str(), users.map(Action::as_str)));
            }
        }
        if *output == LintFormat::Sarif && action != Action::Lint {
            let message = format!("`--output sarif` cannot be used with `{}`", action.as_str());
            return Err(Failure::new(ExitCode::Usage, message)
                .hint("Leave it out, or write `--output json`; SARIF is a format of `lint`."));
        }
        if *output == LintFormat::Table || action.prints_document() {
            return Ok(());
        }
        Err(no_document(action.as_str()))
    }

    /// Returns the part of a request that the options and the type state.
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
