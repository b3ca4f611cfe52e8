use std::fmt::{self, Write};

/// The longest color sequence that is accepted: 24-bit colors of text and background, and every style, fit.
const LONGEST_SEQUENCE: usize = 64;

/// The sequence that ends every color and style.
const RESET: &str = "\u{1b}[0m";

/// Whether the colors of a line are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Colors {
    /// They are kept, and reset at the end of the line.
    Keep,
    /// They are dropped.
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
        let mut output = Output { f, remaining: limit, colored: false };
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

/// The output, and how many more characters fit. A method that returns `false` has cut the line off.
struct Output<'a, 'b> {
    f: &'a mut fmt::Formatter<'b>,
    remaining: usize,
    colored: bool,
}

impl Output<'_, '_> {
    fn character(&mut self, c: char) -> Result<bool, fmt::Error> {
        if c == '\t' || !is_unsafe(c) {
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
        let Some(remaining) = self.remaining.checked_sub(1) else { return self.cut() };
        self.remaining = remaining;
        self.f.write_char(c)?;
        Ok(true)
    }

    fn color(&mut self, sequence: &str) -> Result<bool, fmt::Error> {
        if is_reset(sequence) {
            // A reset without a color before it is dropped, so a line of only resets is empty.
            self.reset()?;
            return Ok(true);
        }
        let Some(remaining) = self.remaining.checked_sub(sequence.len()) else { return self.cut() };
        self.remaining = remaining;
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

/// Returns the color sequence at the beginning of a text: ECMA-48's "select graphic rendition", whose parameters are
/// digits and semicolons only.
fn color_sequence(text: &str) -> Option<&str> {
    let parameters = text.strip_prefix("\u{1b}[")?;
    let end = parameters.bytes().take(LONGEST_SEQUENCE).position(|b| !b.is_ascii_digit() && b != b';')?;
    (parameters.as_bytes()[end] == b'm').then(|| &text[..end + 3])
}

fn is_reset(sequence: &str) -> bool {
    sequence.bytes().all(|b| matches!(b, 0x1b | b'[' | b'0' | b';' | b'm'))
}

/// Returns whether a character controls a terminal or misleads a reader: C0 and C1 controls, zero-width and
/// bidirectional formatting characters (Unicode TR36 and the "Trojan Source" list), line and paragraph separators, tag
/// characters, and interlinear annotations.
pub(crate) fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00ad}' | '\u{061c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
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
    fn colors_end_with_the_line() {
        assert_eq!(shown("\u{1b}[1;31mred"), "\u{1b}[1;31mred\u{1b}[0m");
        assert_eq!(shown("\u{1b}[31mred\u{1b}[m and \u{1b}[0;0mnot"), "\u{1b}[31mred\u{1b}[0m and not");
        assert_eq!(shown("\u{1b}[38;2;1;2;3m\u{1b}[48;5;0mx"), "\u{1b}[38;2;1;2;3m\u{1b}[48;5;0mx\u{1b}[0m");
    }

    #[test]
    fn colors_can_be_dropped() {
        assert_eq!(plain("a \u{1b}[1;31mred\u{1b}[m line"), "a red line");
    }

    #[test]
    fn escapes_other_sequences() {
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
    fn dropping_colors_creates_no_sequence() {
        assert_eq!(plain("\u{1b}[3\u{1b}[0m1m"), r"\u{1b}[31m");
    }

    #[test]
    fn long_lines_are_cut_and_reset() {
        let line = |text: &str, limit| Untrusted::new(text).line(Colors::Keep, limit).to_string();
        assert_eq!(line("12345", 5), "12345");
        assert_eq!(line("123456", 5), "12345…");
        assert_eq!(line("\u{1b}[31m123456", 8), "\u{1b}[31m123…\u{1b}[0m");
        assert_eq!(line("12\u{1b}[31mx", 5), "12…");
        assert_eq!(line("12\u{7}", 5), r"12\u{…");
        assert_eq!(line("tab\tstays", 100), "tab\tstays");
    }
}
