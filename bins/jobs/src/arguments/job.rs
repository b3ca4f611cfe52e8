use std::fmt;
use std::str::FromStr;

use clap::builder::PossibleValuesParser;
use clap::{ArgMatches, Args, Command, FromArgMatches};
use toolforge_cli::{ExitCode, Failure, mount_parser, parse_seconds};
use toolforge_model::{
    JobDiagnostic, JobField, JobHealthCheck, JobName, JobOptions, JobRequest, MountStorage, Replicas,
    Schedule, ScheduleWarning, ToolName,
};

/// The description of a job on the command line, parsed; what is wrong with it is kept for [`JobArguments::request`].
#[derive(Clone, Debug)]
pub(crate) struct JobArguments {
    /// The first positional argument: a job's name, or a file for `render`.
    pub(crate) name: Option<String>,
    pub(crate) wait: Option<u32>,
    has_image: bool,
    is_web_service: bool,
    options: JobOptions,
    errors: Vec<JobDiagnostic>,
}

impl JobArguments {
    /// Returns whether an image is named, which every job needs.
    pub(crate) fn has_image(&self) -> bool {
        self.has_image
    }

    /// Returns whether anything but a name is given.
    pub(crate) fn has_options(&self) -> bool {
        let without_name = JobOptions { name: None, ..self.options.clone() };
        let only_name = self.errors.iter().all(|error| error.field == JobField::Name);
        without_name != JobOptions::default() || self.wait.is_some() || !only_name
    }

    /// Returns whether the default CPU is stated: it has a limit of its own.
    pub(crate) fn states_default_cpu(&self) -> bool {
        self.options.cpu == Some(JobRequest::DEFAULT_CPU)
    }

    /// Checks everything that does not depend on the tool or the cluster.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        let any_tool: ToolName = "tool".parse().expect("a valid name");
        self.request(&any_tool).map(|_| ())
    }

    /// Returns the request for a tool, or all errors.
    pub(crate) fn request(&self, tool: &ToolName) -> Result<JobRequest, Failure> {
        // The only option that the platform's tool requires.
        if !self.has_image && !self.is_web_service {
            let failure = Failure::new(ExitCode::Usage, "the following arguments are required: --image")
                .hint("`toolforge jobs images` lists the images.");
            return Err(match self.name.as_deref().map(str::parse::<JobName>) {
                Some(Ok(name)) if !self.has_options() => failure.hint(format!(
                    "If {name} is a scheduled job that exists, `toolforge jobs trigger {name}` runs it now."
                )),
                _ => failure,
            });
        }
        let mut errors = self.errors.clone();
        match self.options.clone().into_request(tool) {
            Ok(request) => {
                let warning = request.kind.schedule().and_then(Schedule::warning);
                // A jobs file may have one, as on the platform; a user who types it means another.
                let never = warning.filter(|warning| matches!(warning, ScheduleWarning::Never { .. }));
                errors.extend(never.map(|never| JobDiagnostic::new(JobField::Schedule, never)));
                if errors.is_empty() { Ok(request) } else { Err(failure(&errors)) }
            }
            Err(found) => {
                // An invalid value is not also missing.
                let invalid: Vec<JobField> = errors.iter().map(|error| error.field).collect();
                errors.extend(found.into_iter().filter(|error| !invalid.contains(&error.field)));
                Err(failure(&errors))
            }
        }
    }
}

impl FromArgMatches for JobArguments {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        JobText::from_arg_matches(matches).map(JobText::parse)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for JobArguments {
    fn augment_args(command: Command) -> Command {
        JobText::augment_args(command)
    }

    fn augment_args_for_update(command: Command) -> Command {
        JobText::augment_args_for_update(command)
    }
}

/// The options that describe a job, as typed: those of the platform's tool (jobs-cli 16), and `--env`.
///
/// Most values are texts here, because clap would report only the first error, and with another exit code.
#[derive(Clone, Debug, Args)]
#[group(skip)]
struct JobText {
    /// Name of the job.
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// Image type, or image of the build service; `toolforge jobs images` lists the types.
    #[arg(long, value_name = "IMAGE")]
    image: Option<String>,
    /// Command to run: a shell command line, or the arguments of a command for a build service image.
    #[arg(long, value_name = "COMMAND", allow_hyphen_values = false)]
    command: Option<String>,
    /// Run on a schedule, in UTC: `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`, or a cron expression of five
    /// fields.
    #[arg(long, value_name = "SCHEDULE", group = "kind")]
    schedule: Option<String>,
    /// Keep it running: restart the command whenever it exits.
    #[arg(long, group = "kind")]
    continuous: bool,
    /// Wait until a one-off job finishes, at most this many seconds, and exit with its exit code.
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "600", value_parser = parse_seconds, group = "kind")]
    wait: Option<u32>,
    /// Not a job; `webservice TYPE start` starts a web service.
    #[arg(long, hide = true, group = "kind")]
    webservice: bool,
    /// Memory limit of each pod [default: 512Mi].
    #[arg(long, value_name = "MEMORY", allow_hyphen_values = true)]
    mem: Option<String>,
    /// CPU request and limit of each pod; the limit counts against the quota [default: request 100m, limit 1].
    #[arg(long, value_name = "CPU", allow_hyphen_values = true)]
    cpu: Option<String>,
    /// Number of pods of a continuous job [default: 1].
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    replicas: Option<i64>,
    /// Port of a continuous job for other pods: 8080, 8080/tcp or 8080/udp.
    #[arg(short, long, value_name = "PORT", allow_hyphen_values = true)]
    port: Option<String>,
    /// Route the tool's domain to a continuous job.
    #[arg(long, value_name = "PATH", num_args = 0..=1, default_missing_value = "/", value_parser = PossibleValuesParser::new(["/"]))]
    publish: Option<String>,
    /// Health check of a continuous job: a command that exits with 0 while the job is healthy.
    #[arg(long, value_name = "COMMAND", group = "health-check")]
    health_check_script: Option<String>,
    /// Health check of a continuous job: the path of a page on its port.
    #[arg(long, value_name = "PATH", group = "health-check")]
    health_check_http: Option<String>,
    /// How often to retry a failed run, 0 to 5.
    #[arg(long, value_name = "NUMBER", value_parser = PossibleValuesParser::new(["0", "1", "2", "3", "4", "5"]))]
    retry: Option<String>,
    /// Seconds after which a run of a scheduled job is stopped; 0 means never.
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    timeout: Option<i64>,
    /// When to email the tool's maintainers.
    #[arg(long, value_name = "WHEN", value_parser = PossibleValuesParser::new(["none", "all", "onfinish", "onfailure"]))]
    emails: Option<String>,
    /// Shared storage to mount; only build service images may use `none`.
    #[arg(long, value_name = "STORAGE", value_parser = mount_parser())]
    mount: Option<MountStorage>,
    /// Append the output to files in the tool's home [default: yes, except for build service images].
    #[arg(long, group = "file-log")]
    filelog: bool,
    /// Write no log files; `toolforge jobs logs` shows the output.
    #[arg(long, group = "file-log")]
    no_filelog: bool,
    /// File for standard output [default: NAME.out].
    #[arg(short = 'o', long, value_name = "FILE")]
    filelog_stdout: Option<String>,
    /// File for standard error [default: NAME.err].
    #[arg(short = 'e', long, value_name = "FILE")]
    filelog_stderr: Option<String>,
    /// Environment variable for the job; can be repeated.
    #[arg(long, value_name = "NAME=VALUE")]
    env: Vec<String>,
}

impl JobText {
    fn parse(self) -> JobArguments {
        let mut errors = Vec::new();
        let options = self.options(&mut errors);
        let Self { name, wait, image, webservice, .. } = self;
        JobArguments { name, wait, has_image: image.is_some(), is_web_service: webservice, options, errors }
    }

    fn options(&self, errors: &mut Vec<JobDiagnostic>) -> JobOptions {
        let mut options = JobOptions {
            name: read(self.name.as_deref(), JobField::Name, errors),
            command: self.command.clone(),
            image: read(self.image.as_deref(), JobField::Image, errors),
            file_log: match (self.filelog, self.no_filelog) {
                (true, _) => Some(true),
                (_, true) => Some(false),
                (false, false) => None,
            },
            file_log_stdout: read(self.filelog_stdout.as_deref(), JobField::FileLogStdout, errors),
            file_log_stderr: read(self.filelog_stderr.as_deref(), JobField::FileLogStderr, errors),
            retry: read(self.retry.as_deref(), JobField::Retry, errors),
            memory: read(self.mem.as_deref(), JobField::Memory, errors),
            cpu: read(self.cpu.as_deref(), JobField::Cpu, errors),
            emails: read(self.emails.as_deref(), JobField::Emails, errors),
            mount: self.mount,
            schedule: self.schedule.clone(),
            is_continuous: self.continuous,
            port: read(self.port.as_deref(), JobField::Port, errors),
            is_published: self.publish.is_some(),
            ..JobOptions::default()
        };
        if let Some(script) = &self.health_check_script {
            options.health_check = Some(JobHealthCheck::Script(script.clone()));
        } else {
            let path = read(self.health_check_http.as_deref(), JobField::HealthCheckHttp, errors);
            options.health_check = path.map(JobHealthCheck::Http);
        }
        let mut refuse = |key, message: String| {
            errors.push(JobDiagnostic::new(key, message));
        };
        if let Some(count) = self.replicas {
            match u32::try_from(count).ok().and_then(|count| Replicas::try_from(count).ok()) {
                Some(count) => options.replicas = Some(count),
                None => refuse(
                    JobField::Replicas,
                    format!("{count} is not a number of replicas; expected 0 or more"),
                ),
            }
        }
        if let Some(seconds) = self.timeout {
            match u32::try_from(seconds) {
                Ok(seconds) => options.timeout = Some(seconds),
                Err(_) => {
                    refuse(
                        JobField::Timeout,
                        format!("{seconds} is not a number of seconds; expected 0 (no timeout) or more"),
                    );
                }
            }
        }
        for pair in &self.env {
            if let Err(error) = options.environment.set_pair(pair) {
                refuse(JobField::Environment, error.to_string());
            }
        }
        if self.webservice {
            refuse(
                JobField::WebService,
                "a web service is not a job; `webservice TYPE start` starts it".to_owned(),
            );
        }
        options
    }
}

fn read<T: FromStr<Err: fmt::Display>>(
    text: Option<&str>,
    key: JobField,
    errors: &mut Vec<JobDiagnostic>,
) -> Option<T> {
    match text?.parse() {
        Ok(value) => Some(value),
        Err(error) => {
            errors.push(JobDiagnostic::new(key, error));
            None
        }
    }
}

/// Returns a failure that lists all errors, each with its option.
fn failure(errors: &[JobDiagnostic]) -> Failure {
    let line = |error: &JobDiagnostic| {
        let option = match error.field {
            JobField::Name => "NAME".to_owned(),
            key => format!("--{key}"),
        };
        format!("{option}: {}", error.message.escaped())
    };
    let failure = match errors {
        [one] => Failure::new(ExitCode::Failed, line(one)),
        all => all.iter().map(line).fold(
            Failure::new(ExitCode::Failed, format!("this job has {} errors", all.len())),
            Failure::detail,
        ),
    };
    if errors.iter().any(|error| error.field == JobField::Image) {
        failure.hint("`toolforge jobs images` lists the images.")
    } else {
        failure
    }
}
