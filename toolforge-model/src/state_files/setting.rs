use std::fmt::Display;
use std::str::FromStr;

use crate::yaml::{Mistake, Shape, YamlValue};
use crate::{HealthCheck, WebServiceOptions};

/// What runs web services, as the files name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// What is left.
    Kubernetes,
    /// The grid, which is gone.
    GridEngine,
}

impl Backend {
    fn named(word: &str) -> Option<Self> {
        match word {
            "kubernetes" => Some(Self::Kubernetes),
            "gridengine" => Some(Self::GridEngine),
            _ => None,
        }
    }
}

/// What a key of either file sets.
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
    /// Of the grid: it has no meaning any more.
    Release,
    Type,
}

/// What has been read of a file.
#[derive(Debug, Default)]
pub(super) struct Settings {
    pub(super) options: WebServiceOptions,
    pub(super) backend: Option<Backend>,
    pub(super) mistakes: Vec<Mistake>,
}

impl Settings {
    /// Takes a value for a setting; what is wrong with it is added to the mistakes. A key without a value sets nothing.
    pub(super) fn take(&mut self, setting: Setting, key: &str, value: &YamlValue) {
        if value.shape == Shape::Null {
            return;
        }
        match setting {
            Setting::Release => {}
            Setting::Backend => match value.scalar().map(Backend::named) {
                Some(Some(backend)) => self.backend = Some(backend),
                _ => self.wrong(key, value, "kubernetes"),
            },
            Setting::BuildServiceImage => self.options.build_service_image = self.parsed(key, value),
            Setting::Cpu => self.options.cpu = self.parsed(key, value),
            Setting::Memory => self.options.memory = self.parsed(key, value),
            Setting::Mount => self.options.mount = self.parsed(key, value),
            Setting::Replicas => self.options.replicas = self.parsed(key, value),
            Setting::Type => self.options.type_name = self.parsed(key, value),
            Setting::HealthCheckPath => self.options.health_check = self.parsed::<HealthCheck>(key, value),
            Setting::Arguments => self.options.arguments = self.arguments(key, value),
        }
    }

    fn parsed<T: FromStr<Err: Display>>(&mut self, key: &str, value: &YamlValue) -> Option<T> {
        let Some(text) = value.scalar() else {
            self.wrong(key, value, "a text");
            return None;
        };
        match text.parse() {
            Ok(parsed) => Some(parsed),
            Err(error) => {
                self.mistakes.push(Mistake::new(value.place, format_args!("{key}: {error}")));
                None
            }
        }
    }

    /// Reads a list of texts, or one text, which is split as a shell splits it.
    fn arguments(&mut self, key: &str, value: &YamlValue) -> Vec<String> {
        const ALLOWED: &str = "a list of texts, like [java, -jar, app.jar]";
        match &value.shape {
            Shape::List(items) => {
                let mut arguments = Vec::new();
                for item in items {
                    match item.scalar() {
                        Some(text) => arguments.push(text.to_owned()),
                        None => self.wrong(key, item, ALLOWED),
                    }
                }
                arguments
            }
            Shape::Text(text) | Shape::Plain(text) => shlex::split(text).unwrap_or_else(|| {
                self.mistakes.push(Mistake::new(
                    value.place,
                    format_args!("{key} has a quote without its end; write {ALLOWED}"),
                ));
                Vec::new()
            }),
            Shape::Null | Shape::Mapping(_) => {
                self.wrong(key, value, ALLOWED);
                Vec::new()
            }
        }
    }

    fn wrong(&mut self, key: &str, value: &YamlValue, allowed: &str) {
        let found = value.described();
        self.mistakes.push(Mistake::new(value.place, format_args!("{key} is {found}; allowed is {allowed}")));
    }
}
