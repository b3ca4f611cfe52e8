use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{QuantityError, Unit};

const CPU: Unit = Unit { name: "CPU", smallest: "millis", examples: "500m, 0.5 or 2", exponent: 3 };

/// An amount of CPU in whole millis: 1000 millis are one core.
///
/// What a person asks for ([`FromStr`]) is more than zero and whole in millis. A live value of the cluster
/// ([`Cpu::from_cluster`]) is rounded up as the API server's `MilliValue` does. Printed as `500m` or, where
/// it is whole cores, as `2`.
///
/// An amount of CPU is never an amount of memory:
///
/// ```compile_fail
/// # use toolforge_model::{Cpu, Memory};
/// let _: Memory = Cpu::from_millis(500);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cpu(u64);

impl Cpu {
    /// Returns an amount in millis.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Returns a live value of the cluster, rounded up to whole millis.
    ///
    /// # Errors
    /// When the text is not a Kubernetes quantity, is negative or is more than 2⁶³ − 1 millis.
    pub fn from_cluster(text: &str) -> Result<Self, QuantityError> {
        CPU.live(text).map(Self)
    }

    /// Returns the amount in millis.
    #[must_use]
    pub const fn millis(self) -> u64 {
        self.0
    }

    /// Returns half of the amount, rounded up to 1m.
    #[must_use]
    pub const fn half(self) -> Self {
        Self(self.0.div_ceil(2))
    }
}

impl FromStr for Cpu {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        CPU.asked(text).map(Self)
    }
}

impl TryFrom<String> for Cpu {
    type Error = QuantityError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::from_cluster(&text)
    }
}

impl From<Cpu> for String {
    fn from(cpu: Cpu) -> Self {
        cpu.to_string()
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

    fn refusal(text: &str) -> String {
        text.parse::<Cpu>().unwrap_err().to_string()
    }

    #[test]
    fn every_suffix_of_kubernetes_is_read_exactly() {
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
    fn a_value_of_the_cluster_is_rounded_up_to_millis() {
        for (text, expected) in
            [("100n", 1), ("1u", 1), ("1500001u", 1501), ("0", 0), ("0.0005", 1), ("1e-9999", 1)]
        {
            assert_eq!(Cpu::from_cluster(text).unwrap().millis(), expected, "{text}");
        }
    }

    #[test]
    fn halves_round_up() {
        assert_eq!(Cpu::from_millis(333).half(), Cpu::from_millis(167));
        assert_eq!(Cpu::from_millis(1).half(), Cpu::from_millis(1));
        assert_eq!(Cpu::from_millis(500).half(), Cpu::from_millis(250));
    }

    #[test]
    fn a_mistake_is_named_with_the_allowed_form() {
        assert_eq!(refusal("lots"), "\"lots\" is not an amount of CPU; write it like 500m, 0.5 or 2");
        assert_eq!(refusal("1,5"), "\"1,5\" has the unknown suffix \",5\"; write CPU like 500m, 0.5 or 2");
        assert_eq!(refusal("-1"), "-1 of CPU is negative; write it like 500m, 0.5 or 2");
        assert_eq!(refusal("0"), "0 of CPU is nothing; write more than zero, like 500m, 0.5 or 2");
        assert_eq!(refusal("0.5m"), "0.5m is not a whole number of millis; write CPU like 500m, 0.5 or 2");
        assert_eq!(refusal("1E"), "1E of CPU is more than a cluster can count; write it like 500m, 0.5 or 2");
        assert_eq!(
            refusal("1e9999"),
            "1e9999 of CPU is more than a cluster can count; write it like 500m, 0.5 or 2"
        );
        for text in
            ["", "m", ".", "_1", "1_", "1__0", "1.2.3", "1KI", "1mi", "٥m", "nan", "inf", "1e", "1e+", "1 m"]
        {
            assert!(text.parse::<Cpu>().is_err(), "{text:?}");
        }
    }
}
