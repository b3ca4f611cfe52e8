use crate::Untrusted;

/// A value of a job that is not one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} is not {what}; allowed is {allowed}", found.quoted())]
#[non_exhaustive]
pub struct JobValueError {
    /// What was found.
    pub found: Untrusted,
    /// What it should be.
    pub what: &'static str,
    /// What may stand there.
    pub allowed: &'static str,
}

impl JobValueError {
    pub(crate) fn new(found: &str, what: &'static str, allowed: &'static str) -> Self {
        Self { found: Untrusted::new(found), what, allowed }
    }
}

/// Returns a text of digits as a number.
pub(super) fn whole(text: &str) -> Option<u64> {
    let is_whole = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| is_whole)
}
