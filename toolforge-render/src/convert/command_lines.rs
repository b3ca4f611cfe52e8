//! Crontabs, and command lines of `jsub` and its relatives (Grid Engine, until 2024).

use std::borrow::Cow;
use std::ops::Range;

use toolforge_model::crontab::{CrontabAssignment, CrontabEntry, runs_submitter, submitter};
use toolforge_model::{
    Emails, Environment, JobName, JobOptions, Location, LogPath, Memory, Schedule, Untrusted, split_words,
};

use crate::convert::conversion::ConvertedFields;
use crate::convert::shell_program::{missing_program, runs_in_background, script_of, words, work_of};
use crate::convert::{ConversionNote, Converter};
use crate::secret::without_secrets_in_text;

/// The options of `jsub` that take no value and whose loss changes nothing: the first two affect what `jsub` itself prints, and
/// a job never runs twice at the same time.
const IGNORED: [&str; 3] = ["-quiet", "-stderr", "-once"];

/// The macros of a crontab, the platform's macro for each, and when cron runs it (Debian's cron 3.0).
const MACROS: [(&str, &str, &str); 7] = [
    ("@hourly", "@hourly", "0 * * * *"),
    ("@daily", "@daily", "0 0 * * *"),
    ("@midnight", "@daily", "0 0 * * *"),
    ("@weekly", "@weekly", "0 0 * * 0"),
    ("@monthly", "@monthly", "0 0 1 * *"),
    ("@yearly", "@yearly", "0 0 1 1 *"),
    ("@annually", "@yearly", "0 0 1 1 *"),
];

const JSUB_AMONG_OTHERS: &str = "it runs jsub among other commands; write a line that begins with jsub";

/// What the assignments before a line set for it.
#[derive(Debug, Default)]
struct Assigned {
    environment: Environment,
    /// The address that cron mails the output to; an empty text means nobody.
    mail_to: Option<String>,
}

impl Converter<'_> {
    /// Adds the jobs of a crontab, or of `jsub` lines. Assignments apply to the lines after them.
    pub fn add_lines(&mut self, text: &str) {
        let mut assigned = Assigned::default();
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let is_crontab = text.lines().any(|line| CrontabEntry::parse(line.trim()).is_some());
        for (number, line) in shell_lines(text, is_crontab) {
            let line = line.trim();
            let location = Location { line: number, column: 1 };
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let assignment = CrontabAssignment::parse(line);
            if let Some(assignment) = assignment.filter(|found| !is_of_command(found, is_crontab)) {
                self.assign(&assignment, &mut assigned, line, location);
                continue;
            }
            let (schedule, command) = match CrontabEntry::parse(line) {
                Some(CrontabEntry { schedule, command, .. }) => (Some(schedule), command),
                None if submitter(line).is_some() => (None, line),
                None if runs_submitter(line) => {
                    self.leave(line, JSUB_AMONG_OTHERS, location);
                    continue;
                }
                None => {
                    let reason = "expected five fields of cron and a command, or jsub and a command";
                    self.leave(line, reason, location);
                    continue;
                }
            };
            self.add_line(line, schedule, command, &assigned, location);
        }
    }

    fn assign(
        &mut self,
        assignment: &CrontabAssignment<'_>,
        assigned: &mut Assigned,
        line: &str,
        location: Location,
    ) {
        let CrontabAssignment { name, value, .. } = *assignment;
        match name {
            "MAILTO" => assigned.mail_to = Some(value.to_owned()),
            // These are cron's values, too.
            "SHELL" if matches!(value, "/bin/sh" | "sh") => {}
            "HOME" if value.trim_end_matches('/') == self.namespace.tool.home() => {}
            "CRON_TZ" if matches!(value, "UTC" | "Etc/UTC") => {}
            "SHELL" => self.leave(line, "/bin/sh runs the commands of jobs", location),
            "CRON_TZ" => {
                let reason = "the schedules of jobs are in UTC; change the times of the lines after it";
                self.leave(line, reason, location);
            }
            "PATH" | "HOME" | "LOGNAME" | "USER" => {
                self.leave(line, format!("the platform sets {name} of each job"), location);
            }
            _ => {
                if let Err(error) = assigned.environment.set(name, value) {
                    self.leave(line, error.to_string(), location);
                }
            }
        }
    }

    fn add_line(
        &mut self,
        line: &str,
        schedule: Option<String>,
        command: &str,
        assigned: &Assigned,
        location: Location,
    ) {
        if schedule.as_deref() == Some("@reboot") {
            self.leave(line, "there is no reboot; a job with `continuous: true` always runs", location);
            return;
        }
        let of_macro = MACROS.into_iter().find(|(of_cron, ..)| schedule.as_deref() == Some(*of_cron));
        let schedule = of_macro.map(|(_, of_platform, _)| of_platform.to_owned()).or(schedule);
        if let Some(schedule) = &schedule
            && let Err(error) = Schedule::parse(schedule, &self.namespace.tool, &self.unnamed())
        {
            self.leave(line, error.to_string(), location);
            return;
        }
        let mut notes = Vec::new();
        notes.extend(schedule.as_deref().and_then(other_days));
        let (command, input) = percent_signs(command);
        notes.extend(input.map(|text| ConversionNote::Input { text: shown(text) }));
        let mut submitted = match submitter(&command).map(|_| Submitted::parse(&command)) {
            Some(Ok(submitted)) => submitted,
            Some(Err(error)) => {
                self.leave(line, error, location);
                return;
            }
            None if runs_submitter(&command) => {
                self.leave(line, JSUB_AMONG_OTHERS, location);
                return;
            }
            None => Submitted { command, ..Submitted::default() },
        };
        notes.append(&mut submitted.notes);
        // cron runs its commands in the home, as the platform does.
        if submitted.is_in_current_directory && schedule.is_none() {
            notes.push(ConversionNote::WorkingDirectory);
        }
        notes.extend(
            missing_program(&submitted.command)
                .map(|program| ConversionNote::MissingProgram { program: Untrusted::new(program) }),
        );
        if runs_in_background(&submitted.command) {
            notes.push(ConversionNote::Background);
        }
        let work = work_of(&submitted.command);
        let program = words(work).next().unwrap_or_default().to_owned();
        let script = script_of(work);
        let Some((image, note)) = self.image_for(script) else {
            self.leave(line, "the catalog has no image for it", location);
            return;
        };
        notes.extend(note);
        if submitted.is_continuous && schedule.is_some() {
            // The line started the job again each time; without the schedule, it would be a continuous job.
            let option = if submitted.is_jstart { "jstart" } else { "-continuous" };
            notes.push(ConversionNote::Option { option: Untrusted::new(option) });
        }
        let stem = program.rsplit('/').next().unwrap_or_default().split('.').next().unwrap_or_default();
        let script_stem = script.rsplit('/').next().unwrap_or_default().split('.').next().unwrap_or_default();
        let wanted =
            submitted.name.as_deref().unwrap_or(if script_stem.is_empty() { stem } else { script_stem });
        let name = self.unique_name(wanted);
        if submitted.name.as_deref().is_some_and(|wanted| wanted != name.as_str()) {
            notes.push(ConversionNote::Renamed { from: Untrusted::new(wanted) });
        }
        if let (Some((of_cron, of_platform, before)), tool) = (of_macro, &self.namespace.tool)
            && let Ok(schedule) = Schedule::parse(of_platform, tool, &name)
        {
            let after = schedule.expression().clone();
            notes.push(ConversionNote::MacroTime { of_cron, before, after: Box::new(after) });
        }
        let emails = assigned.mail_to.as_deref().map(|address| match address {
            "" => Emails::None,
            address => {
                notes.push(ConversionNote::MailTo { address: Untrusted::new(address) });
                Emails::OnFailure
            }
        });
        let home = self.namespace.tool.home();
        let mut log_file = |file: Option<GridLog>, ending| {
            file.and_then(|file| file.path(&home, &format!("{name}.{ending}"), &name, &mut notes))
        };
        let file_log_stdout = log_file(submitted.stdout, "out");
        let file_log_stderr = log_file(submitted.stderr, "err");
        let options = JobOptions {
            name: Some(name),
            command: Some(submitted.command),
            image: Some(image),
            is_continuous: submitted.is_continuous && schedule.is_none(),
            schedule,
            memory: submitted.memory,
            file_log_stdout,
            file_log_stderr,
            emails,
            environment: assigned.environment.clone(),
            ..JobOptions::default()
        };
        self.add(options, ConvertedFields { notes, ..ConvertedFields::default() }, line, location);
    }

    /// Returns a name for the check of a schedule.
    fn unnamed(&self) -> toolforge_model::JobName {
        let mut other = Converter::new(self.namespace, None);
        other.unique_name("job")
    }
}

/// Returns whether an assignment belongs to one command, as in `LANG=C jsub ./a.sh`: cron reads the whole line as the value,
/// but a shell only its first word.
fn is_of_command(assignment: &CrontabAssignment<'_>, is_crontab: bool) -> bool {
    let has_words = !assignment.is_quoted && assignment.value.contains(char::is_whitespace);
    has_words && (!is_crontab || runs_submitter(assignment.value))
}

fn shown(text: &str) -> Untrusted {
    Untrusted::new(without_secrets_in_text("", text))
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

/// Returns the lines of a text with their numbers, from 1. Except in a crontab, a backslash at the end of a line joins the next
/// one to it, as in a shell.
fn shell_lines(text: &str, is_crontab: bool) -> Vec<(u64, Cow<'_, str>)> {
    let mut found: Vec<(u64, Cow<'_, str>)> = Vec::new();
    let mut is_open = false;
    for (number, line) in (1..).zip(text.lines()) {
        let is_comment = !is_open && line.trim_start().starts_with('#');
        let backslashes = line.len() - line.trim_end_matches('\\').len();
        let is_continued = !is_crontab && !is_comment && backslashes % 2 == 1;
        let part = if is_continued { &line[..line.len() - 1] } else { line };
        match found.last_mut().filter(|_| is_open) {
            Some((_, before)) => before.to_mut().push_str(part),
            None => found.push((number, Cow::Borrowed(part))),
        }
        is_open = is_continued;
    }
    found
}

/// Returns the note about a schedule whose day fields cron combines differently from the controller (Debian's cron 3.0).
fn other_days(schedule: &str) -> Option<ConversionNote> {
    let fields: Vec<&str> = schedule.split(' ').collect();
    let [_, _, of_month, _, of_week] = fields.as_slice() else { return None };
    // If one of the two is a star, days have to match both.
    let are_both_in_cron = of_month.starts_with('*') || of_week.starts_with('*');
    let is_star = |field: &str| field.split(',').any(|part| matches!(part, "*" | "?" | "*/1"));
    let are_both = is_star(of_month) || is_star(of_week);
    (are_both != are_both_in_cron).then_some(ConversionNote::DayFields { are_both_in_cron })
}

/// What a line of `jsub` submits.
#[derive(Debug, Default)]
struct Submitted {
    command: String,
    name: Option<String>,
    memory: Option<Memory>,
    stdout: Option<GridLog>,
    stderr: Option<GridLog>,
    is_continuous: bool,
    /// Whether it is continuous because of the program that submits it.
    is_jstart: bool,
    /// Whether it runs in the directory from which it was submitted, not in the home directory.
    is_in_current_directory: bool,
    notes: Vec<ConversionNote>,
}

impl Submitted {
    fn parse(line: &str) -> Result<Self, String> {
        let words = shell_words(line)?;
        // The job's shell gets the remainder unchanged. Redirections belong to jsub itself, not to the job.
        let text = |range: &Range<usize>| line.get(range.clone()).unwrap_or_default();
        let unquoted = |range: &Range<usize>| {
            let words = split_words(text(range)).map_err(|error| error.to_string())?;
            Ok::<_, String>(words.concat())
        };
        let is_jstart = submitter(line) == Some("jstart");
        let mut submitted = Self { is_continuous: is_jstart, is_jstart, ..Self::default() };
        // `qsub` takes a script, which it copies; its relatives take a program.
        let mut is_script = submitter(line) == Some("qsub");
        let mut words = words.iter().skip(1).take_while(|range| !is_redirection(text(range))).peekable();
        while let Some(range) = words.next_if(|range| text(range).starts_with('-')) {
            let option = unquoted(range)?;
            let mut value = || match words.next() {
                Some(range) => unquoted(range),
                None => Err(format!("{option} has no value")),
            };
            match option.as_str() {
                "-continuous" => submitted.is_continuous = true,
                "-N" => submitted.name = Some(value()?).filter(|name| !name.trim().is_empty()),
                "-mem" => submitted.memory = Some(memory(&value()?)?),
                "-l" => {
                    let resources = value()?;
                    for resource in resources.split(',') {
                        match resource.split_once('=') {
                            Some(("h_vmem" | "mem" | "virtual_free", amount)) => {
                                submitted.memory = Some(memory(amount)?);
                            }
                            _ => submitted.note(&format!("-l {resource}")),
                        }
                    }
                }
                "-o" => submitted.stdout = Some(GridLog::parse("-o", &value()?)?),
                "-e" => submitted.stderr = Some(GridLog::parse("-e", &value()?)?),
                "-b" => is_script = value()?.to_ascii_lowercase().starts_with(['n', 'f']),
                "-cwd" => submitted.is_in_current_directory = true,
                "-V" => submitted.notes.push(ConversionNote::SubmitterEnvironment),
                "-q" | "-umask" | "-sync" | "-j" | "-i" | "-M" | "-m" | "-release" | "-P" | "-p" | "-S" => {
                    let value = value()?;
                    submitted.note(&format!("{option} {value}"));
                }
                known if IGNORED.contains(&known) => {}
                // It is not known whether its value is the next word.
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
        if is_script {
            submitted.notes.push(ConversionNote::CopiedScript);
            if !unquoted(first)?.contains('/') {
                submitted.command.insert_str(0, "./");
            }
        }
        Ok(submitted)
    }

    fn note(&mut self, option: &str) {
        self.notes.push(ConversionNote::Option { option: shown(option) });
    }
}

/// Returns the ranges of the words of a line that a shell runs as one command.
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
                let shown = match character {
                    '(' if before == '$' => "$(…)".to_owned(),
                    '`' => "`…`".to_owned(),
                    other => other.to_string(),
                };
                return Err(format!("it runs several commands, \"{shown}\"; write a line with jsub alone"));
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

/// The path of an option `-o` or `-e`: a file, or a directory with a file for each job.
#[derive(Debug)]
struct GridLog {
    option: &'static str,
    path: LogPath,
}

impl GridLog {
    fn parse(option: &'static str, path: &str) -> Result<Self, String> {
        let path = path.parse().map_err(|error: toolforge_model::JobValueError| error.to_string())?;
        Ok(Self { option, path })
    }

    /// Returns the path of a job's file, which has a name like `a.out` in a directory. The known variables are the home
    /// directory and the name of the job.
    fn path(
        self,
        home: &str,
        file: &str,
        name: &JobName,
        notes: &mut Vec<ConversionNote>,
    ) -> Option<LogPath> {
        let Self { option, path: written } = self;
        let written = written.as_str();
        let below = |home: &str| {
            let below = written.strip_prefix(home)?;
            if below.is_empty() { Some("./") } else { below.strip_prefix('/') }
        };
        let path = [home, "~", "$HOME", "${HOME}"].into_iter().find_map(below).unwrap_or(written);
        let path = path.replace("${JOB_NAME}", name.as_str()).replace("$JOB_NAME", name.as_str());
        if path.contains('$') {
            notes.push(ConversionNote::Option { option: Untrusted::new(format!("{option} {written}")) });
            return None;
        }
        let last = path.rsplit('/').next().unwrap_or_default();
        let in_directory = format!("{}/{file}", path.trim_end_matches('/'));
        if matches!(last, "" | "." | "..") {
            return in_directory.trim_start_matches("./").parse().ok();
        }
        if !last.contains('.') && !path.starts_with("/dev/") {
            let (path, file) = (Untrusted::new(path.as_str()), Untrusted::new(in_directory));
            notes.push(ConversionNote::MaybeDirectory { option, path, file });
        }
        path.parse().ok()
    }
}
