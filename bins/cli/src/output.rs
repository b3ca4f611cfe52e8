use std::io::{ErrorKind, Write};

use serde::Serialize;
use serde_json::{Value, json};
use toolforge_model::Untrusted;

use crate::failure::{ExitCode, Failure};
use crate::options::OutputFormat;

/// The version of the JSON that the programs print: fields are added, never renamed.
const API_VERSION: &str = "cli.toolforge.org/v1";

/// What a command answers, for people and for programs.
pub struct Document {
    /// For people; ends with a line end where it is not empty.
    pub text: String,
    /// For programs.
    pub value: Value,
}

/// Returns a value under the programs' API version and a kind.
///
/// # Errors
/// When the value cannot be JSON.
pub fn document(kind: &str, value: &impl Serialize) -> Result<Value, Failure> {
    let mut document = json!({"apiVersion": API_VERSION, "kind": kind});
    let value = serde_json::to_value(value).map_err(|error| Failure::from_error(ExitCode::Failed, &error))?;
    if let (Some(document), Value::Object(fields)) = (document.as_object_mut(), value) {
        document.extend(fields);
    }
    Ok(document)
}

/// Returns the failure of a verb that was asked for JSON or YAML and has neither.
#[must_use]
pub fn no_document(verb: &str) -> Failure {
    Failure::new(ExitCode::Usage, format!("{verb} has no JSON or YAML output")).hint("Leave `--output` out.")
}

/// Prints an answer to standard output. A reader that has gone away is a success.
///
/// # Errors
/// When standard output cannot be written to for another reason.
pub fn print(document: &Document, format: OutputFormat) -> Result<(), Failure> {
    let text = match format {
        OutputFormat::Table => document.text.clone(),
        OutputFormat::Json => escape_control_characters(&format!("{:#}\n", document.value)),
        OutputFormat::Yaml => serde_saphyr::to_string(&document.value)
            .map_err(|error| Failure::new(ExitCode::Failed, error.to_string()))?,
    };
    print_text(&text)
}

/// Returns JSON in which no character moves a terminal's cursor or hides from the eye: those that JSON lets stand in a
/// text are written as its own escapes.
fn escape_control_characters(json: &str) -> String {
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

/// Prints a text to standard output as it is. A reader that has gone away is a success.
///
/// # Errors
/// When standard output cannot be written to for another reason.
pub fn print_text(text: &str) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::from_error(ExitCode::Failed, &error).detail("the answer could not be printed"))
        }
        _ => Ok(()),
    }
}
