//! What is wrong with the files that a job's command and its logs need in the tool's home.

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
    #[error("{0} is not executable; `chmod +x {0}` changes that", path.escaped())]
    NotExecutable {
        /// The path, relative to the home.
        path: Untrusted,
    },
    /// The first line ends with a carriage return, which becomes part of the interpreter's name.
    #[error("{0} has Windows line ends, so its interpreter is not found; `sed -i 's/\\r$//' {0}` removes them", path.escaped())]
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
    /// The directory of a log file does not exist, so the job cannot start.
    #[error("the directory of its log file {0} does not exist, so it cannot start; `mkdir -p \"$(dirname {0})\"` creates it", path.escaped())]
    LogDirectory {
        /// The path of the log file.
        path: Untrusted,
    },
}

/// Languages with images of their own (the platform's image types, 2026).
const LANGUAGES: [&str; 4] = ["node", "php", "ruby", "tclsh"];

/// Returns what is wrong with the program and the log files of a job. `look` returns what is known of a path relative to the
/// tool's home, and `None` if it cannot be looked at.
#[must_use]
pub fn job_file_warnings(
    request: &JobRequest,
    look: impl Fn(&str) -> Option<FileFacts>,
) -> Vec<JobFileWarning> {
    let mut warnings: Vec<JobFileWarning> = Vec::new();
    if let Some(path) = program(request)
        && let Some(facts) = look(&path)
    {
        warnings.extend(of_program(request, &path, facts));
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

/// Returns the path of the program relative to the tool's home; `None` if it is another one, or if a shell has to expand it.
fn program(request: &JobRequest) -> Option<String> {
    let words = split_words(&request.command).ok()?;
    let word = words.first()?.trim_end_matches([';', '&']);
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
    let mut words = line.split_whitespace().map(|word| word.rsplit('/').next().unwrap_or(word));
    let program = words.next()?;
    let interpreter = if program == "env" { words.find(|word| !word.starts_with('-'))? } else { program };
    let JobImage::Type(image) = &request.image else { return None };
    let language = LANGUAGES.iter().find(|language| interpreter.starts_with(**language))?;
    let family = language.strip_suffix("sh").unwrap_or(language);
    let is_of_family = image.as_str().trim_start_matches("tf-").starts_with(family);
    (!is_of_family).then(|| JobFileWarning::Interpreter {
        path,
        interpreter: Untrusted::new(interpreter),
        image: request.image.clone(),
    })
}

#[cfg(test)]
mod tests {
    use toolforge_model::JobsFile;

    use super::*;

    fn warnings(command: &str, more: &str, found: &[(&str, FileFacts)]) -> Vec<String> {
        let yaml = format!("- name: a\n  image: bookworm\n  command: {command}\n{more}");
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
            (file(false, "#!/bin/sh"), "run.sh is not executable; `chmod +x run.sh` changes that"),
            (
                file(true, "#!/bin/sh\r"),
                "run.sh has Windows line ends, so its interpreter is not found; `sed -i 's/\\r$//' run.sh` removes them",
            ),
            (
                file(true, "#!/usr/bin/env -S node --trace-warnings"),
                "run.sh needs node, which image bookworm does not contain",
            ),
            (file(true, "#!/usr/bin/php8.2"), "run.sh needs php8.2, which image bookworm does not contain"),
        ] {
            assert_eq!(warnings("./run.sh --fast", "", &[("run.sh", facts)]), [expected]);
        }
        for line in ["#!/bin/sh", "#!/usr/bin/env python3", "", "\u{7f}ELF", "#!"] {
            assert_eq!(warnings("./run.sh", "", &[("run.sh", file(true, line))]), [""; 0], "{line}");
        }
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
            [
                "the directory of its log file /data/project/x/nologs/a.out does not exist, so it cannot start; \
              `mkdir -p \"$(dirname /data/project/x/nologs/a.out)\"` creates it"
            ]
        );
        assert_eq!(warnings("ls", logs, &[("nologs", FileFacts::Directory)]), [""; 0]);
        assert_eq!(warnings("ls", "  filelog-stdout: /dev/null\n  filelog-stderr: a.err\n", &[]), [""; 0]);
    }
}
