//! The requests of one pod, as the API server counts them.

use crate::container_resources::{Amounts, ComputeResource, ContainerResources};
use crate::demand::Demand;
use crate::limit_range::{LimitRange, apply_defaults};
use crate::object_name::ObjectName;
use crate::resource::Resource;
use crate::scopes::PodTraits;

/// One pod: its containers, and the properties that decide which quotas count it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PodDemand {
    /// The object that it belongs to, such as `job daily`; `None` if it is the only one.
    pub object: Option<ObjectName>,
    /// The names of all containers, init containers last; empty if there is only one.
    pub container_names: Vec<String>,
    /// The containers that run at the same time.
    pub containers: Vec<ContainerResources>,
    /// The containers that are started before the others, one after the other, in the pod's order.
    pub init_containers: Vec<InitContainer>,
    /// The pod's own `resources`; an amount that it sets counts instead of the containers' sum.
    pub resources: ContainerResources,
    /// What the pod requests in addition to its containers (`overhead`, of its runtime class).
    pub overhead: Amounts,
    /// Whether it has a deadline (`activeDeadlineSeconds`).
    pub has_deadline: bool,
    /// The name of its priority class.
    pub priority_class: Option<String>,
    /// Whether an affinity term selects pods of other namespaces.
    pub has_cross_namespace_affinity: bool,
}

/// A container that is started before the pod's others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InitContainer {
    /// Its resources.
    pub resources: ContainerResources,
    /// Whether it is a sidecar, which keeps running while later containers start (`restartPolicy: Always`).
    pub is_sidecar: bool,
}

impl PodDemand {
    /// Returns the pod with the requests and limits that the API server adds to its containers: see [`apply_defaults`].
    #[must_use]
    pub fn with_defaults(mut self, limit_ranges: &[LimitRange]) -> Self {
        let apply = |resources: &mut ContainerResources| {
            *resources = apply_defaults(limit_ranges, std::mem::take(resources));
        };
        self.containers.iter_mut().for_each(apply);
        self.init_containers.iter_mut().for_each(|container| apply(&mut container.resources));
        self
    }

    /// Returns the resources of all containers, init containers last.
    pub fn all_containers(&self) -> impl Iterator<Item = &ContainerResources> {
        self.containers.iter().chain(self.init_containers.iter().map(|container| &container.resources))
    }

    /// Returns the maximum of each resource that the pod's containers request, and are limited to, at any time: while one of
    /// its init containers runs, together with the sidecars that were started before, or while all of its containers run.
    /// LimitRanges of type Pod bound these sums.
    #[must_use]
    pub fn sums(&self) -> ContainerResources {
        let sum = |of: fn(&ContainerResources) -> &Amounts| {
            let (mut sidecars, mut peak) = (Amounts::default(), Amounts::default());
            for InitContainer { resources, is_sidecar } in &self.init_containers {
                let mut running = sidecars.clone();
                running.add_all(of(resources));
                peak.raise_to(&running);
                if *is_sidecar {
                    sidecars = running;
                }
            }
            for container in &self.containers {
                sidecars.add_all(of(container));
            }
            peak.raise_to(&sidecars);
            peak
        };
        let sums = ContainerResources {
            limits: sum(|resources| &resources.limits),
            requests: sum(|resources| &resources.requests),
        };
        self.pod_level().or(&sums)
    }

    /// Returns the amounts that the quotas count for the pod while it runs, including its overhead.
    #[must_use]
    pub fn demand(&self) -> Demand {
        let ContainerResources { mut limits, mut requests } = self.sums();
        requests.add_all(&self.overhead);
        // Overhead is added to limits above zero; a pod without a limit gets none.
        let is_limited = |resource: &ComputeResource| limits.get(resource).is_some_and(|limit| limit > 0);
        let bounded = self.overhead.iter().filter(|(resource, _)| is_limited(resource));
        let bounded: Amounts = bounded.map(|(resource, amount)| (resource.clone(), amount)).collect();
        limits.add_all(&bounded);
        let mut demand = Self::terminal_demand();
        demand.add(Resource::Pods, 1);
        let requests = requests.iter().map(|(resource, amount)| (Resource::of_requests(resource), amount));
        let limits = limits.iter().map(|(resource, amount)| (Resource::of_limits(resource), amount));
        demand.extend(
            requests
                .chain(limits)
                .filter_map(|(resource, amount)| resource.map(|resource| (resource, amount))),
        );
        demand
    }

    /// Returns the amounts that the quotas count for a pod whose containers have terminated for good, or that is deleted and
    /// past its grace period: only the object.
    #[must_use]
    pub fn terminal_demand() -> Demand {
        [(Resource::Count("pods".to_owned()), 1)].into()
    }

    /// Returns the traits that decide which scopes the pod matches.
    #[must_use]
    pub fn traits(&self) -> PodTraits {
        let states = |resources: &ContainerResources| {
            let amounts = resources.limits.iter().chain(resources.requests.iter());
            amounts.into_iter().any(|(resource, amount)| {
                matches!(resource, ComputeResource::Cpu | ComputeResource::Memory) && amount > 0
            })
        };
        PodTraits {
            has_deadline: self.has_deadline,
            is_best_effort: !self.all_containers().any(states) && !states(&self.pod_level()),
            priority_class: self.priority_class.clone(),
            has_cross_namespace_affinity: self.has_cross_namespace_affinity,
        }
    }

    /// Returns the resources for which a container has no amount and a quota requires one.
    pub(crate) fn unspecified<'a>(&self, limited: impl Iterator<Item = &'a Resource>) -> Vec<Resource> {
        let pod_level = self.pod_level();
        if pod_level != ContainerResources::default() {
            return Vec::new();
        }
        let states = |container: &ContainerResources, resource: &Resource| {
            let ContainerResources { limits, requests } = container;
            let requests = requests.iter().map(|(stated, _)| Resource::of_requests(stated));
            let limits = limits.iter().map(|(stated, _)| Resource::of_limits(stated));
            requests.chain(limits).any(|stated| stated.as_ref() == Some(resource))
        };
        limited
            .filter(|resource| resource.must_be_specified())
            .filter(|resource| self.all_containers().any(|container| !states(container, resource)))
            .cloned()
            .collect()
    }

    /// Returns the amounts that a pod may state itself: CPU, memory and huge pages.
    fn pod_level(&self) -> ContainerResources {
        let supported = |amounts: &Amounts| {
            let supported = amounts.iter().filter(|(resource, _)| {
                matches!(
                    resource,
                    ComputeResource::Cpu | ComputeResource::Memory | ComputeResource::HugePages(_)
                )
            });
            supported.map(|(resource, amount)| (resource.clone(), amount)).collect()
        };
        ContainerResources {
            limits: supported(&self.resources.limits),
            requests: supported(&self.resources.requests),
        }
    }
}

#[cfg(test)]
mod tests {
    use toolforge_model::Memory;

    use super::*;

    fn memory(mebibytes: u64) -> ContainerResources {
        let limits = Amounts::new(None, Some(Memory::from_bytes(mebibytes << 20)));
        ContainerResources { limits, ..ContainerResources::default() }
    }

    fn amounts(amounts: &[(&str, u64)]) -> Amounts {
        amounts.iter().map(|(key, amount)| (ComputeResource::from(*key), *amount)).collect()
    }

    #[test]
    fn pod_demand_is_its_peak() {
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
                ..PodDemand::default()
            };
            assert_eq!(pod.demand().get(&Resource::LimitsMemory), expected << 20, "{init:?} {containers:?}");
            assert_eq!(pod.demand().get(&Resource::Pods), 1);
        }
    }

    #[test]
    fn every_counted_resource_has_a_key() {
        let stated = amounts(&[
            ("cpu", 1),
            ("memory", 2),
            ("ephemeral-storage", 3),
            ("hugepages-2Mi", 4),
            ("nvidia.com/gpu", 5),
            ("pets", 6),
        ]);
        let container = ContainerResources { limits: stated.clone(), requests: stated };
        let pod = PodDemand { containers: vec![container], ..PodDemand::default() };
        let found: Vec<String> =
            pod.demand().iter().map(|(resource, amount)| format!("{resource}={amount}")).collect();
        assert_eq!(
            found.join(" "),
            "pods=1 requests.cpu=1 requests.memory=2 limits.cpu=1 limits.memory=2 requests.ephemeral-storage=3 \
             limits.ephemeral-storage=3 requests.hugepages-2Mi=4 requests.nvidia.com/gpu=5 count/pods=1"
        );
    }

    #[test]
    fn overhead_adds_to_pod_amounts() {
        let container = ContainerResources {
            limits: amounts(&[("memory", 100)]),
            requests: amounts(&[("memory", 100), ("cpu", 10)]),
        };
        let overhead = amounts(&[("memory", 7), ("cpu", 3)]);
        let pod = PodDemand { containers: vec![container], overhead, ..PodDemand::default() };
        let demand = pod.demand();
        assert_eq!(demand.get(&Resource::RequestsMemory), 107);
        assert_eq!(demand.get(&Resource::LimitsMemory), 107);
        assert_eq!(demand.get(&Resource::RequestsCpu), 13);
        assert!(!demand.contains(&Resource::LimitsCpu));
        // LimitRanges bound the containers only.
        assert_eq!(pod.sums().requests.get(&ComputeResource::Memory), Some(100));
    }

    #[test]
    fn pod_resources_replace_containers() {
        let resources = ContainerResources {
            limits: amounts(&[("memory", 300)]),
            requests: amounts(&[("memory", 200), ("ephemeral-storage", 1)]),
        };
        let pod = PodDemand { containers: vec![memory(1), memory(1)], resources, ..PodDemand::default() };
        assert_eq!(pod.demand().get(&Resource::LimitsMemory), 300);
        assert_eq!(pod.demand().get(&Resource::RequestsMemory), 200);
        assert!(!pod.demand().contains(&Resource::RequestsEphemeralStorage));
        assert!(!pod.traits().is_best_effort);
        assert_eq!(pod.unspecified([Resource::RequestsCpu].iter()), []);
    }

    #[test]
    fn zero_amounts_are_best_effort() {
        let of = |key, amount| {
            let container = ContainerResources { requests: amounts(&[(key, amount)]), ..memory(0) };
            let init = InitContainer { resources: container, is_sidecar: false };
            PodDemand { init_containers: vec![init], ..PodDemand::default() }.traits().is_best_effort
        };
        assert!(PodDemand::default().traits().is_best_effort);
        assert!(of("cpu", 0));
        assert!(of("ephemeral-storage", 5));
        assert!(!of("cpu", 1));
    }
}
