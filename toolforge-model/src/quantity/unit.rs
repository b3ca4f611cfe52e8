use super::parse::{Parsed, parse};
use crate::Untrusted;

/// Why a text is not an amount.
///
/// `unit` is what is measured: `CPU` or `memory`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QuantityError {
    /// The text is not a Kubernetes quantity at all.
    #[error("{} is not an amount of {unit}; write it like {examples}", found.quoted())]
    Malformed {
        /// The text that was found.
        found: Untrusted,
        /// What is measured.
        unit: &'static str,
        /// Examples of allowed texts.
        examples: &'static str,
    },
    /// The number is valid, but the suffix is not one of Kubernetes'.
    #[error(
        "{} has the unknown suffix {}; write {unit} like {examples}",
        found.quoted(), suffix.quoted()
    )]
    Suffix {
        /// The text that was found.
        found: Untrusted,
        /// The text after the number.
        suffix: Untrusted,
        /// What is measured.
        unit: &'static str,
        /// Examples of allowed texts.
        examples: &'static str,
    },
    /// The amount is below zero.
    #[error("{} of {unit} is negative; write it like {examples}", found.escaped())]
    Negative {
        /// The text that was found.
        found: Untrusted,
        /// What is measured.
        unit: &'static str,
        /// Examples of allowed texts.
        examples: &'static str,
    },
    /// The amount is zero.
    #[error("{} of {unit} is zero; write a positive amount, like {examples}", found.escaped())]
    Zero {
        /// The text that was found.
        found: Untrusted,
        /// What is measured.
        unit: &'static str,
        /// Examples of allowed texts.
        examples: &'static str,
    },
    /// The amount is not a whole number of the smallest unit.
    #[error("{} is not a whole number of {smallest}; write {unit} like {examples}", found.escaped())]
    TooFine {
        /// The text that was found.
        found: Untrusted,
        /// What is measured.
        unit: &'static str,
        /// The smallest unit, in the plural.
        smallest: &'static str,
        /// Examples of allowed texts.
        examples: &'static str,
    },
    /// The amount is more than Kubernetes can hold, 2⁶³ − 1 of the smallest unit.
    #[error("{} of {unit} is more than Kubernetes can hold; write it like {examples}", found.escaped())]
    TooLarge {
        /// The text that was found.
        found: Untrusted,
        /// What is measured.
        unit: &'static str,
        /// Examples of allowed texts.
        examples: &'static str,
    },
}

/// A unit of amounts.
#[derive(Clone, Copy)]
pub(super) struct Unit {
    pub(super) name: &'static str,
    pub(super) smallest: &'static str,
    pub(super) examples: &'static str,
    /// The decimal exponent from one of the unit to its smallest part.
    pub(super) exponent: i32,
}

impl Unit {
    /// Reads what a person asks for: more than zero and whole in the smallest unit.
    pub(super) fn asked(self, text: &str) -> Result<u64, QuantityError> {
        // The platform's own tools accept spaces around the number and `_` between digits.
        let (amount, exact) = self.rounded_up(text, text.trim())?;
        let found = || Untrusted::new(text);
        if !exact {
            let Self { name: unit, smallest, examples, .. } = self;
            return Err(QuantityError::TooFine { found: found(), unit, smallest, examples });
        }
        if amount == 0 {
            return Err(QuantityError::Zero { found: found(), unit: self.name, examples: self.examples });
        }
        Ok(amount)
    }

    /// Reads a live value: rounded up to the smallest unit, as the API server's `MilliValue` and `Value` do.
    pub(super) fn live(self, text: &str) -> Result<u64, QuantityError> {
        self.rounded_up(text, text).map(|(amount, _)| amount)
    }

    fn rounded_up(self, found: &str, text: &str) -> Result<(u64, bool), QuantityError> {
        let Self { name: unit, examples, .. } = self;
        let found = Untrusted::new(found);
        match parse(text, self.exponent) {
            Parsed::Amount { rounded_up, exact } => Ok((rounded_up, exact)),
            Parsed::Malformed => Err(QuantityError::Malformed { found, unit, examples }),
            Parsed::UnknownSuffix(suffix) => {
                Err(QuantityError::Suffix { found, suffix: Untrusted::new(suffix), unit, examples })
            }
            Parsed::Negative => Err(QuantityError::Negative { found, unit, examples }),
            Parsed::TooLarge => Err(QuantityError::TooLarge { found, unit, examples }),
        }
    }
}

/// Reads a count of objects of a live object, such as `pods: "10"`, rounded up like the API server's `Value`.
///
/// # Errors
/// When the text is not a Kubernetes quantity, is negative or is more than 2⁶³ − 1.
pub fn parse_count(text: &str) -> Result<u64, QuantityError> {
    const COUNT: Unit = Unit { name: "objects", smallest: "objects", examples: "10", exponent: 0 };
    COUNT.live(text)
}
