//! Kubernetes quantities as exact whole numbers of one unit.

mod cpu;
mod memory;
mod parse;

pub use cpu::Cpu;
pub use memory::Memory;

use crate::Untrusted;
use parse::{Parsed, parse};

/// Why a text is not an amount.
///
/// `unit` says of what: `CPU` or `memory`.
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
        /// Texts that are allowed.
        examples: &'static str,
    },
    /// The number is right but the suffix is none of Kubernetes'.
    #[error(
        "{} has the unknown suffix {}; write {unit} like {examples}",
        found.quoted(), suffix.quoted()
    )]
    Suffix {
        /// The text that was found.
        found: Untrusted,
        /// What stands behind the number.
        suffix: Untrusted,
        /// What is measured.
        unit: &'static str,
        /// Texts that are allowed.
        examples: &'static str,
    },
    /// The amount is below zero.
    #[error("{} of {unit} is negative; write it like {examples}", found.escaped())]
    Negative {
        /// The text that was found.
        found: Untrusted,
        /// What is measured.
        unit: &'static str,
        /// Texts that are allowed.
        examples: &'static str,
    },
    /// Nothing was asked for.
    #[error("{} of {unit} is nothing; write more than zero, like {examples}", found.escaped())]
    Zero {
        /// The text that was found.
        found: Untrusted,
        /// What is measured.
        unit: &'static str,
        /// Texts that are allowed.
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
        /// Texts that are allowed.
        examples: &'static str,
    },
    /// The amount is more than Kubernetes can hold, 2⁶³ − 1 of the smallest unit.
    #[error("{} of {unit} is more than a cluster can count; write it like {examples}", found.escaped())]
    TooLarge {
        /// The text that was found.
        found: Untrusted,
        /// What is measured.
        unit: &'static str,
        /// Texts that are allowed.
        examples: &'static str,
    },
}

/// What an amount is measured in.
#[derive(Clone, Copy)]
struct Unit {
    name: &'static str,
    smallest: &'static str,
    examples: &'static str,
    /// The decimal exponent from one of the unit to its smallest part.
    exponent: i32,
}

impl Unit {
    /// Parses what a person asks for: more than zero and whole in the smallest unit.
    fn asked(self, text: &str) -> Result<u64, QuantityError> {
        // Blanks around and `_` between digits are spellings of the platform's own tools.
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

    /// Parses a live value: rounded up to the smallest unit, as the API server's `MilliValue` and `Value` do.
    fn live(self, text: &str) -> Result<u64, QuantityError> {
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

/// Returns a live count of objects, such as `pods: "10"`, rounded up as the API server's `Value` does.
///
/// # Errors
/// When the text is not a Kubernetes quantity, is negative or is more than 2⁶³ − 1.
pub fn count_from_cluster(text: &str) -> Result<u64, QuantityError> {
    const COUNT: Unit = Unit { name: "objects", smallest: "objects", examples: "10", exponent: 0 };
    COUNT.live(text)
}
