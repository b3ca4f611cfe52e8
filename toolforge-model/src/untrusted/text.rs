use std::fmt;

use serde::{Deserialize, Serialize};

use super::line::{Colors, Line};

/// Text that came from the cluster or from a user's file, which a terminal must not obey.
///
/// It has no `Display`: [`escaped`](Self::escaped), [`quoted`](Self::quoted),
/// [`lines_escaped`](Self::lines_escaped) and [`line`](Self::line) are the ways to print it, and what they print
/// cannot move the cursor, set the clipboard or reorder what is read. Only `line` can let colours pass.
///
/// ```compile_fail
/// # use toolforge_model::Untrusted;
/// println!("{}", Untrusted::new("from the cluster"));
/// ```
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Untrusted(String);

impl Untrusted {
    /// Wraps a text as it came.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns the text as it came: for comparing and parsing, and for JSON, never for a terminal.
    #[must_use]
    pub fn as_raw(&self) -> &str {
        &self.0
    }

    /// Returns whether there is no text.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the text on one line: controls, line ends, bidirectional overrides and invisible
    /// characters are written as Rust escapes, like `\u{1b}`.
    pub fn escaped(&self) -> impl fmt::Display + '_ {
        Escaped { text: &self.0, keep_line_ends: false, quote: false }
    }

    /// Returns the text as [`escaped`](Self::escaped) does, in double quotes.
    pub fn quoted(&self) -> impl fmt::Display + '_ {
        Escaped { text: &self.0, keep_line_ends: false, quote: true }
    }

    /// Returns the text with its line ends and tabs kept and all else escaped.
    pub fn lines_escaped(&self) -> impl fmt::Display + '_ {
        Escaped { text: &self.0, keep_line_ends: true, quote: false }
    }

    /// Returns the text as one line of a log: tabs stay, all else is as [`escaped`](Self::escaped) has it, and
    /// colours are kept or left out.
    ///
    /// At most `limit` characters are printed, with those of the colours, and then `…`. A colour ends with the line.
    ///
    /// ```
    /// use toolforge_model::{Colors, Untrusted};
    ///
    /// let line = Untrusted::new("\u{1b}[31mred\u{1b}[2J");
    /// assert_eq!(line.line(Colors::Keep, 100).to_string(), "\u{1b}[31mred\\u{1b}[2J\u{1b}[0m");
    /// assert_eq!(line.line(Colors::Drop, 100).to_string(), "red\\u{1b}[2J");
    /// ```
    pub fn line(&self, colors: Colors, limit: usize) -> impl fmt::Display + '_ {
        Line { text: &self.0, colors, limit }
    }
}

impl From<String> for Untrusted {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Untrusted {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Untrusted({})", self.quoted())
    }
}

struct Escaped<'a> {
    text: &'a str,
    keep_line_ends: bool,
    quote: bool,
}

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;
        if self.quote {
            f.write_char('"')?;
        }
        for c in self.text.chars() {
            if self.keep_line_ends && matches!(c, '\n' | '\t') {
                f.write_char(c)?;
            } else if is_obeyed(c) {
                write!(f, "{}", c.escape_default())?;
            } else {
                f.write_char(c)?;
            }
        }
        if self.quote {
            f.write_char('"')?;
        }
        Ok(())
    }
}

/// Returns whether a terminal or a reader's eye would be led astray by a character: C0 and C1 controls,
/// zero-width and bidirectional formatting characters (Unicode TR36 and the "Trojan Source" list), line and
/// paragraph separators, tag characters, and noncharacters of the private controls.
pub(super) fn is_obeyed(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00ad}' | '\u{061c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_become_visible_text() {
        let hostile = Untrusted::new("a\u{1b}]52;c;aGk=\u{7}b\r\nc\u{202e}d\u{9b}2J");
        assert_eq!(hostile.escaped().to_string(), r"a\u{1b}]52;c;aGk=\u{7}b\r\nc\u{202e}d\u{9b}2J");
    }

    #[test]
    fn line_ends_stay_where_lines_are_wanted() {
        assert_eq!(Untrusted::new("a\n\tb\r").lines_escaped().to_string(), "a\n\tb\\r");
    }

    #[test]
    fn letters_of_all_scripts_stay() {
        assert_eq!(Untrusted::new("Größe 日本 ✓").quoted().to_string(), "\"Größe 日本 ✓\"");
    }
}
