//! The kinds of documents, recognized by their keys and those of their items.

use crate::yaml::{YamlNode, YamlValue};
use crate::{JobField, ServiceTemplate, Untrusted};

/// The kind of a YAML document that a tool's owner wrote, as far as its keys show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DocumentKind {
    /// A list of jobs.
    JobsFile,
    /// A list of Kubernetes objects that is not a `List`.
    ObjectList,
    /// A Kubernetes object, or a list of them: it has `apiVersion` or `kind`.
    Manifest,
    /// A template of a web service, `service.template`.
    ServiceTemplate,
    /// A configuration of components.
    Components,
    /// A file of Docker Compose.
    Compose,
    /// A list of jobs below the key `jobs`.
    JobsBelowKey,
    /// A kubeconfig without its `apiVersion` and `kind`.
    Kubeconfig,
    /// One job, which is not in a list.
    Job,
    /// Something else.
    Unknown,
}

impl DocumentKind {
    /// Returns the kind of a document.
    #[must_use]
    pub fn of(document: &YamlNode) -> Self {
        match &document.value {
            YamlValue::Mapping(_) => Self::of_keys(keys(document)),
            YamlValue::Sequence(items) => Self::of_items(items.iter().map(keys)),
            YamlValue::Null | YamlValue::String(_) | YamlValue::Plain(_) => Self::Unknown,
        }
    }

    /// Returns the kind of a list whose items have these keys.
    #[must_use]
    pub fn of_items<'k>(items: impl IntoIterator<Item = impl IntoIterator<Item = &'k str>>) -> Self {
        let has_kind = items.into_iter().flatten().any(|key| key == "kind");
        if has_kind { Self::ObjectList } else { Self::JobsFile }
    }

    /// Returns the kind of a mapping with these keys.
    ///
    /// ```
    /// use toolforge_model::DocumentKind;
    ///
    /// assert_eq!(DocumentKind::of_keys(["type", "image"]), DocumentKind::ServiceTemplate);
    /// assert_eq!(DocumentKind::of_keys(["name", "image"]), DocumentKind::Job);
    /// ```
    #[must_use]
    pub fn of_keys<'k>(keys: impl IntoIterator<Item = &'k str>) -> Self {
        let keys: Vec<&str> = keys.into_iter().collect();
        let has = |key: &str| keys.contains(&key);
        if has("apiVersion") || has("kind") {
            Self::Manifest
        } else if has("components") {
            Self::Components
        } else if has("services") {
            Self::Compose
        } else if has("jobs") {
            Self::JobsBelowKey
        } else if has("clusters") && has("users") {
            Self::Kubeconfig
        } else if is_template(&keys) {
            Self::ServiceTemplate
        } else if keys.iter().any(|key| JobField::from_name(key).is_some()) {
            Self::Job
        } else {
            Self::Unknown
        }
    }

    /// Returns a description of the document, and how to have it read as something else; `None` if it is unknown.
    #[must_use]
    pub fn explanation(self) -> Option<&'static str> {
        Some(match self {
            Self::JobsFile => "this is a jobs file",
            Self::ObjectList => {
                "this is a list of Kubernetes objects: write each as a document, with `---` between them"
            }
            Self::Manifest => "this is a Kubernetes manifest",
            Self::ServiceTemplate => "this is a service.template",
            Self::Components => "this is a component configuration of Toolforge",
            Self::Compose => "this is a file of Docker Compose, which Toolforge does not run",
            Self::JobsBelowKey => {
                "the list of jobs must be the whole file: remove the key `jobs` and the indentation below it"
            }
            Self::Kubeconfig => "this is a kubeconfig",
            Self::Job => {
                "this is one job: write `- ` before its first key, and indent the others by two spaces"
            }
            Self::Unknown => return None,
        })
    }

    /// Returns the error for a document of this kind if another one was expected; `found` describes the document.
    ///
    /// ```
    /// use toolforge_model::DocumentKind;
    ///
    /// let message = DocumentKind::Manifest.unexpected("a list of jobs", "a mapping");
    /// assert_eq!(message, "expected a list of jobs; this is a Kubernetes manifest");
    /// assert_eq!(DocumentKind::Unknown.unexpected("a list of jobs", "5"), "expected a list of jobs, not 5");
    /// ```
    #[must_use]
    pub fn unexpected(self, expected: &str, found: &str) -> String {
        match self.explanation() {
            Some(explanation) => format!("expected {expected}; {explanation}"),
            None => format!("expected {expected}, not {}", Untrusted::new(found).escaped()),
        }
    }
}

/// The kind of document that the name of a file or an option implies, if the keys alone may not decide it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ExpectedDocument {
    /// Nothing.
    #[default]
    Any,
    /// It is a template of a web service, `service.template`.
    ServiceTemplate,
}

impl ExpectedDocument {
    /// Returns the kind of documents that the path of a file implies.
    ///
    /// ```
    /// use toolforge_model::ExpectedDocument;
    ///
    /// assert_eq!(ExpectedDocument::of_path("www/js/service.template"), ExpectedDocument::ServiceTemplate);
    /// assert_eq!(ExpectedDocument::of_path("jobs.yaml"), ExpectedDocument::Any);
    /// ```
    #[must_use]
    pub fn of_path(path: &str) -> Self {
        match path.rsplit('/').next() {
            Some(ServiceTemplate::FILE_NAME) => Self::ServiceTemplate,
            _ => Self::Any,
        }
    }

    /// Returns the kind of a document.
    #[must_use]
    pub fn kind_of(self, document: &YamlNode) -> DocumentKind {
        match &document.value {
            YamlValue::Mapping(_) => self.kind_of_keys(keys(document)),
            YamlValue::Sequence(_) | YamlValue::Null | YamlValue::String(_) | YamlValue::Plain(_) => {
                DocumentKind::of(document)
            }
        }
    }

    /// Returns the kind of a mapping with these keys. An expected template may have keys of other documents: any together with
    /// a `type`, except those of a Kubernetes object; and those that a job also has, such as `image`, without a `name` and a
    /// `command`.
    ///
    /// ```
    /// use toolforge_model::{DocumentKind, ExpectedDocument};
    ///
    /// assert_eq!(ExpectedDocument::Any.kind_of_keys(["image", "cpu"]), DocumentKind::Job);
    /// let expected = ExpectedDocument::ServiceTemplate;
    /// assert_eq!(expected.kind_of_keys(["image", "cpu"]), DocumentKind::ServiceTemplate);
    /// ```
    #[must_use]
    pub fn kind_of_keys<'k>(self, keys: impl IntoIterator<Item = &'k str>) -> DocumentKind {
        let keys: Vec<&str> = keys.into_iter().collect();
        let has = |key: &str| keys.contains(&key);
        let kind = DocumentKind::of_keys(keys.iter().copied());
        let is_template = match kind {
            _ if self == Self::Any => false,
            DocumentKind::Manifest => has("type") && !(has("apiVersion") && has("kind")),
            DocumentKind::Job => has("type") || !has("name") && !has("command"),
            DocumentKind::Unknown => true,
            _ => has("type"),
        };
        if is_template { DocumentKind::ServiceTemplate } else { kind }
    }
}

/// Returns the keys of a mapping; none of any other value.
fn keys(node: &YamlNode) -> impl Iterator<Item = &str> {
    let pairs = match &node.value {
        YamlValue::Mapping(pairs) => pairs.as_slice(),
        _ => &[],
    };
    pairs.iter().filter_map(|(key, _)| key.string())
}

/// Returns whether keys are those of a template. Keys that a job also has count only if there are no other keys of a job.
fn is_template(keys: &[&str]) -> bool {
    let is_of_jobs = |key: &&str| JobField::from_name(key).is_some();
    let has_own = keys.iter().any(|key| ServiceTemplate::recognizes(key) && !is_of_jobs(key));
    let is_shared = |key: &&str| is_of_jobs(key) && ServiceTemplate::recognizes(key) && *key != "image";
    let has_shared = keys.iter().any(is_shared) && !keys.iter().any(|key| is_of_jobs(key) && !is_shared(key));
    !keys.contains(&"name") && (has_own || has_shared)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_decide() {
        for (keys, expected) in [
            ("kind type", DocumentKind::Manifest),
            ("apiVersion", DocumentKind::Manifest),
            ("components type", DocumentKind::Components),
            ("version services", DocumentKind::Compose),
            ("jobs", DocumentKind::JobsBelowKey),
            ("clusters users", DocumentKind::Kubeconfig),
            ("type", DocumentKind::ServiceTemplate),
            ("release", DocumentKind::ServiceTemplate),
            ("web", DocumentKind::ServiceTemplate),
            ("canonical", DocumentKind::ServiceTemplate),
            ("memory other", DocumentKind::ServiceTemplate),
            ("image type", DocumentKind::ServiceTemplate),
            ("cpu mem mount replicas", DocumentKind::ServiceTemplate),
            ("image cpu", DocumentKind::Job),
            ("name type", DocumentKind::Job),
            ("command", DocumentKind::Job),
            ("version", DocumentKind::Unknown),
            ("", DocumentKind::Unknown),
        ] {
            assert_eq!(DocumentKind::of_keys(keys.split_whitespace()), expected, "{keys}");
            assert_eq!(ExpectedDocument::Any.kind_of_keys(keys.split_whitespace()), expected, "{keys}");
        }
    }

    #[test]
    fn expected_template_may_have_other_keys() {
        for (keys, expected) in [
            ("image cpu", DocumentKind::ServiceTemplate),
            ("name image", DocumentKind::Job),
            ("command", DocumentKind::Job),
            ("name type", DocumentKind::ServiceTemplate),
            ("components type", DocumentKind::ServiceTemplate),
            ("components", DocumentKind::Components),
            ("kind type", DocumentKind::ServiceTemplate),
            ("apiVersion kind type", DocumentKind::Manifest),
            ("kind", DocumentKind::Manifest),
            ("version", DocumentKind::ServiceTemplate),
            ("", DocumentKind::ServiceTemplate),
        ] {
            let found = ExpectedDocument::ServiceTemplate.kind_of_keys(keys.split_whitespace());
            assert_eq!(found, expected, "{keys}");
        }
        let list = crate::yaml::parse("- type: php8.2\n").unwrap();
        assert_eq!(ExpectedDocument::ServiceTemplate.kind_of(&list), DocumentKind::JobsFile);
    }
}
