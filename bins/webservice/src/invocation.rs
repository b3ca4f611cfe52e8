//! The words of the command line that are no options: `[TYPE] ACTION [ARGUMENTS…]`.

use toolforge_cli::{ExitCode, Failure};
use toolforge_model::{TypeName, Untrusted};

/// What shall be done.
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

    fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.as_str() == word)
    }

    /// Returns what words behind it mean.
    fn arguments(self) -> ArgumentUse {
        match self {
            Self::Start | Self::Restart | Self::Plan | Self::Render | Self::Local => ArgumentUse::OfType,
            Self::Shell | Self::Exec | Self::Generate => ArgumentUse::Own,
            Self::Stop | Self::Status | Self::Logs | Self::Types | Self::Doctor => ArgumentUse::None,
        }
    }
}

/// What words behind an action mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ArgumentUse {
    /// They are arguments for the type's own command, so the type has to be named.
    OfType,
    /// They are the action's own: a command, or what to generate.
    Own,
    /// Nothing.
    None,
}

/// The words, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Invocation {
    pub(crate) type_name: Option<TypeName>,
    pub(crate) action: Action,
    pub(crate) arguments: Vec<String>,
}

impl Invocation {
    /// Returns the arguments for the type's own command; those of a shell are a command of their own.
    pub(crate) fn type_arguments(&self) -> Vec<String> {
        match self.action.arguments() {
            ArgumentUse::OfType => self.arguments.clone(),
            ArgumentUse::Own | ArgumentUse::None => Vec::new(),
        }
    }
}

/// Reads the words; `behind` stand behind `--`.
pub(crate) fn read(words: &[String], trailing: &[String]) -> Result<Invocation, Failure> {
    let usage = |message: String| Failure::new(ExitCode::Usage, message);
    let (type_word, action, rest) = match words {
        [] => {
            return Err(usage("what shall be done?".to_owned())
                .hint(format!("Type one of {}, like `webservice status`.", list())));
        }
        [first, second, rest @ ..] if Action::named(second).is_some() => {
            (Some(first), Action::named(second), rest)
        }
        [first, rest @ ..] if Action::named(first).is_some() => (None, Action::named(first), rest),
        [first] => (Some(first), None, &[][..]),
        [first, second, ..] => return Err(not_an_action(first, second)),
    };
    let Some(action) = action else {
        let word = type_word.map(String::as_str).unwrap_or_default();
        return Err(not_alone(word));
    };
    let type_name = type_word
        .map(|word| word.parse::<TypeName>().map_err(|error| Failure::from_error(ExitCode::Failed, &error)))
        .transpose()?;
    let meaning = action.arguments();
    if type_name.is_none()
        && meaning == ArgumentUse::OfType
        && let [first, ..] = rest
    {
        // `start php8.2`: the type stands before the action.
        let first = Untrusted::new(first.as_str());
        return Err(usage(format!("{} stands behind `{}`", first.quoted(), action.as_str())).hint(format!(
            "The type stands before: `webservice TYPE {0}`; arguments need a type, too: `webservice TYPE {0} ARGUMENT`.",
            action.as_str()
        )));
    }
    // The platform's `toolforge` takes one `--` away, so people write two.
    let trailing = match trailing {
        [first, rest @ ..] if first == "--" => rest,
        all => all,
    };
    let arguments: Vec<String> = rest.iter().chain(trailing).cloned().collect();
    if let Some(argument) = arguments.first().filter(|_| meaning == ArgumentUse::None) {
        let argument = Untrusted::new(argument.as_str());
        return Err(usage(format!(
            "`{}` takes no argument, and {} is one",
            action.as_str(),
            argument.quoted()
        )));
    }
    Ok(Invocation { type_name, action, arguments })
}

fn list() -> String {
    Action::ALL.map(Action::as_str).join(", ")
}

fn not_an_action(first: &str, second: &str) -> Failure {
    let failure = |word: &str| {
        let found = Untrusted::new(word);
        let near = nearest(word).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        Failure::new(ExitCode::Usage, format!("{} is not an action{near}", found.quoted()))
            .hint(format!("The actions are {}.", list()))
    };
    // Of two words that are no actions, the one that is nearly one was meant to be one.
    if nearest(second).is_none() && nearest(first).is_some() { failure(first) } else { failure(second) }
}

fn not_alone(word: &str) -> Failure {
    let found = Untrusted::new(word);
    match nearest(word) {
        Some(near) => Failure::new(
            ExitCode::Usage,
            format!("{} is not an action; did you mean `{near}`?", found.quoted()),
        )
        .hint(format!("Type `webservice {near}`.")),
        None => Failure::new(ExitCode::Usage, format!("what shall be done with {}?", found.quoted()))
            .hint(format!("Type one of {}, like `webservice {} start`.", list(), found.escaped())),
    }
}

/// Returns the action that differs from a word by one letter left out, added, changed, or two changed round.
fn nearest(word: &str) -> Option<&'static str> {
    Action::ALL.map(Action::as_str).into_iter().find(|action| strsim::osa_distance(word, action) == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Result<Invocation, String> {
        let (before, behind) = line.split_once(" -- ").unwrap_or((line, ""));
        let split = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        read(&split(before), &split(behind))
            .map_err(|failure| failure.to_string().lines().next().unwrap().to_owned())
    }

    #[test]
    fn a_type_stands_before_the_action_and_arguments_behind_it() {
        let understood = |line: &str| {
            let Invocation { type_name, action, arguments } = words(line).unwrap();
            (type_name.map(|name| name.to_string()), action.as_str(), arguments.join(" "))
        };
        let named = |name: &str| Some(name.to_owned());
        assert_eq!(understood("status"), (None, "status", String::new()));
        assert_eq!(understood("php8.2 start"), (named("php8.2"), "start", String::new()));
        assert_eq!(
            understood("jdk17 start java app.jar"),
            (named("jdk17"), "start", "java app.jar".to_owned())
        );
        assert_eq!(
            understood("jdk17 start -- java -jar x"),
            (named("jdk17"), "start", "java -jar x".to_owned())
        );
        assert_eq!(
            understood("jdk17 start -- -- java -jar x"),
            (named("jdk17"), "start", "java -jar x".to_owned())
        );
        assert_eq!(understood("shell -- bash -c id"), (None, "shell", "bash -c id".to_owned()));
        assert_eq!(understood("exec ls"), (None, "exec", "ls".to_owned()));
        assert_eq!(understood("generate man"), (None, "generate", "man".to_owned()));
        assert_eq!(understood("start start"), (named("start"), "start", String::new()));
    }

    #[test]
    fn what_is_not_understood_is_said_in_one_line() {
        let refusal = |line: &str| words(line).unwrap_err();
        assert_eq!(refusal(""), "error: what shall be done?");
        assert_eq!(refusal("strat"), "error: \"strat\" is not an action; did you mean `start`?");
        assert_eq!(refusal("php8.2 strat"), "error: \"strat\" is not an action; did you mean `start`?");
        assert_eq!(refusal("php8.2"), "error: what shall be done with \"php8.2\"?");
        assert_eq!(refusal("php8.2 fly"), "error: \"fly\" is not an action");
        assert_eq!(refusal("start php8.2"), "error: \"php8.2\" stands behind `start`");
        assert_eq!(refusal("php8.2 stop now"), "error: `stop` takes no argument, and \"now\" is one");
        assert_eq!(
            refusal("p\u{1b}p start"),
            "error: type name \"p\\u{1b}p\" has '\\u{1b}'; use letters, digits, '.', '-' and '_'"
        );
    }
}
