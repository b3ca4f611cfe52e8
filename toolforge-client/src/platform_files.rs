//! The platform's settings in `/etc`.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use toolforge_model::Diagnostic;
use toolforge_model::yaml::{self, YamlNode, YamlValue};
use toolforge_render::namespace::Platform;

use crate::connect::{FileProblem, FileRole, read_text, shown};

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
    /// A file is not YAML, or a setting is invalid.
    #[error("{} cannot be read: {diagnostic}", shown(path))]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The error and its location.
        diagnostic: Diagnostic,
    },
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
        let web_service = Settings::read(root.join(WEB_SERVICE))?;
        let jobs = Settings::read(root.join(JOBS))?;
        let mut platform = Platform::default();
        web_service.set("public_domain", &mut platform.public_domain)?;
        web_service.set("public_scheme", &mut platform.public_scheme)?;
        let mut port = platform.public_port.unwrap_or(platform.public_scheme.default_port());
        web_service.set("public_port", &mut port)?;
        platform.public_port = Some(port).filter(|port| *port != platform.public_scheme.default_port());
        web_service.set("buildservice_repository", &mut platform.build_service_repository)?;
        web_service.set("gateway_namespace", &mut platform.gateway_namespace)?;
        web_service.set("gateway_name", &mut platform.gateway_name)?;
        jobs.set("default_cpu_limit", &mut platform.default_cpu_limit)?;
        Ok(Self { project, platform })
    }
}

/// The settings of a file.
struct Settings {
    path: PathBuf,
    root: YamlNode,
}

impl Settings {
    /// Reads a file, which need not exist.
    fn read(path: PathBuf) -> Result<Self, PlatformFilesError> {
        let text = text(&path)?;
        let root = yaml::parse(&text)
            .map_err(|diagnostic| PlatformFilesError::Invalid { path: path.clone(), diagnostic })?;
        let settings = Self { path, root };
        match settings.root.value {
            YamlValue::Mapping(_) | YamlValue::Null => Ok(settings),
            YamlValue::String(_) | YamlValue::Plain(_) | YamlValue::Sequence(_) => Err(settings.invalid(
                &settings.root,
                format_args!("expected a mapping, found {}", settings.root.describe()),
            )),
        }
    }

    /// Replaces a value by a setting, if there is one.
    fn set<T: FromStr<Err: fmt::Display>>(&self, key: &str, value: &mut T) -> Result<(), PlatformFilesError> {
        let Some(node) = self.root.get(key) else { return Ok(()) };
        let text = node.scalar().ok_or_else(|| {
            self.invalid(node, format_args!("{key} must be a string, and is {}", node.describe()))
        })?;
        if !text.is_empty() {
            *value = text.parse().map_err(|error| self.invalid(node, format_args!("{key}: {error}")))?;
        }
        Ok(())
    }

    fn invalid(&self, node: &YamlNode, message: fmt::Arguments<'_>) -> PlatformFilesError {
        let diagnostic = Diagnostic::new(node.location, message);
        PlatformFilesError::Invalid { path: self.path.clone(), diagnostic }
    }
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
        assert_eq!(files.platform.url("x"), "https://x/");
        assert_eq!(files.platform.public_domain, "beta.toolforge.org");
        assert_eq!(files.platform.build_service_repository, "harbor.local");
        assert_eq!((&*files.platform.gateway_namespace, &*files.platform.gateway_name), ("gates", "west"));
    }

    #[test]
    fn urls_of_a_sandbox_have_its_port() {
        let root = Root::new("sandbox");
        root.write(WEB_SERVICE, "public_domain: localhost\npublic_scheme: http\npublic_port: 8080\n");
        let platform = PlatformFiles::read(&root.0).unwrap().platform;
        assert_eq!(platform.url(platform.host(&"x".parse().unwrap())), "http://x.localhost:8080/");
        root.write(WEB_SERVICE, "public_scheme: ftp\n");
        let error = PlatformFiles::read(&root.0).unwrap_err().to_string();
        assert!(error.ends_with("public_scheme: expected http or https"), "{error}");
    }

    #[test]
    fn broken_settings_are_reported_with_their_path() {
        let root = Root::new("broken");
        root.write(WEB_SERVICE, "public_domain: {\n");
        let error = PlatformFiles::read(&root.0).unwrap_err().to_string();
        assert!(error.contains("etc/toolforge/webservice.yaml cannot be read: line "), "{error}");
        root.write(WEB_SERVICE, "\npublic_domain: [x]\n");
        let error = PlatformFiles::read(&root.0).unwrap_err().to_string();
        assert!(
            error.ends_with("line 2, column 16: public_domain must be a string, and is a list"),
            "{error}"
        );
        std::fs::remove_file(root.0.join(WEB_SERVICE)).unwrap();
        std::fs::create_dir(root.0.join(WEB_SERVICE)).unwrap();
        let error = PlatformFiles::read(&root.0).unwrap_err().to_string();
        assert!(error.ends_with("webservice.yaml is not a regular file"), "{error}");
    }
}
