//! The platform's settings in `/etc`.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use toolforge_model::Untrusted;
use toolforge_render::namespace::Platform;

use crate::connect::{FileProblem, FileRole, read_text, shown};
use crate::yaml::Mistake;

/// The file with the project's name, below the root.
const PROJECT: &str = "etc/wmcs-project";

/// The file with the platform's settings for web services, below the root.
const WEB_SERVICE: &str = "etc/toolforge/webservice.yaml";

/// The file with the platform's settings for jobs, below the root.
const JOBS: &str = "etc/toolforge/jobs-cli.yaml";

/// The project if no file names one.
const DEFAULT_PROJECT: &str = "tools";

/// The platform's own settings.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PlatformFiles {
    /// The Cloud VPS project, like `tools` or `toolsbeta`.
    pub project: String,
    /// The domain, the repository and the gateway.
    pub platform: Platform,
}

/// Why the platform's settings cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlatformFilesError {
    /// A file exists and cannot be read.
    #[error("{role} {} {problem}", shown(path), role = FileRole::Settings)]
    File {
        /// The file.
        path: PathBuf,
        /// Why it could not be read.
        problem: FileProblem,
    },
    /// A file is not YAML, or its fields have other types.
    #[error("{} cannot be read: line {line}, column {column}: {}", shown(path), reason.escaped())]
    Content {
        /// The file.
        path: PathBuf,
        /// The line of the mistake, from 1; 0 where it is not known.
        line: u64,
        /// The column of the mistake, from 1; 0 where it is not known.
        column: u64,
        /// What the reader says.
        reason: Untrusted,
    },
}

#[derive(Deserialize, Default)]
struct JobSettings {
    default_cpu_limit: Option<String>,
}

#[derive(Deserialize, Default)]
struct Settings {
    public_domain: Option<String>,
    buildservice_repository: Option<String>,
    gateway_namespace: Option<String>,
    gateway_name: Option<String>,
}

impl PlatformFiles {
    /// Reads `etc/wmcs-project`, `etc/toolforge/webservice.yaml` and `etc/toolforge/jobs-cli.yaml` below a root, which is
    /// `/` except in tests. Missing or empty settings have the values of the project `tools`.
    ///
    /// # Errors
    /// When a file exists, but cannot be read.
    pub fn read(root: &Path) -> Result<Self, PlatformFilesError> {
        let project = text(&root.join(PROJECT))?.trim().to_owned();
        let project = if project.is_empty() { DEFAULT_PROJECT.to_owned() } else { project };
        let web_service: Option<Settings> = settings(root.join(WEB_SERVICE))?;
        let jobs: Option<JobSettings> = settings(root.join(JOBS))?;
        let Settings { public_domain, buildservice_repository, gateway_namespace, gateway_name } =
            web_service.unwrap_or_default();
        let filled = |value: Option<String>| value.filter(|value| !value.is_empty());
        let mut platform = Platform::default();
        if let Some(domain) = filled(public_domain) {
            platform.public_domain = domain;
        }
        if let Some(repository) = filled(buildservice_repository) {
            platform.build_service_repository = repository;
        }
        if let Some(namespace) = filled(gateway_namespace) {
            platform.gateway_namespace = namespace;
        }
        if let Some(name) = filled(gateway_name) {
            platform.gateway_name = name;
        }
        if let Some(text) = jobs.and_then(|jobs| filled(jobs.default_cpu_limit)) {
            platform.default_cpu_limit = text.parse().map_err(|error| PlatformFilesError::Content {
                path: root.join(JOBS),
                line: 0,
                column: 0,
                reason: Untrusted::new(format!("default_cpu_limit: {error}")),
            })?;
        }
        Ok(Self { project, platform })
    }
}

/// Returns the settings of a file, or `None` if it does not exist or is empty.
fn settings<T: serde::de::DeserializeOwned>(path: PathBuf) -> Result<Option<T>, PlatformFilesError> {
    let yaml = text(&path)?;
    if yaml.trim().is_empty() {
        return Ok(None);
    }
    serde_saphyr::from_str(&yaml).map_err(|error| {
        let Mistake { line, column, reason } = error.into();
        PlatformFilesError::Content { path, line, column, reason }
    })
}

/// Returns the text of a file; empty if it does not exist.
fn text(path: &Path) -> Result<String, PlatformFilesError> {
    match read_text(path) {
        Ok(text) => Ok(text),
        Err(FileProblem::Missing | FileProblem::Empty) => Ok(String::new()),
        Err(problem) => Err(PlatformFilesError::File { path: path.to_owned(), problem }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Root(PathBuf);

    impl Root {
        fn new(name: &str) -> Self {
            let root = std::env::temp_dir().join(format!("toolforge-root-{}-{name}", std::process::id()));
            let _ = std::fs::remove_dir_all(&root);
            std::fs::create_dir_all(root.join("etc/toolforge")).unwrap();
            Self(root)
        }

        fn write(&self, name: &str, text: &str) {
            std::fs::write(self.0.join(name), text).unwrap();
        }
    }

    impl Drop for Root {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn missing_settings_have_defaults() {
        let root = Root::new("absent");
        let expected = PlatformFiles { project: "tools".to_owned(), platform: Platform::default() };
        assert_eq!(PlatformFiles::read(&root.0).unwrap(), expected);
        root.write(PROJECT, "\n");
        root.write(WEB_SERVICE, "# nothing\n");
        assert_eq!(PlatformFiles::read(&root.0).unwrap(), expected);
        root.write(WEB_SERVICE, "public_domain:\nunknown: [1]\n");
        assert_eq!(PlatformFiles::read(&root.0).unwrap(), expected);
    }

    #[test]
    fn settings_are_read() {
        let root = Root::new("present");
        root.write(PROJECT, "toolsbeta\n");
        root.write(
            WEB_SERVICE,
            "public_domain: beta.toolforge.org\nbuildservice_repository: harbor.local\ngateway_namespace: gates\ngateway_name: west\n",
        );
        let files = PlatformFiles::read(&root.0).unwrap();
        assert_eq!(files.project, "toolsbeta");
        assert_eq!(files.platform.public_domain, "beta.toolforge.org");
        assert_eq!(files.platform.build_service_repository, "harbor.local");
        assert_eq!((&*files.platform.gateway_namespace, &*files.platform.gateway_name), ("gates", "west"));
    }

    #[test]
    fn broken_settings_are_reported_with_their_path() {
        let root = Root::new("broken");
        root.write(WEB_SERVICE, "public_domain: {\n");
        let error = PlatformFiles::read(&root.0).unwrap_err().to_string();
        assert!(error.contains("etc/toolforge/webservice.yaml cannot be read: line "), "{error}");
        std::fs::remove_file(root.0.join(WEB_SERVICE)).unwrap();
        std::fs::create_dir(root.0.join(WEB_SERVICE)).unwrap();
        let error = PlatformFiles::read(&root.0).unwrap_err().to_string();
        assert!(error.ends_with("webservice.yaml is not a regular file"), "{error}");
    }
}
