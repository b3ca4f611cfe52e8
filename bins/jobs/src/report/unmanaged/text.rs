//! Objects that no tool manages, as text.

use std::fmt::Write as _;

use k8s_openapi::jiff::Timestamp;
use toolforge_cli::{Document, Failure, Table, to_json};
use toolforge_model::Untrusted;
use toolforge_render::object::ObjectKind;

use super::UnmanagedObject;
use super::object::Owner;
use crate::advice::{AdvisingVerb, Asked, LogDirectories};
use crate::report::list::hints;
use crate::report::status_sentence;

/// Returns the table of the objects that no tool manages, with a heading line; empty without any.
pub(crate) fn unmanaged_table(objects: &[UnmanagedObject], now: Timestamp) -> String {
    if objects.is_empty() {
        return String::new();
    }
    let mut table = Table::new(&["NAME", "KIND", "CREATED BY", "USES", "STATUS"]);
    for object in objects {
        table.row([
            object.name().to_owned(),
            object.kind().as_str().to_owned(),
            shown(object.created_by().as_ref()),
            object.usage_text(),
            status_sentence(&object.status, now),
        ]);
    }
    format!("Not managed by `toolforge jobs` or `webservice`:\n{}", table.for_stdout())
}

/// Returns a line about the objects that a list for scripts leaves out.
pub(crate) fn note_of_unmanaged(objects: &[UnmanagedObject]) -> Option<String> {
    let names: Vec<String> = objects.iter().map(UnmanagedObject::reference).collect();
    match names.as_slice() {
        [] => None,
        [name] => Some(format!(
            "note: {name} is not managed by `toolforge jobs`; `toolforge jobs list --output table` shows it"
        )),
        names => Some(format!(
            "note: {} objects are not managed by `toolforge jobs`; `toolforge jobs list --output table` shows them",
            names.len()
        )),
    }
}

/// Returns one object in detail.
pub(crate) fn show_unmanaged(object: &UnmanagedObject, now: Timestamp) -> Result<Document, Failure> {
    let mut text = format!("{}\n", object.reference());
    let mut line = |name: &str, value: &str| {
        for (index, part) in value.lines().enumerate() {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "  {:<11} {part}", if index == 0 { name } else { "" });
        }
    };
    let escaped = |value: Option<Untrusted>| value.map(|value| value.escaped().to_string());
    let owner = object.owner.as_ref().map(Owner::reference);
    match &owner {
        Some(owner) => line("owner", owner),
        None => line("managed", "no, neither by `toolforge jobs` nor by `webservice`"),
    }
    line("created by", &shown(object.created_by().as_ref()));
    for (heading, value) in [
        ("schedule", escaped(object.schedule())),
        ("image", escaped(object.image())),
        ("command", object.command().map(|command| command.lines_escaped().to_string())),
        ("replicas", object.replicas().map(|count| count.to_string())),
    ] {
        if let Some(value) = value {
            line(heading, &value);
        }
    }
    line("uses", &object.usage_text());
    line("status", &status_sentence(&object.status, now));
    if !object.pods.is_empty() {
        line("pods", &object.pods.join("\n"));
    }
    let name = object.reference();
    // An object that its owner re-creates has to be fixed in the owner.
    let (fixed, kind) = match &object.owner {
        Some(Owner::Workload(owner)) => (owner.to_string(), owner.kind.unwrap_or(object.kind())),
        Some(Owner::Other(_)) | None => (name.clone(), object.kind()),
    };
    let asked = Asked {
        name: &fixed,
        runs_once: matches!(kind, ObjectKind::Job | ObjectKind::Pod),
        verb: AdvisingVerb::Show,
        is_managed: false,
        log_files: [None, None],
        log_directories: LogDirectories::Unknown,
    };
    match hints(&object.status, asked).as_str() {
        "N/A" => {}
        hints => line("hints", hints),
    }
    if object.kind() == ObjectKind::Pod && owner.is_some() {
        line("next", &format!("`toolforge jobs delete {name}` deletes it, and another pod replaces it."));
    }
    Ok(Document { text, value: to_json(object.report())? })
}

fn shown(manager: Option<&Untrusted>) -> String {
    manager.map_or_else(|| "unknown".to_owned(), |manager| manager.escaped().to_string())
}
