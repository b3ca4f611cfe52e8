//! Splits and quotes commands like the platform: by the rules of Python's `shlex`, which differ from a shell's (`#`
//! begins no comment, and in double quotes only `"` and `\` can be escaped).

use crate::Untrusted;

/// Why a text cannot be split into words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QuotingError {
    /// A quote is not closed.
    #[error("{} has an unclosed {quote}; close it, or write \\{quote}", text.quoted())]
    Unclosed {
        /// The text.
        text: Untrusted,
        /// The quote.
        quote: char,
    },
    /// The last character is a backslash.
    #[error("{} ends with a backslash that escapes nothing", text.quoted())]
    Backslash {
        /// The text.
        text: Untrusted,
    },
}

/// Splits a text into words.
///
/// # Errors
/// When a quote is not closed, or a backslash is the last character.
pub fn split_words(text: &str) -> Result<Vec<String>, QuotingError> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some('\''), c) => word.get_or_insert_default().push(c),
            (_, '\\') => {
                let escaped = characters
                    .next()
                    .ok_or_else(|| QuotingError::Backslash { text: Untrusted::new(text) })?;
                let word = word.get_or_insert_default();
                if quote.is_some() && !matches!(escaped, '"' | '\\') {
                    word.push('\\');
                }
                word.push(escaped);
            }
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, ' ' | '\t' | '\r' | '\n') => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    if let Some(quote) = quote {
        return Err(QuotingError::Unclosed { text: Untrusted::new(text), quote });
    }
    words.extend(word);
    Ok(words)
}

/// Returns a text that [`split_words`] and every POSIX shell split into these words.
#[must_use]
pub fn join_words(words: &[String]) -> String {
    words.iter().map(|word| quote_word(word)).collect::<Vec<_>>().join(" ")
}

/// Returns a word in single quotes, or as it is if it needs none in a shell.
#[must_use]
pub fn quote_word(word: &str) -> String {
    let is_plain = |b: u8| {
        b.is_ascii_alphanumeric()
            || matches!(b, b'_' | b'@' | b'%' | b'+' | b'=' | b':' | b',' | b'.' | b'/' | b'-')
    };
    if !word.is_empty() && word.bytes().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\"'\"'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_like_the_platform() {
        for (text, expected) in [
            ("a && b > c", vec!["a", "&&", "b", ">", "c"]),
            ("check --deep 'x y'", vec!["check", "--deep", "x y"]),
            (r#"a "b \" \\ \$x" 'c\'"#, vec!["a", r#"b " \ \$x"#, r"c\"]),
            ("a #b", vec!["a", "#b"]),
            (r"a\ b '' x''y", vec!["a b", "", "xy"]),
            ("  \t\n", vec![]),
        ] {
            assert_eq!(split_words(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn rejects_unclosed_quotes() {
        let error = |text: &str| split_words(text).unwrap_err().to_string();
        assert_eq!(error("echo it's"), "\"echo it's\" has an unclosed '; close it, or write \\'");
        assert!(error("a\\").contains("backslash"));
        assert!(error("\"a\\\"").contains("has an unclosed \""));
    }
}
