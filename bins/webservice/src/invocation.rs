//! The positional arguments: `[TYPE] ACTION [ARGUMENTS…]`.

use toolforge_cli::{ExitCode, Failure, LintFormat};
use toolforge_images::{Catalog, State, TypeLookupError};
use toolforge_model::platform::BUILD_SERVICE_TYPE;
use toolforge_model::{TypeName, TypeNameError, Untrusted, suggest};

/// An action of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Start,
    Stop,
    Restart,
    Status,
    Shell,
    Logs,
    Exec,
    Plan,
    Render,
    Lint,
    Types,
    Local,
    Doctor,
    Generate,
}

impl Action {
    pub(crate) const ALL: [Self; 14] = [
        Self::Start,
        Self::Stop,
        Self::Restart,
        Self::Status,
        Self::Shell,
        Self::Logs,
        Self::Exec,
        Self::Plan,
        Self::Render,
        Self::Lint,
        Self::Types,
        Self::Local,
        Self::Doctor,
        Self::Generate,
    ];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Restart => "restart",
            Self::Status => "status",
            Self::Shell => "shell",
            Self::Logs => "logs",
            Self::Exec => "exec",
            Self::Plan => "plan",
            Self::Render => "render",
            Self::Lint => "lint",
            Self::Types => "types",
            Self::Local => "local",
            Self::Doctor => "doctor",
            Self::Generate => "generate",
        }
    }

    /// Returns the action of this name.
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.as_str() == word)
    }

    /// Returns what the action does, as a phrase.
    pub(crate) fn about(self) -> &'static str {
        match self {
            Self::Start => "start the web service, or change the running one",
            Self::Stop => "stop the web service",
            Self::Restart => "replace all pods, without downtime if the type and the quota allow it",
            Self::Status => "show the state of the web service and, if it is not running, why",
            Self::Shell => "open a shell in a new pod, or run a command there",
            Self::Exec => "open a shell in a running pod, or run a command there",
            Self::Logs => "print the logs of the pods",
            Self::Plan => "show what start would change, and whether it fits the quota",
            Self::Render => "print the Kubernetes objects",
            Self::Lint => "check Kubernetes manifests and templates, and fix what can be fixed",
            Self::Types => "list image types; TYPE types shows one in detail",
            Self::Local => "print the command that runs the web service on your own machine",
            Self::Doctor => "check the setup: kubeconfig, cluster, permissions, home directory",
            Self::Generate => {
                "print a completion script (bash, zsh, fish) or a man page (man), or write all man pages"
            }
        }
    }

    /// Returns command lines as examples, without the program's name.
    pub(crate) fn examples(self) -> &'static [&'static str] {
        match self {
            Self::Start => &["php8.2 start", "node18 start -m 1Gi -r 2", "jdk17 start -- java -jar app.jar"],
            Self::Stop => &["stop"],
            Self::Restart => &["restart", "restart -m 1Gi", "php8.4 restart"],
            Self::Status => &["status", "status --exit-code", "status --output json"],
            Self::Shell => {
                &["shell", "python3.11 shell python3 -m venv www/python/venv", "node18 shell npm install"]
            }
            Self::Exec => &["exec", "exec ls -l", "exec -- sh -c 'ls && pwd'"],
            Self::Logs => &["logs", "logs --follow --last 20", "logs --since 10m --grep error"],
            Self::Plan => &["plan", "php8.4 plan -r 2"],
            Self::Render => &["render", "php8.2 render --output json"],
            Self::Lint => {
                &["lint service.template", "lint --fix deployment.yaml", "lint --output sarif web.yaml"]
            }
            Self::Types => &["types", "python3.11 types"],
            Self::Local => &["php8.2 local", "php8.2 local --run"],
            Self::Doctor => &["doctor"],
            Self::Generate => {
                &["generate bash", "generate man start", "generate man-pages ~/.local/share/man/man1"]
            }
        }
    }

    /// Returns how the action is called.
    pub(crate) fn usage(self, name: &str) -> String {
        let action = self.as_str();
        match self {
            Self::Generate => format!("{name} {action} bash|zsh|fish|man [ACTION]|man-pages DIRECTORY"),
            Self::Shell => format!("{name} [TYPE] {action} [OPTIONS] [COMMAND [ARGUMENTS...]]"),
            Self::Exec => format!("{name} {action} [OPTIONS] [COMMAND [ARGUMENTS...]]"),
            Self::Lint => format!("{name} {action} [OPTIONS] FILE..."),
            Self::Types => format!("{name} [TYPE] {action} [OPTIONS]"),
            Self::Start | Self::Restart | Self::Plan | Self::Render | Self::Local => {
                format!("{name} [TYPE] {action} [OPTIONS] [-- ARGUMENTS...]")
            }
            Self::Stop | Self::Status | Self::Logs | Self::Doctor => format!("{name} {action} [OPTIONS]"),
        }
    }

    /// Returns the names of the options that the action uses.
    pub(crate) fn options(self) -> Vec<&'static str> {
        let own: &[&str] = match self {
            Self::Start | Self::Restart => &["routing", "dry_run"],
            Self::Stop | Self::Shell => &["dry_run"],
            Self::Plan => &["routing", "quota"],
            Self::Render => &["routing"],
            Self::Status => &["exit_code"],
            Self::Logs => &["follow", "last", "since", "until", "grep"],
            Self::Local => &["uid", "engine", "home", "run"],
            Self::Lint => &["strict", "offline", "fix"],
            Self::Exec | Self::Types | Self::Doctor | Self::Generate => &[],
        };
        let described: &[&str] = match self {
            Self::Start | Self::Restart | Self::Plan | Self::Render => {
                &["mem", "cpu", "replicas", "buildservice_image", "template", "mount", "health_check_path"]
            }
            Self::Shell => &["mem", "cpu", "buildservice_image", "template", "mount"],
            Self::Local => &["buildservice_image", "template", "mount"],
            Self::Stop
            | Self::Status
            | Self::Logs
            | Self::Exec
            | Self::Lint
            | Self::Types
            | Self::Doctor
            | Self::Generate => &[],
        };
        let output: &[&str] = if self.prints_document() { &["output"] } else { &[] };
        let global: &[&str] = match self {
            Self::Generate => &[],
            Self::Doctor | Self::Exec | Self::Logs => &["tool", "kubeconfig", "impersonate"],
            _ => &["tool", "kubeconfig", "impersonate", "from"],
        };
        [described, own, output, global].concat()
    }

    /// Returns the output formats of the action; the first is the default.
    pub(crate) fn formats(self) -> &'static [LintFormat] {
        use LintFormat::{Json, Sarif, Table, Yaml};
        match self {
            Self::Lint => &[Table, Json, Yaml, Sarif],
            _ if self.prints_document() => &[Table, Json, Yaml],
            _ => &[Table],
        }
    }

    /// Returns whether the action prints one document, as a table, JSON or YAML.
    pub(crate) fn prints_document(self) -> bool {
        match self {
            Self::Start
            | Self::Stop
            | Self::Restart
            | Self::Status
            | Self::Plan
            | Self::Render
            | Self::Lint
            | Self::Types
            | Self::Local
            | Self::Doctor => true,
            Self::Shell | Self::Logs | Self::Exec | Self::Generate => false,
        }
    }

    /// Returns whether a type before the action matters.
    pub(crate) fn uses_type(self) -> bool {
        self.argument_use() == ArgumentUse::Type || matches!(self, Self::Shell | Self::Types)
    }

    /// Returns whether the action only reads, and ends without waiting for anything but answers.
    pub(crate) fn is_reading(self) -> bool {
        match self {
            Self::Status
            | Self::Plan
            | Self::Render
            | Self::Lint
            | Self::Types
            | Self::Local
            | Self::Doctor => true,
            Self::Start
            | Self::Stop
            | Self::Restart
            | Self::Shell
            | Self::Exec
            | Self::Logs
            | Self::Generate => false,
        }
    }

    /// Returns how the arguments after the action are used.
    fn argument_use(self) -> ArgumentUse {
        match self {
            Self::Start | Self::Restart | Self::Plan | Self::Render | Self::Local => ArgumentUse::Type,
            Self::Shell | Self::Exec | Self::Lint | Self::Generate => ArgumentUse::Action,
            Self::Stop | Self::Status | Self::Logs | Self::Types | Self::Doctor => ArgumentUse::None,
        }
    }
}

/// How the arguments after an action are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ArgumentUse {
    /// By the type's command, so the type has to be named.
    Type,
    /// By the action itself: a command to run, or what to generate.
    Action,
    /// Not at all.
    None,
}

/// The parsed positional arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Invocation {
    pub(crate) type_name: Option<TypeName>,
    pub(crate) action: Action,
    pub(crate) arguments: Vec<String>,
}

impl Invocation {
    /// Returns the arguments for the type's command; `shell` and `exec` have a command of their own.
    pub(crate) fn type_arguments(&self) -> Vec<String> {
        match self.action.argument_use() {
            ArgumentUse::Type => self.arguments.clone(),
            ArgumentUse::Action | ArgumentUse::None => Vec::new(),
        }
    }
}

/// Words of other tools for actions, with the first action as the most likely one.
const SYNONYMS: &[(&[&str], &str)] = &[
    (&["kill", "rm", "remove", "delete", "down", "halt", "end", "destroy", "quit"], "stop"),
    (&["run", "up", "launch", "create", "new", "deploy", "begin"], "start"),
    (&["reload", "redeploy", "refresh", "reboot", "update", "apply", "scale"], "restart"),
    (&["info", "state", "show", "describe", "get", "ps", "check", "health"], "status"),
    (&["tail", "log", "follow"], "logs"),
    (&["list", "ls", "images", "containers"], "types"),
    (&["diff", "preview"], "plan"),
    (&["validate", "verify"], "lint"),
    (&["ssh", "bash", "console", "terminal", "attach"], "shell"),
    (&["completion", "completions", "complete", "man"], "generate"),
];

/// Parses the positional arguments; `trailing` are those after `--`. `line` returns the command line with the second word of each
/// pair in place of the first, and `surplus_hint` what to do about a surplus argument that belongs to the value of an option.
pub(crate) fn read(
    positionals: &[String],
    trailing: &[String],
    line: impl Fn(&[(&str, &str)]) -> String,
    surplus_hint: impl Fn(&str) -> Option<String>,
) -> Result<Invocation, Failure> {
    let no_argument = |action: &str, argument: &str| {
        let shown = Untrusted::new(argument);
        let message = format!("`{action} takes no argument");
        match surplus_hint(argument) {
            Some(hint) => {
                Failure::new(ExitCode::Usage, format!("{message}; found {}", shown.quoted())).hint(hint)
            }
            None => Failure::new(ExitCode::Usage, format!("{message}: leave {} out", shown.quoted())),
        }
    };
    let usage = |message: String| Failure::new(ExitCode::Usage, message);
    let (type_word, action, rest) = match positionals {
        [] => {
            return Err(usage("no action given".to_owned())
                .hint(format!("The actions are {}; for example `webservice status`.", list())));
        }
        [first, rest @ ..] if let Some(action) = Action::from_word(first) => (None, action, rest),
        [first, second, rest @ ..] if let Some(action) = Action::from_word(second) => {
            (Some(first), action, rest)
        }
        words => return Err(no_action(words, &line)),
    };
    let type_name = type_word
        .map(|word| word.parse::<TypeName>().map_err(|error| invalid_type(word, &line, &error)))
        .transpose()?;
    let argument_use = action.argument_use();
    let name = action.as_str();
    if type_name.is_none()
        && argument_use == ArgumentUse::Type
        && let [first, ..] = rest
    {
        // `start php8.2`.
        if let Ok(name_of_type) = first.parse::<TypeName>() {
            if !may_be_type(&name_of_type) {
                return Err(no_argument(&format!("{name}` without a type"), first));
            }
            let word = positionals.first().map_or(name, String::as_str);
            let line = line(&[(word, &format!("{first} {name}")), (first, "")]);
            return Err(usage("the type comes before the action".to_owned()).hint(format!("Run `{line}`.")));
        }
        return Err(usage(format!("arguments for `{name}` need a type before it"))
            .hint(format!("Name the type: `webservice TYPE {name} ARGUMENTS`.")));
    }
    // The platform's `toolforge` removes one `--`, so people write two.
    let trailing = match trailing {
        [first, rest @ ..] if first == "--" => rest,
        all => all,
    };
    let arguments: Vec<String> = rest.iter().chain(trailing).cloned().collect();
    if let Some(argument) = arguments.first().filter(|_| argument_use == ArgumentUse::None) {
        return Err(no_argument(&format!("{name}`"), argument));
    }
    Ok(Invocation { type_name, action, arguments })
}

fn list() -> String {
    Action::ALL.map(Action::as_str).join(", ")
}

/// Returns the failure of words without an action.
fn no_action(words: &[String], line: impl Fn(&[(&str, &str)]) -> String) -> Failure {
    let (first, second) = (words.first().map_or("", String::as_str), words.get(1).map(String::as_str));
    let usage = |message: String| Failure::new(ExitCode::Usage, message);
    let is_type = is_known_type(first);
    if is_type && second.is_none() {
        let example = if Catalog::bundled().find(&first.parse().expect("a known type is a name")).is_ok() {
            first.to_owned()
        } else {
            near_type(first).unwrap_or_else(|| first.to_owned())
        };
        return usage(format!("no action given after {first:?}"))
            .hint(format!("The actions are {}; for example `webservice {example} start`.", list()));
    }
    // If the first word may be a type, the second one is the misspelled action.
    let (word, before) = match second {
        Some(second) if is_type || meant(first).is_empty() => (second, Some(first)),
        _ => (first, None),
    };
    let found = Untrusted::new(word);
    let kind = if before.is_some() { "an action" } else { "an action or a type" };
    let message = format!("{} is not {kind}", found.quoted());
    if word == "version" {
        return usage(message).hint("Run `webservice --version`.");
    }
    let meant = meant(word);
    match meant.as_slice() {
        [] => match near_type(word).filter(|_| before.is_none()) {
            Some(near) => usage(format!("{message}; did you mean {near}?"))
                .hint(format!("Name an action after the type, for example `webservice {near} start`.")),
            None => usage(message).hint(format!("The actions are {}.", list())),
        },
        [action] => {
            let action = action.as_str();
            let follow = if word == "tail" || word == "follow" { " -f" } else { "" };
            let line = match before {
                Some(before) if before.parse::<TypeName>().is_err() => {
                    line(&[(before, ""), (word, &format!("{action}{follow}"))])
                }
                _ => line(&[(word, &format!("{action}{follow}"))]),
            };
            usage(format!("{message}; did you mean {action}?")).hint(format!("Run `{line}`."))
        }
        several => {
            let several: Vec<&str> = several.iter().map(|action| action.as_str()).collect();
            usage(format!("{message}; did you mean {}?", several.join(" or ")))
                .hint(format!("The actions are {}.", list()))
        }
    }
}

/// Returns the action that a word of another tool means.
pub(crate) fn synonym(word: &str) -> Option<Action> {
    let (_, action) = SYNONYMS.iter().find(|(words, _)| words.contains(&word))?;
    Action::from_word(action)
}

/// Returns the actions that a word of another tool, a misspelled or a shortened word most likely means.
fn meant(word: &str) -> Vec<Action> {
    let word = word.to_lowercase();
    let synonym = synonym(&word);
    let nearest = || suggest(&word, Action::ALL.map(Action::as_str)).and_then(Action::from_word);
    let one = synonym.or_else(nearest);
    if word.len() < 2 || is_known_type(&word) {
        return Vec::new();
    }
    let started: Vec<Action> =
        Action::ALL.into_iter().filter(|action| action.as_str().starts_with(&word)).collect();
    if synonym.is_none() && started.len() > 1 {
        return started;
    }
    one.into_iter().chain(started).take(1).collect()
}

/// Returns whether a word is a type of the platform as far as this program knows without the cluster.
fn is_known_type(word: &str) -> bool {
    word == BUILD_SERVICE_TYPE
        || word.parse::<TypeName>().is_ok_and(|name| {
            // Also a new version of a known language.
            Catalog::bundled().find(&name).is_ok() || word.chars().any(|c| c.is_ascii_digit())
        })
}

/// Returns whether a word is a type, was one, or is a misspelled one.
fn may_be_type(name: &TypeName) -> bool {
    match Catalog::bundled().web(name) {
        Err(TypeLookupError::Unknown { nearest: None, .. }) => {
            name.as_str() == BUILD_SERVICE_TYPE || near_type(name.as_str()).is_some()
        }
        _ => true,
    }
}

/// Returns the current type that a misspelled one most likely means.
fn near_type(word: &str) -> Option<String> {
    let catalog = Catalog::bundled();
    let current = catalog.types().filter(|found| found.state == State::Current && found.web.is_some());
    let mut names: Vec<String> =
        current.map(|found| found.name.to_string()).chain([BUILD_SERVICE_TYPE.to_owned()]).collect();
    // Among equally similar names, the last one is used, which should be the newest version.
    names.sort_by_key(|name| (name.len(), name.clone()));
    suggest(word, names.iter().map(String::as_str)).map(str::to_owned)
}

fn invalid_type(word: &str, line: impl Fn(&[(&str, &str)]) -> String, error: &TypeNameError) -> Failure {
    let failure = Failure::from_error(ExitCode::Failed, error);
    match near_type(word) {
        Some(near) => failure.hint(format!("Did you mean `{}`?", line(&[(word, &near)]))),
        None => failure.hint("`webservice types` lists the types."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Invocation, String> {
        let (before, trailing) = line.split_once(" -- ").unwrap_or((line, ""));
        let split = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        read(&split(before), &split(trailing), |_| String::new(), |_| None)
            .map_err(|failure| failure.to_string().lines().next().unwrap().to_owned())
    }

    #[test]
    fn type_comes_before_action_and_arguments_after() {
        let invocation = |line: &str| {
            let Invocation { type_name, action, arguments } = parsed(line).unwrap();
            (type_name.map(|name| name.to_string()), action.as_str(), arguments.join(" "))
        };
        let named = |name: &str| Some(name.to_owned());
        assert_eq!(invocation("status"), (None, "status", String::new()));
        assert_eq!(invocation("php8.2 start"), (named("php8.2"), "start", String::new()));
        assert_eq!(
            invocation("jdk17 start java app.jar"),
            (named("jdk17"), "start", "java app.jar".to_owned())
        );
        assert_eq!(
            invocation("jdk17 start -- java -jar x"),
            (named("jdk17"), "start", "java -jar x".to_owned())
        );
        assert_eq!(
            invocation("jdk17 start -- -- java -jar x"),
            (named("jdk17"), "start", "java -jar x".to_owned())
        );
        assert_eq!(invocation("shell -- bash -c id"), (None, "shell", "bash -c id".to_owned()));
        assert_eq!(invocation("exec ls"), (None, "exec", "ls".to_owned()));
        assert_eq!(invocation("shell -- restart"), (None, "shell", "restart".to_owned()));
        assert_eq!(invocation("generate man"), (None, "generate", "man".to_owned()));
    }

    #[test]
    fn invalid_lines_have_a_one_line_error() {
        let error = |line: &str| parsed(line).unwrap_err().trim_start_matches("error: ").to_owned();
        assert_eq!(error(""), "no action given");
        assert_eq!(error("php8.2"), "no action given after \"php8.2\"");
        assert_eq!(error("start php8.2"), "the type comes before the action");
        assert_eq!(error("start start"), "`start` without a type takes no argument: leave \"start\" out");
        assert_eq!(error("restart now"), "`restart` without a type takes no argument: leave \"now\" out");
        assert_eq!(error("restart pyton3.11"), "the type comes before the action");
        assert_eq!(error("start ./run.sh"), "arguments for `start` need a type before it");
        assert_eq!(error("php8.2 stop now"), "`stop` takes no argument: leave \"now\" out");
        assert_eq!(
            error("p\u{1b}p start"),
            "type name \"p\\u{1b}p\" has '\\u{1b}'; use letters, digits, '.', '-' and '_'"
        );
    }

    #[test]
    fn unknown_action_has_a_suggestion() {
        for (line, expected) in [
            ("kill", "stop"),
            ("kill php8.2", "stop"),
            ("rm", "stop"),
            ("tail", "logs"),
            ("reload", "restart"),
            ("list", "types"),
            ("strat", "start"),
            ("STATUS", "status"),
            ("Restart", "restart"),
            ("sta", "start or status"),
            ("pyhton", "python3.9"),
            ("describe", "status"),
        ] {
            let word = line.split(' ').next().unwrap();
            let expected = format!("error: \"{word}\" is not an action or a type; did you mean {expected}?");
            assert_eq!(parsed(line).unwrap_err(), expected);
        }
        assert_eq!(
            parsed("php8.2 strat").unwrap_err(),
            "error: \"strat\" is not an action; did you mean start?"
        );
        assert_eq!(parsed("php8.2 fly").unwrap_err(), "error: \"fly\" is not an action");
        assert_eq!(parsed("version").unwrap_err(), "error: \"version\" is not an action or a type");
    }

    #[test]
    fn synonyms_are_not_actions_themselves() {
        for (words, action) in SYNONYMS {
            assert!(Action::from_word(action).is_some(), "{action}");
            for word in *words {
                assert!(Action::from_word(word).is_none() && !is_known_type(word), "{word}");
            }
        }
    }
}
