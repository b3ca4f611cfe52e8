use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{QuantityError, Unit};

const MEMORY: Unit = Unit { name: "memory", smallest: "bytes", examples: "512Mi, 1.5Gi or 1G", exponent: 0 };

/// An amount of memory in whole bytes.
///
/// What a person asks for ([`FromStr`]) is more than zero and whole in bytes. A live value of the cluster
/// ([`Memory::from_cluster`]) is rounded up as the API server's `Value` does. Printed as short as
/// nothing is lost, binary before decimal: `512Mi`, `1536Mi`, `1500M`, `1001`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Memory(u64);

impl Memory {
    /// Returns an amount in bytes.
    #[must_use]
    pub const fn from_bytes(bytes: u64) -> Self {
        Self(bytes)
    }

    /// Returns a live value of the cluster, rounded up to whole bytes.
    ///
    /// # Errors
    /// When the text is not a Kubernetes quantity, is negative or is more than 2⁶³ − 1 bytes.
    pub fn from_cluster(text: &str) -> Result<Self, QuantityError> {
        MEMORY.live(text).map(Self)
    }

    /// Returns the amount in bytes.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.0
    }

    /// Returns half of the amount, rounded up to a whole byte.
    #[must_use]
    pub const fn half(self) -> Self {
        Self(self.0.div_ceil(2))
    }
}

impl FromStr for Memory {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        MEMORY.asked(text).map(Self)
    }
}

impl TryFrom<String> for Memory {
    type Error = QuantityError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::from_cluster(&text)
    }
}

impl From<Memory> for String {
    fn from(memory: Memory) -> Self {
        memory.to_string()
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
        // 100G is a multiple of 1024, too, and nobody reads 97656250Ki.
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        f.pad(if digits(&decimal) < digits(&binary) { &decimal } else { &binary })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        text.parse::<Memory>().unwrap_err().to_string()
    }

    #[test]
    fn every_suffix_of_kubernetes_is_read_exactly() {
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
        ] {
            assert_eq!(text.parse::<Memory>().unwrap().bytes(), expected, "{text}");
        }
    }

    #[test]
    fn a_value_of_the_cluster_is_rounded_up_to_bytes() {
        for (text, expected) in [("500m", 1), ("1.5", 2), ("0", 0), ("134217727.5", 134_217_728)] {
            assert_eq!(Memory::from_cluster(text).unwrap().bytes(), expected, "{text}");
        }
    }

    #[test]
    fn printed_with_the_largest_suffix_that_loses_nothing() {
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
    fn a_mistake_is_named_with_the_allowed_form() {
        assert_eq!(
            refusal("500m"),
            "500m is not a whole number of bytes; write memory like 512Mi, 1.5Gi or 1G"
        );
        assert_eq!(
            refusal("1GiB"),
            "\"1GiB\" has the unknown suffix \"GiB\"; write memory like 512Mi, 1.5Gi or 1G"
        );
        assert_eq!(refusal("-1Gi"), "-1Gi of memory is negative; write it like 512Mi, 1.5Gi or 1G");
        assert_eq!(
            refusal("99999999999999999999"),
            "99999999999999999999 of memory is more than a cluster can count; write it like 512Mi, 1.5Gi or 1G"
        );
        assert_eq!(refusal(""), "\"\" is not an amount of memory; write it like 512Mi, 1.5Gi or 1G");
    }
}
