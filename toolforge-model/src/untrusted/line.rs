use std::fmt::{self, Write};

use super::text::is_obeyed;

/// The longest colour sequence that is believed: true colours of text and ground, and every style, fit.
const LONGEST_SEQUENCE: usize = 64;

/// What ends every colour and style.
const RESET: &str = "\u{1b}[0m";

/// What becomes of the colours in a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Colors {
    /// They stay, and end with the line at the latest.
    Keep,
    /// They are left out.
    Drop,
}

/// One line of a log, for a terminal or a file.
pub(super) struct Line<'a> {
    pub(super) text: &'a str,
    pub(super) colors: Colors,
    pub(super) limit: usize,
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { text, colors, limit } = *self;
        let mut output = Output { f, room: limit, colored: false };
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let length = match color_sequence(rest) {
                Some(sequence) => {
                    if colors == Colors::Keep && !output.color(sequence)? {
                        break;
                    }
                    sequence.len()
                }
                None => {
                    if !output.character(c)? {
                        break;
                    }
                    c.len_utf8()
                }
            };
            rest = &rest[length..];
        }
        output.end()
    }
}

/// What is written, and how much more may be. A method that returns `false` has cut the line off.
struct Output<'a, 'b> {
    f: &'a mut fmt::Formatter<'b>,
    room: usize,
    colored: bool,
}

impl Output<'_, '_> {
    fn character(&mut self, c: char) -> Result<bool, fmt::Error> {
        if c == '\t' || !is_obeyed(c) {
            return self.visible(c);
        }
        for c in c.escape_default() {
            if !self.visible(c)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn visible(&mut self, c: char) -> Result<bool, fmt::Error> {
        let Some(room) = self.room.checked_sub(1) else { return self.cut() };
        self.room = room;
        self.f.write_char(c)?;
        Ok(true)
    }

    fn color(&mut self, sequence: &str) -> Result<bool, fmt::Error> {
        if is_reset(sequence) {
            // One that ends nothing is left out, so that a line of nothing else has no length.
            self.reset()?;
            return Ok(true);
        }
        let Some(room) = self.room.checked_sub(sequence.len()) else { return self.cut() };
        self.room = room;
        self.colored = true;
        self.f.write_str(sequence)?;
        Ok(true)
    }

    fn cut(&mut self) -> Result<bool, fmt::Error> {
        self.f.write_char('…')?;
        Ok(false)
    }

    fn reset(&mut self) -> fmt::Result {
        if std::mem::take(&mut self.colored) { self.f.write_str(RESET) } else { Ok(()) }
    }

    fn end(mut self) -> fmt::Result {
        self.reset()
    }
}

/// Returns the colour sequence with which a text begins: ECMA-48's "select graphic rendition", whose parameters are
/// digits and semicolons only.
fn color_sequence(text: &str) -> Option<&str> {
    let parameters = text.strip_prefix("\u{1b}[")?;
    let end = parameters.bytes().take(LONGEST_SEQUENCE).position(|b| !b.is_ascii_digit() && b != b';')?;
    (parameters.as_bytes()[end] == b'm').then(|| &text[..end + 3])
}

fn is_reset(sequence: &str) -> bool {
    sequence.bytes().all(|b| matches!(b, 0x1b | b'[' | b'0' | b';' | b'm'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Untrusted;

    fn shown(text: &str) -> String {
        Untrusted::new(text).line(Colors::Keep, 1000).to_string()
    }

    fn plain(text: &str) -> String {
        Untrusted::new(text).line(Colors::Drop, 1000).to_string()
    }

    #[test]
    fn a_color_stays_and_ends_with_the_line() {
        assert_eq!(shown("\u{1b}[1;31mred"), "\u{1b}[1;31mred\u{1b}[0m");
        assert_eq!(shown("\u{1b}[31mred\u{1b}[m and \u{1b}[0;0mnot"), "\u{1b}[31mred\u{1b}[0m and not");
        assert_eq!(shown("\u{1b}[38;2;1;2;3m\u{1b}[48;5;0mx"), "\u{1b}[38;2;1;2;3m\u{1b}[48;5;0mx\u{1b}[0m");
    }

    #[test]
    fn a_color_is_left_out_where_none_is_wanted() {
        assert_eq!(plain("a \u{1b}[1;31mred\u{1b}[m line"), "a red line");
    }

    #[test]
    fn every_other_sequence_is_shown_as_text() {
        for (text, expected) in [
            ("\u{1b}[2J\u{1b}[1;1H", r"\u{1b}[2J\u{1b}[1;1H"),
            ("\u{1b}]0;title\u{7}", r"\u{1b}]0;title\u{7}"),
            ("\u{1b}]52;c;aGk=\u{1b}\\", r"\u{1b}]52;c;aGk=\u{1b}\"),
            ("\u{1b}]8;;http://x\u{7}link", r"\u{1b}]8;;http://x\u{7}link"),
            ("\u{1b}Pq\u{1b}\\ \u{1b}_x \u{9b}31m", r"\u{1b}Pq\u{1b}\ \u{1b}_x \u{9b}31m"),
            ("50 %\r100 %", r"50 %\r100 %"),
            ("\u{1b}[?25lm \u{1b}[>4;2m \u{1b}[1", r"\u{1b}[?25lm \u{1b}[>4;2m \u{1b}[1"),
            ("a\u{202e}b", r"a\u{202e}b"),
        ] {
            assert_eq!(shown(text), expected);
            assert_eq!(plain(text), expected);
        }
        let endless = format!("\u{1b}[{}m", "1;".repeat(100));
        assert!(shown(&endless).starts_with(r"\u{1b}[1;"));
    }

    #[test]
    fn what_is_left_out_joins_no_new_sequence() {
        assert_eq!(plain("\u{1b}[3\u{1b}[0m1m"), r"\u{1b}[31m");
    }

    #[test]
    fn a_long_line_is_cut_and_its_color_ends_all_the_same() {
        let line = |text: &str, limit| Untrusted::new(text).line(Colors::Keep, limit).to_string();
        assert_eq!(line("12345", 5), "12345");
        assert_eq!(line("123456", 5), "12345…");
        assert_eq!(line("\u{1b}[31m123456", 8), "\u{1b}[31m123…\u{1b}[0m");
        assert_eq!(line("12\u{1b}[31mx", 5), "12…");
        assert_eq!(line("12\u{7}", 5), r"12\u{…");
        assert_eq!(line("tab\tstays", 100), "tab\tstays");
    }
}
