//! One file for each verb.

mod config_files;
mod doctor;
mod exec;
mod facts;
mod generate;
mod lint;
mod local;
mod logs;
mod plan;
mod render;
mod restart;
mod shell;
mod start;
mod status;
mod stop;
mod types;
mod wait;

use toolforge_cli::{ExitCode, Failure, Session, without_cluster, without_cluster_from_files};

use crate::arguments::Arguments;
use crate::invocation::{Action, Invocation};

/// The user agent in the API server's log.
const PROGRAM: &str = "webservice";

/// Runs the command of the arguments.
pub(crate) fn dispatch(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let invocation = arguments.invocation()?;
    match invocation.action {
        Action::Generate => return generate::run(&invocation),
        // It also works without a cluster.
        Action::Lint => return lint::dispatch(arguments, &invocation),
        _ => {}
    }
    let has_profile = invocation.action == Action::Plan && arguments.quota.is_some();
    let session = Session::open_for_profile(&arguments.global, PROGRAM, has_profile);
    let session = if invocation.action.is_reading() { session.map(Session::for_reading) } else { session };
    if invocation.action == Action::Doctor {
        return doctor::run(session.as_ref().map_err(Clone::clone), arguments);
    }
    if invocation.action == Action::Types {
        return types::run(session.as_ref().map_err(Clone::clone), arguments, &invocation);
    }
    if invocation.action == Action::Local && session.is_err() {
        return local::run(&Session::offline(&arguments.global)?, arguments, &invocation);
    }
    let session = match (invocation.action, session) {
        (Action::Plan, Err(failure)) => return Err(without_cluster(failure)),
        (Action::Render, Err(failure)) => return Err(without_cluster_from_files(failure)),
        (_, session) => session?,
    };
    run(&session, arguments, &invocation)
}

/// Runs an action in a session.
pub(crate) fn run(
    session: &Session,
    arguments: &Arguments,
    invocation: &Invocation,
) -> Result<ExitCode, Failure> {
    match invocation.action {
        Action::Start => start::run(session, arguments, invocation),
        Action::Stop => stop::run(session, arguments),
        Action::Restart => restart::run(session, arguments, invocation),
        Action::Status => status::run(session, arguments),
        Action::Logs => logs::run(session, arguments),
        Action::Plan => plan::run(session, arguments, invocation),
        Action::Render => render::run(session, arguments, invocation),
        Action::Lint => lint::run(session, arguments, invocation),
        Action::Shell => shell::run(session, arguments, invocation),
        Action::Exec => exec::run(session, invocation),
        Action::Types => types::run(Ok(session), arguments, invocation),
        Action::Local => local::run(session, arguments, invocation),
        Action::Doctor => doctor::run(Ok(session), arguments),
        Action::Generate => generate::run(invocation),
    }
}
