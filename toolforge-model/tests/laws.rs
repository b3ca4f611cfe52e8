//! Laws that hold for every value and every text.

#![expect(clippy::unwrap_used, reason = "a test's own function may stop the test")]

use std::fmt::Debug;
use std::num::NonZeroU16;

use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
#[cfg(feature = "schedule")]
use toolforge_model::Schedule;
use toolforge_model::{
    BuildServiceImage, Colors, Cpu, Emails, Environment, JobImage, JobPort, LogPath, Memory, MountStorage,
    Replicas, Retry, ToolName, TypeName, Untrusted, parse_count,
};

const MOST: u64 = i64::MAX as u64;

proptest! {
    #[test]
    fn cpu_round_trips(millis in 1..=MOST) {
        let cpu = Cpu::from_millis(millis);
        prop_assert_eq!(cpu.to_string().parse::<Cpu>().unwrap(), cpu);
        prop_assert_eq!(Cpu::parse_quantity(&cpu.to_string()).unwrap(), cpu);
    }

    #[test]
    fn memory_round_trips(bytes in 1..=MOST) {
        let memory = Memory::from_bytes(bytes);
        prop_assert_eq!(memory.to_string().parse::<Memory>().unwrap(), memory);
        prop_assert_eq!(Memory::parse_quantity(&memory.to_string()).unwrap(), memory);
    }

    #[test]
    fn equal_amounts_print_equally(number in 1_u64..100_000, exponent in 0_u32..4, binary in 0_u32..4) {
        const BINARY: [&str; 4] = ["", "Ki", "Mi", "Gi"];
        const DECIMAL: [&str; 4] = ["", "k", "M", "G"];
        let spellings = [
            format!("{number}{}", BINARY[binary as usize]),
            format!("{}", number << (10 * binary)),
            format!("{}.0", number << (10 * binary)),
            format!("+{}000m", number << (10 * binary)),
        ];
        let amounts: Vec<Memory> = spellings.iter().map(|text| text.parse().unwrap()).collect();
        prop_assert!(amounts.windows(2).all(|pair| pair[0].to_string() == pair[1].to_string()));
        let decimal: Memory = format!("{number}{}", DECIMAL[exponent as usize]).parse().unwrap();
        let scientific: Memory = format!("{number}e{}", 3 * exponent).parse().unwrap();
        prop_assert_eq!(decimal.to_string(), scientific.to_string());
    }

    #[test]
    fn order_is_numeric_order(a in 1..=MOST, b in 1..=MOST) {
        let (cpu_a, cpu_b) = (Cpu::from_millis(a), Cpu::from_millis(b));
        prop_assert_eq!(cpu_a.cmp(&cpu_b), a.cmp(&b));
        let read = |cpu: Cpu| cpu.to_string().parse::<Cpu>().unwrap();
        prop_assert_eq!(read(cpu_a).cmp(&read(cpu_b)), a.cmp(&b));
        prop_assert_eq!(Memory::from_bytes(a).cmp(&Memory::from_bytes(b)), a.cmp(&b));
    }

    #[test]
    fn half_rounds_up_to_one_unit(millis in 0..=MOST) {
        let half = Cpu::from_millis(millis).half().millis();
        prop_assert!(half * 2 == millis || half * 2 == millis + 1);
    }

    #[test]
    fn live_values_are_never_rounded_down(nanos in 0_u64..MOST / 10) {
        let millis = Cpu::parse_quantity(&format!("{nanos}n")).unwrap().millis();
        prop_assert_eq!(millis, nanos.div_ceil(1_000_000));
    }

    #[test]
    fn no_text_panics(text in any::<String>()) {
        exercise(&text);
    }

    #[test]
    fn no_amount_like_text_panics(text in "[-+]?[0-9._]{0,60}([eE][-+]?[0-9]{0,8}|[A-Za-z]{0,3})") {
        exercise(&text);
    }

    #[test]
    fn escaped_text_has_no_controls(text in any::<String>()) {
        let untrusted = Untrusted::new(text);
        let printed = untrusted.escaped().to_string();
        prop_assert!(!printed.chars().any(char::is_control));
        prop_assert!(!untrusted.lines_escaped().to_string().chars().any(|c| c.is_control() && c != '\n' && c != '\t'));
    }
}

/// Returns texts as programs write them to terminals, and as hostile ones would.
fn terminal_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[ -~\t]{0,8}",
        3 => "\u{1b}\\[[0-9;]{0,12}m",
        1 => "\u{1b}\\[[0-9;?>:]{0,4}[A-Za-z]",
        1 => "\u{1b}[\\]P_^X][a-z0-9;]{0,6}(\u{7}|\u{1b}\\\\)",
        1 => Just("\u{1b}[".to_owned()),
        1 => Just("\u{1b}[0m".to_owned()),
        2 => "\\PC{0,4}",
        2 => any::<char>().prop_map(String::from),
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// Returns a line without its color sequences; the remainder may have no escape.
fn without_colors(mut line: &str) -> String {
    let mut left = String::new();
    while let Some((before, rest)) = line.split_once("\u{1b}[") {
        left.push_str(before);
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != ';').unwrap_or(rest.len());
        match rest[end..].strip_prefix('m') {
            Some(after) => line = after,
            None => {
                left.push('\u{1b}');
                line = rest;
            }
        }
    }
    left + line
}

proptest! {
    #[test]
    fn lines_only_set_colors(text in terminal_text(), limit in 0_usize..60) {
        let untrusted = Untrusted::new(text);
        let kept = untrusted.line(Colors::Keep, limit).to_string();
        prop_assert!(!without_colors(&kept).chars().any(|c| c.is_control() && c != '\t'), "{kept:?}");
        let dropped = untrusted.line(Colors::Drop, limit).to_string();
        prop_assert!(!dropped.chars().any(|c| c.is_control() && c != '\t'), "{dropped:?}");
        prop_assert!(dropped.chars().count() <= limit + 1);
    }

    #[test]
    fn colors_end_with_their_line(text in terminal_text(), limit in 0_usize..60) {
        let kept = Untrusted::new(text).line(Colors::Keep, limit).to_string();
        let last = kept.rsplit_once("\u{1b}[").map(|(_, rest)| rest);
        prop_assert!(last.is_none_or(|rest| rest.starts_with("0m")), "{kept:?}");
    }

    #[test]
    fn escaping_is_idempotent(text in terminal_text(), limit in 0_usize..60) {
        for colors in [Colors::Keep, Colors::Drop] {
            let once = Untrusted::new(text.as_str()).line(colors, limit).to_string();
            prop_assert_eq!(&Untrusted::new(once.as_str()).line(colors, limit).to_string(), &once);
        }
    }

    #[test]
    fn plain_lines_are_unchanged(text in "[a-zA-Z0-9 \t.,:;äß日本✓{}\\[\\]\\\\]{0,80}") {
        for colors in [Colors::Keep, Colors::Drop] {
            prop_assert_eq!(&Untrusted::new(text.as_str()).line(colors, 1000).to_string(), &text);
        }
    }

    #[test]
    fn dropping_colors_keeps_the_text(text in terminal_text()) {
        let untrusted = Untrusted::new(text);
        let kept = untrusted.line(Colors::Keep, 10_000).to_string();
        prop_assert_eq!(without_colors(&kept), untrusted.line(Colors::Drop, 10_000).to_string());
    }
}

/// Checks that a value is the same after it was written as JSON and read.
fn round_trips<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
    let text = serde_json::to_string(value).unwrap();
    assert_eq!(&serde_json::from_str::<T>(&text).unwrap(), value, "{text}");
}

proptest! {
    #[test]
    fn job_values_round_trip_in_json(number in 1_u16.., is_public in any::<bool>(), retries in 0..=5_u32, count in 0..=Replicas::MAX) {
        let number = NonZeroU16::new(number).unwrap();
        round_trips(&JobPort::Tcp { number, is_public });
        round_trips(&JobPort::Udp { number });
        round_trips(&Retry::try_from(retries).unwrap());
        round_trips(&Replicas::try_from(count).unwrap());
    }

    #[test]
    fn job_texts_round_trip_in_json(name in "[A-Z_][A-Z0-9_]{0,8}", value in "\\PC{0,12}", path in "\\PC{1,20}") {
        round_trips(&path.parse::<LogPath>().unwrap());
        if let Ok(environment) = Environment::try_from_iter([(name, value)]) {
            round_trips(&environment);
        }
    }
}

#[test]
fn words_round_trip_in_json() {
    Emails::ALL.iter().for_each(round_trips);
    MountStorage::ALL.iter().for_each(round_trips);
    for image in ["python3.13", "tool-x/x:latest", "registry.example.org/x@sha256:00"] {
        round_trips(&image.parse::<JobImage>().unwrap());
    }
}

#[cfg(feature = "schedule")]
#[test]
fn schedules_round_trip_in_json() {
    for text in ["@daily", "0-30/5  8 * JAN Fri-7"] {
        let schedule = Schedule::parse(text, &"x".parse().unwrap(), &"y".parse().unwrap()).unwrap();
        round_trips(schedule.expression());
        round_trips(&schedule);
    }
}

fn exercise(text: &str) {
    let printed = [
        text.parse::<Cpu>().map_err(|error| error.to_string()).map(|_| ()),
        Cpu::parse_quantity(text).map_err(|error| error.to_string()).map(|_| ()),
        text.parse::<Memory>().map_err(|error| error.to_string()).map(|_| ()),
        Memory::parse_quantity(text).map_err(|error| error.to_string()).map(|_| ()),
        parse_count(text).map_err(|error| error.to_string()).map(|_| ()),
        text.parse::<ToolName>().map_err(|error| error.to_string()).map(|_| ()),
        text.parse::<TypeName>().map_err(|error| error.to_string()).map(|_| ()),
        text.parse::<Replicas>().map_err(|error| error.to_string()).map(|_| ()),
        text.parse::<BuildServiceImage>().map_err(|error| error.to_string()).map(|_| ()),
    ];
    for message in printed.into_iter().filter_map(Result::err) {
        assert!(!message.chars().any(char::is_control), "{message:?}");
    }
}
