use k8s_openapi::jiff::Timestamp;
use toolforge_cli::{
    ExitCode, Failure, Notice, RunConflicts, Session, SizeForm, adjustments_hint, is_helped_by_more_quota,
    print, print_text, warn_of_missing_kinds, warn_of_unread,
};
use toolforge_client::JobFetchOptions;
use toolforge_render::change::Adjustment;
use toolforge_render::job::LoadPlan;

use super::{facts, load};
use crate::arguments::{Arguments, JobsFormat, PlanArguments};
use crate::failures;
use crate::report::{self, LoadRestarts};

/// Says what `load` would change, and whether it fits.
pub(super) fn run(
    session: &Session,
    arguments: &Arguments,
    options: &PlanArguments,
) -> Result<ExitCode, Failure> {
    let file = load::read(session, &options.file)?;
    let mut facts = facts::facts(session, JobFetchOptions::for_plan())?;
    if let Some(profile) = options.quota.clone() {
        facts.namespace.limits = facts.namespace.limits.with_profile(profile);
    }
    let plan = load::planned(&file, &options.file, &facts, options.adopt, Vec::new());
    warn_of_unread(&facts.namespace.limits);
    warn_of_missing_kinds(&plan.set, &facts);
    let now = Timestamp::now();
    let never_fitting: Vec<&str> = plan.never_fitting().collect();
    let conflicts = RunConflicts::of(&plan.set, &plan.plans, &facts, now, &never_fitting);
    load::print_notes(session, &plan, &conflicts);
    let nearest = load::adjustments(&plan, &file, &options.file, &facts, options.adopt);
    // The plan says what does not fit.
    let is_shown = arguments.output != JobsFormat::Name;
    if arguments.output == JobsFormat::Name {
        let names: String = plan.set.pending().map(|change| format!("{}\n", change.name)).collect();
        print_text(&names)?;
    } else {
        let restarts = LoadRestarts::of(&plan, &facts, now);
        let document =
            report::plan(&plan, &conflicts, &restarts, &nearest, Some((&options.file.file, &file.jobs)))?;
        print(&document, arguments.output.of_document())?;
    }
    load::warn_of_jobs_that_do_not_run(session, &facts, &plan);
    if !plan.problems.is_empty() {
        let has_sizes = !nearest.is_empty();
        let failure =
            failures::of_problems(&plan, &file.jobs, &options.file.file, &facts.namespace, has_sizes);
        let fits = plan.fits() && plan.never_fitting().next().is_none();
        return Err(match (fits, is_shown) {
            (true, _) => failure,
            (false, true) => hint(&plan, &nearest, is_shown).into_iter().fold(failure, Failure::hint),
            (false, false) => {
                report::with_planned(failure, &plan, adjustments_hint(&nearest, SizeForm::Keys))
            }
        });
    }
    if plan.set.fits_if_known() == Some(false) {
        if let Some(hint) = hint(&plan, &nearest, is_shown) {
            Notice::hint(hint).start_paragraph().print();
        }
        return Ok(ExitCode::DoesNotFit);
    }
    let changes = plan.set.pending().next().is_some();
    Ok(if changes && options.exit_code { ExitCode::Failed } else { ExitCode::Success })
}

/// Returns what to do about a plan that does not fit; the nearest sizes may be shown already.
fn hint(plan: &LoadPlan, nearest: &[Adjustment], is_shown: bool) -> Option<String> {
    let is_shown = is_shown && !nearest.is_empty();
    let with_sizes = || (is_shown && is_helped_by_more_quota(&plan.set)).then(report::more_quota);
    let sizes = || adjustments_hint(nearest, SizeForm::Keys).filter(|_| !is_shown);
    report::wait_hint(&plan.set).or_else(with_sizes).or_else(|| report::fit_hint(plan, sizes()))
}
