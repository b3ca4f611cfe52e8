//! What is wrong with the files that a job's command and its logs need in the tool's home.

use toolforge_images::lacks_program;
use toolforge_model::{JobImage, JobRequest, LogPath, Untrusted, split_words};

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
    #[error("it needs {}, which image {image} does not contain", program.escaped())]
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

/// Returns what is wrong with the program and the log files of a job. `look` returns what is known of a path relative to the
/// tool's home, and `None` if it cannot be looked at.
#[must_use]
pub fn job_file_warnings(
    request: &JobRequest,
    look: impl Fn(&str) -> Option<FileFacts>,
) -> Vec<JobFileWarning> {
    let mut warnings: Vec<JobFileWarning> = Vec::new();
    let words = split_words(&request.command).unwrap_or_default();
    let mut words = words.iter().map(|word| word.trim_end_matches([';', '&']));
    let program = words.next().unwrap_or_default();
    if let Some(path) = home_path(request, program) {
        warnings.extend(look(&path).and_then(|facts| of_program(request, &path, facts)));
    } else if let Some(interpreter) = interpreter_of(request, program) {
        warnings.push(JobFileWarning::Program { program: interpreter, image: request.image.clone() });
    } else if is_interpreter(program)
        && let Some(path) = words.next().and_then(|word| script_path(request, word))
    {
        warnings.extend(look(&path).and_then(|facts| of_script(&path, &facts)));
    }
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

/// Returns the directory of a log file, relative to the tool's home; `None` for the home itself and for other places.
fn log_directory<'a>(request: &JobRequest, path: &'a LogPath) -> Option<&'a str> {
    let home = request.tool.home();
    let relative = path.as_str().strip_prefix(home.as_str())?.strip_prefix('/')?;
    let (directory, _) = relative.rsplit_once('/')?;
    (!directory.split('/').any(|part| part == "..")).then_some(directory)
}

/// Returns a path of a command relative to the tool's home; `None` if it is another one, or if a shell has to expand it.
fn home_path(request: &JobRequest, word: &str) -> Option<String> {
    let home = request.tool.home();
    let with_slash = format!("{home}/");
    let of_home = ["~/", "$HOME/", "${HOME}/", with_slash.as_str()];
    let relative = match of_home.iter().find_map(|prefix| word.strip_prefix(prefix)) {
        // A build service image has another home and another working directory.
        Some(_) if request.image.is_build_service() && !word.starts_with('/') => return None,
        Some(relative) => relative,
        None if request.image.is_build_service() || word.starts_with('/') || !word.contains('/') => {
            return None;
        }
        None => word.strip_prefix("./").unwrap_or(word),
    };
    let is_literal = |character: char| character.is_alphanumeric() || "/._-+,@".contains(character);
    let is_plain = relative.chars().all(is_literal) && !relative.split('/').any(|part| part == "..");
    (is_plain && !relative.is_empty()).then(|| relative.to_owned())
}

/// Returns the path of a script that an interpreter reads: `jobs/daily.py`, or `daily.py` in the home.
fn script_path(request: &JobRequest, word: &str) -> Option<String> {
    let is_script = word.rsplit_once('.').is_some_and(|(name, extension)| {
        !name.is_empty() && ["js", "php", "pl", "py", "rb", "sh", "tcl"].contains(&extension)
    });
    let path = if word.contains('/') { word.to_owned() } else { format!("./{word}") };
    home_path(request, &path).filter(|_| is_script)
}

fn of_program(request: &JobRequest, path: &str, facts: FileFacts) -> Option<JobFileWarning> {
    let path = Untrusted::new(path);
    let first_line = match facts {
        FileFacts::Missing => return Some(JobFileWarning::Missing { path }),
        FileFacts::Directory => return Some(JobFileWarning::Directory { path }),
        FileFacts::File { is_executable: false, .. } => return Some(JobFileWarning::NotExecutable { path }),
        FileFacts::File { is_executable: true, first_line } => first_line,
    };
    let line = String::from_utf8(first_line.strip_prefix(b"#!")?.to_vec()).ok()?;
    if line.ends_with('\r') {
        return Some(JobFileWarning::WindowsLineEnds { path });
    }
    let mut words = line.split_whitespace();
    let program = words.next()?;
    // One in the tool's home is not the image's.
    let program = ["/usr/bin/", "/bin/", "/usr/local/bin/"].iter().find_map(|at| program.strip_prefix(at))?;
    let program = if program == "env" { words.find(|word| !word.starts_with('-'))? } else { program };
    let interpreter = interpreter_of(request, program)?;
    Some(JobFileWarning::Interpreter { path, interpreter, image: request.image.clone() })
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
fn is_interpreter(word: &str) -> bool {
    let family = word.trim_end_matches(|character: char| character.is_ascii_digit() || character == '.');
    ["bash", "node", "perl", "php", "python", "ruby", "sh", "tclsh"].contains(&family)
}

/// Returns an interpreter that the job's image does not contain; `None` if it may contain it, or nothing is known.
fn interpreter_of(request: &JobRequest, program: &str) -> Option<Untrusted> {
    let JobImage::Type(image) = &request.image else { return None };
    lacks_program(image, program).then(|| Untrusted::new(program))
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
            warnings("php daily.php", python, &[]),
            ["it needs php, which image python3.11 does not contain"]
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
