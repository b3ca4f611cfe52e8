//! What is done to one web service or job: the steps, one for each object.

use std::fmt;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::Value;
use toolforge_quota::{ContainerDemand, Demand, LimitRange, Pods};

use crate::change::{Downtime, PodReplacement, Rollout};
use crate::object::{Difference, Object, ObjectId};
use crate::pod;

/// What kind of workload is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WorkloadKind {
    /// A web service.
    WebService,
    /// A job that runs once.
    OneOff,
    /// A job that runs on a schedule.
    Scheduled,
    /// A job that is kept running.
    Continuous,
    /// A job of which only the record of the platform's jobs service exists.
    Recorded,
}

impl WorkloadKind {
    /// Returns the word for people and programs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::WebService => "web-service",
            Self::OneOff => "one-off",
            Self::Scheduled => "scheduled",
            Self::Continuous => "continuous",
            Self::Recorded => "recorded",
        }
    }
}

impl fmt::Display for WorkloadKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What is done to a workload or to one of its objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Nothing: it is as wanted.
    Keep,
    /// It is created.
    Create,
    /// It is changed where it is.
    Update,
    /// It is deleted and created again, because it cannot be changed.
    Recreate,
    /// It is deleted.
    Delete,
}

impl Action {
    /// Returns the word for people and programs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Create => "create",
            Self::Update => "update",
            Self::Recreate => "recreate",
            Self::Delete => "delete",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What is done to one object.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Step {
    /// The object.
    pub id: ObjectId,
    /// What is done.
    pub action: StepAction,
    /// The object as it is wanted; `None` where it is deleted or waited for.
    pub wanted: Option<Object>,
    /// The fields that differ from the live object.
    pub differences: Vec<Difference>,
}

/// How an object is written. Whoever applies steps has to know every way, so that the enum is exhaustive.
#[derive(Clone, Debug, PartialEq)]
pub enum StepAction {
    /// Not at all: it is as wanted.
    Keep,
    /// Created, which fails where another object of its name exists.
    Create,
    /// Applied on the server's side, with fields of others left as they are.
    Apply {
        /// A strategic merge patch to send before: it removes fields that other managers own, which an apply cannot.
        clears: Option<Box<Value>>,
    },
    /// Replaced as a whole, and only where it is still the object that was seen.
    Replace {
        /// The metadata of the object that was seen.
        seen: Box<ObjectMeta>,
    },
    /// Changed in these fields only.
    Merge {
        /// The strategic merge patch.
        patch: Box<Value>,
    },
    /// Deleted, together with the objects that it owns.
    Delete {
        /// The uid of the object that was seen; another object of its name is left alone.
        uid: Option<String>,
    },
    /// Waited for until a gateway accepts the route.
    AwaitAccepted,
    /// Waited for until it and its pods are gone.
    AwaitGone {
        /// The uid of the object that was deleted.
        uid: Option<String>,
    },
}

impl Step {
    pub(crate) fn wanted(object: Object, action: StepAction) -> Self {
        Self { id: object.id(), action, wanted: Some(object), differences: Vec::new() }
    }

    pub(crate) fn of(id: ObjectId, action: StepAction) -> Self {
        Self { id, action, wanted: None, differences: Vec::new() }
    }

    /// Returns what is done to the object, in the words for a whole workload; `None` for a wait.
    #[must_use]
    pub fn action(&self) -> Option<Action> {
        match &self.action {
            StepAction::Keep => Some(Action::Keep),
            StepAction::Create => Some(Action::Create),
            // What does not exist yet is created by applying it.
            StepAction::Apply { .. } if self.differences.is_empty() => Some(Action::Create),
            StepAction::Apply { .. } | StepAction::Replace { .. } | StepAction::Merge { .. } => {
                Some(Action::Update)
            }
            StepAction::Delete { .. } => Some(Action::Delete),
            StepAction::AwaitAccepted | StepAction::AwaitGone { .. } => None,
        }
    }

    /// Returns the differences that a person asked for: without the annotations that only remember how.
    pub fn shown_differences(&self) -> impl Iterator<Item = &Difference> {
        self.differences.iter().filter(|difference| !difference.path.is_bookkeeping())
    }
}

/// What is done to one web service or job.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Change {
    /// What kind of workload it is.
    pub kind: WorkloadKind,
    /// Its name: that of the job, or of the tool.
    pub name: String,
    /// What is done to it.
    pub action: Action,
    /// Whether it is taken over from the platform's jobs service, whose record is deleted.
    pub adopts: bool,
    /// The steps, in their order.
    pub steps: Vec<Step>,
    /// How its pods are replaced; `None` where they are not.
    pub rollout: Option<Rollout>,
    /// When nothing of it runs meanwhile; `None` where something always does.
    pub downtime: Option<Downtime>,
    pub(crate) demand: ChangeDemand,
}

impl Change {
    pub(crate) fn new(kind: WorkloadKind, name: impl Into<String>, action: Action) -> Self {
        Self {
            kind,
            name: name.into(),
            action,
            adopts: false,
            steps: Vec::new(),
            rollout: None,
            downtime: None,
            demand: ChangeDemand::default(),
        }
    }

    /// Returns whether nothing is written.
    #[must_use]
    pub fn is_keep(&self) -> bool {
        self.action == Action::Keep
    }

    /// Returns the objects as they are wanted.
    pub fn objects(&self) -> impl Iterator<Item = &Object> {
        self.steps.iter().filter_map(|step| step.wanted.as_ref())
    }

    /// Returns what differs, without the annotations that only remember how something was asked for.
    pub fn differences(&self) -> impl Iterator<Item = &Difference> {
        self.steps.iter().flat_map(Step::shown_differences)
    }

    /// Has pods replaced one after the other, or all at once where there is only one, so that the peak requests no more
    /// than what is there at rest.
    pub(crate) fn replace_in_place(&mut self) {
        let (Some(replacement), Some(_)) = (&self.demand.replacement, self.rollout) else { return };
        let rollout = if replacement.new.count < 2 { Rollout::Recreate } else { Rollout::InPlace };
        self.rollout = Some(rollout);
        for step in &mut self.steps {
            if let Some(Object::Deployment(deployment)) = &mut step.wanted {
                rollout.apply_to(deployment);
            }
        }
    }

    /// Returns what is requested at the worst moment.
    pub(crate) fn requested_at_peak(&self) -> Demand {
        match (&self.demand.replacement, self.rollout) {
            (Some(replacement), Some(rollout)) => {
                let mut peak = self.demand.besides_pods.clone();
                peak.add_all(&replacement.peak(rollout));
                peak
            }
            _ => self.demand.requested.clone(),
        }
    }

    /// Returns the order of changes: what frees quota first, what requests more later, what is new last.
    pub(crate) fn order(&self) -> u8 {
        let ChangeDemand { freed, requested, .. } = &self.demand;
        match self.action {
            Action::Delete => 0,
            Action::Update | Action::Recreate => {
                u8::from(requested.iter().any(|(resource, amount)| amount > freed.get(resource))) + 1
            }
            Action::Create => 3,
            Action::Keep => 4,
        }
    }
}

/// What a change frees and requests of the quotas.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ChangeDemand {
    /// What the live objects use that are replaced or deleted.
    pub(crate) freed: Demand,
    /// What the wanted objects request once all of their pods run.
    pub(crate) requested: Demand,
    /// The part of it that is not requested by pods.
    pub(crate) besides_pods: Demand,
    /// The pods that are replaced by a rollout.
    pub(crate) replacement: Option<PodReplacement>,
    /// The containers whose limits are checked.
    pub(crate) containers: Vec<ContainerDemand>,
}

impl ChangeDemand {
    /// Returns the demand of objects that are written; `owner` is what a person calls them, `None` where there is but one.
    pub(crate) fn of_objects<'a>(
        objects: impl IntoIterator<Item = &'a Object>,
        limit_ranges: &[LimitRange],
        owner: Option<&str>,
    ) -> Self {
        let mut demand = Self::default();
        for object in objects {
            demand.besides_pods.add_all(&pod::count_demand(object.kind()));
            let Pods { count, each } = pod::pods_of(object, limit_ranges);
            demand.requested.add_all(&each.times(count));
            let spec = object.pod_template().and_then(|template| template.spec.as_ref());
            let containers = spec.into_iter().flat_map(|spec| pod::containers_of_pod(spec, limit_ranges));
            demand.containers.extend(containers.map(|resources| {
                let mut container = ContainerDemand::from(resources);
                container.object = owner.map(str::to_owned);
                container
            }));
        }
        demand.requested.add_all(&demand.besides_pods.clone());
        demand
    }
}
