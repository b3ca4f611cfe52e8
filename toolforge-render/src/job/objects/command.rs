//! The command of a job's container, and how it is read back.

use toolforge_model::{
    FileLog, JobHealthCheck, JobRequest, LogPath, ToolName, join_words, platform, quote_word, split_words,
};

/// The arguments before the script of a shell (jobs-api, 2022).
const SHELL: [&str; 3] = ["/bin/sh", "-c", "--"];

/// A container's command.
pub(in crate::job) struct RenderedCommand {
    /// The command and its arguments.
    pub(in crate::job) words: Vec<String>,
    /// The command as written, if it cannot be read back from the arguments.
    pub(in crate::job) written: Option<String>,
}

impl RenderedCommand {
    pub(in crate::job) fn of(request: &JobRequest) -> Self {
        let words = words(&request.command, &request.file_log, request.image.is_build_service());
        let (text, file_log) = read(&words, request.file_log.is_on(), request.image.is_build_service());
        let is_same = text == request.command && file_log == request.file_log;
        Self { words, written: (!is_same).then(|| request.command.clone()) }
    }

    /// Returns the command and the log files of a container; `written` is the command of the annotation, which is used if
    /// it renders to the same arguments.
    pub(in crate::job) fn observe(
        found: &[String],
        written: Option<&str>,
        is_logged: bool,
        is_build_service: bool,
    ) -> (String, FileLog) {
        let (text, file_log) = read(found, is_logged, is_build_service);
        let Some(written) = written else { return (text, file_log) };
        // The command itself may look like a redirection.
        let (stdout, rest) = redirection(found.last().map_or("", String::as_str), 1);
        let (stderr, _) = redirection(rest, 2);
        let redirected = [(stdout.clone(), None), (None, stderr.clone()), (stdout, stderr)]
            .map(|(stdout, stderr)| FileLog::Redirected { stdout, stderr });
        for file_log in [file_log.clone(), FileLog::Off].into_iter().chain(redirected) {
            if words(written, &file_log, is_build_service) == found {
                return (written.to_owned(), file_log);
            }
        }
        (text, file_log)
    }
}

fn words(command: &str, file_log: &FileLog, is_build_service: bool) -> Vec<String> {
    let launched = if is_build_service && platform::after_launcher(command).is_none() {
        format!("{} {command}", platform::LAUNCHER)
    } else {
        command.to_owned()
    };
    let (stdout, stderr) = (file_log.stdout(), file_log.stderr());
    if is_build_service && stdout.is_none() && stderr.is_none() {
        // The command of a validated request can be split; any other command stays one argument.
        return split_words(&launched)
            .unwrap_or_else(|_| vec![platform::LAUNCHER.to_owned(), command.to_owned()]);
    }
    let mut line = String::new();
    for (stream, path) in [(1, stdout), (2, stderr)] {
        if let Some(path) = path {
            line.push_str(&format!("exec {stream}>>{};", quote_word(path.as_str())));
        }
    }
    line.push_str(&launched);
    SHELL.into_iter().map(str::to_owned).chain([line]).collect()
}

/// Returns the command and the log files of a container's arguments alone.
fn read(words: &[String], is_logged: bool, is_build_service: bool) -> (String, FileLog) {
    let line = match words {
        [a, b, c, line] if [a, b, c].into_iter().eq(SHELL) => line.as_str(),
        [first, rest @ ..] if is_build_service && first == platform::LAUNCHER && !rest.is_empty() => {
            // A launcher that runs another launcher is kept.
            let is_twice = rest.len() > 1 && rest.first().is_some_and(|word| word == platform::LAUNCHER);
            return (join_words(if is_twice { words } else { rest }), FileLog::Off);
        }
        words => return (join_words(words), FileLog::Off),
    };
    let (stdout, rest) = redirection(line, 1);
    let (stderr, rest) = redirection(rest, 2);
    if rest.is_empty() {
        return (line.to_owned(), FileLog::Off);
    }
    let command = match platform::after_launcher(rest) {
        Some(command)
            if is_build_service && platform::after_launcher(command).is_none() && !command.is_empty() =>
        {
            command
        }
        _ => rest,
    };
    let file_log = match (is_logged, stdout, stderr) {
        (true, Some(stdout), Some(stderr)) => FileLog::On { stdout, stderr },
        (_, None, None) => FileLog::Off,
        (_, stdout, stderr) => FileLog::Redirected { stdout, stderr },
    };
    (command.to_owned(), file_log)
}

/// Splits `exec 1>>PATH;` from the start of a line; the platform's tool writes the path without quotes.
fn redirection(line: &str, stream: u8) -> (Option<LogPath>, &str) {
    let Some(rest) = line.strip_prefix(&format!("exec {stream}>>")) else { return (None, line) };
    let mut is_quoted: Option<char> = None;
    let end = rest.find(|c: char| {
        match (is_quoted, c) {
            (None, '\'' | '"') => is_quoted = Some(c),
            (Some(quote), c) if c == quote => is_quoted = None,
            _ => {}
        }
        is_quoted.is_none() && c == ';'
    });
    let Some(end) = end else { return (None, line) };
    let written = &rest[..end];
    let path = match split_words(written).as_deref() {
        Ok([path]) => path.parse(),
        _ => written.parse(),
    };
    match path {
        Ok(path) => (Some(path), &rest[end + 1..]),
        Err(_) => (None, line),
    }
}

/// Parses a command from before 2022: `COMMAND 1>NAME.out 2>NAME.err`, both `/dev/null` without a file log.
pub(in crate::job) fn read_of_version_1(
    words: &[String],
    tool: &ToolName,
    is_logged: bool,
) -> (String, FileLog) {
    let line = words.last().map(String::as_str).unwrap_or_default();
    let Some((command, redirections)) = line.rsplit_once(" 1>") else {
        return (line.to_owned(), FileLog::Off);
    };
    let path = |text: &str| -> Option<LogPath> {
        let text = text.trim_start_matches('>').trim();
        let absolute =
            if text.starts_with('/') { text.to_owned() } else { format!("{}/{text}", tool.home()) };
        absolute.parse().ok()
    };
    let (stdout, stderr) = redirections.split_once(" 2>").unwrap_or((redirections, ""));
    match (path(stdout), path(stderr)) {
        (Some(stdout), Some(stderr)) if is_logged => (command.to_owned(), FileLog::On { stdout, stderr }),
        _ => (command.to_owned(), FileLog::Off),
    }
}

/// Returns the command and arguments of a health check script.
pub(in crate::job) fn health_check_words(script: &str, is_build_service: bool) -> Vec<String> {
    match split_words(script) {
        Ok(words) if is_build_service => [platform::LAUNCHER.to_owned()].into_iter().chain(words).collect(),
        _ => ["/bin/sh", "-c", script].map(str::to_owned).into(),
    }
}

/// Returns the health check of a probe's command.
pub(in crate::job) fn health_check_of(words: &[String]) -> JobHealthCheck {
    JobHealthCheck::Script(match words {
        [first, rest @ ..] if first == platform::LAUNCHER && !rest.is_empty() => join_words(rest),
        [shell, flag, script] if shell == "/bin/sh" && flag == "-c" => script.clone(),
        words => join_words(words),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(line: &str) -> Vec<String> {
        SHELL.into_iter().map(str::to_owned).chain([line.to_owned()]).collect()
    }

    fn on(stdout: &str, stderr: &str) -> FileLog {
        FileLog::On { stdout: stdout.parse().unwrap(), stderr: stderr.parse().unwrap() }
    }

    #[test]
    fn command_of_the_platform_is_parsed() {
        for (line, is_logged, command, file_log) in [
            (
                "exec 1>>/a.out;exec 2>>/a.err;./x; echo 'y;z'",
                true,
                "./x; echo 'y;z'",
                on("/a.out", "/a.err"),
            ),
            // A path with a space, as the platform writes it and as this program writes it.
            ("exec 1>>/dev/null;exec 2>>/x y.err;./x", true, "./x", on("/dev/null", "/x y.err")),
            ("exec 1>>'/a;b';exec 2>>'/it'\"'\"'s';./x", true, "./x", on("/a;b", "/it's")),
            ("exec 1>>x;./x", false, "./x", FileLog::Redirected { stdout: "x".parse().ok(), stderr: None }),
            ("./x", false, "./x", FileLog::Off),
            ("exec 1>>", false, "exec 1>>", FileLog::Off),
        ] {
            assert_eq!(read(&shell(line), is_logged, false), (command.to_owned(), file_log), "{line}");
        }
    }

    #[test]
    fn command_of_version_1_is_parsed() {
        let tool: ToolName = "x".parse().unwrap();
        assert_eq!(
            read_of_version_1(&shell("./a 1>b 1>a.out 2>a.err"), &tool, true),
            ("./a 1>b".to_owned(), on("/data/project/x/a.out", "/data/project/x/a.err"))
        );
        assert_eq!(
            read_of_version_1(&shell("./a 1>/dev/null 2>/dev/null"), &tool, false),
            ("./a".to_owned(), FileLog::Off)
        );
    }
}
