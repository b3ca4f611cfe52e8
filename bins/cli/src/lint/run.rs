use std::path::{Path, PathBuf};

use toolforge_model::{ExpectedDocument, Untrusted};
use toolforge_render::lint::{Level, LintContext, MAX_BYTES, Secrets, decode, lint as findings_of};

use super::checked::Checked;
use super::facts::{facts, server_findings};
use super::fixes;
use super::options::LintOptions;
use super::{excerpt, sarif, summary};
use crate::failure::{ExitCode, Failure};
use crate::input::read_input;
use crate::notice::Notice;
use crate::options::{GlobalOptions, LintFormat};
use crate::output::{escape_control_characters, print, print_text};
use crate::session::Session;
use crate::{Document, to_json};

/// The largest file that is read; the linter itself reports files that are too large for Kubernetes.
const FILE_LIMIT: u64 = 64 * 1024 * 1024;

/// Checks files: with the facts of the cluster, or, with `--offline` or if it cannot be reached, with the bundled policy.
/// `program` is the user agent in the API server's log.
///
/// Returns [`ExitCode::Failed`] if there are errors, and with `--strict` also if there are warnings.
///
/// # Errors
/// When no file is named, or one cannot be read or written.
pub fn lint(
    global: &GlobalOptions,
    program: &str,
    files: &[PathBuf],
    options: LintOptions,
    format: LintFormat,
) -> Result<ExitCode, Failure> {
    check_arguments(files, options)?;
    let session = if options.offline {
        None
    } else {
        match Session::open(global, program) {
            Ok(session) => Some(session.for_reading()),
            Err(failure) => {
                Notice::note(format!("the cluster is not used: {}", failure.message())).print();
                None
            }
        }
    };
    check_files(session.as_ref(), global, files, options, format)
}

/// Checks files in the caller's session; see [`lint()`].
///
/// # Errors
/// When no file is named, or one cannot be read or written.
pub fn lint_in(
    session: &Session,
    global: &GlobalOptions,
    files: &[PathBuf],
    options: LintOptions,
    format: LintFormat,
) -> Result<ExitCode, Failure> {
    check_arguments(files, options)?;
    let session = Some(session).filter(|_| !options.offline);
    check_files(session, global, files, options, format)
}

fn check_arguments(files: &[PathBuf], options: LintOptions) -> Result<(), Failure> {
    if files.is_empty() {
        return Err(Failure::new(ExitCode::Usage, "no file given")
            .hint("Name the files to check, for example `lint cronjobs.yaml`; `-` is standard input."));
    }
    if options.fix && files.iter().any(|file| is_standard_input(file)) {
        return Err(Failure::new(ExitCode::Usage, "standard input cannot be fixed")
            .hint("Name the file, or leave `--fix` out."));
    }
    Ok(())
}

fn is_standard_input(file: &Path) -> bool {
    file.as_os_str() == "-"
}

/// Returns the kind of document that the name of a file implies.
fn expected(file: &Path) -> ExpectedDocument {
    ExpectedDocument::of_path(&file.to_string_lossy())
}

fn check_files(
    session: Option<&Session>,
    global: &GlobalOptions,
    files: &[PathBuf],
    options: LintOptions,
    format: LintFormat,
) -> Result<ExitCode, Failure> {
    let mut contents = Vec::new();
    for file in files {
        contents.push(read_input(file, FILE_LIMIT)?);
    }
    let texts: Vec<(ExpectedDocument, &str)> = files
        .iter()
        .zip(&contents)
        .filter(|(_, bytes)| bytes.len() <= MAX_BYTES)
        .filter_map(|(file, bytes)| Some((expected(file), decode(bytes).ok()?)))
        .collect();
    let mut facts = facts(session, global, &texts);
    let mut all = Vec::new();
    for (file, bytes) in files.iter().zip(&contents) {
        facts.context.expected = expected(file);
        let checked = check_file(file, bytes, session, &facts.context, options)?;
        if format == LintFormat::Table {
            print_text(&excerpt::file(&checked))?;
        }
        all.push(checked);
    }
    match format {
        LintFormat::Table => print_text(&excerpt::end(&all, &facts, options))?,
        LintFormat::Json | LintFormat::Yaml => {
            let value = to_json(summary::report(&all, &facts))?;
            print(&Document { text: String::new(), value }, format.of_document())?;
        }
        LintFormat::Sarif => {
            print_text(&escape_control_characters(&format!("{:#}\n", sarif::log(&all))))?;
        }
    }
    let least = if options.strict { Level::Warning } else { Level::Error };
    let is_bad = all.iter().flat_map(|file| &file.findings).any(|found| found.level() >= least);
    Ok(if is_bad { ExitCode::Failed } else { ExitCode::Success })
}

fn check_file(
    file: &Path,
    bytes: &[u8],
    session: Option<&Session>,
    context: &LintContext,
    options: LintOptions,
) -> Result<Checked, Failure> {
    let name = if is_standard_input(file) { "standard input".into() } else { file.display().to_string() };
    let name = Untrusted::new(name);
    // Beyond the limit, only the limit is reported.
    let bytes = bytes.get(..MAX_BYTES + 1).unwrap_or(bytes);
    let text = match decode(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) if bytes.len() > MAX_BYTES => String::from_utf8_lossy(bytes).into_owned(),
        Err(finding) => {
            let secrets = Secrets::default();
            return Ok(Checked { name, text: String::new(), secrets, findings: vec![*finding], fixes: None });
        }
    };
    let fixes = if options.fix { fixes::apply(file, &text, context)? } else { None };
    let text = fixes.as_ref().map_or(text, |fixes| fixes.after.clone());
    let mut findings = findings_of(&text, context);
    if let Some(session) = session {
        findings.extend(server_findings(session, &text, context, &findings));
        findings.sort_by_key(|finding| finding.location);
    }
    let secrets = Secrets::of(&text);
    Ok(Checked { name, text, secrets, findings, fixes })
}
