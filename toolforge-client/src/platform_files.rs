//! The platform's own files on the login hosts.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toolforge_model::Untrusted;
use toolforge_render::facts::Platform;

/// What the platform's files say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// The project's name: `tools`, `toolsbeta`, or another's.
    pub name: String,
    /// The project's settings.
    pub platform: Platform,
}

/// Why a file of the platform cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlatformFilesError {
    /// The file is there and cannot be read.
    #[error("{} cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file is not YAML of the known shape.
    #[error("{} cannot be understood: {}", path.display(), reason.escaped())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// What the reader says.
        reason: Untrusted,
    },
}

#[derive(Default, Deserialize)]
struct WebServiceSettings {
    public_domain: Option<String>,
    buildservice_repository: Option<String>,
}

/// Reads `etc/wmcs-project` and `etc/toolforge/webservice.yaml` below a root; what is absent has the values of the
/// project `tools`.
///
/// # Errors
/// When a file is there and cannot be read or understood.
pub fn read_platform_files(root: &Path) -> Result<Project, PlatformFilesError> {
    let name = read(&root.join("etc/wmcs-project"))?
        .map_or_else(|| "tools".to_owned(), |text| text.trim().to_owned());
    let path = root.join("etc/toolforge/webservice.yaml");
    let settings = match read(&path)? {
        None => WebServiceSettings::default(),
        Some(text) => serde_saphyr::from_str::<Option<WebServiceSettings>>(&text)
            .map_err(|error| PlatformFilesError::Syntax {
                path,
                reason: Untrusted::new(error.without_snippet().to_string()),
            })?
            .unwrap_or_default(),
    };
    let defaults = Platform::default();
    let WebServiceSettings { public_domain, buildservice_repository } = settings;
    Ok(Project {
        name,
        platform: Platform {
            public_domain: public_domain.unwrap_or(defaults.public_domain),
            build_service_repository: buildservice_repository.unwrap_or(defaults.build_service_repository),
            gateway_namespace: defaults.gateway_namespace,
            gateway_name: defaults.gateway_name,
        },
    })
}

fn read(path: &Path) -> Result<Option<String>, PlatformFilesError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(source) => Err(PlatformFilesError::Unreadable { path: path.to_path_buf(), source }),
    }
}
