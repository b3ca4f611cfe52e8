use std::collections::BTreeMap;
use std::fmt::Display;

use super::setting::{Backend, GridIsGone, Setting, Settings};
use crate::yaml::{self, YamlValue};
use crate::{Diagnostic, Diagnostics, Location, Untrusted, WebServiceOptions, suggest};

/// The file `service.template`, which a tool's owner writes: defaults for options that the command line omits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServiceTemplate {
    /// The options that the template sets.
    pub options: WebServiceOptions,
    /// The backend that it names.
    pub backend: Option<Backend>,
    /// Warnings about unknown keys, which are ignored.
    pub unknown_keys: Vec<Diagnostic>,
    /// The keys that it sets, with their locations.
    keys: BTreeMap<&'static str, Location>,
}

/// The keys (webservice 0.98, and two of 2023).
const KEYS: [(&str, Setting); 10] = [
    ("backend", Setting::Backend),
    ("buildservice-image", Setting::BuildServiceImage),
    ("cpu", Setting::Cpu),
    ("extra_args", Setting::Arguments),
    ("health-check-path", Setting::HealthCheckPath),
    ("mem", Setting::Memory),
    ("mount", Setting::Mount),
    ("release", Setting::Release),
    ("replicas", Setting::Replicas),
    ("type", Setting::Type),
];

/// Keys of the manifest that have another name in the template.
const MANIFEST_KEYS: [(&str, &str); 2] = [("web", "type"), ("web::extra_args", "extra_args")];

/// Other names under which people write a key.
const OTHER_NAMES: [(&str, &str); 2] = [("image", "buildservice-image"), ("memory", "mem")];

/// Keys of earlier versions that no longer have an effect (webservice 0.73).
const FORMER_KEYS: [&str; 1] = ["canonical"];

impl ServiceTemplate {
    /// The name of the file.
    pub const FILE_NAME: &'static str = "service.template";

    /// Reads a template. An empty one sets nothing.
    ///
    /// # Errors
    /// When the text is not YAML, not a mapping, or a value is wrong: all errors at once, each with its location.
    pub fn parse(text: &str) -> Result<Self, Diagnostics> {
        let document = yaml::parse(text)?;
        let pairs = match &document.value {
            YamlValue::Null => return Ok(Self::default()),
            YamlValue::Mapping(pairs) => pairs,
            YamlValue::String(_) | YamlValue::Plain(_) | YamlValue::Sequence(_) => {
                let found = Untrusted::new(document.describe());
                let message =
                    format!("expected a service.template, such as `type: php8.2`, not {}", found.escaped());
                return Err(Diagnostic::new(document.location, message).into());
            }
        };
        let mut settings = Settings::default();
        let mut unknown_keys = Vec::new();
        let mut keys = BTreeMap::new();
        for (key, value) in pairs {
            let name = key.scalar().unwrap_or_default();
            match KEYS.iter().find(|(known, _)| *known == name) {
                Some((known, setting)) => {
                    settings.take(*setting, known, value);
                    if value.value != YamlValue::Null {
                        keys.insert(*known, key.location);
                    }
                }
                None => unknown_keys.push(Diagnostic::new(key.location, unknown_key(name))),
            }
        }
        let Settings { options, backend, errors } = settings;
        Diagnostics::or(errors, Self { options, backend, unknown_keys, keys })
    }

    /// Returns the errors, at their keys, because of which no start can use the template although each value is valid.
    #[must_use]
    pub fn conflicts(&self) -> Vec<Diagnostic> {
        let at = |key, message: &dyn Display| {
            Diagnostic::new(self.location(key).unwrap_or(Location::START), message)
        };
        let grid = (self.backend == Some(Backend::GridEngine)).then(|| at("backend", &GridIsGone));
        let mount = self.options.home_required().map(|error| at("mount", &error));
        grid.into_iter().chain(mount).collect()
    }

    /// Returns whether people write a key in a template: one that counts, one of earlier versions, or another name of one.
    #[must_use]
    pub fn recognizes(key: &str) -> bool {
        let other_names = MANIFEST_KEYS.iter().chain(&OTHER_NAMES).map(|(other, _)| *other);
        KEYS.iter().map(|(known, _)| *known).chain(FORMER_KEYS).chain(other_names).any(|known| known == key)
    }

    /// Returns where a key is set, like `mem`.
    #[must_use]
    pub fn location(&self, key: &str) -> Option<Location> {
        self.keys.get(key).copied()
    }
}

fn unknown_key(name: &str) -> String {
    let keys = || KEYS.iter().map(|(key, _)| *key);
    let found = Untrusted::new(name);
    if FORMER_KEYS.contains(&name) {
        return format!("the key {} no longer has an effect; remove it", found.quoted());
    }
    let mut other_names = MANIFEST_KEYS.iter().chain(&OTHER_NAMES);
    let other_name = other_names.find(|(other, _)| *other == name).map(|(_, key)| *key);
    match other_name.or_else(|| suggest(name, keys())) {
        Some(key) => format!("unknown key {}; did you mean \"{key}\"?", found.quoted()),
        None => {
            format!("unknown key {}; the keys are {}", found.quoted(), keys().collect::<Vec<_>>().join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> ServiceTemplate {
        ServiceTemplate::parse(text).unwrap()
    }

    fn errors(text: &str) -> String {
        ServiceTemplate::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn reads_every_key() {
        let template = parsed(
            "backend: kubernetes\ntype: python3.11\ncpu: 0.5\nmem: 1.5Gi\nreplicas: \"2\"\nrelease: buster\n\
             extra_args: [--port, 8000, yes]\nbuildservice-image: tool-x/web:1\nmount: none\nhealth-check-path: /healthz\n",
        );
        let options = &template.options;
        assert_eq!(template.backend, Some(Backend::Kubernetes));
        assert_eq!(options.type_name.as_ref().unwrap().as_str(), "python3.11");
        assert_eq!(options.cpu.unwrap().millis(), 500);
        assert_eq!(options.memory.unwrap().to_string(), "1536Mi");
        assert_eq!(options.replicas.unwrap().count(), 2);
        assert_eq!(options.arguments, ["--port", "8000", "yes"]);
        assert_eq!(options.build_service_image.as_ref().unwrap().as_str(), "tool-x/web:1");
        assert!(options.mount.is_some() && options.health_check.is_some());
        // People write names that look like numbers.
        assert_eq!(parsed("type: 3.90\n").options.type_name.unwrap().as_str(), "3.90");
    }

    #[test]
    fn empty_files_and_values_set_nothing() {
        for text in ["", "# nothing\n", "cpu:\n", "---\n"] {
            assert_eq!(parsed(text), ServiceTemplate::default(), "{text:?}");
        }
    }

    #[test]
    fn splits_a_string_of_arguments() {
        assert_eq!(
            parsed("extra_args: java -jar 'my app.jar'\n").options.arguments,
            ["java", "-jar", "my app.jar"]
        );
        assert!(parsed("extra_args: \"\"\n").options.arguments.is_empty());
        assert_eq!(
            errors("extra_args: \"it's\"\n"),
            "line 1, column 13: extra_args has an unclosed quote; write a list of strings, like [java, -jar, app.jar]"
        );
    }

    #[test]
    fn rejects_lists_and_strings() {
        assert_eq!(
            errors("- type: php8.2\n"),
            "line 1, column 1: expected a service.template, such as `type: php8.2`, not a list"
        );
        assert_eq!(
            errors("php8.2\n"),
            "line 1, column 1: expected a service.template, such as `type: php8.2`, not \"php8.2\""
        );
    }

    #[test]
    fn reports_all_errors_with_locations() {
        assert_eq!(
            errors(
                "cpu: lots\nmem: 500m\nreplicas: -1\nmount: home\nbackend: slurm\ntype: [php8.2]\nextra_args: {a: b}\n"
            ),
            "line 1, column 6: cpu: \"lots\" is not an amount of CPU; write it like 500m, 0.5 or 2\n\
             line 2, column 6: mem: 500m is not a whole number of bytes; did you mean 500Mi?\n\
             line 3, column 11: replicas: \"-1\" is not a whole number of replicas; write a number like 2\n\
             line 4, column 8: mount: \"home\" is not a mount setting; write all or none\n\
             line 5, column 10: backend is \"slurm\"; expected kubernetes\n\
             line 6, column 7: type is a list; expected a string\n\
             line 7, column 13: extra_args is a mapping; expected a list of strings, like [java, -jar, app.jar]"
        );
    }

    #[test]
    fn conflicts_match_each_start() {
        let found = |text: &str| {
            parsed(text).conflicts().iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
        };
        assert_eq!(
            found("type: node20\nmount: none\nbackend: gridengine\n"),
            "line 3, column 1: backend \"gridengine\" no longer exists; only Kubernetes is supported\n\
             line 2, column 1: type node20 cannot run without the tool's home; only buildservice can be mounted `none`"
        );
        for text in ["type: buildservice\nmount: none\n", "mount: none\n", "type: node20\nmount: all\n"] {
            assert_eq!(found(text), "", "{text}");
        }
    }

    #[test]
    fn suggests_a_key_for_unknown_ones() {
        let unknown = |text: &str| {
            parsed(text).unknown_keys.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
        };
        assert_eq!(
            unknown("memory: 1Gi\n"),
            "line 1, column 1: unknown key \"memory\"; did you mean \"mem\"?"
        );
        assert_eq!(
            unknown("type: php8.2\nreplica: 2\n"),
            "line 2, column 1: unknown key \"replica\"; did you mean \"replicas\"?"
        );
        assert_eq!(
            unknown("image: tool-x/web\ncanonical: True\n"),
            "line 1, column 1: unknown key \"image\"; did you mean \"buildservice-image\"?\n\
             line 2, column 1: the key \"canonical\" no longer has an effect; remove it"
        );
        assert!(unknown("zzz: 1\n").contains("the keys are backend, buildservice-image"));
    }
}
