//! Crontabs, and command lines of `jsub` and its relatives (Grid Engine, until 2024).

use std::ops::Range;

use toolforge_model::{
    Emails, Environment, JobOptions, Location, LogPath, Memory, Schedule, Untrusted, split_words,
};

use crate::convert::loss::Carried;
use crate::convert::{ConversionNote, Converter};

/// The programs that submit a job.
const SUBMITTERS: [&str; 4] = ["jsub", "jstart", "qsub", "qcronsub"];

/// The programs of the bastions that crontabs run and that no image has.
const MISSING_PROGRAMS: [&str; 11] = [
    "jlocal",
    "webservice",
    "toolforge",
    "toolforge-jobs",
    "become",
    "kubectl",
    "qstat",
    "qdel",
    "qacct",
    "jstop",
    "crontab",
];

/// The options of `jsub` that take no value and mean nothing for a job here.
const IGNORED: [&str; 6] = ["-quiet", "-once", "-stderr", "-V", "-cwd", "-b"];

impl Converter<'_> {
    /// Returns whether a text is a crontab or consists of `jsub` lines.
    #[must_use]
    pub fn is_lines(text: &str) -> bool {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let first = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
        first.is_some_and(|line| {
            assignment(line).is_some() || scheduled(line).is_some() || submitter(line).is_some()
        })
    }

    /// Adds the jobs of a crontab, or of `jsub` lines. Assignments apply to the lines after them.
    pub fn add_lines(&mut self, text: &str) {
        let mut environment = Environment::default();
        let mut emails = None;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            let location = Location { line: index as u64 + 1, column: 1 };
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some((name, value)) = assignment(line) {
                match name {
                    "MAILTO" => {
                        emails = Some(if value.is_empty() { Emails::None } else { Emails::OnFailure });
                    }
                    "SHELL" | "PATH" | "HOME" | "LOGNAME" | "USER" | "CRON_TZ" => {
                        self.leave(line, format!("jobs have their own {name}; the clock is UTC"), location);
                    }
                    _ => {
                        if let Err(error) = environment.set(name, value) {
                            self.leave(line, error.to_string(), location);
                        }
                    }
                }
                continue;
            }
            let (schedule, command) = match scheduled(line) {
                Some((schedule, command)) => (Some(schedule), command),
                None if submitter(line).is_some() => (None, line.to_owned()),
                None => {
                    let reason = "expected five fields of cron and a command, or jsub and a command";
                    self.leave(line, reason, location);
                    continue;
                }
            };
            self.add_line(line, schedule, &command, (&environment, emails), location);
        }
    }

    fn add_line(
        &mut self,
        line: &str,
        schedule: Option<String>,
        command: &str,
        (environment, emails): (&Environment, Option<Emails>),
        location: Location,
    ) {
        if schedule.as_deref() == Some("@reboot") {
            self.leave(line, "there is no reboot; a job with `continuous: true` always runs", location);
            return;
        }
        if let Some(schedule) = &schedule
            && let Err(error) = Schedule::parse(schedule, &self.namespace.tool, &self.unnamed())
        {
            self.leave(line, error.to_string(), location);
            return;
        }
        let mut notes = Vec::new();
        let (command, input) = percent_signs(command);
        notes.extend(input.map(|text| ConversionNote::Input { text: Untrusted::new(text) }));
        let submitted = match submitter(&command).map(|_| Submitted::parse(&command)) {
            Some(Ok(submitted)) => submitted,
            Some(Err(error)) => {
                self.leave(line, error, location);
                return;
            }
            None if runs_submitter(&command) => {
                let reason = "it runs jsub among other commands; write a line that begins with jsub";
                self.leave(line, reason, location);
                return;
            }
            None => Submitted { command, ..Submitted::default() },
        };
        notes.extend(submitted.notes);
        notes.extend(
            missing_program(&submitted.command)
                .map(|program| ConversionNote::MissingProgram { program: Untrusted::new(program) }),
        );
        let program = submitted.command.split_whitespace().next().unwrap_or_default().to_owned();
        let script = script_of(&submitted.command);
        let Some((image, note)) = self.image_for(script) else {
            self.leave(line, "the catalog has no image for it", location);
            return;
        };
        notes.extend(note);
        if submitted.is_continuous && schedule.is_some() {
            // The line started the job again each time; without the schedule, it would be a continuous job.
            notes.push(ConversionNote::Option { option: Untrusted::new("-continuous") });
        }
        let stem = program.rsplit('/').next().unwrap_or_default().split('.').next().unwrap_or_default();
        let script_stem = script.rsplit('/').next().unwrap_or_default().split('.').next().unwrap_or_default();
        let wanted =
            submitted.name.as_deref().unwrap_or(if script_stem.is_empty() { stem } else { script_stem });
        let name = self.unique_name(wanted);
        if submitted.name.as_deref().is_some_and(|wanted| wanted != name.as_str()) {
            notes.push(ConversionNote::Renamed { from: Untrusted::new(wanted) });
        }
        let options = JobOptions {
            name: Some(name),
            command: Some(submitted.command),
            image: Some(image),
            is_continuous: submitted.is_continuous && schedule.is_none(),
            schedule,
            memory: submitted.memory,
            file_log_stdout: submitted.stdout,
            file_log_stderr: submitted.stderr,
            emails,
            environment: environment.clone(),
            ..JobOptions::default()
        };
        self.add(options, (notes, Carried::default()), line, location);
    }

    /// Returns a name for the check of a schedule.
    fn unnamed(&self) -> toolforge_model::JobName {
        let mut other = Converter::new(self.namespace, None);
        other.unique_name("job")
    }
}

/// Returns the name and the value of an assignment like `MAILTO=""`.
fn assignment(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once('=')?;
    let name = name.trim_end();
    let is_name = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.chars().all(|character| character.is_ascii_alphanumeric() || character == '_');
    let value = value.trim();
    let unquoted = |quote| value.strip_prefix(quote)?.strip_suffix(quote);
    is_name.then(|| (name, unquoted('"').or_else(|| unquoted('\'')).unwrap_or(value)))
}

/// Returns the schedule and the command of a line of a crontab.
fn scheduled(line: &str) -> Option<(String, String)> {
    let fields = if line.starts_with('@') { 1 } else { 5 };
    let mut rest = line;
    let mut schedule = Vec::new();
    for _ in 0..fields {
        let (field, after) = rest.split_once(char::is_whitespace)?;
        schedule.push(field);
        rest = after.trim_start();
    }
    let is_field = |field: &str| {
        let starts = |first: char| first.is_ascii_alphanumeric() || "*?".contains(first);
        field.starts_with(starts)
            && field
                .chars()
                .all(|character| character.is_ascii_alphanumeric() || "*/,-?#".contains(character))
    };
    let is_minute = |field: &&str| field.starts_with(|first: char| first.is_ascii_digit() || first == '*');
    let is_schedule = fields == 1
        || (schedule.iter().all(|field| is_field(field)) && schedule.first().is_some_and(is_minute));
    (is_schedule && !rest.is_empty()).then(|| (schedule.join(" "), rest.to_owned()))
}

/// Returns the program that submits a job, if the line runs one.
fn submitter(command: &str) -> Option<&'static str> {
    let program = command.split_whitespace().next()?.rsplit('/').next()?;
    SUBMITTERS.into_iter().find(|submitter| *submitter == program)
}

/// Returns the program of a bastion that a command runs, and that no image has.
fn missing_program(command: &str) -> Option<&'static str> {
    let is_before =
        |word: &&str| word.contains('=') || matches!(*word, "env" | "exec" | "nice" | "nohup" | "time");
    command.split([';', '&', '|', '(', '`']).find_map(|part| {
        let program = part.split_whitespace().find(|word| !is_before(word))?;
        let name = program.rsplit('/').next().unwrap_or_default();
        MISSING_PROGRAMS.into_iter().find(|program| *program == name)
    })
}

/// Returns a command of a crontab without its escapes, and its input: a `%` that is not escaped ends the command.
fn percent_signs(command: &str) -> (String, Option<&str>) {
    let mut escaped = false;
    for (index, character) in command.char_indices() {
        if character == '%' && !escaped {
            return (command[..index].trim_end().replace("\\%", "%"), Some(&command[index + 1..]));
        }
        escaped = character == '\\';
    }
    (command.replace("\\%", "%"), None)
}

/// Returns the script of a command, or its program: the first word that is neither an interpreter nor an option.
fn script_of(command: &str) -> &str {
    let interpreters =
        ["python", "php", "node", "perl", "ruby", "bash", "sh", "tclsh", "java", "env", "cd", "exec"];
    let mut words = command.split_whitespace().filter(|word| !word.starts_with('-') && !word.contains('='));
    let first = words.next().unwrap_or_default();
    let name = first.rsplit('/').next().unwrap_or_default();
    let is_interpreter = interpreters.iter().any(|interpreter| {
        name.strip_prefix(interpreter)
            .is_some_and(|version| version.chars().all(|c| c.is_ascii_digit() || c == '.'))
    });
    match words.next() {
        // The ending of the script says the language; without one, the interpreter does.
        Some(script)
            if is_interpreter && script.rsplit('/').next().is_some_and(|name| name.contains('.')) =>
        {
            script
        }
        _ => first,
    }
}

/// What a line of `jsub` submits.
#[derive(Debug, Default)]
struct Submitted {
    command: String,
    name: Option<String>,
    memory: Option<Memory>,
    stdout: Option<LogPath>,
    stderr: Option<LogPath>,
    is_continuous: bool,
    notes: Vec<ConversionNote>,
}

impl Submitted {
    fn parse(line: &str) -> Result<Self, String> {
        let words = shell_words(line)?;
        // The job's shell gets the rest as it is written. Redirections belong to jsub itself, not to the job.
        let text = |range: &Range<usize>| line.get(range.clone()).unwrap_or_default();
        let unquoted = |range: &Range<usize>| {
            let words = split_words(text(range)).map_err(|error| error.to_string())?;
            Ok::<_, String>(words.concat())
        };
        let mut submitted = Self { is_continuous: submitter(line) == Some("jstart"), ..Self::default() };
        let mut words = words.iter().skip(1).take_while(|range| !is_redirection(text(range))).peekable();
        while let Some(range) = words.next_if(|range| text(range).starts_with('-')) {
            let option = unquoted(range)?;
            let mut value = || match words.next() {
                Some(range) => unquoted(range),
                None => Err(format!("{option} has no value")),
            };
            match option.as_str() {
                "-continuous" => submitted.is_continuous = true,
                "-N" => submitted.name = Some(value()?),
                "-mem" => submitted.memory = Some(memory(&value()?)?),
                "-l" => {
                    let resources = value()?;
                    for resource in resources.split(',') {
                        match resource.split_once('=') {
                            Some(("h_vmem" | "mem" | "virtual_free", amount)) => {
                                submitted.memory = Some(memory(amount)?);
                            }
                            _ => submitted.note(format!("-l {resource}")),
                        }
                    }
                }
                "-o" => submitted.stdout = Some(log_path(&value()?)?),
                "-e" => submitted.stderr = Some(log_path(&value()?)?),
                "-b" => {
                    value()?;
                }
                "-q" | "-umask" | "-sync" | "-j" | "-i" | "-M" | "-m" | "-release" | "-P" | "-p" | "-S" => {
                    let value = value()?;
                    submitted.note(format!("{option} {value}"));
                }
                known if IGNORED.contains(&known) => {}
                // Whether its value is the next word is not known.
                _ => return Err(format!("{option} cannot be converted")),
            }
        }
        let command: Vec<&Range<usize>> = words.collect();
        let (Some(first), Some(last)) = (command.first(), command.last()) else {
            return Err("no command follows the options".to_owned());
        };
        submitted.command = match command.as_slice() {
            // One word with spaces is a command line.
            [one] => unquoted(one)?,
            _ => text(&(first.start..last.end)).to_owned(),
        };
        Ok(submitted)
    }

    fn note(&mut self, option: String) {
        self.notes.push(ConversionNote::Option { option: Untrusted::new(option) });
    }
}

/// Returns whether a line of a shell runs `jsub` or one of its relatives after another command or an assignment.
fn runs_submitter(command: &str) -> bool {
    let mut words =
        command.split(|character: char| character.is_whitespace() || ";&|()`'\"".contains(character));
    words.any(|word| submitter(word).is_some())
}

/// Returns the places of the words of a line that a shell runs as one command.
fn shell_words(line: &str) -> Result<Vec<Range<usize>>, String> {
    split_words(line).map_err(|error| error.to_string())?;
    let mut words = Vec::new();
    let (mut start, mut quote, mut is_escaped, mut before) = (None, None, false, ' ');
    for (index, character) in line.char_indices() {
        let is_plain = quote.is_none() && !is_escaped;
        let next = line[index + character.len_utf8()..].chars().next();
        match character {
            ' ' | '\t' if is_plain => words.extend(start.take().map(|start| start..index)),
            // `2>&1` and `&>` redirect.
            '&' if is_plain && (matches!(before, '<' | '>') || next == Some('>')) => {}
            ';' | '&' | '|' | '(' | ')' | '`' if is_plain => {
                return Err(format!("it runs several commands ({character}); write a line with jsub alone"));
            }
            '\'' | '"' if is_plain => quote = Some(character),
            found if quote == Some(found) && !is_escaped => quote = None,
            _ => {}
        }
        if !(is_plain && matches!(character, ' ' | '\t')) {
            start.get_or_insert(index);
        }
        is_escaped = character == '\\' && !is_escaped && quote != Some('\'');
        before = character;
    }
    words.extend(start.map(|start| start..line.len()));
    Ok(words)
}

fn is_redirection(word: &str) -> bool {
    let rest = word.trim_start_matches(|character: char| character.is_ascii_digit() || character == '&');
    rest.starts_with(['>', '<'])
}

/// Parses an amount like Grid Engine: `512m`, `1G`, or a number of bytes.
fn memory(text: &str) -> Result<Memory, String> {
    let unit = match text.trim_end_matches(|character: char| character.is_ascii_alphabetic()) {
        digits if digits.len() == text.len() => {
            return Memory::parse_quantity(text).map_err(|error| error.to_string());
        }
        digits => (digits, text[digits.len()..].to_ascii_lowercase()),
    };
    let suffix = match unit.1.as_str() {
        "k" | "kb" => "Ki",
        "m" | "mb" => "Mi",
        "g" | "gb" => "Gi",
        _ => return Err(format!("{text} is not an amount of memory, such as 512m or 1g")),
    };
    format!("{}{suffix}", unit.0).parse().map_err(|error: toolforge_model::QuantityError| error.to_string())
}

fn log_path(text: &str) -> Result<LogPath, String> {
    text.parse().map_err(|error: toolforge_model::JobValueError| error.to_string())
}
