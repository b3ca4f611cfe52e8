//! What a conversion loses, changes or guesses.

use std::fmt;

use serde_json::Value;
use toolforge_images::State;
use toolforge_model::{CronExpression, JobImage, TypeName, Untrusted};

use crate::job::JobPlanError;
use crate::object::{Difference, FieldPath, PathSegment};

/// The longest list or mapping that a note shows, in bytes.
const LONGEST_VALUE: usize = 100;

/// What a conversion loses, changes or guesses.
///
/// Its `Display` is one line without line breaks, in which text of files and of the cluster is escaped.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConversionNote {
    /// The source names no image.
    GuessedImage {
        /// The image of the job.
        image: TypeName,
    },
    /// The catalog does not have the image, but one of its types is the same from another registry.
    ReplacedImage {
        /// The image.
        reference: Untrusted,
        /// The image of the job.
        image: JobImage,
    },
    /// The reference is an old one of the same image.
    RenamedImage {
        /// The reference.
        reference: Untrusted,
        /// The image of the job.
        image: JobImage,
        /// Its current reference.
        today: Untrusted,
    },
    /// The type is deprecated or gone.
    OutdatedImage {
        /// The type.
        name: TypeName,
        /// Its state.
        state: State,
        /// The type that replaces it, if there is one.
        replacement: Option<TypeName>,
    },
    /// The name is not one that a job can have, or another job has it.
    Renamed {
        /// The name.
        from: Untrusted,
    },
    /// A job has one container.
    OtherContainers {
        /// The names of the others.
        names: Vec<Untrusted>,
    },
    /// The container has arguments without a command, so the image's entry point runs first, if it has one.
    EntryPoint,
    /// The schedule is suspended, which a jobs file cannot express.
    Suspended,
    /// A field of the object is different afterwards.
    Field {
        /// The object, such as `Service bot`; `None` for the workload itself.
        object: Option<Untrusted>,
        /// The field.
        path: FieldPath,
        /// The value in the source as JSON, without quotes around a string; `None` if it is not set.
        before: Option<Untrusted>,
        /// The value afterwards; `None` if it is not set.
        after: Option<Untrusted>,
    },
    /// No object of the kind has the field: it is probably misspelled.
    UnknownField {
        /// The object, such as `Service bot`; `None` for the workload itself.
        object: Option<Untrusted>,
        /// The field.
        path: Untrusted,
        /// The field that was probably meant.
        near: Option<&'static str>,
    },
    /// A limit or a request of a container is different afterwards.
    Amount {
        /// The field.
        path: FieldPath,
        /// The amount in the source; `None` if it is not set.
        before: Option<Untrusted>,
        /// The amount afterwards; `None` if it is not set.
        after: Option<Untrusted>,
        /// Whether the amount afterwards is the platform's default, because the converted file cannot state the original one.
        is_default: bool,
    },
    /// The web service's type starts its own server instead of the container's command.
    CommandNotRun {
        /// The type.
        name: TypeName,
        /// The command.
        command: Untrusted,
    },
    /// A variable's value refers to another one, and their order differs: only variables set before it are expanded.
    VariableOrder {
        /// The name of the variable.
        name: Untrusted,
        /// The name of the other one.
        other: Untrusted,
        /// Whether the job expands the reference; if it does not, the original does.
        is_expanded: bool,
    },
    /// A Service that selects the original pods does not select those of the job, which have other labels.
    LostService {
        /// Its name.
        name: Untrusted,
    },
    /// An option of a `jsub` line.
    Option {
        /// The option, with its value.
        option: Untrusted,
    },
    /// cron and the platform run a job with the same macro at different times.
    MacroTime {
        /// The macro in the crontab, such as `@midnight`.
        of_cron: &'static str,
        /// When cron runs it.
        before: &'static str,
        /// When the job runs.
        after: Box<CronExpression>,
    },
    /// cron and the job's controller combine the day of the month and the day of the week differently: for cron, a field that
    /// begins with a star is not restricted, even if it has a step.
    DayFields {
        /// Whether cron runs it on the days that match both, and the job on those that match either; otherwise, the reverse.
        are_both_in_cron: bool,
    },
    /// cron mailed the output of the command to an address.
    MailTo {
        /// The address, or several.
        address: Untrusted,
    },
    /// Grid Engine ran the command in the directory from which it was submitted.
    WorkingDirectory,
    /// The command had the variables of the shell that submitted it.
    SubmitterEnvironment,
    /// Grid Engine ran a copy of the script, which needed no permission to be executed.
    CopiedScript,
    /// The path of a log file may be a directory where Grid Engine wrote a file for each job.
    MaybeDirectory {
        /// The option, `-o` or `-e`.
        option: &'static str,
        /// The path.
        path: Untrusted,
        /// The file in the directory.
        file: Untrusted,
    },
    /// The input of a command in a crontab: the text after `%`.
    Input {
        /// The text.
        text: Untrusted,
    },
    /// The shell does not wait for the command, which is killed when the job finishes.
    Background,
    /// The command runs a program that no image has.
    MissingProgram {
        /// The program, such as `webservice`.
        program: Untrusted,
    },
    /// The job is valid, but cannot be planned.
    Unplanned {
        /// Why.
        error: JobPlanError,
    },
}

impl ConversionNote {
    /// Returns the note about a field; `object` is the object if it is not the workload itself.
    pub(super) fn of_difference(found: Difference, object: Option<&str>) -> Self {
        let Difference { path, live: before, wanted: after, .. } = found;
        Self::Field { object: object.map(Untrusted::new), path, before, after }
    }
}

impl fmt::Display for ConversionNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::GuessedImage { image } => write!(f, "image {image} is a guess"),
            Self::ReplacedImage { reference, image } => {
                let image = Untrusted::new(image.to_string());
                write!(
                    f,
                    "image {} is not in the catalog; {} replaces it",
                    reference.escaped(),
                    image.escaped()
                )
            }
            Self::RenamedImage { reference, image, today } => {
                let image = Untrusted::new(image.to_string());
                let (reference, image, today) = (reference.escaped(), image.escaped(), today.escaped());
                write!(f, "image {reference} is an old reference to {image} ({today})")
            }
            Self::OutdatedImage { name, state, replacement } => {
                write!(f, "image {name} is {state}")?;
                replacement.as_ref().map_or(Ok(()), |name| write!(f, "; {name} replaces it"))
            }
            Self::Renamed { from } => write!(f, "the name was {}", from.escaped()),
            Self::OtherContainers { names } => {
                let names: Vec<String> = names.iter().map(|name| name.escaped().to_string()).collect();
                write!(f, "a job has one container; not converted: {}", names.join(", "))
            }
            Self::EntryPoint => f.write_str(
                "the container has no command, only arguments: if the image has an entry point, the job does not run it",
            ),
            Self::Suspended => f.write_str("it is suspended, which a jobs file cannot express"),
            Self::Field { object, path, before, after } => {
                if let Some(object) = object {
                    write!(f, "{}: ", object.escaped())?;
                }
                let found = path;
                let path = Untrusted::new(path.to_string());
                let path = path.escaped();
                match (before, after) {
                    // The user's text must not be lost.
                    (Some(before), Some(after)) if is_command(found) => {
                        write!(f, "{path}: was {}, is now {}", before.escaped(), after.escaped())
                    }
                    (Some(before), None) if is_command(found) => {
                        write!(f, "{path}: {} is not converted", before.escaped())
                    }
                    (Some(before), Some(after)) => {
                        write!(f, "{path}: was {}, is now {}", shown(before), shown(after))
                    }
                    (Some(before), None) if is_long(before) => write!(f, "{path} is not converted"),
                    (Some(before), None) => write!(f, "{path}: {} is not converted", before.escaped()),
                    (None, Some(after)) if is_long(after) => write!(f, "{path} is added"),
                    (None, Some(after)) => write!(f, "{path}: is now {}", shown(after)),
                    (None, None) => write!(f, "{path} is not converted"),
                }
            }
            Self::UnknownField { object, path, near } => {
                if let Some(object) = object {
                    write!(f, "{}: ", object.escaped())?;
                }
                write!(f, "{} is an unknown field and is not converted", path.escaped())?;
                near.map_or(Ok(()), |near| write!(f, "; did you mean \"{near}\"?"))
            }
            Self::Amount { path, before, after, is_default } => {
                let path = Untrusted::new(path.to_string());
                let amount = |amount: &Option<Untrusted>| {
                    amount.as_ref().map_or_else(|| "not set".to_owned(), |amount| amount.escaped().to_string())
                };
                write!(f, "{}: was {}, is now {}", path.escaped(), amount(before), amount(after))?;
                f.write_str(if *is_default { ", the default" } else { "" })
            }
            Self::CommandNotRun { name, command } => {
                write!(f, "type {name} starts its own web server, not the command: {}", command.escaped())
            }
            Self::VariableOrder { name, other, is_expanded } => {
                let (name, other) = (name.escaped(), other.escaped());
                match is_expanded {
                    true => write!(f, "env {name} refers to {other}, which was set after it: $({other}) was not expanded, and is now"),
                    false => write!(f, "env {name} refers to {other}, which the job sets after it: $({other}) is no longer expanded"),
                }
            }
            Self::LostService { name } => {
                write!(f, "Service {} no longer selects its pods: they have the labels of the job", name.escaped())
            }
            Self::Option { option } => write!(f, "{} is not converted", option.escaped()),
            Self::MacroTime { of_cron, before, after } => {
                write!(f, "schedule: {of_cron} of a crontab is {before}; the job runs at {after}")
            }
            Self::DayFields { are_both_in_cron } => {
                let (before, after) = match are_both_in_cron {
                    true => ("both the day of the month and", "either"),
                    false => ("either the day of the month or", "both"),
                };
                write!(
                    f,
                    "schedule: cron runs it on days that match {before} the day of the week; the job runs \
                     on days that match {after}"
                )
            }
            Self::MailTo { address } => {
                let address = address.escaped();
                write!(f, "MAILTO: cron mailed all output to {address}; the job mails the maintainers of the tool when it fails")
            }
            Self::WorkingDirectory => {
                f.write_str("-cwd is not converted: the job runs in the home of the tool")
            }
            Self::SubmitterEnvironment => f.write_str(
                "-V is not converted: the job does not have the variables of the shell that submitted it",
            ),
            Self::CopiedScript => f.write_str(
                "qsub copied the script and needed no permission to execute it; the job runs the file itself, so it must be executable",
            ),
            Self::MaybeDirectory { option, path, file } => {
                let (path, file) = (path.escaped(), file.escaped());
                write!(f, "{option} {path}: if it is a directory, write {file}")
            }
            Self::Input { text } => {
                write!(f, "the command's input, the text after %, is not converted: {}", text.escaped())
            }
            Self::Background => f.write_str(
                "the command ends with &: the job finishes immediately, and what runs in the background is killed; remove the &",
            ),
            Self::MissingProgram { program } => {
                write!(f, "the command runs {}, which the images of jobs do not have", program.escaped())
            }
            Self::Unplanned { error } => {
                write!(f, "{}", Untrusted::new(error.to_string()).escaped())
            }
        }
    }
}

/// How much a note matters; the most important first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Weight {
    /// It does not run.
    Blocking,
    /// A Secret that the pods had.
    Secret,
    /// Volumes and variables.
    Data,
    /// Ports and names in the network.
    Network,
    /// What runs, and whether that is checked.
    Program,
    /// How much and how many.
    Amount,
    /// When and how it runs.
    Behavior,
    /// Changes that users hardly notice.
    Cosmetic,
}

/// Fields of pods and of their workloads, by subject; a field below them has the same subject.
const FIELDS: [(Weight, &[&str]); 5] = [
    (Weight::Cosmetic, &["metadata"]),
    (Weight::Data, &["env", "envFrom", "volumeClaimTemplates", "volumeDevices", "volumeMounts", "volumes"]),
    (
        Weight::Network,
        &["dnsConfig", "dnsPolicy", "hostAliases", "hostNetwork", "hostname", "ports", "subdomain"],
    ),
    (
        Weight::Program,
        &[
            "args",
            "command",
            "image",
            "initContainers",
            "lifecycle",
            "livenessProbe",
            "readinessProbe",
            "startupProbe",
            "workingDir",
        ],
    ),
    (Weight::Amount, &["completions", "parallelism", "replicas", "resources"]),
];

/// Fields that only affect how long objects are kept, and how long Kubernetes waits.
const COSMETIC: [&str; 9] = [
    "failedJobsHistoryLimit",
    "imagePullPolicy",
    "minReadySeconds",
    "progressDeadlineSeconds",
    "revisionHistoryLimit",
    "startingDeadlineSeconds",
    "successfulJobsHistoryLimit",
    "terminationGracePeriodSeconds",
    "ttlSecondsAfterFinished",
];

impl ConversionNote {
    /// Returns whether the converted job or web service does not work until somebody changes it.
    #[must_use]
    pub(crate) fn is_blocking(&self) -> bool {
        self.weight() == Weight::Blocking
    }

    fn weight(&self) -> Weight {
        match self {
            Self::Unplanned { .. } | Self::CommandNotRun { .. } | Self::Background => Weight::Blocking,
            Self::Field { object: Some(_), .. } | Self::LostService { .. } => Weight::Network,
            Self::Field { object: None, path, before, .. } => weight_of_field(path, before.as_ref()),
            Self::VariableOrder { .. } | Self::SubmitterEnvironment => Weight::Data,
            Self::GuessedImage { .. }
            | Self::ReplacedImage { .. }
            | Self::OutdatedImage { .. }
            | Self::UnknownField { .. }
            | Self::OtherContainers { .. }
            | Self::EntryPoint
            | Self::Input { .. }
            | Self::WorkingDirectory
            | Self::CopiedScript
            | Self::MissingProgram { .. } => Weight::Program,
            Self::Amount { .. } => Weight::Amount,
            Self::Suspended
            | Self::Option { .. }
            | Self::MacroTime { .. }
            | Self::DayFields { .. }
            | Self::MailTo { .. }
            | Self::MaybeDirectory { .. } => Weight::Behavior,
            Self::RenamedImage { .. } | Self::Renamed { .. } => Weight::Cosmetic,
        }
    }

    /// Sorts notes by importance; equal ones keep their order.
    pub(super) fn sort(notes: &mut [Self]) {
        notes.sort_by_key(Self::weight);
    }
}

fn weight_of_field(path: &FieldPath, before: Option<&Untrusted>) -> Weight {
    let names = || {
        path.segments().iter().filter_map(|segment| match segment {
            PathSegment::Field(name) => Some(name.as_str()),
            PathSegment::Item { .. } => None,
        })
    };
    let has = |fields: &[&str]| names().any(|name| fields.contains(&name));
    let value: Option<Value> = before.and_then(|before| serde_json::from_str(before.as_raw()).ok());
    if has(&["imagePullSecrets"]) || value.as_ref().is_some_and(names_secret) {
        return Weight::Secret;
    }
    if names().next_back().is_some_and(|name| COSMETIC.contains(&name)) {
        return Weight::Cosmetic;
    }
    FIELDS.iter().find(|(_, fields)| has(fields)).map_or(Weight::Behavior, |(weight, _)| *weight)
}

/// Returns whether a variable or a volume refers to a Secret.
fn names_secret(value: &Value) -> bool {
    let is_secret = |source: &Value| source.get("secret").is_some();
    value.pointer("/valueFrom/secretKeyRef").is_some()
        || value.get("secretRef").is_some()
        || is_secret(value)
        || value
            .pointer("/projected/sources")
            .and_then(Value::as_array)
            .is_some_and(|all| all.iter().any(is_secret))
}

/// Returns whether a field is the command of a container, or its arguments.
fn is_command(path: &FieldPath) -> bool {
    let last = path.segments().last();
    matches!(last, Some(PathSegment::Field(name)) if matches!(name.as_str(), "command" | "args"))
}

fn is_long(value: &Untrusted) -> bool {
    value.as_raw().len() > LONGEST_VALUE && value.as_raw().starts_with(['{', '['])
}

fn shown(value: &Untrusted) -> String {
    if is_long(value) { "other".to_owned() } else { value.escaped().to_string() }
}
