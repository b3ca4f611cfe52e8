//! What applying a StatefulSet frees and requests.

use k8s_openapi::api::apps::v1::{StatefulSet, StatefulSetSpec};
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, PodSpec};
use toolforge_quota::{Demand, PodDemand, Pods};

use crate::change::{Change, Downtime, PodReplacement, Rollout};
use crate::files::manifest_change::{Planned, replicas_or_one};
use crate::manifest::ManifestKind;
use crate::object::stateful_set_spec;
use crate::pod::{claim_demand, stated_pod};

impl Planned<'_> {
    pub(super) fn stateful_set(&self, change: &mut Change, wanted: &StatefulSet) {
        let Some(spec) = stateful_set_spec(wanted) else { return };
        let replicas = replicas_or_one(spec.replicas);
        let old = self.scaled(change, replicas);
        let live = self.facts.live.typed::<StatefulSet>(self.manifest);
        let live_spec = live.as_ref().and_then(stateful_set_spec);
        let before = live_spec.map_or(0, |spec| replicas_or_one(spec.replicas));
        let strategy = spec.update_strategy.as_ref();
        let is_rolling = strategy.and_then(|strategy| strategy.type_.as_deref()) != Some("OnDelete");
        let continues = live
            .as_ref()
            .is_some_and(|live| has_outdated_pods(live) && partition(Some(spec)) < partition(live_spec));
        if is_rolling && (self.replaces_live_pods() || continues) {
            // One pod after the other: an old one terminates before its new one is created.
            let kept = partition(Some(spec)).min(replicas);
            change.downtime = (old.count == 1 && kept == 0).then_some(Downtime::BetweenPods);
            self.replace_from(change, old, (kept, replicas), live_spec);
        }
        // Each pod has a claim of its own, which is kept when the pod is deleted.
        for claim in spec.volume_claim_templates.iter().flatten() {
            let missing = (before..replicas).filter(|index| !self.has_claim(spec, claim, *index)).count();
            let missing = u64::try_from(missing).unwrap_or(u64::MAX);
            let mut each = claim_kind().object_demand();
            each.add_all(&claim_demand(claim));
            let added = each.times(missing);
            for demand in
                [&mut change.demand.other_objects, &mut change.demand.requested, &mut change.demand.created]
            {
                demand.add_all(&added);
            }
            if missing > 0 {
                self.claim(change, claim);
            }
        }
    }

    /// Counts the replacement of all pods except the first `kept` ones; if one of those is missing, it is created with
    /// the old template.
    fn replace_from(
        &self,
        change: &mut Change,
        old: Pods,
        (kept, replicas): (u64, u64),
        live: Option<&StatefulSetSpec>,
    ) {
        let before = live.map_or(0, |spec| replicas_or_one(spec.replicas));
        let stay = Pods { count: kept, each: old.each.clone() };
        let replaced = Pods { count: old.count.saturating_sub(kept), each: old.each };
        self.replace_all(change, replaced, replicas - kept, Rollout::InPlace);
        let stay = match &self.live_pod(live) {
            Some(pod) if stay.each == Demand::default() => {
                Pods { each: pod.clone().with_defaults(self.limit_ranges).demand(), ..stay }
            }
            _ => stay,
        };
        let demand = &mut change.demand;
        let staying = stay.each.times(stay.count);
        demand.other_objects.add_all(&staying);
        demand.requested.add_all(&staying);
        if kept > before {
            demand.created.add_all(&stay.each);
            demand.pods.extend(self.live_pod(live).map(|pod| pod.with_defaults(self.limit_ranges)));
        }
        if replicas == kept {
            demand.replacement = None::<PodReplacement>;
            change.rollout = None;
        }
    }

    /// Returns the pod of the live template.
    fn live_pod(&self, live: Option<&StatefulSetSpec>) -> Option<PodDemand> {
        let pod: &PodSpec = live?.template.spec.as_ref()?;
        Some(PodDemand { object: Some(self.manifest.object_name()), ..stated_pod(pod) })
    }

    /// Returns whether the claim of a pod exists, by the index of the pod.
    fn has_claim(&self, spec: &StatefulSetSpec, claim: &PersistentVolumeClaim, index: u64) -> bool {
        let start = spec.ordinals.as_ref().and_then(|ordinals| ordinals.start).unwrap_or(0);
        let ordinal = index.saturating_add(u64::try_from(start).unwrap_or(0));
        let template = claim.metadata.name.as_deref().unwrap_or_default();
        let name = format!("{template}-{}-{ordinal}", self.manifest.name);
        self.facts.live.has(&claim_kind(), &name)
    }
}

fn claim_kind() -> ManifestKind {
    ManifestKind::new("v1", "PersistentVolumeClaim")
}

/// Returns how many of the first pods an update does not replace (`updateStrategy.rollingUpdate.partition`).
fn partition(spec: Option<&StatefulSetSpec>) -> u64 {
    let update = spec.and_then(|spec| spec.update_strategy.as_ref()?.rolling_update.as_ref());
    update.and_then(|update| u64::try_from(update.partition?).ok()).unwrap_or(0)
}

/// Returns whether pods of a template before the newest one exist.
fn has_outdated_pods(live: &StatefulSet) -> bool {
    live.status.as_ref().is_some_and(|status| {
        status.current_revision.is_some() && status.current_revision != status.update_revision
    })
}
