use std::fmt;

use toolforge_model::{Cpu, Memory, TypeName};

/// One type of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
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
        let last = self.image.rsplit('/').next().unwrap_or_default();
        if last.contains([':', '@']) { self.image.clone() } else { format!("{}:latest", self.image) }
    }
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
