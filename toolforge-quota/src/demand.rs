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
    /// The containers that run before the others, one after the other.
    pub init_containers: Vec<ContainerResources>,
    /// The init containers that go on running beside the others (`restartPolicy: Always`).
    pub sidecars: Vec<ContainerResources>,
}

impl PodDemand {
    /// Returns what the pod takes: the sum of what runs side by side, or the largest init container with the
    /// sidecars beside it, whichever is more, as the API server counts a pod.
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
        let sum =
            |containers: &[ContainerResources]| containers.iter().map(&amount).fold(0, u64::saturating_add);
        let sidecars = sum(&self.sidecars);
        let largest_init = self.init_containers.iter().map(&amount).max().unwrap_or(0);
        sidecars.saturating_add(sum(&self.containers).max(largest_init))
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
    fn init_containers_count_by_the_largest_and_sidecars_add_up() {
        let pod = PodDemand {
            containers: vec![memory(100), memory(200)],
            init_containers: vec![memory(400), memory(50)],
            sidecars: vec![memory(10)],
        };
        assert_eq!(pod.demand().get(&Resource::LimitsMemory), 410 << 20);
        assert_eq!(pod.demand().get(&Resource::Pods), 1);
    }

    #[test]
    fn sums_stop_at_the_largest_number() {
        let mut demand = Demand::default();
        demand.add(Resource::Pods, u64::MAX);
        demand.add(Resource::Pods, 1);
        assert_eq!(demand.times(2).get(&Resource::Pods), u64::MAX);
    }
}
