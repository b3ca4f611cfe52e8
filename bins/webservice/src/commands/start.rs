use std::cell::RefCell;

use k8s_openapi::jiff::Timestamp;
use toolforge_cli::{
    DryRunOption, ExitCode, Failure, FileMark, Interruption, Notice, ProgressLine, RunConflicts, Session,
    applied_changes, interrupted, planned_changes, print_for_people, print_message, quota_wait_line,
    rollout_note, unchanged, warn_of_unread,
};
use toolforge_client::{
    ApplyEvent, ApplyOptions, Attempt, Client, PageError, Planner, RolloutTarget, StartPlan,
    StartedWebService, ToolHome, Written,
};
use toolforge_model::ToolName;
use toolforge_render::change::{Change, ChangeSet};
use toolforge_render::job::JobFacts;
use toolforge_render::object::Object;
use toolforge_render::pod::RolloutProgress;
use toolforge_render::web_service::{
    LiveWebService, StartTime, WebServiceFacts, web_service_changes, web_service_log_file,
    web_service_progress,
};
use toolforge_report::AppliedChange;

use super::config_files::NamedTemplate;
use super::facts::Planned;
use super::plan::warn_of_failing;
use super::wait::{self, RolloutWait};
use super::{config_files, facts};
use crate::arguments::Arguments;
use crate::invocation::Invocation;
use crate::{failures, fetch, report};

/// Starts the web service, or changes the one that runs; writes nothing where nothing differs.
pub(super) fn run(
    session: &Session,
    arguments: &Arguments,
    invocation: &Invocation,
) -> Result<ExitCode, Failure> {
    apply(session, (arguments, invocation), StartTime::WhereReplaced, |_| "Starting webservice")
}

/// Applies the arguments and waits until the change is rolled out. If somebody else changes the web service in the meantime,
/// it is read and planned again, so that neither change is lost.
pub(super) fn apply(
    session: &Session,
    (arguments, invocation): (&Arguments, &Invocation),
    start: fn(Timestamp) -> StartTime,
    announcement: fn(&WebServiceFacts) -> &'static str,
) -> Result<ExitCode, Failure> {
    let start = Start {
        session,
        arguments,
        invocation,
        // Standard input can be read only once.
        template: config_files::template(session, arguments)?,
        // Another attempt does not replace pods that this command has started.
        moment: start(Timestamp::now()),
        announcement,
        line: RefCell::new(ProgressLine::new()),
        log: RefCell::default(),
        signal: Interruption::default(),
    };
    if arguments.dry_run == Some(DryRunOption::Client) {
        return start.dry_run();
    }
    let (runtime, client) = match session.cluster_to_change() {
        Ok(cluster) => cluster,
        Err(failure) => return Err(start.plan_only().err().unwrap_or(failure)),
    };
    let applied = runtime.block_on(start.apply(client))?;
    let ended = runtime.block_on(start.until_ready(client, &applied));
    if matches!(ended, Ok(ExitCode::Success)) && arguments.dry_run.is_none() {
        runtime.block_on(note_page_error(client, &session.tool, start.log.borrow().as_ref()));
    }
    let Applied { planned, changes, is_running, .. } = applied;
    if is_running && arguments.dry_run.is_none() {
        warn_of_failing(session, &planned.facts);
    }
    start.finish(&planned, changes, ended)
}

/// A start that is planned.
struct PlannedStart {
    plan: Planned,
    set: ChangeSet,
    facts: WebServiceFacts,
    jobs: JobFacts,
}

impl AsRef<ChangeSet> for PlannedStart {
    fn as_ref(&self) -> &ChangeSet {
        &self.set
    }
}

impl AsMut<ChangeSet> for PlannedStart {
    fn as_mut(&mut self) -> &mut ChangeSet {
        &mut self.set
    }
}

impl StartPlan for PlannedStart {
    fn live(&self) -> &LiveWebService {
        &self.facts.live
    }
}

impl PlannedStart {
    /// Warns of scheduled runs that no longer fit.
    fn warn_of_conflicts(&self) {
        RunConflicts::of(&self.set, &[], &self.jobs, Timestamp::now(), &[]).print_warning();
    }

    /// Returns whether nothing differs, and every pod is ready.
    fn is_running(&self) -> bool {
        self.set.changes.iter().all(Change::is_keep)
            && web_service_progress(&self.facts.live, None, Timestamp::now()) == RolloutProgress::Ready
    }
}

/// A start whose changes were applied, or some of which failed.
struct Applied {
    planned: PlannedStart,
    changes: Vec<AppliedChange>,
    failure: Option<Failure>,
    /// Whether nothing had to be written, and every pod is ready.
    is_running: bool,
    /// The objects that were written.
    written: Vec<Written>,
    /// The Deployment whose rollout is waited for.
    target: RolloutTarget,
    /// Whether somebody else started or stopped the web service at the same time, and may have deleted the objects that were found.
    is_contested: bool,
}

/// Starts or restarts the web service.
struct Start<'a> {
    session: &'a Session,
    arguments: &'a Arguments,
    invocation: &'a Invocation,
    template: Option<NamedTemplate>,
    moment: StartTime,
    announcement: fn(&WebServiceFacts) -> &'static str,
    line: RefCell<ProgressLine>,
    /// The end of the type's log file before the changes.
    log: RefCell<Option<FileMark>>,
    /// The signal that has interrupted the changes.
    signal: Interruption,
}

impl Planner for Start<'_> {
    type Plan = PlannedStart;
    type Error = Failure;

    async fn plan(&self, attempt: &Attempt) -> Result<PlannedStart, Failure> {
        let Self { session, arguments, invocation, .. } = *self;
        let plan = async {
            let (facts, jobs) = fetch::facts_to_write(session).await?;
            let mut notes = Vec::new();
            let template = self.template.as_ref();
            let plan = facts::plan_with(session, (arguments, invocation), &facts, template, &mut notes);
            if attempt.is_first_plan() {
                notes.into_iter().for_each(Notice::print);
            }
            let plan = plan?;
            let set = web_service_changes(&plan.plan, &facts, self.moment);
            Ok(PlannedStart { plan, set, facts, jobs })
        };
        plan.await.map_err(|failure| failures::after_writes(failure, attempt))
    }

    fn check(&self, planned: &PlannedStart, attempt: &Attempt) -> Result<(), Failure> {
        self.line.borrow_mut().clear();
        self.refuse(planned, attempt).map_err(|failure| failures::after_writes(failure, attempt))?;
        if attempt.is_first() {
            warn_of_unread(&planned.facts.namespace.limits);
            facts::warn_of_lost_files(self.session, &planned.plan);
            planned.warn_of_conflicts();
            self.log.replace(self.log_mark(&planned.set));
        }
        if self.arguments.dry_run.is_none() { self.announce(planned, attempt) } else { Ok(()) }
    }

    async fn interrupted(&self) {
        self.signal.wait().await;
    }

    fn interruption(&self, attempt: &Attempt) -> Failure {
        failures::after_writes(self.signal.failure(), attempt)
    }

    fn event(&self, event: ApplyEvent<'_>) {
        match event {
            ApplyEvent::WaitingForQuota(set) => {
                self.line.borrow_mut().show(&quota_wait_line(set.terminating()));
            }
            ApplyEvent::Outdated => {
                Notice::note("the web service or the quota has changed; reading them again").print();
            }
            _ => {}
        }
    }
}

impl Start<'_> {
    fn finish(
        &self,
        planned: &PlannedStart,
        changes: Vec<AppliedChange>,
        ended: Result<ExitCode, Failure>,
    ) -> Result<ExitCode, Failure> {
        let Self { session, arguments, .. } = self;
        let format = arguments.output.of_document();
        report::finish(session, format, (&planned.set, changes), arguments.dry_run, ended)
    }

    /// Refuses a plan that cannot be applied.
    fn refuse(&self, planned: &PlannedStart, attempt: &Attempt) -> Result<(), Failure> {
        let PlannedStart { plan, set, facts, jobs: _ } = planned;
        facts::refuse_routing(&plan.plan, facts)?;
        facts::check_requirements(self.session, plan)
            .map_err(|error| failures::of_requirement(&error, self.invocation.action))?;
        facts::refuse_what_does_not_fit(plan, set, (facts, self.moment), attempt)
    }

    /// Returns the plan of a start that sends nothing.
    fn plan_only(&self) -> Result<PlannedStart, Failure> {
        let attempt = Attempt::default();
        let planned = self.session.block_on(self.plan(&attempt))??;
        self.refuse(&planned, &attempt)?;
        Ok(planned)
    }

    /// Shows what would be changed; nothing is sent.
    fn dry_run(&self) -> Result<ExitCode, Failure> {
        let planned = self.plan_only()?;
        warn_of_unread(&planned.facts.namespace.limits);
        facts::warn_of_lost_files(self.session, &planned.plan);
        planned.warn_of_conflicts();
        let set = &planned.set;
        note_rollout(set);
        let text = format!("{}nothing was sent (dry run)\n", report::change_lines(set));
        print_for_people(&text, self.arguments.output.of_document())?;
        self.finish(&planned, planned_changes(set), Ok(ExitCode::Success))
    }

    /// Prints the planned change.
    fn announce(&self, planned: &PlannedStart, attempt: &Attempt) -> Result<(), Failure> {
        let PlannedStart { set, facts, .. } = planned;
        let is_untouched = attempt.written().next().is_none();
        if is_untouched && planned.is_running() {
            return Ok(());
        }
        let format = self.arguments.output.of_document();
        if attempt.is_first() {
            print_for_people(&format!("{}\n", (self.announcement)(facts)), format)?;
        }
        note_rollout(set);
        if is_untouched && set.changes.iter().all(Change::is_keep) {
            Notice::note("it was already started but is not ready; `webservice restart` loads changed files")
                .print();
        }
        if !facts.live.is_absent() {
            report::change_summary(set).lines().for_each(print_message);
        }
        Ok(())
    }

    /// Plans and applies the changes.
    async fn apply(&self, client: &Client) -> Result<Applied, Failure> {
        let Self { session, arguments, invocation, .. } = *self;
        let options =
            if arguments.dry_run.is_some() { ApplyOptions::dry_run() } else { ApplyOptions::default() };
        let started = client.start_web_service(&session.tool, options, self).await?;
        let StartedWebService {
            plan: planned,
            report,
            target,
            applied_to_concurrent_start,
            is_contested,
            ..
        } = started;
        let written: Vec<Written> = report.changes.iter().flat_map(|change| change.written.clone()).collect();
        if applied_to_concurrent_start {
            Notice::note(
                "somebody else started the web service at the same time; this command's settings were applied",
            )
            .print();
        }
        let is_running = written.is_empty() && planned.is_running();
        let changes = if is_running { unchanged(&planned.set) } else { applied_changes(&report) };
        let failure = failures::of_apply(report, invocation.action);
        Ok(Applied { planned, changes, failure, is_running, written, target, is_contested })
    }

    /// Re-creates objects, other than the ready Deployment, that somebody else has deleted.
    async fn complete(&self, client: &Client, target: &RolloutTarget) -> Result<(), Failure> {
        match client.complete_web_service(&self.session.tool, self, target).await? {
            Some(report) => failures::of_apply(report, self.invocation.action).map_or(Ok(()), Err),
            None => Err(self.stopped()),
        }
    }

    /// Returns the failure of a start that somebody else has ended.
    fn stopped(&self) -> Failure {
        let action = self.invocation.action.as_str();
        Failure::new(ExitCode::Rollout, "somebody else stopped the web service in the meantime")
            .hint(format!("`webservice {action}` starts it again."))
    }

    /// Waits until an applied start is rolled out.
    async fn until_ready(&self, client: &Client, applied: &Applied) -> Result<ExitCode, Failure> {
        let Self { session, arguments, invocation, .. } = *self;
        let Applied { planned, failure, is_running, written, target, is_contested, changes: _ } = applied;
        if let Some(failure) = failure {
            return Err(failure.clone());
        }
        let action = invocation.action.as_str();
        if let Some(signal) = self.signal.exit_code() {
            Notice::note(format!(
                "interrupted while objects were written; run `webservice {action}` again to finish"
            ))
            .print();
            return Ok(signal);
        }
        let (format, plan) = (arguments.output.of_document(), &planned.plan.plan);
        let type_name = plan.request().image.type_name();
        if arguments.dry_run.is_none() {
            // Before the wait, which a person may interrupt.
            config_files::remember(session, plan.request());
        }
        if *is_running {
            print_for_people(&format!("Your webservice of type {type_name} is already running\n"), format)?;
            Notice::hint("To load changed files, run `webservice restart`.").print();
            return Ok(ExitCode::Success);
        }
        if arguments.dry_run.is_some() {
            let lines = report::change_lines(&planned.set);
            let text = format!("{lines}the cluster accepts it; nothing was stored (dry run)\n");
            print_for_people(&text, format)?;
            return Ok(ExitCode::Success);
        }
        let log = self.log.borrow().clone();
        let waited = tokio::select! {
            // The signal may have come before the wait.
            biased;
            signal = interrupted() => {
                Notice::note("the web service continues to start; `webservice status` shows its state").print();
                return signal;
            }
            waited = wait::until_ready(client, plan, target, log.as_ref()) => {
                waited.map_err(|failure| failures::of_wait(failure, written))?
            }
        };
        match waited {
            RolloutWait::Ready => {
                if *is_contested {
                    self.complete(client, target).await?;
                }
                let text = format!("Your webservice of type {type_name} is running at {}\n", plan.url());
                print_for_people(&text, format)?;
                Ok(ExitCode::Success)
            }
            RolloutWait::Deleted => {
                client.delete_remainder(&session.tool, written).await?;
                Err(self.stopped())
            }
        }
    }

    /// Returns the end of the log file of the planned type.
    fn log_mark(&self, set: &ChangeSet) -> Option<FileMark> {
        let planned = set.changes.iter().flat_map(|change| &change.steps).find_map(|step| {
            match step.wanted.as_ref()? {
                Object::Deployment(deployment) => web_service_log_file(deployment),
                _ => None,
            }
        });
        let home = self.session.home.as_ref().map(ToolHome::path)?;
        Some(FileMark::of(home.join(planned?)))
    }
}

/// Warns of a page that is an error of the server or does not answer, with the last lines of the type's log file.
async fn note_page_error(client: &Client, tool: &ToolName, log: Option<&FileMark>) {
    let error = tokio::select! {
        error = client.page_error(tool) => error,
        _ = interrupted() => return,
    };
    let what = match error {
        None => return,
        Some(PageError::Status(code)) => format!("returns HTTP status {code}"),
        Some(_) => "has not answered within 5 seconds".to_owned(),
    };
    let mut warning = Notice::warning(format!("the web service is running, but / {what}"));
    if let Some(last) = log.and_then(FileMark::last_lines) {
        warning = warning.last_lines(&last);
    }
    warning.with_hint("Fix the error, then run `webservice restart`, which loads changed files.").print();
}

fn note_rollout(set: &ChangeSet) {
    if let Some(note) = rollout_note(set) {
        Notice::note(note).print();
    }
}
