use toolforge_model::TypeName;

use crate::describe::{codes, structs};

structs! {
    /// The image types of the catalog: `webservice types`, `jobs images`.
    pub struct ImageTypes {
        /// The type that `webservice start` uses if none is named; `null` in `jobs images`.
        pub default_type: Option<TypeName>,
        /// The types for web services, or the current types for jobs.
        pub types: Vec<ImageType>,
    }

    /// An image type: `webservice TYPE types`.
    pub struct ImageType {
        /// Name of the type.
        pub name: TypeName,
        /// Other names of the type.
        pub aliases: Vec<TypeName>,
        /// Whether the type should be used.
        pub state: ImageState,
        /// The type that replaces it.
        pub replacement: Option<TypeName>,
        /// What the image contains, in words.
        pub contents: Option<String>,
        /// Image for web services; `null` if the type has none.
        pub web_image: Option<String>,
        /// How a web service is started in the image.
        pub runner: Option<Runner>,
        /// CPU limit of a web service's pods by default.
        pub default_cpu: Option<String>,
        /// Memory limit of a web service's pods by default.
        pub default_memory: Option<String>,
        /// Image for jobs; `null` if the type has none.
        pub job_image: Option<String>,
    }
}

codes! {
    /// How a web service is started in an image.
    pub enum Runner {
        /// The command after `start`.
        Generic = "generic",
        /// `npm start`.
        NodeJs = "nodejs",
        /// lighttpd with PHP.
        Lighttpd = "lighttpd",
        /// lighttpd with the configuration of the tool.
        LighttpdPlain = "lighttpd-plain",
        /// uWSGI.
        UwsgiPython = "uwsgi-python",
    }

    /// Whether an image type should be used.
    pub enum ImageState {
        /// Supported.
        Current = "current",
        /// It works, and will be removed.
        Deprecated = "deprecated",
        /// It was removed from the platform.
        Gone = "gone",
        /// The catalog does not have it.
        Unknown = "unknown",
    }
}
