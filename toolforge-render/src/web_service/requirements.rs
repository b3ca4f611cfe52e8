//! What a type needs before its first start (webservice 0.80).

use serde_json::Value;
use toolforge_images::Runner;
use toolforge_model::{TypeName, Untrusted, WebServiceImage};

use crate::web_service::WebServicePlan;

/// What of a tool's home the image types start from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HomeFiles {
    /// Whether the directory `public_html` exists.
    pub public_html: bool,
    /// Whether the file `.lighttpd.conf` exists.
    pub lighttpd_conf: bool,
    /// Whether the directory `www/python/src` exists.
    pub python_source: bool,
    /// What the file `www/js/package.json` holds, where it exists.
    pub package_json: Option<String>,
}

/// What a type needs and does not find; started all the same, it would end again and again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MissingNeed {
    /// A lighttpd has nothing to serve.
    #[error(
        "type {name} serves the directory public_html or as .lighttpd.conf says, and your tool's home has neither"
    )]
    Site {
        /// The type.
        name: TypeName,
    },
    /// There is no Python application.
    #[error("type {name} serves www/python/src/app.py, and your tool's home has no directory www/python/src")]
    PythonSource {
        /// The type.
        name: TypeName,
    },
    /// There is no Node.js application.
    #[error("type {name} runs `npm start` in www/js, and your tool's home has no file www/js/package.json")]
    Package {
        /// The type.
        name: TypeName,
    },
    /// The Node.js application's description is broken.
    #[error("www/js/package.json is not JSON: {}", reason.escaped())]
    PackageNotJson {
        /// What the reader says, with line and column.
        reason: Untrusted,
    },
    /// The Node.js application does not say how it is started.
    #[error("www/js/package.json has no text `scripts.start`, which `npm start` runs")]
    StartScript,
    /// The type runs the command that it is given, and none is given.
    #[error("type {name} runs the command that it is given, and none is given")]
    Command {
        /// The type.
        name: TypeName,
    },
}

/// Returns what a plan's type needs and does not have. Where the home is not known, only what the plan itself says is
/// looked at; an image of the build service has all that it needs.
///
/// # Errors
/// When something is missing.
pub fn find_needs(plan: &WebServicePlan, home: Option<&HomeFiles>) -> Result<(), MissingNeed> {
    let WebServiceImage::Type(name) = &plan.request.image else { return Ok(()) };
    let name = || name.clone();
    match (plan.runner, home) {
        (Some(Runner::Generic), _) if plan.request.arguments.is_empty() => {
            Err(MissingNeed::Command { name: name() })
        }
        (Some(Runner::Lighttpd | Runner::LighttpdPlain), Some(home))
            if !home.public_html && !home.lighttpd_conf =>
        {
            Err(MissingNeed::Site { name: name() })
        }
        (Some(Runner::UwsgiPython), Some(home)) if !home.python_source => {
            Err(MissingNeed::PythonSource { name: name() })
        }
        (Some(Runner::NodeJs), Some(home)) => match &home.package_json {
            None => Err(MissingNeed::Package { name: name() }),
            Some(text) => has_start_script(text),
        },
        _ => Ok(()),
    }
}

fn has_start_script(package: &str) -> Result<(), MissingNeed> {
    let package: Value = serde_json::from_str(package)
        .map_err(|error| MissingNeed::PackageNotJson { reason: Untrusted::new(error.to_string()) })?;
    let script = package.pointer("/scripts/start").and_then(Value::as_str);
    script.map(|_| ()).ok_or(MissingNeed::StartScript)
}

#[cfg(test)]
mod tests {
    use toolforge_images::Catalog;
    use toolforge_model::{ToolName, WebServiceOptions};

    use super::*;
    use crate::namespace::Platform;
    use crate::web_service::{Facts, PlanOptions};

    fn missing(name: &str, home: &HomeFiles) -> String {
        let tool: ToolName = "x".parse().unwrap();
        let request = WebServiceOptions::default().merge_into(&tool, None, name.parse().unwrap()).unwrap();
        let facts = Facts::new(Catalog::bundled(), Platform::default());
        let plan = WebServicePlan::new(request, &facts, PlanOptions::default()).unwrap();
        find_needs(&plan, Some(home)).map_or_else(|missing| missing.to_string(), |()| String::new())
    }

    #[test]
    fn each_type_needs_its_own_files() {
        let nothing = HomeFiles::default();
        assert!(missing("php8.2", &nothing).contains("public_html"));
        assert!(missing("python3.11", &nothing).contains("www/python/src/app.py"));
        assert!(missing("node18", &nothing).contains("no file www/js/package.json"));
        assert!(missing("jdk17", &nothing).contains("none is given"));
        assert_eq!(missing("buildservice", &nothing), "");
        let site = HomeFiles { public_html: true, ..HomeFiles::default() };
        assert_eq!(missing("php8.2", &site), "");
        let configured = HomeFiles { lighttpd_conf: true, ..HomeFiles::default() };
        assert_eq!(missing("tcl", &configured), "");
        let python = HomeFiles { python_source: true, ..HomeFiles::default() };
        assert_eq!(missing("python3.11", &python), "");
    }

    #[test]
    fn a_package_needs_a_start_script() {
        for (text, expected) in [
            (r#"{"scripts": {"start": "node app.js"}}"#, ""),
            (
                r#"{"scripts": {"test": "x"}}"#,
                "www/js/package.json has no text `scripts.start`, which `npm start` runs",
            ),
            (
                r#"{"scripts": {"start": 1}}"#,
                "www/js/package.json has no text `scripts.start`, which `npm start` runs",
            ),
            ("{", "www/js/package.json is not JSON: EOF while parsing an object at line 1 column 1"),
        ] {
            let home = HomeFiles { package_json: Some(text.to_owned()), ..HomeFiles::default() };
            assert_eq!(missing("node18", &home), expected, "{text}");
        }
    }
}
