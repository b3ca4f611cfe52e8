use std::fmt;

use serde::{Deserialize, Serialize};

use super::line::{Colors, Line, is_unsafe};

/// Text from the cluster or from a user's file, which is escaped before it is printed.
///
/// It has no `Display`: [`escaped`](Self::escaped), [`quoted`](Self::quoted),
/// [`lines_escaped`](Self::lines_escaped) and [`line`](Self::line) print it so that it cannot move the cursor, set the
/// clipboard or reorder the text around it. Only `line` can keep colors.
///
/// ```compile_fail
/// # use toolforge_model::Untrusted;
/// println!("{}", Untrusted::new("from the cluster"));
/// ```
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Untrusted(String);

impl Untrusted {
    /// Wraps a text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns the text itself: for comparing, parsing and JSON, never for a terminal.
    #[must_use]
    pub fn as_raw(&self) -> &str {
        &self.0
    }

    /// Returns whether the text is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the text on one line: controls, line endings, bidirectional overrides and invisible
    /// characters are written as Rust escapes, like `\u{1b}`.
    pub fn escaped(&self) -> impl fmt::Display + '_ {
        Escaped { text: &self.0, keep_line_ends: false, quote: false }
    }

    /// Returns the text as [`escaped`](Self::escaped) does, in double quotes.
    pub fn quoted(&self) -> impl fmt::Display + '_ {
        Escaped { text: &self.0, keep_line_ends: false, quote: true }
    }

    /// Returns the text with line endings and tabs kept, and all else as in [`escaped`](Self::escaped).
    pub fn lines_escaped(&self) -> impl fmt::Display + '_ {
        Escaped { text: &self.0, keep_line_ends: true, quote: false }
    }

    /// Returns the text as one line of a log: tabs are kept, colors are kept or dropped, and all else is as in
    /// [`escaped`](Self::escaped).
    ///
    /// At most `limit` characters are printed, those of color sequences included, and then `…`. Colors are reset at
    /// the end of the line.
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
        // As a Rust string, with quotes in the text escaped.
        f.debug_tuple("Untrusted").field(&self.0).finish()
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
            } else if is_unsafe(c) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_control_sequences() {
        let hostile = Untrusted::new("a\u{1b}]52;c;aGk=\u{7}b\r\nc\u{202e}d\u{9b}2J");
        assert_eq!(hostile.escaped().to_string(), r"a\u{1b}]52;c;aGk=\u{7}b\r\nc\u{202e}d\u{9b}2J");
    }

    #[test]
    fn lines_escaped_keeps_line_endings() {
        assert_eq!(Untrusted::new("a\n\tb\r").lines_escaped().to_string(), "a\n\tb\\r");
    }

    #[test]
    fn keeps_letters_of_all_scripts() {
        assert_eq!(Untrusted::new("Größe 日本 ✓").quoted().to_string(), "\"Größe 日本 ✓\"");
    }

    #[test]
    fn debug_escapes_quotes() {
        assert_eq!(format!("{:?}", Untrusted::new("\"a\" is\u{1b}")), r#"Untrusted("\"a\" is\u{1b}")"#);
    }

    #[test]
    fn debug_escapes_bidirectional_controls() {
        assert!(!format!("{:?}", Untrusted::new("a\u{202e}b\u{200b}")).contains(['\u{202e}', '\u{200b}']));
    }
}
