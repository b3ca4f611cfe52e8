//! One file for each verb.

mod adopt;
mod apply;
mod confirm;
mod convert;
mod cron;
mod delete;
mod dispatch;
mod dump;
mod exec;
mod facts;
mod finish;
mod flush;
mod generate;
mod identity;
mod images;
mod lint;
mod list;
mod load;
mod logs;
mod plan;
mod quota;
mod render;
mod restart;
mod rollout;
mod run;
mod show;
mod suspend;
mod trigger;
mod wait;

use toolforge_cli::{ExitCode, Failure, Session};

pub(crate) use self::dispatch::dispatch;
use self::suspend::Suspension;
use crate::arguments::{Arguments, Verb};

/// The user agent in the API server's log.
const PROGRAM: &str = "jobs";

/// Runs the verb of the arguments in a session.
pub(crate) fn run(session: &Session, arguments: &Arguments) -> Result<ExitCode, Failure> {
    match &arguments.verb {
        Verb::Run(options) => run::run(session, arguments, options),
        Verb::List(options) => list::run(session, options),
        Verb::Show(options) => show::run(session, arguments, &options.name),
        Verb::Logs(options) => logs::run(session, options),
        Verb::Delete(options) => delete::run(session, arguments, options),
        Verb::Flush(options) => flush::run(session, arguments, options),
        Verb::Load(options) => load::run(session, arguments, options),
        Verb::Plan(options) => plan::run(session, arguments, options),
        Verb::Lint(options) => lint::run(session, arguments, options),
        Verb::Dump(options) => dump::run(session, options),
        Verb::Convert(options) => convert::run(session, options),
        Verb::Restart(options) => restart::run(session, arguments, options),
        Verb::Adopt(options) => adopt::run(session, arguments, options),
        Verb::Trigger(options) => trigger::run(session, arguments, options),
        Verb::Suspend(options) => suspend::run(session, arguments, options, Suspension::Suspend),
        Verb::Resume(options) => suspend::run(session, arguments, options, Suspension::Resume),
        Verb::Cron(options) => cron::run(session, arguments, options),
        Verb::Render(options) => render::run(session, arguments, options),
        Verb::Exec(options) => exec::run(session, options),
        Verb::Images => images::run(Ok(session), arguments),
        Verb::Quota => quota::run(session, arguments),
        Verb::Generate(options) => generate::run(options),
    }
}
