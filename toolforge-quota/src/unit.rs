use toolforge_model::{Cpu, Memory, QuantityError, parse_count, parse_count_bound};

/// The unit of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Millis of CPU.
    Millis,
    /// Bytes.
    Bytes,
    /// Whole objects or devices.
    Objects,
}

impl Unit {
    /// Parses a Kubernetes quantity, rounded up.
    pub(crate) fn parse_amount(self, text: &str) -> Result<u64, QuantityError> {
        match self {
            Self::Millis => Cpu::parse_quantity(text).map(Cpu::millis),
            Self::Bytes => Memory::parse_quantity(text).map(Memory::bytes),
            Self::Objects => parse_count(text),
        }
    }

    /// Parses an upper bound, rounded down.
    pub(crate) fn parse_bound(self, text: &str) -> Result<u64, QuantityError> {
        match self {
            Self::Millis => Cpu::parse_bound(text).map(Cpu::millis),
            Self::Bytes => Memory::parse_bound(text).map(Memory::bytes),
            Self::Objects => parse_count_bound(text),
        }
    }

    /// Returns an amount as a Kubernetes quantity, exactly.
    pub(crate) fn amount(self, amount: u64) -> String {
        match self {
            Self::Millis => Cpu::from_millis(amount).to_string(),
            Self::Bytes => Memory::from_bytes(amount).to_string(),
            Self::Objects => amount.to_string(),
        }
    }
}

/// How an amount that would be too long to read is rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rounding {
    /// For limits and headroom.
    Down,
    /// For usage and requests.
    Up,
}

/// The most digits of an amount that is printed exactly.
const SHORT: usize = 4;

impl Unit {
    /// Returns two amounts for people, each with the rounding that it has alone, so it reads the same everywhere; both are
    /// exact if rounding would change which one is larger.
    pub(crate) fn compared(self, one: (u64, Rounding), other: (u64, Rounding)) -> (String, String) {
        let short = (self.short(one.0, one.1), self.short(other.0, other.1));
        let parsed = |text: &str| self.parse_amount(text).unwrap_or(u64::MAX);
        if parsed(&short.0).cmp(&parsed(&short.1)) == one.0.cmp(&other.0) {
            return short;
        }
        (self.amount(one.0), self.amount(other.0))
    }

    /// Returns an amount with three digits, or exactly if that has at most four.
    pub(crate) fn short(self, amount: u64, rounding: Rounding) -> String {
        const BINARY: [&str; 7] = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
        const DECIMAL: [&str; 7] = ["", "k", "M", "G", "T", "P", "E"];
        let exact = self.amount(amount);
        if exact.bytes().filter(u8::is_ascii_digit).count() <= SHORT {
            return exact;
        }
        let (factor, first, suffixes) = match self {
            Self::Bytes => (1024, 1, BINARY),
            Self::Millis => (1000, 1000, DECIMAL),
            Self::Objects => (1000, 1, DECIMAL),
        };
        let (mut unit, mut steps) = (first, 0);
        while u128::from(amount) >= unit * factor && steps + 1 < suffixes.len() {
            unit *= factor;
            steps += 1;
        }
        let whole = u128::from(amount) / unit;
        let tenths: u32 = if whole < 10 { 2 } else { u32::from(whole < 100) };
        let scale = 10_u128.pow(tenths);
        let scaled = u128::from(amount) * scale;
        let scaled = match rounding {
            Rounding::Down => scaled / unit,
            Rounding::Up => scaled.div_ceil(unit),
        };
        let (whole, rest) = (scaled / scale, scaled % scale);
        let width = usize::try_from(tenths).unwrap_or(0);
        let fraction = if tenths == 0 { String::new() } else { format!(".{rest:0width$}") };
        let fraction = fraction.trim_end_matches('0').trim_end_matches('.');
        format!("{whole}{fraction}{}", suffixes[steps])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_amounts_have_three_digits() {
        for (unit, text, down, up) in [
            (Unit::Bytes, "8Gi", "8Gi", "8Gi"),
            (Unit::Bytes, "1536Mi", "1536Mi", "1536Mi"),
            (Unit::Bytes, "3330142Ki", "3.17Gi", "3.18Gi"),
            (Unit::Bytes, "2490880Ki", "2.37Gi", "2.38Gi"),
            (Unit::Bytes, "105226699", "100Mi", "101Mi"),
            (Unit::Bytes, "1073741825", "1Gi", "1.01Gi"),
            (Unit::Bytes, "1073741823", "1023Mi", "1024Mi"),
            (Unit::Bytes, "9223372036854775807", "7.99Ei", "8Ei"),
            (Unit::Millis, "1500m", "1500m", "1500m"),
            (Unit::Millis, "12345m", "12.3", "12.4"),
            (Unit::Millis, "123456m", "123", "124"),
            (Unit::Millis, "9223372036854775807", "9.22P", "9.23P"),
            (Unit::Objects, "12", "12", "12"),
            (Unit::Objects, "123456", "123k", "124k"),
        ] {
            let amount = unit.parse_amount(text).unwrap();
            assert_eq!(unit.short(amount, Rounding::Down), down, "{text}");
            assert_eq!(unit.short(amount, Rounding::Up), up, "{text}");
        }
    }
    #[test]
    fn compared_amounts_keep_their_order() {
        let compared = |one, other| Unit::Bytes.compared((one, Rounding::Up), (other, Rounding::Up));
        for (one, other, expected) in [
            (52_613_350, 100 << 20, ("50.2Mi", "100Mi")),
            // Both would be 50.2Mi.
            (52_613_350, 52_620_000, ("52613350", "52620k")),
            (52_613_350, 52_613_350, ("50.2Mi", "50.2Mi")),
        ] {
            assert_eq!(compared(one, other), (expected.0.to_owned(), expected.1.to_owned()));
        }
    }
}
