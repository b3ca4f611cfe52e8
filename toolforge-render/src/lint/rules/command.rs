//! Commands: whether their programs are in the tool's home, as far as it is known, and what the image has to run them.

use toolforge_images::Runner;
use toolforge_model::{JobImage, JobRequest, ServiceTemplate, ToolName, TypeName, platform};

use super::super::check::Check;
use super::super::context::{LintHome, SOME_TOOL};
use super::super::rule::Rule;
use super::super::syntax::Node;
use super::image::type_of_reference;
use super::scope::Scope;
use super::shell_words::{self, line_of_shell};
use crate::job::{CommandScope, JobFileWarning, located_warnings};
use crate::web_service::missing_requirement;

/// Checks the commands of a container.
pub(crate) fn check(check: &mut Check<'_>, scope: Scope<'_>, container: &Node) {
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        check_exec(check, container.at(&[probe, "exec"]));
    }
    for hook in ["postStart", "preStop"] {
        check_exec(check, container.at(&["lifecycle", hook, "exec"]));
    }
    let reference = container.get("image").and_then(Node::string).unwrap_or_default();
    let image = match type_of_reference(check, reference).and_then(|name| name.parse().ok()) {
        Some(name) => JobImage::Type(name),
        None => JobImage::Reference(reference.to_owned()),
    };
    let list = |name| container.get(name).map(Node::items).unwrap_or_default();
    // The platform's images have no entry point, so arguments alone are the command.
    let words: Vec<&Node> = match list("command") {
        [] if !matches!(image, JobImage::Type(_)) => return,
        command => command.iter().chain(list("args")).collect(),
    };
    let before = check.findings.len();
    shell_words::check(check, &words);
    if check.findings.len() > before {
        return;
    }
    let own = scope.object.tool(check.context);
    let has_home = scope.pods.label(platform::LABEL_MOUNT_STORAGE) != Some("none");
    let home =
        home_of(check).filter(|(_, tool)| has_home && own.as_ref() == Some(tool)).map(|(home, _)| home);
    let Some(tool) = own.or_else(|| SOME_TOOL.parse().ok()) else { return };
    let variables = container.get("env").map(Node::items).unwrap_or_default();
    let variable = |name| variables.iter().find(|found| found.get("name").and_then(Node::text) == Some(name));
    let is_at_home = variable("NO_HOME").is_none();
    let home_directory = tool.home();
    let expands_home = is_at_home
        && variable("HOME")
            .is_none_or(|found| found.get("value").and_then(Node::text) == Some(&home_directory));
    let directory = container.get("workingDir").and_then(Node::string).filter(|_| is_at_home);
    let directory = directory.and_then(|path| below(path, &home_directory));
    let look = |path: &str| match is_hidden(scope, container, &format!("{home_directory}/{path}")) {
        true => None,
        false => home.as_ref()?.look(path),
    };
    let has_own_programs = variable("PATH").is_some();
    let command =
        CommandScope { tool: &tool, image: &image, directory, expands_home: false, has_own_programs };
    let texts: Vec<&str> = words.iter().map_while(|word| word.string()).collect();
    let line = line_of_shell(&texts);
    let found = match line.and_then(|index| texts.get(index).copied()) {
        Some(text) => CommandScope { expands_home, ..command }.check_line(text, &look),
        None => command.check_words(texts.iter().copied(), &look),
    };
    let Some((index, warning)) = found else { return };
    if let Some(place) = words.get(line.unwrap_or(index)) {
        report(check, place, &warning);
    }
}

/// Checks a command that is executed in a running container.
fn check_exec(check: &mut Check<'_>, exec: Option<&Node>) {
    let words = exec.and_then(|exec| exec.get("command")).map(Node::items).unwrap_or_default();
    shell_words::check(check, &words.iter().collect::<Vec<_>>());
}

/// Checks the command, the health check and the log files of a job of a jobs file.
pub(crate) fn check_job(check: &mut Check<'_>, request: &JobRequest, job: &Node) {
    let home = home_of(check).map(|(home, _)| home);
    for (keys, warning) in located_warnings(request, |path| home.as_ref()?.look(path)) {
        let place = keys.iter().find_map(|key| job.get(key)).unwrap_or(job);
        report(check, place, &warning);
    }
}

/// Checks the files of a web service, and the command in its arguments.
pub(crate) fn check_web_service(
    check: &mut Check<'_>,
    template: &ServiceTemplate,
    name: &TypeName,
    root: &Node,
) {
    let home = home_of(check);
    let runner = check.context.catalog.web(name).ok().map(|(_, web)| web.runner);
    let arguments = template.options.arguments.clone();
    if let Some((home, _)) = &home
        && let Err(missing) = missing_requirement(name, runner, !arguments.is_empty(), Some(&home.files))
    {
        if let Some(place) = root.get("type") {
            check.at(Rule::MissingSite, place, missing);
        }
        return;
    }
    if runner != Some(Runner::Generic) {
        return;
    }
    let Some(tool) = check.context.tool.clone().or_else(|| SOME_TOOL.parse().ok()) else { return };
    let image = JobImage::Type(name.clone());
    let command = CommandScope {
        tool: &tool,
        image: &image,
        directory: Some(""),
        expands_home: false,
        has_own_programs: false,
    };
    let look = |path: &str| home.as_ref()?.0.look(path);
    let found = command.check_words(arguments.iter().map(String::as_str), &look);
    let Some((index, warning)) = found else { return };
    let list = root.get("extra_args");
    if let Some(place) = list.and_then(|list| list.items().get(index).or(Some(list))) {
        report(check, place, &warning);
    }
}

/// Returns the home that can be looked at, and its tool.
fn home_of(check: &Check<'_>) -> Option<(LintHome, ToolName)> {
    Some((check.context.home.clone()?, check.context.tool.clone()?))
}

fn report(check: &mut Check<'_>, place: &Node, warning: &JobFileWarning) {
    let rule = match warning {
        JobFileWarning::Missing { .. } | JobFileWarning::Directory { .. } => Rule::MissingCommand,
        JobFileWarning::NotExecutable { .. } => Rule::CommandNotExecutable,
        JobFileWarning::WindowsLineEndings { .. } | JobFileWarning::ShellLineEndings { .. } => {
            Rule::ScriptLineEndings
        }
        JobFileWarning::Interpreter { .. }
        | JobFileWarning::Program { .. }
        | JobFileWarning::MissingInterpreter { .. } => Rule::MissingInterpreter,
        JobFileWarning::LogDirectory { .. } => Rule::MissingLogDirectory,
    };
    let remedy = warning.remedy().map(|remedy| format!("; {remedy}")).unwrap_or_default();
    check.at(rule, place, format!("{warning}{remedy}"));
}

/// Returns a path below a directory, relative to it.
fn below<'p>(path: &'p str, directory: &str) -> Option<&'p str> {
    let rest = path.strip_prefix(directory)?;
    (rest.is_empty() || rest.starts_with('/')).then(|| rest.trim_matches('/'))
}

/// Returns whether a volume other than the home is mounted above a path.
fn is_hidden(scope: Scope<'_>, container: &Node, path: &str) -> bool {
    let volumes = scope.spec.get("volumes").map(Node::items).unwrap_or_default();
    let host_path = |name: Option<&str>| {
        let volume = volumes.iter().find(|volume| volume.get("name").and_then(Node::text) == name)?;
        volume.at(&["hostPath", "path"])?.text()
    };
    container.get("volumeMounts").map(Node::items).unwrap_or_default().iter().any(|mount| {
        let Some(place) = mount.get("mountPath").and_then(Node::text) else { return false };
        let place = place.trim_end_matches('/');
        let source = host_path(mount.get("name").and_then(Node::text)).map(|path| path.trim_end_matches('/'));
        below(path, place).is_some() && source != Some(place)
    })
}
