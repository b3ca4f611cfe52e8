use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Untrusted;

/// Which of the platform's shared storage a pod sees: the values of the label `toolforge.org/mount-storage`
/// (volume admission webhook, 2023).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum MountStorage {
    /// The tool's home, the dumps and the rest; what a pod without the label gets.
    #[default]
    All,
    /// Nothing: the pod runs on any node, and its files are those of its image.
    None,
}

/// Why a text does not say which storage to mount.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} does not say which storage to mount; write all or none", found.quoted())]
pub struct MountStorageError {
    /// The text that was found.
    pub found: Untrusted,
}

impl MountStorage {
    /// Returns the word that people and programs read.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::None => "none",
        }
    }
}

impl FromStr for MountStorage {
    type Err = MountStorageError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "all" => Ok(Self::All),
            "none" => Ok(Self::None),
            _ => Err(MountStorageError { found: Untrusted::new(text) }),
        }
    }
}

impl TryFrom<String> for MountStorage {
    type Error = MountStorageError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<MountStorage> for String {
    fn from(mount: MountStorage) -> Self {
        mount.as_str().to_owned()
    }
}

impl fmt::Display for MountStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_words_of_the_platform_are_read() {
        for mount in [MountStorage::All, MountStorage::None] {
            assert_eq!(mount.to_string().parse(), Ok(mount));
        }
        assert_eq!(
            "home".parse::<MountStorage>().unwrap_err().to_string(),
            "\"home\" does not say which storage to mount; write all or none"
        );
    }
}
