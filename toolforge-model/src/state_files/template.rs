use std::fmt;

use crate::state_files::setting::{Backend, Setting, Settings};
use crate::yaml::{self, Mistake, Shape};
use crate::{Untrusted, WebServiceOptions};

/// The file `service.template`, which a tool's owner writes: what holds where the command line says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceTemplate {
    /// What the template sets.
    pub options: WebServiceOptions,
    /// What shall run it.
    pub backend: Option<Backend>,
    /// Keys that have no meaning, each with its place and the nearest one that has.
    pub unknown_keys: Vec<Mistake>,
}

/// All that is wrong in a template, in the order of its lines; at least one mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateMistakes(pub Vec<Mistake>);

impl std::error::Error for TemplateMistakes {}

impl fmt::Display for TemplateMistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
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

/// What the manifest calls what the template calls otherwise.
const MANIFEST_WORDS: [(&str, &str); 3] =
    [("memory", "mem"), ("web", "type"), ("web::extra_args", "extra_args")];

/// Below this similarity of Jaro and Winkler a suggestion would be a guess.
const NEAR: f64 = 0.75;

impl ServiceTemplate {
    /// Reads a template. An empty one sets nothing.
    ///
    /// # Errors
    /// When the text is not YAML, not a mapping, or a value is wrong: all mistakes at once, each with its place.
    pub fn parse(text: &str) -> Result<Self, TemplateMistakes> {
        let document = yaml::parse(text).map_err(|mistake| TemplateMistakes(vec![mistake]))?;
        let pairs = match document.shape {
            Shape::Null => return Ok(Self::default()),
            Shape::Mapping(pairs) => pairs,
            Shape::Text(_) | Shape::Plain(_) | Shape::List(_) => {
                let found = document.described();
                let message = format!("a template is a mapping, like `type: php8.2`, and this is {found}");
                return Err(TemplateMistakes(vec![Mistake::new(document.place, message)]));
            }
        };
        let mut settings = Settings::default();
        let mut unknown_keys = Vec::new();
        for (key, value) in &pairs {
            let name = key.scalar().unwrap_or_default();
            match KEYS.iter().find(|(known, _)| *known == name) {
                Some((known, setting)) => settings.take(*setting, known, value),
                None => unknown_keys.push(Mistake::new(key.place, unknown(name))),
            }
        }
        let Settings { options, backend, mut mistakes } = settings;
        mistakes.sort_by_key(|mistake| mistake.place);
        if mistakes.is_empty() {
            Ok(Self { options, backend, unknown_keys })
        } else {
            Err(TemplateMistakes(mistakes))
        }
    }
}

fn unknown(name: &str) -> String {
    let manifest_word = MANIFEST_WORDS.iter().find(|(word, _)| *word == name).map(|(_, key)| *key);
    let near = || {
        let similarity = |key: &str| strsim::jaro_winkler(key, &name.to_lowercase());
        let nearest = KEYS.iter().map(|(key, _)| *key).max_by(|a, b| similarity(a).total_cmp(&similarity(b)));
        nearest.filter(|key| similarity(key) >= NEAR)
    };
    let found = Untrusted::new(name);
    match manifest_word.or_else(near) {
        Some(key) => format!("{} is no key; did you mean {key}?", found.quoted()),
        None => {
            let keys: Vec<_> = KEYS.iter().map(|(key, _)| *key).collect();
            format!("{} is no key; the keys are {}", found.quoted(), keys.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> ServiceTemplate {
        ServiceTemplate::parse(text).unwrap()
    }

    fn mistakes(text: &str) -> String {
        ServiceTemplate::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn every_key_is_read_as_it_is_written() {
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
        // A number where a name is meant, as people write it.
        assert_eq!(parsed("type: 3.90\n").options.type_name.unwrap().as_str(), "3.90");
    }

    #[test]
    fn an_empty_file_and_a_key_without_a_value_set_nothing() {
        for text in ["", "# nothing\n", "cpu:\n", "---\n"] {
            assert_eq!(parsed(text), ServiceTemplate::default(), "{text:?}");
        }
    }

    #[test]
    fn one_text_of_arguments_is_split_as_a_shell_does() {
        assert_eq!(
            parsed("extra_args: java -jar 'my app.jar'\n").options.arguments,
            ["java", "-jar", "my app.jar"]
        );
        assert!(parsed("extra_args: \"\"\n").options.arguments.is_empty());
        assert_eq!(
            mistakes("extra_args: \"it's\"\n"),
            "line 1, column 13: extra_args has a quote without its end; write a list of texts, like [java, -jar, app.jar]"
        );
    }

    #[test]
    fn a_list_or_a_text_is_no_template() {
        assert_eq!(
            mistakes("- type: php8.2\n"),
            "line 1, column 1: a template is a mapping, like `type: php8.2`, and this is a list"
        );
        assert_eq!(
            mistakes("php8.2\n"),
            "line 1, column 1: a template is a mapping, like `type: php8.2`, and this is \"php8.2\""
        );
    }

    #[test]
    fn all_mistakes_are_told_at_once_with_their_places() {
        assert_eq!(
            mistakes(
                "cpu: lots\nmem: 500m\nreplicas: -1\nmount: home\nbackend: slurm\ntype: [php8.2]\nextra_args: {a: b}\n"
            ),
            "line 1, column 6: cpu: \"lots\" is not an amount of CPU; write it like 500m, 0.5 or 2\n\
             line 2, column 6: mem: 500m is not a whole number of bytes; write memory like 512Mi, 1.5Gi or 1G\n\
             line 3, column 11: replicas: \"-1\" is not a whole number of replicas; write 1 or more, like 2\n\
             line 4, column 8: mount: \"home\" does not say which storage to mount; write all or none\n\
             line 5, column 10: backend is \"slurm\"; allowed is kubernetes\n\
             line 6, column 7: type is a list; allowed is a text\n\
             line 7, column 13: extra_args is a mapping; allowed is a list of texts, like [java, -jar, app.jar]"
        );
    }

    #[test]
    fn an_unknown_key_is_named_with_the_nearest() {
        let unknown = |text: &str| {
            parsed(text).unknown_keys.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
        };
        assert_eq!(unknown("memory: 1Gi\n"), "line 1, column 1: \"memory\" is no key; did you mean mem?");
        assert_eq!(
            unknown("type: php8.2\nreplica: 2\n"),
            "line 2, column 1: \"replica\" is no key; did you mean replicas?"
        );
        assert!(unknown("zzz: 1\n").contains("the keys are backend, buildservice-image"));
    }
}
