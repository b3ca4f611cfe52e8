//! The pod of a shell: its spec, whether it fits the quota, its progress, and orphaned shells.
//!
//! The pod itself only sleeps: commands run in it with `exec`, so none of their output is lost. See
//! `docs/decisions/0008-shell.md`.

mod owner;
mod pod;

pub use owner::{OrphanedShell, ParseShellOwnerError, ShellHost, ShellOwner, ShellProcess, orphaned_shells};
pub use pod::{ShellName, ShellProgress, shell_command, shell_pod, shell_progress};

use k8s_openapi::api::core::v1::Pod;
use toolforge_quota::{Demand, DemandChange, QuotaCheck};

use crate::pod::{pod_demand, pod_id, stated_pod};
use crate::web_service::WebServiceFacts;

/// Returns whether a shell's pod fits the namespace's quota and limits once the pods in `deleted` are gone.
#[must_use]
pub fn shell_verdict(pod: &Pod, deleted: &[Pod], facts: &WebServiceFacts) -> QuotaCheck {
    let of = |pod: &Pod| {
        pod.spec
            .as_ref()
            .map(|spec| pod_demand(spec, &facts.namespace.limits.limit_ranges))
            .unwrap_or_default()
    };
    let mut freed = Demand::default();
    deleted.iter().for_each(|pod| freed.add_all(&of(pod)));
    let pods =
        pod.spec.iter().map(|spec| stated_pod(spec).with_defaults(&facts.namespace.limits.limit_ranges));
    let pods = pods.collect();
    let requested = of(pod);
    let created = requested.clone();
    let freed_objects = deleted.iter().map(pod_id).collect();
    facts.namespace.limits.evaluate_change(&DemandChange {
        freed,
        requested,
        created,
        pods,
        freed_objects,
        ..DemandChange::default()
    })
}
