//! What a text requests, checked against the quota and the limits of the namespace: the same verdict as `quota-check FILE`.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::Range;

use toolforge_model::{FileJob, Location, ToolName, Untrusted};
use toolforge_quota::{ComputeResource, Limits, ObjectName, Resource, ResourceCheck, ResourceQuota};

use super::super::check::{Check, Object};
use super::super::context::SOME_TOOL;
use super::super::edit::span_at;
use super::super::rule::Rule;
use super::super::strict::WrongValues;
use super::super::syntax::{Document, Entry, Node};
use super::service::label;
use crate::files::{FileContents, FileJobs, FilePlan, FilePlanFacts, FileTemplate, plan_files};
use crate::manifest::{Manifest, Manifests, file_documents};
use crate::namespace::Namespace;

/// The most items of a text that are counted; no tool's quota allows more.
const MOST_ITEMS: usize = 1000;

/// The most levels of a text whose items are counted; no kind of object that has pods has more.
const MOST_LEVELS: usize = 40;

const PODS: &str = "pods";

/// Something that a text requests.
enum Item {
    Job(Box<FileJob>),
    Template(FileTemplate),
    Manifest(Manifest),
}

/// A resource of a quota.
type Key = (String, Resource);

/// Checks everything that a text requests. A resource is reported once, at the item that exceeds it.
pub(crate) fn check(check: &mut Check<'_>, documents: &[Document], objects: &[Object<'_>]) {
    if documents.iter().any(|document| document.root.has_more_levels_than(MOST_LEVELS)) {
        return;
    }
    let tool =
        check.context.tool.clone().or_else(|| objects.iter().find_map(|object| object.tool(check.context)));
    let Some(tool) = tool.or_else(|| SOME_TOOL.parse().ok()) else { return };
    let facts = facts(check, &tool);
    let items =
        items(FileContents::parse_expected(check.text, &tool, check.context.expected), objects, &tool);
    let plan = |items: &[Item]| plan_files(&[contents(items)], &facts);
    let whole = plan(&items);
    for problem in whole.problems.iter().filter(|problem| problem.kind.is_size()) {
        let item = items.iter().find(|item| Some(item.location()) == problem.location);
        let Some(item) = item else { continue };
        let shortfalls = problem.kind.shortfalls();
        let keys = shortfalls.first().map(|row| keys_of(&row.resource)).unwrap_or_default();
        add(check, item.place(check.text, documents, objects, keys), Rule::QuotaExceeded, &problem.kind);
        set_answer(check, item.refused_by_quota(objects, shortfalls));
    }
    let mut shrinking: Vec<BTreeSet<Resource>> = Vec::new();
    for item in &items {
        // The containers of manifests are checked where their amounts are.
        let is_manifest = matches!(item, Item::Manifest(_));
        let alone = plan(std::slice::from_ref(item));
        for found in alone.set.at_rest.violations() {
            if !is_manifest || found.limit_range.is_none() && found.quota.is_some() {
                let rule = match found.limit_range {
                    Some(_) => Rule::OutsideLimits,
                    None => Rule::QuotaExceeded,
                };
                let place = item.place(check.text, documents, objects, keys_of_amount(&found.resource));
                add(check, place, rule, found.message());
                let pods = item.refused(objects, PODS);
                set_answer(check, Some(format!("{pods} forbidden: {}", found.message())));
            }
        }
        shrinking.push(shrunk_resources(&alone));
    }
    if whole.set.fits() {
        return;
    }
    let mut known: BTreeMap<usize, BTreeSet<(Key, bool)>> = BTreeMap::new();
    for (row, is_peak) in shortfalls(&whole) {
        let key = (row.quota.clone(), row.resource.clone());
        let exceeds = |count: usize| {
            let exceeded = known.entry(count).or_insert_with(|| exceeded(&plan(&items[..count])));
            exceeded.contains(&(key.clone(), false)) || is_peak && exceeded.contains(&(key.clone(), true))
        };
        let shrinks = |item: usize| shrinking.get(item).is_some_and(|shrunk| shrunk.contains(&row.resource));
        let Some(item) = items.get(last_crossing(items.len(), shrinks, exceeds)) else { continue };
        let noun = item.noun();
        let subject = match items.as_slice() {
            [_] => format!("the {noun} exceeds"),
            _ => format!("from this {noun} on, the file exceeds"),
        };
        let together =
            if check.context.facts.is_some() { "together with the existing objects, " } else { "" };
        let meanwhile = if is_peak { " while its pods are replaced" } else { "" };
        add(
            check,
            item.place(check.text, documents, objects, keys_of(&row.resource)),
            Rule::QuotaExceeded,
            format_args!("{together}{subject} the quota{meanwhile}: {row}"),
        );
        set_answer(check, item.refused_by_quota(objects, std::slice::from_ref(row)));
    }
}

/// Sets what the API server answers to the last finding.
fn set_answer(check: &mut Check<'_>, answer: Option<String>) {
    if let Some(found) = check.findings.last_mut() {
        found.answer = answer.map(Untrusted::new);
    }
}

/// Returns what is known about the namespace; without a cluster, that it is empty.
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

/// Returns what a file requests, in its order. Objects with values of wrong types are counted without these values.
fn items(contents: FileContents, objects: &[Object<'_>], tool: &ToolName) -> Vec<Item> {
    let known: HashSet<Location> = contents.manifests.iter().map(|found| found.location).collect();
    let unread = objects.iter().filter(|object| !known.contains(&object.node.location));
    let unread = unread.take(MOST_ITEMS).filter_map(|object| without_wrong_values(*object, tool));
    let unread: Vec<Item> = unread.map(Item::Manifest).collect();
    let jobs = contents.jobs.into_iter().flat_map(|list| list.jobs).map(|job| Item::Job(Box::new(job)));
    let templates = contents.templates.into_iter().map(Item::Template);
    let manifests = contents.manifests.into_iter().map(Item::Manifest);
    let mut items: Vec<Item> = jobs.chain(templates).chain(manifests).chain(unread).collect();
    items.sort_by_key(Item::location);
    items.truncate(MOST_ITEMS);
    items
}

/// Returns an object with pods that can be read without the values that have a wrong type.
fn without_wrong_values(object: Object<'_>, tool: &ToolName) -> Option<Manifest> {
    object.kind.template?;
    let wrong = WrongValues::of(object);
    if wrong.is_empty() {
        return None;
    }
    let json = wrong.without(object.node);
    let documents = file_documents(&json.to_string());
    let mut found = Manifests::default();
    found.read(&documents.documents.first()?.node, tool);
    found.manifests.pop().map(|manifest| Manifest { location: object.node.location, ..manifest })
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

    /// Returns the place of the first of some keys that a job or a template sets; without one, that of the item: its name, if
    /// it has one.
    fn place(&self, text: &str, documents: &[Document], objects: &[Object<'_>], keys: &[&str]) -> Place {
        let location = self.location();
        let at = |node: &Node| Place { location: node.location, span: node.span.clone(), object: None };
        match self {
            Self::Job(_) => {
                let mut jobs = documents.iter().flat_map(|document| document.root.items());
                let Some(job) = jobs.find(|item| item.location == location) else {
                    return Place::in_text(text, location);
                };
                match keys.iter().filter_map(|key| job.entry(key)).find(|entry| !entry.value.is_null()) {
                    Some(Entry { key, value, .. }) => {
                        Place { span: key.span.start..value.span.end.max(key.span.end), ..at(key) }
                    }
                    None => at(job.get("name").unwrap_or(job)),
                }
            }
            Self::Template(template) => {
                let key = keys.iter().find_map(|key| template.location_of(key));
                Place::in_text(text, key.unwrap_or(location))
            }
            Self::Manifest(_) => {
                let Some(object) = objects.iter().find(|object| object.node.location == location) else {
                    return Place::in_text(text, location);
                };
                let place = at(object.name_node().unwrap_or(object.head()));
                Place { object: Some(label(*object)), ..place }
            }
        }
    }

    /// Returns what the API server refuses for the item: the object itself, or what is created for it.
    fn refused(&self, objects: &[Object<'_>], plural: &str) -> String {
        let object = objects.iter().find(|object| object.node.location == self.location());
        if let Some(object) = object.filter(|object| object.kind.count_name() == plural) {
            return format!("{} {} is", object.kind.name, object.name());
        }
        match self {
            Self::Job(job) => format!("{plural} of job {} are", job.request.name),
            Self::Template(_) => format!("{plural} of the web service are"),
            Self::Manifest(manifest) => format!("{plural} of {manifest} are"),
        }
    }

    /// Returns the API server's answer if a quota is exceeded.
    fn refused_by_quota(&self, objects: &[Object<'_>], exceeded: &[ResourceCheck]) -> Option<String> {
        let ResourceCheck { quota, resource, .. } = exceeded.first()?;
        let of_quota = exceeded.iter().filter(|row| row.quota == *quota);
        let limited: Vec<String> = of_quota.map(|row| row.resource.to_string()).collect();
        let refused = self.refused(objects, plural(resource));
        Some(format!("{refused} forbidden: exceeded quota: {quota}, limited: {}", limited.join(",")))
    }
}

/// Returns the kind of objects that use a resource of a quota: most resources are those of pods.
fn plural(resource: &Resource) -> &str {
    match resource {
        Resource::Services | Resource::ServicesNodeports | Resource::ServicesLoadbalancers => "services",
        Resource::ReplicationControllers => "replicationcontrollers",
        Resource::Secrets => "secrets",
        Resource::ConfigMaps => "configmaps",
        Resource::PersistentVolumeClaims => "persistentvolumeclaims",
        Resource::Count(plural) => plural,
        _ => PODS,
    }
}

/// Returns the keys of a job or a template that set how much of a resource is used, the most likely ones first.
fn keys_of(resource: &Resource) -> &'static [&'static str] {
    match resource {
        Resource::RequestsCpu | Resource::LimitsCpu => &["cpu", "replicas"],
        Resource::RequestsMemory | Resource::LimitsMemory => &["mem", "replicas"],
        Resource::Pods => &["replicas"],
        Resource::Count(plural) if plural == "pods" => &["replicas"],
        _ => &[],
    }
}

/// Returns the keys of a job or a template that set an amount of a container.
fn keys_of_amount(resource: &ComputeResource) -> &'static [&'static str] {
    match resource {
        ComputeResource::Cpu => &["cpu"],
        ComputeResource::Memory => &["mem"],
        _ => &[],
    }
}

/// Returns the index of the item that makes a number of items exceed something that all shorter lists down to it exceed, too;
/// without it, they do not. With more items, more is exceeded, except after an item that shrinks.
fn last_crossing(
    count: usize,
    shrinks: impl Fn(usize) -> bool,
    mut exceeds: impl FnMut(usize) -> bool,
) -> usize {
    let mut exceeding = count;
    loop {
        // After the last item that shrinks, items only add.
        let added_from = (0..exceeding).rev().find(|item| shrinks(*item)).map_or(0, |item| item + 1);
        let mut fitting = if added_from == exceeding { exceeding.saturating_sub(1) } else { added_from };
        if fitting > 0 && exceeds(fitting) {
            exceeding = fitting;
            continue;
        }
        while fitting + 1 < exceeding {
            let middle = usize::midpoint(fitting, exceeding);
            if exceeds(middle) {
                exceeding = middle;
            } else {
                fitting = middle;
            }
        }
        return fitting;
    }
}

/// Returns the resources that a plan uses less of at rest than what it replaces.
fn shrunk_resources(plan: &FilePlan) -> BTreeSet<Resource> {
    let rows = plan.set.at_rest.resources().iter();
    rows.filter(|row| row.after < row.used).map(|row| row.resource.clone()).collect()
}

/// Returns the resources that a plan exceeds, at rest and at the peak.
fn exceeded(plan: &FilePlan) -> BTreeSet<(Key, bool)> {
    let key = |row: &ResourceCheck| (row.quota.clone(), row.resource.clone());
    let at_rest = plan.set.at_rest.shortfalls().map(|row| (key(row), false));
    at_rest.chain(plan.set.at_peak.shortfalls().map(|row| (key(row), true))).collect()
}

/// Returns the resources that are exceeded after the changes, and those that are exceeded only meanwhile.
fn shortfalls(plan: &FilePlan) -> impl Iterator<Item = (&ResourceCheck, bool)> {
    let set = &plan.set;
    let is_exceeded_at_rest = !set.at_rest.fits();
    let at_peak = set.at_peak.shortfalls().filter(move |_| !is_exceeded_at_rest);
    set.at_rest.shortfalls().map(|row| (row, false)).chain(at_peak.map(|row| (row, true)))
}

/// Where a finding is.
struct Place {
    location: Location,
    span: Range<usize>,
    object: Option<ObjectName>,
}

impl Place {
    fn in_text(text: &str, location: Location) -> Self {
        Self { location, span: span_at(text, location), object: None }
    }
}

fn add(check: &mut Check<'_>, place: Place, rule: Rule, message: impl std::fmt::Display) {
    check.object = place.object;
    check.add(rule, place.location, place.span, message);
    check.object = None;
}
