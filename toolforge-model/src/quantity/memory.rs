use std::fmt;
use std::iter::Sum;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::suffix::Unit;
use super::{ImprobableAmount, QuantityError};

const MEMORY: Unit = Unit {
    name: "memory",
    smallest: "bytes",
    examples: "512Mi, 1.5Gi or 1G",
    spellings: &[
        (&["k", "kb", "ki", "kib"], "Ki"),
        (&["m", "mb", "mi", "mib", "meg"], "Mi"),
        (&["g", "gb", "gi", "gib", "gig"], "Gi"),
    ],
    exponent: 0,
    rounds_above: 1024,
};

/// Less than this is not enough for any program; a number without a suffix is a number of bytes.
const LEAST: u64 = 1 << 20;

/// An amount of memory in whole bytes.
///
/// An amount that a person requests ([`FromStr`]) is more than zero; above 1Ki, a fraction of a byte is rounded up (the
/// platform prints 100Mi as `0.098Gi`), and a smaller amount must be whole. A quantity of a live object
/// ([`Memory::parse_quantity`]) is rounded up as the API server's `Value` does. Printed in the shortest exact form,
/// binary before decimal: `512Mi`, `1536Mi`, `1500M`, `1001`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Memory(u64);

impl Memory {
    /// Returns an amount in bytes.
    #[must_use]
    pub const fn from_bytes(bytes: u64) -> Self {
        Self(bytes)
    }

    /// Reads a quantity of a live object, rounded up to whole bytes.
    ///
    /// More than 2⁶³ − 1 bytes count as that many, as in the API server.
    ///
    /// # Errors
    /// When the text is not a Kubernetes quantity or is negative.
    pub fn parse_quantity(text: &str) -> Result<Self, QuantityError> {
        MEMORY.live(text).map(Self)
    }

    /// Reads an upper bound of a live object, such as a quota's, rounded down to whole bytes.
    ///
    /// # Errors
    /// Same as for [`parse_quantity`](Self::parse_quantity).
    pub fn parse_bound(text: &str) -> Result<Self, QuantityError> {
        MEMORY.live_bound(text).map(Self)
    }

    /// Returns the amount in bytes.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.0
    }

    /// Returns the sum of two amounts, or `None` above `u64::MAX` bytes.
    #[must_use]
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(sum) => Some(Self(sum)),
            None => None,
        }
    }

    /// Returns half of the amount, rounded up to a whole byte.
    #[must_use]
    pub const fn half(self) -> Self {
        Self(self.0.div_ceil(2))
    }
}

impl Memory {
    /// Returns the amount, if a program can run in it.
    ///
    /// # Errors
    /// When it is less than 1Mi.
    ///
    /// ```
    /// use toolforge_model::Memory;
    ///
    /// let error = Memory::from_bytes(512).check_probable().unwrap_err();
    /// assert_eq!(error.to_string(), "512 bytes of memory are too little for any program; did you mean 512Mi?");
    /// ```
    pub fn check_probable(self) -> Result<Self, ImprobableAmount> {
        if self.0 < LEAST { Err(ImprobableAmount::Memory { bytes: self.0 }) } else { Ok(self) }
    }
}

impl FromStr for Memory {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        MEMORY.asked(text).map(Self)
    }
}

impl TryFrom<&str> for Memory {
    type Error = QuantityError;

    fn try_from(text: &str) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// Adds amounts; a sum above `u64::MAX` bytes is `u64::MAX` bytes.
impl Sum for Memory {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self(0), |sum, amount| Self(sum.0.saturating_add(amount.0)))
    }
}

impl<'a> Sum<&'a Self> for Memory {
    fn sum<I: Iterator<Item = &'a Self>>(amounts: I) -> Self {
        amounts.copied().sum()
    }
}

impl Serialize for Memory {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Reads every amount that can be printed, zero included.
impl<'de> Deserialize<'de> for Memory {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse_quantity(&text).map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const BINARY: [&str; 7] = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
        const DECIMAL: [&str; 7] = ["", "k", "M", "G", "T", "P", "E"];
        let with = |factor: u64, suffixes: [&str; 7]| {
            let mut amount = self.0;
            let mut steps = 0;
            while amount != 0 && amount.is_multiple_of(factor) {
                amount /= factor;
                steps += 1;
            }
            format!("{amount}{}", suffixes[steps])
        };
        let (binary, decimal) = (with(1024, BINARY), with(1000, DECIMAL));
        // 100G is also a multiple of 1024, but 97656250Ki is unreadable.
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        f.pad(if digits(&decimal) < digits(&binary) { &decimal } else { &binary })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        text.parse::<Memory>().unwrap_err().to_string()
    }

    #[test]
    fn reads_every_suffix_exactly() {
        for (text, expected) in [
            ("512Mi", 512 << 20),
            ("1.5Gi", 1_610_612_736),
            ("1G", 1_000_000_000),
            ("1500M", 1_500_000_000),
            ("1k", 1000),
            ("1Ki", 1024),
            ("1Ei", 1 << 60),
            ("1E", 1_000_000_000_000_000_000),
            ("1E3", 1000),
            ("1e9", 1_000_000_000),
            ("4000m", 4),
            ("1_000Mi", 1_048_576_000),
            (" 1Gi", 1 << 30),
            ("0.098Gi", 105_226_699),
            ("0.931Gi", 999_653_639),
            ("499826819.072", 499_826_820),
            ("1025.5", 1026),
        ] {
            assert_eq!(text.parse::<Memory>().unwrap().bytes(), expected, "{text}");
        }
    }

    #[test]
    fn rounds_live_values_up() {
        for (text, expected) in [("500m", 1), ("1.5", 2), ("0", 0), ("134217727.5", 134_217_728)] {
            assert_eq!(Memory::parse_quantity(text).unwrap().bytes(), expected, "{text}");
        }
    }

    #[test]
    fn bounds_are_rounded_down_and_capped() {
        let largest = i64::MAX.unsigned_abs();
        for (text, bound, amount) in [
            ("0.098Gi", 105_226_698, 105_226_699),
            ("1Gi", 1 << 30, 1 << 30),
            ("500m", 0, 1),
            ("9223372036854775807k", largest, largest),
        ] {
            assert_eq!(Memory::parse_bound(text).unwrap().bytes(), bound, "{text}");
            assert_eq!(Memory::parse_quantity(text).unwrap().bytes(), amount, "{text}");
        }
    }

    #[test]
    fn prints_the_largest_exact_suffix() {
        for (bytes, expected) in [
            (0, "0"),
            (1, "1"),
            (1000, "1k"),
            (1001, "1001"),
            (1024, "1Ki"),
            (1_024_000, "1000Ki"),
            (1_500_000_000, "1500M"),
            (1 << 29, "512Mi"),
            (3 << 29, "1536Mi"),
            (1 << 60, "1Ei"),
        ] {
            assert_eq!(Memory::from_bytes(bytes).to_string(), expected);
        }
    }

    #[test]
    fn errors_name_the_allowed_form() {
        assert_eq!(error("500m"), "500m is not a whole number of bytes; did you mean 500Mi?");
        assert_eq!(error("1GiB"), "\"1GiB\" has the unknown suffix \"GiB\"; did you mean 1Gi?");
        assert_eq!(
            error("-1Gi"),
            "-1Gi is not a positive amount of memory; write it like 512Mi, 1.5Gi or 1G"
        );
        assert_eq!(
            error("99999999999999999999"),
            "99999999999999999999 is more memory than Kubernetes can hold; write it like 512Mi, 1.5Gi or 1G"
        );
        assert_eq!(error(""), "\"\" is not an amount of memory; write it like 512Mi, 1.5Gi or 1G");
    }

    #[test]
    fn sums_saturate() {
        let amounts = [Memory::from_bytes(1), Memory::from_bytes(2)];
        assert_eq!(amounts.iter().sum::<Memory>(), Memory::from_bytes(3));
        assert_eq!(
            [Memory::from_bytes(u64::MAX), amounts[0]].into_iter().sum::<Memory>(),
            Memory::from_bytes(u64::MAX)
        );
    }

    #[test]
    fn checked_add_detects_overflow() {
        assert_eq!(Memory::from_bytes(1).checked_add(Memory::from_bytes(2)), Some(Memory::from_bytes(3)));
        assert_eq!(Memory::from_bytes(u64::MAX).checked_add(Memory::from_bytes(1)), None);
    }

    #[test]
    fn serde_reads_zero() {
        assert_eq!(serde_json::from_str::<Memory>("\"0\"").unwrap(), Memory::from_bytes(0));
    }
}
