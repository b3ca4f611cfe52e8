use std::cell::RefCell;

use k8s_openapi::jiff::Timestamp;
use toolforge_cli::{
    DryRunOption, ExitCode, Failure, FileMark, OutputFormat, Session, applied_changes, interrupted,
    planned_changes, print_for_people, rollout_note, unchanged, wait_for_room, warn_of_unread,
};
use toolforge_client::{
    ApplyError, ApplyOptions, ApplyReport, ChangeOutcome, Client, RolloutTarget, ToolHome,
    WebServiceFetchOptions, Written,
};
use toolforge_model::ToolName;
use toolforge_quota::Resource;
use toolforge_render::change::{Change, ChangeSet};
use toolforge_render::object::{Object, ObjectKind};
use toolforge_render::pod::RolloutProgress;
use toolforge_render::web_service::{
    StartTime, WebServiceFacts, WebServicePlan, web_service_changes, web_service_deletion,
    web_service_log_file, web_service_progress,
};
use toolforge_report::AppliedChange;

use super::facts::Planned;
use super::state::NamedTemplate;
use super::wait::{self, Waited};
use super::{facts, state};
use crate::arguments::Arguments;
use crate::invocation::Invocation;
use crate::{failures, fetch, report};

/// How often the objects are read again because somebody else has changed them meanwhile.
const TRIES: u32 = 3;

/// Starts the web service, or changes the one that runs; writes nothing where nothing differs.
pub(super) fn run(
    session: &Session,
    arguments: &Arguments,
    invocation: &Invocation,
) -> Result<ExitCode, Failure> {
    carry_out(session, (arguments, invocation), StartTime::WhereReplaced, |_| "Starting webservice")
}

/// Applies what the arguments ask for and waits until it is rolled out. If somebody else changes the web service meanwhile,
/// it is read again and planned again, so that neither change is lost.
pub(super) fn carry_out(
    session: &Session,
    (arguments, invocation): (&Arguments, &Invocation),
    start: fn(Timestamp) -> StartTime,
    announcement: fn(&WebServiceFacts) -> &'static str,
) -> Result<ExitCode, Failure> {
    // Standard input can be read only once.
    let template = state::template(session, arguments)?;
    // Another attempt replaces no pods that this command has started.
    let moment = start(Timestamp::now());
    let mut earlier: Vec<Written> = Vec::new();
    let mut tries = 0;
    loop {
        tries += 1;
        let (planned, set, facts) =
            planned(session, (arguments, invocation), template.as_ref(), moment, earlier.is_empty())
                .map_err(|failure| failures::after_writes(failure, &earlier))?;
        if tries == 1 {
            warn_of_unread(&facts.namespace.limits);
            facts::warn_of_lost_files(session, &planned);
        }
        let (facts, plan, set, earlier_writes) = (&facts, &planned.plan, &set, earlier.as_slice());
        let work = Work { session, arguments, invocation, facts, plan, set, earlier: earlier_writes };
        let announcement = (tries == 1).then(|| announcement(facts));
        match work.run(announcement, tries < TRIES)? {
            Ended::With(exit_code) => return Ok(exit_code),
            Ended::Outdated(written) => {
                earlier = written;
                anstream::eprintln!(
                    "note: somebody else changed the web service meanwhile; reading it again"
                );
            }
        }
    }
}

/// Returns the plan, the changes that it needs, which fit, and the facts that they are made from.
fn planned(
    session: &Session,
    (arguments, invocation): (&Arguments, &Invocation),
    template: Option<&NamedTemplate>,
    moment: StartTime,
    is_untouched: bool,
) -> Result<(Planned, ChangeSet, WebServiceFacts), Failure> {
    let facts = facts::settled(session)?;
    let planned = facts::plan_with(session, (arguments, invocation), &facts, template)?;
    let first = (web_service_changes(&planned.plan, &facts, moment), facts);
    let again = || {
        let facts = fetch::facts(session)?;
        Ok((web_service_changes(&planned.plan, &facts, moment), facts))
    };
    let (set, facts) = match arguments.dry_run {
        None => match wait_for_room(first, |(set, _)| set.terminating(), again)? {
            (set, _) if lacks_objects(&set) => again()?,
            settled => settled,
        },
        Some(_) => first,
    };
    facts::refuse_routing(&planned.plan, &facts)?;
    facts::check_requirements(session, &planned)
        .map_err(|error| failures::of_requirement(&error, invocation.action))?;
    facts::refuse_what_does_not_fit(&planned, &set, is_untouched)?;
    Ok((planned, set, facts))
}

/// Returns whether a quota has no room for objects other than pods. It may count those that somebody else has created after
/// they were looked for.
fn lacks_objects(set: &ChangeSet) -> bool {
    set.at_rest.shortfalls().any(|check| match &check.resource {
        Resource::Services => true,
        Resource::Count(counted) => counted != "pods",
        _ => false,
    })
}

/// How an attempt ended.
enum Ended {
    With(ExitCode),
    /// The objects have changed since they were read; these were written by this and earlier attempts.
    Outdated(Vec<Written>),
}

/// One attempt to apply a plan.
struct Work<'a> {
    session: &'a Session,
    arguments: &'a Arguments,
    invocation: &'a Invocation,
    facts: &'a WebServiceFacts,
    plan: &'a WebServicePlan,
    set: &'a ChangeSet,
    /// The objects that earlier attempts have written.
    earlier: &'a [Written],
}

impl Work<'_> {
    fn run(&self, announcement: Option<&str>, may_repeat: bool) -> Result<Ended, Failure> {
        let Self { session, arguments, facts, plan, set, .. } = *self;
        let type_name = plan.request().image.type_name();
        let format = arguments.output.output;
        let finish = |changes, ended| {
            report::finish(session, format, (set, changes), arguments.dry_run, ended).map(Ended::With)
        };
        if arguments.dry_run == Some(DryRunOption::Client) {
            note_rollout(set);
            print_for_people(&format!("{}nothing was sent (dry run)\n", report::change_lines(set)), format)?;
            return finish(planned_changes(set), Ok(ExitCode::Success));
        }
        let (runtime, client) = session.cluster()?;
        let tool = &session.tool;
        let log = self.log_mark();
        let is_unchanged = set.changes.iter().all(Change::is_keep);
        if is_unchanged
            && self.earlier.is_empty()
            && web_service_progress(&facts.live, None, Timestamp::now()) == RolloutProgress::Ready
        {
            state::remember(session, plan.request());
            print_for_people(&format!("Your webservice of type {type_name} is already running\n"), format)?;
            anstream::eprintln!("hint: To load changed files, type `webservice restart`.");
            runtime.block_on(note_page_error(client, tool, log.as_ref()));
            return finish(unchanged(set), Ok(ExitCode::Success));
        }
        if arguments.dry_run == Some(DryRunOption::Server) {
            let report = runtime.block_on(client.apply_changes(tool, set, ApplyOptions::dry_run()));
            let changes = applied_changes(&report);
            let ended = failures::of_apply(report, self.invocation.action).map_or(Ok(ExitCode::Success), Err);
            if ended.is_ok() {
                let text = format!(
                    "{}the cluster accepts it; nothing was stored (dry run)\n",
                    report::change_lines(set)
                );
                print_for_people(&text, format)?;
            }
            return finish(changes, ended);
        }
        if let Some(announcement) = announcement {
            print_for_people(&format!("{announcement}\n"), format)?;
        }
        note_rollout(set);
        if is_unchanged && self.earlier.is_empty() {
            anstream::eprintln!(
                "note: it was started before and is not ready; `webservice restart` loads changed files"
            );
        }
        if !facts.live.is_absent() && format == OutputFormat::Table {
            anstream::eprint!("{}", report::change_summary(set));
        }
        let applied = RefCell::new(None);
        let ended = runtime.block_on(async {
            tokio::select! {
                // The signal may have come before anything is sent.
                biased;
                signal = interrupted() => {
                    anstream::eprintln!("note: {}", self.interruption(applied.borrow().is_some()));
                    signal.map(Ended::With)
                }
                ended = self.apply(client, log.as_ref(), &applied, may_repeat) => ended,
            }
        });
        let changes = applied.take().unwrap_or_default();
        match ended {
            Ok(Ended::Outdated(written)) => Ok(Ended::Outdated(written)),
            Ok(Ended::With(ExitCode::Success)) => {
                let address = plan.url();
                let text = format!("Your webservice of type {type_name} is running at {address}\n");
                print_for_people(&text, format)?;
                runtime.block_on(note_page_error(client, tool, log.as_ref()));
                finish(changes, Ok(ExitCode::Success))
            }
            Ok(Ended::With(exit_code)) => finish(changes, Ok(exit_code)),
            Err(failure) => finish(changes, Err(failure)),
        }
    }

    async fn apply(
        &self,
        client: &Client,
        log: Option<&FileMark>,
        applied: &RefCell<Option<Vec<AppliedChange>>>,
        may_repeat: bool,
    ) -> Result<Ended, Failure> {
        let Self { session, invocation, facts, plan, set, .. } = *self;
        let tool = &session.tool;
        let mut report = client.apply_changes(tool, set, ApplyOptions::default()).await;
        let last_written = report.last_written(ObjectKind::Deployment).map(RolloutTarget::from);
        if let Some(change) = report.changes.first_mut() {
            let is_again = |written: &Written| {
                change.written.iter().any(|again| (&again.id, again.kind) == (&written.id, written.kind))
            };
            let earlier: Vec<Written> =
                self.earlier.iter().filter(|written| !is_again(written)).cloned().collect();
            change.written.splice(0..0, earlier);
        }
        if may_repeat && is_outdated(&report) {
            return Ok(Ended::Outdated(
                report.changes.into_iter().flat_map(|change| change.written).collect(),
            ));
        }
        applied.replace(Some(applied_changes(&report)));
        let current = facts.live.deployment.as_ref().map(|deployment| &deployment.metadata);
        let target = last_written.or_else(|| current.map(RolloutTarget::from));
        let target = target.unwrap_or_default();
        // An object that is created has the first generation.
        if current.is_none() && target.generation.is_some_and(|generation| generation > 1) {
            anstream::eprintln!(
                "note: somebody else started the web service at the same time; it now is as this command asks"
            );
        }
        let all: Vec<Written> = report.changes.iter().flat_map(|change| change.written.clone()).collect();
        failures::of_apply(report, invocation.action).map_or(Ok(()), Err)?;
        // Before the wait, which a person may interrupt.
        state::remember(session, plan.request());
        let waited = wait::until_ready(client, plan, &target, log).await;
        match waited.map_err(|failure| failures::of_wait(failure, &all))? {
            Waited::Ready => Ok(Ended::With(ExitCode::Success)),
            Waited::Deleted => {
                delete_remainder(client, tool, &all).await?;
                Err(Failure::new(ExitCode::Rollout, "the web service was stopped by somebody else meanwhile")
                    .hint(format!("`webservice {}` starts it again.", invocation.action.as_str())))
            }
        }
    }

    /// Returns the end of the log file of the planned type.
    fn log_mark(&self) -> Option<FileMark> {
        let planned = self.set.changes.iter().flat_map(|change| &change.steps).find_map(|step| {
            match step.wanted.as_ref()? {
                Object::Deployment(deployment) => web_service_log_file(deployment),
                _ => None,
            }
        });
        let home = self.session.home.as_ref().map(ToolHome::path)?;
        Some(FileMark::of(home.join(planned?)))
    }

    fn interruption(&self, is_applied: bool) -> String {
        let action = self.invocation.action.as_str();
        if is_applied {
            "the web service continues to start; `webservice status` shows its state".to_owned()
        } else {
            format!("interrupted while objects were written; `webservice {action}` again does the rest")
        }
    }
}

/// Returns whether a change failed because somebody else changed objects since they were read.
fn is_outdated(report: &ApplyReport<'_>) -> bool {
    report.changes.iter().any(
        |change| matches!(&change.outcome, ChangeOutcome::Failed(error) if ApplyError::is_outdated(error)),
    )
}

/// Deletes what this command wrote of a web service that was stopped meanwhile.
async fn delete_remainder(client: &Client, tool: &ToolName, written: &[Written]) -> Result<(), Failure> {
    let mut wanted = WebServiceFetchOptions::default();
    wanted.deployment = true;
    wanted.service = true;
    wanted.routes = true;
    let live = client.fetch_web_service(tool, wanted).await?.live;
    if live.deployment.is_some() {
        return Ok(());
    }
    let mut set = web_service_deletion(tool, &live);
    let own = |id| written.iter().any(|written| written.id == id);
    set.changes.iter_mut().for_each(|change| change.steps.retain(|step| own(step.id.clone())));
    let report = client.apply_changes(tool, &set, ApplyOptions::default()).await;
    Ok(report.into_result().map(|_| ())?)
}

/// Warns of a page that is an error of the server, with the last lines of the type's log file.
async fn note_page_error(client: &Client, tool: &ToolName, log: Option<&FileMark>) {
    let code = tokio::select! {
        code = client.page_error(tool) => code,
        _ = interrupted() => return,
    };
    let Some(code) = code else { return };
    anstream::eprintln!("warning: it is running, but its page / answers with the HTTP status {code}");
    if let Some((title, lines)) = log.and_then(wait::log_lines) {
        anstream::eprintln!("  {title}");
        lines.lines().for_each(|line| anstream::eprintln!("  {line}"));
    }
    anstream::eprintln!("\nhint: Fix the error, then type `webservice restart`, which loads changed files.");
}

fn note_rollout(set: &ChangeSet) {
    if let Some(note) = rollout_note(set) {
        anstream::eprintln!("note: {note}");
    }
}
