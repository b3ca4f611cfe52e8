//! Whether everything that the program needs is there: one line for each, and what to do about a bad one.
//!
//! What is printed can be pasted anywhere: no key, no token, and no folder above the home stands in it.

mod check;
mod cluster;
mod own;

use serde_json::json;
use toolforge_cli::{Document, ExitCode, Failure, Session, document, print};

use crate::arguments::Arguments;
use check::{Check, Level};

/// What needs a connection, in the order in which it is looked at.
const NEEDS_CLUSTER: [&str; 6] = ["server", "clock", "rights", "quota", "limits", "catalogue"];

/// Looks at everything and says how it is; ends with 1 where something is broken.
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
            // The kubeconfig's own lines have said it already, where they are what is wrong.
            if checks.iter().all(|check| check.level != Level::Fail) {
                checks.push(Check::failed("tool", &failure));
            }
            checks.extend(NEEDS_CLUSTER.map(|name| Check::skipped(name, "it needs what is broken above")));
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
    let value: Vec<_> = checks
        .iter()
        .map(|Check { level, name, found, advice }| {
            json!({"name": name, "level": level.as_str(), "found": short(found), "advice": advice.as_deref().map(short)})
        })
        .collect();
    let document = Document { text, value: document("Diagnosis", &json!({"checks": value}))? };
    print(&document, arguments.output.output)?;
    let is_broken = checks.iter().any(|check| check.level == Level::Fail);
    Ok(if is_broken { ExitCode::Failed } else { ExitCode::Success })
}
