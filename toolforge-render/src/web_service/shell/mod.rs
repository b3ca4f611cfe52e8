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
use toolforge_quota::{Demand, ResourceQuota, Verdict, at_rest, violations};

use crate::pod::{containers_of_pod, of_pod};
use crate::web_service::Facts;

/// Returns whether the namespace has room for a shell's pod once the pods in `leaving` are gone.
#[must_use]
pub fn shell_verdict(pod: &Pod, leaving: &[Pod], facts: &Facts) -> Verdict {
    let of = |pod: &Pod| pod.spec.as_ref().map(|spec| of_pod(spec, &facts.limit_ranges)).unwrap_or_default();
    let mut releases = Demand::default();
    leaving.iter().for_each(|pod| releases.add_all(&of(pod)));
    // A shell has a deadline, so other quotas leave it out than leave out a web service.
    let quotas: Vec<ResourceQuota> = facts
        .quotas
        .iter()
        .map(|quota| ResourceQuota { only_other_pods: quota.only_pods_without_deadline, ..quota.clone() })
        .collect();
    let mut verdict = at_rest(&quotas, &releases, &of(pod));
    let containers = pod.spec.iter().flat_map(|spec| containers_of_pod(spec, &facts.limit_ranges));
    verdict.violations = containers.flat_map(|found| violations(&facts.limit_ranges, &found)).collect();
    verdict
}

/// Returns whether labels mark a pod as a shell's, of ours or of the platform's own tool since webservice 0.77.
fn is_shell(labels: Option<&BTreeMap<String, String>>) -> bool {
    has(labels, platform::LABEL_COMPONENT, platform::COMPONENT_SHELL)
        && has(labels, platform::LABEL_MANAGED_BY, platform::MANAGED_BY_WEBSERVICE)
}

fn has(labels: Option<&BTreeMap<String, String>>, key: &str, value: &str) -> bool {
    labels.and_then(|labels| labels.get(key)).is_some_and(|found| found == value)
}
