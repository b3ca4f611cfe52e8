//! Checks that the files and arguments of a type exist (webservice 0.80).

use serde_json::Value;
use toolforge_images::{Catalog, Runner};
use toolforge_model::{TypeName, Untrusted, WebServiceImage, WebServiceRequest};

use crate::web_service::WebServicePlan;

/// The files in a tool's home that image types need.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HomeFiles {
    /// Whether the directory `public_html` exists.
    pub public_html: bool,
    /// Whether the owner of the directory `public_html` may not read it.
    pub public_html_closed: bool,
    /// Whether the file `.lighttpd.conf` exists.
    pub lighttpd_conf: bool,
    /// Whether the directory `www/python/src` exists.
    pub python_source: bool,
    /// The content of the file `www/js/package.json`; `None` if it does not exist.
    pub package_json: Option<String>,
}

/// A requirement of a type that is not met, so its container would crash.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MissingRequirement {
    /// There are no files for lighttpd to serve.
    #[error("type {name} needs the directory public_html or the file .lighttpd.conf in the home of the tool")]
    Site {
        /// The type.
        name: TypeName,
    },
    /// The files for lighttpd to serve cannot be read.
    #[error("type {name} serves the directory public_html, which its owner may not read")]
    ClosedSite {
        /// The type.
        name: TypeName,
    },
    /// There is no Python application.
    #[error(
        "type {name} needs www/python/src/app.py in the home of the tool, which has no directory www/python/src"
    )]
    PythonSource {
        /// The type.
        name: TypeName,
    },
    /// There is no Node.js application.
    #[error(
        "type {name} runs `npm start` in www/js, and the home of the tool has no file www/js/package.json"
    )]
    Package {
        /// The type.
        name: TypeName,
    },
    /// The file `package.json` is invalid.
    #[error("www/js/package.json is not JSON: {}", reason.escaped())]
    PackageNotJson {
        /// The error of the parser, with line and column.
        reason: Untrusted,
    },
    /// The file `package.json` has no start script.
    #[error("www/js/package.json has no string `scripts.start`, which `npm start` runs")]
    StartScript,
    /// The type runs a given command, and the request has none.
    #[error("type {name} needs a command")]
    Command {
        /// The type.
        name: TypeName,
    },
}

/// Checks that the requirements of a plan's type are met. Without `home`, only the plan itself is checked. An image of
/// the build service has no requirements, and those of the type that `live` runs already are met.
///
/// # Errors
/// When a requirement is not met.
pub fn check_requirements(
    plan: &WebServicePlan,
    live: Option<&WebServiceRequest>,
    home: Option<&HomeFiles>,
) -> Result<(), MissingRequirement> {
    let WebServiceImage::Type(name) = &plan.request.image else { return Ok(()) };
    if live.is_some_and(|live| live.image.type_name() == name.as_str()) {
        return Ok(());
    }
    missing_requirement(name, plan.runner, !plan.request.arguments.is_empty(), home)
}

/// Checks that the requirements of a type are met.
pub(crate) fn missing_requirement(
    name: &TypeName,
    runner: Option<Runner>,
    has_arguments: bool,
    home: Option<&HomeFiles>,
) -> Result<(), MissingRequirement> {
    let name = || name.clone();
    match (runner, home) {
        (Some(Runner::Generic), _) if !has_arguments => Err(MissingRequirement::Command { name: name() }),
        (Some(Runner::Lighttpd | Runner::LighttpdPlain), Some(home))
            if !home.public_html && !home.lighttpd_conf =>
        {
            Err(MissingRequirement::Site { name: name() })
        }
        (Some(Runner::Lighttpd | Runner::LighttpdPlain), Some(home)) if home.public_html_closed => {
            Err(MissingRequirement::ClosedSite { name: name() })
        }
        (Some(Runner::UwsgiPython), Some(home)) if !home.python_source => {
            Err(MissingRequirement::PythonSource { name: name() })
        }
        (Some(Runner::NodeJs), Some(home)) => match &home.package_json {
            None => Err(MissingRequirement::Package { name: name() }),
            Some(text) => has_start_script(text),
        },
        _ => Ok(()),
    }
}

/// Returns the type for a home that has the files of exactly one language: the newest current type of it.
///
/// A home with files for lighttpd has none, since they are what the default type serves.
#[must_use]
pub(crate) fn proposed_type<'a>(catalog: &'a Catalog, home: &HomeFiles) -> Option<&'a TypeName> {
    let HomeFiles { public_html, lighttpd_conf, python_source, package_json, .. } = home;
    let family = match (*public_html || *lighttpd_conf, *python_source, package_json.is_some()) {
        (false, true, false) => "python",
        (false, false, true) => "nodejs",
        _ => return None,
    };
    let family: TypeName = family.parse().expect("the name of a type");
    catalog.replacement(&family).map(|found| &found.name)
}

fn has_start_script(package: &str) -> Result<(), MissingRequirement> {
    let package: Value = serde_json::from_str(package)
        .map_err(|error| MissingRequirement::PackageNotJson { reason: Untrusted::new(error.to_string()) })?;
    let script = package.pointer("/scripts/start").and_then(Value::as_str);
    script.map(|_| ()).ok_or(MissingRequirement::StartScript)
}

#[cfg(test)]
mod tests {
    use toolforge_model::{ToolName, WebServiceOptions};

    use super::*;
    use crate::namespace::Namespace;
    use crate::web_service::{PlanOptions, WebServiceFacts};

    fn missing(name: &str, home: &HomeFiles) -> String {
        let tool: ToolName = "x".parse().unwrap();
        let request = WebServiceOptions::default().merge_into(&tool, None, name.parse().unwrap()).unwrap();
        let facts = WebServiceFacts::new(Namespace::new(&tool, Catalog::bundled()));
        let plan = WebServicePlan::new(request, &facts, PlanOptions::default()).unwrap();
        check_requirements(&plan, None, Some(home))
            .map_or_else(|missing| missing.to_string(), |()| String::new())
    }

    #[test]
    fn types_require_their_files() {
        let nothing = HomeFiles::default();
        assert!(missing("php8.2", &nothing).contains("public_html"));
        assert!(missing("python3.11", &nothing).contains("www/python/src/app.py"));
        assert!(missing("node18", &nothing).contains("no file www/js/package.json"));
        assert!(missing("jdk17", &nothing).contains("needs a command"));
        assert_eq!(missing("buildservice", &nothing), "");
        let site = HomeFiles { public_html: true, ..HomeFiles::default() };
        assert_eq!(missing("php8.2", &site), "");
        let closed = HomeFiles { public_html_closed: true, ..site };
        assert!(missing("php8.2", &closed).contains("may not read"));
        let configured = HomeFiles { lighttpd_conf: true, ..HomeFiles::default() };
        assert_eq!(missing("tcl", &configured), "");
        let python = HomeFiles { python_source: true, ..HomeFiles::default() };
        assert_eq!(missing("python3.11", &python), "");
    }

    #[test]
    fn home_language_proposes_a_type() {
        let proposed = |home: HomeFiles| {
            proposed_type(&Catalog::bundled(), &home).map(ToString::to_string).unwrap_or_default()
        };
        let python = HomeFiles { python_source: true, ..HomeFiles::default() };
        let node = HomeFiles { package_json: Some(String::new()), ..HomeFiles::default() };
        assert_eq!(proposed(python.clone()), "python3.13");
        assert_eq!(proposed(node.clone()), "node20");
        assert_eq!(proposed(HomeFiles::default()), "");
        assert_eq!(proposed(HomeFiles { public_html: true, ..python.clone() }), "");
        assert_eq!(proposed(HomeFiles { package_json: node.package_json, ..python }), "");
    }

    #[test]
    fn package_json_requires_start_script() {
        for (text, expected) in [
            (r#"{"scripts": {"start": "node app.js"}}"#, ""),
            (
                r#"{"scripts": {"test": "x"}}"#,
                "www/js/package.json has no string `scripts.start`, which `npm start` runs",
            ),
            (
                r#"{"scripts": {"start": 1}}"#,
                "www/js/package.json has no string `scripts.start`, which `npm start` runs",
            ),
            ("{", "www/js/package.json is not JSON: EOF while parsing an object at line 1 column 1"),
        ] {
            let home = HomeFiles { package_json: Some(text.to_owned()), ..HomeFiles::default() };
            assert_eq!(missing("node18", &home), expected, "{text}");
        }
    }
}
