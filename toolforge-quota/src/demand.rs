use std::collections::BTreeMap;

use toolforge_model::{Cpu, Memory};

use crate::container::ContainerResources;
use crate::resource::Resource;

/// What objects take of the quotas, in each resource's smallest unit.
///
/// Sums stop at the largest number instead of going round: what is that much fits nowhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Demand(BTreeMap<Resource, u64>);

impl Demand {
    /// Returns how much of a resource is taken.
    #[must_use]
    pub fn get(&self, resource: &Resource) -> u64 {
        self.0.get(resource).copied().unwrap_or(0)
    }

    /// Adds an amount of a resource.
    pub fn add(&mut self, resource: Resource, amount: u64) {
        let sum = self.0.entry(resource).or_default();
        *sum = sum.saturating_add(amount);
    }

    /// Adds all of another demand.
    pub fn add_all(&mut self, other: &Self) {
        for (resource, amount) in &other.0 {
            self.add(resource.clone(), *amount);
        }
    }

    /// Returns the demand so many times over.
    #[must_use]
    pub fn times(&self, count: u64) -> Self {
        Self(
            self.0
                .iter()
                .map(|(resource, amount)| (resource.clone(), amount.saturating_mul(count)))
                .collect(),
        )
    }

    /// Returns the larger amount of each resource of two demands.
    #[must_use]
    pub fn most(mut self, other: &Self) -> Self {
        for (resource, amount) in &other.0 {
            let held = self.0.entry(resource.clone()).or_default();
            *held = (*held).max(*amount);
        }
        self
    }

    /// Returns the resources and their amounts.
    pub fn iter(&self) -> impl Iterator<Item = (&Resource, u64)> {
        self.0.iter().map(|(resource, amount)| (resource, *amount))
    }
}

impl FromIterator<(Resource, u64)> for Demand {
    fn from_iter<I: IntoIterator<Item = (Resource, u64)>>(amounts: I) -> Self {
        let mut demand = Self::default();
        for (resource, amount) in amounts {
            demand.add(resource, amount);
        }
        demand
    }
}

/// The containers of one pod, with the namespace's defaults already applied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PodDemand {
    /// The containers that run side by side.
    pub containers: Vec<ContainerResources>,
    /// The containers that are started before the others, one after the other, in the pod's order.
    pub init_containers: Vec<InitContainer>,
}

/// A container that is started before the pod's others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InitContainer {
    /// What it asks for and may use.
    pub resources: ContainerResources,
    /// Whether it is a sidecar, which goes on running beside all that are started after it
    /// (`restartPolicy: Always`).
    pub is_sidecar: bool,
}

impl PodDemand {
    /// Returns what the pod takes at the moment when it takes most: while one of its init containers runs, beside the
    /// sidecars that were started before, or when all that stays runs side by side, as the API server counts a pod.
    #[must_use]
    pub fn demand(&self) -> Demand {
        let mut demand = Demand::default();
        demand.add(Resource::Pods, 1);
        demand.add(Resource::Count("pods".to_owned()), 1);
        let cpu = |amount: Option<Cpu>| amount.map_or(0, Cpu::millis);
        let memory = |amount: Option<Memory>| amount.map_or(0, Memory::bytes);
        for (resource, amount) in [
            (Resource::RequestsCpu, self.most(|container| cpu(container.cpu_request))),
            (Resource::LimitsCpu, self.most(|container| cpu(container.cpu_limit))),
            (Resource::RequestsMemory, self.most(|container| memory(container.memory_request))),
            (Resource::LimitsMemory, self.most(|container| memory(container.memory_limit))),
        ] {
            demand.add(resource, amount);
        }
        demand
    }

    fn most(&self, amount: impl Fn(&ContainerResources) -> u64) -> u64 {
        let (mut sidecars, mut most) = (0_u64, 0);
        for InitContainer { resources, is_sidecar } in &self.init_containers {
            let beside = sidecars.saturating_add(amount(resources));
            most = most.max(beside);
            if *is_sidecar {
                sidecars = beside;
            }
        }
        let staying = self.containers.iter().map(amount).fold(sidecars, u64::saturating_add);
        most.max(staying)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(mebibytes: u64) -> ContainerResources {
        ContainerResources {
            memory_limit: Some(Memory::from_bytes(mebibytes << 20)),
            ..ContainerResources::default()
        }
    }

    #[test]
    fn a_pod_takes_what_its_fullest_moment_takes() {
        // A sidecar is written as a negative number.
        for (init, containers, expected) in [
            (&[][..], &[100, 200][..], 300),
            (&[400, 50], &[100, 200], 400),
            (&[-10], &[100], 110),
            (&[-10, 400], &[100, 200], 410),
            (&[400, -10], &[100, 200], 400),
            (&[-10, 50, -20], &[100], 130),
            (&[-10, -20, 50], &[1], 80),
            (&[], &[], 0),
        ] {
            let pod = PodDemand {
                containers: containers.iter().map(|mebibytes: &u64| memory(*mebibytes)).collect(),
                init_containers: init
                    .iter()
                    .map(|mebibytes: &i64| InitContainer {
                        resources: memory(mebibytes.unsigned_abs()),
                        is_sidecar: *mebibytes < 0,
                    })
                    .collect(),
            };
            assert_eq!(pod.demand().get(&Resource::LimitsMemory), expected << 20, "{init:?} {containers:?}");
            assert_eq!(pod.demand().get(&Resource::Pods), 1);
        }
    }

    #[test]
    fn sums_stop_at_the_largest_number() {
        let mut demand = Demand::default();
        demand.add(Resource::Pods, u64::MAX);
        demand.add(Resource::Pods, 1);
        assert_eq!(demand.times(2).get(&Resource::Pods), u64::MAX);
    }
}
