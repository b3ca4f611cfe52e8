//! What numbers and booleans of YAML mean to kubectl.

use std::borrow::Cow;

/// Below this every whole number is exact.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

/// What a scalar without quotes means to kubectl: YAML 1.1, as go-yaml 2 reads it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Plain {
    /// `null`, `~` or nothing.
    Null,
    /// `true` and `false`, and the words of YAML 1.1: `yes`, `no`, `on`, `off`.
    Boolean(bool),
    /// A whole number, also `0x1f`, `0b1`, `0o17` and, as in YAML 1.1, `017`.
    Integer(i128),
    /// A number with a fraction or an exponent.
    Number(f64),
    /// Anything else.
    String,
}

impl Plain {
    /// Returns the meaning of a scalar without quotes.
    pub(crate) fn of(text: &str) -> Self {
        match text {
            "" | "~" | "null" | "Null" | "NULL" => return Self::Null,
            "true" | "True" | "TRUE" => return Self::Boolean(true),
            "false" | "False" | "FALSE" => return Self::Boolean(false),
            ".nan" | ".NaN" | ".NAN" | ".inf" | ".Inf" | ".INF" | "+.inf" | "-.inf" => {
                return Self::Number(f64::NAN);
            }
            _ => {}
        }
        if let Some(value) = Self::former_boolean(text) {
            return Self::Boolean(value);
        }
        if let Some(number) = integer(text) {
            return Self::Integer(number);
        }
        match number(text) {
            // `8000.0` and `1e3` are sent as `8000` and `1000`.
            Some(number) if number.abs() < MAX_EXACT && number.fract() == 0.0 => {
                format!("{number:.0}").parse().map_or(Self::Number(number), Self::Integer)
            }
            found => found.map_or(Self::String, Self::Number),
        }
    }

    /// Returns the text of an amount such as `1` or `500m`: for a whole number, its value, as in `010`.
    pub(crate) fn amount(self, text: &str) -> Cow<'_, str> {
        match self {
            Self::Null => Cow::Borrowed("0"),
            Self::Integer(number) => Cow::Owned(number.to_string()),
            Self::Boolean(_) | Self::Number(_) | Self::String => Cow::Borrowed(text),
        }
    }

    /// Returns the value of a boolean that YAML 1.1 has and YAML 1.2 does not.
    pub(crate) fn former_boolean(text: &str) -> Option<bool> {
        match text {
            "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Some(true),
            "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Some(false),
            _ => None,
        }
    }
}

fn integer(text: &str) -> Option<i128> {
    let plain = text.replace('_', "");
    let (is_negative, digits) = match plain.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, plain.strip_prefix('+').unwrap_or(&plain)),
    };
    if !text.trim_start_matches(['+', '-']).starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let (radix, digits) = match digits.get(..2) {
        Some("0x") => (16, &digits[2..]),
        Some("0b") => (2, &digits[2..]),
        Some("0o") => (8, &digits[2..]),
        Some(start) if start.starts_with('0') => (8, &digits[1..]),
        _ => (10, digits),
    };
    // A number that JSON cannot have is read as a fraction by kubectl.
    let number = i128::from(u64::from_str_radix(digits, radix).ok()?);
    Some(if is_negative { -number } else { number })
}

fn number(text: &str) -> Option<f64> {
    let plain = text.replace('_', "");
    let digits = plain.trim_start_matches(['+', '-']);
    let is_number = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && digits.contains(|c: char| c.is_ascii_digit())
        && digits.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-'));
    if is_number { plain.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_mean_what_kubectl_reads() {
        for (text, meant) in [
            ("", Plain::Null),
            ("~", Plain::Null),
            ("true", Plain::Boolean(true)),
            ("no", Plain::Boolean(false)),
            ("On", Plain::Boolean(true)),
            ("8000", Plain::Integer(8000)),
            ("-1", Plain::Integer(-1)),
            ("0755", Plain::Integer(493)),
            ("0x1f", Plain::Integer(31)),
            ("1_000", Plain::Integer(1000)),
            ("089", Plain::Integer(89)),
            ("1.5", Plain::Number(1.5)),
            ("1e3", Plain::Integer(1000)),
            ("8000.0", Plain::Integer(8000)),
            ("1.2.3", Plain::String),
            ("500m", Plain::String),
            ("-", Plain::String),
            ("*/5", Plain::String),
            ("Tru", Plain::String),
            ("e3", Plain::String),
        ] {
            assert_eq!(Plain::of(text), meant, "{text:?}");
        }
    }
}
