use std::fmt;
use std::str::FromStr;

/// Whose shell it is: the user, and the process that opened it on its machine.
///
/// As text, `tools.x@bastion process 42 started 1234 boot 0a1b namespace 4026531836`. A number of a process says
/// nothing without the rest: numbers come again, after a reboot as in another container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShellOwner {
    user: String,
    host: String,
    process: u32,
    started: u64,
    boot: String,
    namespace: String,
}

/// A text that names no owner of a shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the text does not say whose shell it is")]
pub struct NoShellOwner;

impl ShellOwner {
    /// Returns the owner for a process: its number, and when it started in the kernel's own count.
    ///
    /// `boot` tells one start of the machine from another, `namespace` one container on it from another.
    #[must_use]
    pub fn new(
        (user, host): (&str, &str),
        (process, started): (u32, u64),
        boot: &str,
        namespace: &str,
    ) -> Self {
        Self {
            user: word(user),
            host: word(host),
            process,
            started,
            boot: word(boot),
            namespace: word(namespace),
        }
    }

    /// Returns the number of the process, and when it started.
    #[must_use]
    pub fn process(&self) -> (u32, u64) {
        (self.process, self.started)
    }

    /// Returns whether the other is the same user on the same machine since its last start, so that its process can be
    /// looked up from here.
    #[must_use]
    pub fn is_beside(&self, other: &Self) -> bool {
        let Self { user, host, process: _, started: _, boot, namespace } = self;
        *user == other.user && *host == other.host && *boot == other.boot && *namespace == other.namespace
    }
}

/// Returns a text as one word that can be read back.
fn word(text: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' };
    let word: String = text.chars().map(safe).take(64).collect();
    if word.is_empty() { "unknown".to_owned() } else { word }
}

impl fmt::Display for ShellOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { user, host, process, started, boot, namespace } = self;
        write!(f, "{user}@{host} process {process} started {started} boot {boot} namespace {namespace}")
    }
}

impl FromStr for ShellOwner {
    type Err = NoShellOwner;

    fn from_str(text: &str) -> Result<Self, NoShellOwner> {
        let words: Vec<&str> = text.split(' ').collect();
        let [whose, "process", process, "started", started, "boot", boot, "namespace", namespace] = words[..]
        else {
            return Err(NoShellOwner);
        };
        let (user, host) = whose.split_once('@').ok_or(NoShellOwner)?;
        let process = process.parse().map_err(|_| NoShellOwner)?;
        let started = started.parse().map_err(|_| NoShellOwner)?;
        let owner = Self::new((user, host), (process, started), boot, namespace);
        // What was not written by this type means nothing.
        if owner.to_string() == text { Ok(owner) } else { Err(NoShellOwner) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_is_read_as_it_was_written() {
        let owner = ShellOwner::new(("tools.x", "bastion 1"), (42, 99), "0a-1b", "pid:[4026531836]");
        let text = owner.to_string();
        assert_eq!(text, "tools.x@bastion_1 process 42 started 99 boot 0a-1b namespace pid__4026531836_");
        assert_eq!(text.parse(), Ok(owner));
    }

    #[test]
    fn another_text_names_no_owner() {
        for text in [
            "",
            "x",
            "a@b process 1",
            "a@b process -1 started 1 boot c namespace d",
            "a@b process 1 started 1 boot c namespace d ",
        ] {
            assert_eq!(text.parse::<ShellOwner>(), Err(NoShellOwner), "{text:?}");
        }
    }

    #[test]
    fn only_the_same_user_on_the_same_start_of_the_same_machine_is_beside() {
        let owner = |user: &str, host: &str, boot: &str, namespace: &str| {
            ShellOwner::new((user, host), (1, 1), boot, namespace)
        };
        let mine = ShellOwner::new(("u", "h"), (2, 2), "b", "n");
        assert!(mine.is_beside(&owner("u", "h", "b", "n")));
        for other in [
            owner("v", "h", "b", "n"),
            owner("u", "i", "b", "n"),
            owner("u", "h", "c", "n"),
            owner("u", "h", "b", "m"),
        ] {
            assert!(!mine.is_beside(&other), "{other}");
        }
    }
}
