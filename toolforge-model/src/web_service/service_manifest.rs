use std::collections::BTreeMap;

use serde::Serialize;

use super::setting::{Backend, Setting, Settings};
use crate::yaml::{self, YamlNode, YamlValue};
use crate::{
    Diagnostic, MountStorage, Replicas, TypeName, Untrusted, WebServiceImage, WebServiceOptions,
    WebServiceRequest,
};

/// The file `service.manifest`, in which the programs record the last request for the web service; version 4
/// (webservice 0.65).
///
/// Keys of other programs are kept as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServiceManifest {
    /// The last request; without a type after the web service was stopped.
    pub options: WebServiceOptions,
    /// The backend that ran it.
    pub backend: Option<Backend>,
    /// The type of the web service that was stopped last, under a key that the platform's tool keeps and does not read.
    pub last_type: Option<TypeName>,
    /// Invalid values; they are left out when the file is written.
    pub invalid_values: Vec<Diagnostic>,
    /// The lines of all other keys.
    others: BTreeMap<String, String>,
}

/// The version that is written.
const VERSION: u32 = 4;

/// The first two lines of the file (webservice 0.98).
const HEADER: &str =
    "# This file is used by Toolforge infrastructure.\n# Please do not edit manually at this time.\n";

/// The keys of the web service (webservice 0.98, and two of 2023).
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

/// Keys that are never kept: the version is always the one above, and the grid's distribution is gone.
const DROPPED: [&str; 2] = ["version", "distribution"];

/// The key of the last type.
const LAST_TYPE: &str = "cli.toolforge.org/last-type";

/// A value of the file.
#[derive(Serialize)]
#[serde(untagged)]
enum Value<'a> {
    Number(u32),
    Text(String),
    List(&'a [String]),
}

impl ServiceManifest {
    /// Reads a manifest of any version. An empty one has no request.
    ///
    /// # Errors
    /// When the text is not YAML or not a mapping.
    pub fn parse(text: &str) -> Result<Self, Diagnostic> {
        let document = yaml::parse(text)?;
        let pairs = match document.value {
            YamlValue::Null => return Ok(Self::default()),
            YamlValue::Mapping(pairs) => pairs,
            YamlValue::String(_) | YamlValue::Plain(_) | YamlValue::Sequence(_) => {
                let found = Untrusted::new(document.describe());
                let message = format!("a manifest is a mapping, not {}", found.escaped());
                return Err(Diagnostic::new(document.location, message));
            }
        };
        let mut settings = Settings::default();
        let (mut others, mut last_type) = (BTreeMap::new(), None);
        for (position, (key, value)) in pairs.iter().enumerate() {
            let name = key.scalar().unwrap_or_default();
            match KEYS.iter().find(|(known, _)| *known == name) {
                Some((known, setting)) => settings.take(*setting, known, value),
                None if DROPPED.contains(&name) => {}
                None if name == LAST_TYPE => last_type = value.scalar().and_then(|name| name.parse().ok()),
                None => {
                    let next = pairs.get(position + 1).map(|(next, _)| next.location.line);
                    others.insert(name.to_owned(), lines(text, key, next, value));
                }
            }
        }
        let Settings { options, backend, errors } = settings;
        Ok(Self { options, backend, last_type, invalid_values: errors, others })
    }

    /// Returns whether a web service was started last, and not stopped.
    #[must_use]
    pub fn has_web_service(&self) -> bool {
        self.options.type_name.is_some()
    }

    /// Returns the manifest after a request was applied.
    #[must_use]
    pub fn with_request(self, request: &WebServiceRequest) -> Self {
        let WebServiceRequest { tool: _, image, cpu, memory, replicas, arguments, health_check } = request;
        let build_service_image = match image {
            WebServiceImage::Type(_) => None,
            WebServiceImage::BuildService { image, mount: _ } => Some(image.clone()),
        };
        let options = WebServiceOptions {
            type_name: Some(image.type_name().parse().expect("the name of an image's type is a type name")),
            build_service_image,
            mount: Some(image.mount()).filter(|mount| *mount != MountStorage::All),
            cpu: *cpu,
            memory: *memory,
            replicas: Some(*replicas).filter(|replicas| *replicas != Replicas::ONE),
            arguments: arguments.clone(),
            health_check: Some(health_check.clone()).filter(|check| check.path().is_some()),
        };
        Self {
            options,
            backend: Some(Backend::Kubernetes),
            last_type: None,
            invalid_values: Vec::new(),
            others: self.others,
        }
    }

    /// Returns the manifest after the web service was stopped; only the type of the request is kept.
    #[must_use]
    pub fn stopped(self) -> Self {
        let last_type = self.options.type_name.or(self.last_type);
        Self { last_type, others: self.others, ..Self::default() }
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
            (LAST_TYPE, text(self.last_type.as_ref().map(ToString::to_string))),
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

/// Returns the lines of one key as they are in the text, or a line of its own if the key shares one.
fn lines(text: &str, key: &YamlNode, next: Option<u64>, value: &YamlNode) -> String {
    let first = usize::try_from(key.location.line).unwrap_or(1).saturating_sub(1);
    let last = next.and_then(|line| usize::try_from(line).ok()).map_or(usize::MAX, |line| line - 1);
    if key.location.column == 1 && last > first {
        let is_content = |line: &&str| !line.trim_start().is_empty() && !line.trim_start().starts_with('#');
        let lines: Vec<&str> = text.lines().skip(first).take(last - first).collect();
        let content = lines.iter().rposition(is_content).map_or(0, |end| end + 1);
        return lines[..content].iter().map(|line| format!("{line}\n")).collect();
    }
    format!("{}: {}\n", key.scalar().unwrap_or_default(), flow(value))
}

/// Returns a value on one line, which every reader of YAML takes for the same.
fn flow(value: &YamlNode) -> String {
    match &value.value {
        YamlValue::Null => "null".to_owned(),
        YamlValue::String(text) => format!("'{}'", text.replace('\'', "''")),
        YamlValue::Plain(text) => text.clone(),
        YamlValue::Sequence(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        YamlValue::Mapping(pairs) => {
            let pair = |(key, value): &(YamlNode, YamlNode)| format!("{}: {}", flow(key), flow(value));
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
    fn reads_files_of_the_python_tool() {
        let manifest = ServiceManifest::parse(
            "# This file is used by Toolforge infrastructure.\n# Please do not edit manually at this time.\n# Sun May 21 12:34:56 2023\n\
             backend: kubernetes\nbuildservice-image: tool-x/tool-x:latest\ncpu: '1'\ndistribution: debian\nmemory: 1Gi\n\
             replicas: 2\nversion: 4\nweb: jdk17\nweb::extra_args:\n- java\n- -jar\n",
        )
        .unwrap();
        let options = &manifest.options;
        assert!(manifest.has_web_service());
        assert_eq!(options.type_name.as_ref().unwrap().as_str(), "jdk17");
        assert_eq!((options.cpu.unwrap().millis(), options.replicas.unwrap().count()), (1000, 2));
        assert_eq!(options.arguments, ["java", "-jar"]);
        assert!(manifest.invalid_values.is_empty());
        for text in ["", "# only\n", "version: 2\n", "{}\n"] {
            assert!(!ServiceManifest::parse(text).unwrap().has_web_service(), "{text:?}");
        }
    }

    #[test]
    fn keeps_other_keys_and_sorts() {
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
        let text = stopped.to_yaml(MOMENT);
        assert!(text.ends_with("2023\ncli.toolforge.org/last-type: php8.2\nmine: 1\nversion: 4\n"), "{text}");
        let again = ServiceManifest::parse(&text).unwrap();
        assert_eq!(again.last_type.as_ref().unwrap().as_str(), "php8.2");
        assert!(!again.has_web_service());
        assert_eq!(again.stopped().to_yaml(MOMENT), text);
    }

    #[test]
    fn reports_errors_with_locations() {
        let error = |text: &str| ServiceManifest::parse(text).unwrap_err().to_string();
        assert_eq!(error("- a\n"), "line 1, column 1: a manifest is a mapping, not a list");
        assert!(error("web: [\n").starts_with("line "));
        // A value that the Python tool accepted.
        let manifest = ServiceManifest::parse("web: php8.2\nmemory: 500m\n").unwrap();
        assert_eq!(manifest.invalid_values.len(), 1);
        assert!(manifest.has_web_service());
    }
}
