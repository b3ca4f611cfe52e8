//! What is wrong with the files that a job's command and its logs need in the tool's home.

use toolforge_images::lacks_program;
use toolforge_model::{JobImage, JobRequest, LogPath, ToolName, Untrusted, split_words};

/// What is known of one path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileFacts {
    /// Nothing has this path.
    Missing,
    /// It is a directory.
    Directory,
    /// It is a file.
    File {
        /// Whether its owner, its group or others may execute it.
        is_executable: bool,
        /// Its first line, without the line feed; at most 256 bytes.
        first_line: Vec<u8>,
    },
}

/// A problem with a file of a job. The job is created all the same: the file may appear before the job runs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JobFileWarning {
    /// The program does not exist.
    #[error("{} does not exist in the tool's home", path.escaped())]
    Missing {
        /// The path, relative to the home.
        path: Untrusted,
    },
    /// The program is a directory.
    #[error("{} is a directory, and cannot be executed", path.escaped())]
    Directory {
        /// The path, relative to the home.
        path: Untrusted,
    },
    /// The program is not executable.
    #[error("{} is not executable", path.escaped())]
    NotExecutable {
        /// The path, relative to the home.
        path: Untrusted,
    },
    /// The first line ends with a carriage return, which becomes part of the interpreter's name.
    #[error("{} has Windows line ends, so its interpreter is not found", path.escaped())]
    WindowsLineEnds {
        /// The path, relative to the home.
        path: Untrusted,
    },
    /// The image is made for another language than the interpreter's.
    #[error("{} needs {}, which image {image} does not contain", path.escaped(), interpreter.escaped())]
    Interpreter {
        /// The path, relative to the home.
        path: Untrusted,
        /// The interpreter.
        interpreter: Untrusted,
        /// The image.
        image: JobImage,
    },
    /// The image is made for another language than the program of the command.
    #[error("the command needs {}, which image {image} does not contain", program.escaped())]
    Program {
        /// The program.
        program: Untrusted,
        /// The image.
        image: JobImage,
    },
    /// The directory of a log file does not exist, so the job cannot start.
    #[error("the directory of its log file {} does not exist, so it cannot start", path.escaped())]
    LogDirectory {
        /// The path of the log file.
        path: Untrusted,
    },
}

impl JobFileWarning {
    /// Returns what removes the reason, as part of a sentence: ``"`chmod +x run.sh` changes that"``.
    #[must_use]
    pub fn remedy(&self) -> Option<String> {
        match self {
            Self::NotExecutable { path } => Some(format!("`chmod +x {}` changes that", path.escaped())),
            Self::WindowsLineEnds { path } => {
                Some(format!("`sed -i 's/\\r$//' {}` removes them", path.escaped()))
            }
            Self::LogDirectory { path } => {
                Some(format!("`mkdir -p \"$(dirname {})\"` creates it", path.escaped()))
            }
            _ => None,
        }
    }
}

/// Returns what is wrong with the program and the log files of a job. `look` returns what is known of a path relative to the
/// tool's home, and `None` if it cannot be looked at.
#[must_use]
pub fn job_file_warnings(
    request: &JobRequest,
    look: impl Fn(&str) -> Option<FileFacts>,
) -> Vec<JobFileWarning> {
    // A build service image has another home and another working directory.
    let is_in_home = !request.image.is_build_service();
    let scope = CommandScope {
        tool: &request.tool,
        image: &request.image,
        directory: is_in_home.then_some(""),
        expands_home: is_in_home,
    };
    let of_command = scope.check_line(&request.command, &look).map(|(_, warning)| warning);
    let mut warnings: Vec<JobFileWarning> = of_command.into_iter().collect();
    let (stdout, stderr) = (request.file_log.stdout(), request.file_log.stderr());
    for path in [stdout, stderr].into_iter().flatten() {
        let Some(directory) = log_directory(request, path) else { continue };
        let warning = JobFileWarning::LogDirectory { path: Untrusted::new(path.as_str()) };
        if look(directory) == Some(FileFacts::Missing) {
            warnings.push(warning);
            // One directory for both is usual.
            break;
        }
    }
    warnings
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
    /// Whether a shell reads the words, to which `~` is the tool's home.
    pub(crate) expands_home: bool,
}

impl CommandScope<'_> {
    /// Checks the program of a line that a shell reads; returns the word that a warning is about, too.
    pub(crate) fn check_line(
        &self,
        line: &str,
        look: &impl Fn(&str) -> Option<FileFacts>,
    ) -> Option<(usize, JobFileWarning)> {
        let words = split_words(line).unwrap_or_default();
        self.check_words(words.iter().map(|word| word.trim_end_matches([';', '&'])), look)
    }

    /// Checks the program of a command, or the script that its interpreter reads; returns the word that a warning is about, too.
    pub(crate) fn check_words<'w>(
        &self,
        mut words: impl Iterator<Item = &'w str>,
        look: &impl Fn(&str) -> Option<FileFacts>,
    ) -> Option<(usize, JobFileWarning)> {
        let word = words.next().unwrap_or_default();
        if let Some(path) = self.home_path(word) {
            return self.of_program(&path, look(&path)?).map(|warning| (0, warning));
        }
        let program = of_image(word).unwrap_or(word);
        if let Some(program) = self.interpreter_of(program) {
            return Some((0, JobFileWarning::Program { program, image: self.image.clone() }));
        }
        let path =
            words.next().filter(|_| is_interpreter(program)).and_then(|word| self.script_path(word))?;
        of_script(&path, &look(&path)?).map(|warning| (1, warning))
    }

    /// Returns a path of a command relative to the tool's home; `None` if it is another one, or if a shell has to expand it.
    fn home_path(&self, word: &str) -> Option<String> {
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
        let path = if word.contains('/') { word.to_owned() } else { format!("./{word}") };
        self.home_path(&path).filter(|_| is_script)
    }

    fn of_program(&self, path: &str, facts: FileFacts) -> Option<JobFileWarning> {
        let path = Untrusted::new(path);
        let first_line = match facts {
            FileFacts::Missing => return Some(JobFileWarning::Missing { path }),
            FileFacts::Directory => return Some(JobFileWarning::Directory { path }),
            FileFacts::File { is_executable: false, .. } => {
                return Some(JobFileWarning::NotExecutable { path });
            }
            FileFacts::File { is_executable: true, first_line } => first_line,
        };
        let line = String::from_utf8(first_line.strip_prefix(b"#!")?.to_vec()).ok()?;
        if line.ends_with('\r') {
            return Some(JobFileWarning::WindowsLineEnds { path });
        }
        let mut words = line.split_whitespace();
        // One in the tool's home is not the image's.
        let program = of_image(words.next()?)?;
        let program = if program == "env" { words.find(|word| !word.starts_with('-'))? } else { program };
        let interpreter = self.interpreter_of(program)?;
        Some(JobFileWarning::Interpreter { path, interpreter, image: self.image.clone() })
    }

    /// Returns an interpreter that the image does not contain; `None` if it may contain it, or nothing is known.
    fn interpreter_of(&self, program: &str) -> Option<Untrusted> {
        let JobImage::Type(image) = self.image else { return None };
        lacks_program(image, program).then(|| Untrusted::new(program))
    }
}

/// Returns the directory of a log file, relative to the tool's home; `None` for the home itself and for other places.
fn log_directory<'a>(request: &JobRequest, path: &'a LogPath) -> Option<&'a str> {
    let home = request.tool.home();
    let relative = path.as_str().strip_prefix(home.as_str())?.strip_prefix('/')?;
    let (directory, _) = relative.rsplit_once('/')?;
    (!directory.split('/').any(|part| part == "..")).then_some(directory)
}

/// Returns the name of a program of the image: `php` of `/usr/bin/php`.
fn of_image(path: &str) -> Option<&str> {
    ["/usr/bin/", "/bin/", "/usr/local/bin/"].iter().find_map(|directory| path.strip_prefix(directory))
}

/// Returns what is wrong with a script whose interpreter is named: it needs no permission, and a shell reads line ends.
fn of_script(path: &str, facts: &FileFacts) -> Option<JobFileWarning> {
    let path = Untrusted::new(path);
    match facts {
        FileFacts::Missing => Some(JobFileWarning::Missing { path }),
        FileFacts::Directory => Some(JobFileWarning::Directory { path }),
        FileFacts::File { .. } => None,
    }
}

/// Returns whether a word of a command names an interpreter.
pub(crate) fn is_interpreter(word: &str) -> bool {
    let family = word.trim_end_matches(|character: char| character.is_ascii_digit() || character == '.');
    ["bash", "node", "perl", "php", "python", "ruby", "sh", "tclsh"].contains(&family)
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
            (file(true, "#!/bin/sh\r"), "run.sh has Windows line ends, so its interpreter is not found"),
            (
                file(true, "#!/usr/bin/env -S node --trace-warnings"),
                "run.sh needs node, which image bookworm does not contain",
            ),
            (file(true, "#!/usr/bin/php8.2"), "run.sh needs php8.2, which image bookworm does not contain"),
        ] {
            assert_eq!(warnings("./run.sh --fast", "", &[("run.sh", facts)]), [expected]);
        }
        for line in [
            "#!/bin/sh",
            "#!/bin/bash -e",
            "#!/usr/bin/perl",
            "#!/data/project/x/venv/bin/python",
            "",
            "\u{7f}ELF",
            "#!",
        ] {
            assert_eq!(warnings("./run.sh", "", &[("run.sh", file(true, line))]), [""; 0], "{line}");
        }
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
        for other in [
            "python3 -m venv x.py",
            "python3 -u daily.py",
            "python3 daily",
            "cat daily.py",
            "python3 /x/a.py",
        ] {
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
        for other in ["ls", "cd x && ./run", "/usr/bin/env x", "'./$NAME'", "../y/run", "A=1 ./run", "~y/run"]
        {
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
