//! Which program a command line runs, and how.

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

/// The commands that prepare the commands after them.
const SETUP: [&str; 12] =
    ["cd", "source", ".", "export", "sleep", "test", "[", "set", "umask", "mkdir", "ulimit", "unset"];

/// A program that runs another one.
struct Wrapper {
    name: &'static str,
    /// The options whose value is the next word.
    with_value: &'static [&'static str],
    /// How many arguments of its own follow the options.
    arguments: usize,
}

const fn wrapper(name: &'static str, with_value: &'static [&'static str], arguments: usize) -> Wrapper {
    Wrapper { name, with_value, arguments }
}

const WRAPPERS: [Wrapper; 10] = [
    wrapper("chronic", &[], 0),
    wrapper("env", &["-u"], 0),
    wrapper("exec", &["-a"], 0),
    wrapper("flock", &["-E", "-w"], 1),
    wrapper("ionice", &["-c", "-n"], 0),
    wrapper("nice", &["-n"], 0),
    wrapper("nohup", &[], 0),
    wrapper("stdbuf", &["-e", "-i", "-o"], 0),
    wrapper("time", &["-f", "-o"], 0),
    wrapper("timeout", &["-k", "-s"], 1),
];

/// Returns the part of a command line that does the work, without preparations, as in `cd src && nice -n 10 ./a.py`.
pub(super) fn work_of(command: &str) -> &str {
    let parts = parts(command)
        .into_iter()
        .map(|part| unwrapped(part.trim().trim_start_matches(['(', '{']).trim_start()));
    let is_setup = |part: &&str| {
        let first = words(part).next().unwrap_or_default();
        part.is_empty() || SETUP.contains(&first)
    };
    parts.into_iter().find(|part| !is_setup(part)).unwrap_or(command)
}

/// Returns the commands of a line that run one after the other; empty ones between them.
fn parts(line: &str) -> Vec<&str> {
    split(line, |bytes, index| {
        let is_and = |index: usize| bytes.get(index) == Some(&b'&');
        bytes.get(index) == Some(&b';')
            || is_and(index) && (is_and(index + 1) || index.checked_sub(1).is_some_and(is_and))
    })
}

/// Returns the words of a line, with their quotes.
pub(super) fn words(line: &str) -> impl Iterator<Item = &str> {
    let is_space = |bytes: &[u8], index: usize| bytes.get(index).is_some_and(u8::is_ascii_whitespace);
    split(line, is_space).into_iter().filter(|word| !word.is_empty())
}

/// Splits a line at bytes outside of quotes; if a quote is not closed, at all such bytes.
fn split(line: &str, is_separator: impl Fn(&[u8], usize) -> bool) -> Vec<&str> {
    let (mut quote, mut is_escaped) = (None, false);
    let mut quoted = vec![false; line.len()];
    for (byte, is_quoted) in line.bytes().zip(&mut quoted) {
        *is_quoted = quote.is_some() || is_escaped;
        match byte {
            _ if is_escaped => {}
            b'\'' | b'"' if quote.is_none() => quote = Some(byte),
            _ if quote == Some(byte) => quote = None,
            _ => {}
        }
        is_escaped = byte == b'\\' && !is_escaped && quote != Some(b'\'');
    }
    let (mut found, mut start) = (Vec::new(), 0);
    for (index, is_quoted) in quoted.into_iter().enumerate() {
        if (!is_quoted || quote.is_some()) && is_separator(line.as_bytes(), index) {
            found.extend(line.get(start..index));
            start = index + 1;
        }
    }
    found.extend(line.get(start..));
    found
}

/// Returns a command without the programs that run it, and without assignments before it.
fn unwrapped(command: &str) -> &str {
    let mut rest = command;
    // The program whose options and arguments are skipped, and how many of the latter are left.
    let mut skipped: Option<(&Wrapper, usize)> = None;
    loop {
        let word = words(rest).next().unwrap_or_default();
        let after = rest.get(word.len()..).unwrap_or_default().trim_start();
        if after.is_empty() {
            return if word.is_empty() { command } else { rest };
        }
        let is_assignment = !word.starts_with(['-', '\'', '"']) && word.contains('=');
        let next = || WRAPPERS.iter().find(|wrapper| word.rsplit('/').next() == Some(wrapper.name));
        match skipped {
            Some((wrapper, _)) if word.starts_with('-') => {
                let value = words(after).next().filter(|_| wrapper.with_value.contains(&word));
                rest = after.get(value.map_or(0, str::len)..).unwrap_or_default().trim_start();
                continue;
            }
            Some((wrapper, left @ 1..)) => skipped = Some((wrapper, left - 1)),
            _ => match next() {
                Some(wrapper) => skipped = Some((wrapper, wrapper.arguments)),
                None if is_assignment => {}
                None => return rest,
            },
        }
        rest = after;
    }
}

/// Returns whether a command line ends with `&`, so its shell does not wait for the command.
pub(super) fn runs_in_background(command: &str) -> bool {
    let command = command.trim_end();
    command.ends_with('&') && !command.ends_with("&&")
}

/// Returns the script of a command, or its program: the first word that is neither an interpreter nor an option.
pub(super) fn script_of(command: &str) -> &str {
    let interpreters =
        ["python", "php", "node", "perl", "ruby", "bash", "sh", "tclsh", "java", "env", "cd", "exec"];
    let mut words = words(command).filter(|word| !word.starts_with('-') && !word.contains('='));
    let first = words.next().unwrap_or_default();
    let name = first.rsplit('/').next().unwrap_or_default();
    let is_interpreter = interpreters.iter().any(|interpreter| {
        name.strip_prefix(interpreter)
            .is_some_and(|version| version.chars().all(|c| c.is_ascii_digit() || c == '.'))
    });
    match words.next() {
        // The script's extension determines the language; without one, the interpreter does.
        Some(script)
            if is_interpreter && script.rsplit('/').next().is_some_and(|name| name.contains('.')) =>
        {
            script
        }
        _ => first,
    }
}

/// Returns the program of a bastion that a command runs, and that no image has.
pub(super) fn missing_program(command: &str) -> Option<&'static str> {
    let is_before =
        |word: &&str| word.contains('=') || matches!(*word, "env" | "exec" | "nice" | "nohup" | "time");
    command.split([';', '&', '|', '(', '`']).find_map(|part| {
        let program = words(part).find(|word| !is_before(word))?;
        let name = program.rsplit('/').next().unwrap_or_default();
        MISSING_PROGRAMS.into_iter().find(|program| *program == name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn script_of_a_command_is_found() {
        for (line, expected) in [
            ("python3 -u 'my bot.py' --all", "'my bot.py'"),
            ("python3 bot.py", "bot.py"),
            ("MODE=\"a b\" bash run", "bash"),
            ("./a.sh 'b c.d'", "./a.sh"),
        ] {
            assert_eq!(script_of(line), expected, "{line}");
        }
    }

    #[test]
    fn main_command_of_a_line_is_found() {
        for (line, expected) in [
            ("./a.sh", "./a.sh"),
            ("cd src && python3 poll.py --all", "python3 poll.py --all"),
            ("sleep $((RANDOM % 60)); ./x.sh", "./x.sh"),
            ("nice -n 10 ./d.py", "./d.py"),
            ("(flock -n /tmp/lock ./b.sh; ./c.sh) | tee out.log", "./b.sh"),
            ("timeout -k 5 60 nice ./e.py x", "./e.py x"),
            ("source venv/bin/activate && python bot.py", "python bot.py"),
            ("env A=b LANG=C ./z.sh", "./z.sh"),
            ("test -x ./y.sh && ./y.sh || echo no", "./y.sh || echo no"),
            ("A=b ./z.sh", "./z.sh"),
            ("FOO=1 BAR=\"a b\" ./a.sh # comment", "./a.sh # comment"),
            ("A='b; c && d' B=e\\ f ./a.sh", "./a.sh"),
            ("timeout -k '5 s' 60 ./a.sh", "./a.sh"),
            ("it's ./a.sh; ./b.sh", "it's ./a.sh"),
            ("cd src", "cd src"),
            ("nohup", "nohup"),
            ("", ""),
        ] {
            assert_eq!(work_of(line), expected, "{line}");
        }
    }
}
