use std::cell::RefCell;
use std::ffi::OsString;
use std::io::{ErrorKind, Write};

use clap::Command;
use serde::Serialize;
use serde_json::Value;
use toolforge_model::{Untrusted, yaml};
use toolforge_report::{Kind, Note};

use crate::command_line::has_option;
use crate::failure::{ExitCode, Failure};
use crate::format::set_format_of_refused;
use crate::options::OutputFormat;
use crate::table::stderr_columns;

/// The output of a command, for people and for programs.
pub struct Document {
    /// Text for people; empty, or ends with a newline.
    pub text: String,
    /// The JSON document.
    pub value: Value,
}

/// Returns the JSON document of a report.
///
/// # Errors
/// When it cannot be serialized.
pub fn to_json<T: Kind + Serialize>(body: T) -> Result<Value, Failure> {
    serde_json::to_value(toolforge_report::Document::new(body))
        .map_err(|error| Failure::from_error(ExitCode::Failed, &error))
}

/// Returns the failure of a verb for which JSON or YAML was requested and that has neither.
#[must_use]
pub fn no_document(verb: &str) -> Failure {
    Failure::new(ExitCode::Usage, format!("{verb} has no JSON or YAML output")).hint("Leave `--output` out.")
}

/// Refuses an output format for a word that prints only text, such as `help`.
///
/// # Errors
/// When the arguments have `--output`.
pub fn refuse_output(command: &Command, arguments: &[OsString], verb: &str) -> Result<(), Failure> {
    if has_option(command, arguments, ["--output", "-o"]) {
        set_format_of_refused(command, arguments);
        return Err(no_document(verb));
    }
    Ok(())
}

/// Returns a failure as a person reads it, or as a document with the notes of the process.
pub(crate) fn failure_text(failure: &Failure, notes: Vec<Note>, format: OutputFormat) -> String {
    let report = toolforge_report::Failure { notes, ..failure.report() };
    document_text(&report, format).unwrap_or_else(|| failure.text(stderr_columns()))
}

/// Returns a document for standard error: JSON in one line, YAML after a line `---`; `None` for the format of people.
pub(crate) fn document_text<T: Kind + Serialize>(body: &T, format: OutputFormat) -> Option<String> {
    let document = toolforge_report::Document::new(body);
    match format {
        OutputFormat::Table => None,
        OutputFormat::Json => {
            serde_json::to_string(&document).ok().map(|json| escape_control_characters(&json) + "\n")
        }
        OutputFormat::Yaml => yaml::to_text(&document).ok().map(|yaml| format!("---\n{yaml}")),
    }
}

/// Prints the output of a command. A closed pipe is a success.
///
/// # Errors
/// When standard output cannot be written.
pub fn print(document: &Document, format: OutputFormat) -> Result<(), Failure> {
    let text = match format {
        OutputFormat::Table => document.text.clone(),
        OutputFormat::Json => escape_control_characters(&format!("{:#}\n", document.value)),
        OutputFormat::Yaml => yaml::to_text(&document.value)
            .map_err(|error| Failure::new(ExitCode::Failed, error.to_string()))?,
    };
    print_text(&text)
}

/// Returns JSON with `\\u` escapes for all control and invisible characters, so it is safe on a terminal.
#[must_use]
pub fn escape_control_characters(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        if c == '\n' || Untrusted::new(c).escaped().to_string().chars().eq([c]) {
            text.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                text.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    text
}

/// Prints a text for people to standard output; with another format, the command prints a document instead.
///
/// # Errors
/// When standard output cannot be written.
pub fn print_for_people(text: &str, format: OutputFormat) -> Result<(), Failure> {
    if format == OutputFormat::Table { print_text(text) } else { Ok(()) }
}

thread_local! {
    /// What this thread has printed, while it is captured.
    static CAPTURED: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs something and returns what it has printed with [`print_text`] and [`print()`] on this thread, for tests of verbs.
pub fn capture<T>(run: impl FnOnce() -> T) -> (T, String) {
    CAPTURED.set(Some(String::new()));
    let result = run();
    (result, CAPTURED.take().unwrap_or_default())
}

/// Prints a text to standard output. A closed pipe is a success.
///
/// # Errors
/// When standard output cannot be written.
pub fn print_text(text: &str) -> Result<(), Failure> {
    let is_captured = CAPTURED.with_borrow_mut(|captured| captured.as_mut().map(|all| all.push_str(text)));
    if is_captured.is_some() {
        return Ok(());
    }
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::from_error(ExitCode::Failed, &error).detail("the output could not be written"))
        }
        _ => Ok(()),
    }
}
