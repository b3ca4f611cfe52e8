use std::collections::BTreeMap;
use std::iter::Sum;

use crate::resource::Resource;

/// Amounts of resources that objects request, use or free, in each resource's smallest unit.
///
/// Sums saturate: `u64::MAX` of a resource fits no quota.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Demand(BTreeMap<Resource, u64>);

impl Demand {
    /// Returns the amount of a resource; zero if it is unknown.
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

    /// Adds all amounts of another demand.
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

    /// Subtracts all amounts of another demand; no amount becomes negative.
    pub(crate) fn subtract(&mut self, other: &Self) {
        for (resource, amount) in &mut self.0 {
            *amount = amount.saturating_sub(other.get(resource));
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_saturate() {
        let mut demand = Demand::default();
        demand.add(Resource::Pods, u64::MAX);
        demand.add(Resource::Pods, 1);
        assert_eq!(demand.times(2).get(&Resource::Pods), u64::MAX);
    }
}
