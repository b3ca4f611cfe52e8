use std::collections::BTreeMap;
use std::iter::Sum;

use crate::container_resources::{Amounts, ContainerResources};
use crate::resource::Resource;

/// Amounts of resources that objects request, use or free, in each resource's smallest unit.
///
/// Sums saturate: `u64::MAX` of a resource fits no quota.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Demand(BTreeMap<Resource, u64>);

impl Demand {
    /// Returns the amount of a resource; zero where none is known.
    #[must_use]
    pub fn get(&self, resource: &Resource) -> u64 {
        self.0.get(resource).copied().unwrap_or(0)
    }

    /// Returns whether an amount of a resource is known, even if it is zero.
    #[must_use]
    pub fn contains(&self, resource: &Resource) -> bool {
        self.0.contains_key(resource)
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

    /// Returns the demand multiplied by a count.
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
    pub fn max(mut self, other: &Self) -> Self {
        for (resource, amount) in &other.0 {
            let larger = self.0.entry(resource.clone()).or_default();
            *larger = (*larger).max(*amount);
        }
        self
    }

    /// Returns the resources and their amounts.
    pub fn iter(&self) -> impl Iterator<Item = (&Resource, u64)> {
        self.0.iter().map(|(resource, amount)| (resource, *amount))
    }
}

impl Extend<(Resource, u64)> for Demand {
    fn extend<I: IntoIterator<Item = (Resource, u64)>>(&mut self, amounts: I) {
        for (resource, amount) in amounts {
            self.add(resource, amount);
        }
    }
}

impl FromIterator<(Resource, u64)> for Demand {
    fn from_iter<I: IntoIterator<Item = (Resource, u64)>>(amounts: I) -> Self {
        let mut demand = Self::default();
        demand.extend(amounts);
        demand
    }
}

impl<const N: usize> From<[(Resource, u64); N]> for Demand {
    fn from(amounts: [(Resource, u64); N]) -> Self {
        amounts.into_iter().collect()
    }
}

impl Sum for Demand {
    fn sum<I: Iterator<Item = Self>>(demands: I) -> Self {
        demands.fold(Self::default(), |mut sum, demand| {
            sum.add_all(&demand);
            sum
        })
    }
}

/// The containers of one pod, with the namespace's defaults already applied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PodDemand {
    /// The containers that run at the same time.
    pub containers: Vec<ContainerResources>,
    /// The containers that are started before the others, one after the other, in the pod's order.
    pub init_containers: Vec<InitContainer>,
}

/// A container that is started before the pod's others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InitContainer {
    /// Its resources.
    pub resources: ContainerResources,
    /// Whether it is a sidecar, which keeps running while later containers start (`restartPolicy: Always`).
    pub is_sidecar: bool,
}

impl PodDemand {
    /// Returns the most of each resource that the pod requests at any moment, as the API server counts a pod: while one
    /// of its init containers runs, next to the sidecars that were started before, or when all of its containers run.
    #[must_use]
    pub fn demand(&self) -> Demand {
        let cpu = |amounts: Amounts| amounts.numbers().cpu.unwrap_or(0);
        let memory = |amounts: Amounts| amounts.numbers().memory.unwrap_or(0);
        [
            (Resource::Pods, 1),
            (Resource::Count("pods".to_owned()), 1),
            (Resource::RequestsCpu, self.peak(|container| cpu(container.requests))),
            (Resource::LimitsCpu, self.peak(|container| cpu(container.limits))),
            (Resource::RequestsMemory, self.peak(|container| memory(container.requests))),
            (Resource::LimitsMemory, self.peak(|container| memory(container.limits))),
        ]
        .into()
    }

    fn peak(&self, amount: impl Fn(&ContainerResources) -> u64) -> u64 {
        let (mut sidecars, mut peak) = (0_u64, 0);
        for InitContainer { resources, is_sidecar } in &self.init_containers {
            let running = sidecars.saturating_add(amount(resources));
            peak = peak.max(running);
            if *is_sidecar {
                sidecars = running;
            }
        }
        let staying = self.containers.iter().map(amount).fold(sidecars, u64::saturating_add);
        peak.max(staying)
    }
}

#[cfg(test)]
mod tests {
    use toolforge_model::Memory;

    use super::*;

    fn memory(mebibytes: u64) -> ContainerResources {
        ContainerResources {
            limits: Amounts { memory: Some(Memory::from_bytes(mebibytes << 20)), cpu: None },
            ..ContainerResources::default()
        }
    }

    #[test]
    fn pod_demand_is_that_of_its_peak() {
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
    fn sums_saturate() {
        let mut demand = Demand::default();
        demand.add(Resource::Pods, u64::MAX);
        demand.add(Resource::Pods, 1);
        assert_eq!(demand.times(2).get(&Resource::Pods), u64::MAX);
    }
}
