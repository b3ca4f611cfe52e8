//! What a document is: a Kubernetes object, a jobs file, a template of a web service, or something else.

use std::collections::HashMap;

use toolforge_images::State;
use toolforge_model::{Diagnostic, DocumentKind, JobField, Location, ServiceTemplate, ToolName, platform};

use super::check::{Check, Note, Object};
use super::context::SOME_TOOL;
use super::edit::{replaced, span_at};
use super::finding::{Finding, Fix};
use super::rule::Rule;
use super::rules::{
    ScheduledJob, check_every_minute, check_gaps, check_job_command, check_platform_file, check_same_minute,
    check_web_service, corrected_schedule, find_kind,
};
use super::syntax::{Document, Node, Value};
use crate::files::ANY_DOCUMENT;
use crate::manifest::item_kind_of;

const REFUSED_JOBS_FILE: &str = "`toolforge jobs load` refuses the file";
const REFUSED_TEMPLATE: &str = "`webservice start` refuses the file";

/// What the documents of a text are.
pub(crate) enum Contents<'n> {
    /// Kubernetes objects; may be empty.
    Objects(Vec<Object<'n>>),
    /// Another file, which is checked.
    Other,
}

/// Finds out what the documents of a text are, and checks files of the platform's tools.
pub(crate) fn contents<'n>(check: &mut Check<'_>, documents: &'n [Document]) -> Contents<'n> {
    if let [document @ Document { root }] = documents {
        match kind_of(check, root) {
            DocumentKind::JobsFile => {
                check_jobs_file(check, root);
                check_platform_file(check, document);
                return Contents::Other;
            }
            DocumentKind::ServiceTemplate => {
                check_service_template(check, root);
                check_platform_file(check, document);
                return Contents::Other;
            }
            _ => {}
        }
    }
    Contents::Objects(objects(check, documents))
}

/// Returns the Kubernetes objects of documents; adds findings about those that are not objects.
pub(crate) fn objects<'n>(check: &mut Check<'_>, documents: &'n [Document]) -> Vec<Object<'n>> {
    let mut objects = Vec::new();
    for document in documents.iter().filter(|document| !document.root.is_null()) {
        match &document.root.value {
            Value::Mapping { .. } => add_object(check, &mut objects, &document.root, false),
            Value::Sequence(_) | Value::Scalar(_) => {
                add_unexpected(check, &document.root, "error: unable to decode");
            }
        }
    }
    objects
}

/// Adds a finding that a document is not an object; `answer` is what kubectl prints.
fn add_unexpected(check: &mut Check<'_>, node: &Node, answer: &str) {
    let kind = kind_of(check, node);
    let message = match kind.explanation() {
        Some(found) if matches!(kind, DocumentKind::JobsFile | DocumentKind::ServiceTemplate) => {
            format!("{found}, which must be the only document of its file")
        }
        Some(explanation) => explanation.to_owned(),
        None => kind.unexpected(ANY_DOCUMENT, node.kind_name()),
    };
    let (rule, answer) = match kind {
        DocumentKind::JobsFile | DocumentKind::JobsBelowKey | DocumentKind::Job => {
            (Rule::PlatformFile, REFUSED_JOBS_FILE)
        }
        DocumentKind::ServiceTemplate => (Rule::PlatformFile, REFUSED_TEMPLATE),
        _ => (Rule::UnknownDocument, answer),
    };
    check.at(rule, node, message).answered(answer);
}

fn add_object<'n>(check: &mut Check<'_>, objects: &mut Vec<Object<'n>>, node: &'n Node, is_item: bool) {
    if kind_of(check, node) != DocumentKind::Manifest {
        return add_unexpected(check, node, "error validating data: [apiVersion not set, kind not set]");
    }
    let kind = node.get("kind").and_then(Node::text).unwrap_or_default();
    let is_list = item_kind_of(kind, node.get("items").is_some()).is_some();
    if !is_list {
        match template_value(node, &OF_COMMANDS) {
            Some(value) => add_template(check, value),
            None => objects.extend(find_kind(check, node)),
        }
        return;
    }
    if is_item {
        check
            .at(Rule::ListInList, node, "a List is an item of a List; move its items to the outer one")
            .answered("no matches for kind \"List\" in version \"v1\"");
        return;
    }
    for item in node.get("items").map(Node::items).unwrap_or_default() {
        match &item.value {
            Value::Mapping { .. } => add_object(check, objects, item, true),
            Value::Sequence(_) => {
                check
                    .at(Rule::ListInList, item, "an item of the List is a list; its items must be objects")
                    .answered("error: unable to decode");
            }
            Value::Scalar(_) => {
                let message = format!("an item of the List is {}, not an object", item.kind_name());
                check.at(Rule::UnknownDocument, item, message).answered("error: unable to decode");
            }
        }
    }
}

/// Returns what a document is.
fn kind_of(check: &Check<'_>, node: &Node) -> DocumentKind {
    match &node.value {
        Value::Mapping { .. } => check.context.expected.kind_of_keys(node.keys()),
        Value::Sequence(items) => DocumentKind::of_items(items.iter().map(Node::keys)),
        Value::Scalar(_) => DocumentKind::Unknown,
    }
}

fn check_jobs_file(check: &mut Check<'_>, root: &Node) {
    if let Some(inner) = root.items().iter().find(|item| matches!(item.value, Value::Sequence(_))) {
        check
            .at(Rule::ListInList, inner, "a job is a mapping, not a list; remove one `- `")
            .answered(REFUSED_JOBS_FILE);
        return;
    }
    if let Some(value) = root.items().iter().find_map(|job| template_value(job, &OF_COMMANDS)) {
        return add_template(check, value);
    }
    let tool = check.context.tool.clone().or_else(|| SOME_TOOL.parse().ok());
    let Some(tool): Option<ToolName> = tool else { return };
    let repository = check.context.platform.build_service_repository.clone();
    let findings = check.context.catalog.check_jobs_file(check.text, &tool, &repository);
    for found in &findings.errors {
        add(check, Rule::PlatformFile, found).answered(REFUSED_JOBS_FILE);
    }
    for schedule in root.items().iter().filter_map(|job| job.get("schedule")) {
        fix_schedule(check, schedule);
    }
    // A repeated key is a finding of its own.
    let is_duplicate = |check: &Check<'_>, found: &Diagnostic| {
        found.related.is_some_and(|later| {
            check.findings.iter().any(|other| other.rule == Rule::DuplicateKey && other.location == later)
        })
    };
    for found in &findings.warnings {
        if !is_duplicate(check, found) {
            add(check, Rule::PlatformFileWarning, found);
        }
    }
    let mut scheduled = Vec::new();
    let nodes: HashMap<Location, &Node> = root.items().iter().map(|item| (item.location, item)).collect();
    for job in &findings.jobs {
        let Some(node) = nodes.get(&job.location) else { continue };
        let useless = if job.request.file_log.is_on() { JobField::NoFileLog } else { JobField::FileLog };
        fix_by_removal(check, node, useless.as_str());
        check_job_command(check, &job.request, node);
        if let (Some(schedule), Some(place)) = (job.request.kind.schedule(), node.get("schedule")) {
            let (name, expression) = (job.request.name.as_str(), schedule.expression().clone());
            check_every_minute(check, place, &expression);
            check_gaps(check, place, schedule);
            scheduled.push(ScheduledJob { name, place, zone: "", expression });
        }
    }
    check_same_minute(check, &scheduled);
}

/// Adds the fix to the finding of a useless key of a job: its line is removed. None is added if the line contains more.
fn fix_by_removal(check: &mut Check<'_>, job: &Node, key: &str) {
    let Value::Mapping { entries, is_flow: false } = &job.value else { return };
    let Some(entry) = entries.iter().skip(1).find(|entry| entry.name() == key && !entry.is_merged) else {
        return;
    };
    let text = check.text;
    let start = entry.key.span.start;
    let begin = text.get(..start).and_then(|before| before.rfind('\n')).map_or(0, |end| end + 1);
    let rest = text.get(entry.value.span.end..).unwrap_or_default();
    let Some(length) = rest.find('\n') else { return };
    let is_alone = |part: Option<&str>| part.is_some_and(|part| part.trim().is_empty());
    let inner = text.get(start..entry.value.span.end).unwrap_or_default();
    if !is_alone(text.get(begin..start)) || !is_alone(rest.get(..length)) || inner.contains('\n') {
        return;
    }
    let is_useless = |found: &&mut Finding| {
        found.rule == Rule::PlatformFileWarning && found.location == entry.value.location
    };
    if let Some(found) = check.findings.iter_mut().find(is_useless) {
        let span = begin..entry.value.span.end + length + 1;
        found.fix = Some(Fix::replace(format_args!("remove `{key}`"), span, ""));
    }
}

fn check_service_template(check: &mut Check<'_>, root: &Node) {
    if let Some(value) = template_value(root, &OF_COMMANDS) {
        return add_template(check, value);
    }
    let template = match ServiceTemplate::parse(check.text) {
        Ok(template) => template,
        Err(errors) => {
            for found in &errors {
                add(check, Rule::PlatformFile, found).answered(REFUSED_TEMPLATE);
            }
            return;
        }
    };
    template.unknown_keys.iter().for_each(|found| {
        add(check, Rule::PlatformFileWarning, found);
    });
    for found in &template.conflicts() {
        add(check, Rule::PlatformFile, found).answered(REFUSED_TEMPLATE);
    }
    let name =
        template.options.type_name.as_ref().filter(|name| name.as_str() != platform::BUILD_SERVICE_TYPE);
    let (Some(name), Some(location)) = (name, template.location("type")) else { return };
    let catalog = &check.context.catalog;
    match catalog.web(name) {
        Err(error) => {
            add(check, Rule::PlatformFile, &Diagnostic::new(location, error)).answered(REFUSED_TEMPLATE);
        }
        Ok((found, _)) if found.state == State::Deprecated => {
            let replacement = catalog.replacement(name).map(|found| format!("; {} replaces it", found.name));
            let message = format!("type {name} is deprecated{}", replacement.unwrap_or_default());
            add(check, Rule::PlatformFileWarning, &Diagnostic::new(location, message));
        }
        Ok(_) => {}
    }
    check_web_service(check, &template, name, root);
}

/// Adds what another reader found.
pub(crate) fn add<'f>(check: &'f mut Check<'_>, rule: Rule, found: &Diagnostic) -> Note<'f> {
    let span = span_at(check.text, found.location);
    check.add(rule, found.location, span, found.text().as_raw())
}

/// Adds the fix to the finding about the schedule of a job, if only its spelling is wrong.
fn fix_schedule(check: &mut Check<'_>, node: &Node) {
    let Some(meant) = node.string().and_then(corrected_schedule) else { return };
    let Some(replacement) = replaced(check.text, node, &meant) else { return };
    let is_of_schedule =
        |found: &&mut Finding| found.rule == Rule::PlatformFile && found.location == node.location;
    if let Some(found) = check.findings.iter_mut().find(is_of_schedule) {
        found.fix = Some(Fix::replace(format_args!("write {meant}"), node.span.clone(), replacement));
    }
}

/// The fields of files in which a template's expression may be meant for another program.
const OF_COMMANDS: [&str; 12] = [
    "annotations",
    "args",
    "binaryData",
    "command",
    "data",
    "env",
    "extra_args",
    "filelog-stderr",
    "filelog-stdout",
    "health-check-script",
    "last-applied-configuration",
    "stringData",
];

/// Returns the first value with an expression of a template where no expression can be meant.
fn template_value<'n>(node: &'n Node, without: &[&str]) -> Option<&'n Node> {
    match &node.value {
        Value::Scalar(_) => node.string().filter(|text| is_expression(text)).map(|_| node),
        Value::Sequence(items) => items.iter().find_map(|item| template_value(item, without)),
        Value::Mapping { entries, .. } => entries
            .iter()
            .filter(|entry| !without.contains(&entry.name()))
            .find_map(|entry| template_value(&entry.value, without)),
    }
}

/// Returns whether a text has an expression of Helm or Jinja, such as `{{ .Values.image }}`.
fn is_expression(text: &str) -> bool {
    [("{{", "}}"), ("{%", "%}")]
        .iter()
        .any(|(open, close)| text.split_once(open).is_some_and(|(_, rest)| rest.contains(close)))
}

fn add_template(check: &mut Check<'_>, value: &Node) {
    let text = value.text().unwrap_or_default();
    let mark = if text.contains("{{") { "{{ }}" } else { "{% %}" };
    let message = format!("the value is from a template with {mark}; render it first, and use the result");
    check.at(Rule::Template, value, message).answered(format_args!("Invalid value: \"{text}\""));
}
