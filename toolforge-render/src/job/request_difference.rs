//! The differences between two requests for one job, by meaning.

use toolforge_model::{
    Emails, JobField, JobHealthCheck, JobKind, JobPort, JobRequest, Untrusted, join_words, platform,
    quote_word, split_words,
};

use crate::job::objects::RenderedCommand;
use crate::object::{Difference, FieldPath};

/// Returns the differences, in the usual order of a jobs file; `None` on a side means the default. Quantities compare as
/// numbers, and images by what they refer to; both requests must come from a plan or from [`observe_job`](super::observe_job).
///
/// The path of a difference is a field of the job's Deployment, CronJob or Job; that of `publish` is the empty path of
/// the whole HTTPRoute.
#[must_use]
pub fn job_differences(live: &JobRequest, wanted: &JobRequest) -> Vec<Difference> {
    let mut differences = Vec::new();
    for &key in JobField::ALL {
        let (before, after) = (value(live, key), value(wanted, key));
        if before != after {
            // A command is shown as written.
            let shown = |value: Option<String>, request: &JobRequest| match key {
                JobField::Command => value.map(|_| request.command.clone()),
                _ => value,
            };
            let (before, after) = (shown(before, live), shown(after, wanted));
            // The same command is run differently: another image or other log files, which are also differences.
            if before == after || is_implied(key, (live, before.as_ref()), (wanted, after.as_ref())) {
                continue;
            }
            let text = |value: Option<String>| value.map(Untrusted::new);
            differences.push(Difference::new(path(key, &wanted.kind), text(before), text(after)).of_key(key));
        }
    }
    differences
}

/// Returns whether a log file is the default one, which is set or unset together with the log files as a whole.
fn is_implied(
    key: JobField,
    (live, before): (&JobRequest, Option<&String>),
    (wanted, after): (&JobRequest, Option<&String>),
) -> bool {
    let ending = match key {
        JobField::FileLogStdout => "out",
        JobField::FileLogStderr => "err",
        _ => return false,
    };
    let is_default = |request: &JobRequest, path: &String| {
        *path == format!("{}/{}.{ending}", request.tool.home(), request.name)
    };
    live.file_log.is_on() != wanted.file_log.is_on()
        && before.is_none_or(|path| is_default(live, path))
        && after.is_none_or(|path| is_default(wanted, path))
}

/// Returns the path of the field that a field of a jobs file sets.
pub(super) fn path(key: JobField, kind: &JobKind) -> FieldPath {
    let template = match kind {
        JobKind::OneOff { .. } | JobKind::Continuous { .. } => FieldPath::of(&["spec", "template"]),
        JobKind::Scheduled { .. } => FieldPath::of(&["spec", "jobTemplate", "spec", "template"]),
    };
    let job_spec = match kind {
        JobKind::OneOff { .. } | JobKind::Continuous { .. } => FieldPath::of(&["spec"]),
        JobKind::Scheduled { .. } => FieldPath::of(&["spec", "jobTemplate", "spec"]),
    };
    let label = |key: &str| template.field("metadata").field("labels").field(key);
    let container = template.field("spec").field("containers").item(0, Some(platform::CONTAINER_JOB));
    match key {
        JobField::Name => FieldPath::of(&["metadata", "name"]),
        JobField::Command | JobField::FileLogStdout | JobField::FileLogStderr => container.field("command"),
        JobField::Image => container.field("image"),
        JobField::Schedule => FieldPath::of(&["spec", "schedule"]),
        JobField::Continuous => FieldPath::of(&["kind"]),
        JobField::Cpu => container.field("resources").field("limits").field("cpu"),
        JobField::Memory => container.field("resources").field("limits").field("memory"),
        JobField::Replicas => FieldPath::of(&["spec", "replicas"]),
        JobField::Port => container.field("ports"),
        JobField::HealthCheckScript | JobField::HealthCheckHttp => container.field("startupProbe"),
        JobField::Retry => job_spec.field("backoffLimit"),
        JobField::Timeout => job_spec.field("activeDeadlineSeconds"),
        JobField::Emails => label(platform::LABEL_EMAILS),
        JobField::Mount => label(platform::LABEL_MOUNT_STORAGE),
        JobField::FileLog | JobField::NoFileLog => label(platform::LABEL_FILE_LOG),
        JobField::Environment => container.field("env"),
        // `publish` is the whole HTTPRoute; the other fields are not part of an object.
        JobField::Publish | JobField::Wait | JobField::WebService => FieldPath::default(),
    }
}

/// Returns the command by its meaning: quoting does not matter unless a shell reads it.
fn command(request: &JobRequest) -> String {
    let is_build_service = request.image.is_build_service();
    if is_build_service && !request.file_log.has_files() {
        return join_words(&RenderedCommand::of(request).words);
    }
    // An explicit launcher is the one that would be added.
    let launched = platform::after_launcher(&request.command).filter(|_| is_build_service);
    launched.unwrap_or(&request.command).to_owned()
}

/// Returns the value of a key of a request, or `None` if it is the default.
fn value(request: &JobRequest, key: JobField) -> Option<String> {
    let kind = &request.kind;
    let (replicas, port, health_check) = match kind {
        JobKind::Continuous { replicas, port, health_check } => {
            (Some(*replicas), *port, health_check.as_ref())
        }
        JobKind::OneOff { .. } | JobKind::Scheduled { .. } => (None, None, None),
    };
    let (stdout, stderr) = (request.file_log.stdout(), request.file_log.stderr());
    let default_log = |ending| format!("{}/{}.{ending}", request.tool.home(), request.name);
    let is_default_log = |path: &str, ending| request.file_log.is_on() && path == default_log(ending);
    match key {
        JobField::Name => Some(request.name.to_string()),
        JobField::Command => Some(command(request)),
        JobField::Image => Some(request.image.to_string()),
        // Another spelling of the same schedule is not a difference, but the name of a macro is, because it is listed.
        JobField::Schedule => kind.schedule().map(|schedule| {
            if schedule.written().starts_with('@') {
                format!("{} ({})", schedule.written(), schedule.expression())
            } else {
                schedule.expression().to_string()
            }
        }),
        JobField::Continuous => matches!(kind, JobKind::Continuous { .. }).then(|| "true".to_owned()),
        JobField::Cpu => request.cpu.map(|cpu| cpu.to_string()),
        JobField::Memory => request.memory.map(|memory| memory.to_string()),
        JobField::Replicas => {
            replicas.filter(|replicas| replicas.count() != 1).map(|replicas| replicas.to_string())
        }
        JobField::Port => port.map(|port| port.to_string()),
        JobField::Publish => port.filter(|port: &JobPort| port.is_public()).map(|_| "/".to_owned()),
        JobField::HealthCheckScript => match health_check {
            Some(JobHealthCheck::Script(script)) => {
                let words = split_words(script).ok().filter(|_| request.image.is_build_service());
                Some(words.map_or_else(|| script.clone(), |words| join_words(&words)))
            }
            Some(JobHealthCheck::Http(_)) | None => None,
        },
        JobField::HealthCheckHttp => match health_check {
            Some(JobHealthCheck::Http(path)) => Some(path.to_string()),
            Some(JobHealthCheck::Script(_)) | None => None,
        },
        JobField::Retry => {
            kind.retry().filter(|retry| retry.count() > 0).map(|retry| retry.count().to_string())
        }
        JobField::Timeout => match kind {
            JobKind::Scheduled { timeout, .. } => timeout.map(|seconds| seconds.to_string()),
            JobKind::OneOff { .. } | JobKind::Continuous { .. } => None,
        },
        JobField::Emails => Some(request.emails)
            .filter(|emails| *emails != Emails::None)
            .map(|emails| emails.as_str().to_owned()),
        JobField::Mount => Some(request.mount.to_string()),
        JobField::FileLog => Some(if request.file_log.is_on() { "true" } else { "false" }.to_owned()),
        JobField::FileLogStdout => {
            stdout.map(ToString::to_string).filter(|path| !is_default_log(path, "out"))
        }
        JobField::FileLogStderr => {
            stderr.map(ToString::to_string).filter(|path| !is_default_log(path, "err"))
        }
        JobField::Environment => {
            let pairs: Vec<String> = request
                .environment
                .iter()
                .map(|(name, value)| format!("{name}={}", quote_word(value)))
                .collect();
            (!pairs.is_empty()).then(|| pairs.join(" "))
        }
        JobField::NoFileLog | JobField::Wait | JobField::WebService => None,
    }
}

#[cfg(test)]
mod tests {
    use toolforge_model::JobsFile;

    use super::*;

    fn request(more: &str) -> JobRequest {
        let text = format!("- {{name: a, command: ls -l, schedule: '0 5 1 1 *', {more}}}\n");
        JobsFile::parse(&text, &"x".parse().unwrap()).unwrap().jobs.remove(0).request
    }

    fn keys(live: &str, wanted: &str) -> String {
        let found = job_differences(&request(live), &request(wanted));
        found.iter().filter_map(|difference| Some(difference.key?.to_string())).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn another_image_is_not_another_command() {
        assert_eq!(keys("image: tool-x/x:latest", "image: bookworm"), "image mount filelog");
        assert_eq!(keys("image: bookworm", "image: tool-x/x:latest"), "image mount filelog");
        assert_eq!(keys("image: bookworm", "image: bookworm, no-filelog: true"), "filelog");
        let named = "image: bookworm, filelog-stdout: b.out";
        assert_eq!(keys("image: bookworm", named), "filelog-stdout");
        assert_eq!(keys("image: bookworm, no-filelog: true", named), "filelog filelog-stdout");
    }

    #[test]
    fn values_have_no_secrets() {
        let found = job_differences(
            &request("image: trixie, env: {DB_PASS: hunter2}"),
            &request("image: trixie, env: {DB_PASS: hunter3}"),
        );
        let shown = format!("{found:?}");
        assert!(shown.contains("DB_PASS=***") && !shown.contains("hunter"), "{shown}");
    }
}
