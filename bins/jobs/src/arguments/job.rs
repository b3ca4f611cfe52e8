use std::fmt;
use std::str::FromStr;

use clap::Args;
use clap::builder::PossibleValuesParser;
use toolforge_cli::{ExitCode, Failure, mount_parser};
use toolforge_model::{
    JobHealthCheck, JobKey, JobMistake, JobOptions, JobRequest, MountStorage, Replicas, ToolName, Untrusted,
};

/// What a job shall be; the options of the platform's tool (jobs-cli 16), and `--env`.
#[derive(Clone, Debug, Args)]
#[group(skip)]
pub(crate) struct JobArguments {
    /// The job's name.
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// The image, by the name of its type or of the build service; `toolforge jobs images` lists them.
    #[arg(long, value_name = "IMAGE")]
    image: Option<String>,
    /// What the job runs: a line for a shell, or, in an image of the build service, words.
    #[arg(long, value_name = "COMMAND", allow_hyphen_values = false)]
    command: Option<String>,
    /// Run at the times of a schedule: `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`, or five fields of cron, in
    /// UTC.
    #[arg(long, value_name = "SCHEDULE", group = "kind")]
    schedule: Option<String>,
    /// Keep it running: where it ends, it is started again.
    #[arg(long, group = "kind")]
    continuous: bool,
    /// Wait for the end of a one-off job, so many seconds at most, and end as it ends.
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "600", group = "kind")]
    pub(crate) wait: Option<u32>,
    /// A web service; `webservice TYPE start` runs one.
    #[arg(long, hide = true, group = "kind")]
    webservice: bool,
    /// The memory limit of each pod [default: 512Mi].
    #[arg(long, value_name = "MEMORY", allow_hyphen_values = true)]
    mem: Option<String>,
    /// The CPU of each pod, which counts for the quota [default: 100m are reserved, up to 1 may be used, and 1 counts].
    #[arg(long, value_name = "CPU", allow_hyphen_values = true)]
    cpu: Option<String>,
    /// How many pods of a continuous job [default: 1].
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    replicas: Option<i64>,
    /// Where other pods reach a continuous job: 8080, 8080/tcp or 8080/udp.
    #[arg(short, long, value_name = "PORT", allow_hyphen_values = true)]
    port: Option<String>,
    /// Let the tool's domain lead to a continuous job.
    #[arg(long, value_name = "PATH", num_args = 0..=1, default_missing_value = "/", value_parser = PossibleValuesParser::new(["/"]))]
    publish: Option<String>,
    /// A command that tells, ending with 0, that a continuous job is well.
    #[arg(long, value_name = "COMMAND", group = "health-check")]
    health_check_script: Option<String>,
    /// A page that tells that a continuous job is well.
    #[arg(long, value_name = "PATH", group = "health-check")]
    health_check_http: Option<String>,
    /// How often a run that failed is tried again, 0 to 5.
    #[arg(long, value_name = "NUMBER", value_parser = PossibleValuesParser::new(["0", "1", "2", "3", "4", "5"]))]
    retry: Option<String>,
    /// After how many seconds a run of a scheduled job is ended; 0 is never.
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    timeout: Option<i64>,
    /// Which mails are sent to the tool's maintainers.
    #[arg(long, value_name = "WHEN", value_parser = PossibleValuesParser::new(["none", "all", "onfinish", "onfailure"]))]
    emails: Option<String>,
    /// Which shared storage the pods see; an image of the build service can do with none.
    #[arg(long, value_name = "STORAGE", value_parser = mount_parser())]
    mount: Option<MountStorage>,
    /// Append what the job writes to files in the tool's home [default: but for images of the build service].
    #[arg(long, group = "file-log")]
    filelog: bool,
    /// Leave what the job writes to its pod's log.
    #[arg(long, group = "file-log")]
    no_filelog: bool,
    /// The file of standard output [default: NAME.out].
    #[arg(short = 'o', long, value_name = "FILE")]
    filelog_stdout: Option<String>,
    /// The file of standard error [default: NAME.err].
    #[arg(short = 'e', long, value_name = "FILE")]
    filelog_stderr: Option<String>,
    /// A variable for the job; may be given several times.
    #[arg(long, value_name = "NAME=VALUE")]
    env: Vec<String>,
}

impl JobArguments {
    /// Returns whether an image is named, which every job needs.
    pub(crate) fn has_image(&self) -> bool {
        self.image.is_some()
    }

    /// Returns the request that the options make, or all that is wrong with them.
    pub(crate) fn request(&self, tool: &ToolName) -> Result<JobRequest, Failure> {
        // The one option without which the platform's tool does not understand a line at all.
        if self.image.is_none() && !self.webservice {
            return Err(Failure::new(ExitCode::Usage, "the following arguments are required: --image")
                .hint("`toolforge jobs images` lists the images."));
        }
        let mut mistakes = Vec::new();
        let options = self.options(&mut mistakes);
        match options.into_request(tool) {
            Ok(request) if mistakes.is_empty() => Ok(request),
            Ok(_) => Err(failure(&mistakes)),
            Err(found) => {
                // What could not be read is not missing, too.
                let unread: Vec<JobKey> = mistakes.iter().map(|mistake| mistake.key).collect();
                mistakes.extend(found.into_iter().filter(|mistake| !unread.contains(&mistake.key)));
                Err(failure(&mistakes))
            }
        }
    }

    fn options(&self, mistakes: &mut Vec<JobMistake>) -> JobOptions {
        let mut options = JobOptions {
            name: read(self.name.as_deref(), JobKey::Name, mistakes),
            command: self.command.clone(),
            image: read(self.image.as_deref(), JobKey::Image, mistakes),
            file_log: match (self.filelog, self.no_filelog) {
                (true, _) => Some(true),
                (_, true) => Some(false),
                (false, false) => None,
            },
            file_log_stdout: read(self.filelog_stdout.as_deref(), JobKey::FileLogStdout, mistakes),
            file_log_stderr: read(self.filelog_stderr.as_deref(), JobKey::FileLogStderr, mistakes),
            retry: read(self.retry.as_deref(), JobKey::Retry, mistakes),
            memory: read(self.mem.as_deref(), JobKey::Memory, mistakes),
            cpu: read(self.cpu.as_deref(), JobKey::Cpu, mistakes),
            emails: read(self.emails.as_deref(), JobKey::Emails, mistakes),
            mount: self.mount,
            schedule: self.schedule.clone(),
            is_continuous: self.continuous,
            port: read(self.port.as_deref(), JobKey::Port, mistakes),
            is_published: self.publish.is_some(),
            ..JobOptions::default()
        };
        if let Some(script) = &self.health_check_script {
            options.health_check = Some(JobHealthCheck::Script(script.clone()));
        } else {
            let path = read(self.health_check_http.as_deref(), JobKey::HealthCheckHttp, mistakes);
            options.health_check = path.map(JobHealthCheck::Http);
        }
        let mut refuse = |key, message: String| {
            mistakes.push(JobMistake { key, message: Untrusted::new(message) });
        };
        if let Some(count) = self.replicas {
            match i32::try_from(count) {
                Ok(count) if count >= 0 => options.replicas = Some(Replicas::observed(count)),
                _ => refuse(
                    JobKey::Replicas,
                    format!("{count} is not a number of replicas; allowed is 0 or more"),
                ),
            }
        }
        if let Some(seconds) = self.timeout {
            match u32::try_from(seconds) {
                Ok(seconds) => options.timeout = Some(seconds),
                Err(_) => {
                    refuse(
                        JobKey::Timeout,
                        format!("{seconds} is not a number of seconds; allowed is 0 (no timeout) or more"),
                    );
                }
            }
        }
        for pair in &self.env {
            if let Err(error) = options.environment.set_pair(pair) {
                refuse(JobKey::Environment, error.to_string());
            }
        }
        if self.webservice {
            refuse(
                JobKey::WebService,
                "a web service is no job here; `webservice TYPE start` runs it".to_owned(),
            );
        }
        options
    }
}

fn read<T: FromStr<Err: fmt::Display>>(
    text: Option<&str>,
    key: JobKey,
    mistakes: &mut Vec<JobMistake>,
) -> Option<T> {
    match text?.parse() {
        Ok(value) => Some(value),
        Err(error) => {
            mistakes.push(JobMistake { key, message: Untrusted::new(error.to_string()) });
            None
        }
    }
}

/// Returns a failure that tells all mistakes, each with its option.
fn failure(mistakes: &[JobMistake]) -> Failure {
    let line = |mistake: &JobMistake| {
        let option = match mistake.key {
            JobKey::Name => "NAME".to_owned(),
            key => format!("--{key}"),
        };
        format!("{option}: {}", mistake.message.escaped())
    };
    match mistakes {
        [one] => Failure::new(ExitCode::Failed, line(one)),
        all => all.iter().map(line).fold(
            Failure::new(ExitCode::Failed, format!("{} things are wrong with this job", all.len())),
            Failure::detail,
        ),
    }
}
