use std::fmt;

use toolforge_model::{Cpu, QuantityError};

/// The maximum ratio of a limit to its request, in thousandths: 1500 is one and a half times the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ratio(u64);

impl Ratio {
    /// Returns a ratio in thousandths.
    #[must_use]
    pub const fn from_thousandths(thousandths: u64) -> Self {
        Self(thousandths)
    }

    /// Parses a Kubernetes quantity, rounded up to whole thousandths as the API server's `MilliValue` does.
    ///
    /// # Errors
    /// When the text is not a Kubernetes quantity, is negative or too large.
    pub fn parse_quantity(text: &str) -> Result<Self, QuantityError> {
        Cpu::parse_quantity(text).map(|amount| Self(amount.millis()))
    }

    /// Returns the ratio times an amount, rounded down; at most `u64::MAX`.
    pub(crate) fn times(self, amount: u64) -> u64 {
        u64::try_from(u128::from(self.0) * u128::from(amount) / 1000).unwrap_or(u64::MAX)
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fraction = format!(".{:03}", self.0 % 1000);
        write!(f, "{}{}", self.0 / 1000, fraction.trim_end_matches('0').trim_end_matches('.'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_decimal_numbers() {
        for (text, thousandths, printed) in [
            ("4", 4000, "4"),
            ("1.5", 1500, "1.5"),
            ("10", 10_000, "10"),
            ("1250m", 1250, "1.25"),
            ("0", 0, "0"),
        ] {
            let ratio = Ratio::parse_quantity(text).unwrap();
            assert_eq!(ratio, Ratio::from_thousandths(thousandths));
            assert_eq!(ratio.to_string(), printed);
        }
    }

    #[test]
    fn product_is_rounded_down() {
        assert_eq!(Ratio::from_thousandths(1500).times(333), 499);
        assert_eq!(Ratio::from_thousandths(u64::MAX).times(u64::MAX), u64::MAX);
    }
}
