//! The change of one job: the objects that are created, replaced and deleted, in their order.

use k8s_openapi::api::core::v1::Service;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use toolforge_model::{JobField, JobName, Untrusted};
use toolforge_quota::ObjectName;

use crate::change::{
    Action, Change, ChangeDemand, Downtime, PodReplacement, Rollout, Step, StepAction, WorkloadKind,
};
use crate::job::observe::variables_set_by_hand;
use crate::job::request_difference::path;
use crate::job::{
    FoundWorkload, JobFacts, JobObjects, JobPlan, JobPlanError, JobWorkload, LiveJobs, LoadProblem,
    RecordedJob, RunOutcome, demand, is_job, job_differences, observe_job, pods_of_job, runs_of_job,
};
use crate::object::{
    Difference, FieldPath, Object, ObjectId, ObjectKind, deployment_replicas, deployment_spec, differences,
    is_own_annotation, replacement_differences, selects_pods,
};
use crate::pod::{count_demand, pod_id, pods_of};

/// The current state of one job.
pub(super) struct Current<'a> {
    /// The job's objects, if it exists.
    pub(super) live: Option<&'a JobObjects>,
    /// The record of the platform's jobs service, if it has one.
    pub(super) record: Option<RecordedJob>,
}

/// Returns the change that makes a job match its plan. `adopts` says whether a job that the platform's jobs service manages is
/// adopted.
pub(super) fn change_to(
    plan: &JobPlan,
    current: &Current<'_>,
    facts: &JobFacts,
    adopts: bool,
) -> Result<Change, LoadProblem> {
    let objects = plan.objects();
    let name = plan.request().name.as_str();
    let new = |action| Change::new(objects.workload.job_kind(), name, action);
    let Some(live) = current.live else {
        let change = Change {
            steps: creations(objects.clone().into_objects(), Some(&facts.live)),
            ..new(Action::Create)
        };
        return Ok(with_demand(change, None, facts).after_record(current.record));
    };
    let found = Found::of(live, &objects, plan, facts);
    let is_same = found.is_same() && !live.is_terminating();
    let action = if let JobWorkload::OneOff(run) = &live.workload {
        let is_over = RunOutcome::of(run, &facts.live).is_over();
        if is_over || live.is_terminating() {
            // The cluster deletes it soon after it finishes. The actions of a load must not depend on whether that has happened.
            Action::Recreate
        } else if is_same {
            Action::Keep
        } else {
            let keys = found.keys();
            return Err(LoadProblem::UnderWay { name: plan.request().name.clone(), keys });
        }
    } else {
        let is_taken_over = current.record.is_some() && adopts;
        if is_same && !is_taken_over {
            Action::Keep
        } else if is_changeable(live, &objects) && !live.is_terminating() {
            Action::Update
        } else {
            Action::Recreate
        }
    };
    let mut change = new(action);
    match action {
        Action::Keep => {
            let objects = objects.into_objects().into_iter();
            change.steps = objects.map(|object| Step::wanted(object, StepAction::Keep)).collect();
            return Ok(change);
        }
        Action::Update => change.steps = found.on(replacements(objects, live)),
        Action::Create | Action::Recreate | Action::Delete => {
            change.steps = deletions(live);
            change.steps.extend(found.on(creations(objects.into_objects(), None)));
        }
    }
    Ok(with_demand(change, Some(live), facts).after_record(current.record))
}

/// Returns the change that deletes a job; without live objects, only the record is deleted.
pub(super) fn change_to_nothing(name: &JobName, current: &Current<'_>, facts: &JobFacts) -> Change {
    let kind = current.live.map_or(WorkloadKind::Recorded, |live| live.workload.job_kind());
    let steps = current.live.map(deletions).unwrap_or_default();
    let change = Change { steps, ..Change::new(kind, name.as_str(), Action::Delete) };
    with_demand(change, current.live, facts).after_record(current.record)
}

impl Change {
    /// Deletes the record of the platform's jobs service first, so the service does not undo the change.
    fn after_record(mut self, record: Option<RecordedJob>) -> Self {
        if let Some(record) = record {
            let id = ObjectId::new(record.kind(), self.name.as_str());
            self.steps.insert(0, Step::of(id, StepAction::Delete { uid: None, resource_version: None }));
            self.adopts = true;
        }
        self
    }
}

/// Returns the steps that create objects. An address of a job whose workload was deleted manually may remain.
fn creations(objects: Vec<Object>, left: Option<&LiveJobs>) -> Vec<Step> {
    let step = |object: Object| {
        let seen = left.and_then(|left| left.address(object.kind(), object.name()));
        let action =
            seen.map_or(StepAction::Create, |seen| StepAction::Replace { seen: Box::new(seen.clone()) });
        Step::wanted(object, action)
    };
    let mut steps: Vec<Step> = objects.into_iter().map(step).collect();
    // The Service comes last: a job that has one is complete, and one without a route is not published.
    steps.sort_by_key(|step| step.id.kind == ObjectKind::Service);
    own_addresses(steps)
}

/// Makes the workload the owner of its addresses: an address that is created while another command deletes the job does not
/// remain.
fn own_addresses(mut steps: Vec<Step>) -> Vec<Step> {
    let workload = steps.iter().find(|step| step.wanted.is_some() && step.id.kind == ObjectKind::Deployment);
    let workload = workload.map(|step| step.id.clone());
    for step in steps.iter_mut().filter(|step| step.wanted.is_some()) {
        if matches!(step.id.kind, ObjectKind::Service | ObjectKind::HttpRoute) {
            step.owner.clone_from(&workload);
        }
    }
    steps
}

/// Returns the steps that replace objects: addresses before the workload, and addresses that are no longer wanted last.
fn replacements(objects: JobObjects, live: &JobObjects) -> Vec<Step> {
    let seen = |kind| live.ids().find(|(found, _)| *found == kind).map(|(_, metadata)| metadata);
    let mut wanted = objects.into_objects();
    wanted.reverse();
    let obsolete: Vec<Step> = [ObjectKind::HttpRoute, ObjectKind::Service]
        .into_iter()
        .filter(|kind| !wanted.iter().any(|object| object.kind() == *kind))
        .filter_map(|kind| Some(deletion(kind, seen(kind)?)))
        .collect();
    let step = |object: Object| {
        let action = match seen(object.kind()) {
            None => StepAction::Create,
            Some(seen) => StepAction::Replace { seen: Box::new(seen.clone()) },
        };
        Step::wanted(object, action)
    };
    own_addresses(wanted.into_iter().map(step).chain(obsolete).collect())
}

/// Returns the steps that delete a job: routes first, so no request is sent to deleted pods.
fn deletions(live: &JobObjects) -> Vec<Step> {
    let mut steps: Vec<Step> = live.ids().map(|(kind, metadata)| deletion(kind, metadata)).collect();
    steps.reverse();
    let uid = live.workload.metadata().uid.clone();
    let id = ObjectId::new(live.workload.kind(), live.name.as_str());
    steps.push(Step::of(id, StepAction::AwaitGone { uid }));
    steps
}

/// Returns the change that deletes an object that no tool manages, if it has not changed since it was read.
pub(super) fn object_deletion(found: &FoundWorkload) -> Change {
    let (kind, workload, metadata) = match found {
        FoundWorkload::Job(job) => (job.workload.kind(), job.workload.job_kind(), job.workload.metadata()),
        FoundWorkload::Pod(pod) => (ObjectKind::Pod, WorkloadKind::Pod, &pod.metadata),
    };
    let name = metadata.name.clone().unwrap_or_default();
    let id = ObjectId::new(kind, name.as_str());
    let (uid, resource_version) = (metadata.uid.clone(), metadata.resource_version.clone());
    let delete = StepAction::Delete { uid: uid.clone(), resource_version };
    let steps = vec![Step::of(id.clone(), delete), Step::of(id, StepAction::AwaitGone { uid })];
    Change { steps, is_managed: false, ..Change::new(workload, name, Action::Delete) }
}

/// Returns the change that turns an object that no tool manages into a job, and whether its pods are replaced or run again.
///
/// A Deployment whose pods have another selector, and a Job with other pods, are deleted and created again: these fields cannot be
/// changed. Labels, annotations and finalizers of the object are kept.
pub(crate) fn adoption(
    mut wanted: JobObjects,
    live: &JobObjects,
    facts: &JobFacts,
) -> Result<(Change, bool), JobPlanError> {
    keep_metadata(&mut wanted, live);
    let live = &with_addresses(live, &wanted, facts)?;
    let json = |workload: &JobWorkload| match workload {
        JobWorkload::OneOff(found) => Object::Job(found.clone()).to_json(),
        JobWorkload::Scheduled(found) => Object::CronJob(found.clone()).to_json(),
        JobWorkload::Continuous(found) => Object::Deployment(found.clone()).to_json(),
    };
    let (before, after) = (json(&live.workload), json(&wanted.workload));
    let mut found = replacement_differences(live.workload.kind(), &before, &after);
    found.retain(|difference| difference.path.is_in_spec());
    let replaces = found.iter().any(|difference| difference.path.is_in_pod_template());
    let is_kept = match live.workload {
        JobWorkload::OneOff(_) => !replaces,
        JobWorkload::Scheduled(_) | JobWorkload::Continuous(_) => is_changeable(live, &wanted),
    };
    let address = match (&live.service, &wanted.service) {
        (Some(before), Some(after)) => {
            let json = |service: &Service| Object::from(service.clone()).to_json();
            replacement_differences(ObjectKind::Service, &json(before), &json(after))
        }
        _ => Vec::new(),
    };
    let (action, mut steps) = if is_kept {
        (Action::Update, replacements(wanted, live))
    } else {
        let deleted = object_deletion(&FoundWorkload::Job(Box::new(live.clone()))).steps.into_iter();
        (Action::Recreate, deleted.chain(creations(wanted.into_objects(), Some(&facts.live))).collect())
    };
    let kind = live.workload.kind();
    if let Some(step) = steps.iter_mut().find(|step| step.id.kind == kind && step.wanted.is_some()) {
        step.differences = found;
    }
    if let Some(step) = steps.iter_mut().find(|step| step.id.kind == ObjectKind::Service) {
        step.differences = address.into_iter().filter(|difference| difference.path.is_in_spec()).collect();
    }
    let change = Change::new(live.workload.job_kind(), live.name.as_str(), action);
    let change = with_demand(Change { steps, is_managed: false, ..change }, Some(live), facts);
    let restarts = !is_kept || (replaces && matches!(live.workload, JobWorkload::Continuous(_)));
    Ok((change, restarts))
}

/// Adds the live objects that have the names of a job's wanted addresses: what remains of a job, and a Service of the same pods.
fn with_addresses(
    live: &JobObjects,
    wanted: &JobObjects,
    facts: &JobFacts,
) -> Result<JobObjects, JobPlanError> {
    let labels = live.workload.template().and_then(|template| template.metadata.as_ref()?.labels.as_ref());
    let is_own = |metadata: &ObjectMeta| is_job(metadata.labels.as_ref(), &facts.namespace.tool);
    let name = live.name.as_str();
    let has_name = |metadata: &ObjectMeta| metadata.name.as_deref() == Some(name);
    let mut services = facts.live.services.iter().filter(|found| has_name(&found.metadata));
    let service = services.next().filter(|_| wanted.service.is_some());
    if let Some(found) = service
        && !is_own(&found.metadata)
        && !selects_pods(found, labels)
    {
        return Err(JobPlanError::foreign(ObjectKind::Service, name));
    }
    let mut routes = facts.live.http_routes.iter().filter(|found| has_name(&found.metadata));
    let http_route = routes.next().filter(|_| wanted.http_route.is_some());
    if http_route.is_some_and(|found| !is_own(&found.metadata)) {
        return Err(JobPlanError::foreign(ObjectKind::HttpRoute, name));
    }
    Ok(JobObjects { service: service.cloned(), http_route: http_route.cloned(), ..live.clone() })
}

/// Adds the labels, annotations and finalizers of a live object to the wanted one.
fn keep_metadata(wanted: &mut JobObjects, live: &JobObjects) {
    let metadata = wanted.workload.metadata_mut();
    let own = live.workload.metadata();
    let labels = metadata.labels.get_or_insert_default();
    for (key, value) in own.labels.iter().flatten() {
        labels.entry(key.clone()).or_insert_with(|| value.clone());
    }
    let annotations = own.annotations.iter().flatten().filter(|(key, _)| !is_own_annotation(key));
    for (key, value) in annotations {
        let all = metadata.annotations.get_or_insert_default();
        all.entry(key.clone()).or_insert_with(|| value.clone());
    }
    metadata.finalizers = own_finalizers(own);
}

/// Returns the finalizers that the author of an object has set: those of a deletion have no domain.
pub(crate) fn own_finalizers(metadata: &ObjectMeta) -> Option<Vec<String>> {
    let all = metadata.finalizers.iter().flatten();
    let own: Vec<String> = all.filter(|finalizer| finalizer.contains('/')).cloned().collect();
    (!own.is_empty()).then_some(own)
}

pub(super) fn deletion(kind: ObjectKind, metadata: &ObjectMeta) -> Step {
    let id = ObjectId::new(kind, metadata.name.clone().unwrap_or_default());
    Step::of(id, StepAction::Delete { uid: metadata.uid.clone(), resource_version: None })
}

/// Returns the pods and the runs of a job, by their names in [`Limits`](toolforge_quota::Limits).
pub(super) fn pods_and_runs_of(job: &JobObjects, facts: &JobFacts) -> Vec<ObjectName> {
    let pods = pods_of_job(job, &facts.live).into_iter().map(pod_id);
    let runs = runs_of_job(job, &facts.live).into_iter();
    let runs = runs.map(|run| ObjectId::new(ObjectKind::Job, run.metadata.name.clone().unwrap_or_default()));
    pods.chain(runs.map(ObjectName::from)).collect()
}

/// Adds what a change frees and requests, and how its pods are replaced.
fn with_demand(mut change: Change, live: Option<&JobObjects>, facts: &JobFacts) -> Change {
    let limit_ranges = &facts.namespace.limits.limit_ranges;
    let owner = ObjectName::new("job", change.name.as_str());
    change.demand = ChangeDemand::of_objects(change.objects(), limit_ranges, Some(&owner));
    change.demand.freed = match (change.action, live) {
        // Remaining addresses of a job whose workload was deleted manually are replaced.
        (_, None) => demand::of_addresses(&change.name, &facts.live),
        // A change of the schedule does not affect the current run.
        (Action::Update, Some(JobObjects { workload: JobWorkload::Scheduled(_), .. })) => {
            count_demand(ObjectKind::CronJob)
        }
        (_, Some(live)) => demand::of_live(live, &facts.live, limit_ranges),
    };
    if !matches!(
        (&change.action, live),
        (Action::Update, Some(JobObjects { workload: JobWorkload::Scheduled(_), .. }))
    ) {
        change.demand.freed_objects = live.map(|live| pods_and_runs_of(live, facts)).unwrap_or_default();
    }
    if change.action == Action::Update {
        let is_created = |step: &&Step| matches!(step.action, StepAction::Create);
        let created = change.steps.iter().filter(is_created).map(|step| count_demand(step.id.kind)).sum();
        change.demand.created = created;
    }
    let Some(JobObjects { workload: JobWorkload::Continuous(deployment), .. }) = live else { return change };
    let is_running = deployment_replicas(deployment) > 0;
    match change.action {
        Action::Update => {
            let replaces = change.differences().any(|difference| difference.path.is_in_pod_template());
            let new = change.objects().find(|object| object.kind() == ObjectKind::Deployment);
            let Some(new) = new.map(|object| pods_of(object, limit_ranges)) else { return change };
            let old = pods_of(&Object::Deployment(deployment.clone()), limit_ranges);
            if replaces {
                let rollout = Rollout::of_replicas(new.count);
                change.rollout = Some(rollout);
                change.downtime =
                    (rollout == Rollout::Recreate && is_running).then_some(Downtime::BetweenPods);
                change.demand.replace_pods(deployment, PodReplacement { old, new, missing: 0 });
            } else if new.count > old.count {
                change.demand.created.add_all(&new.each);
            } else {
                // No pod is created, and a limit does not apply to running ones.
                change.demand.pods.clear();
            }
        }
        Action::Recreate => change.downtime = is_running.then_some(Downtime::UntilRecreated),
        Action::Keep | Action::Create | Action::Delete => {}
    }
    change
}

/// The differences between a live job and the wanted one.
struct Found {
    /// The differences of the workload, by the meaning of the two requests.
    workload: Vec<Difference>,
    /// The differences of the Service and the HTTPRoute.
    addresses: Vec<(ObjectKind, Difference)>,
}

impl Found {
    fn of(live: &JobObjects, wanted: &JobObjects, plan: &JobPlan, facts: &JobFacts) -> Self {
        let mut workload = job_differences(&observe_job(live, facts), plan.request());
        let mut addresses = Vec::new();
        for (kind, key) in [(ObjectKind::Service, JobField::Port), (ObjectKind::HttpRoute, JobField::Publish)]
        {
            let known = workload.iter().position(|difference| difference.key == Some(key));
            let found = match (known, key) {
                // Only the route differs, not the pods.
                (Some(index), JobField::Publish) => vec![workload.remove(index)],
                (Some(_), _) => Vec::new(),
                (None, _) => address_differences(kind, key, live, wanted),
            };
            addresses.extend(found.into_iter().map(|difference| (kind, difference)));
        }
        let by_hand = variables_set_by_hand(live);
        let differs = !workload.is_empty() || !addresses.is_empty();
        if differs && !by_hand.is_empty() {
            let live = Some(Untrusted::new(format!("set by hand: {}", by_hand.join(", "))));
            let path = path(JobField::Environment, &plan.request().kind);
            workload.push(Difference::new(path, live, None).of_key(JobField::Environment));
        }
        Self { workload, addresses }
    }

    fn is_same(&self) -> bool {
        self.workload.is_empty() && self.addresses.is_empty()
    }

    fn keys(&self) -> Vec<JobField> {
        let addresses = self.addresses.iter().map(|(_, difference)| difference);
        let mut keys: Vec<JobField> =
            self.workload.iter().chain(addresses).filter_map(|difference| difference.key).collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// Adds the differences to the steps of their objects.
    fn on(self, mut steps: Vec<Step>) -> Vec<Step> {
        let Self { workload, addresses } = self;
        let is_workload = |step: &Step| {
            matches!(step.id.kind, ObjectKind::Deployment | ObjectKind::CronJob | ObjectKind::Job)
        };
        if let Some(step) = steps.iter_mut().find(|step| is_workload(step)) {
            step.differences = workload;
        }
        for (kind, difference) in addresses {
            if let Some(step) = steps.iter_mut().find(|step| step.id.kind == kind) {
                step.differences.push(difference);
            }
        }
        steps
    }
}

/// Returns the differences of an address: it is missing, different, or no longer wanted.
fn address_differences(
    kind: ObjectKind,
    key: JobField,
    live: &JobObjects,
    wanted: &JobObjects,
) -> Vec<Difference> {
    let object = |objects: &JobObjects| match kind {
        ObjectKind::Service => objects.service.clone().map(Object::from),
        ObjectKind::HttpRoute => objects.http_route.clone().map(Object::from),
        _ => None,
    };
    let whole = |live: Option<&Object>, wanted: Option<&Object>| {
        let text = |object: Option<&Object>| {
            Some(Untrusted::new(
                object.map_or_else(|| format!("no {kind}"), |object| object.id().to_string()),
            ))
        };
        vec![Difference::new(FieldPath::default(), text(live), text(wanted)).of_key(key)]
    };
    match (object(live), object(wanted)) {
        (None, None) => Vec::new(),
        (Some(live), Some(wanted)) => differences(&wanted.to_json(), &live.to_json())
            .into_iter()
            .filter(|difference| difference.path.is_in_spec())
            .map(|difference| difference.of_key(key))
            .collect(),
        (live, wanted) => whole(live.as_ref(), wanted.as_ref()),
    }
}

/// Returns whether a live object can be updated to the wanted one: it has the same kind, and the immutable selector of a
/// Deployment is the same.
fn is_changeable(live: &JobObjects, wanted: &JobObjects) -> bool {
    match (&live.workload, &wanted.workload) {
        (JobWorkload::Scheduled(_), JobWorkload::Scheduled(_)) => true,
        (JobWorkload::Continuous(live), JobWorkload::Continuous(wanted)) => {
            let selector = |spec: Option<&k8s_openapi::api::apps::v1::DeploymentSpec>| {
                spec.and_then(|spec| spec.selector.match_labels.clone())
            };
            selector(deployment_spec(live)) == selector(deployment_spec(wanted))
        }
        _ => false,
    }
}
