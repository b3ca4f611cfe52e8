use std::fmt;
use std::str::FromStr;

use crate::Untrusted;

/// How many pods of a web service are wanted.
///
/// What a person asks for is at least 1 ([`FromStr`]); a live Deployment may have been scaled to 0
/// ([`Replicas::observed`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Replicas(u32);

/// Why a text is not a number of replicas.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplicasError {
    /// The text is not a whole number.
    #[error("{} is not a whole number of replicas; write 1 or more, like 2", found.quoted())]
    NotANumber {
        /// The text that was found.
        found: Untrusted,
    },
    /// Zero replicas were asked for.
    #[error("0 replicas would stop the web service; write 1 or more, or use `stop`")]
    Zero,
    /// More replicas than a Deployment can hold.
    #[error("{} replicas are more than the {max} that a Deployment can hold", found.escaped())]
    TooMany {
        /// The text that was found.
        found: Untrusted,
        /// The most that Kubernetes' `int32` holds.
        max: u32,
    },
}

impl Replicas {
    /// One pod, the platform's default.
    pub const ONE: Self = Self(1);

    /// The most that `spec.replicas` of a Deployment can hold, an `int32` in the Kubernetes API.
    pub const MAX: u32 = i32::MAX.unsigned_abs();

    /// Returns the number of replicas that a live object states; a negative number, which the API server
    /// never stores, counts as 0.
    #[must_use]
    pub fn observed(count: i32) -> Self {
        Self(u32::try_from(count).unwrap_or(0))
    }

    /// Returns the number of pods.
    #[must_use]
    pub fn count(self) -> u32 {
        self.0
    }

    /// Returns the number as Kubernetes' `int32`.
    #[must_use]
    pub fn as_i32(self) -> i32 {
        i32::try_from(self.0).unwrap_or(i32::MAX)
    }
}

impl Default for Replicas {
    fn default() -> Self {
        Self::ONE
    }
}

impl FromStr for Replicas {
    type Err = ReplicasError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.trim();
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(ReplicasError::NotANumber { found: Untrusted::new(text) });
        }
        match digits.parse::<u32>() {
            Ok(0) => Err(ReplicasError::Zero),
            Ok(count) if count <= Self::MAX => Ok(Self(count)),
            _ => Err(ReplicasError::TooMany { found: Untrusted::new(digits), max: Self::MAX }),
        }
    }
}

impl fmt::Display for Replicas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_is_no_number_of_pods() {
        let refusal = |text: &str| text.parse::<Replicas>().unwrap_err().to_string();
        assert_eq!(refusal("-1"), "\"-1\" is not a whole number of replicas; write 1 or more, like 2");
        assert_eq!(refusal("٥"), "\"٥\" is not a whole number of replicas; write 1 or more, like 2");
        assert_eq!(refusal("0"), "0 replicas would stop the web service; write 1 or more, or use `stop`");
        assert_eq!(
            refusal("99999999999"),
            "99999999999 replicas are more than the 2147483647 that a Deployment can hold"
        );
    }

    #[test]
    fn a_live_object_may_have_none() {
        assert_eq!(Replicas::observed(0).count(), 0);
        assert_eq!(Replicas::observed(-3).count(), 0);
    }
}
