//! The check of changes that are applied in stages.

use std::collections::BTreeSet;

use toolforge_quota::{Demand, DemandChange, Limits, ObjectName, QuotaCheck};

use crate::change::step::objects_of;
use crate::change::{Change, ChangeDemand};
use crate::object::ObjectKind;
use crate::pod::PodSetKind;

/// Checks changes stage by stage: awaited changes finish before the others are applied. There is at least one
/// check.
pub(super) fn check(
    changes: &[Change],
    limits: &Limits,
    requested: impl Fn(&Change) -> Demand,
) -> Vec<QuotaCheck> {
    let requested: Vec<Demand> = changes.iter().map(requested).collect();
    check_all(changes, limits, &requested, |_| true)
}

/// Checks changes with these demands, stage by stage. Only those whose index `creates` accepts create anything that a quota has
/// to admit.
pub(super) fn check_all(
    changes: &[Change],
    limits: &Limits,
    requested: &[Demand],
    creates: impl Fn(usize) -> bool,
) -> Vec<QuotaCheck> {
    let counted = |index: usize, change: &Change, has_ended: bool| {
        let ChangeDemand { freed, created, pods, claims, .. } = change.demand.clone();
        let freed_objects = freed_objects(change).collect();
        let created = if creates(index) { created } else { Demand::default() };
        let (mut requested, mut created) = (requested[index].clone(), created);
        let mut freed = freed;
        if has_ended {
            (requested, created) = (objects_of(&requested), objects_of(&created));
            freed.add_all(&change.running);
        }
        let kept_objects = kept_objects(change).collect();
        DemandChange { freed, requested, created, pods, claims, freed_objects, kept_objects }
    };
    let check_stage = |stage: usize| {
        let started = changes.iter().enumerate().filter(|(_, change)| change.stage <= stage);
        let counted =
            started.map(|(index, change)| counted(index, change, change.is_awaited && change.stage < stage));
        limits.evaluate_changes(&counted.collect::<Vec<_>>())
    };
    let stages: BTreeSet<usize> = changes.iter().map(|change| change.stage).collect();
    if stages.is_empty() { vec![check_stage(0)] } else { stages.into_iter().map(check_stage).collect() }
}

/// Returns the unchanged objects for which nothing else says which of their pods are missing.
fn kept_objects(change: &Change) -> impl Iterator<Item = ObjectName> {
    let is_kept = change.is_keep() && change.demand == ChangeDemand::default();
    let steps = change.steps.iter().map(|step| ObjectName::from(step.id.clone()));
    let objects = steps.chain(change.object.clone());
    let keeps_pods = |object: &ObjectName| {
        ObjectKind::Deployment.is_of(object) || PodSetKind::ALL.iter().any(|kind| kind.is_of(object))
    };
    objects.filter(move |object| is_kept && keeps_pods(object))
}

/// Returns the objects that a change frees.
pub(super) fn freed_objects(change: &Change) -> impl Iterator<Item = ObjectName> {
    let is_counted = change.demand != ChangeDemand::default();
    let steps = change.steps.iter().filter(move |_| is_counted).map(|step| ObjectName::from(step.id.clone()));
    steps.chain(change.demand.freed_objects.iter().cloned())
}
