use rand_mt::Mt;
use sha2::{Digest, Sha512};

use super::field::Field;
use super::{CronExpression, Macro, ScheduleField};

/// Returns the expression that a macro stands for.
///
/// A tool's job gets a time of its own, the same every time: the platform draws each field that is not `*` from
/// Python's `random.Random("TOOL JOB")`, and another draw would move the jobs that exist.
pub(super) fn splay(name: Macro, tool: &str, job: &str) -> CronExpression {
    let mut generator = Mt::new_with_key(key(&format!("{tool} {job}")));
    let mut draw = |field, has_value: bool, least, most| {
        if has_value { Field::single(between(&mut generator, least, most)) } else { Field::any(field) }
    };
    let has_day_of_month = matches!(name, Macro::Monthly | Macro::Yearly);
    // From left to right: the order is part of the draw.
    CronExpression {
        minute: draw(ScheduleField::Minute, true, 0, 59),
        hour: draw(ScheduleField::Hour, name != Macro::Hourly, 0, 23),
        day_of_month: draw(ScheduleField::DayOfMonth, has_day_of_month, 1, 31),
        month: draw(ScheduleField::Month, name == Macro::Yearly, 1, 12),
        day_of_week: draw(ScheduleField::DayOfWeek, name == Macro::Weekly, 0, 6),
    }
}

/// Returns the words of a seed as Python makes them from a text: the text and its SHA-512 as one large number, the
/// least significant word first.
fn key(seed: &str) -> Vec<u32> {
    let mut bytes = seed.as_bytes().to_vec();
    bytes.extend_from_slice(&Sha512::digest(seed));
    // Python leaves out leading words that are zero; there are none, since a name does not begin with a zero byte.
    bytes.rchunks(4).map(|word| word.iter().fold(0, |number, &byte| number << 8 | u32::from(byte))).collect()
}

/// Draws as Python's `Random.randint` does: the upper bits of the outputs, until they make a number that is in range.
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
    fn the_draw_is_that_of_the_platform() {
        let drawn = |name, tool, job| splay(name, tool, job).to_string();
        assert_eq!(drawn(Macro::Hourly, "stashbot", "bot"), "6 * * * *");
        assert_eq!(drawn(Macro::Daily, "some-tool", "some-job"), "56 6 * * *");
        assert_eq!(drawn(Macro::Weekly, "wikiloveslove", "update"), "27 18 * * 2");
        assert_eq!(drawn(Macro::Monthly, "tf-test", "myjob"), "1 7 28 * *");
        assert_eq!(drawn(Macro::Yearly, "tf-test", "myjob"), "1 7 28 9 *");
        // No tool has such a name any more, but the recorded draw tells how text becomes bytes.
        assert_eq!(drawn(Macro::Yearly, "ümlaut", "j"), "48 2 14 10 *");
    }
}
