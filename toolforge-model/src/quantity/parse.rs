/// A parsed quantity, in units of the smallest part.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Parsed<'a> {
    Amount { rounded_up: u64, exact: bool },
    Malformed,
    UnknownSuffix(&'a str),
    Negative,
    TooLarge,
}

/// The largest amount: Kubernetes holds quantities in an `int64`.
const MAX: u128 = i64::MAX.unsigned_abs() as u128;

/// More significant digits than this never fit the largest amount in any unit, and keep the arithmetic in `u128`.
const MAX_DIGITS: usize = 38;

/// Parses `[+|-]digits[.digits][suffix]`, where the suffix is Kubernetes' binary (`Ki` … `Ei`), decimal
/// (`n` … `E`) or exponent (`e3`, `E3`), times ten to the `unit_exponent`.
///
/// Digits may be grouped by `_`, as the platform's tools allow.
pub(super) fn parse(text: &str, unit_exponent: i32) -> Parsed<'_> {
    let (negative, unsigned) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let number_end = unsigned
        .bytes()
        .position(|b| !b.is_ascii_digit() && b != b'.' && b != b'_')
        .unwrap_or(unsigned.len());
    let (number, suffix) = unsigned.split_at(number_end);
    let Some((digits, fraction_length)) = digits(number) else {
        return Parsed::Malformed;
    };
    let Some((decimal_exponent, binary_exponent)) = suffix_exponents(suffix) else {
        return Parsed::UnknownSuffix(suffix);
    };
    let significant = digits.trim_start_matches('0');
    if significant.is_empty() {
        return Parsed::Amount { rounded_up: 0, exact: true };
    }
    if negative {
        return Parsed::Negative;
    }
    let trimmed = significant.trim_end_matches('0');
    let zeros = significant.len() - trimmed.len();
    if trimmed.len() > MAX_DIGITS {
        return Parsed::TooLarge;
    }
    let Ok(mantissa) = trimmed.parse::<u128>() else {
        return Parsed::Malformed;
    };
    // Lengths are those of a text in memory, far below the range of i64.
    let exponent =
        i64::from(decimal_exponent) + i64::from(unit_exponent) + length(zeros) - length(fraction_length);
    scaled(mantissa, exponent, binary_exponent)
}

fn length(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX / 4)
}

/// Returns the digits of a number without its point and grouping, and how many of them follow the point.
fn digits(number: &str) -> Option<(String, usize)> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if fraction.contains('.') || !grouping_is_sound(whole) || !grouping_is_sound(fraction) {
        return None;
    }
    let digits: String = whole.chars().chain(fraction.chars()).filter(char::is_ascii_digit).collect();
    if digits.is_empty() {
        return None;
    }
    let fraction_length = fraction.bytes().filter(u8::is_ascii_digit).count();
    Some((digits, fraction_length))
}

/// Returns whether every `_` is between two digits.
fn grouping_is_sound(digits: &str) -> bool {
    !digits.starts_with('_') && !digits.ends_with('_') && !digits.contains("__")
}

/// Returns the decimal and the binary exponent of a suffix.
fn suffix_exponents(suffix: &str) -> Option<(i32, u32)> {
    Some(match suffix {
        "" => (0, 0),
        "n" => (-9, 0),
        "u" => (-6, 0),
        "m" => (-3, 0),
        "k" => (3, 0),
        "M" => (6, 0),
        "G" => (9, 0),
        "T" => (12, 0),
        "P" => (15, 0),
        "E" => (18, 0),
        "Ki" => (0, 10),
        "Mi" => (0, 20),
        "Gi" => (0, 30),
        "Ti" => (0, 40),
        "Pi" => (0, 50),
        "Ei" => (0, 60),
        _ => {
            let exponent = suffix.strip_prefix(['e', 'E'])?;
            let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
            // Four digits are already too large for any cluster; more could overflow.
            if digits.is_empty() || digits.len() > 4 || !digits.bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            (exponent.parse().ok()?, 0)
        }
    })
}

/// Returns `mantissa · 10^decimal · 2^binary`, rounded up to a whole number.
fn scaled(mantissa: u128, decimal: i64, binary: u32) -> Parsed<'static> {
    let Some(binary_scaled) = 2_u128.checked_pow(binary).and_then(|factor| mantissa.checked_mul(factor))
    else {
        return Parsed::TooLarge;
    };
    let (amount, exact) = if decimal >= 0 {
        let factor = u32::try_from(decimal).ok().and_then(|power| 10_u128.checked_pow(power));
        match factor.and_then(|factor| binary_scaled.checked_mul(factor)) {
            Some(amount) => (amount, true),
            None => return Parsed::TooLarge,
        }
    } else {
        match u32::try_from(-decimal).ok().and_then(|power| 10_u128.checked_pow(power)) {
            Some(divisor) => (binary_scaled.div_ceil(divisor), binary_scaled.is_multiple_of(divisor)),
            // The divisor is beyond u128, so the amount is a part of the smallest unit.
            None => (1, false),
        }
    };
    if amount > MAX {
        return Parsed::TooLarge;
    }
    u64::try_from(amount).map_or(Parsed::TooLarge, |rounded_up| Parsed::Amount { rounded_up, exact })
}
