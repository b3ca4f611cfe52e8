//! Checks of everything that the program needs, one line each, with advice if something is wrong.
//!
//! The output can be pasted anywhere: it contains no key, no token, and no directory above the home.

mod check;
mod cluster;
mod own;

use toolforge_cli::{Document, ExitCode, Failure, Session, print, to_json};
use toolforge_images::Catalog;
use toolforge_report::{CheckCode, Diagnosis};

use crate::arguments::Arguments;
use check::{Check, Level};

/// The checks that need a connection, in order.
const NEEDS_CLUSTER: [CheckCode; 6] = [
    CheckCode::Server,
    CheckCode::Clock,
    CheckCode::Permissions,
    CheckCode::Quota,
    CheckCode::Limits,
    CheckCode::Catalog,
];

/// Runs all checks; fails if something is broken.
pub(super) fn run(session: Result<&Session, Failure>, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let mut checks = own::kubeconfig(&arguments.global);
    match session {
        Ok(session) => {
            checks.push(Check::ok(
                CheckCode::Tool,
                format!("{}, namespace {}", session.tool, session.tool.namespace()),
            ));
            let catalog = match session.cluster() {
                Ok((runtime, client)) => {
                    let (found, catalog) = runtime.block_on(cluster::checks(client, session));
                    checks.extend(found);
                    catalog
                }
                Err(failure) => {
                    checks.push(Check::failed(CheckCode::Server, &failure));
                    None
                }
            };
            checks.extend(own::home(session, &catalog.unwrap_or_else(Catalog::bundled)));
        }
        Err(failure) => {
            // An error in the kubeconfig has its own line already.
            if checks.iter().all(|check| check.level != Level::Fail) {
                checks.push(Check::failed(CheckCode::Tool, &failure));
            }
            checks.extend(NEEDS_CLUSTER.map(|code| Check::skipped(code, "an earlier check failed")));
        }
    }
    let home =
        std::env::home_dir().and_then(|home| home.to_str().map(str::to_owned)).filter(|home| home.len() > 1);
    let short =
        |text: &str| home.as_ref().map_or_else(|| text.to_owned(), |home| text.replace(home.as_str(), "~"));
    let mut text = String::new();
    for Check { code, level, message, hints } in &checks {
        text.push_str(&format!("{:<5} {:<11} {}\n", level.as_str(), code.as_str(), short(message)));
        for hint in hints {
            text.push_str(&format!("{:17} {}\n", "", short(hint)));
        }
    }
    let report = checks.iter().map(|Check { code, level, message, hints }| toolforge_report::Check {
        code: *code,
        level: level.code(),
        message: short(message),
        hints: hints.iter().map(|hint| short(hint)).collect(),
    });
    let document = Document { text, value: to_json(Diagnosis { checks: report.collect() })? };
    print(&document, arguments.output.of_document())?;
    let is_broken = checks.iter().any(|check| check.level == Level::Fail);
    Ok(if is_broken { ExitCode::Failed } else { ExitCode::Success })
}
