//! YAML as people write it: values of any kind with their locations, so that all errors of a file can be reported at
//! once.

mod node;
mod read;
mod remedy;

pub use node::{YamlNode, YamlValue};
pub use read::parse;

use serde::Serialize;

/// Returns a value as a YAML document that every reader takes for the same value.
///
/// Strings of several lines are blocks, but for those in which a line begins with a tab: libyaml, and with it most
/// readers, takes that for a wrong indentation.
///
/// # Errors
/// When the value has a part that YAML cannot represent.
///
/// ```
/// assert_eq!(toolforge_model::yaml::to_text(&["on", "a: b"])?, "- \"on\"\n- \"a: b\"\n");
/// # Ok::<(), toolforge_model::yaml::WriteError>(())
/// ```
pub fn to_text(value: &impl Serialize) -> Result<String, WriteError> {
    let text = serde_saphyr::to_string(value).map_err(|error| WriteError(error.to_string()))?;
    if !text.lines().any(|line| line.trim_start_matches(' ').starts_with('\t')) {
        return Ok(text);
    }
    let options = serde_saphyr::ser_options! { prefer_block_scalars: false };
    serde_saphyr::to_string_with_options(value, options).map_err(|error| WriteError(error.to_string()))
}

/// Why a value cannot be written as YAML.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this cannot be written as YAML: {0}")]
pub struct WriteError(String);
