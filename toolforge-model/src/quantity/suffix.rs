use super::parse::{Parsed, parse};
use crate::Untrusted;

/// Why a text is not an amount.
///
/// `unit` is the measured resource: `CPU` or `memory`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QuantityError {
    /// The text is not a Kubernetes quantity at all.
    #[error("{} is not an amount of {unit}; {}", found.quoted(), advice(near.as_deref(), "it", examples))]
    Malformed {
        /// The text that was found.
        found: Untrusted,
        /// The measured resource.
        unit: &'static str,
        /// Examples of allowed texts.
        examples: &'static str,
        /// The amount that was most likely meant.
        near: Option<String>,
    },
    /// The number is valid, but the suffix is not one of Kubernetes'.
    #[error(
        "{} has the unknown suffix {}; {}",
        found.quoted(), suffix.quoted(), advice(near.as_deref(), unit, examples)
    )]
    Suffix {
        /// The text that was found.
        found: Untrusted,
        /// The text after the number.
        suffix: Untrusted,
        /// The measured resource.
        unit: &'static str,
        /// Examples of allowed texts.
        examples: &'static str,
        /// The amount that was most likely meant.
        near: Option<String>,
    },
    /// The amount is below zero.
    #[error("{} is not a positive amount of {unit}; write it like {examples}", found.escaped())]
    Negative {
        /// The text that was found.
        found: Untrusted,
        /// The measured resource.
        unit: &'static str,
        /// Examples of allowed texts.
        examples: &'static str,
    },
    /// The amount is zero.
    #[error("{} is not a positive amount of {unit}; write it like {examples}", found.escaped())]
    Zero {
        /// The text that was found.
        found: Untrusted,
        /// The measured resource.
        unit: &'static str,
        /// Examples of allowed texts.
        examples: &'static str,
    },
    /// The amount is not a whole number of the smallest unit.
    #[error("{} is not a whole number of {smallest}; {}", found.escaped(), advice(near.as_deref(), unit, examples))]
    TooFine {
        /// The text that was found.
        found: Untrusted,
        /// The measured resource.
        unit: &'static str,
        /// The smallest unit, in the plural.
        smallest: &'static str,
        /// Examples of allowed texts.
        examples: &'static str,
        /// The amount that was most likely meant.
        near: Option<String>,
    },
    /// The amount is more than Kubernetes can hold, 2⁶³ − 1 of the smallest unit.
    #[error("{} is more {unit} than Kubernetes can hold; write it like {examples}", found.escaped())]
    TooLarge {
        /// The text that was found.
        found: Untrusted,
        /// The measured resource.
        unit: &'static str,
        /// Examples of allowed texts.
        examples: &'static str,
    },
}

/// Returns how to write an amount.
fn advice(near: Option<&str>, unit: &str, examples: &str) -> String {
    match near {
        Some(near) => format!("did you mean {near}?"),
        None => format!("write {unit} like {examples}"),
    }
}

/// An amount that is valid, but too small or too large for every program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImprobableAmount {
    /// Less memory than a program needs to start.
    #[error("{bytes} bytes of memory are too little for any program; {}", meant_memory(*bytes))]
    Memory {
        /// The amount in bytes.
        bytes: u64,
    },
    /// More CPU than a machine has.
    #[error("{cores} CPUs are more than any machine has; {}", meant_cpu(*cores))]
    Cpu {
        /// The amount in cores.
        cores: u64,
    },
}

/// Returns how to write the memory that a number without a suffix most likely means.
fn meant_memory(bytes: u64) -> String {
    match bytes {
        0 => "write an amount like 512Mi or 1Gi".to_owned(),
        1..=16 => format!("did you mean {bytes}Gi?"),
        17..=65_536 => format!("did you mean {bytes}Mi?"),
        more => format!("did you mean {}Mi?", more.div_ceil(1024)),
    }
}

/// Returns how to write the CPU that is most likely meant: millis without their suffix, or with `M`, which is a million.
fn meant_cpu(cores: u64) -> String {
    const MOST_MILLIS: u64 = 100_000;
    match (cores, cores / 1_000_000) {
        (0..=MOST_MILLIS, _) => format!("did you mean {cores}m?"),
        (cores, millis @ 1..=MOST_MILLIS) if cores.is_multiple_of(1_000_000) => {
            format!("did you mean {millis}m?")
        }
        _ => "write CPU like 500m, 0.5 or 2".to_owned(),
    }
}

/// A unit of amounts.
#[derive(Clone, Copy)]
pub(super) struct Unit {
    pub(super) name: &'static str,
    pub(super) smallest: &'static str,
    pub(super) examples: &'static str,
    /// Suffixes as people write them, in lower case, and the suffix that each of them means.
    pub(super) spellings: &'static [(&'static [&'static str], &'static str)],
    /// The decimal exponent from one of the unit to its smallest part.
    pub(super) exponent: i32,
    /// Above this amount, a fraction of the smallest part is rounded up; below, it is an error, such as `500m` of memory.
    pub(super) rounds_above: u64,
}

impl Unit {
    /// Reads an amount that a person requests: more than zero, and rounded up to the smallest unit.
    pub(super) fn asked(self, text: &str) -> Result<u64, QuantityError> {
        // The platform's own tools accept spaces around the number and `_` between digits.
        let (amount, exact) = self.rounded_up(text, text.trim())?;
        let found = || Untrusted::new(text);
        if !exact && amount <= self.rounds_above {
            let Self { name: unit, smallest, examples, .. } = self;
            return Err(QuantityError::TooFine {
                found: found(),
                unit,
                smallest,
                examples,
                near: self.near(text),
            });
        }
        if amount == 0 {
            return Err(QuantityError::Zero { found: found(), unit: self.name, examples: self.examples });
        }
        Ok(amount)
    }

    /// Reads a live value: rounded up to the smallest unit, as the API server's `MilliValue` and `Value` do, and at most
    /// 2⁶³ − 1.
    pub(super) fn live(self, text: &str) -> Result<u64, QuantityError> {
        self.capped(text).map(|(amount, _)| amount)
    }

    /// Reads a live upper bound: rounded down, so any amount within it is also within the exact one.
    pub(super) fn live_bound(self, text: &str) -> Result<u64, QuantityError> {
        self.capped(text).map(|(amount, exact)| if exact { amount } else { amount.saturating_sub(1) })
    }

    fn capped(self, text: &str) -> Result<(u64, bool), QuantityError> {
        match self.rounded_up(text, text) {
            Err(QuantityError::TooLarge { .. }) => Ok((i64::MAX.unsigned_abs(), true)),
            read => read,
        }
    }

    /// Returns the amount that was most likely meant, as it must be written.
    fn near(self, text: &str) -> Option<String> {
        let written: String =
            text.chars().filter(|c| !c.is_whitespace()).collect::<String>().replace(',', ".");
        let number_end = written.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(written.len());
        let (number, suffix) = written.split_at(number_end);
        let lowercase = suffix.to_lowercase();
        let (_, meant) =
            self.spellings.iter().find(|(spellings, _)| spellings.contains(&lowercase.as_str()))?;
        let near = format!("{number}{meant}");
        let is_whole = matches!(parse(&near, self.exponent), Parsed::Amount { rounded_up: 1.., exact: true });
        (is_whole && near != text).then_some(near)
    }

    fn rounded_up(self, found: &str, text: &str) -> Result<(u64, bool), QuantityError> {
        let Self { name: unit, examples, .. } = self;
        let found = Untrusted::new(found);
        match parse(text, self.exponent) {
            Parsed::Amount { rounded_up, exact } => Ok((rounded_up, exact)),
            Parsed::Malformed => {
                Err(QuantityError::Malformed { found, unit, examples, near: self.near(text) })
            }
            Parsed::UnknownSuffix(suffix) => {
                let suffix = Untrusted::new(suffix);
                Err(QuantityError::Suffix { found, suffix, unit, examples, near: self.near(text) })
            }
            Parsed::Negative => Err(QuantityError::Negative { found, unit, examples }),
            Parsed::TooLarge => Err(QuantityError::TooLarge { found, unit, examples }),
        }
    }
}

const COUNT: Unit = Unit {
    name: "objects",
    smallest: "objects",
    examples: "10",
    spellings: &[],
    exponent: 0,
    rounds_above: u64::MAX,
};

/// Reads a count of objects from a live object, such as `pods: "10"`, rounded up like the API server's `Value`.
///
/// # Errors
/// When the text is not a Kubernetes quantity or is negative.
pub fn parse_count(text: &str) -> Result<u64, QuantityError> {
    COUNT.live(text)
}

/// Reads an upper bound of a count of objects from a live object, rounded down.
///
/// # Errors
/// Same as for [`parse_count`].
pub fn parse_count_bound(text: &str) -> Result<u64, QuantityError> {
    COUNT.live_bound(text)
}

#[cfg(test)]
mod tests {
    use crate::{Cpu, Memory};

    #[test]
    fn misspelled_amounts_have_suggestions() {
        for (text, near) in [
            ("512mb", "512Mi"),
            ("512MB", "512Mi"),
            ("1GiB", "1Gi"),
            ("1gi", "1Gi"),
            ("1g", "1Gi"),
            ("500m", "500Mi"),
            ("1,5Gi", "1.5Gi"),
            ("512 Mi", "512Mi"),
            ("1 GB", "1Gi"),
            ("64K", "64Ki"),
        ] {
            let error = text.parse::<Memory>().unwrap_err().to_string();
            assert!(error.ends_with(&format!("; did you mean {near}?")), "{error}");
            assert!(near.parse::<Memory>().is_ok());
        }
        for (text, near) in [("0,5", "0.5"), ("1 core", "1"), ("2cpus", "2"), ("500 milli", "500m")] {
            let error = text.parse::<Cpu>().unwrap_err().to_string();
            assert!(error.ends_with(&format!("; did you mean {near}?")), "{error}");
        }
        for text in ["lots", "", "Mi", "1x", "1.2.3Gi", "0.1m"] {
            let error = text.parse::<Memory>().unwrap_err().to_string();
            assert!(!error.contains("did you mean"), "{error}");
        }
    }
}
