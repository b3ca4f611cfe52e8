//! Checks of everything that the program needs, one line each, with advice if something is wrong.
//!
//! The output can be pasted anywhere: it contains no key, no token, and no directory above the home.

mod check;
mod cluster;
mod own;

use toolforge_cli::{Document, ExitCode, Failure, Session, print, to_json};
use toolforge_report::Diagnosis;

use crate::arguments::Arguments;
use check::{Check, Level};

/// The checks that need a connection, in order.
const NEEDS_CLUSTER: [&str; 6] = ["server", "clock", "permissions", "quota", "limits", "catalog"];

/// Runs all checks; fails if something is broken.
pub(super) fn run(session: Result<&Session, Failure>, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let mut checks = own::kubeconfig(&arguments.global);
    match session {
        Ok(session) => {
            checks
                .push(Check::ok("tool", format!("{}, namespace {}", session.tool, session.tool.namespace())));
            match session.cluster() {
                Ok((runtime, client)) => checks.extend(runtime.block_on(cluster::checks(client, session))),
                Err(failure) => checks.push(Check::failed("server", &failure)),
            }
            checks.extend(own::home(session));
        }
        Err(failure) => {
            // An error in the kubeconfig has its own line already.
            if checks.iter().all(|check| check.level != Level::Fail) {
                checks.push(Check::failed("tool", &failure));
            }
            checks.extend(NEEDS_CLUSTER.map(|name| Check::skipped(name, "an earlier check failed")));
        }
    }
    let home =
        std::env::home_dir().and_then(|home| home.to_str().map(str::to_owned)).filter(|home| home.len() > 1);
    let short =
        |text: &str| home.as_ref().map_or_else(|| text.to_owned(), |home| text.replace(home.as_str(), "~"));
    let mut text = String::new();
    for Check { level, name, found, advice } in &checks {
        text.push_str(&format!("{:<5} {name:<11} {}\n", level.as_str(), short(found)));
        if let Some(advice) = advice {
            text.push_str(&format!("{:17} {}\n", "", short(advice)));
        }
    }
    let report = checks.iter().map(|Check { level, name, found, advice }| toolforge_report::Check {
        name: (*name).to_owned(),
        level: level.code(),
        found: short(found),
        advice: advice.as_deref().map(short),
    });
    let document = Document { text, value: to_json(Diagnosis { checks: report.collect() })? };
    print(&document, arguments.output.output)?;
    let is_broken = checks.iter().any(|check| check.level == Level::Fail);
    Ok(if is_broken { ExitCode::Failed } else { ExitCode::Success })
}
