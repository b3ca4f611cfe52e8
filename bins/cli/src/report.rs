//! Parts of reports that several programs print, from the libraries' types.

use std::collections::BTreeSet;

use k8s_openapi::api::apps::v1::ReplicaSet;
use k8s_openapi::api::core::v1::Event;
use toolforge_client::{ResourceType, Unread};
use toolforge_images::{Catalog, ImageType as CatalogType, WebImage, contents};
use toolforge_model::{JobImage, ToolName, Untrusted};
use toolforge_quota::{
    Amounts, Bounds, ComputeResource, LimitRange as QuotaLimitRange, LimitViolation, Limits, QuotaMark,
    QuotaNote, Resource, ResourceCheck, ResourceQuota, TerminatingPod, WaitingPods,
};
use toolforge_render::change::{Change, ChangeSet, ResourceForecast, Workload};
use toolforge_render::jiff::Timestamp;
use toolforge_render::object::{Difference as ObjectDifference, ObjectKind};
use toolforge_render::pod::{self, Evidence};
use toolforge_report::{
    Cause, CauseCode, ContainerLimits, Difference, Downtime, ExitCode, ImageState, ImageType,
    LastTermination, LimitRange, Quota, QuotaNote as Note, QuotaReport, QuotaRow, QuotaState, ResourceUsage,
    Rollout, Runner, TerminationCode, Violation, ViolationCode, WorkloadType,
};

use crate::notice::Notice;

/// The percentage of a limit from which a resource is near it, unless another one is requested.
pub const NEAR_PERCENT: u64 = 80;

/// Returns why something does not run.
#[must_use]
pub fn cause(Evidence { cause, object, message, .. }: &Evidence) -> Cause {
    Cause {
        code: CauseCode::from_code(cause.code()),
        message: cause.to_string(),
        object_kind: Untrusted::new(object.kind.as_str()),
        name: Untrusted::new(object.name.as_str()),
        cluster_message: message.clone(),
    }
}

/// Returns the last termination of a container.
#[must_use]
pub fn last_termination(last: &pod::LastTermination) -> LastTermination {
    let pod::LastTermination { pod, exit_code, reason, finished, .. } = last;
    LastTermination {
        pod: pod.clone(),
        code: TerminationCode::from_code(last.kind().code()),
        exit_code: *exit_code,
        reason: reason.clone(),
        finished: finished.map(|time| time.to_string()),
        message: last.to_string(),
    }
}

/// Returns the quotas and limits of a namespace.
#[must_use]
pub fn quota_report(tool: &ToolName, limits: &Limits) -> QuotaReport {
    QuotaReport {
        tool: tool.clone(),
        quotas: limits.quotas.iter().map(|quota| quota_usage(quota, NEAR_PERCENT)).collect(),
        limits: limits.limit_ranges.iter().map(limit_range).collect(),
        unread: limits.unread.iter().map(|kind| kind.as_str().to_owned()).collect(),
        workloads: None,
        blocked: None,
        runs: None,
    }
}

/// Prints a warning for each kind of limits that the cluster did not let the user read, and for each limit of a quota that is
/// not a quantity. Returns the exit code of a result without those kinds.
pub fn warn_of_unread(limits: &Limits) -> ExitCode {
    for kind in &limits.unread {
        Notice::warning(format!("the cluster does not let you read {kind} objects, so they are left out"))
            .print();
    }
    for quota in &limits.quotas {
        for resource in quota.hard.keys().chain(quota.notes.keys()).collect::<BTreeSet<_>>() {
            if quota.mark(resource) == Some(QuotaMark::Unreadable) {
                let [resource, name] = [resource.to_string(), quota.name.clone()].map(Untrusted::new);
                Notice::warning(format!(
                    "the limit of {} in quota {} is not a quantity, so nothing is checked against it",
                    resource.escaped(),
                    name.escaped()
                ))
                .print();
            }
        }
    }
    if limits.unread.is_empty() { ExitCode::Success } else { ExitCode::Partial }
}

/// Prints a warning for each kind of objects that the cluster did not let the user read. Returns the exit code of a result
/// without them: it is complete if only reasons are missing.
pub fn warn_of_unread_kinds(unread: &[Unread]) -> ExitCode {
    let mut exit_code = ExitCode::Success;
    for found in unread {
        let Unread { resource, verb, .. } = found;
        let has_reasons = [ResourceType::of::<Event>(), ResourceType::of::<ReplicaSet>()].contains(resource);
        let missing = match found.object_kind() {
            _ if has_reasons => "so causes may be missing",
            Some(ObjectKind::Pod) => "so states may be incomplete",
            Some(ObjectKind::Service | ObjectKind::Ingress | ObjectKind::HttpRoute) => {
                "so addresses may be missing"
            }
            _ => "so they are left out",
        };
        if !has_reasons {
            exit_code = ExitCode::Partial;
        }
        let verb = verb.as_str();
        Notice::warning(format!("the cluster does not let you {verb} {resource}, {missing}")).print();
    }
    exit_code
}

/// Returns how often containers were restarted, and how the last one terminated before.
#[must_use]
pub fn restarts_text(count: u32, last: Option<&pod::LastTermination>) -> String {
    let times = if count == 1 { "once".to_owned() } else { format!("{count} times") };
    let last = last.map(|last| format!(", last {last}")).unwrap_or_default();
    format!("restarted {times}{last}")
}

/// Returns the resources of a quota with their usage; those with at least this percentage used are near their limit.
#[must_use]
pub fn quota_usage(quota: &ResourceQuota, near_percent: u64) -> Quota {
    let resources: BTreeSet<&Resource> = quota.hard.keys().chain(quota.notes.keys()).collect();
    let usage = |resource: &Resource| {
        let (hard, used) = (quota.hard.get(resource), quota.used(resource));
        let note = quota.notes.get(resource);
        let exact = |text: fn(&QuotaNote) -> &Option<String>| note.and_then(|note| text(note).clone());
        let mark = quota.mark(resource);
        let state = match (hard, mark) {
            (None, _) | (_, Some(QuotaMark::NotCountedYet | QuotaMark::Unreadable)) => QuotaState::Unknown,
            (Some(hard), _) => quota_state(used, *hard, near_percent),
        };
        ResourceUsage {
            resource: resource.to_string(),
            hard: exact(|note| &note.exact_hard)
                .unwrap_or_else(|| hard.map(|hard| resource.amount(*hard)).unwrap_or_default()),
            used: exact(|note| &note.exact_used).unwrap_or_else(|| resource.amount(used)),
            state,
            note: mark.map(quota_note),
            pending: exact(|note| &note.pending),
        }
    };
    Quota {
        name: quota.name.clone(),
        scopes: quota.scopes.iter().map(ToString::to_string).collect(),
        resources: resources.into_iter().map(usage).collect(),
    }
}

fn quota_note(mark: QuotaMark) -> Note {
    Note::from_code(mark.as_str())
}

fn quota_state(used: u64, hard: u64, near_percent: u64) -> QuotaState {
    match hard {
        _ if used > hard => QuotaState::Over,
        0 => QuotaState::NotAllowed,
        _ if used == hard => QuotaState::Blocked,
        _ if u128::from(used) * 100 >= u128::from(hard) * u128::from(near_percent) => QuotaState::Near,
        _ => QuotaState::Ok,
    }
}

fn limit_range(range: &QuotaLimitRange) -> LimitRange {
    let none = Amounts::default();
    let mut container = bounds(&range.default, &range.default_request, &range.container);
    // The platform's LimitRange has both; a missing row would read as an unlimited resource.
    for resource in [ComputeResource::Cpu, ComputeResource::Memory].map(|resource| resource.key()) {
        if !container.iter().any(|row| row.resource == resource) {
            container.push(ContainerLimits { resource, ..no_limits() });
        }
    }
    LimitRange {
        name: range.name.clone(),
        container,
        pod: bounds(&none, &none, &range.pod),
        claim: bounds(&none, &none, &range.claim),
        unreadable: range.unreadable.clone(),
    }
}

fn no_limits() -> ContainerLimits {
    ContainerLimits {
        resource: String::new(),
        default: None,
        default_request: None,
        min: None,
        max: None,
        max_limit_request_ratio: None,
    }
}

/// Returns a row for each resource that is bound or has a default.
fn bounds(default: &Amounts, default_request: &Amounts, bounds: &Bounds) -> Vec<ContainerLimits> {
    let Bounds { max, min, max_limit_request_ratio } = bounds;
    let stated =
        [default, default_request, max, min].map(|amounts| amounts.iter().map(|(resource, _)| resource));
    let resources: BTreeSet<&ComputeResource> =
        stated.into_iter().flatten().chain(max_limit_request_ratio.keys()).collect();
    let row = |resource: &ComputeResource| {
        let text = |amounts: &Amounts| amounts.get(resource).map(|amount| resource.amount(amount));
        ContainerLimits {
            resource: resource.key(),
            default: text(default),
            default_request: text(default_request),
            min: text(min),
            max: text(max),
            max_limit_request_ratio: max_limit_request_ratio.get(resource).map(ToString::to_string),
        }
    };
    resources.into_iter().map(row).collect()
}

/// Returns the rows of a table of a quota's resources, with amounts for people, and a name that can be printed.
#[must_use]
pub fn forecast_cells(forecast: &ResourceForecast<'_>) -> [String; 6] {
    let check = forecast.at_rest;
    let (limit, [used, after, peak]) =
        check.resource.short_amounts(check.hard, [check.used, check.after, forecast.peak]);
    let verdict = match forecast.fits() {
        // The API server checks only objects that are created.
        true if check.refuses_missing_pods() => "too much",
        true if check.after > check.hard => "over; nothing added",
        true if !forecast.fits_with_retries() => "fits without retries",
        true if check.creates && check.mark == Some(QuotaMark::NotCountedYet) => "not known",
        true => "fits",
        false => "too much",
    };
    let note = match check.mark {
        Some(QuotaMark::NotCountedYet) => "; usage not counted yet",
        Some(QuotaMark::Pending) => "; a new limit is pending",
        Some(QuotaMark::Unreadable | QuotaMark::NotCounted | QuotaMark::Rounded) | None => "",
    };
    let resource = Untrusted::new(check.resource.to_string()).escaped().to_string();
    [resource, limit, used, after, peak, format!("{verdict}{note}")]
}

/// Returns an image type of a catalog.
#[must_use]
pub fn image_type(catalog: &Catalog, found: &CatalogType) -> ImageType {
    let web = found.web.as_ref();
    // The repository matters only for images of the build service.
    let job = catalog.job_image(&JobImage::Type(found.name.clone()), "").ok();
    ImageType {
        name: found.name.clone(),
        aliases: found.aliases.clone(),
        state: ImageState::from_code(found.state.as_str()),
        replacement: catalog.replacement(&found.name).map(|found| found.name.clone()),
        contents: contents(&found.name),
        web_image: web.map(WebImage::reference),
        runner: web.map(|web| Runner::from_code(web.runner.as_str())),
        default_cpu: web.map(|web| web.default_cpu.to_string()),
        default_memory: web.map(|web| web.default_memory.to_string()),
        job_image: job.map(|image| image.reference),
    }
}

/// Returns the checks of a change set's quotas, at rest and at the peak.
pub fn quota_rows(set: &ChangeSet) -> Vec<QuotaRow> {
    set.forecast().map(|forecast| quota_row(&forecast)).collect()
}

/// Returns the check of a resource of a quota, at rest and at the peak.
pub(crate) fn quota_row(forecast: &ResourceForecast<'_>) -> QuotaRow {
    let peak = forecast.at_rest.resource.amount(forecast.peak);
    let fits = forecast.fits() && !forecast.at_rest.refuses_missing_pods();
    QuotaRow { peak, fits, ..quota_row_at_rest(forecast.at_rest) }
}

/// Returns the check of a resource of a quota whose peak is the usage after the change.
pub(crate) fn quota_row_at_rest(check: &ResourceCheck) -> QuotaRow {
    let amount = |amount| check.resource.amount(amount);
    QuotaRow {
        quota: check.quota.clone(),
        resource: check.resource.to_string(),
        hard: amount(check.hard),
        used: amount(check.used),
        after: amount(check.after),
        peak: amount(check.after),
        fits: check.fits() && !check.refuses_missing_pods(),
        note: check.mark.map(quota_note),
    }
}

/// Returns the limits that a change set breaks.
pub fn violations(set: &ChangeSet) -> Vec<Violation> {
    let found = set.at_rest.violations().iter();
    found
        .map(|found| {
            violation(found, set.change_of(found).map(|change| WorkloadName::of(&change.workload())))
        })
        .collect()
}

/// A workload by its name in documents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkloadName {
    /// Type of the workload.
    pub r#type: WorkloadType,
    /// Kind of its object, if there is one.
    pub object_kind: Option<Untrusted>,
    /// Name of the job or the object; for a web service, that of the tool.
    pub name: Untrusted,
}

impl WorkloadName {
    /// Returns the name of a workload of a change.
    #[must_use]
    pub fn of(Workload { kind, object_kind, name, .. }: &Workload) -> Self {
        Self {
            r#type: WorkloadType::from_code(kind.as_str()),
            object_kind: object_kind.as_deref().map(Untrusted::new),
            name: Untrusted::new(name.as_str()),
        }
    }
}

/// Returns a limit that a container of a workload exceeds.
pub(crate) fn violation(violation: &LimitViolation, workload: Option<WorkloadName>) -> Violation {
    let (r#type, object_kind, name) = match workload {
        Some(WorkloadName { r#type, object_kind, name }) => (Some(r#type), object_kind, Some(name)),
        None => (None, None, None),
    };
    Violation {
        code: ViolationCode::from_code(violation.kind.code()),
        r#type,
        object_kind,
        name,
        limit_range: violation.limit_range.clone(),
        quota: violation.quota.clone(),
        resource: violation.resource.key(),
        message: violation.message(),
    }
}

/// Returns a field that differs.
#[must_use]
pub fn difference(difference: &ObjectDifference) -> Difference {
    let ObjectDifference { path, live, wanted, key, .. } = difference;
    Difference {
        key: key.map(|key| key.as_str().to_owned()),
        path: path.pointer(),
        live: live.clone(),
        wanted: wanted.clone(),
    }
}

/// Returns how the pods of a change are replaced.
#[must_use]
pub fn rollout(change: &Change) -> Option<Rollout> {
    change.rollout.map(|rollout| Rollout::from_code(rollout.as_str()))
}

/// Returns when no pod of a change runs.
#[must_use]
pub fn downtime(change: &Change) -> Option<Downtime> {
    change.downtime.map(|downtime| Downtime::from_code(downtime.as_str()))
}

/// Returns a line that says that the pods that an object is about to create count as used.
#[must_use]
pub fn waiting_line(WaitingPods { owner, count, .. }: &WaitingPods) -> String {
    let pods = if *count == 1 { "pod" } else { "pods" };
    format!("counted as used: {count} {pods} that {owner} is about to create")
}

/// Returns what changes that do not fit yet are waiting for.
#[must_use]
pub fn quota_wait_line(terminating: &[TerminatingPod]) -> String {
    if terminating.is_empty() {
        return "waiting for the quota, which still counts deleted objects".to_owned();
    }
    terminating.iter().map(terminating_line).collect::<Vec<_>>().join(", ")
}

/// Returns until when a pod terminates.
#[must_use]
pub fn terminating_line(pod: &TerminatingPod) -> String {
    let name = Untrusted::new(pod.name.as_str());
    let name = name.escaped();
    match Timestamp::from_second(pod.until) {
        Ok(until) => format!("pod {name} is terminating until {} UTC", until.strftime("%H:%M:%S")),
        Err(_) => format!("pod {name} is terminating"),
    }
}

#[cfg(test)]
mod tests {
    use toolforge_render::pod::{Cause as Kind, HealthProbe};

    use super::*;

    #[test]
    fn terminating_pods_are_shown_with_their_time() {
        let pod = TerminatingPod { name: "a\u{1b}".to_owned(), until: 86_400, ..TerminatingPod::default() };
        assert_eq!(terminating_line(&pod), r"pod a\u{1b} is terminating until 00:00:00 UTC");
    }

    #[test]
    fn quota_state_depends_on_the_share_that_is_used() {
        for (used, hard, state) in [
            (0, 0, QuotaState::NotAllowed),
            (0, 10, QuotaState::Ok),
            (7, 10, QuotaState::Ok),
            (8, 10, QuotaState::Near),
            (10, 10, QuotaState::Blocked),
            (11, 10, QuotaState::Over),
            (2, 0, QuotaState::Over),
            (u64::MAX, u64::MAX, QuotaState::Blocked),
        ] {
            assert_eq!(quota_state(used, hard, NEAR_PERCENT), state, "{used} of {hard}");
        }
    }

    #[test]
    fn every_mark_has_a_code() {
        let marks = [
            QuotaMark::Unreadable,
            QuotaMark::NotCountedYet,
            QuotaMark::Pending,
            QuotaMark::NotCounted,
            QuotaMark::Rounded,
        ];
        for mark in marks {
            assert_eq!(quota_note(mark).as_str(), mark.as_str());
        }
    }

    #[test]
    fn every_cause_has_a_code() {
        let causes = [
            Kind::OutOfMemory,
            Kind::CrashLoop { exit_code: 1 },
            Kind::InitCrashLoop { container: "".into(), exit_code: 1 },
            Kind::ImagePull { image: "".into() },
            Kind::ContainerStart { reason: "".into() },
            Kind::QuotaExceeded,
            Kind::LimitRange,
            Kind::Refused,
            Kind::RefusedForNow,
            Kind::HealthCheckFails { check: HealthProbe::Port(8000) },
            Kind::NotHealthy { check: HealthProbe::Path("/".into()) },
            Kind::Unschedulable,
            Kind::VolumeMount,
            Kind::PodSandbox,
            Kind::NotListening { port: 8000 },
            Kind::DeadlineExceeded,
            Kind::Paused,
            Kind::Terminating { until: Timestamp::UNIX_EPOCH },
            Kind::FormerDefinition,
        ];
        for kind in causes {
            assert_eq!(CauseCode::from_code(kind.code()).as_str(), kind.code());
        }
    }

    #[test]
    fn every_code_of_a_change_set_is_known() {
        use toolforge_render::change;
        let actions = [
            change::Action::Create,
            change::Action::Update,
            change::Action::Recreate,
            change::Action::Delete,
            change::Action::Keep,
        ];
        for action in actions {
            assert_eq!(toolforge_report::Action::from_code(action.as_str()).as_str(), action.as_str());
        }
        for rollout in [
            change::Rollout::Surge,
            change::Rollout::Rolling,
            change::Rollout::InPlace,
            change::Rollout::Recreate,
        ] {
            assert_eq!(Rollout::from_code(rollout.as_str()).as_str(), rollout.as_str());
        }
        for downtime in [change::Downtime::BetweenPods, change::Downtime::UntilRecreated] {
            assert_eq!(Downtime::from_code(downtime.as_str()).as_str(), downtime.as_str());
        }
    }

    #[test]
    fn every_termination_has_a_code() {
        for (exit_code, reason) in
            [(0, "Completed"), (1, "Error"), (137, "OOMKilled"), (143, "Error"), (128, "StartError")]
        {
            let last = pod::LastTermination::new("", exit_code, reason, None);
            assert_eq!(last_termination(&last).code.as_str(), last.kind().code());
        }
    }

    #[test]
    fn catalog_states_are_known() {
        let catalog = Catalog::bundled();
        for found in catalog.types() {
            let report = image_type(&catalog, found);
            assert_ne!(report.state, ImageState::Other, "{}", found.name);
            assert_ne!(report.runner, Some(Runner::Other), "{}", found.name);
        }
    }
}
