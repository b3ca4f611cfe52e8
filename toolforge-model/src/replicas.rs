use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Untrusted;

/// A number of pods, from 0 to 2³¹ − 1, the most that `spec.replicas` of a Deployment holds.
///
/// ```
/// use toolforge_model::Replicas;
///
/// assert_eq!("2".parse::<Replicas>()?, Replicas::try_from(2)?);
/// assert!(Replicas::parse_nonzero("0").is_err());
/// # Ok::<(), toolforge_model::ReplicasError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Replicas(u32);

/// Why a text or a number is not a number of replicas.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplicasError {
    /// The text is not a whole number.
    #[error("{} is not a whole number of replicas; write a number like 2", found.quoted())]
    NotANumber {
        /// The text that was found.
        found: Untrusted,
    },
    /// Zero where at least one is required.
    #[error("0 replicas are not allowed here; write 1 or more")]
    Zero,
    /// More replicas than a Deployment can hold.
    #[error("{} replicas are more than the {max} that a Deployment can hold", found.escaped())]
    TooMany {
        /// The number that was found.
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

    /// Returns the number that a live object states; a negative number, which the API server never stores, counts
    /// as 0.
    #[must_use]
    pub fn from_i32_saturating(count: i32) -> Self {
        Self(u32::try_from(count).unwrap_or(0))
    }

    /// Reads a number of at least 1.
    ///
    /// # Errors
    /// When the text is not a whole number from 1 to [`Replicas::MAX`].
    pub fn parse_nonzero(text: &str) -> Result<Self, ReplicasError> {
        match text.parse()? {
            Self(0) => Err(ReplicasError::Zero),
            count => Ok(count),
        }
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
        let too_many = || ReplicasError::TooMany { found: Untrusted::new(digits), max: Self::MAX };
        digits.parse::<u32>().map_err(|_| too_many())?.try_into()
    }
}

impl TryFrom<u32> for Replicas {
    type Error = ReplicasError;

    fn try_from(count: u32) -> Result<Self, Self::Error> {
        if count > Self::MAX {
            return Err(ReplicasError::TooMany { found: Untrusted::new(count.to_string()), max: Self::MAX });
        }
        Ok(Self(count))
    }
}

impl From<Replicas> for u32 {
    fn from(replicas: Replicas) -> Self {
        replicas.0
    }
}

impl fmt::Display for Replicas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Replicas {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(self.0)
    }
}

impl<'de> Deserialize<'de> for Replicas {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u32::deserialize(deserializer)?.try_into().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejects_texts_that_are_not_numbers() {
        let error = |text: &str| text.parse::<Replicas>().unwrap_err().to_string();
        assert_eq!(error("-1"), "\"-1\" is not a whole number of replicas; write a number like 2");
        assert_eq!(error("٥"), "\"٥\" is not a whole number of replicas; write a number like 2");
        assert_eq!(
            error("99999999999"),
            "99999999999 replicas are more than the 2147483647 that a Deployment can hold"
        );
    }

    #[test]
    fn zero_is_allowed_unless_excluded() {
        assert_eq!("0".parse::<Replicas>().unwrap().count(), 0);
        assert_eq!(
            Replicas::parse_nonzero("0").unwrap_err().to_string(),
            "0 replicas are not allowed here; write 1 or more"
        );
        assert_eq!(Replicas::parse_nonzero("3").unwrap().count(), 3);
    }

    #[test]
    fn negative_live_counts_are_zero() {
        assert_eq!(Replicas::from_i32_saturating(-3).count(), 0);
    }

    #[test]
    fn serde_uses_numbers() {
        assert_eq!(serde_json::to_string(&Replicas::ONE).unwrap(), "1");
        assert_eq!(serde_json::from_str::<Replicas>("3").unwrap().count(), 3);
        assert!(serde_json::from_str::<Replicas>("4294967295").is_err());
    }
}
