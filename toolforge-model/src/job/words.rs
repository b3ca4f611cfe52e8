//! A command's words, as the platform splits and joins them: the rules of Python's `shlex`, which are not quite a
//! shell's (`#` begins no comment, and in double quotes only `"` and `\` can be escaped).

use crate::Untrusted;

/// Why a text has no words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QuotingError {
    /// A quotation does not end.
    #[error("{} has a {quote} that is not closed; close it, or write \\{quote}", text.quoted())]
    Unclosed {
        /// The text.
        text: Untrusted,
        /// The quotation mark.
        quote: char,
    },
    /// The last character is a backslash.
    #[error("{} ends with a backslash, which stands before nothing", text.quoted())]
    Backslash {
        /// The text.
        text: Untrusted,
    },
}

/// Returns the words of a text.
///
/// # Errors
/// When a quotation is not closed, or a backslash is the last character.
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

/// Returns a text that [`split_words`] and every POSIX shell take apart into the same words.
#[must_use]
pub fn join_words(words: &[String]) -> String {
    words.iter().map(|word| quote_word(word)).collect::<Vec<_>>().join(" ")
}

/// Returns a word in single quotes, or as it is where no shell would touch it.
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
    fn words_are_split_as_the_platform_splits_them() {
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
    fn what_is_not_closed_is_named() {
        let refusal = |text: &str| split_words(text).unwrap_err().to_string();
        assert_eq!(refusal("echo it's"), "\"echo it's\" has a ' that is not closed; close it, or write \\'");
        assert!(refusal("a\\").contains("backslash"));
        assert!(refusal("\"a\\\"").contains("has a \" that"));
    }
}
