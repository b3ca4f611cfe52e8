use toolforge_cli::{ExitCode, Failure, Session, without_cluster, without_cluster_from_files};

use super::{PROGRAM, convert, generate, images, lint, run};
use crate::arguments::{Arguments, Verb};

/// Runs the verb of the arguments.
pub(crate) fn dispatch(arguments: &Arguments) -> Result<ExitCode, Failure> {
    arguments.check()?;
    if let Verb::Generate(options) = &arguments.verb {
        return generate::run(options);
    }
    // It also works without a cluster.
    if let Verb::Lint(options) = &arguments.verb {
        return lint::dispatch(arguments, options);
    }
    if let Verb::Convert(options) = &arguments.verb {
        return convert::dispatch(arguments, options);
    }
    let has_profile = matches!(&arguments.verb, Verb::Plan(options) if options.quota.is_some());
    let session = Session::open_for_profile(&arguments.global, PROGRAM, has_profile);
    // Rendering needs no cluster, unless one was named.
    if let (Verb::Render(_), Err(_), Some(_), false) =
        (&arguments.verb, &session, &arguments.global.tool, arguments.global.names_facts())
    {
        return run(&Session::offline(&arguments.global)?, arguments);
    }
    let session = match (&arguments.verb, session) {
        (Verb::Plan(_), Err(failure)) => return Err(without_cluster(failure)),
        (Verb::Images, Err(failure)) => return images::run(Err(failure), arguments),
        (Verb::Cron(_) | Verb::Render(_), Err(failure)) => return Err(without_cluster_from_files(failure)),
        (_, session) => session?,
    };
    let session = if arguments.verb.is_reading() { session.for_reading() } else { session };
    run(&session, arguments)
}
