use toolforge_cli::{
    ExitCode, Failure, Notice, Session, print_message, print_text, read_input, replace_file,
};
use toolforge_model::{Diagnostic, Untrusted};
use toolforge_render::convert::{Conversion, ConversionNote, Converter, with_current_version};
use toolforge_render::lint::{Finding, Rule, decode, reading_errors};
use toolforge_render::manifest::{Manifests, file_documents};
use toolforge_report::FailureCode;

use super::{dump, images};
use crate::arguments::ConvertArguments;

/// The most bytes that are read of a file.
const FILE_LIMIT: u64 = 16 * 1024 * 1024;

/// Prints the jobs of manifests, crontabs and `jsub` lines as a jobs file.
pub(super) fn run(session: &Session, options: &ConvertArguments) -> Result<ExitCode, Failure> {
    let namespace = session.namespace(images::catalog(session));
    let mut converter = Converter::new(&namespace, options.image.clone());
    let mut errors = Vec::new();
    for file in &options.files {
        let name = Untrusted::new(file.display().to_string());
        converter.start_file(&name);
        let bytes = read_input(file, FILE_LIMIT)?;
        let text = match decode(&bytes) {
            Ok(text) => text,
            Err(finding) => {
                errors.push((name, diagnostic(&finding)));
                continue;
            }
        };
        if Converter::is_lines(text) {
            converter.add_lines(text);
            continue;
        }
        // Of two equal keys the last one counts, as it does for kubectl.
        let (doubtful, unreadable): (Vec<_>, Vec<_>) =
            reading_errors(text).into_iter().partition(|found| found.rule == Rule::DuplicateKey);
        for found in &doubtful {
            Notice::warning(diagnostic(found).in_file(&name)).print();
        }
        if !unreadable.is_empty() {
            errors.extend(unreadable.iter().map(|found| (name.clone(), diagnostic(found))));
            continue;
        }
        let documents = file_documents(text);
        let mut manifests = Manifests::default();
        for document in &documents.documents {
            manifests.read(&with_current_version(&document.node), &session.tool);
        }
        errors
            .extend(documents.errors.into_iter().chain(manifests.errors).map(|error| (name.clone(), error)));
        converter.add_manifests(&manifests.manifests);
    }
    if let Some((name, first)) = errors.first() {
        let message = match errors.len() {
            1 => first.in_file(name),
            count => format!("the files have {count} errors"),
        };
        let failure = Failure::new(ExitCode::Failed, message).with_code(FailureCode::InvalidFile);
        return Err(errors.iter().fold(failure, |failure, (name, error)| failure.diagnostic(name, error)));
    }
    finish(&converter.finish(), options)
}

fn diagnostic(finding: &Finding) -> Diagnostic {
    Diagnostic::new(finding.location, finding.message.as_raw())
}

fn finish(conversion: &Conversion, options: &ConvertArguments) -> Result<ExitCode, Failure> {
    print_text(&conversion.to_yaml())?;
    let blocking = conversion.blocking();
    // A template that is printed has its own notes as comments.
    let is_shown = |note: &ConversionNote| {
        let web = conversion.web_service.as_ref().filter(|_| options.service_template.is_none());
        web.is_some_and(|web| web.notes.contains(note))
    };
    for (what, note) in blocking.iter().filter(|(_, note)| !is_shown(note)) {
        Notice::warning(format!("{what}: {note}")).print();
    }
    for left in &conversion.unconverted {
        Notice::warning(left.to_string()).print();
    }
    let notes =
        || conversion.jobs.iter().flat_map(|job| job.notes.iter().map(|note| (&job.request.name, note)));
    if notes().any(|(_, note)| matches!(note, ConversionNote::GuessedImage { .. })) {
        Notice::note("images were guessed; `toolforge jobs images` lists the others").print();
    }
    for (name, _) in notes().filter(|(_, note)| matches!(note, ConversionNote::Suspended)) {
        Notice::note(format!("type `toolforge jobs suspend {name}` after the file is loaded")).print();
    }
    for dependent in &conversion.dependents {
        Notice::note(dependent.to_string()).print();
    }
    match (&conversion.web_service, &options.service_template) {
        (Some(web), Some(path)) => {
            let (text, name) = (web.to_yaml(), Untrusted::new(path.display().to_string()));
            if dump::is_other(path, &text) {
                let text = format!("{} exists and has other content", name.escaped());
                return Err(Failure::new(ExitCode::Failed, text).hint("Name another file."));
            }
            replace_file(path, &text).map_err(|error| {
                Failure::new(ExitCode::Failed, format!("{} cannot be written", name.escaped()))
                    .detail(error.to_string())
            })?;
        }
        (Some(web), None) => {
            let would_be = Notice::note("there is a web service; its service.template would be:");
            would_be.details(web.to_yaml().lines()).print();
            print_message("Write it with `--service-template FILE`.");
        }
        (None, _) => {}
    }
    let is_complete = conversion.unconverted.is_empty() && blocking.is_empty();
    match (conversion.jobs.is_empty() && conversion.web_service.is_none(), is_complete) {
        (true, _) => {
            let hint = match conversion.dependents.is_empty() {
                true => "Convert manifests of Kubernetes, a crontab, or lines of jsub.",
                false => "Convert the objects that create those of the notes.",
            };
            Err(Failure::new(ExitCode::Failed, "nothing could be converted").hint(hint))
        }
        (false, true) => Ok(ExitCode::Success),
        (false, false) => Ok(ExitCode::Partial),
    }
}
