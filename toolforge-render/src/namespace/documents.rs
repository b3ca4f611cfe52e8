//! Facts from the output of `kubectl get … -o yaml|json`, for use without a cluster.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1 as core;
use serde::de::DeserializeOwned;
use serde_json::Value;
use toolforge_images::{Catalog, CatalogError};
use toolforge_model::{Diagnostic, DiagnosticKind, Location, ToolName, Untrusted, platform};

use crate::manifest::{ManifestKind, file_documents, item_kind_of, json_error};
use crate::namespace::{Namespace, limits};
use crate::object::KnownKind;

/// Kubernetes objects from files, before they are parsed by kind.
#[derive(Clone, Debug, Default)]
pub struct Documents {
    objects: Vec<Object>,
    /// The tools from whose namespaces objects were left out.
    left_out: BTreeSet<ToolName>,
}

#[derive(Clone, Debug)]
struct Object {
    file: String,
    kind: String,
    namespace: Option<String>,
    name: String,
    json: Value,
}

impl Object {
    /// Returns whether the object is in a namespace; one that names none is in every namespace.
    fn is_in(&self, namespace: &str) -> bool {
        self.namespace.as_deref().is_none_or(|found| found == namespace)
    }

    /// Returns the kind; an object that states no `apiVersion`, like the items of a list of the API server, is one of Kubernetes.
    fn manifest_kind(&self) -> ManifestKind {
        let stated = self.json.get("apiVersion").and_then(Value::as_str);
        let api_version = stated.or_else(|| Some(KnownKind::named(&self.kind)?.api_version));
        ManifestKind::new(api_version.unwrap_or("v1"), &self.kind)
    }

    /// Returns whether it is of one of Kubernetes' kinds; an extension may have a kind of the same name.
    fn is_of(&self, kind: &str) -> bool {
        self.kind == kind && self.manifest_kind().served_version().is_some()
    }

    fn parse<T: DeserializeOwned>(&self) -> Result<T, DocumentsError> {
        serde_json::from_value(self.json.clone()).map_err(|error| DocumentsError::Object {
            file: self.file.clone(),
            kind: Untrusted::new(self.kind.clone()),
            name: Untrusted::new(self.name.clone()),
            reason: Untrusted::new(error.to_string()),
        })
    }
}

/// Why facts cannot be read from files.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DocumentsError {
    /// A file is neither YAML nor JSON.
    #[error("{}", error.in_file(&Untrusted::new(file)))]
    Syntax {
        /// The file.
        file: String,
        /// The location of the error, and its message.
        error: Diagnostic,
    },
    /// A file is empty.
    #[error("{} is empty; expected the output of `kubectl get … -o yaml`", Untrusted::new(file).escaped())]
    Empty {
        /// The file.
        file: String,
    },
    /// A document is not a Kubernetes object.
    #[error(
        "{} contains a document that is not a Kubernetes object: it has no `{field}`",
        Untrusted::new(file).escaped()
    )]
    NotAnObject {
        /// The file.
        file: String,
        /// The field that is missing.
        field: &'static str,
    },
    /// A document is a list of jobs.
    #[error("{} is a jobs file, not the output of `kubectl get … -o yaml`", Untrusted::new(file).escaped())]
    JobsFile {
        /// The file.
        file: String,
    },
    /// A file contains a message of kubectl.
    #[error("{} contains text, not a Kubernetes object: {}", Untrusted::new(file).escaped(), text.quoted())]
    Text {
        /// The file.
        file: String,
        /// The first line of the message.
        text: Untrusted,
    },
    /// An object lacks required fields of its kind.
    #[error("{}: {} {} cannot be read: {}", Untrusted::new(file).escaped(), kind.escaped(), name.quoted(), reason.escaped())]
    Object {
        /// The file.
        file: String,
        /// The object's kind.
        kind: Untrusted,
        /// The object's name.
        name: Untrusted,
        /// The error message.
        reason: Untrusted,
    },
    /// The ConfigMap with the catalog lacks its key.
    #[error(
        "{}: ConfigMap {} has no key `{}`",
        Untrusted::new(file).escaped(),
        platform::CATALOG_CONFIG_MAP,
        platform::CATALOG_KEY
    )]
    NoCatalogKey {
        /// The file.
        file: String,
    },
    /// The catalog is invalid.
    #[error("{}: {error}", Untrusted::new(file).escaped())]
    Catalog {
        /// The file.
        file: String,
        /// The error of the catalog.
        error: CatalogError,
    },
}

impl DocumentsError {
    /// Returns the error of a JSON document that begins after a number of lines of a file.
    #[must_use]
    pub fn of_json(file: &str, error: &serde_json::Error, lines: u64) -> Self {
        Self::Syntax { file: file.to_owned(), error: json_error(error).moved_down(lines) }
    }
}

fn syntax(file: &str, location: Location, message: &str) -> DocumentsError {
    DocumentsError::Syntax {
        file: file.to_owned(),
        error: Diagnostic::of_kind(DiagnosticKind::Syntax, location, message),
    }
}

/// How the messages of kubectl begin (kubectl 1.33) that people save instead of its output.
const MESSAGES: [&str; 5] = [
    "error: ",
    "Error from server",
    "Unable to connect to the server",
    "The connection to the server",
    "No resources found",
];

/// Returns the error of a document that is recognized, but is not a Kubernetes object.
fn other_document(file: &str, json: &Value) -> Option<DocumentsError> {
    match json {
        Value::Array(jobs)
            if !jobs.is_empty()
                && jobs.iter().all(|job| job.get("name").is_some() && job.get("kind").is_none()) =>
        {
            Some(DocumentsError::JobsFile { file: file.to_owned() })
        }
        _ => None,
    }
}

/// The maximum number of values and keys that the aliases of a file repeat.
const REPLAYED_EVENTS: usize = 20_000;

impl Documents {
    /// Adds the objects of one file: one object, several YAML documents, or a `List`.
    ///
    /// # Errors
    /// When the file is empty, neither YAML nor JSON, or not a Kubernetes object.
    pub fn read(&mut self, file: &str, text: &str) -> Result<(), DocumentsError> {
        if MESSAGES.iter().any(|message| text.starts_with(message)) {
            let text = Untrusted::new(text.lines().next().unwrap_or_default());
            return Err(DocumentsError::Text { file: file.to_owned(), text });
        }
        let documents: Vec<Value> = if text.trim_start().starts_with('{') {
            let documents: Result<_, serde_json::Error> =
                serde_json::Deserializer::from_str(text).into_iter().collect();
            documents.map_err(|error| DocumentsError::Syntax {
                file: file.to_owned(),
                error: json_error(&error),
            })?
        } else {
            // kubectl prints no aliases (`*name`); a few bytes of them can stand for gigabytes.
            let options = serde_saphyr::options! {
                alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: REPLAYED_EVENTS },
            };
            serde_saphyr::from_multiple_with_options(text, options).map_err(|error| {
                // The reader of other files gives more details, but reads less.
                let errors = file_documents(text).errors.into_iter();
                if let Some(error) = errors.into_iter().find(|error| error.kind != DiagnosticKind::Limit) {
                    return DocumentsError::Syntax { file: file.to_owned(), error };
                }
                let location = error
                    .location()
                    .map_or(Location::START, |found| Location { line: found.line(), column: found.column() });
                let reason = error.without_snippet().to_string();
                let reason = reason.trim_end_matches(&format!(" at {location}"));
                syntax(file, location, &format!("invalid YAML: {reason}"))
            })?
        };
        if documents.iter().all(Value::is_null) {
            return Err(DocumentsError::Empty { file: file.to_owned() });
        }
        documents
            .into_iter()
            .filter(|document| !document.is_null())
            .try_for_each(|document| self.add(None, file, document))
    }

    /// Adds one object, or a `List`, as [`read`](Self::read) does. Objects that a tool's facts do not need, because they are in
    /// other namespaces, are left out.
    ///
    /// # Errors
    /// When it is not a Kubernetes object.
    pub fn add_of_tool(&mut self, tool: &ToolName, file: &str, json: Value) -> Result<(), DocumentsError> {
        self.add(Some(tool), file, json)
    }

    fn add(&mut self, tool: Option<&ToolName>, file: &str, mut json: Value) -> Result<(), DocumentsError> {
        let missing = |field| DocumentsError::NotAnObject { file: file.to_owned(), field };
        if let Some(error) = other_document(file, &json) {
            return Err(error);
        }
        let kind = json.get("kind").and_then(Value::as_str).ok_or_else(|| missing("kind"))?.to_owned();
        if let Some(item_kind) = item_kind_of(&kind, json.get("items").is_some()) {
            let item_kind = item_kind.to_owned();
            for mut item in
                json.get_mut("items").and_then(Value::as_array_mut).map(std::mem::take).unwrap_or_default()
            {
                // The items of a `PodList` of the API server do not repeat their kind.
                if let Some(fields) = item.as_object_mut().filter(|_| !item_kind.is_empty()) {
                    fields.entry("kind").or_insert_with(|| Value::String(item_kind.clone()));
                }
                self.add(tool, file, item)?;
            }
            return Ok(());
        }
        let metadata = json.get("metadata").ok_or_else(|| missing("metadata"))?;
        let text = |field: &str| metadata.get(field).and_then(Value::as_str).map(str::to_owned);
        let name = text("name").ok_or_else(|| missing("metadata.name"))?;
        let namespace = text("namespace");
        if let (Some(tool), Some(other)) = (tool, &namespace)
            && *other != tool.namespace()
            && other != platform::CATALOG_NAMESPACE
        {
            self.left_out.extend(ToolName::from_namespace(other));
            return Ok(());
        }
        self.objects.push(Object { file: file.to_owned(), kind, namespace, name, json });
        Ok(())
    }

    /// Returns the facts of a tool's namespace in the project `tools`: the image catalog, the quotas and the limits.
    ///
    /// If no file contains the catalog's ConfigMap, the bundled catalog is used.
    ///
    /// # Errors
    /// When the catalog is invalid.
    pub fn namespace(&self, tool: &ToolName) -> Result<Namespace, DocumentsError> {
        let name = tool.namespace();
        let quotas = self.all_of_kind::<core::ResourceQuota>("ResourceQuota", &name)?;
        let limit_ranges = self.all_of_kind::<core::LimitRange>("LimitRange", &name)?;
        Ok(Namespace::new(tool, self.catalog()?).with_limits(limits(&quotas, &limit_ranges)))
    }

    /// Returns the tools whose namespaces the objects are in, if none may be in the namespace of `tool`; an object that names no
    /// namespace may be.
    #[must_use]
    pub fn other_tools(&self, tool: &ToolName) -> BTreeSet<ToolName> {
        let own = tool.namespace();
        if self.objects.iter().any(|object| object.is_in(&own)) {
            return BTreeSet::new();
        }
        let namespaces = self.objects.iter().filter_map(|object| object.namespace.as_deref());
        namespaces.filter_map(ToolName::from_namespace).chain(self.left_out.iter().cloned()).collect()
    }

    fn catalog(&self) -> Result<Catalog, DocumentsError> {
        let is_catalog = |object: &&Object| {
            object.is_of("ConfigMap")
                && object.name == platform::CATALOG_CONFIG_MAP
                && object.is_in(platform::CATALOG_NAMESPACE)
        };
        let Some(object) = self.objects.iter().rfind(is_catalog) else { return Ok(Catalog::bundled()) };
        let config_map: core::ConfigMap = object.parse()?;
        let file = || object.file.clone();
        let yaml = config_map.data.as_ref().and_then(|data| data.get(platform::CATALOG_KEY));
        let yaml = yaml.ok_or_else(|| DocumentsError::NoCatalogKey { file: file() })?;
        Catalog::parse(yaml).map_err(|error| DocumentsError::Catalog { file: file(), error })
    }

    /// Returns the objects of a namespace, each with its kind and name.
    pub(crate) fn objects_of<'a>(
        &'a self,
        namespace: &'a str,
    ) -> impl Iterator<Item = (ManifestKind, &'a str, &'a Value)> {
        self.objects
            .iter()
            .filter(move |object| object.is_in(namespace))
            .map(|object| (object.manifest_kind(), object.name.as_str(), &object.json))
    }

    /// Returns the kinds of Kubernetes of which a namespace has objects.
    pub(crate) fn kinds(&self, namespace: &str) -> BTreeSet<String> {
        let is_own = |object: &&Object| object.is_in(namespace) && object.is_of(&object.kind);
        let own = self.objects.iter().filter(is_own);
        own.map(|object| object.kind.clone()).collect()
    }

    /// Returns all objects of a kind.
    pub(crate) fn all_of_kind<T: DeserializeOwned>(
        &self,
        kind: &str,
        namespace: &str,
    ) -> Result<Vec<T>, DocumentsError> {
        self.of_kind(kind, namespace, |_| true)
    }

    pub(crate) fn of_kind<T: DeserializeOwned>(
        &self,
        kind: &str,
        namespace: &str,
        is_wanted: impl Fn(&str) -> bool,
    ) -> Result<Vec<T>, DocumentsError> {
        let is_found =
            |object: &&Object| object.is_of(kind) && object.is_in(namespace) && is_wanted(&object.name);
        self.objects.iter().filter(is_found).map(Object::parse).collect()
    }
}
