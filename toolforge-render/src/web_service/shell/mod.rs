//! The pod of a shell: what it is made of, whether it fits, when it can be used, and which ones were left behind.
//!
//! The pod only keeps a place: what is typed runs in it by `exec`, so that nothing it writes can be lost before somebody
//! reads it. See `docs/decisions/0008-shell.md`.

mod holder;
mod leftover;
mod owner;
mod pod;
mod progress;

pub use holder::{Holder, holders};
pub use leftover::{Leftover, leftovers};
pub use owner::{NoShellOwner, ShellOwner};
pub use pod::{ShellName, shell_command, shell_pod};
pub use progress::{ShellProgress, shell_progress};

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Pod;
use toolforge_model::platform;
use toolforge_quota::{ContainerDemand, Demand, PodTraits, QuotaCheck};

use crate::pod::{containers_of_pod, of_pod};
use crate::web_service::Facts;

/// Returns whether the namespace has room for a shell's pod once the pods in `leaving` are gone.
#[must_use]
pub fn shell_verdict(pod: &Pod, leaving: &[Pod], facts: &Facts) -> QuotaCheck {
    let of = |pod: &Pod| {
        pod.spec.as_ref().map(|spec| of_pod(spec, &facts.limits.limit_ranges)).unwrap_or_default()
    };
    let mut releases = Demand::default();
    leaving.iter().for_each(|pod| releases.add_all(&of(pod)));
    let containers: Vec<ContainerDemand> = pod
        .spec
        .iter()
        .flat_map(|spec| containers_of_pod(spec, &facts.limits.limit_ranges))
        .map(ContainerDemand::from)
        .collect();
    let with_deadline = PodTraits { has_deadline: true, ..PodTraits::default() };
    facts.limits.evaluate_for(with_deadline, &releases, &of(pod), &containers)
}

/// Returns whether labels mark a pod as a shell's, of ours or of the platform's own tool since webservice 0.77.
fn is_shell(labels: Option<&BTreeMap<String, String>>) -> bool {
    has(labels, platform::LABEL_COMPONENT, platform::COMPONENT_SHELL)
        && has(labels, platform::LABEL_MANAGED_BY, platform::MANAGED_BY_WEBSERVICE)
}

fn has(labels: Option<&BTreeMap<String, String>>, key: &str, value: &str) -> bool {
    labels.and_then(|labels| labels.get(key)).is_some_and(|found| found == value)
}
