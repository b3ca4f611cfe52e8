//! What is wrong with the files that a job's command and its logs need in the tool's home.

use toolforge_images::lacks_program;
use toolforge_model::{
    JobHealthCheck, JobImage, JobKind, JobRequest, LogPath, ToolName, Untrusted, split_words,
};

use crate::job::file_warning::{FileFacts, JobFileWarning};
use crate::job::wrapper::{is_assignment, of_image, program_index};

/// Returns what is wrong with the program, the health check and the log files of a job. `look` returns what is known about
/// a path relative to the tool's home, and `None` if it cannot be looked at.
#[must_use]
pub fn job_file_warnings(
    request: &JobRequest,
    look: impl Fn(&str) -> Option<FileFacts>,
) -> Vec<JobFileWarning> {
    located_warnings(request, look).into_iter().map(|(_, warning)| warning).collect()
}

/// Returns the same, each with the keys of a jobs file that it may be about.
pub(crate) fn located_warnings(
    request: &JobRequest,
    look: impl Fn(&str) -> Option<FileFacts>,
) -> Vec<(&'static [&'static str], JobFileWarning)> {
    // A build service image has another home and another working directory.
    let is_in_home = !request.image.is_build_service();
    let scope = CommandScope {
        tool: &request.tool,
        image: &request.image,
        directory: is_in_home.then_some(""),
        expands_home: is_in_home,
        has_own_programs: request.environment.iter().any(|(name, _)| name == "PATH"),
    };
    let of_line = |line: &str| scope.check_line(line, &look).map(|(_, warning)| warning);
    let mut warnings: Vec<(&'static [&'static str], JobFileWarning)> = Vec::new();
    if let Some(warning) = of_line(&request.command) {
        warnings.push((&["command"], warning));
    }
    if let JobKind::Continuous { health_check: Some(JobHealthCheck::Script(script)), .. } = &request.kind
        && let Some(warning) =
            of_line(script).filter(|found| warnings.iter().all(|(_, known)| known != found))
    {
        warnings.push((&["health-check-script"], warning));
    }
    let (stdout, stderr) = (request.file_log.stdout(), request.file_log.stderr());
    for path in [stdout, stderr].into_iter().flatten() {
        let Some(directory) = log_directory(request, path) else { continue };
        let warning = JobFileWarning::LogDirectory { path: Untrusted::new(path.as_str()) };
        if look(directory) == Some(FileFacts::Missing) {
            warnings.push((&["filelog-stdout", "filelog-stderr"], warning));
            // One directory for both is usual.
            break;
        }
    }
    warnings
}

/// Returns what is wrong with the program of a command that no shell reads, and that runs in the home of a tool.
#[must_use]
pub fn command_file_warning(
    tool: &ToolName,
    image: &JobImage,
    words: &[String],
    look: impl Fn(&str) -> Option<FileFacts>,
) -> Option<JobFileWarning> {
    let scope =
        CommandScope { tool, image, directory: Some(""), expands_home: false, has_own_programs: false };
    scope.check_words(words.iter().map(String::as_str), &look).map(|(_, warning)| warning)
}

/// Where a command runs, which decides what its words mean.
#[derive(Clone, Copy)]
pub(crate) struct CommandScope<'a> {
    /// The tool.
    pub(crate) tool: &'a ToolName,
    /// The image.
    pub(crate) image: &'a JobImage,
    /// The working directory, relative to the home; `None` if it is elsewhere.
    pub(crate) directory: Option<&'a str>,
    /// Whether a shell reads the words, which expands `~` to the tool's home.
    pub(crate) expands_home: bool,
    /// Whether programs may be found in places other than those of the image.
    pub(crate) has_own_programs: bool,
}

impl CommandScope<'_> {
    /// Checks the program of a line that a shell reads; also returns the word that a warning is about.
    ///
    /// Variables that the line sets, `cd DIRECTORY &&` and `. FILE &&` may come before the program.
    pub(crate) fn check_line(
        &self,
        line: &str,
        look: &impl Fn(&str) -> Option<FileFacts>,
    ) -> Option<(usize, JobFileWarning)> {
        let words = split_words(line).unwrap_or_default();
        let mut directory = self.directory.map(str::to_owned);
        let mut has_own_programs = self.has_own_programs;
        let mut rest = words.as_slice();
        loop {
            let scope = CommandScope { directory: directory.as_deref(), has_own_programs, ..*self };
            let index = words.len() - rest.len();
            rest = match rest {
                [first, after @ ..] if is_assignment(first) => after,
                [first, after @ ..] if first == "cd" => {
                    let options = after.iter().take_while(|word| CD_OPTIONS.contains(&word.as_str())).count();
                    let (path, after) = after.get(options..)?.split_first()?;
                    let after = after_argument(path, after)?;
                    let path = scope.home_directory(path.trim_end_matches(';'))?;
                    if !path.is_empty() && look(&path) == Some(FileFacts::Missing) {
                        let warning = JobFileWarning::Missing { path: Untrusted::new(path) };
                        return Some((index + options + 1, warning));
                    }
                    directory = Some(path);
                    after
                }
                [first, path, after @ ..] if first == "." || first == "source" => {
                    let file = scope.home_path(path.trim_end_matches(';'));
                    if let Some(warning) = file.and_then(|file| of_script(&file, "sh", &look(&file)?)) {
                        return Some((index + 1, warning));
                    }
                    // It may set where programs are looked up, as that of a virtual environment does.
                    has_own_programs = true;
                    after_argument(path, after)?
                }
                _ => {
                    let words = rest.iter().map(|word| word.trim_end_matches([';', '&']));
                    let found = scope.check_program(&words.collect::<Vec<_>>(), true, look);
                    return found.map(|(found, warning)| (index + found, warning));
                }
            };
        }
    }

    /// Checks the program of a command that no shell reads, or the script that its interpreter reads; also returns the word that a
    /// warning is about.
    pub(crate) fn check_words<'w>(
        &self,
        words: impl Iterator<Item = &'w str>,
        look: &impl Fn(&str) -> Option<FileFacts>,
    ) -> Option<(usize, JobFileWarning)> {
        self.check_program(&words.collect::<Vec<_>>(), false, look)
    }

    fn check_program(
        &self,
        words: &[&str],
        in_shell: bool,
        look: &impl Fn(&str) -> Option<FileFacts>,
    ) -> Option<(usize, JobFileWarning)> {
        let at = program_index(words, in_shell)?;
        let word = words.get(at)?;
        let own = self.home_path(word);
        let program = match &own {
            Some(path) => {
                let found = look(path).and_then(|facts| self.of_program(path, facts, look));
                if let Some(warning) = found {
                    return Some((at, warning));
                }
                // An interpreter of a virtual environment.
                word.rsplit('/').next()?
            }
            None => of_image(word).unwrap_or(word),
        };
        if own.is_none()
            && let Some(program) = self.interpreter_of(program)
        {
            return Some((at, JobFileWarning::Program { program, image: self.image.clone() }));
        }
        let interpreter = family(program).filter(|_| is_interpreter(program))?;
        let options = words.iter().skip(at + 1).take_while(|word| is_flag(interpreter, word)).count();
        let index = at + 1 + options;
        let path = self.script_path(words.get(index)?)?;
        of_script(&path, interpreter, &look(&path)?).map(|warning| (index, warning))
    }

    /// Returns a directory of `cd` relative to the tool's home; `None` if it is another one, or if a shell has to expand it.
    fn home_directory(&self, word: &str) -> Option<String> {
        let word = word.trim_end_matches('/');
        let is_home =
            word == self.tool.home() || (self.expands_home && ["~", "$HOME", "${HOME}"].contains(&word));
        if is_home {
            return Some(String::new());
        }
        self.home_path_of_name(word)
    }

    /// Returns the path of a file or directory that needs no `/` in its name, relative to the tool's home.
    fn home_path_of_name(&self, word: &str) -> Option<String> {
        // An option, or the previous directory in `cd -`.
        if word.starts_with('-') {
            return None;
        }
        if word.contains('/') { self.home_path(word) } else { self.home_path(&format!("./{word}")) }
    }

    /// Returns a path of a command relative to the tool's home; `None` if it is another one, an option, or if a shell has to expand it.
    fn home_path(&self, word: &str) -> Option<String> {
        if word.starts_with('-') {
            return None;
        }
        let absolute = format!("{}/", self.tool.home());
        let of_home = ["~/", "$HOME/", "${HOME}/"].iter().find_map(|prefix| word.strip_prefix(prefix));
        let relative = match (word.strip_prefix(&absolute), of_home) {
            (Some(relative), _) => relative.to_owned(),
            (None, Some(relative)) if self.expands_home => relative.to_owned(),
            (None, None) if !word.starts_with('/') && word.contains('/') => {
                let directory = self.directory?;
                let separator = if directory.is_empty() { "" } else { "/" };
                format!("{directory}{separator}{}", word.strip_prefix("./").unwrap_or(word))
            }
            _ => return None,
        };
        let is_literal = |character: char| character.is_alphanumeric() || "/._-+,@".contains(character);
        let is_plain = relative.chars().all(is_literal) && !relative.split('/').any(|part| part == "..");
        (is_plain && !relative.is_empty()).then_some(relative)
    }

    /// Returns the path of a script that an interpreter reads: `jobs/daily.py`, or `daily.py` in the home.
    fn script_path(&self, word: &str) -> Option<String> {
        let is_script = word.rsplit_once('.').is_some_and(|(name, extension)| {
            !name.is_empty() && ["js", "php", "pl", "py", "rb", "sh", "tcl"].contains(&extension)
        });
        self.home_path_of_name(word).filter(|_| is_script)
    }

    fn of_program(
        &self,
        path: &str,
        facts: FileFacts,
        look: &impl Fn(&str) -> Option<FileFacts>,
    ) -> Option<JobFileWarning> {
        let path = Untrusted::new(path);
        let first_line = match facts {
            FileFacts::Missing => return Some(JobFileWarning::Missing { path }),
            FileFacts::Directory => return Some(JobFileWarning::Directory { path }),
            FileFacts::File { is_executable: false, .. } => {
                return Some(JobFileWarning::NotExecutable { path });
            }
            FileFacts::File { is_executable: true, first_line } => first_line,
        };
        let line = String::from_utf8(first_line).ok()?;
        let Some(line) = line.strip_prefix("#!") else {
            // A shell interprets a text that names no interpreter.
            return is_windows_text(&line).then_some(JobFileWarning::ShellLineEndings { path });
        };
        if line.ends_with('\r') {
            return Some(JobFileWarning::WindowsLineEndings { path });
        }
        let mut words = line.split_whitespace();
        let first = words.next()?;
        // The kernel expands nothing.
        if let Some(own) = (CommandScope { expands_home: false, ..*self }).home_path(first) {
            let interpreter = Untrusted::new(own.as_str());
            return (look(&own)? == FileFacts::Missing)
                .then_some(JobFileWarning::MissingInterpreter { path, interpreter });
        }
        let program = of_image(first)?;
        let program = if program == "env" { words.find(|word| !word.starts_with('-'))? } else { program };
        let interpreter = self.interpreter_of(program)?;
        Some(JobFileWarning::Interpreter { path, interpreter, image: self.image.clone() })
    }

    /// Returns an interpreter that the image does not contain; `None` if it may contain it, or nothing is known.
    fn interpreter_of(&self, program: &str) -> Option<Untrusted> {
        let JobImage::Type(image) = self.image else { return None };
        (!self.has_own_programs && lacks_program(image, program)).then(|| Untrusted::new(program))
    }
}

/// Returns the directory of a log file, relative to the tool's home; `None` for the home itself and for other places.
fn log_directory<'a>(request: &JobRequest, path: &'a LogPath) -> Option<&'a str> {
    let home = request.tool.home();
    let relative = path.as_str().strip_prefix(home.as_str())?.strip_prefix('/')?;
    let (directory, _) = relative.rsplit_once('/')?;
    (!directory.split('/').any(|part| part == "..")).then_some(directory)
}

/// Returns what is wrong with a script whose interpreter is named: it needs no permission, and most interpreters read Windows
/// line endings.
fn of_script(path: &str, interpreter: &str, facts: &FileFacts) -> Option<JobFileWarning> {
    let path = Untrusted::new(path);
    match facts {
        FileFacts::Missing => Some(JobFileWarning::Missing { path }),
        FileFacts::Directory => Some(JobFileWarning::Directory { path }),
        FileFacts::File { first_line, .. } => {
            let is_windows = std::str::from_utf8(first_line).is_ok_and(is_windows_text);
            (SHELLS.contains(&interpreter) && is_windows).then_some(JobFileWarning::ShellLineEndings { path })
        }
    }
}

/// Returns whether the first line of a file is a text that ends as on Windows.
fn is_windows_text(line: &str) -> bool {
    line.strip_suffix('\r').is_some_and(|line| !line.chars().any(|found| found.is_control() && found != '\t'))
}

/// The options of `cd`; none of them changes the target directory.
const CD_OPTIONS: [&str; 4] = ["--", "-L", "-P", "-e"];

/// Returns what follows the only argument of a command of a shell, if it runs only after that one.
fn after_argument<'w>(argument: &str, after: &'w [String]) -> Option<&'w [String]> {
    match after {
        _ if argument.ends_with(';') => Some(after),
        [separator, after @ ..] if separator == "&&" || separator == ";" => Some(after),
        _ => None,
    }
}

/// The shells that the images have.
const SHELLS: [&str; 3] = ["bash", "dash", "sh"];

/// Returns the name of an interpreter without its version: `python` of `python3.11`.
fn family(word: &str) -> Option<&str> {
    let family = word.trim_end_matches(|character: char| character.is_ascii_digit() || character == '.');
    (!family.is_empty()).then_some(family)
}

/// Returns whether a word of a command names an interpreter.
pub(crate) fn is_interpreter(word: &str) -> bool {
    let others = ["node", "perl", "php", "python", "ruby", "tclsh"];
    family(word).is_some_and(|family| SHELLS.contains(&family) || others.contains(&family))
}

/// Returns whether a word is an option of an interpreter after which its script may follow.
fn is_flag(interpreter: &str, word: &str) -> bool {
    let letters = match interpreter {
        "bash" | "dash" | "sh" => "aefhiluvx",
        "perl" => "tTuUwW",
        "php" => "nq",
        "python" => "bBdEiIOqsSuvx",
        "ruby" => "vw",
        _ => return false,
    };
    word.strip_prefix('-')
        .is_some_and(|flags| !flags.is_empty() && flags.chars().all(|flag| letters.contains(flag)))
}

#[cfg(test)]
mod tests {
    use toolforge_model::JobsFile;

    use super::*;

    fn warnings(command: &str, more: &str, found: &[(&str, FileFacts)]) -> Vec<String> {
        let image = if more.contains("image:") { "" } else { "  image: bookworm\n" };
        let yaml = format!("- name: a\n{image}  command: {command}\n{more}");
        let file = JobsFile::parse(&yaml, &"x".parse().unwrap()).unwrap();
        let look = |path: &str| {
            let facts = found.iter().find(|(known, _)| *known == path).map(|(_, facts)| facts.clone());
            Some(facts.unwrap_or(FileFacts::Missing))
        };
        let found = job_file_warnings(&file.jobs[0].request, look);
        found.iter().map(ToString::to_string).collect()
    }

    fn file(is_executable: bool, first_line: &str) -> FileFacts {
        FileFacts::File { is_executable, first_line: first_line.as_bytes().to_vec() }
    }

    #[test]
    fn program_in_the_home_is_checked() {
        for (facts, expected) in [
            (FileFacts::Missing, "run.sh does not exist in the tool's home"),
            (FileFacts::Directory, "run.sh is a directory, and cannot be executed"),
            (file(false, "#!/bin/sh"), "run.sh is not executable"),
            (file(true, "#!/bin/sh\r"), "run.sh has Windows line endings, so its interpreter is not found"),
            (
                file(true, "#!/usr/bin/env -S node --trace-warnings"),
                "run.sh needs node, which image bookworm does not contain",
            ),
            (file(true, "#!/usr/bin/php8.2"), "run.sh needs php8.2, which image bookworm does not contain"),
        ] {
            assert_eq!(warnings("./run.sh --fast", "", &[("run.sh", facts)]), [expected]);
        }
        for line in
            ["#!/bin/sh", "#!/bin/bash -e", "#!/usr/bin/perl", "", "\u{7f}ELF", "\u{7f}ELF\u{1}\r", "#!"]
        {
            assert_eq!(warnings("./run.sh", "", &[("run.sh", file(true, line))]), [""; 0], "{line}");
        }
    }

    #[test]
    fn checks_interpreter_in_the_home() {
        let python = ("venv/bin/python", file(true, "\u{7f}ELF"));
        for line in ["#!/data/project/x/venv/bin/python", "#!venv/bin/python -u"] {
            let script = ("run.py", file(true, line));
            assert_eq!(
                warnings("./run.py", "", std::slice::from_ref(&script)),
                ["run.py needs venv/bin/python, which does not exist in the tool's home"]
            );
            assert_eq!(warnings("./run.py", "", &[script, python.clone()]), [""; 0]);
        }
        let missing = ["run.py does not exist in the tool's home"];
        assert_eq!(warnings("venv/bin/python -u run.py", "", std::slice::from_ref(&python)), missing);
        assert_eq!(warnings("venv/bin/python -m run", "", &[python]), [""; 0]);
    }

    #[test]
    fn warns_shells_of_windows_line_endings() {
        let found = |command: &str, line: &str| {
            let found = warnings(command, "", &[("run.sh", file(true, line))]);
            assert!(found.len() < 2, "{found:?}");
            found.first().cloned().unwrap_or_default()
        };
        let expected = "run.sh has Windows line endings, which a shell reads as part of its commands";
        for command in ["bash run.sh", "sh -eu ./run.sh", "/bin/dash run.sh"] {
            assert_eq!(found(command, "#!/bin/bash\r"), expected, "{command}");
            assert_eq!(found(command, "#!/bin/bash"), "", "{command}");
        }
        // It names no interpreter.
        assert_eq!(found("./run.sh", "echo\t1\r"), expected);
        assert_eq!(found("perl run.sh", "#!/usr/bin/perl\r"), "");
    }

    #[test]
    fn checks_health_check_program() {
        let check = |script: &str, found: &[(&str, FileFacts)]| {
            let more = format!("  continuous: true\n  health-check-script: {script}\n");
            warnings("./run", &more, &[found, &[("run", file(true, "#!/bin/sh"))]].concat())
        };
        assert_eq!(check("./check.sh", &[]), ["check.sh does not exist in the tool's home"]);
        assert_eq!(check("./check.sh", &[("check.sh", file(false, ""))]), ["check.sh is not executable"]);
        assert_eq!(check("test -e /tmp/ok", &[]), [""; 0]);
        // The same file is named once.
        let more = "  continuous: true\n  health-check-script: ./run check\n";
        assert_eq!(warnings("./run", more, &[]), ["run does not exist in the tool's home"]);
    }

    #[test]
    fn program_may_follow_other_words() {
        let app = ("app", FileFacts::Directory);
        for (command, path) in [
            ("cd app && ./run", "app/run"),
            ("cd ./app/; ./run", "app/run"),
            ("cd ~/app && exec ./run", "app/run"),
            ("cd app ; A=1 B=2 ./run", "app/run"),
            ("cd /data/project/x && ./run", "run"),
            ("cd && ./run", ""),
            ("cd \"$APP\" && ./run", ""),
            ("cd app || ./run", ""),
            ("cd ../y && ./run", ""),
            ("A=1 ./run", "run"),
            ("exec ./run", "run"),
            ("PATH=x python3 run.py", ""),
            ("timeout 1h ./run", "run"),
            ("nice -n 10 ./run", "run"),
            ("exec nice python3 run.py", "run.py"),
            ("env A=1 ./run", "run"),
            ("cd -P app && ./run", "app/run"),
            ("cd -- app && ./run", "app/run"),
            ("cd - && ./run", ""),
            ("cd -x && ./run", ""),
            ("-x/run", ""),
            ("perl -i.pl run", ""),
            ("perl -i.pl", ""),
            ("source ./env.sh; ./run", "env.sh"),
            (". app/env.sh", "app/env.sh"),
            (". env.sh && ./run", "run"),
            (". /etc/profile && python run.py", "run.py"),
            (". /etc/profile || ./run", ""),
            ("timeout -k 1", ""),
            ("python3 -u run.py", "run.py"),
            ("python3 -Bu app/run.py", "app/run.py"),
            ("python3 -W ignore run.py", ""),
            ("bash -e run.sh", "run.sh"),
            ("bash -c run.sh", ""),
        ] {
            let found = warnings(command, "  image: python3.11\n", std::slice::from_ref(&app));
            let expected: Vec<String> = match path {
                "" => vec![],
                path => vec![format!("{path} does not exist in the tool's home")],
            };
            assert_eq!(found, expected, "{command}");
        }
        assert_eq!(warnings("cd app && ./run", "", &[]), ["app does not exist in the tool's home"]);
    }

    #[test]
    fn interpreter_belongs_to_the_image() {
        let lacks = |image: &str, line: &str| {
            let more = format!("  image: {image}\n");
            let found = warnings("./run", &more, &[("run", file(true, line))]);
            assert!(found.len() < 2, "{found:?}");
            found.first().is_some_and(|text| text.contains(&format!("which image {image} does not contain")))
        };
        assert!(
            !lacks("python3.11", "#!/usr/bin/env python3") && !lacks("tf-python311", "#!/usr/bin/python3.11")
        );
        assert!(lacks("python3.11", "#!/usr/bin/env python") && lacks("python3.11", "#!/usr/bin/python3.13"));
        assert!(lacks("php8.2", "#!/usr/bin/env python3") && !lacks("php8.2", "#!/usr/bin/php"));
        assert!(!lacks("ruby31", "#!/usr/bin/env node") && lacks("python3.11", "#!/usr/bin/env node"));
        assert!(lacks("bookworm", "#!/usr/bin/java") && !lacks("jdk17", "#!/usr/bin/java"));
    }

    #[test]
    fn interpreters_and_scripts_are_checked() {
        let python = "  image: python3.11\n";
        let missing = ["daily.py does not exist in the tool's home"];
        assert_eq!(warnings("python3 daily.py --all", python, &[]), missing);
        assert_eq!(
            warnings("python3 ~/jobs/a.py", python, &[]),
            ["jobs/a.py does not exist in the tool's home"]
        );
        assert_eq!(warnings("python3 daily.py", python, &[("daily.py", file(false, ""))]), [""; 0]);
        for other in ["python3 -m venv x.py", "python3 daily", "cat daily.py", "python3 /x/a.py"] {
            assert_eq!(warnings(other, python, &[]), [""; 0], "{other}");
        }
        assert_eq!(
            warnings("/usr/bin/php daily.php", python, &[]),
            ["the command needs php, which image python3.11 does not contain"]
        );
    }

    #[test]
    fn other_commands_are_not_checked() {
        for missing in ["./a/b.sh", "~/b", "$HOME/b; true", "/data/project/x/b", "bin/run"] {
            assert_eq!(warnings(missing, "", &[]).len(), 1, "{missing}");
        }
        for other in ["ls", "cd $X && ./run", "/usr/bin/env x", "'./$NAME'", "../y/run", "~y/run"] {
            assert_eq!(warnings(other, "", &[]), [""; 0], "{other}");
        }
        assert_eq!(warnings("bin/run", "  image: tool-x/x:latest\n", &[]), [""; 0]);
    }

    #[test]
    fn missing_log_directory_is_reported() {
        let logs = "  filelog-stdout: nologs/a.out\n  filelog-stderr: nologs/a.err\n";
        assert_eq!(
            warnings("ls", logs, &[]),
            ["the directory of its log file /data/project/x/nologs/a.out does not exist, so it cannot start"]
        );
        assert_eq!(warnings("ls", logs, &[("nologs", FileFacts::Directory)]), [""; 0]);
        assert_eq!(warnings("ls", "  filelog-stdout: /dev/null\n  filelog-stderr: a.err\n", &[]), [""; 0]);
    }
}
