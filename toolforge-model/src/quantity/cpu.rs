use std::fmt;
use std::iter::Sum;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::suffix::Unit;
use super::{ImprobableAmount, QuantityError};

const CPU: Unit = Unit {
    name: "CPU",
    smallest: "millis",
    examples: "500m, 0.5 or 2",
    spellings: &[(&["m", "milli", "mcpu"], "m"), (&["cpu", "cpus", "core", "cores", "c", ""], "")],
    exponent: 3,
    rounds_above: 1,
};

/// More cores than a machine of the platform has.
const MOST_CORES: u64 = 64;

/// An amount of CPU in whole millis: 1000 millis are one core.
///
/// An amount that a person requests ([`FromStr`]) is more than zero; above 1m, a fraction of a milli is rounded up. A quantity
/// of a live object ([`Cpu::parse_quantity`]) is rounded up as the API server's `MilliValue` does. Printed as `500m` or, where
/// it is whole cores, as `2`.
///
/// An amount of CPU is never an amount of memory:
///
/// ```compile_fail
/// # use toolforge_model::{Cpu, Memory};
/// let _: Memory = Cpu::from_millis(500);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cpu(u64);

impl Cpu {
    /// Returns an amount in millis.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Reads a quantity of a live object, rounded up to whole millis.
    ///
    /// More than 2⁶³ − 1 millis count as that many, as in the API server.
    ///
    /// # Errors
    /// When the text is not a Kubernetes quantity or is negative.
    pub fn parse_quantity(text: &str) -> Result<Self, QuantityError> {
        CPU.live(text).map(Self)
    }

    /// Reads an upper bound of a live object, such as a quota's, rounded down to whole millis.
    ///
    /// # Errors
    /// Same as for [`parse_quantity`](Self::parse_quantity).
    pub fn parse_bound(text: &str) -> Result<Self, QuantityError> {
        CPU.live_bound(text).map(Self)
    }

    /// Returns the amount in millis.
    #[must_use]
    pub const fn millis(self) -> u64 {
        self.0
    }

    /// Returns the sum of two amounts, or `None` above `u64::MAX` millis.
    #[must_use]
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(sum) => Some(Self(sum)),
            None => None,
        }
    }

    /// Returns half of the amount, rounded up to 1m.
    #[must_use]
    pub const fn half(self) -> Self {
        Self(self.0.div_ceil(2))
    }
}

impl Cpu {
    /// Returns the amount, if a machine can have it.
    ///
    /// # Errors
    /// When it is more than 64 cores.
    ///
    /// ```
    /// use toolforge_model::Cpu;
    ///
    /// let error = Cpu::from_millis(500_000).check_probable().unwrap_err();
    /// assert_eq!(error.to_string(), "500 CPUs are more than any machine has; did you mean 500m?");
    /// ```
    pub fn check_probable(self) -> Result<Self, ImprobableAmount> {
        let cores = self.0.div_ceil(1000);
        if cores > MOST_CORES { Err(ImprobableAmount::Cpu { cores }) } else { Ok(self) }
    }
}

impl FromStr for Cpu {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        CPU.asked(text).map(Self)
    }
}

impl TryFrom<&str> for Cpu {
    type Error = QuantityError;

    fn try_from(text: &str) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// Adds amounts; a sum above `u64::MAX` millis is `u64::MAX` millis.
impl Sum for Cpu {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self(0), |sum, amount| Self(sum.0.saturating_add(amount.0)))
    }
}

impl<'a> Sum<&'a Self> for Cpu {
    fn sum<I: Iterator<Item = &'a Self>>(amounts: I) -> Self {
        amounts.copied().sum()
    }
}

impl Serialize for Cpu {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Reads every amount that can be printed, zero included.
impl<'de> Deserialize<'de> for Cpu {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse_quantity(&text).map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for Cpu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_multiple_of(1000) {
            f.pad(&(self.0 / 1000).to_string())
        } else {
            f.pad(&format!("{}m", self.0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(text: &str) -> u64 {
        text.parse::<Cpu>().unwrap_or_else(|error| panic!("{error}")).millis()
    }

    fn error(text: &str) -> String {
        text.parse::<Cpu>().unwrap_err().to_string()
    }

    #[test]
    fn reads_every_suffix_exactly() {
        for (text, expected) in [
            ("1", 1000),
            ("0.5", 500),
            (".5", 500),
            ("1.", 1000),
            ("500m", 500),
            ("0.127", 127),
            ("1e1", 10_000),
            ("1E1", 10_000),
            ("1e-3", 1),
            ("+1", 1000),
            (" 1 ", 1000),
            ("1_000m", 1000),
            ("5000000u", 5000),
            ("1000000n", 1),
            ("1k", 1_000_000),
            ("0.001Ki", 1024),
            ("00002", 2000),
            ("1.000000000000000000000000000000000000000000", 1000),
        ] {
            assert_eq!(millis(text), expected, "{text}");
        }
    }

    #[test]
    fn rounds_live_values_up() {
        for (text, expected) in
            [("100n", 1), ("1u", 1), ("1500001u", 1501), ("0", 0), ("0.0005", 1), ("1e-9999", 1)]
        {
            assert_eq!(Cpu::parse_quantity(text).unwrap().millis(), expected, "{text}");
        }
    }

    #[test]
    fn halves_round_up() {
        assert_eq!(Cpu::from_millis(333).half(), Cpu::from_millis(167));
        assert_eq!(Cpu::from_millis(1).half(), Cpu::from_millis(1));
        assert_eq!(Cpu::from_millis(500).half(), Cpu::from_millis(250));
    }

    #[test]
    fn errors_name_the_allowed_form() {
        assert_eq!(error("lots"), "\"lots\" is not an amount of CPU; write it like 500m, 0.5 or 2");
        assert_eq!(error("1,5"), "\"1,5\" has the unknown suffix \",5\"; did you mean 1.5?");
        assert_eq!(error("-1"), "-1 is not a positive amount of CPU; write it like 500m, 0.5 or 2");
        assert_eq!(error("0"), "0 is not a positive amount of CPU; write it like 500m, 0.5 or 2");
        assert_eq!(error("0.5m"), "0.5m is not a whole number of millis; write CPU like 500m, 0.5 or 2");
        assert_eq!(error("1E"), "1E is more CPU than Kubernetes can hold; write it like 500m, 0.5 or 2");
        assert_eq!(
            error("1e9999"),
            "1e9999 is more CPU than Kubernetes can hold; write it like 500m, 0.5 or 2"
        );
        for text in
            ["", "m", ".", "_1", "1_", "1__0", "1.2.3", "1KI", "1mi", "٥m", "nan", "inf", "1e", "1e+", "1 m"]
        {
            assert!(text.parse::<Cpu>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn sums_saturate() {
        let amounts = [Cpu::from_millis(1), Cpu::from_millis(2)];
        assert_eq!(amounts.iter().sum::<Cpu>(), Cpu::from_millis(3));
        assert_eq!(
            [Cpu::from_millis(u64::MAX), amounts[0]].into_iter().sum::<Cpu>(),
            Cpu::from_millis(u64::MAX)
        );
    }

    #[test]
    fn checked_add_detects_overflow() {
        assert_eq!(Cpu::from_millis(1).checked_add(Cpu::from_millis(2)), Some(Cpu::from_millis(3)));
        assert_eq!(Cpu::from_millis(u64::MAX).checked_add(Cpu::from_millis(1)), None);
    }

    #[test]
    fn serde_reads_zero() {
        assert_eq!(serde_json::from_str::<Cpu>("\"0\"").unwrap(), Cpu::from_millis(0));
    }
}
