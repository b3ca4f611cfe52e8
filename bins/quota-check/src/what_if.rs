//! How large a workload may be.

use std::fmt;

use k8s_openapi::jiff::Timestamp;
use toolforge_cli::{
    Document, ExitCode, Failure, Notice, OutputFormat, RunConflicts, Session, Table, WorkloadName,
    adjustments, adjustments_text, is_helped_by_more_quota, print, restart_forecast, restart_outcome,
    rollout_note, to_json, verdict_code, verdict_text, warn_of_unread,
};
use toolforge_client::FileFetchOptions;
use toolforge_model::{JobKind, JobName, JobRequest, Replicas, WebServiceOptions};
use toolforge_quota::{Limits, ResourceQuota, Verdict};
use toolforge_render::change::{Adjustment, ChangeSet, Largest, LargestSizes};
use toolforge_render::job::{
    JobFacts, JobForecast, JobPlan, LoadOptions, largest_job, load_adjustments, observe_job, plan_load,
};
use toolforge_render::pod::PodResources;
use toolforge_render::web_service::{
    ObserveError, PlanOptions, StartTime, WebServiceFacts, WebServiceForecast, WebServicePlan,
    WebServiceSettings, largest_web_service, observe_web_service_request, resolve_request,
    web_service_adjustments,
};
use toolforge_report::{FailureCode, RestartForecast, SizePart, WhatIf};

use crate::arguments::{Arguments, WhatIfArguments};
use crate::facts;

/// Prints how large a workload may be, or whether a size fits.
pub(crate) fn run(
    session: &Session,
    arguments: &Arguments,
    asked: &WhatIfArguments,
    format: OutputFormat,
) -> Result<ExitCode, Failure> {
    let is_web_service = asked.name.is_none();
    let mut wanted = FileFetchOptions::default();
    (wanted.catalog, wanted.records, wanted.web_service) = (true, !is_web_service, is_web_service);
    let facts = facts::facts(session, wanted, arguments.quota.clone())?;
    let exit_code = warn_of_unread(&facts.jobs.namespace.limits);
    let lasting = facts.clone().without_terminating_pods();
    let answer = if is_web_service {
        web_service(&facts.for_web_service(), &lasting.for_web_service(), asked)?
    } else {
        job(&facts.jobs, &lasting.jobs, asked)?
    };
    let value = to_json(WhatIf {
        tool: session.tool.clone(),
        r#type: answer.name.r#type,
        object_kind: answer.name.object_kind.clone(),
        name: answer.name.name.clone(),
        new: answer.new_type.is_some(),
        memory: answer.resources.limits.memory.to_string(),
        cpu: answer.resources.limits.cpu.to_string(),
        replicas: answer.replicas,
        largest_memory: answer.largest.memory.amount().map(|memory| memory.to_string()),
        largest_cpu: answer.largest.cpu.amount().map(|cpu| cpu.to_string()),
        largest_replicas: answer.largest.replicas.amount(),
        largest_memory_with_downtime: answer.with_downtime.memory.amount().map(|memory| memory.to_string()),
        largest_cpu_with_downtime: answer.with_downtime.cpu.amount().map(|cpu| cpu.to_string()),
        largest_replicas_with_downtime: answer.with_downtime.replicas.amount(),
        unlimited: unlimited(&answer.largest),
        change: RestartForecast {
            adjustments: adjustments(&answer.nearest),
            fits: if answer.fits() { answer.change.fits_if_known() } else { Some(false) },
            verdict: verdict_code(answer.verdict()),
            ..restart_forecast(&answer.change)
        },
        restart: answer.restart.as_ref().map(|restart| match answer.change.verdict() {
            verdict @ Verdict::NotCounted => {
                RestartForecast { fits: None, verdict: verdict_code(verdict), ..restart_forecast(restart) }
            }
            _ => restart_forecast(restart),
        }),
    })?;
    let has_size = asked.memory.is_some() || asked.cpu.is_some() || asked.replicas.is_some();
    let text = if has_size { answer.of_size() } else { answer.of_now() };
    let text = format!("{text}{}", uncounted_note(&facts.jobs.namespace.limits));
    if has_size {
        let Answer { change, plans, .. } = &answer;
        let never_fitting =
            asked.name.iter().filter(|_| answer.verdict() == Verdict::Never).map(JobName::as_str);
        let never_fitting: Vec<&str> = never_fitting.collect();
        RunConflicts::of(change, plans, &facts.jobs, Timestamp::now(), &never_fitting).print_warning();
    }
    print(&Document { text, value }, format)?;
    let fits = answer.fits() && answer.restart.as_ref().is_none_or(ChangeSet::fits);
    if fits || !has_size {
        return Ok(exit_code);
    }
    Notice::hint(answer.next_step()).start_paragraph().print();
    Ok(ExitCode::DoesNotFit)
}

/// Returns a note that less may fit once the cluster has counted the usage of a new quota; nothing if it has.
fn uncounted_note(limits: &Limits) -> &'static str {
    if is_counted(limits) {
        return "";
    }
    "usage has not been counted yet, so these sizes may turn out not to fit\n"
}

fn is_counted(limits: &Limits) -> bool {
    limits.quotas.iter().all(ResourceQuota::has_status)
}

/// The heading of a size that was asked for.
const ASKED: &str = "ASKED";

/// What follows a change of a workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Restart,
    /// Of a job that runs to completion.
    Run,
}

impl fmt::Display for Next {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Restart => "a restart",
            Self::Run => "a run",
        })
    }
}

/// A workload of a size, and how far that can go.
struct Answer {
    name: WorkloadName,
    /// The workload, for people.
    workload: String,
    is_web_service: bool,
    /// The type of a new web service, where there is none yet.
    new_type: Option<String>,
    resources: PodResources,
    replicas: u64,
    /// Whether it may have several pods.
    has_replicas: bool,
    /// The largest sizes without downtime, or, for a job, with the usual replacement of pods.
    largest: LargestSizes,
    /// The largest sizes if old pods may stop before new ones are ready.
    with_downtime: LargestSizes,
    change: ChangeSet,
    /// Whether no run of a scheduled job fits.
    never_fits: bool,
    /// The plan of the job.
    plans: Vec<JobPlan>,
    restart: Option<ChangeSet>,
    /// The change and the restart once no pod terminates any longer.
    lasting: Vec<ChangeSet>,
    /// Where the change does not fit even then, the nearest sizes that do.
    nearest: Vec<Adjustment>,
    /// What follows the change.
    next: Next,
    /// Whether the usage of all quotas is known.
    is_counted: bool,
}

impl Answer {
    fn size(&self) -> String {
        let Self { resources, replicas, .. } = self;
        let limits = resources.limits;
        let pods = if *replicas == 1 { "replica" } else { "replicas" };
        format!("memory {}, CPU {}, {replicas} {pods}", limits.memory, limits.cpu)
    }

    fn fits(&self) -> bool {
        !self.never_fits && self.change.fits()
    }

    fn verdict(&self) -> Verdict {
        if self.never_fits { Verdict::Never } else { self.change.verdict() }
    }

    /// Returns whether the size fits, what a restart would do, and how far each part of the size can go.
    fn of_size(&self) -> String {
        let mut text = match &self.new_type {
            Some(name) => {
                format!("there is no web service; a new one of type {name}: {}\n", self.size())
            }
            None => format!("{}: {}\n", self.workload, self.size()),
        };
        text.push_str(&verdict_text(&self.change, self.verdict()));
        text.push_str(&adjustments_text(self.fits(), &self.nearest));
        if let Some(note) = rollout_note(&self.change).filter(|_| self.fits()) {
            text.push_str(&format!("{note}\n"));
        }
        match &self.restart {
            // It would replace no pods.
            Some(_) if self.replicas == 0 => {}
            // The usage at that time is not known, either.
            Some(_) if self.change.verdict() == Verdict::NotCounted => {
                text.push_str(&format!("{} afterwards was not checked\n", self.next));
            }
            Some(restart) if self.fits() && self.next == Next::Restart => {
                text.push_str(&format!("a restart afterwards {}\n", restart_outcome(restart, false)));
            }
            Some(restart) if self.fits() => {
                let fits = match restart.fits_if_known() {
                    Some(true) => "fits in addition to current usage",
                    Some(false) => "does not fit in addition to current usage",
                    None => "was not checked",
                };
                text.push_str(&format!("{} afterwards {fits}\n", self.next));
            }
            _ => {}
        }
        text.push_str(&format!("\n{}", self.largest_sizes(ASKED)));
        text
    }

    /// Returns what to do about a size that does not fit.
    fn next_step(&self) -> String {
        if !self.fits() && self.verdict() == Verdict::FitsAfterTermination {
            return "Wait until these pods have terminated, then check again.".to_owned();
        }
        if !self.fits() && !is_helped_by_more_quota(&self.change) {
            return "Choose a size that the limits allow; `quota-check` shows them.".to_owned();
        }
        let file = if self.is_web_service { "service.template" } else { "jobs file" };
        format!(
            "Choose a smaller size; `quota-check` shows what uses the quota. `quota-check request FILE`, with a {file} of this size, writes a request for more quota."
        )
    }

    /// Returns how far each part of the size that the workload has now, or by default, can go.
    fn of_now(&self) -> String {
        let (title, now) = match &self.new_type {
            Some(name) => (format!("there is no web service; a new one of type {name}:"), "DEFAULT"),
            None => (self.workload.clone(), "NOW"),
        };
        format!("{title}\n\n{}", self.largest_sizes(now))
    }

    /// Returns how far each part of the size can go; `now` is the heading of the size.
    fn largest_sizes(&self, now: &'static str) -> String {
        let Self { new_type, resources, replicas, has_replicas, largest, with_downtime, next, .. } = self;
        let (limits, most) = (resources.limits, with_downtime);
        let mut rows = vec![
            (
                "memory",
                limits.memory.to_string(),
                [largest.memory, most.memory].map(|size| self.largest_text(size)),
            ),
            ("CPU", limits.cpu.to_string(), [largest.cpu, most.cpu].map(|size| self.largest_text(size))),
        ];
        if *has_replicas {
            let pods = [largest.replicas, most.replicas].map(|size| self.largest_text(size));
            rows.push(("replicas", replicas.to_string(), pods));
        }
        // Only pods that are replaced can stop first.
        let helps = *has_replicas && rows.iter().any(|(_, _, [largest, most])| largest != most);
        let mut table = if helps {
            Table::new(&["SIZE", now, "LARGEST", "WITH DOWNTIME"])
        } else {
            Table::new(&["SIZE", now, "LARGEST"])
        };
        for (name, size, [largest, most]) in rows {
            let cells = [name.to_owned(), size, largest].into_iter();
            table.row(cells.chain(helps.then_some(most)));
        }
        let how = if self.is_web_service { "have no downtime" } else { "fit as usual" };
        let change = if new_type.is_some() { "the start" } else { "the change" };
        let table = table.for_stdout();
        if self.change.verdict() == Verdict::NotChecked {
            let unknown = format!("\nno quota is known, so {change} was not checked\n");
            return format!("{table}{}", if now == ASKED { "" } else { &unknown });
        }
        let downtime = if helps {
            "\nwith downtime: the same, if old pods may stop before new ones are ready"
        } else {
            ""
        };
        format!(
            "{table}\neach value on its own; {change} and {next} afterwards {how}{downtime}\n{}",
            self.why_none()
        )
    }

    /// Returns the largest value of a part of a size as text. If the usage is not known, it may be less.
    fn largest_text<T: std::fmt::Display>(&self, largest: Largest<T>) -> String {
        match largest {
            Largest::UpTo(amount) if self.is_counted => amount.to_string(),
            Largest::UpTo(amount) => format!("at most {amount}"),
            Largest::Unlimited => "not limited".to_owned(),
            _ => "-".to_owned(),
        }
    }

    /// Returns why not even the smallest memory, CPU or number of replicas fits; nothing if one of each does.
    fn why_none(&self) -> String {
        let LargestSizes { memory, cpu, replicas, .. } = self.largest;
        let has_replicas = replicas != Largest::Nothing || !self.has_replicas;
        if memory != Largest::Nothing && cpu != Largest::Nothing && has_replicas {
            return String::new();
        }
        let refused = |set: &ChangeSet| -> Vec<String> {
            let at_peak = set.refused_surge.as_ref().unwrap_or(&set.at_peak);
            let check = if set.at_rest.fits() { at_peak } else { &set.at_rest };
            let violations = check.violations().iter().map(ToString::to_string);
            violations.chain(check.shortfalls().map(ToString::to_string)).collect()
        };
        match self.lasting.iter().map(refused).find(|reasons| !reasons.is_empty()) {
            Some(reasons) => format!("-: not even the smallest size fits: {}\n", reasons.join(", ")),
            None => "-: not even the smallest size fits\n".to_owned(),
        }
    }
}

/// Returns the parts of a size that nothing bounds.
fn unlimited(LargestSizes { memory, cpu, replicas, .. }: &LargestSizes) -> Vec<SizePart> {
    let parts = [
        (*memory == Largest::Unlimited, SizePart::Memory),
        (*cpu == Largest::Unlimited, SizePart::Cpu),
        (*replicas == Largest::Unlimited, SizePart::Replicas),
    ];
    parts.into_iter().filter(|(is_unlimited, _)| *is_unlimited).map(|(_, part)| part).collect()
}

fn web_service(
    web: &WebServiceFacts,
    lasting: &WebServiceFacts,
    asked: &WhatIfArguments,
) -> Result<Answer, Failure> {
    let size = WebServiceOptions {
        memory: asked.memory,
        cpu: asked.cpu,
        replicas: asked.replicas,
        ..WebServiceOptions::default()
    };
    let live = observe_web_service_request(web);
    let is_new = live == Err(ObserveError::NoDeployment);
    let settings = WebServiceSettings::new(size);
    let refused = |error: &dyn std::error::Error| Failure::from_error(ExitCode::Failed, error);
    let resolved = resolve_request(settings, live, &web.namespace).map_err(|error| refused(&error))?;
    let plan = WebServicePlan::new(resolved.request, web, PlanOptions::default())
        .map_err(|error| refused(&error))?;
    let WebServiceForecast { change, restart, .. } = WebServiceForecast::new(&plan, web);
    let later = WebServiceForecast::new(&plan, lasting);
    Ok(Answer {
        nearest: web_service_adjustments(&plan, lasting, StartTime::Keep, ChangeSet::fits),
        name: WorkloadName::of(&plan.workload()),
        workload: if is_new { "a new web service" } else { "the web service" }.to_owned(),
        is_web_service: true,
        new_type: is_new.then(|| plan.request().image.type_name().to_string()),
        resources: plan.resources(),
        replicas: plan.request().replicas.count().into(),
        has_replicas: true,
        largest: largest_web_service(&plan, web, WebServiceForecast::fits_without_downtime),
        with_downtime: largest_web_service(&plan, web, WebServiceForecast::fits),
        change,
        never_fits: false,
        plans: Vec::new(),
        restart: Some(restart),
        lasting: vec![later.change, later.restart],
        next: Next::Restart,
        is_counted: is_counted(&web.namespace.limits),
    })
}

fn job(facts: &JobFacts, lasting: &JobFacts, asked: &WhatIfArguments) -> Result<Answer, Failure> {
    let no_job = || {
        let name = asked.name.as_ref().map(ToString::to_string).unwrap_or_default();
        let names = facts.live.jobs_of(&facts.namespace.tool);
        let names: Vec<String> = names.iter().map(|job| job.name.to_string()).collect();
        let failure = Failure::new(ExitCode::Failed, format!("job '{name}' does not exist"));
        let hint = match names.as_slice() {
            [] => "There are no jobs; `quota-check FILE` checks a jobs file.".to_owned(),
            names => format!("The jobs are {}.", names.join(", ")),
        };
        failure.with_code(FailureCode::NotFound).hint(hint)
    };
    let name = asked.name.as_ref().ok_or_else(no_job)?;
    let live = facts.live.job(&facts.namespace.tool, name).ok_or_else(no_job)?;
    let request = with_size(observe_job(&live, facts), asked)?;
    let refused = |error: &dyn std::error::Error| Failure::from_error(ExitCode::Failed, error);
    let plan = JobPlan::new(request.clone(), facts).map_err(|error| refused(&error))?;
    let unplanned = || Failure::new(ExitCode::Failed, format!("job '{name}' cannot be changed as it is"));
    let JobForecast { change, restart, never_fits, .. } =
        JobForecast::new(&request, facts).ok_or_else(unplanned)?;
    let later = JobForecast::new(&request, lasting).ok_or_else(unplanned)?;
    let (replicas, next) = match &request.kind {
        JobKind::Continuous { replicas, .. } => (replicas.count().into(), Next::Restart),
        JobKind::Scheduled { .. } | JobKind::OneOff { .. } => (1, Next::Run),
    };
    let requests = std::slice::from_ref(&request);
    let options = LoadOptions::default();
    let load = plan_load(requests, lasting, &options);
    Ok(Answer {
        nearest: load_adjustments(&load, requests, lasting, &options, ChangeSet::fits),
        name: WorkloadName::of(&plan.workload()),
        workload: format!("job {name}"),
        is_web_service: false,
        new_type: None,
        resources: plan.resources(),
        replicas,
        has_replicas: matches!(request.kind, JobKind::Continuous { .. }),
        largest: largest_job(&request, facts, JobForecast::fits_as_usual).ok_or_else(unplanned)?,
        with_downtime: largest_job(&request, facts, JobForecast::fits).ok_or_else(unplanned)?,
        change,
        never_fits,
        plans: load.plans,
        restart,
        lasting: std::iter::once(later.change).chain(later.restart).collect(),
        next,
        is_counted: is_counted(&facts.namespace.limits),
    })
}

fn with_size(mut request: JobRequest, asked: &WhatIfArguments) -> Result<JobRequest, Failure> {
    request.memory = asked.memory.or(request.memory);
    request.cpu = asked.cpu.or(request.cpu);
    match (&mut request.kind, asked.replicas) {
        (JobKind::Continuous { replicas, .. }, Some(wanted)) => *replicas = wanted,
        (_, None | Some(Replicas::ONE)) => {}
        (_, Some(_)) => {
            return Err(Failure::new(ExitCode::Usage, "only a continuous job has replicas")
                .hint("Leave `--replicas` out."));
        }
    }
    Ok(request)
}
