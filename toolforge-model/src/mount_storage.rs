use std::fmt;
use std::str::FromStr;

use crate::Untrusted;

/// Which of the platform's shared storage a pod sees: the values of the label `toolforge.org/mount-storage`
/// (volume admission webhook, 2023).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MountStorage {
    /// The tool's home, the dumps and all other storage; the default for pods without the label.
    #[default]
    All,
    /// Nothing: the pod runs on any node, with its image's files only.
    None,
}

/// Why a text is not a mount setting.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[error("{} is not a mount setting; write all or none", found.quoted())]
pub struct MountStorageError {
    /// The text that was found.
    pub found: Untrusted,
}

impl MountStorage {
    /// All values.
    pub const ALL: &'static [Self] = &[Self::All, Self::None];

    /// Returns the value of the label and of the option.
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

impl fmt::Display for MountStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

serde_through_text!(MountStorage);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_round_trip() {
        for &mount in MountStorage::ALL {
            assert_eq!(mount.to_string().parse(), Ok(mount));
        }
        assert_eq!(
            "home".parse::<MountStorage>().unwrap_err().to_string(),
            "\"home\" is not a mount setting; write all or none"
        );
    }
}
