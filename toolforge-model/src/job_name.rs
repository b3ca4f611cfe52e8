use std::str::FromStr;

use crate::Untrusted;

/// The name of a job and of its Kubernetes object.
///
/// One to 52 characters: parts of `a-z`, `0-9` and `-` joined by single dots, each part beginning and ending with a
/// letter or digit. A CronJob's name has at most 52, since its Jobs append eleven more; the platform limits
/// every kind of job to that (jobs-api, 2026).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobName(String);

/// Why a text is not the name of a job.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JobNameError {
    /// The text is empty.
    #[error("the name of a job is empty; it has 1 to {} of a-z, 0-9, '-' and '.'", JobName::MAX_LENGTH)]
    Empty,
    /// The text is too long.
    #[error("the name of a job has {length} characters; at most {maximum} are allowed")]
    TooLong {
        /// How many characters were found.
        length: usize,
        /// How many are allowed.
        maximum: usize,
    },
    /// A character that may not occur.
    #[error("job name {} has '{}'; use a-z, 0-9, '-' and '.'{}", name.quoted(), found.escape_default(), near(name))]
    Character {
        /// The whole text.
        name: Untrusted,
        /// The first character that may not occur.
        found: char,
    },
    /// A `-` or `.` at the beginning or the end, or next to a dot.
    #[error("job name {} has '-' or '.' at the start, at the end or next to a dot; put a letter or digit there{}", name.quoted(), near(name))]
    Part {
        /// The whole text.
        name: Untrusted,
    },
}

/// Returns the valid name that is nearest to an invalid one, as the end of an error.
fn near(name: &Untrusted) -> String {
    let is_separator = |c: char| c.is_whitespace() || matches!(c, '_' | '-' | '/');
    let lowercase = name.as_raw().to_lowercase();
    let words =
        lowercase.split(is_separator).map(|word| word.trim_matches('.')).filter(|word| !word.is_empty());
    let near = words.collect::<Vec<_>>().join("-");
    match near.parse::<JobName>() {
        Ok(near) => format!("; did you mean \"{near}\"?"),
        Err(_) => String::new(),
    }
}

impl JobName {
    /// The longest name of a new job, in characters.
    pub const MAX_LENGTH: usize = 52;

    /// The longest name of an object, in characters (Kubernetes, DNS subdomain names of RFC 1123).
    const MAX_OBJECT_LENGTH: usize = 253;

    /// Parses the name of an existing object, which may be longer than that of a new job.
    ///
    /// # Errors
    /// When the name is empty, has more than 253 characters, or has a character or part that no name may have.
    pub fn of_object(text: &str) -> Result<Self, JobNameError> {
        Self::parse_up_to(Self::MAX_OBJECT_LENGTH, text)
    }

    /// Returns whether a Service can have the name: a DNS label (RFC 1035) that begins with a letter and has no dot.
    #[cfg(feature = "schedule")]
    #[must_use]
    pub(crate) fn is_service_name(&self) -> bool {
        self.0.starts_with(|c: char| c.is_ascii_lowercase()) && !self.0.contains('.')
    }
}

impl FromStr for JobName {
    type Err = JobNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse_up_to(Self::MAX_LENGTH, text)
    }
}

impl JobName {
    fn parse_up_to(maximum: usize, text: &str) -> Result<Self, JobNameError> {
        if text.is_empty() {
            return Err(JobNameError::Empty);
        }
        let is_alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        if let Some(found) = text.chars().find(|&c| !is_alphanumeric(c) && c != '-' && c != '.') {
            return Err(JobNameError::Character { name: Untrusted::new(text), found });
        }
        if text.len() > maximum {
            return Err(JobNameError::TooLong { length: text.len(), maximum });
        }
        let is_part = |part: &str| part.starts_with(is_alphanumeric) && part.ends_with(is_alphanumeric);
        if !text.split('.').all(is_part) {
            return Err(JobNameError::Part { name: Untrusted::new(text) });
        }
        Ok(Self(text.to_owned()))
    }
}

string_newtype!(JobName, JobNameError);

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "schedule")]
    #[test]
    fn service_names_have_no_dots() {
        let is_service_name = |text: &str| text.parse::<JobName>().unwrap().is_service_name();
        assert!(is_service_name("bot-1"));
        assert!(!is_service_name("1-bot") && !is_service_name("a.b"));
    }

    #[test]
    fn rejects_invalid_names() {
        let error = |text: &str| text.parse::<JobName>().unwrap_err().to_string();
        assert_eq!(error(""), "the name of a job is empty; it has 1 to 52 of a-z, 0-9, '-' and '.'");
        assert_eq!(
            error("my_job"),
            "job name \"my_job\" has '_'; use a-z, 0-9, '-' and '.'; did you mean \"my-job\"?"
        );
        assert!(error("My Bot").ends_with("did you mean \"my-bot\"?"));
        assert!(error("-bot-").ends_with("did you mean \"bot\"?"));
        assert!(!error("bot!").contains("did you mean"));
        assert_eq!(error(&"a".repeat(53)), "the name of a job has 53 characters; at most 52 are allowed");
        let of_object = |length: usize| JobName::of_object(&"a".repeat(length)).map(|_| ());
        assert_eq!(of_object(253), Ok(()));
        assert_eq!(of_object(254), Err(JobNameError::TooLong { length: 254, maximum: 253 }));
        assert!(error("a.-b").contains("next to a dot"));
        assert!(error("a\n").contains("'\\n'"));
    }
}
