//! Programs that run the program after them, such as `nice`, and where that one is.
//!
//! They are those of the images (coreutils 9, util-linux 2.38, GNU time 1.9) and of shells that change only how the program runs.
//! An option that is in none of their lists, such as the one for an existing process, ends the search: what follows it is
//! not known.

/// A program that runs the program after its own options and arguments.
struct Wrapper {
    name: &'static str,
    /// The letters of options without a value.
    flags: &'static str,
    /// The letters of options whose value is the rest of the word, or otherwise the next word.
    valued: &'static str,
    /// The long options without a value.
    long_flags: &'static [&'static str],
    /// The long options whose value is after `=`, or otherwise the next word.
    long_valued: &'static [&'static str],
    /// The number of its own arguments before the program, such as the time of `timeout`.
    arguments: usize,
    /// Whether only shells have it.
    is_built_in: bool,
}

impl Wrapper {
    /// Returns a wrapper without long options and arguments.
    const fn new(name: &'static str, flags: &'static str, valued: &'static str) -> Self {
        Self { name, flags, valued, long_flags: &[], long_valued: &[], arguments: 0, is_built_in: false }
    }
}

const WRAPPERS: [Wrapper; 13] = [
    Wrapper {
        long_flags: &["batch", "deadline", "fifo", "idle", "other", "reset-on-fork", "rr", "verbose"],
        long_valued: &["sched-deadline", "sched-period", "sched-runtime"],
        arguments: 1,
        ..Wrapper::new("chrt", "Rbdfiorv", "DPT")
    },
    Wrapper { is_built_in: true, ..Wrapper::new("command", "p", "") },
    Wrapper {
        long_flags: &["debug", "ignore-environment"],
        long_valued: &["unset"],
        ..Wrapper::new("env", "iv", "u")
    },
    Wrapper { is_built_in: true, ..Wrapper::new("exec", "cl", "a") },
    Wrapper {
        long_flags: &["close", "exclusive", "nb", "no-fork", "nonblock", "shared", "verbose"],
        long_valued: &["conflict-exit-code", "timeout", "wait"],
        arguments: 1,
        ..Wrapper::new("flock", "Fenosx", "Ew")
    },
    Wrapper {
        long_flags: &["ignore"],
        long_valued: &["class", "classdata"],
        ..Wrapper::new("ionice", "t", "cn")
    },
    // `nice -5` is `nice -n 5`.
    Wrapper { long_valued: &["adjustment"], ..Wrapper::new("nice", "0123456789", "n") },
    Wrapper::new("nohup", "", ""),
    Wrapper { long_flags: &["ctty", "fork", "wait"], ..Wrapper::new("setsid", "cfw", "") },
    Wrapper { long_valued: &["error", "input", "output"], ..Wrapper::new("stdbuf", "", "eio") },
    Wrapper { long_flags: &["cpu-list"], arguments: 1, ..Wrapper::new("taskset", "c", "") },
    Wrapper {
        long_flags: &["append", "portability", "quiet", "verbose"],
        long_valued: &["format", "output"],
        ..Wrapper::new("time", "apqv", "fo")
    },
    Wrapper {
        long_flags: &["foreground", "preserve-status", "verbose"],
        long_valued: &["kill-after", "signal"],
        arguments: 1,
        ..Wrapper::new("timeout", "fpv", "ks")
    },
];

/// Returns the index of the program that a command finally runs; `None` if there is none or it is not known. `in_shell` is whether a
/// shell reads the words.
pub(super) fn program_index(words: &[&str], in_shell: bool) -> Option<usize> {
    let mut index = 0;
    loop {
        let word = words.get(index)?;
        let name = of_image(word).unwrap_or(word);
        let found =
            WRAPPERS.iter().find(|wrapper| wrapper.name == name && (in_shell || !wrapper.is_built_in));
        let Some(wrapper) = found else { return Some(index) };
        index = wrapper.end(words, index + 1)?;
    }
}

/// Returns the name of a program of the image: `php` of `/usr/bin/php`.
pub(super) fn of_image(path: &str) -> Option<&str> {
    ["/usr/bin/", "/bin/", "/usr/local/bin/"].iter().find_map(|directory| path.strip_prefix(directory))
}

/// Returns whether a word of a shell line sets a variable for the program that follows, and not where programs are looked up.
pub(super) fn is_assignment(word: &str) -> bool {
    let Some((name, _)) = word.split_once('=') else { return false };
    let is_name = |character: char| character.is_ascii_alphanumeric() || character == '_';
    !name.is_empty()
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && name.chars().all(is_name)
        && !["PATH", "HOME"].contains(&name)
}

impl Wrapper {
    /// Returns the index after its options and arguments, which begin at an index; `None` if it has an unknown one.
    fn end(&self, words: &[&str], mut index: usize) -> Option<usize> {
        while let Some(option) = words.get(index).filter(|word| word.starts_with('-') && word.len() > 1) {
            index += 1;
            if *option == "--" {
                break;
            }
            if self.is_value_next(option)? {
                index += 1;
            }
        }
        index += self.arguments;
        let variables =
            words.get(index..)?.iter().take_while(|word| self.name == "env" && is_assignment(word));
        Some(index + variables.count())
    }

    /// Returns whether the next word is the value of an option; `None` if the option is not known.
    fn is_value_next(&self, option: &str) -> Option<bool> {
        if let Some(long) = option.strip_prefix("--") {
            let (name, value) =
                long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
            if self.long_valued.contains(&name) {
                return Some(value.is_none());
            }
            return (value.is_none() && self.long_flags.contains(&name)).then_some(false);
        }
        let mut letters = option.chars();
        // The hyphen.
        letters.next();
        while let Some(letter) = letters.next() {
            if self.valued.contains(letter) {
                return Some(letters.as_str().is_empty());
            }
            if !self.flags.contains(letter) {
                return None;
            }
        }
        Some(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(line: &str, in_shell: bool) -> Option<&str> {
        let words: Vec<&str> = line.split(' ').collect();
        program_index(&words, in_shell).map(|index| words[index])
    }

    #[test]
    fn program_is_found_after_wrappers() {
        for line in [
            "./run -x",
            "nice ./run",
            "nice -n 10 ./run",
            "nice -n10 -- ./run",
            "nice -10 ./run",
            "nice --adjustment=5 ./run",
            "/usr/bin/nice --adjustment 5 ./run",
            "ionice -c 3 ./run",
            "ionice -c2 -n 7 -t nice ./run",
            "timeout 1h ./run",
            "timeout -k 5 -s KILL 1h ./run",
            "timeout --signal=TERM --foreground 10 ./run",
            "nohup nice timeout -v 5m ./run",
            "stdbuf -oL -e 0 ./run",
            "setsid -w ./run",
            "chrt -b 0 ./run",
            "taskset -c 0,1 ./run",
            "flock -n /tmp/lock ./run",
            "flock --wait 5 -E 3 lock ./run",
            "env ./run",
            "env -i -u A B=1 C=2 ./run",
            "time -p ./run",
            "time -o out -f %e ./run",
        ] {
            assert_eq!(program(line, false), Some("./run"), "{line}");
        }
        for line in ["exec ./run", "exec -a name ./run", "command -p ./run", "exec nice ./run"] {
            assert_eq!(program(line, true), Some("./run"), "{line}");
            assert_eq!(program(line, false), line.split(' ').next(), "{line}");
        }
    }

    #[test]
    fn unknown_options_end_the_search() {
        for line in [
            "nice",
            "timeout 1h",
            "ionice -p 5",
            "env -C app ./run",
            "env -S ./run",
            "command -v ./run",
            "time --none ./run",
            "flock --nonblock=1 lock ./run",
        ] {
            assert_eq!(program(line, true), None, "{line}");
        }
        // Programs that are given in another way.
        assert_eq!(program("flock lock -c ./run", true), Some("-c"));
        assert_eq!(program("env PATH=x ./run", true), Some("PATH=x"));
    }
}
