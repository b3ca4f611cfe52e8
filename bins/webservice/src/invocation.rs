//! The positional arguments: `[TYPE] ACTION [ARGUMENTS…]`.

use toolforge_cli::{ExitCode, Failure};
use toolforge_model::{TypeName, Untrusted, suggest};

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
    Types,
    Local,
    Doctor,
    Generate,
}

impl Action {
    pub(crate) const ALL: [Self; 13] = [
        Self::Start,
        Self::Stop,
        Self::Restart,
        Self::Status,
        Self::Shell,
        Self::Logs,
        Self::Exec,
        Self::Plan,
        Self::Render,
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
            Self::Types => "types",
            Self::Local => "local",
            Self::Doctor => "doctor",
            Self::Generate => "generate",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.as_str() == word)
    }

    /// Returns whether the action prints one document, as a table, JSON or YAML.
    pub(crate) fn prints_document(self) -> bool {
        match self {
            Self::Status | Self::Plan | Self::Render | Self::Types | Self::Local | Self::Doctor => true,
            Self::Start
            | Self::Stop
            | Self::Restart
            | Self::Shell
            | Self::Logs
            | Self::Exec
            | Self::Generate => false,
        }
    }

    /// Returns how the arguments after the action are used.
    fn argument_use(self) -> ArgumentUse {
        match self {
            Self::Start | Self::Restart | Self::Plan | Self::Render | Self::Local => ArgumentUse::Type,
            Self::Shell | Self::Exec | Self::Generate => ArgumentUse::Action,
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

/// Parses the positional arguments; `trailing` are those after `--`.
pub(crate) fn read(positionals: &[String], trailing: &[String]) -> Result<Invocation, Failure> {
    let usage = |message: String| Failure::new(ExitCode::Usage, message);
    let (type_word, action, rest) = match positionals {
        [] => {
            return Err(usage("no action given".to_owned())
                .hint(format!("The actions are {}; for example `webservice status`.", list())));
        }
        [first, second, rest @ ..] if Action::from_word(second).is_some() => {
            (Some(first), Action::from_word(second), rest)
        }
        [first, rest @ ..] if Action::from_word(first).is_some() => (None, Action::from_word(first), rest),
        [first] => (Some(first), None, &[][..]),
        [first, second, ..] => return Err(unknown_action(first, second)),
    };
    let Some(action) = action else {
        let word = type_word.map(String::as_str).unwrap_or_default();
        return Err(missing_action(word));
    };
    let type_name = type_word
        .map(|word| word.parse::<TypeName>().map_err(|error| Failure::from_error(ExitCode::Failed, &error)))
        .transpose()?;
    let argument_use = action.argument_use();
    if type_name.is_none()
        && argument_use == ArgumentUse::Type
        && let [first, ..] = rest
    {
        let name = action.as_str();
        // `start php8.2`.
        if first.parse::<TypeName>().is_ok() {
            return Err(usage("the type must come before the action".to_owned())
                .hint(format!("Type `webservice {first} {name}`.")));
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
        let argument = Untrusted::new(argument.as_str());
        return Err(usage(format!(
            "unexpected argument {}: `{}` takes none",
            argument.quoted(),
            action.as_str()
        )));
    }
    Ok(Invocation { type_name, action, arguments })
}

fn list() -> String {
    Action::ALL.map(Action::as_str).join(", ")
}

fn unknown_action(first: &str, second: &str) -> Failure {
    // The word that is nearly an action is the misspelled one.
    let word = if nearest(second).is_none() && nearest(first).is_some() { first } else { second };
    let suggestion = nearest(word).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    let word = Untrusted::new(word);
    Failure::new(ExitCode::Usage, format!("unknown action {}{suggestion}", word.quoted()))
        .hint(format!("The actions are {}.", list()))
}

fn missing_action(word: &str) -> Failure {
    let found = Untrusted::new(word);
    match nearest(word) {
        Some(near) => Failure::new(
            ExitCode::Usage,
            format!("unknown action {}; did you mean `{near}`?", found.quoted()),
        )
        .hint(format!("Type `webservice {near}`.")),
        None => Failure::new(ExitCode::Usage, format!("no action given after {}", found.quoted()))
            .hint(format!("The actions are {}; for example `webservice {} start`.", list(), found.escaped())),
    }
}

/// Returns the action that a mistyped word most likely means.
fn nearest(word: &str) -> Option<&'static str> {
    suggest(word, Action::ALL.map(Action::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Invocation, String> {
        let (before, trailing) = line.split_once(" -- ").unwrap_or((line, ""));
        let split = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        read(&split(before), &split(trailing))
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
        assert_eq!(invocation("generate man"), (None, "generate", "man".to_owned()));
        assert_eq!(invocation("start start"), (named("start"), "start", String::new()));
    }

    #[test]
    fn invalid_lines_have_a_one_line_error() {
        let error = |line: &str| parsed(line).unwrap_err();
        assert_eq!(error(""), "error: no action given");
        assert_eq!(error("strat"), "error: unknown action \"strat\"; did you mean `start`?");
        assert_eq!(error("php8.2 strat"), "error: unknown action \"strat\"; did you mean `start`?");
        assert_eq!(error("php8.2"), "error: no action given after \"php8.2\"");
        assert_eq!(error("php8.2 fly"), "error: unknown action \"fly\"");
        assert_eq!(error("start php8.2"), "error: the type must come before the action");
        assert_eq!(error("start ./run.sh"), "error: arguments for `start` need a type before it");
        assert_eq!(error("php8.2 stop now"), "error: unexpected argument \"now\": `stop` takes none");
        assert_eq!(
            error("p\u{1b}p start"),
            "error: type name \"p\\u{1b}p\" has '\\u{1b}'; use letters, digits, '.', '-' and '_'"
        );
    }
}
