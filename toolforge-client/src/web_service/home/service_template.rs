use std::path::{Path, PathBuf};

use toolforge_model::{Diagnostic, Diagnostics, DocumentKind, ExpectedDocument, ServiceTemplate, yaml};

use crate::connect::{FileProblem, FileRole, read_text, shown};
use crate::web_service::home::ToolHome;

/// The directories below the home that may contain the template (webservice 0.75).
const DIRECTORIES: [&str; 4] = ["", "www/python/src", "www/js", "public_html"];

/// A template and its path.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FoundTemplate {
    /// The file.
    pub path: PathBuf,
    /// Its contents.
    pub template: ServiceTemplate,
}

/// Why there is no usable template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// There is more than one.
    #[error("found {} service.template files; only one is allowed", paths.len())]
    Several {
        /// The files.
        paths: Vec<PathBuf>,
    },
    /// It cannot be read.
    #[error("{role} {} {problem}", shown(path), role = FileRole::Template)]
    File {
        /// The file.
        path: PathBuf,
        /// Why it could not be read.
        problem: FileProblem,
    },
    /// It has errors.
    #[error("your template file {} has errors", shown(path))]
    Invalid {
        /// The file.
        path: PathBuf,
        /// All errors.
        diagnostics: Diagnostics,
    },
}

impl FoundTemplate {
    /// Reads a template.
    ///
    /// # Errors
    /// When it cannot be read, or has errors.
    pub fn read(path: &Path) -> Result<Self, TemplateError> {
        match read_text(path) {
            Ok(text) => Self::parse(path, &text),
            Err(FileProblem::Empty) => Self::parse(path, ""),
            Err(problem) => Err(TemplateError::File { path: path.to_owned(), problem }),
        }
    }

    /// Reads the text of a template.
    ///
    /// # Errors
    /// When it has errors.
    pub fn parse(path: &Path, text: &str) -> Result<Self, TemplateError> {
        let path = path.to_owned();
        if let Some(error) = other_document(text) {
            return Err(TemplateError::Invalid { path, diagnostics: error.into() });
        }
        match ServiceTemplate::parse(text) {
            Ok(template) => Ok(Self { path, template }),
            Err(diagnostics) => Err(TemplateError::Invalid { path, diagnostics }),
        }
    }
}

/// Returns the error of a text that is a document of another kind.
fn other_document(text: &str) -> Option<Diagnostic> {
    let document = yaml::parse(text).ok()?;
    let kind = match ExpectedDocument::ServiceTemplate.kind_of(&document) {
        DocumentKind::ServiceTemplate | DocumentKind::Unknown => return None,
        // The advice for jobs files does not apply here.
        DocumentKind::Job | DocumentKind::JobsBelowKey => DocumentKind::JobsFile,
        kind => kind,
    };
    let message = kind.unexpected("a service.template, such as `type: php8.2`", &document.describe());
    Some(Diagnostic::new(document.location, message))
}

impl ToolHome {
    /// Returns the template, if there is one: in the home, `www/python/src`, `www/js` or `public_html`.
    ///
    /// # Errors
    /// When there is more than one, it cannot be read, or it has errors.
    pub fn template(&self) -> Result<Option<FoundTemplate>, TemplateError> {
        let paths: Vec<PathBuf> = DIRECTORIES
            .iter()
            .map(|directory| self.path().join(directory).join(ServiceTemplate::FILE_NAME))
            // A dangling link is also an error.
            .filter(|path| path.symlink_metadata().is_ok())
            .collect();
        match paths.as_slice() {
            [] => Ok(None),
            [path] => FoundTemplate::read(path).map(Some),
            _ => Err(TemplateError::Several { paths }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web_service::home::service_manifest::tests::TempDirectory;

    const NAME: &str = ServiceTemplate::FILE_NAME;

    #[test]
    fn template_is_found_in_one_place() {
        for place in DIRECTORIES {
            let directory = TempDirectory::new(&format!("template-{}", place.replace('/', "-")));
            assert_eq!(directory.home().template(), Ok(None));
            directory.write(format!("{place}/{NAME}").trim_start_matches('/'), "type: php8.2\n");
            let found = directory.home().template().unwrap().unwrap();
            assert_eq!(found.template.options.type_name.unwrap().as_str(), "php8.2");
        }
        let directory = TempDirectory::new("templates");
        directory.write(NAME, "");
        directory.write(&format!("www/js/{NAME}"), "");
        let error = directory.home().template().unwrap_err();
        assert_eq!(error.to_string(), "found 2 service.template files; only one is allowed");
    }

    #[test]
    fn broken_template_is_reported_with_its_path() {
        let directory = TempDirectory::new("template-broken");
        directory.write(NAME, "");
        assert_eq!(directory.home().template().unwrap().unwrap().template, ServiceTemplate::default());
        directory.write(NAME, "cpu: lots\nmem: many\n");
        let TemplateError::Invalid { diagnostics, .. } = directory.home().template().unwrap_err() else {
            panic!("no errors")
        };
        assert_eq!(diagnostics.len(), 2);
        for (text, expected) in [
            ("apiVersion: v1\nkind: Pod\n", Some("this is a Kubernetes manifest")),
            ("- name: a\n", Some("this is a jobs file")),
            ("name: a\nimage: x\n", Some("this is a jobs file")),
            ("0 3 * * * ./a.sh\n", Some("this is a crontab")),
            ("mem: {{ mem }}\n", Some("template with {{ }}")),
            ("image: x\ncpu: 1\n", None),
            ("type: php8.2\nservices: x\n", None),
            ("apiVersion: v1\nkind: Secret\ntype: Opaque\n", Some("this is a Kubernetes manifest")),
        ] {
            directory.write(NAME, text);
            let found = directory.home().template();
            let error = match found {
                Err(TemplateError::Invalid { diagnostics, .. }) => diagnostics.to_string(),
                _ => String::new(),
            };
            assert!(error.contains(expected.unwrap_or_default()), "{text}: {error}");
            assert_eq!(error.is_empty(), expected.is_none(), "{text}: {error}");
        }
        std::fs::remove_file(directory.home().path().join(ServiceTemplate::FILE_NAME)).unwrap();
        std::os::unix::fs::symlink(
            directory.home().path().join("nowhere"),
            directory.home().path().join(ServiceTemplate::FILE_NAME),
        )
        .unwrap();
        assert!(directory.home().template().unwrap_err().to_string().ends_with("does not exist"));
    }
}
