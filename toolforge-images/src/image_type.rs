use std::fmt;
use std::str::FromStr;

use toolforge_model::{Cpu, Memory, TypeName, Untrusted, platform};

/// One type of the catalog.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImageType {
    /// The name.
    pub name: TypeName,
    /// Other names for it.
    pub aliases: Vec<TypeName>,
    /// Whether the platform supports it.
    pub state: State,
    /// The image for web services; `None` if it is only for jobs.
    pub web: Option<WebImage>,
    /// The image for jobs, without a tag if the catalog has none; `None` if it is only for web services.
    pub job: Option<String>,
}

/// Whether the platform supports a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// It is supported.
    Current,
    /// It still runs, and will be removed.
    Deprecated,
    /// The platform has removed it.
    Gone,
}

impl State {
    /// Returns the state's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Deprecated => "deprecated",
            Self::Gone => "gone",
        }
    }
}

/// The image of a type for web services.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WebImage {
    /// The image as published, usually without a tag.
    pub image: String,
    /// The program that starts its web server.
    pub runner: Runner,
    /// The CPU limit by default.
    pub default_cpu: Cpu,
    /// The memory limit by default.
    pub default_memory: Memory,
}

impl WebImage {
    /// Returns the reference to pull: the image with the tag `latest`, unless it has a tag or a digest.
    #[must_use]
    pub fn reference(&self) -> String {
        if tag_start(&self.image).is_some() { self.image.clone() } else { format!("{}:latest", self.image) }
    }
}

/// Returns where the tag or digest of a reference begins; a `:` before the last `/` is a registry's port.
fn tag_start(reference: &str) -> Option<usize> {
    let name = reference.rfind('/').map_or(0, |slash| slash + 1);
    reference[name..].find([':', '@']).map(|found| name + found)
}

/// Returns a reference without the host of a registry that the platform allows, and its tag or digest, `:latest`
/// by default.
pub(crate) fn repository_and_tag(reference: &str) -> (&str, &str) {
    let path = platform::ALLOWED_REGISTRIES
        .iter()
        .find_map(|registry| reference.strip_prefix(registry)?.strip_prefix('/'))
        .unwrap_or(reference);
    tag_start(path).map_or((path, ":latest"), |start| path.split_at(start))
}

/// The program that starts a web server: a value of `webservice-runner --type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Runner {
    /// Runs the command in its arguments.
    Generic,
    /// Runs `npm start` in `~/www/js`.
    NodeJs,
    /// Serves `~/public_html` with lighttpd, with PHP or Perl if the image has it.
    Lighttpd,
    /// Serves with lighttpd and the configuration `~/.lighttpd.conf`.
    LighttpdPlain,
    /// Serves `~/www/python/src/app.py` with uWSGI.
    UwsgiPython,
}

impl Runner {
    /// All runners.
    pub const ALL: &'static [Self] =
        &[Self::Generic, Self::NodeJs, Self::Lighttpd, Self::LighttpdPlain, Self::UwsgiPython];

    /// Returns the value of `webservice-runner --type`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Generic => "generic",
            Self::NodeJs => "nodejs",
            Self::Lighttpd => "lighttpd",
            Self::LighttpdPlain => "lighttpd-plain",
            Self::UwsgiPython => "uwsgi-python",
        }
    }

    /// Returns the runner of a catalog's `wstype` (webservice 0.98).
    pub(crate) fn from_web_service_type(text: &str) -> Option<Self> {
        Some(match text {
            "generic" => Self::Generic,
            "js" => Self::NodeJs,
            "lighttpd" => Self::Lighttpd,
            "lighttpd-plain" => Self::LighttpdPlain,
            "python" => Self::UwsgiPython,
            _ => return None,
        })
    }

    /// Returns the file in the tool's home to which the runner writes errors, instead of to the pod's log (the
    /// platform's images, 2026).
    #[must_use]
    pub fn log_file(self) -> Option<&'static str> {
        match self {
            Self::Lighttpd => Some("error.log"),
            Self::UwsgiPython => Some("uwsgi.log"),
            Self::Generic | Self::NodeJs | Self::LighttpdPlain => None,
        }
    }
}

impl fmt::Display for Runner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Why a text is not a runner.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} is not a runner; expected generic, nodejs, lighttpd, lighttpd-plain or uwsgi-python", found.quoted())]
#[non_exhaustive]
pub struct RunnerError {
    /// The text that was found.
    pub found: Untrusted,
}

impl FromStr for Runner {
    type Err = RunnerError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.iter().find(|runner| runner.as_str() == text);
        found.copied().ok_or_else(|| RunnerError { found: Untrusted::new(text) })
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Returns the family of a type: the letters at the beginning of its name; `nodejs` is of the family `node`.
pub(crate) fn family(name: &str) -> &str {
    let end = name.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(name.len());
    let letters = &name[..end];
    if letters == "nodejs" { "node" } else { letters }
}

/// Returns the numbers in a name. The platform writes two digits as two numbers in some families (`ruby27`), but
/// never both ways in one.
pub(crate) fn version(name: &str) -> Vec<u64> {
    name.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok()).collect()
}
