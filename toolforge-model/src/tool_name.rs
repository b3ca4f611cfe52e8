use std::str::FromStr;

use crate::Untrusted;

/// The name of a tool, as in `tools.NAME` and in the namespace `tool-NAME`.
///
/// One to 53 characters, `a-z`, `0-9` and `-`, beginning and ending with a letter or digit: the rule by
/// which the platform's maintain-kubeusers accepts a tool (`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`, fewer than
/// 54 characters, so `tool-NAME` is a DNS label).
///
/// It cannot be used as another kind of name:
///
/// ```compile_fail
/// # use toolforge_model::{ToolName, TypeName};
/// # let tool: ToolName = "stashbot".parse().unwrap();
/// let _: TypeName = tool;
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ToolName(String);

/// Why a text is not the name of a tool.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ToolNameError {
    /// The text is empty.
    #[error("the name of a tool is empty; it has 1 to 53 of a-z, 0-9 and '-'")]
    Empty,
    /// The text has more than 53 characters.
    #[error("the name of a tool has {length} characters; at most 53 are allowed")]
    TooLong {
        /// How many characters were found.
        length: usize,
    },
    /// A character that may not occur.
    #[error("tool name {} has '{}'; use a-z, 0-9 and '-'", name.quoted(), found.escape_default())]
    Character {
        /// The whole text.
        name: Untrusted,
        /// The first character that may not occur.
        found: char,
    },
    /// The name of a tool's account, `tools.NAME`.
    #[error("\"tools.{tool}\" is the account of a tool; did you mean {tool}?")]
    Account {
        /// The tool.
        tool: ToolName,
    },
    /// A `-` at the beginning or the end.
    #[error("tool name {} begins or ends with '-'; it must begin and end with a letter or digit", name.quoted())]
    Hyphen {
        /// The whole text.
        name: Untrusted,
    },
}

/// The prefix before a tool's name in its namespace; the build service's projects also have it.
pub(crate) const NAMESPACE_PREFIX: &str = "tool-";

/// The prefix before a tool's name in the name of its account.
const ACCOUNT_PREFIX: &str = "tools.";

impl ToolName {
    /// The longest name, in characters: `tool-` and the name fit in a DNS label of 63, with the
    /// platform's reserve (maintain-kubeusers).
    pub const MAX_LENGTH: usize = 53;

    /// Returns the tool's Kubernetes namespace, `tool-NAME`.
    #[must_use]
    pub fn namespace(&self) -> String {
        format!("{NAMESPACE_PREFIX}{}", self.0)
    }

    /// Returns the path of the tool's home directory in containers, `/data/project/NAME`, without a trailing slash.
    #[must_use]
    pub fn home(&self) -> String {
        format!("/data/project/{}", self.0)
    }

    /// Returns the tool of a namespace, or `None` if it is not a tool's namespace.
    #[must_use]
    pub fn from_namespace(namespace: &str) -> Option<Self> {
        namespace.strip_prefix(NAMESPACE_PREFIX)?.parse().ok()
    }
}

impl FromStr for ToolName {
    type Err = ToolNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Err(ToolNameError::Empty);
        }
        if let Some(Ok(tool)) = text.strip_prefix(ACCOUNT_PREFIX).map(str::parse) {
            return Err(ToolNameError::Account { tool });
        }
        let is_alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        if let Some(found) = text.chars().find(|&c| !is_alphanumeric(c) && c != '-') {
            return Err(ToolNameError::Character { name: Untrusted::new(text), found });
        }
        if text.len() > Self::MAX_LENGTH {
            return Err(ToolNameError::TooLong { length: text.len() });
        }
        if text.starts_with('-') || text.ends_with('-') {
            return Err(ToolNameError::Hyphen { name: Untrusted::new(text) });
        }
        Ok(Self(text.to_owned()))
    }
}

string_newtype!(ToolName, ToolNameError);

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        text.parse::<ToolName>().unwrap_err().to_string()
    }

    #[test]
    fn accepts_valid_names() {
        for name in ["a", "7", "stashbot", "k8s-status", "a--b", &"x".repeat(53)] {
            assert_eq!(name.parse::<ToolName>().unwrap().as_str(), name);
        }
    }

    #[test]
    fn errors_name_what_is_allowed() {
        assert_eq!(error(""), "the name of a tool is empty; it has 1 to 53 of a-z, 0-9 and '-'");
        assert_eq!(error("Report"), "tool name \"Report\" has 'R'; use a-z, 0-9 and '-'");
        assert_eq!(
            error("tools.stashbot"),
            "\"tools.stashbot\" is the account of a tool; did you mean stashbot?"
        );
        assert_eq!(error("tools.Bot"), "tool name \"tools.Bot\" has '.'; use a-z, 0-9 and '-'");
        assert_eq!(error("my_tool"), "tool name \"my_tool\" has '_'; use a-z, 0-9 and '-'");
        assert_eq!(
            error("-x"),
            "tool name \"-x\" begins or ends with '-'; it must begin and end with a letter or digit"
        );
        assert_eq!(error(&"x".repeat(54)), "the name of a tool has 54 characters; at most 53 are allowed");
    }

    #[test]
    fn errors_escape_controls() {
        let text = error("a\u{1b}[2Jb");
        assert!(!text.contains('\u{1b}'), "{text:?}");
    }

    #[test]
    fn from_namespace_returns_the_tool() {
        assert_eq!(ToolName::from_namespace("tool-x").unwrap().as_str(), "x");
        assert_eq!(ToolName::from_namespace("kube-system"), None);
        assert_eq!(ToolName::from_namespace("tool-"), None);
    }

    #[test]
    fn serde_rejects_invalid_names() {
        assert!(serde_json::from_str::<ToolName>("\"ok\"").is_ok());
        assert!(serde_json::from_str::<ToolName>("\"Not Ok\"").is_err());
    }
}
