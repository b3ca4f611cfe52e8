//! One file for each verb.

mod apply;
mod doctor;
mod exec;
mod facts;
mod generate;
mod local;
mod logs;
mod plan;
mod render;
mod restart;
mod shell;
mod start;
mod state;
mod status;
mod stop;
mod types;
mod wait;

pub(crate) use local::LocalOptions;
pub(crate) use status::StatusOptions;

use toolforge_cli::{ExitKind, Failure, Session};

use crate::arguments::Arguments;
use crate::words::{Action, Words};

/// What the API server's log shows.
const PROGRAM: &str = "webservice";

/// Does what the arguments say.
pub(crate) fn dispatch(arguments: &Arguments) -> Result<ExitKind, Failure> {
    let words = arguments.words()?;
    if words.action == Action::Generate {
        return generate::run(&words);
    }
    let session = Session::open(&arguments.global, PROGRAM);
    if words.action == Action::Doctor {
        return doctor::run(session.as_ref().map_err(Clone::clone), arguments);
    }
    if words.action == Action::Types {
        return types::run(session.as_ref().map_err(Clone::clone), arguments, &words);
    }
    if words.action == Action::Local && session.is_err() {
        return local::run(&Session::offline(&arguments.global)?, arguments, &words);
    }
    let session = session?;
    run(&session, arguments, &words)
}

/// Does what the words say in a session.
pub(crate) fn run(session: &Session, arguments: &Arguments, words: &Words) -> Result<ExitKind, Failure> {
    match words.action {
        Action::Start => start::run(session, arguments, words),
        Action::Stop => stop::run(session, arguments),
        Action::Restart => restart::run(session, arguments, words),
        Action::Status => status::run(session, arguments),
        Action::Logs => logs::run(session, arguments),
        Action::Plan => plan::run(session, arguments, words),
        Action::Render => render::run(session, arguments, words),
        Action::Shell => shell::run(session, arguments, words),
        Action::Exec => exec::run(session, words),
        Action::Types => types::run(Ok(session), arguments, words),
        Action::Local => local::run(session, arguments, words),
        Action::Doctor => doctor::run(Ok(session), arguments),
        Action::Generate => generate::run(words),
    }
}
