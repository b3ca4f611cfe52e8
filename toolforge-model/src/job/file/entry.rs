//! One job of a jobs file.

use std::fmt;
use std::str::FromStr;

use crate::job::values::{JobValueError, whole_number};
use crate::yaml::{YamlNode, YamlValue};
use crate::{
    Diagnostic, JobField, JobHealthCheck, JobImage, JobKind, JobOptions, JobRequest, Location, ToolName,
    Untrusted, platform,
};

/// The seconds for which the tools wait for a job if the file says only `wait: true` (jobs-cli 16).
const DEFAULT_WAIT_SECONDS: u32 = 600;

/// One job of a jobs file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileJob {
    /// The request.
    pub request: JobRequest,
    /// Whether, and for how many seconds at most, the tools wait for a one-off job to terminate.
    pub wait: Option<u32>,
    /// The location of the job.
    pub location: Location,
    /// The location of its image.
    pub image_location: Location,
}

/// The result of a lookup of a job's image: a warning, nothing, or why the image cannot be used.
pub type ImageCheck = Result<Option<String>, String>;

/// The contents of one entry of a file.
pub(super) struct Entry {
    /// The name as it is written, whether it is valid or not.
    pub(super) name: Option<String>,
    pub(super) job: Option<FileJob>,
    pub(super) warnings: Vec<Diagnostic>,
    pub(super) errors: Vec<Diagnostic>,
}

/// Reads one entry.
pub(super) fn read(
    entry: &YamlNode,
    tool: &ToolName,
    image: Option<&dyn Fn(&JobImage) -> ImageCheck>,
) -> Entry {
    let mut reader = Reader::default();
    let YamlValue::Mapping(pairs) = &entry.value else {
        let found = Untrusted::new(entry.describe());
        let message = format!("a job is a mapping, like `name: my-job`, not {}", found.escaped());
        let errors = vec![Diagnostic::new(entry.location, message)];
        return Entry { name: None, job: None, warnings: Vec::new(), errors };
    };
    for (index, (key, value)) in pairs.iter().enumerate() {
        let name = key.scalar().unwrap_or_default();
        let later = pairs[index + 1..].iter().find(|(other, _)| other.scalar() == key.scalar());
        match (JobField::from_name(name), later) {
            // The last one wins, as in the platform's own tool.
            (Some(known), Some((later, _))) => {
                let message = format!("{known} has no effect here, because it is set again");
                let found = Diagnostic::new(key.location, message).with_related(later.location);
                reader.warnings.push(found);
            }
            (Some(known), None) => reader.take(known, value, tool),
            (None, _) => {
                let meant = JobField::suggest(name);
                // A misspelled key is not also reported as missing.
                reader.failed.extend(meant);
                reader.errors.push(Diagnostic::new(key.location, unknown_key(name, meant)));
            }
        }
    }
    if let (Some(asked), Some(check)) = (&reader.options.image, image) {
        let location = reader.location(JobField::Image).unwrap_or(entry.location);
        match check(asked) {
            Ok(warning) => reader.warnings.extend(warning.map(|text| Diagnostic::new(location, text))),
            Err(text) => reader.errors.push(Diagnostic::new(location, text)),
        }
    }
    reader.finish(entry.location, tool)
}

/// Returns what to do about a value in the quotation marks of a word processor, which YAML does not have.
fn curly_quotes_remedy(text: &str) -> Option<&'static str> {
    text.starts_with(['\u{2018}', '\u{2019}', '\u{201c}', '\u{201d}', '\u{201e}'])
        .then_some("; YAML knows only the plain quotes ' and \"")
}

#[derive(Default)]
struct Reader {
    options: JobOptions,
    wait: Option<u32>,
    name: Option<String>,
    locations: Vec<(JobField, Location)>,
    /// Fields whose values could not be read.
    failed: Vec<JobField>,
    /// The keys of log files that are false, and where.
    useless_file_log: Vec<(JobField, Location)>,
    warnings: Vec<Diagnostic>,
    errors: Vec<Diagnostic>,
}

impl Reader {
    fn location(&self, field: JobField) -> Option<Location> {
        self.locations.iter().find(|(found, _)| *found == field).map(|(_, location)| *location)
    }

    /// Creates the request, and adds its errors at their fields; `start` is the location of the entry.
    fn finish(mut self, start: Location, tool: &ToolName) -> Entry {
        let image_location = self.location(JobField::Image).unwrap_or(start);
        let wait_location = self.location(JobField::Wait).unwrap_or(start);
        let mut job = None;
        match std::mem::take(&mut self.options).into_request(tool) {
            Ok(request) => {
                self.warn_of_file_log(request.file_log.is_on());
                if self.wait.is_some() && !matches!(request.kind, JobKind::OneOff { .. }) {
                    let message = "`wait` is only for one-off jobs; remove this";
                    self.errors.push(Diagnostic::new(wait_location, message));
                }
                // A job with an error cannot be loaded.
                job = self.errors.is_empty().then_some(FileJob {
                    request,
                    wait: self.wait,
                    location: start,
                    image_location,
                });
            }
            Err(errors) => {
                for error in errors {
                    // A field that could not be read is not also reported as missing.
                    if !self.failed.contains(&error.field) {
                        let location = self.location(error.field).unwrap_or(start);
                        self.errors.push(Diagnostic::new(location, error.message.as_raw()));
                    }
                }
            }
        }
        Entry { name: self.name, job, warnings: self.warnings, errors: self.errors }
    }

    fn take(&mut self, key: JobField, value: &YamlNode, tool: &ToolName) {
        self.locations.push((key, value.location));
        match key {
            JobField::Name => {
                self.name = value.scalar().map(str::to_owned);
                self.options.name = self.parsed(key, value);
            }
            JobField::Command => self.options.command = self.text(key, value),
            JobField::Image => self.options.image = self.read(key, value, |text| parse_image(text, tool)),
            JobField::FileLog => self.take_file_log(key, value, true),
            JobField::NoFileLog => self.take_file_log(key, value, false),
            JobField::FileLogStdout => self.options.file_log_stdout = self.parsed(key, value),
            JobField::FileLogStderr => self.options.file_log_stderr = self.parsed(key, value),
            JobField::Retry => self.options.retry = self.parsed(key, value),
            JobField::Memory => self.options.memory = self.parsed(key, value),
            JobField::Cpu => {
                self.options.cpu = self.parsed(key, value);
                if self.options.cpu == Some(JobRequest::DEFAULT_CPU) {
                    let (request, limit) = (JobRequest::DEFAULT_CPU, platform::DEFAULT_JOB_CPU_LIMIT);
                    let message = format!(
                        "`cpu: {request}` has no effect; it is the default, with a limit of {limit}, and any other amount is also the limit"
                    );
                    self.warnings.push(Diagnostic::new(value.location, message));
                }
            }
            JobField::Emails => self.options.emails = self.parsed(key, value),
            JobField::Mount => self.options.mount = self.parsed(key, value),
            JobField::Timeout => {
                self.options.timeout = self.read(key, value, parse_timeout);
            }
            JobField::Schedule => self.options.schedule = self.text(key, value),
            JobField::Continuous => self.options.is_continuous = self.flag(key, value),
            JobField::Wait => self.take_wait(key, value),
            JobField::HealthCheckScript => {
                let script = self.text(key, value);
                self.take_health_check(key, value, script.map(JobHealthCheck::Script));
            }
            JobField::HealthCheckHttp => {
                let path = self.parsed(key, value);
                self.take_health_check(key, value, path.map(JobHealthCheck::Http));
            }
            JobField::Port => self.options.port = self.parsed(key, value),
            JobField::Replicas => self.options.replicas = self.parsed(key, value),
            JobField::Publish => {
                // The platform's own value is the path, and it allows only one.
                self.options.is_published = value.scalar() == Some("/") || self.flag(key, value);
            }
            JobField::WebService => {
                if self.flag(key, value) {
                    self.refuse(
                        key,
                        value,
                        "a web service is not a job here; write a service.template for it",
                    );
                }
            }
            JobField::Environment => self.take_environment(value),
        }
    }

    fn refuse(&mut self, key: JobField, value: &YamlNode, message: impl fmt::Display) {
        self.failed.push(key);
        self.errors.push(Diagnostic::new(value.location, message));
    }

    /// Returns a string, number or boolean as it is spelled; null counts as a missing key.
    fn text(&mut self, key: JobField, value: &YamlNode) -> Option<String> {
        if value.value != YamlValue::Null && value.scalar().is_none() {
            let found = Untrusted::new(value.describe());
            self.refuse(key, value, format_args!("{key} is a string, not {}", found.escaped()));
        }
        value.scalar().map(str::to_owned)
    }

    fn read<T, E: fmt::Display>(
        &mut self,
        key: JobField,
        value: &YamlNode,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.text(key, value)?;
        let refuse = |error: E| {
            let remedy = curly_quotes_remedy(&text);
            self.refuse(key, value, format_args!("{error}{}", remedy.unwrap_or_default()));
        };
        read(&text).map_err(refuse).ok()
    }

    fn parsed<T: FromStr<Err: fmt::Display>>(&mut self, key: JobField, value: &YamlNode) -> Option<T> {
        self.read(key, value, T::from_str)
    }

    /// Reads a boolean. YAML 1.1, which the platform's own tool reads, has more words for it than YAML 1.2.
    fn flag(&mut self, key: JobField, value: &YamlNode) -> bool {
        let word = value.scalar().map(str::to_ascii_lowercase);
        let found = Untrusted::new(value.describe());
        match (word.as_deref(), &value.value) {
            (Some("true"), YamlValue::Plain(_)) => true,
            (Some("true" | "yes" | "on"), _) => {
                let message = format!("{key}: {} is deprecated here; write true", found.escaped());
                self.warnings.push(Diagnostic::new(value.location, message));
                true
            }
            (_, YamlValue::Null) | (Some("false" | "no" | "off"), _) => false,
            _ => {
                let message = format!("{key}: {} is not a boolean; write true or false", found.escaped());
                self.refuse(key, value, message);
                false
            }
        }
    }

    fn take_file_log(&mut self, key: JobField, value: &YamlNode, is_on: bool) {
        if self.flag(key, value) {
            if self.options.file_log == Some(!is_on) {
                self.refuse(key, value, "a job has either log files or none, not both");
            }
            self.options.file_log = Some(is_on);
        } else if value.scalar().is_some() && !self.failed.contains(&key) {
            self.useless_file_log.push((key, value.location));
        }
    }

    /// Warns about `filelog: false` and `no-filelog: false`, which change nothing.
    fn warn_of_file_log(&mut self, is_on: bool) {
        for (key, location) in std::mem::take(&mut self.useless_file_log) {
            let message = match (key, is_on) {
                (JobField::FileLog, true) => {
                    "`filelog: false` has no effect; write `no-filelog: true` to turn log files off"
                }
                (JobField::FileLog, false) => {
                    "`filelog: false` has no effect; remove it: this job has no log files"
                }
                (_, true) => "`no-filelog: false` has no effect; remove it: this job has log files",
                (_, false) => "`no-filelog: false` has no effect; write `filelog: true` to turn log files on",
            };
            self.warnings.push(Diagnostic::new(location, message));
        }
    }

    fn take_wait(&mut self, key: JobField, value: &YamlNode) {
        let text = value.scalar().unwrap_or_default();
        let is_flag =
            ["true", "yes", "on", "false", "no", "off"].iter().any(|word| text.eq_ignore_ascii_case(word));
        self.wait = match text.parse::<u32>() {
            Ok(seconds) => Some(seconds),
            Err(_) if is_flag || value.value == YamlValue::Null => {
                self.flag(key, value).then_some(DEFAULT_WAIT_SECONDS)
            }
            Err(_) => {
                let found = Untrusted::new(value.describe());
                let message = format!(
                    "{key}: {} is not a boolean or a number of seconds; write true, false or seconds like 3600",
                    found.escaped()
                );
                self.refuse(key, value, message);
                None
            }
        };
    }

    fn take_health_check(&mut self, key: JobField, value: &YamlNode, check: Option<JobHealthCheck>) {
        if check.is_some() && self.options.health_check.is_some() {
            self.refuse(key, value, "a job has one health check, a script or an HTTP path, not both");
        }
        self.options.health_check = check.or(self.options.health_check.take());
    }

    /// Reads variables: a mapping, a list like Kubernetes' own, or a list of `NAME=VALUE`.
    fn take_environment(&mut self, value: &YamlNode) {
        const ALLOWED: &str = "env is a mapping, like `env: {LANG: C.UTF-8}`";
        match &value.value {
            YamlValue::Null => {}
            YamlValue::Mapping(pairs) => {
                for (name, text) in pairs {
                    self.take_variable(name, text);
                }
            }
            YamlValue::Sequence(items) => {
                for item in items {
                    match &item.value {
                        YamlValue::Mapping(fields) => {
                            let field = |wanted: &str| {
                                fields
                                    .iter()
                                    .find(|(key, _)| key.scalar() == Some(wanted))
                                    .map(|(_, value)| value)
                            };
                            match (field("name"), field("value")) {
                                (Some(name), Some(text)) if fields.len() == 2 => self.take_variable(name, text),
                                _ => self.refuse(
                                    JobField::Environment,
                                    item,
                                    "a variable in a list has a name and a value, like `- {name: LANG, value: C.UTF-8}`",
                                ),
                            }
                        }
                        YamlValue::String(pair) => {
                            if let Err(error) = self.options.environment.set_pair(pair) {
                                self.refuse(JobField::Environment, item, error);
                            }
                        }
                        YamlValue::Null | YamlValue::Plain(_) | YamlValue::Sequence(_) => {
                            self.refuse(JobField::Environment, item, ALLOWED);
                        }
                    }
                }
            }
            YamlValue::String(_) | YamlValue::Plain(_) => self.refuse(JobField::Environment, value, ALLOWED),
        }
    }

    fn take_variable(&mut self, name: &YamlNode, value: &YamlNode) {
        let text = match &value.value {
            YamlValue::Null => "",
            YamlValue::String(text) | YamlValue::Plain(text) => text,
            YamlValue::Sequence(_) | YamlValue::Mapping(_) => {
                let found = Untrusted::new(value.describe());
                return self.refuse(
                    JobField::Environment,
                    value,
                    format_args!("a variable's value is a string, not {}", found.escaped()),
                );
            }
        };
        if let Err(error) = self.options.environment.set(name.scalar().unwrap_or_default(), text) {
            self.refuse(JobField::Environment, name, error);
        }
    }
}

/// Reads an image; the example in the error is that of the tool.
fn parse_image(text: &str, tool: &ToolName) -> Result<JobImage, String> {
    text.parse().map_err(|JobValueError { found, what, allowed }| {
        let allowed = allowed.replace("tool-NAME", &tool.namespace());
        format!("{} is not {what}; expected {allowed}", found.quoted())
    })
}

/// Reads a number of seconds; 0 means no timeout.
fn parse_timeout(text: &str) -> Result<u32, JobValueError> {
    let seconds = whole_number(text).and_then(|seconds| u32::try_from(seconds).ok());
    seconds
        .ok_or_else(|| JobValueError::new(text, "a number of seconds", "0 (no timeout) or more, like 3600"))
}

fn unknown_key(name: &str, meant: Option<JobField>) -> String {
    let found = Untrusted::new(name);
    match meant {
        Some(key) => format!("unknown key {}; did you mean \"{key}\"?", found.quoted()),
        None => {
            let keys: Vec<_> = JobField::ALL.iter().map(|key| key.as_str()).collect();
            format!("unknown key {}; the keys are {}", found.quoted(), keys.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn image_example_names_the_tool() {
        let tool: ToolName = "stashbot".parse().unwrap();
        let error = parse_image("tool-NAME/tool-NAME:latest", &tool).unwrap_err();
        assert!(error.ends_with("like tool-stashbot/tool-stashbot:latest"), "{error}");
    }

    #[test]
    fn timeouts_are_whole_seconds() {
        assert_eq!(parse_timeout("60"), Ok(60));
        for text in ["-1", "1.5", "4294967296"] {
            assert!(parse_timeout(text).is_err(), "{text}");
        }
    }
}
