use std::fmt::Display;
use std::str::FromStr;

use crate::yaml::{YamlNode, YamlValue};
use crate::{Cpu, Diagnostic, HealthCheck, ImprobableAmount, Memory, Replicas, Untrusted, WebServiceOptions};

/// A system that runs web services, by its name in the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// The only one that exists today.
    Kubernetes,
    /// The grid, which was shut down in 2024.
    GridEngine,
}

/// The error for a web service of the grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("backend \"gridengine\" no longer exists; only Kubernetes is supported")]
pub struct GridIsGone;

impl Backend {
    fn from_name(word: &str) -> Option<Self> {
        match word {
            "kubernetes" => Some(Self::Kubernetes),
            "gridengine" => Some(Self::GridEngine),
            _ => None,
        }
    }
}

/// The setting of a key of either file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Setting {
    Backend,
    BuildServiceImage,
    Cpu,
    Arguments,
    HealthCheckPath,
    Memory,
    Mount,
    Replicas,
    /// For the grid; ignored.
    Release,
    Type,
}

/// The settings that were read from a file.
#[derive(Debug, Default)]
pub(super) struct Settings {
    pub(super) options: WebServiceOptions,
    pub(super) backend: Option<Backend>,
    pub(super) errors: Vec<Diagnostic>,
}

impl Settings {
    /// Sets a setting from its value, or adds an error. A key without a value sets nothing.
    pub(super) fn take(&mut self, setting: Setting, key: &str, value: &YamlNode) {
        if value.value == YamlValue::Null {
            return;
        }
        match setting {
            Setting::Release => {}
            Setting::Backend => match value.scalar().map(Backend::from_name) {
                Some(Some(backend)) => self.backend = Some(backend),
                _ => self.wrong(key, value, "kubernetes"),
            },
            Setting::BuildServiceImage => self.options.build_service_image = self.parsed(key, value),
            Setting::Cpu => {
                self.options.cpu = self
                    .parsed(key, value)
                    .and_then(|cpu: Cpu| self.probable(key, value, cpu.check_probable()));
            }
            Setting::Memory => {
                self.options.memory = self
                    .parsed(key, value)
                    .and_then(|memory: Memory| self.probable(key, value, memory.check_probable()));
            }
            Setting::Mount => self.options.mount = self.parsed(key, value),
            Setting::Replicas => {
                self.options.replicas = self.parsed_by(key, value, Replicas::parse_nonzero);
            }
            Setting::Type => self.options.type_name = self.parsed(key, value),
            Setting::HealthCheckPath => self.options.health_check = self.parsed::<HealthCheck>(key, value),
            Setting::Arguments => self.options.arguments = self.arguments(key, value),
        }
    }

    fn probable<T>(
        &mut self,
        key: &str,
        value: &YamlNode,
        checked: Result<T, ImprobableAmount>,
    ) -> Option<T> {
        checked
            .map_err(|error| {
                self.errors.push(Diagnostic::new(value.location, format_args!("{key}: {error}")));
            })
            .ok()
    }

    fn parsed<T: FromStr<Err: Display>>(&mut self, key: &str, value: &YamlNode) -> Option<T> {
        self.parsed_by(key, value, T::from_str)
    }

    fn parsed_by<T, E: Display>(
        &mut self,
        key: &str,
        value: &YamlNode,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let Some(text) = value.scalar() else {
            self.wrong(key, value, "a string");
            return None;
        };
        let error = match parse(text) {
            Ok(parsed) => return Some(parsed),
            Err(error) => Diagnostic::new(value.location, format_args!("{key}: {error}")),
        };
        self.errors.push(error);
        None
    }

    /// Reads a list of strings, or one string, which is split as a shell splits it.
    fn arguments(&mut self, key: &str, value: &YamlNode) -> Vec<String> {
        const ALLOWED: &str = "a list of strings, like [java, -jar, app.jar]";
        match &value.value {
            YamlValue::Sequence(items) => {
                let mut arguments = Vec::new();
                for item in items {
                    match item.scalar() {
                        Some(text) => arguments.push(text.to_owned()),
                        None => self.wrong(key, item, ALLOWED),
                    }
                }
                arguments
            }
            YamlValue::String(text) | YamlValue::Plain(text) => shlex::split(text).unwrap_or_else(|| {
                self.errors.push(Diagnostic::new(
                    value.location,
                    format_args!("{key} has an unclosed quote; write {ALLOWED}"),
                ));
                Vec::new()
            }),
            YamlValue::Null | YamlValue::Mapping(_) => {
                self.wrong(key, value, ALLOWED);
                Vec::new()
            }
        }
    }

    fn wrong(&mut self, key: &str, value: &YamlNode, allowed: &str) {
        let found = Untrusted::new(value.describe());
        let message = format!("{key} is {}; expected {allowed}", found.escaped());
        self.errors.push(Diagnostic::new(value.location, message));
    }
}
