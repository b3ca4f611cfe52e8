use std::fmt;
use std::str::FromStr;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Worth knowing; it works.
    Note,
    /// It is accepted, but causes problems later.
    Warning,
    /// The API server, an admission plugin or a controller refuses it, or it cannot be read.
    Error,
}

impl Level {
    /// Returns the level's name, which is also the one in SARIF: `error`, `warning` or `note`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

macro_rules! rules {
    ($(
        $(#[doc = $summary:literal])+
        $variant:ident = $id:literal, $level:ident, $fixes:literal,
        $explanation:literal,
        $remedy:literal;
    )+) => {
        /// A rule of the linter.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Rule {$(
            $(#[doc = $summary])+
            $variant,
        )+}

        impl Rule {
            /// All rules, by subject.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Returns the id, in kebab case.
            #[must_use]
            pub fn id(self) -> &'static str {
                match self {$(Self::$variant => $id,)+}
            }

            /// Returns how bad its findings are.
            #[must_use]
            pub fn level(self) -> Level {
                match self {$(Self::$variant => Level::$level,)+}
            }

            /// Returns what it finds, in one sentence.
            #[must_use]
            pub fn summary(self) -> &'static str {
                match self {$(Self::$variant => concat!($($summary),+).trim_ascii(),)+}
            }

            /// Returns what happens because of it, in sentences.
            #[must_use]
            pub fn explanation(self) -> &'static str {
                match self {$(Self::$variant => $explanation,)+}
            }

            /// Returns how to fix it, in sentences.
            #[must_use]
            pub fn remedy(self) -> &'static str {
                match self {$(Self::$variant => $remedy,)+}
            }

            /// Returns whether a fix exists for at least some of its findings.
            fn has_fix(self) -> bool {
                match self {$(Self::$variant => $fixes,)+}
            }
        }
    };
}

rules! {
    /// The text is not YAML.
    InvalidYaml = "invalid-yaml", Error, false,
        "kubectl and the jobs service cannot read the document.",
        "Fix the line that is shown, or the one above it: an error is often reported one line late.";
    /// A line is indented with a tab.
    TabIndentation = "tab-indentation", Error, false,
        "YAML allows only spaces for indentation.",
        "Replace the tab with as many spaces as the lines around it have.";
    /// A key occurs twice in one mapping.
    DuplicateKey = "duplicate-key", Warning, false,
        "kubectl and the jobs service silently keep only the last one (kubectl 1.33, also with `--validate=strict`). The \
         API server never sees the others.",
        "Remove one of them, or merge their values.";
    /// A word like `yes`, `no`, `on` or `off` without quotes is a boolean.
    YamlBoolean = "yaml-boolean", Error, true,
        "kubectl reads YAML 1.1, in which these words mean true and false, so a string is expected and a boolean is sent.",
        "Put the word in quotes.";
    /// A key like `yes`, `no`, `on` or `off` without quotes is a boolean.
    YamlBooleanKey = "yaml-boolean-key", Warning, true,
        "kubectl reads YAML 1.1, in which these words mean true and false, so the key is `true` or `false`.",
        "Put the key in quotes.";
    /// The file has Windows line endings.
    WindowsLineEndings = "windows-line-endings", Warning, true,
        "YAML ignores them, but an editor that mixes both kinds, or a script that is copied from the file, does not.",
        "Save the file with Unix line endings.";
    /// The file begins with a byte order mark.
    ByteOrderMark = "byte-order-mark", Warning, true,
        "It is invisible, and some programs treat it as part of the first key.",
        "Save the file as UTF-8 without a byte order mark.";
    /// The file is not UTF-8.
    Encoding = "encoding", Error, false,
        "kubectl reads UTF-8.",
        "Save the file as text, in UTF-8.";
    /// The text is too large.
    TooLarge = "too-large", Error, false,
        "The API server refuses requests above 3 MiB, and etcd objects above 1.5 MiB.",
        "Split the file, and keep data in files of the tool's home.";
    /// Mappings and lists are nested too deeply.
    TooDeep = "too-deep", Error, false,
        "No kind of object has a hundred levels; such a text is usually an attack on a parser.",
        "Remove levels.";
    /// Aliases repeat too much.
    TooManyAliases = "too-many-aliases", Error, false,
        "A few lines of nested aliases can expand to more values than fit into memory, so parsers refuse them.",
        "Write the values out, or repeat less.";
    /// The text is a template of Helm or Jinja.
    Template = "template", Error, false,
        "It becomes YAML only when the template's program has filled in the `{{ }}`.",
        "Render the template first, as with `helm template`, and check the result.";
    /// The file has no content.
    EmptyFile = "empty-file", Error, false,
        "kubectl answers \"no objects passed to apply\", and a jobs file needs at least one job.",
        "Check the name of the file.";
    /// The document is neither a Kubernetes object nor a file of the platform's tools.
    UnknownDocument = "unknown-document", Error, false,
        "A Kubernetes object has `apiVersion` and `kind`, a jobs file is a list of jobs with a `name`, and a `service.template` \
         has `type` or other options of `webservice`.",
        "Add what is missing, or pass the file to the program that reads it.";
    /// A list contains a list.
    ListInList = "list-in-list", Error, false,
        "kubectl reads the items of a List, but not Lists within it; a jobs file is a list of mappings.",
        "Move the inner items to the outer list.";
    /// An error in a jobs file or a service.template.
    PlatformFile = "platform-file", Error, true,
        "The platform's tools and ours refuse the file, or one job of it.",
        "Add or correct the key that the message names; the message says what is allowed.";
    /// A deprecated or useless line of a jobs file or a service.template.
    PlatformFileWarning = "platform-file-warning", Warning, true,
        "It works now, but does not do what it seems to, or will stop working.",
        "Write what the message names, or rename or remove what has no effect, with all of its keys.";
    /// A comment ignores a rule that does not exist.
    UnknownRule = "unknown-rule", Warning, false,
        "The comment has no effect.",
        "Write one of the ids of this page.";
    /// The file has more findings than are listed.
    TooManyFindings = "too-many-findings", Note, false,
        "A thousand findings of a file are listed, errors before warnings and warnings before notes.",
        "Fix what is listed, and check the file again.";

    /// The kind does not exist.
    UnknownKind = "unknown-kind", Error, false,
        "The API server has no such kind in this group.",
        "Write the kind as the API spells it, like `CronJob`.";
    /// A tool may not create objects of this kind.
    ForbiddenKind = "forbidden-kind", Error, false,
        "The platform gives tools no permission for it, so the API server answers 403.",
        "Use a kind that a tool may create, or ask the administrators.";
    /// The version of the API is gone, or does not have the kind.
    ApiVersion = "api-version", Error, true,
        "The API server answers `no matches for kind`. A newer version often has other fields and stricter rules.",
        "Write the current version, and move fields that have another place there.";
    /// A field does not exist in this place.
    UnknownField = "unknown-field", Error, false,
        "`kubectl apply` asks for strict validation, and the API server refuses the object. Without it, the field is dropped.",
        "Correct the spelling, or move it to where it belongs: indentation decides.";
    /// The fields of a custom resource are checked by the API server only.
    FieldsNotChecked = "fields-not-checked", Note, false,
        "The schema of an HTTPRoute is in the cluster, which checks it in a dry run if it is reachable; otherwise an \
         unknown field or a wrong type is not found. The objects of the jobs service are never checked: only the service itself writes them.",
        "Check an HTTPRoute where the cluster is reachable; write a jobs file instead of the objects of the jobs service.";
    /// A value has the wrong type.
    WrongType = "wrong-type", Error, true,
        "The API server cannot decode the object. Values of environment variables, labels and annotations are strings, \
         so numbers and booleans need quotes.",
        "Add or remove the quotes, or write a value of the expected type.";
    /// A required field is missing.
    MissingField = "missing-field", Error, false,
        "The API server refuses the object with `Required value`.",
        "Add the field that the message names; `kubectl explain KIND.FIELD` describes it.";
    /// A value is not allowed.
    InvalidValue = "invalid-value", Error, false,
        "The API server refuses the object with `Invalid value` or `Unsupported value`.",
        "Write a value that the message allows, or remove the field; `kubectl explain KIND.FIELD` describes it.";
    /// A name has characters or a length that is not allowed.
    InvalidName = "invalid-name", Error, false,
        "A name has at most 63 or 253 characters: lowercase letters, digits, `-` and, for some kinds, `.`.",
        "Rename the object: replace other characters by `-`, and shorten a name that is too long.";
    /// The name of a CronJob has more than 52 characters.
    CronJobNameLength = "cron-job-name-length", Error, false,
        "The controller appends eleven characters to name each Job, and the name of a Job may have at most 63.",
        "Shorten the name.";
    /// A label or its value is malformed.
    InvalidLabel = "invalid-label", Error, false,
        "The value of a label has at most 63 characters: letters, digits, `-`, `_` and `.`; it begins and ends with a letter or digit.",
        "Put other text into an annotation.";
    /// The namespace is not the tool's.
    WrongNamespace = "wrong-namespace", Error, true,
        "A tool may only create objects in its own namespace, `tool-NAME`; elsewhere the API server answers 403.",
        "Write the tool's namespace, or leave `namespace` out. `--fix` only corrects the tool's name without `tool-`, or `tools.NAME`.";
    /// Two objects of the file have the same kind and name.
    DuplicateObject = "duplicate-object", Warning, false,
        "The second one overwrites the first one when the file is applied.",
        "Rename one of them.";

    /// The API server refuses the object.
    RefusedByServer = "refused-by-server", Error, false,
        "In a dry run with strict validation, the API server or the platform's admission answered as shown. This \
         is checked only if the cluster is reachable, and if no other rule has found an error in the object.",
        "Change the field that the message names, and check the file again.";

    /// The selector is missing, or does not match the labels of the pod template.
    Selector = "selector", Error, true,
        "The API server refuses it: the controller would never find its own pods. The selector of a Job, and the labels that it \
         selects, are generated.",
        "Write the same labels in `selector.matchLabels` and in `template.metadata.labels`. For a Job, remove the \
         selector and the generated labels, which `kubectl get -o yaml` prints.";
    /// No pod of the file has the labels that a Service selects.
    ServiceSelector = "service-selector", Warning, false,
        "The Service has no endpoints, so every request to it fails.",
        "Select the labels of the pods.";
    /// No pod of the file has the labels that a `NetworkPolicy` selects.
    PolicySelector = "policy-selector", Warning, false,
        "The policy applies to nothing: traffic that it should refuse or allow is not affected.",
        "Select the labels of the pods.";
    /// The pods lack the label `toolforge: tool`.
    ToolLabel = "tool-label", Warning, true,
        "Until February 2025, the tool's home was mounted because of this label; some of the platform's programs still \
         look for it. If a cluster still selects on it, pods without the label have no `/data/project`.",
        "Add `toolforge: tool` to the labels of the pod template.";
    /// `restartPolicy` is not allowed for this kind.
    RestartPolicy = "restart-policy", Error, false,
        "A Job runs to completion, so it allows only `Never` and `OnFailure`; the pods of a Deployment always restart.",
        "Write `Never` or `OnFailure` for a Job or a CronJob; for other workloads, leave it out.";
    /// A failing Job is retried very often, or never stops.
    UnlimitedRetries = "unlimited-retries", Warning, false,
        "Each attempt uses the tool's quota and the platform's nodes.",
        "Write a small `backoffLimit`, or `activeDeadlineSeconds`.";
    /// A finished Job is never deleted.
    NoTimeToLive = "no-time-to-live", Note, false,
        "It counts against the quota `count/jobs.batch`, and its name cannot be used again, until somebody deletes it.",
        "Set `ttlSecondsAfterFinished`.";

    /// The schedule is not a cron expression.
    InvalidSchedule = "invalid-schedule", Error, true,
        "The API server refuses the CronJob.",
        "Write five fields: minute, hour, day of month, month, day of week.";
    /// The schedule never runs.
    ScheduleNeverRuns = "schedule-never-runs", Warning, false,
        "The day does not exist. The API server still accepts the schedule.",
        "Write a day that exists.";
    /// The schedule leaves out some months, or does not mean what it looks like.
    ScheduleGaps = "schedule-gaps", Warning, false,
        "A day that a month does not have is skipped, and a step beyond the range of its field has no effect.",
        "Write the expression of the message.";
    /// The job starts every minute.
    EveryMinute = "every-minute", Warning, false,
        "Each run starts a pod, which takes seconds and uses the quota while it runs.",
        "Run it less often, or as a continuous job that sleeps between iterations.";
    /// Many jobs of the file start in the same minute.
    SameMinute = "same-minute", Warning, false,
        "Together, their pods may exceed the quota, so some of them wait or are refused; four jobs or more are reported.",
        "Write other minutes in the first field, such as `17` for `0` or `7-59/30` for `*/30`. In a jobs file, `@daily` and `@hourly` spread the jobs by themselves.";
    /// Nothing keeps runs from overlapping.
    NoConcurrencyPolicy = "no-concurrency-policy", Warning, false,
        "The default `Allow` starts a run while the one before still works; slow runs pile up until the quota is full.",
        "Write `concurrencyPolicy: Forbid`.";
    /// The time zone does not exist, or is part of the schedule.
    TimeZone = "time-zone", Error, true,
        "`timeZone` is a name of the tz database like `Europe/Paris`; a time zone within `schedule` is refused since \
         Kubernetes 1.25.",
        "Write the name in `spec.timeZone`, or the schedule in UTC.";
    /// The number of finished runs that are kept is not set.
    NoHistoryLimits = "no-history-limits", Note, false,
        "By default three successful runs and one failed run are kept; their pods and logs stay until then.",
        "Write `successfulJobsHistoryLimit` and `failedJobsHistoryLimit`.";
    /// A run that could not start in time is started late.
    NoStartingDeadline = "no-starting-deadline", Note, false,
        "After 100 missed starts in a row, the controller stops starting the job.",
        "Write `startingDeadlineSeconds`, of 30 or more.";

    /// The registry of an image is not allowed.
    ImageNotAllowed = "image-not-allowed", Error, false,
        "The platform runs only images of its own registries; its admission webhook refuses Deployments and pods. A CronJob or \
         Job is created, and its pods are refused.",
        "Use an image of the platform, or build one with the build service.";
    /// The image is not in the catalog.
    UnknownImage = "unknown-image", Warning, false,
        "If the registry does not have it either, the pods wait in ImagePullBackOff.",
        "Use an image of the catalog.";
    /// The platform no longer has the image.
    ImageGone = "image-gone", Warning, false,
        "Its pods wait in ImagePullBackOff on each node that does not have it any more.",
        "Use the replacement that the message names.";
    /// The platform will remove the image.
    DeprecatedImage = "deprecated-image", Warning, false,
        "It gets no security updates.",
        "Use the replacement that the message names.";
    /// The image has a name or registry of earlier years.
    OldImageName = "old-image-name", Warning, true,
        "The platform renamed its images and its registry; old names may be removed.",
        "Write today's name of the same image.";
    /// `latest` with `imagePullPolicy: IfNotPresent`.
    LatestNotPulled = "latest-not-pulled", Warning, false,
        "A node that has an old image does not look for a new one, so pods run different versions.",
        "Write `imagePullPolicy: Always`, or leave it out.";

    /// A volume is a path of the node.
    HostPath = "host-path", Error, false,
        "The platform mounts the home and the dumps by itself; its admission webhook refuses every other `hostPath`.",
        "Remove the volume. `/data/project`, `/data/scratch` and `/public/dumps` are mounted anyway.";
    /// A container asks for privileges.
    Privileged = "privileged", Error, false,
        "The platform's policy for pods refuses it.",
        "Remove the field.";
    /// The pod shares a namespace of the node.
    HostNamespace = "host-namespace", Error, false,
        "The platform's policy for pods refuses it.",
        "Remove the field.";
    /// A container uses a port of the node.
    HostPort = "host-port", Warning, false,
        "The pod runs only on a node on which the port is free, and nobody outside of the cluster reaches it. The policy for pods \
         of 2019 to 2024 refused it.",
        "Remove `hostPort`, and use a Service.";
    /// The pod runs as another user than the tool.
    RunAsUser = "run-as-user", Error, false,
        "The platform's policy for pods allows the id of the tool's user only, and sets it by itself.",
        "Remove the field.";
    /// A volume is mounted that the pod does not have.
    VolumeMount = "volume-mount", Error, false,
        "The API server refuses it with `Not found`.",
        "Add the volume, or correct its name.";
    /// The command is in another tool's home, or in a home of a person.
    CommandOutsideHome = "command-outside-home", Warning, false,
        "Pods run as the tool and see only what it may read; `/home` is not mounted at all.",
        "Copy the program to the tool's own home.";
    /// The command is written for a shell, and none reads it.
    ShellSyntax = "shell-syntax", Warning, false,
        "Kubernetes starts the program that the first item names, and gives it the other items as they are. A program whose name \
         is a whole line, `~/run.sh` or `cd` does not exist, so the container never starts; `>` or `&&` as an item is an \
         argument.",
        "Write an item for each word, or `[\"sh\", \"-c\", \"…\"]` for a line of a shell.";
    /// The program of a command is not in the tool's home.
    MissingCommand = "missing-command", Warning, false,
        "The container ends with exit code 127 or 126, or is never started. This is checked only where the tool's home can be \
         looked at, and for a program or script that the command begins with, or that a program such as `nice`, `timeout` or `flock` \
         runs.",
        "Correct the path, or put the program there before the object is created.";
    /// The program of a command is not executable.
    CommandNotExecutable = "command-not-executable", Warning, false,
        "The container is never started, or terminates with exit code 126: permission denied.",
        "Run the command of the message, or begin the command with an interpreter such as `bash`.";
    /// The first line of a script ends with a carriage return.
    ScriptLineEndings = "script-line-endings", Warning, false,
        "The carriage return becomes a part of the interpreter's name, which does not exist, or of the commands of a shell.",
        "Save the script with Unix line endings.";
    /// The image does not contain the program of a command, or the interpreter of its script; or that one is not in the tool's home.
    MissingInterpreter = "missing-interpreter", Warning, false,
        "An image contains the programs of one language, so the container terminates with exit code 127. An \
         interpreter in the tool's home, such as that of a virtual environment, has to be there.",
        "Use an image of the language, name the version of the interpreter that the image has, or create the virtual environment.";
    /// The directory of a log file does not exist.
    MissingLogDirectory = "missing-log-directory", Warning, false,
        "The shell of the job cannot write its log, and does not run the command.",
        "Create the directory.";
    /// The files that the type of a web service serves are missing.
    MissingSite = "missing-site", Warning, false,
        "The container of the web service terminates immediately, because it has nothing to serve.",
        "Create the files that the message names, or write another type.";
    /// A value looks like a secret.
    PlainSecret = "plain-secret", Warning, false,
        "Everyone who can read the file or the object can read it; homes on Toolforge are often readable by all.",
        "Keep it with `toolforge envvars create`, or in a file of mode 600.";

    /// An amount is not a Kubernetes quantity.
    InvalidQuantity = "invalid-quantity", Error, false,
        "The API server refuses it: \"quantities must match the regular expression …\".",
        "Write an amount like `500m`, `0.5`, `512Mi` or `1Gi`.";
    /// A container exceeds the limits for one container.
    OutsideLimits = "outside-limits", Error, false,
        "The admission plugin LimitRanger refuses the pod; a Deployment, CronJob or Job is created, and never gets one. \
         Without a cluster, the limits of 2023 are assumed and the finding is only a warning.",
        "Write an amount between the limits that the message names; more needs a larger quota: https://w.wiki/6YLP.";
    /// The objects exceed the quota.
    QuotaExceeded = "quota-exceeded", Error, false,
        "The API server refuses the object, or its controller cannot create the pods. The objects of the file are \
         counted together with the existing objects. Without a cluster, the limits of 2023 are assumed and the finding \
         is only a warning.",
        "Request less, delete what is not needed, or ask for more quota: https://w.wiki/6YLP.";
    /// Limits are set, and no requests.
    OnlyLimits = "only-limits", Warning, false,
        "The request is then as large as the limit, so the pod uses twice as much of the quota as one of `webservice` \
         or `jobs`, which request half.",
        "Set requests of half the limits.";
    /// A container sets neither limits nor requests.
    NoResources = "no-resources", Note, false,
        "It gets the defaults of the namespace, usually 500m of CPU and 512Mi of memory.",
        "Set `resources` if it needs more or less.";

    /// The web service does not listen on port 8000.
    WebPort = "web-port", Warning, false,
        "The platform's proxy sends requests to port 8000 of web services.",
        "Listen on port 8000, or on the port in `$PORT`.";
    /// A probe cannot pass.
    Probe = "probe", Warning, false,
        "The container is restarted again and again, or never gets requests.",
        "Probe a port on which the container listens.";
    /// A probe is malformed.
    InvalidProbe = "invalid-probe", Error, false,
        "A probe has exactly one of `httpGet`, `tcpSocket`, `exec` and `grpc`.",
        "Write one of them.";
    /// The service account does not exist.
    ServiceAccount = "service-account", Error, false,
        "Each namespace has the service account `default` only, and tools may not create others; the API server refuses the pods.",
        "Remove `serviceAccountName`.";
    /// The Service needs a port on every node.
    NodePort = "node-port", Error, false,
        "The quota of tools for `services.nodeports` is 0.",
        "Write `type: ClusterIP`, or leave `type` out.";
    /// A route leads to a Service that does not exist.
    MissingBackend = "missing-backend", Warning, false,
        "Every request to the route fails. The Services of the namespace are known only if the cluster is reachable.",
        "Correct the name, or add the Service to the file.";
    /// A Service or a route names a port that does not exist.
    UnknownPort = "unknown-port", Warning, false,
        "The API server accepts it, and every request fails: no pod has a port with the name, or the Service has no such port.",
        "Write the name or number of a port that exists, or give the port of the container this name.";
    /// The host of an Ingress or HTTPRoute is not the tool's.
    RouteHost = "route-host", Error, false,
        "The admission webhook refuses other hosts than the tool's own.",
        "Write the host of the tool.";
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.id())
    }
}

/// An id that no rule has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown rule; the rules are in docs/reference/lint.md")]
pub struct UnknownRuleError;

impl FromStr for Rule {
    type Err = UnknownRuleError;

    fn from_str(id: &str) -> Result<Self, Self::Err> {
        Self::ALL.iter().copied().find(|rule| rule.id() == id).ok_or(UnknownRuleError)
    }
}

/// Returns the reference page of all rules, in Markdown.
#[must_use]
pub fn reference() -> String {
    let mut text = INTRODUCTION.to_owned();
    text.push_str("\n| rule | level | `--fix` | finds |\n| --- | --- | --- | --- |\n");
    for rule in Rule::ALL {
        let fix = if rule.has_fix() { "yes" } else { "" };
        text.push_str(&format!("| [{rule}](#{rule}) | {} | {fix} | {} |\n", rule.level(), rule.summary()));
    }
    for rule in Rule::ALL {
        let (level, summary) = (rule.level(), rule.summary());
        text.push_str(&format!(
            "\n## {rule}\n\n{level}: {summary}\n\n{}\n\nFix: {}\n",
            rule.explanation(),
            rule.remedy()
        ));
    }
    text
}

const INTRODUCTION: &str = "\
# Rules of `lint`

`jobs lint FILE…` and `webservice lint FILE…` are the same command. They check Kubernetes manifests in YAML or JSON, jobs
files and `service.template`; `-` reads standard input.

An **error** is refused by the API server, by an admission plugin or by a controller, or cannot be read. A **warning** is
accepted, but causes problems later, or has no effect. A **note** is worth knowing. The exit code is 1 if there are errors, and
with `--strict` also if there are warnings.

A comment `# lint: ignore=ID` at the end of a line, or alone on the line above it, ignores the rule in that line; before the
first line of a document, it ignores the rule in the whole document. Several ids are separated by commas.

`--fix` rewrites what can be fixed without a change of the meaning, and keeps the original as `FILE.orig`.
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_kebab_case_and_unique() {
        let mut ids: Vec<&str> = Rule::ALL.iter().map(|rule| rule.id()).collect();
        for id in &ids {
            assert!(id.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{id}");
            assert_eq!(id.parse::<Rule>().unwrap().id(), *id);
        }
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), Rule::ALL.len());
        assert_eq!("nonsense".parse::<Rule>(), Err(UnknownRuleError));
    }

    #[test]
    fn texts_of_rules_are_sentences() {
        for rule in Rule::ALL {
            for text in [rule.summary(), rule.explanation(), rule.remedy()] {
                assert!(text.ends_with('.'), "{rule}: {text}");
            }
        }
    }
}
