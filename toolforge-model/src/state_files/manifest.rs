use std::collections::BTreeMap;

use serde::Serialize;

use crate::state_files::setting::{Backend, Setting, Settings};
use crate::yaml::{self, Mistake, Shape, YamlValue};
use crate::{MountStorage, Replicas, WebServiceImage, WebServiceOptions, WebServiceRequest};

/// The file `service.manifest`, in which the programs remember what was asked for last; version 4 (webservice 0.65).
///
/// What other programs have written into it survives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceManifest {
    /// What was asked for; without a type where the web service was stopped.
    pub options: WebServiceOptions,
    /// What ran it.
    pub backend: Option<Backend>,
    /// Values that have no meaning; they are left out when the file is written.
    pub mistakes: Vec<Mistake>,
    /// The lines of all other keys.
    others: BTreeMap<String, String>,
}

/// The version that is written.
const VERSION: u32 = 4;

/// The first two lines of the file (webservice 0.98).
const HEADER: &str =
    "# This file is used by Toolforge infrastructure.\n# Please do not edit manually at this time.\n";

/// The keys whose values belong to the web service (webservice 0.98, and two of 2023).
const KEYS: [(&str, Setting); 10] = [
    ("backend", Setting::Backend),
    ("buildservice-image", Setting::BuildServiceImage),
    ("cpu", Setting::Cpu),
    ("health-check-path", Setting::HealthCheckPath),
    ("memory", Setting::Memory),
    ("mount", Setting::Mount),
    ("release", Setting::Release),
    ("replicas", Setting::Replicas),
    ("web", Setting::Type),
    ("web::extra_args", Setting::Arguments),
];

/// Keys that are never kept: the version is always written anew, and the grid's distribution is gone.
const DROPPED: [&str; 2] = ["version", "distribution"];

/// A value as the file holds it.
#[derive(Serialize)]
#[serde(untagged)]
enum Value<'a> {
    Number(u32),
    Text(String),
    List(&'a [String]),
}

impl ServiceManifest {
    /// Reads a manifest of any version. An empty one remembers nothing.
    ///
    /// # Errors
    /// When the text is not YAML or not a mapping: what, and where.
    pub fn parse(text: &str) -> Result<Self, Mistake> {
        let document = yaml::parse(text)?;
        let pairs = match document.shape {
            Shape::Null => return Ok(Self::default()),
            Shape::Mapping(pairs) => pairs,
            Shape::Text(_) | Shape::Plain(_) | Shape::List(_) => {
                let message = format!("a manifest is a mapping, and this is {}", document.described());
                return Err(Mistake::new(document.place, message));
            }
        };
        let mut settings = Settings::default();
        let mut others = BTreeMap::new();
        for (position, (key, value)) in pairs.iter().enumerate() {
            let name = key.scalar().unwrap_or_default();
            match KEYS.iter().find(|(known, _)| *known == name) {
                Some((known, setting)) => settings.take(*setting, known, value),
                None if DROPPED.contains(&name) => {}
                None => {
                    let next = pairs.get(position + 1).map(|(next, _)| next.place.line);
                    others.insert(name.to_owned(), lines(text, key, next, value));
                }
            }
        }
        let Settings { options, backend, mistakes } = settings;
        Ok(Self { options, backend, mistakes, others })
    }

    /// Returns whether a web service is remembered.
    #[must_use]
    pub fn remembers(&self) -> bool {
        self.options.type_name.is_some()
    }

    /// Returns the manifest after a request was carried out.
    #[must_use]
    pub fn with(self, request: &WebServiceRequest) -> Self {
        let WebServiceRequest { tool: _, image, cpu, memory, replicas, arguments, health_check } = request;
        let build_service_image = match image {
            WebServiceImage::Type(_) => None,
            WebServiceImage::BuildService { image, mount: _ } => Some(image.clone()),
        };
        let options = WebServiceOptions {
            type_name: Some(image.type_name().parse().expect("the word of an image is a type's name")),
            build_service_image,
            mount: Some(image.mount()).filter(|mount| *mount != MountStorage::All),
            cpu: *cpu,
            memory: *memory,
            replicas: Some(*replicas).filter(|replicas| *replicas != Replicas::ONE),
            arguments: arguments.clone(),
            health_check: Some(health_check.clone()).filter(|check| check.path().is_some()),
        };
        Self { options, backend: Some(Backend::Kubernetes), mistakes: Vec::new(), others: self.others }
    }

    /// Returns the manifest after the web service was stopped.
    #[must_use]
    pub fn stopped(self) -> Self {
        Self { others: self.others, ..Self::default() }
    }

    /// Returns the file's text. `moment` is written into its comment, as the platform's tool writes it: local time in
    /// the form of C's `%c`.
    #[must_use]
    pub fn to_yaml(&self, moment: &str) -> String {
        let WebServiceOptions {
            type_name,
            build_service_image,
            mount,
            cpu,
            memory,
            replicas,
            arguments,
            health_check,
        } = &self.options;
        let text = |text: Option<String>| text.map(Value::Text);
        let values = [
            ("version", Some(Value::Number(VERSION))),
            ("backend", text(self.backend.map(|_| "kubernetes".to_owned()))),
            ("web", text(type_name.as_ref().map(ToString::to_string))),
            ("buildservice-image", text(build_service_image.as_ref().map(ToString::to_string))),
            ("mount", text(mount.map(|mount| mount.to_string()))),
            ("cpu", text(cpu.map(|cpu| cpu.to_string()))),
            ("memory", text(memory.map(|memory| memory.to_string()))),
            ("replicas", replicas.map(|replicas| Value::Number(replicas.count()))),
            ("web::extra_args", Some(Value::List(arguments)).filter(|_| !arguments.is_empty())),
            (
                "health-check-path",
                text(health_check.as_ref().and_then(|check| Some(check.path()?.to_string()))),
            ),
        ];
        let mut blocks = self.others.clone();
        for (key, value) in values {
            if let Some(value) = value {
                blocks.insert(key.to_owned(), block(key, &value));
            }
        }
        let blocks: String = blocks.into_values().collect();
        format!("{HEADER}# {moment}\n{blocks}")
    }
}

/// Returns the lines of one key as they stand in the text; where it is not written a key a line, as they would.
fn lines(text: &str, key: &YamlValue, next: Option<u64>, value: &YamlValue) -> String {
    let first = usize::try_from(key.place.line).unwrap_or(1).saturating_sub(1);
    let last = next.and_then(|line| usize::try_from(line).ok()).map_or(usize::MAX, |line| line - 1);
    if key.place.column == 1 && last > first {
        let is_content = |line: &&str| !line.trim_start().is_empty() && !line.trim_start().starts_with('#');
        let lines: Vec<&str> = text.lines().skip(first).take(last - first).collect();
        let content = lines.iter().rposition(is_content).map_or(0, |end| end + 1);
        return lines[..content].iter().map(|line| format!("{line}\n")).collect();
    }
    format!("{}: {}\n", key.scalar().unwrap_or_default(), flow(value))
}

/// Returns a value on one line, which every reader of YAML takes for the same.
fn flow(value: &YamlValue) -> String {
    match &value.shape {
        Shape::Null => "null".to_owned(),
        Shape::Text(text) => format!("'{}'", text.replace('\'', "''")),
        Shape::Plain(text) => text.clone(),
        Shape::List(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Shape::Mapping(pairs) => {
            let pair = |(key, value): &(YamlValue, YamlValue)| format!("{}: {}", flow(key), flow(value));
            format!("{{{}}}", pairs.iter().map(pair).collect::<Vec<_>>().join(", "))
        }
    }
}

fn block(key: &str, value: &Value<'_>) -> String {
    let pair: BTreeMap<&str, &Value<'_>> = [(key, value)].into();
    serde_saphyr::to_string(&pair).expect("texts and whole numbers can be written as YAML")
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOMENT: &str = "Sun May 21 12:34:56 2023";

    fn written(text: &str) -> String {
        ServiceManifest::parse(text).unwrap().to_yaml(MOMENT)
    }

    #[test]
    fn what_the_python_tool_wrote_is_read() {
        let manifest = ServiceManifest::parse(
            "# This file is used by Toolforge infrastructure.\n# Please do not edit manually at this time.\n# Sun May 21 12:34:56 2023\n\
             backend: kubernetes\nbuildservice-image: tool-x/tool-x:latest\ncpu: '1'\ndistribution: debian\nmemory: 1Gi\n\
             replicas: 2\nversion: 4\nweb: jdk17\nweb::extra_args:\n- java\n- -jar\n",
        )
        .unwrap();
        let options = &manifest.options;
        assert!(manifest.remembers());
        assert_eq!(options.type_name.as_ref().unwrap().as_str(), "jdk17");
        assert_eq!((options.cpu.unwrap().millis(), options.replicas.unwrap().count()), (1000, 2));
        assert_eq!(options.arguments, ["java", "-jar"]);
        assert!(manifest.mistakes.is_empty());
        for text in ["", "# only\n", "version: 2\n", "{}\n"] {
            assert!(!ServiceManifest::parse(text).unwrap().remembers(), "{text:?}");
        }
    }

    #[test]
    fn what_others_wrote_survives_and_the_rest_is_sorted() {
        assert_eq!(
            written(
                "web: php8.2\nzoo: 1_000   # many\nmine:\n  - 010\n  - on\n# a remark\nversion: 3\ndistribution: debian\n"
            ),
            "# This file is used by Toolforge infrastructure.\n# Please do not edit manually at this time.\n\
             # Sun May 21 12:34:56 2023\nmine:\n  - 010\n  - on\nversion: 4\nweb: php8.2\nzoo: 1_000   # many\n"
        );
        let one_line = written("{web: php8.2, mine: ['on', 010, {a: b}], other: 'x: y'}\n");
        assert!(one_line.contains("mine: ['on', 010, {'a': 'b'}]\nother: 'x: y'\n"), "{one_line}");
        let stopped =
            ServiceManifest::parse("web: php8.2\nbackend: kubernetes\nmine: 1\n").unwrap().stopped();
        assert!(stopped.to_yaml(MOMENT).ends_with("2023\nmine: 1\nversion: 4\n"));
    }

    #[test]
    fn a_broken_manifest_is_told_with_its_place() {
        let mistake = |text: &str| ServiceManifest::parse(text).unwrap_err().to_string();
        assert_eq!(mistake("- a\n"), "line 1, column 1: a manifest is a mapping, and this is a list");
        assert!(mistake("web: [\n").starts_with("line "));
        // A value that the Python tool let pass.
        let manifest = ServiceManifest::parse("web: php8.2\nmemory: 500m\n").unwrap();
        assert_eq!(manifest.mistakes.len(), 1);
        assert!(manifest.remembers());
    }
}
