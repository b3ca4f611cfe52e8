use crate::demand::Demand;
use crate::object_name::ObjectName;
use crate::pod_demand::PodDemand;
use crate::resource::Resource;
use crate::resource_quota::ResourceQuota;
use crate::scopes::PodTraits;

/// Pods that a controller is about to create, and that no quota counts yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WaitingPods {
    /// The object that creates them.
    pub owner: ObjectName,
    /// Whether they run to completion, as those of a Job do.
    pub run_to_completion: bool,
    /// How many there are.
    pub count: u64,
    /// The requests of each.
    pub each: Demand,
    /// The traits that decide which quotas count them.
    pub traits: PodTraits,
}

/// The Jobs of finished runs that a CronJob keeps: one for each later run that succeeds, until their number reaches its history
/// limit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeptJobs {
    /// The CronJob.
    pub owner: ObjectName,
    /// How many Jobs that succeeded it keeps for good.
    pub limit: u64,
    /// How many Jobs that failed it keeps for good.
    pub failed_limit: u64,
    /// Whether it will have more runs whose Jobs it keeps.
    pub keeps_later_runs: bool,
    /// How many existing Jobs have succeeded.
    pub succeeded: u64,
    /// How many existing Jobs have failed.
    pub failed: u64,
    /// How many existing Jobs have not finished. They are assumed to succeed.
    pub running: u64,
    /// How many existing Jobs are deleted soon regardless of the limits: they have a lifetime after they finish.
    pub expiring: u64,
    /// The usage of each: the Job, and its terminated pods.
    pub each: Demand,
    /// The traits that decide which quotas count its pods.
    pub traits: PodTraits,
}

impl KeptJobs {
    /// Returns how many Jobs of later runs will exist in addition to the existing ones.
    #[must_use]
    pub fn later(&self) -> u64 {
        if self.keeps_later_runs { self.limit.saturating_sub(self.succeeding()) } else { 0 }
    }

    /// Returns how many of the existing Jobs are kept once all have finished.
    #[must_use]
    pub fn staying(&self) -> u64 {
        self.succeeding().min(self.limit).saturating_add(self.failed.min(self.failed_limit))
    }

    /// Returns how many of the existing Jobs are deleted soon once all have finished: those above the limits, and those that
    /// expire.
    #[must_use]
    pub fn surplus(&self) -> u64 {
        let all = self.succeeding().saturating_add(self.failed).saturating_add(self.expiring);
        all.saturating_sub(self.staying())
    }

    /// Returns how many existing Jobs have succeeded once all have finished.
    fn succeeding(&self) -> u64 {
        self.succeeded.saturating_add(self.running)
    }
}

/// A terminating pod, which the quotas count until it has terminated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TerminatingPod {
    /// The name of the pod.
    pub name: String,
    /// When it is stopped, in seconds since 1970.
    pub until: i64,
    /// Its requests.
    pub demand: Demand,
    /// The traits that decide which quotas count it.
    pub traits: PodTraits,
    /// Whether its controller, which is unknown, may create another pod in its place.
    pub may_be_replaced: bool,
}

/// A pod that runs to completion: one of a Job, or one without a controller that is never restarted. The quotas then count less
/// of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FinitePod {
    /// The Job, or the pod itself if no controller owns it.
    pub owner: ObjectName,
    /// Whether no controller owns it, as for a shell. Nothing waits for it.
    pub is_unowned: bool,
    /// The name of the pod.
    pub name: String,
    /// The amounts that it frees when it terminates. The object remains.
    pub demand: Demand,
    /// The traits that decide which quotas count it.
    pub traits: PodTraits,
}

impl FinitePod {
    /// Returns the kind and the name of the pod.
    #[must_use]
    pub fn object(&self) -> ObjectName {
        ObjectName::of_pod(self.name.as_str())
    }
}

impl TerminatingPod {
    /// Returns the pod with the amounts that the quotas no longer count once its termination is long overdue. They still count
    /// the object, as `count/pods`, and its claims.
    #[must_use]
    pub fn without_object(self) -> Self {
        let objects = PodDemand::terminal_demand();
        let is_object = |resource: &Resource| objects.contains(resource) || !resource.is_of_pods();
        let counted = self.demand.iter().filter(|(resource, _)| !is_object(resource));
        let demand = counted.map(|(resource, amount)| (resource.clone(), amount)).collect();
        Self { demand, ..self }
    }

    /// Returns the kind and the name of the pod.
    #[must_use]
    pub fn object(&self) -> ObjectName {
        ObjectName::of_pod(self.name.as_str())
    }
}

/// Returns the waiting pods that the quotas admit. The others remain refused and use nothing.
pub(crate) fn admitted<'a>(
    quotas: &[ResourceQuota],
    waiting: impl IntoIterator<Item = &'a WaitingPods>,
) -> Vec<WaitingPods> {
    let mut admitted: Vec<WaitingPods> = Vec::new();
    for pods in waiting {
        let mut count = pods.count;
        for quota in quotas {
            for (resource, hard) in &quota.hard {
                let each = pods.each.get(resource);
                if each == 0 || !quota.counts(resource, &pods.traits) {
                    continue;
                }
                let earlier = admitted.iter().filter(|earlier| quota.counts(resource, &earlier.traits));
                let taken = earlier.map(|earlier| earlier.each.get(resource).saturating_mul(earlier.count));
                let used = taken.fold(quota.used(resource), u64::saturating_add);
                count = count.min(hard.saturating_sub(used) / each);
            }
        }
        if count > 0 {
            admitted.push(WaitingPods { count, ..pods.clone() });
        }
    }
    admitted
}
