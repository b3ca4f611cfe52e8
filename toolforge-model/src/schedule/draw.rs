use rand_mt::Mt;
use sha2::{Digest, Sha512};

use super::cron_field::Field;
use super::macros::Macro;
use super::{CronExpression, ScheduleField};

impl Macro {
    /// Returns the expression that a macro stands for.
    ///
    /// Each job of a tool has a time of its own, the same every time: the platform draws each field that is not `*` from
    /// Python's `random.Random("TOOL JOB")`, and another draw would move existing jobs.
    pub(super) fn expression(self, tool: &str, job: &str) -> CronExpression {
        let mut generator = Mt::new_with_key(key(&format!("{tool} {job}")));
        let mut draw = |field, has_value: bool, least, most| {
            if has_value { Field::single(between(&mut generator, least, most)) } else { Field::any(field) }
        };
        let has_day_of_month = matches!(self, Self::Monthly | Self::Yearly);
        // From left to right: the order is part of the draw.
        CronExpression {
            minute: draw(ScheduleField::Minute, true, 0, 59),
            hour: draw(ScheduleField::Hour, self != Self::Hourly, 0, 23),
            day_of_month: draw(ScheduleField::DayOfMonth, has_day_of_month, 1, 31),
            month: draw(ScheduleField::Month, self == Self::Yearly, 1, 12),
            day_of_week: draw(ScheduleField::DayOfWeek, self == Self::Weekly, 0, 6),
        }
    }
}

/// Returns the 32-bit words of a seed as Python derives them from a text: the text and its SHA-512 as one large number, the
/// least significant word first.
fn key(seed: &str) -> Vec<u32> {
    let mut bytes = seed.as_bytes().to_vec();
    bytes.extend_from_slice(&Sha512::digest(seed));
    // Python skips leading words that are zero; there are none, since a name does not start with a zero byte.
    bytes.rchunks(4).map(|word| word.iter().fold(0, |number, &byte| number << 8 | u32::from(byte))).collect()
}

/// Draws like Python's `Random.randint`: the upper bits of the outputs, until they are in range.
fn between(generator: &mut Mt, least: u8, most: u8) -> u8 {
    let count = u32::from(most - least) + 1;
    loop {
        let drawn = generator.next_u32() >> count.leading_zeros();
        if let Ok(drawn) = u8::try_from(drawn)
            && u32::from(drawn) < count
        {
            return least + drawn;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_like_the_platform() {
        let drawn = |name, tool, job| Macro::expression(name, tool, job).to_string();
        assert_eq!(drawn(Macro::Hourly, "stashbot", "bot"), "6 * * * *");
        assert_eq!(drawn(Macro::Daily, "some-tool", "some-job"), "56 6 * * *");
        assert_eq!(drawn(Macro::Weekly, "wikiloveslove", "update"), "27 18 * * 2");
        assert_eq!(drawn(Macro::Monthly, "tf-test", "myjob"), "1 7 28 * *");
        assert_eq!(drawn(Macro::Yearly, "tf-test", "myjob"), "1 7 28 9 *");
        // No tool has such a name any more, but the recorded draw shows how text becomes bytes.
        assert_eq!(drawn(Macro::Yearly, "ümlaut", "j"), "48 2 14 10 *");
    }
}
