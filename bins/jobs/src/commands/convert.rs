use std::path::PathBuf;

use toolforge_cli::{
    ExitCode, Failure, Notice, Session, has_kubeconfig, has_other_content, images_to_show, print_message,
    print_text, read_input, write_file,
};
use toolforge_model::crontab::find_crontab;
use toolforge_model::yaml::{YamlNode, YamlValue};
use toolforge_model::{Diagnostic, DocumentKind, JobImage, Location, ToolName, Untrusted, reference_host};
use toolforge_render::convert::{Conversion, ConversionNote, Converter, with_current_version};
use toolforge_render::lint::{Finding, Rule, decode, reading_errors};
use toolforge_render::manifest::{Manifests, file_documents};
use toolforge_render::namespace::Namespace;
use toolforge_report::FailureCode;

use super::{PROGRAM, dump};
use crate::arguments::{Arguments, ConvertArguments};
use crate::failures;

/// The most bytes that are read of a file.
const FILE_LIMIT: u64 = 16 * 1024 * 1024;

/// What is used as the name of the tool where nothing names one.
const UNKNOWN_TOOL: &str = "your-tool";

/// A file to convert.
struct Input {
    name: Untrusted,
    bytes: Vec<u8>,
}

/// Converts files with or without a cluster. The tool is that of the options, of the files' namespace, or of the kubeconfig.
pub(super) fn dispatch(arguments: &Arguments, options: &ConvertArguments) -> Result<ExitCode, Failure> {
    let inputs = read(options)?;
    let mut global = arguments.global.clone();
    global.tool = global.tool.or_else(|| inputs.iter().find_map(Input::tool));
    let session = match Session::open(&global, PROGRAM) {
        Ok(session) => session.for_reading(),
        Err(failure) if global.names_facts() => return Err(failure),
        // An existing kubeconfig is meant to be used: the files are for its tool.
        Err(failure) if global.tool.is_none() && has_kubeconfig(&global) => return Err(failure),
        Err(failure) => {
            if has_kubeconfig(&global) {
                Notice::note(format!("the cluster's images are not known: {}", failure.message())).print();
            }
            if global.tool.is_none() {
                global.tool = UNKNOWN_TOOL.parse().ok();
                check_unknown_tool(&inputs)?;
            }
            Session::offline(&global)?
        }
    };
    convert(&session, options, &inputs)
}

/// Prints the jobs of manifests, crontabs and `jsub` lines as a jobs file.
pub(super) fn run(session: &Session, options: &ConvertArguments) -> Result<ExitCode, Failure> {
    convert(session, options, &read(options)?)
}

fn read(options: &ConvertArguments) -> Result<Vec<Input>, Failure> {
    let read = |file: &PathBuf| {
        let name = Untrusted::new(file.display().to_string());
        Ok(Input { name, bytes: read_input(file, FILE_LIMIT)? })
    };
    options.files.iter().map(read).collect()
}

impl Input {
    /// Returns the namespaces of the objects of a manifest, with their locations.
    fn namespaces(&self) -> Vec<(Location, String)> {
        let Some(text) = decode(&self.bytes).ok().filter(|text| find_crontab(text).is_none()) else {
            return Vec::new();
        };
        let mut found = Vec::new();
        for document in file_documents(text).documents {
            add_namespaces(&document.node, &mut found);
        }
        found
    }

    /// Returns the tool of the first namespace that is one of a tool.
    fn tool(&self) -> Option<ToolName> {
        self.namespaces().iter().find_map(|(_, namespace)| ToolName::from_namespace(namespace))
    }
}

/// Adds the namespace of an object, or those of the items of a list.
fn add_namespaces(object: &YamlNode, found: &mut Vec<(Location, String)>) {
    if let Some(namespace) = object.get("metadata").and_then(|metadata| metadata.get("namespace"))
        && let Some(name) = namespace.scalar().filter(|name| !name.is_empty())
    {
        found.push((namespace.location, name.to_owned()));
    }
    if let Some(YamlNode { value: YamlValue::Sequence(items), .. }) = object.get("items") {
        items.iter().for_each(|item| add_namespaces(item, found));
    }
}

/// Says what cannot be known of manifests without the tool's name; those of other namespaces are an error.
fn check_unknown_tool(inputs: &[Input]) -> Result<(), Failure> {
    for input in inputs {
        if let Some((location, namespace)) = input.namespaces().first() {
            let namespace = Untrusted::new(namespace.as_str());
            let message =
                format!("namespace {} is not that of a tool, such as tool-NAME", namespace.quoted());
            let error = Diagnostic::new(*location, message);
            return Err(Failure::new(ExitCode::Failed, error.in_file(&input.name))
                .with_code(FailureCode::InvalidFile));
        }
    }
    let has_manifests = inputs.iter().any(|input| {
        let text = decode(&input.bytes).ok();
        text.is_some_and(|text| find_crontab(text).is_none())
    });
    if has_manifests {
        Notice::note(format!(
            "the files name no tool, so `{UNKNOWN_TOOL}` is used; paths in the tool's home and its own images are not \
             recognized"
        ))
        .with_hint("Name the tool: `--tool NAME`.")
        .print();
    }
    Ok(())
}

fn convert(session: &Session, options: &ConvertArguments, inputs: &[Input]) -> Result<ExitCode, Failure> {
    let namespace = session.namespace(images_to_show(Ok(session)));
    check_image(&namespace, options.image.as_ref())?;
    let mut converter = Converter::new(&namespace, options.image.clone());
    let mut errors = Vec::new();
    for Input { name, bytes } in inputs {
        converter.start_file(name);
        let text = match decode(bytes) {
            Ok(text) => text,
            Err(finding) => {
                errors.push((name.clone(), diagnostic(&finding)));
                continue;
            }
        };
        if find_crontab(text).is_some() {
            converter.add_lines(text);
            continue;
        }
        // If two keys are equal, the last one counts, as for kubectl.
        let (doubtful, unreadable): (Vec<_>, Vec<_>) =
            reading_errors(text).into_iter().partition(|found| found.rule == Rule::DuplicateKey);
        for found in &doubtful {
            Notice::warning(diagnostic(found).in_file(name)).print();
        }
        if !unreadable.is_empty() {
            errors.extend(unreadable.iter().map(|found| (name.clone(), diagnostic(found))));
            continue;
        }
        let documents = file_documents(text);
        let mut manifests = Manifests::default();
        for document in &documents.documents {
            match other_file(&document.node) {
                Some(what) => errors.push((name.clone(), Diagnostic::new(document.node.location, what))),
                None => manifests.read(&with_current_version(&document.node), &session.tool),
            }
        }
        errors
            .extend(documents.errors.into_iter().chain(manifests.errors).map(|error| (name.clone(), error)));
        converter.add_text(text, &manifests.manifests);
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

/// Checks an image for jobs that is not from a registry: only the catalog has its name.
fn check_image(namespace: &Namespace, image: Option<&JobImage>) -> Result<(), Failure> {
    let is_of_catalog = |image: &&JobImage| match image {
        JobImage::Type(_) => true,
        JobImage::Reference(reference) => reference_host(reference).is_none(),
        JobImage::BuildService(_) => false,
    };
    let Some(image) = image.filter(is_of_catalog) else { return Ok(()) };
    match namespace.catalog.job_image(image, &namespace.platform.build_service_repository) {
        Ok(_) => Ok(()),
        Err(error) => Err(failures::of_plan(&error.with_own_image(&namespace.tool).into(), namespace)),
    }
}

/// Returns what a document is that is recognized and is not a manifest: one that the platform's tools read needs no conversion.
fn other_file(document: &YamlNode) -> Option<&'static str> {
    match DocumentKind::of(document) {
        DocumentKind::Manifest | DocumentKind::Unknown => None,
        DocumentKind::JobsFile => {
            // Any list may be one.
            let YamlValue::Sequence(items) = &document.value else { return None };
            let has_job = items.iter().any(|item| DocumentKind::of(item) == DocumentKind::Job);
            has_job.then_some("this is a jobs file already; `toolforge jobs load` loads it")
        }
        DocumentKind::ServiceTemplate => {
            Some("this is a service.template already; `webservice start --template` reads it")
        }
        kind => kind.explanation(),
    }
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
        Notice::note(format!("run `toolforge jobs suspend {name}` after the file is loaded")).print();
    }
    for dependent in &conversion.dependents {
        Notice::note(dependent.to_string()).print();
    }
    match (&conversion.web_service, &options.service_template) {
        (Some(web), Some(path)) => {
            let text = web.to_yaml();
            if dump::is_other(path, &text) {
                return Err(has_other_content(path).hint("Name another file."));
            }
            write_file(path, &text)?;
        }
        (Some(web), None) => {
            let would_be = Notice::note("there is a web service; its service.template would be:");
            would_be.details(web.to_yaml().lines()).print();
            print_message("Write it with `--service-template FILE`.");
        }
        (None, Some(_)) => {
            let message = "there is no web service to convert, so no template was written";
            Notice::warning(message).with_hint("Leave `--service-template` out.").print();
        }
        (None, None) => {}
    }
    let is_complete = conversion.unconverted.is_empty() && blocking.is_empty();
    match (conversion.jobs.is_empty() && conversion.web_service.is_none(), is_complete) {
        (true, _) => {
            let hint = match conversion.dependents.is_empty() {
                true => "Convert Kubernetes manifests, a crontab, or lines of jsub.",
                false => "Convert the owners that the notes name instead.",
            };
            Err(Failure::new(ExitCode::Failed, "nothing could be converted").hint(hint))
        }
        (false, true) => Ok(ExitCode::Success),
        (false, false) => Ok(ExitCode::Partial),
    }
}
