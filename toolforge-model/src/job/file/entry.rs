//! One job of a file.

use std::fmt;
use std::str::FromStr;

use crate::job::file::flag::{self, Flag};
use crate::job::file::{DEFAULT_WAIT_SECONDS, FileJob};
use crate::job::{JobHealthCheck, JobKey, JobOptions, job_replicas, job_timeout};
use crate::yaml::{Mistake, Shape, TextPlace, YamlValue};
use crate::{ToolName, Untrusted};

/// Below this similarity of Jaro and Winkler a suggestion would be a guess.
const NEAR: f64 = 0.75;

/// What an entry of a file holds.
pub(super) struct Read {
    /// The name as it is written, a right one or not.
    pub(super) name: Option<String>,
    pub(super) job: Option<FileJob>,
    pub(super) warnings: Vec<Mistake>,
    pub(super) mistakes: Vec<Mistake>,
}

/// Reads one entry.
pub(super) fn read(entry: &YamlValue, tool: &ToolName) -> Read {
    let mut reader = Reader::default();
    let Shape::Mapping(pairs) = &entry.shape else {
        let found = Untrusted::new(entry.described());
        let message = format!("a job is a mapping, like `name: my-job`, and this is {}", found.escaped());
        let mistakes = vec![Mistake::new(entry.place, message)];
        return Read { name: None, job: None, warnings: Vec::new(), mistakes };
    };
    for (index, (key, value)) in pairs.iter().enumerate() {
        let name = key.scalar().unwrap_or_default();
        let later = pairs[index + 1..].iter().find(|(other, _)| other.scalar() == key.scalar());
        match JobKey::named(name) {
            // The last one holds, as it does for the platform's own tool.
            Some(known) if later.is_some() => {
                let place = later.map_or(key.place, |(other, _)| other.place);
                let message = format!("{known} stands here and again at {place}, which holds");
                reader.warnings.push(Mistake::new(key.place, message));
            }
            Some(known) => reader.take(known, value),
            None => {
                let meant = meant(name);
                // What is mistyped is not missing, too.
                reader.failed.extend(meant);
                reader.mistakes.push(Mistake::new(key.place, unknown(name, meant)));
            }
        }
    }
    let Reader { options, wait, name, places, failed, warnings, mut mistakes } = reader;
    let job = match options.into_request(tool) {
        Ok(request) => {
            if wait.is_some() && !matches!(request.kind, crate::JobKind::OneOff { .. }) {
                let place = places
                    .iter()
                    .find(|(key, _)| *key == JobKey::Wait)
                    .map_or(entry.place, |(_, place)| *place);
                let message = "only the end of a one-off job can be waited for; leave this out";
                mistakes.push(Mistake::new(place, message));
            }
            let image_place =
                places.iter().find(|(key, _)| *key == JobKey::Image).map_or(entry.place, |(_, place)| *place);
            Some(FileJob { request, wait, place: entry.place, image_place })
        }
        Err(found) => {
            for mistake in found {
                // What could not be read is not missing, too.
                if failed.contains(&mistake.key) {
                    continue;
                }
                let place = places.iter().find(|(key, _)| *key == mistake.key).map(|(_, place)| *place);
                mistakes.push(Mistake { place: place.unwrap_or(entry.place), message: mistake.message });
            }
            None
        }
    };
    Read { name, job, warnings, mistakes }
}

#[derive(Default)]
struct Reader {
    options: JobOptions,
    wait: Option<u32>,
    name: Option<String>,
    places: Vec<(JobKey, TextPlace)>,
    /// Keys whose values could not be read.
    failed: Vec<JobKey>,
    warnings: Vec<Mistake>,
    mistakes: Vec<Mistake>,
}

impl Reader {
    fn take(&mut self, key: JobKey, value: &YamlValue) {
        self.places.push((key, value.place));
        match key {
            JobKey::Name => {
                self.name = value.scalar().map(str::to_owned);
                self.options.name = self.parsed(key, value);
            }
            JobKey::Command => self.options.command = self.text(key, value),
            JobKey::Image => self.options.image = self.parsed(key, value),
            JobKey::FileLog => self.take_file_log(key, value, true),
            JobKey::NoFileLog => self.take_file_log(key, value, false),
            JobKey::FileLogStdout => self.options.file_log_stdout = self.parsed(key, value),
            JobKey::FileLogStderr => self.options.file_log_stderr = self.parsed(key, value),
            JobKey::Retry => self.options.retry = self.parsed(key, value),
            JobKey::Memory => self.options.memory = self.parsed(key, value),
            JobKey::Cpu => self.options.cpu = self.parsed(key, value),
            JobKey::Emails => self.options.emails = self.parsed(key, value),
            JobKey::Mount => self.options.mount = self.parsed(key, value),
            JobKey::Timeout => {
                let timeout = self.read(key, value, job_timeout);
                self.options.timeout = timeout.map(|timeout| timeout.map_or(0, std::num::NonZeroU32::get));
            }
            JobKey::Schedule => self.options.schedule = self.text(key, value),
            JobKey::Continuous => self.options.is_continuous = self.flag(key, value),
            JobKey::Wait => self.take_wait(key, value),
            JobKey::HealthCheckScript => {
                let script = self.text(key, value);
                self.take_health_check(key, value, script.map(JobHealthCheck::Script));
            }
            JobKey::HealthCheckHttp => {
                let path = self.parsed(key, value);
                self.take_health_check(key, value, path.map(JobHealthCheck::Http));
            }
            JobKey::Port => self.options.port = self.parsed(key, value),
            JobKey::Replicas => self.options.replicas = self.read(key, value, job_replicas),
            JobKey::Publish => {
                // The platform's own word is the path, of which it allows one.
                self.options.is_published = value.scalar() == Some("/") || self.flag(key, value);
            }
            JobKey::WebService => {
                if self.flag(key, value) {
                    self.refuse(key, value, "a web service is no job here; `webservice TYPE start` runs it");
                }
            }
            JobKey::Environment => self.take_environment(value),
        }
    }

    fn refuse(&mut self, key: JobKey, value: &YamlValue, message: impl fmt::Display) {
        self.failed.push(key);
        self.mistakes.push(Mistake::new(value.place, message));
    }

    /// Returns a text, number or boolean as it is written; nothing is as if it were not there.
    fn text(&mut self, key: JobKey, value: &YamlValue) -> Option<String> {
        if value.shape != Shape::Null && value.scalar().is_none() {
            let found = Untrusted::new(value.described());
            self.refuse(key, value, format_args!("{key} is a text, and this is {}", found.escaped()));
        }
        value.scalar().map(str::to_owned)
    }

    fn read<T, E: fmt::Display>(
        &mut self,
        key: JobKey,
        value: &YamlValue,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.text(key, value)?;
        read(&text).map_err(|error| self.refuse(key, value, error)).ok()
    }

    fn parsed<T: FromStr<Err: fmt::Display>>(&mut self, key: JobKey, value: &YamlValue) -> Option<T> {
        self.read(key, value, T::from_str)
    }

    fn flag(&mut self, key: JobKey, value: &YamlValue) -> bool {
        match flag::read(value) {
            Flag::Set => true,
            Flag::SetByWord => {
                let found = Untrusted::new(value.described());
                let message =
                    format!("write `{key}: true`; {} will not be understood for ever", found.escaped());
                self.warnings.push(Mistake::new(value.place, message));
                true
            }
            Flag::Unset => false,
            Flag::Neither => {
                self.refuse(key, value, format_args!("{key}: {}", flag::neither(value)));
                false
            }
        }
    }

    fn take_file_log(&mut self, key: JobKey, value: &YamlValue, is_on: bool) {
        if self.flag(key, value) {
            if self.options.file_log == Some(!is_on) {
                self.refuse(key, value, "a job has log files or none, not both");
            }
            self.options.file_log = Some(is_on);
        } else if value.scalar().is_some() && !self.failed.contains(&key) {
            let other = if is_on { JobKey::NoFileLog } else { JobKey::FileLog };
            let message = format!("{key} that is false says nothing; write `{other}: true` for the opposite");
            self.warnings.push(Mistake::new(value.place, message));
        }
    }

    fn take_wait(&mut self, key: JobKey, value: &YamlValue) {
        let seconds = value.scalar().and_then(|text| text.parse::<u32>().ok());
        self.wait = match seconds {
            Some(seconds) => Some(seconds),
            None => self.flag(key, value).then_some(DEFAULT_WAIT_SECONDS),
        };
    }

    fn take_health_check(&mut self, key: JobKey, value: &YamlValue, check: Option<JobHealthCheck>) {
        if check.is_some() && self.options.health_check.is_some() {
            self.refuse(key, value, "a job has one health check, by a script or by HTTP");
        }
        self.options.health_check = check.or(self.options.health_check.take());
    }

    /// Reads variables: a mapping, or a list as Kubernetes has it, or a list of `NAME=VALUE`.
    fn take_environment(&mut self, value: &YamlValue) {
        const ALLOWED: &str = "env is a mapping, like `env: {LANG: C.UTF-8}`";
        match &value.shape {
            Shape::Null => {}
            Shape::Mapping(pairs) => {
                for (name, text) in pairs {
                    self.take_variable(name, text);
                }
            }
            Shape::List(items) => {
                for item in items {
                    match &item.shape {
                        Shape::Mapping(fields) => {
                            let field = |wanted: &str| {
                                fields
                                    .iter()
                                    .find(|(key, _)| key.scalar() == Some(wanted))
                                    .map(|(_, value)| value)
                            };
                            match (field("name"), field("value")) {
                                (Some(name), Some(text)) if fields.len() == 2 => self.take_variable(name, text),
                                _ => self.refuse(
                                    JobKey::Environment,
                                    item,
                                    "a variable of a list has a name and a value, like `- {name: LANG, value: C.UTF-8}`",
                                ),
                            }
                        }
                        Shape::Text(pair) => {
                            if let Err(error) = self.options.environment.set_pair(pair) {
                                self.refuse(JobKey::Environment, item, error);
                            }
                        }
                        Shape::Null | Shape::Plain(_) | Shape::List(_) => {
                            self.refuse(JobKey::Environment, item, ALLOWED);
                        }
                    }
                }
            }
            Shape::Text(_) | Shape::Plain(_) => self.refuse(JobKey::Environment, value, ALLOWED),
        }
    }

    fn take_variable(&mut self, name: &YamlValue, value: &YamlValue) {
        let text = match &value.shape {
            Shape::Null => "",
            Shape::Text(text) | Shape::Plain(text) => text,
            Shape::List(_) | Shape::Mapping(_) => {
                let found = Untrusted::new(value.described());
                return self.refuse(
                    JobKey::Environment,
                    value,
                    format_args!("a variable's value is a text, and this is {}", found.escaped()),
                );
            }
        };
        if let Err(error) = self.options.environment.set(name.scalar().unwrap_or_default(), text) {
            self.refuse(JobKey::Environment, name, error);
        }
    }
}

/// Returns the key that was probably meant by a word that is none.
fn meant(name: &str) -> Option<JobKey> {
    let similarity = |key: JobKey| strsim::jaro_winkler(key.as_str(), &name.to_lowercase());
    match name {
        "memory" => return Some(JobKey::Memory),
        "imagename" => return Some(JobKey::Image),
        "cmd" => return Some(JobKey::Command),
        "environment" | "envvars" => return Some(JobKey::Environment),
        _ => {}
    }
    let nearest = JobKey::ALL.into_iter().max_by(|a, b| similarity(*a).total_cmp(&similarity(*b)));
    nearest.filter(|key| similarity(*key) >= NEAR)
}

/// Returns what is said of a key that is none.
fn unknown(name: &str, meant: Option<JobKey>) -> String {
    let found = Untrusted::new(name);
    match meant {
        Some(key) => format!("{} is no key; did you mean {key}?", found.quoted()),
        None => {
            let keys: Vec<_> = JobKey::ALL.iter().map(|key| key.as_str()).collect();
            format!("{} is no key; the keys are {}", found.quoted(), keys.join(", "))
        }
    }
}
