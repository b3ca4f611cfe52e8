use std::str::FromStr;

use crate::Untrusted;

/// The name or alias of an image type, like `php8.2`.
///
/// One to 63 characters of `a-z`, `A-Z`, `0-9`, `.`, `-` and `_`. The crate
/// `toolforge-images` has the catalog of the types that exist.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TypeName(String);

/// Why a text cannot be the name of an image type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TypeNameError {
    /// The text is empty.
    #[error("the name of a type is empty; it looks like `php8.2`")]
    Empty,
    /// The text has more than 63 characters.
    #[error("the name of a type has {length} characters; at most 63 are allowed")]
    TooLong {
        /// How many characters were found.
        length: usize,
    },
    /// A character that may not occur.
    #[error("type name {} has '{}'; use letters, digits, '.', '-' and '_'", name.quoted(), found.escape_default())]
    Character {
        /// The whole text.
        name: Untrusted,
        /// The first character that may not occur.
        found: char,
    },
}

impl TypeName {
    /// The longest name, in characters: that of a DNS label, as for every name of the catalog.
    pub const MAX_LENGTH: usize = 63;
}

impl FromStr for TypeName {
    type Err = TypeNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Err(TypeNameError::Empty);
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        if let Some(found) = text.chars().find(|&c| !allowed(c)) {
            return Err(TypeNameError::Character { name: Untrusted::new(text), found });
        }
        if text.len() > Self::MAX_LENGTH {
            return Err(TypeNameError::TooLong { length: text.len() });
        }
        Ok(Self(text.to_owned()))
    }
}

string_newtype!(TypeName, TypeNameError);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_names_and_aliases() {
        for name in ["php8.2", "tf-php73-DEPRECATED", "toolforge-php82-sssd-web", "tcl"] {
            assert_eq!(name.parse::<TypeName>().unwrap().as_str(), name);
        }
    }

    #[test]
    fn errors_name_what_is_allowed() {
        let error = |text: &str| text.parse::<TypeName>().unwrap_err().to_string();
        assert_eq!(error(""), "the name of a type is empty; it looks like `php8.2`");
        assert_eq!(error("php 8"), "type name \"php 8\" has ' '; use letters, digits, '.', '-' and '_'");
        assert_eq!(error(&"x".repeat(64)), "the name of a type has 64 characters; at most 63 are allowed");
    }
}
