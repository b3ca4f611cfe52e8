use std::fmt;

use toolforge_model::{Cpu, Memory, TypeName, platform};

/// One type of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImageType {
    /// The name by which it is asked for.
    pub name: TypeName,
    /// Other names for it.
    pub aliases: Vec<TypeName>,
    /// Whether it should be used.
    pub state: State,
    /// The image for web services; `None` where it is only for jobs.
    pub web: Option<WebImage>,
    /// The image for jobs, without a tag where the catalogue names none; `None` where it is only for web services.
    pub job: Option<String>,
}

/// Whether a type should be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// It should.
    Current,
    /// It still runs, and will go.
    Deprecated,
    /// The platform no longer has it.
    Gone,
}

impl State {
    /// Returns the word that people and programs read.
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
pub struct WebImage {
    /// The image as published, mostly without a tag.
    pub image: String,
    /// What starts the web server in it.
    pub runner: Runner,
    /// The CPU limit where none is asked for.
    pub default_cpu: Cpu,
    /// The memory limit where none is asked for.
    pub default_memory: Memory,
}

impl WebImage {
    /// Returns the reference to pull: the image with the tag `latest`, or as it is where it has a tag or a digest.
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
/// where it states none.
pub(crate) fn repository_and_tag(reference: &str) -> (&str, &str) {
    let path = platform::ALLOWED_REGISTRIES
        .iter()
        .find_map(|registry| reference.strip_prefix(registry)?.strip_prefix('/'))
        .unwrap_or(reference);
    tag_start(path).map_or((path, ":latest"), |start| path.split_at(start))
}

/// What `webservice-runner --type` is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Runner {
    /// Runs the command that it is given.
    Generic,
    /// Runs `npm start` in `~/www/js`.
    NodeJs,
    /// Serves `~/public_html` with lighttpd, with PHP or Perl where the image has it.
    Lighttpd,
    /// Serves as `~/.lighttpd.conf` says.
    LighttpdPlain,
    /// Serves `~/www/python/src/app.py` with uWSGI.
    UwsgiPython,
}

impl Runner {
    /// Returns the runner of a catalogue's `wstype` (webservice 0.98).
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

    /// Returns the file in the tool's home into which the runner writes what goes wrong, instead of into the pod's
    /// log (the platform's images, 2026).
    #[must_use]
    pub fn log_file(self) -> Option<&'static str> {
        match self {
            Self::Lighttpd => Some("error.log"),
            Self::UwsgiPython => Some("uwsgi.log"),
            Self::Generic | Self::NodeJs | Self::LighttpdPlain => None,
        }
    }

    /// Returns the runner that `webservice-runner --type` is given by a word.
    #[must_use]
    pub fn from_option(text: &str) -> Option<Self> {
        [Self::Generic, Self::NodeJs, Self::Lighttpd, Self::LighttpdPlain, Self::UwsgiPython]
            .into_iter()
            .find(|runner| runner.to_string() == text)
    }
}

impl fmt::Display for Runner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Generic => "generic",
            Self::NodeJs => "nodejs",
            Self::Lighttpd => "lighttpd",
            Self::LighttpdPlain => "lighttpd-plain",
            Self::UwsgiPython => "uwsgi-python",
        })
    }
}
