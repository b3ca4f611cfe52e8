use crate::Untrusted;
use crate::yaml::{Shape, YamlValue};

/// What stands where only true or false may stand.
pub(super) enum Flag {
    /// It is set.
    Set,
    /// It is set by a word that `PyYAML` takes for true, or that was once allowed.
    SetByWord,
    /// It is as if it were not there.
    Unset,
    /// It is neither.
    Neither,
}

/// Reads a boolean; YAML 1.1, which the platform's own tool reads, has more words for it than 1.2.
pub(super) fn read(value: &YamlValue) -> Flag {
    match &value.shape {
        Shape::Null => Flag::Unset,
        Shape::Plain(text) | Shape::Text(text) => match (text.to_ascii_lowercase().as_str(), &value.shape) {
            ("true", Shape::Plain(_)) => Flag::Set,
            ("true" | "yes" | "on", _) => Flag::SetByWord,
            ("false" | "no" | "off", _) => Flag::Unset,
            _ => Flag::Neither,
        },
        Shape::List(_) | Shape::Mapping(_) => Flag::Neither,
    }
}

/// Returns what is wrong with a value that is neither true nor false.
pub(super) fn neither(value: &YamlValue) -> String {
    format!("{} is neither; write true or false", Untrusted::new(value.described()).escaped())
}
