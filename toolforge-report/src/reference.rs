use std::fmt::Write as _;

use crate::describe::{Content, Description};
use crate::{
    Action, Adjustment, AppliedChange, ApplyReport, AuditCode, AuditFinding, BlockedObject, BlockedRun,
    CalendarConflict, CalendarJob, CalendarResource, CalendarShortfall, Cause, CauseCode, Check, CheckCode,
    CheckLevel, ContainerLimits, CronCalendar, CronJob, CronJobList, CronSuggestion, CronSuggestions,
    DetailCode, Diagnosis, Difference, Downtime, DryRun, ExitCode, Failure, FailureCode, FailureDetail,
    FileChange, FileLog, FilePlan, Fleet, FleetChange, FleetChangeCode, FleetQuota, FleetState, FleetSummary,
    FormerLimit, HealthCheck, ImageState, ImageType, ImageTypes, Job, JobChange, JobList, JobState,
    JobStatus, LastTermination, LeftOutJob, LeftOutReason, Level, LimitRange, LintEdit, LintFinding, LintFix,
    LintReport, LintedFile, LoadPlan, LocalCommand, MissedReason, MissedRuns, Mount, NamespaceAudit, Note,
    NoteLevel, Notes, ObjectChange, ObjectResult, Outcome, PlanProblem, PlanWarning, PlanWarningCode,
    PodPart, ProblemCode, Quota, QuotaAudit, QuotaNote, QuotaReport, QuotaRow, QuotaState, ResourceUsage,
    RestartForecast, Rollout, Routing, RunResult, Runner, ScheduleWarning, ScheduleWarningCode, ShortState,
    SizePart, TerminationCode, UnmanagedWorkload, UnmovedJob, UnmovedReason, UpcomingRun, UsedResource,
    Verdict, Violation, ViolationCode, WebServicePlan, WebServiceRequest, WebServiceState, WebServiceStatus,
    WhatIf, WorkloadType, WorkloadUsage, WriteKind,
};

/// The kinds of documents, by program.
const KINDS: [Description; 23] = [
    WebServiceStatus::DESCRIPTION,
    WebServicePlan::DESCRIPTION,
    ApplyReport::DESCRIPTION,
    LocalCommand::DESCRIPTION,
    Diagnosis::DESCRIPTION,
    JobList::DESCRIPTION,
    Job::DESCRIPTION,
    UnmanagedWorkload::DESCRIPTION,
    LoadPlan::DESCRIPTION,
    LintReport::DESCRIPTION,
    CronJobList::DESCRIPTION,
    CronCalendar::DESCRIPTION,
    CronSuggestions::DESCRIPTION,
    ImageTypes::DESCRIPTION,
    ImageType::DESCRIPTION,
    QuotaReport::DESCRIPTION,
    FilePlan::DESCRIPTION,
    WhatIf::DESCRIPTION,
    QuotaAudit::DESCRIPTION,
    Fleet::DESCRIPTION,
    FleetQuota::DESCRIPTION,
    Failure::DESCRIPTION,
    Notes::DESCRIPTION,
];

/// Types that occur within documents.
const PARTS: [Description; 49] = [
    Adjustment::DESCRIPTION,
    AppliedChange::DESCRIPTION,
    BlockedObject::DESCRIPTION,
    BlockedRun::DESCRIPTION,
    CalendarConflict::DESCRIPTION,
    CalendarJob::DESCRIPTION,
    CalendarResource::DESCRIPTION,
    CalendarShortfall::DESCRIPTION,
    Cause::DESCRIPTION,
    Check::DESCRIPTION,
    ContainerLimits::DESCRIPTION,
    CronJob::DESCRIPTION,
    CronSuggestion::DESCRIPTION,
    Difference::DESCRIPTION,
    FailureDetail::DESCRIPTION,
    FileChange::DESCRIPTION,
    FileLog::DESCRIPTION,
    NamespaceAudit::DESCRIPTION,
    AuditFinding::DESCRIPTION,
    FleetChange::DESCRIPTION,
    FleetSummary::DESCRIPTION,
    FormerLimit::DESCRIPTION,
    HealthCheck::DESCRIPTION,
    JobChange::DESCRIPTION,
    JobStatus::DESCRIPTION,
    LastTermination::DESCRIPTION,
    LeftOutJob::DESCRIPTION,
    LimitRange::DESCRIPTION,
    LintEdit::DESCRIPTION,
    LintFinding::DESCRIPTION,
    LintFix::DESCRIPTION,
    LintedFile::DESCRIPTION,
    MissedRuns::DESCRIPTION,
    Note::DESCRIPTION,
    ObjectChange::DESCRIPTION,
    ObjectResult::DESCRIPTION,
    PlanProblem::DESCRIPTION,
    PlanWarning::DESCRIPTION,
    Quota::DESCRIPTION,
    QuotaRow::DESCRIPTION,
    ResourceUsage::DESCRIPTION,
    RestartForecast::DESCRIPTION,
    ScheduleWarning::DESCRIPTION,
    UnmovedJob::DESCRIPTION,
    UpcomingRun::DESCRIPTION,
    UsedResource::DESCRIPTION,
    Violation::DESCRIPTION,
    WebServiceRequest::DESCRIPTION,
    WorkloadUsage::DESCRIPTION,
];

/// Codes.
const CODES: [Description; 38] = [
    Action::DESCRIPTION,
    CauseCode::DESCRIPTION,
    CheckCode::DESCRIPTION,
    CheckLevel::DESCRIPTION,
    DetailCode::DESCRIPTION,
    Downtime::DESCRIPTION,
    DryRun::DESCRIPTION,
    FailureCode::DESCRIPTION,
    AuditCode::DESCRIPTION,
    FleetChangeCode::DESCRIPTION,
    FleetState::DESCRIPTION,
    ImageState::DESCRIPTION,
    JobState::DESCRIPTION,
    LeftOutReason::DESCRIPTION,
    Level::DESCRIPTION,
    MissedReason::DESCRIPTION,
    Mount::DESCRIPTION,
    NoteLevel::DESCRIPTION,
    Outcome::DESCRIPTION,
    PlanWarningCode::DESCRIPTION,
    PodPart::DESCRIPTION,
    ProblemCode::DESCRIPTION,
    QuotaNote::DESCRIPTION,
    QuotaState::DESCRIPTION,
    Rollout::DESCRIPTION,
    Routing::DESCRIPTION,
    RunResult::DESCRIPTION,
    Runner::DESCRIPTION,
    ScheduleWarningCode::DESCRIPTION,
    ShortState::DESCRIPTION,
    SizePart::DESCRIPTION,
    TerminationCode::DESCRIPTION,
    UnmovedReason::DESCRIPTION,
    Verdict::DESCRIPTION,
    ViolationCode::DESCRIPTION,
    WebServiceState::DESCRIPTION,
    WorkloadType::DESCRIPTION,
    WriteKind::DESCRIPTION,
];

/// Returns the reference page of all documents and exit codes, in Markdown.
#[must_use]
pub fn reference() -> String {
    let mut text = INTRODUCTION.to_owned();
    text.push_str("\n## Exit codes\n\n| code | meaning |\n| --- | --- |\n");
    for exit_code in ExitCode::ALL {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "| {exit_code} | {} |", exit_code.meaning());
    }
    let _ = writeln!(text, "| others | {} |", ExitCode::Propagated(0).meaning());
    text.push_str("\n## Documents\n");
    KINDS.iter().for_each(|description| describe(&mut text, description));
    text.push_str("\n## Parts of documents\n");
    PARTS.iter().for_each(|description| describe(&mut text, description));
    text.push_str("\n## Codes\n");
    CODES.iter().for_each(|description| describe(&mut text, description));
    text
}

const INTRODUCTION: &str = "\
# JSON documents and exit codes

`--output json` and `--output yaml` print one document with the fields `apiVersion` (`cli.toolforge.org/v1`), `kind` (the
name of the document below) and those of its kind. Fields are added in later versions and never renamed or removed while
`apiVersion` stays the same. `null` means that there is no value. Codes are in kebab case; more may be added. Sentences in
`message` and `hints` are for people and may change; a `code` next to them does not.

`kind` is the kind of a document. What a part of it is about has one shape: a workload (a web service, a job, or another object
that creates pods) has `type`, `objectKind` and `name`, and a Kubernetes object has `objectKind` and `name`, so parts of one
document, or of several, can be joined by them. `resource` is a resource of a quota or a limit, `level` says how bad something is,
and `changes` are the changes of workloads, each with its `objects`. Times are in RFC 3339, in UTC.

With `--output json` or `--output yaml`, standard error has at most one document: with JSON it is one line, with YAML it begins
with the line `---`. If the command fails, it is of kind `Failure`, with the warnings and notes from before the failure in
`notes`. Otherwise it is of kind `Notes`; without warnings and notes there is none. A warning or note is a sentence for people
and has no code: what a script decides on is in the documents and in the exit code. Progress is not shown, nor sentences about
what was done, because the document on standard output has that. Some commands print their document on standard output, too, if
they fail: a plan that does not fit, and what was done before a change failed. Only a question on a terminal is text.

`webservice render` and `jobs render` print Kubernetes objects instead: YAML documents, or a `v1` `List`.

The Rust crate `toolforge-report` has these documents as types; this page is generated from them.
";

fn describe(text: &mut String, description: &Description) {
    let Description { name, doc, content } = description;
    // Writing to a String cannot fail.
    let _ = writeln!(text, "\n### {name}\n\n{}\n", joined(doc));
    match content {
        Content::Fields(fields) => {
            text.push_str("| field | type | meaning |\n| --- | --- | --- |\n");
            for field in *fields {
                let (name, type_name) = (camel_case(field.name), json_type(field.type_name));
                let _ = writeln!(text, "| `{name}` | {type_name} | {} |", joined(field.doc));
            }
        }
        Content::Codes(codes) => {
            text.push_str("| code | meaning |\n| --- | --- |\n");
            for code in *codes {
                let _ = writeln!(text, "| `{}` | {} |", code.code, joined(code.doc));
            }
        }
    }
}

/// Returns the lines of a doc comment as one line, without intra-doc links.
fn joined(doc: &[&str]) -> String {
    doc.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
}

/// Returns a Rust field name as it is in JSON.
fn camel_case(name: &str) -> String {
    let mut words = name.trim_start_matches("r#").split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| {
        let (head, tail) = word.split_at(1);
        name + &head.to_uppercase() + tail
    })
}

/// Returns the JSON type of a Rust type, with a link for a type of this page.
fn json_type(name: &str) -> String {
    let inner = |prefix: &str| name.strip_prefix(prefix).and_then(|rest| rest.strip_suffix('>'));
    if let Some(inner) = inner("Option<") {
        return format!("{} or null", json_type(inner));
    }
    if let Some(inner) = inner("Vec<") {
        return format!("list of {}", json_type(inner));
    }
    match name {
        "bool" => "boolean".to_owned(),
        "u8" | "u32" | "u64" | "i32" | "i64" | "usize" => "number".to_owned(),
        "String" | "Untrusted" | "ToolName" | "JobName" | "TypeName" => "string".to_owned(),
        "BTreeMap<String, String>" => "object of strings".to_owned(),
        name => format!("[{name}](#{})", name.to_lowercase()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the name of every field, with its type.
    fn fields() -> impl Iterator<Item = (&'static str, &'static [crate::describe::Field])> {
        KINDS.iter().chain(&PARTS).filter_map(|description| match description.content {
            Content::Fields(fields) => Some((description.name, fields)),
            Content::Codes(_) => None,
        })
    }

    #[test]
    fn every_message_has_a_code() {
        for (name, fields) in fields() {
            let has = |field: &str| fields.iter().any(|found| found.name == field);
            // Notes are for people only.
            assert!(!has("message") || has("code") || name == "Note", "{name}");
        }
    }

    #[test]
    fn levels_are_consistent() {
        for (name, fields) in fields() {
            for field in fields {
                let is_level = field.type_name.ends_with("Level");
                assert_eq!(is_level, field.name == "level", "{name}.{}", field.name);
                assert_ne!(field.name, "severity", "{name}");
            }
        }
        let words = ["error", "warning", "note", "hint", "ok", "skipped"];
        for description in CODES.iter().filter(|description| description.name.ends_with("Level")) {
            let Content::Codes(codes) = description.content else { panic!("{}", description.name) };
            assert!(codes.iter().all(|code| words.contains(&code.code)), "{}", description.name);
        }
    }

    #[test]
    fn a_concept_has_one_name() {
        for (name, fields) in fields() {
            for field in fields {
                let shown = format!("{name}.{}: {}", field.name, field.type_name);
                // Text for people is in `message`, `hints` or the contents of an image; a resource has no other name.
                let others = ["text", "found", "advice", "dimension", "steps", "step"];
                assert!(!others.contains(&field.name), "{shown}");
                // Only documents have a kind; their subjects have a type and a name, or an object's kind and a name.
                let prose = ["kind", "object", "workload", "job"];
                assert!(!prose.contains(&field.name), "{shown}");
            }
        }
    }

    #[test]
    fn objects_have_kind_and_name() {
        for (name, fields) in fields() {
            let has = |field: &str| fields.iter().any(|found| found.name == field);
            assert!(!has("object_kind") || has("name"), "{name}");
            let has_workload_type = fields.iter().any(|field| field.type_name.contains("WorkloadType"));
            assert!(!has_workload_type || has("name") && (has("object_kind") || name == "Job"), "{name}");
        }
    }

    #[test]
    fn booleans_and_times_are_named_alike() {
        for (name, fields) in fields() {
            for field in fields {
                let shown = format!("{name}.{}", field.name);
                let is_verb = field.name.starts_with("is_") || field.name.starts_with("has_");
                assert!(!is_verb, "{shown}");
                let is_time = joined(field.doc).starts_with("Time") && field.type_name.contains("String");
                assert!(
                    !is_time || joined(field.doc).contains("RFC 3339") || field.name == "time_zone",
                    "{shown}"
                );
            }
        }
    }

    #[test]
    fn codes_are_in_kebab_case() {
        for description in &CODES {
            let Content::Codes(codes) = description.content else { panic!("{}", description.name) };
            for code in codes {
                let is_kebab = |part: &str| {
                    !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
                };
                assert!(code.code.split('-').all(is_kebab), "{}: {}", description.name, code.code);
            }
        }
    }

    #[test]
    fn every_type_is_described_once() {
        let mut names: Vec<&str> =
            KINDS.iter().chain(&PARTS).chain(&CODES).map(|description| description.name).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
