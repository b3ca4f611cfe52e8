//! What a text asks for against the quota and the limits of the namespace: the same verdict as that of `quota-check FILE`.

use std::collections::BTreeMap;
use std::ops::Range;

use toolforge_model::{FileJob, Location, ToolName, Untrusted};
use toolforge_quota::{LimitViolation, Limits, Resource, ResourceCheck, ResourceQuota};

use super::super::check::{Check, Object};
use super::super::context::SOME_TOOL;
use super::super::edit::span_at;
use super::super::rule::Rule;
use super::super::syntax::{Document, Node};
use super::service::label;
use crate::files::{FileContents, FileJobs, FilePlan, FilePlanFacts, FileTemplate, plan_files};
use crate::manifest::Manifest;
use crate::namespace::Namespace;

/// The most items of a text that are counted; a tool's quota has none of which more would fit.
const MOST_ITEMS: usize = 1000;

/// The most levels of a text whose items are counted; no kind of object that has pods has more.
const MOST_LEVELS: usize = 40;

/// Something that a text asks for.
enum Item {
    Job(Box<FileJob>),
    Template(FileTemplate),
    Manifest(Manifest),
}

/// A resource of a quota.
type Key = (String, Resource);

/// Checks everything that a text asks for. A resource is reported once, at the item with which it is exceeded.
pub(crate) fn check(check: &mut Check<'_>, documents: &[Document], objects: &[Object<'_>]) {
    if documents.iter().any(|document| document.root.has_more_levels_than(MOST_LEVELS)) {
        return;
    }
    let tool =
        check.context.tool.clone().or_else(|| objects.iter().find_map(|object| object.tool(check.context)));
    let Some(tool) = tool.or_else(|| SOME_TOOL.parse().ok()) else { return };
    let facts = facts(check, &tool);
    let items = items(FileContents::parse(check.text, &tool));
    let plan = |items: &[Item]| plan_files(&[contents(items)], &facts);
    let whole = plan(&items);
    for problem in whole.problems.iter().filter(|problem| problem.kind.is_size()) {
        let Some(location) = problem.location else { continue };
        add(check, documents, objects, location, Rule::ExceedsQuota, &problem.kind);
    }
    for item in &items {
        // The containers of manifests are checked where their amounts are.
        let is_manifest = matches!(item, Item::Manifest(_));
        let alone = plan(std::slice::from_ref(item));
        for found in alone.set.at_rest.violations() {
            if !is_manifest || found.limit_range.is_none() && found.quota.is_some() {
                report_violation(check, documents, objects, item.location(), found);
            }
        }
    }
    if whole.set.fits() {
        return;
    }
    let mut known: BTreeMap<usize, Vec<Key>> = BTreeMap::new();
    for (row, is_peak) in shortfalls(&whole) {
        let key = (row.quota.clone(), row.resource.clone());
        // What is exceeded by some items is exceeded by more of them.
        let (mut fits, mut exceeds) = (0, items.len());
        while fits + 1 < exceeds {
            let middle = usize::midpoint(fits, exceeds);
            let keys = known.entry(middle).or_insert_with(|| {
                let part = plan(&items[..middle]);
                shortfalls(&part).map(|(row, _)| (row.quota.clone(), row.resource.clone())).collect()
            });
            if keys.contains(&key) { exceeds = middle } else { fits = middle }
        }
        let Some(item) = items.get(fits) else { continue };
        let noun = item.noun();
        let subject = match items.as_slice() {
            [_] => format!("the {noun} exceeds"),
            _ => format!("with this {noun}, the file exceeds"),
        };
        let beside = if check.context.facts.is_some() { "beside what the namespace has, " } else { "" };
        let meanwhile = if is_peak { " while its pods are replaced" } else { "" };
        add(
            check,
            documents,
            objects,
            item.location(),
            Rule::ExceedsQuota,
            format_args!("{beside}{subject} the quota{meanwhile}: {row}"),
        );
        if let Some(found) = check.findings.last_mut()
            && let Some(object) = found.object.as_ref().map(Untrusted::as_raw)
        {
            found.answer = Some(Untrusted::new(format!(
                "{object} is forbidden: exceeded quota: {}, limited: {}",
                row.quota, row.resource
            )));
        }
    }
}

/// Returns what is known of the namespace; without a cluster, that nothing is in it.
fn facts(check: &Check<'_>, tool: &ToolName) -> FilePlanFacts {
    let context = check.context;
    if let Some(facts) = &context.facts {
        return facts.clone();
    }
    let quotas = context.limits.quotas.iter().map(ResourceQuota::without_usage).collect();
    let limits = Limits { quotas, limit_ranges: context.limits.limit_ranges.clone(), ..Limits::default() };
    let namespace = Namespace::new(tool, context.catalog.clone()).with_platform(context.platform.clone());
    FilePlanFacts::new(namespace.with_limits(limits))
}

/// Returns what a file asks for, in its order.
fn items(contents: FileContents) -> Vec<Item> {
    let jobs = contents.jobs.into_iter().flat_map(|list| list.jobs).map(|job| Item::Job(Box::new(job)));
    let templates = contents.templates.into_iter().map(Item::Template);
    let manifests = contents.manifests.into_iter().map(Item::Manifest);
    let mut items: Vec<Item> = jobs.chain(templates).chain(manifests).collect();
    items.sort_by_key(Item::location);
    items.truncate(MOST_ITEMS);
    items
}

fn contents(items: &[Item]) -> FileContents {
    let mut contents = FileContents::default();
    let mut jobs = Vec::new();
    for item in items {
        match item {
            Item::Job(job) => jobs.push((**job).clone()),
            Item::Template(template) => contents.templates.push(template.clone()),
            Item::Manifest(manifest) => contents.manifests.push(manifest.clone()),
        }
    }
    contents.jobs.push(FileJobs { location: Location::START, jobs });
    contents
}

impl Item {
    fn noun(&self) -> &'static str {
        match self {
            Self::Job(_) => "job",
            Self::Template(_) => "web service",
            Self::Manifest(_) => "object",
        }
    }

    fn location(&self) -> Location {
        match self {
            Self::Job(job) => job.location,
            Self::Template(template) => template.location,
            Self::Manifest(manifest) => manifest.location,
        }
    }
}

/// Returns the resources that are exceeded after the changes, and those that are exceeded only meanwhile.
fn shortfalls(plan: &FilePlan) -> impl Iterator<Item = (&ResourceCheck, bool)> {
    let set = &plan.set;
    let is_exceeded_at_rest = !set.at_rest.fits();
    let at_peak = set.at_peak.shortfalls().filter(move |_| !is_exceeded_at_rest);
    set.at_rest.shortfalls().map(|row| (row, false)).chain(at_peak.map(|row| (row, true)))
}

fn report_violation(
    check: &mut Check<'_>,
    documents: &[Document],
    objects: &[Object<'_>],
    location: Location,
    found: &LimitViolation,
) {
    let rule = if found.limit_range.is_some() { Rule::OutsideLimits } else { Rule::ExceedsQuota };
    add(check, documents, objects, location, rule, found.message());
}

/// Adds a finding about an item: at its name, if it has one.
fn add(
    check: &mut Check<'_>,
    documents: &[Document],
    objects: &[Object<'_>],
    location: Location,
    rule: Rule,
    message: impl std::fmt::Display,
) {
    let object = objects.iter().find(|object| object.node.location == location);
    let job =
        || documents.iter().flat_map(|document| document.root.items()).find(|item| item.location == location);
    let node: Option<&Node> = match object {
        Some(object) => Some(object.name_node().unwrap_or(object.head())),
        None => job().map(|job| job.get("name").unwrap_or(job)),
    };
    let (location, span): (Location, Range<usize>) = match node {
        Some(node) => (node.location, node.span.clone()),
        None => (location, span_at(check.text, location)),
    };
    check.object = object.map(|object| label(*object));
    check.add(rule, location, span, message);
    check.object = None;
}
