//! What is known about a tool's namespace, regardless of what runs in it.

use toolforge_images::Catalog;
use toolforge_model::{ToolName, platform};
use toolforge_quota::Limits;
use toolforge_quota::profiles::{UnknownProfileError, by_name};

use crate::namespace::Platform;

/// What is known about a tool's namespace, regardless of what runs in it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Namespace {
    /// The tool.
    pub tool: ToolName,
    /// The id of the tool's user and group that jobs run as: the owner of its home directory.
    pub uid: i64,
    /// The image catalog.
    pub catalog: Catalog,
    /// The project's domain, registry and gateway.
    pub platform: Platform,
    /// The quotas with their usage, and the limits.
    pub limits: Limits,
}

impl Namespace {
    /// Returns a namespace of the project `tools` without quotas and limits. Its jobs run as the user with the lowest id of
    /// a tool, 50000; see [`with_uid`](Self::with_uid).
    #[must_use]
    pub fn new(tool: &ToolName, catalog: Catalog) -> Self {
        Self {
            tool: tool.clone(),
            uid: platform::FIRST_TOOL_UID.into(),
            catalog,
            platform: Platform::default(),
            limits: Limits::default(),
        }
    }

    /// Returns the namespace with the unused quota and the limits of a named profile.
    ///
    /// # Errors
    /// When there is no profile of that name.
    pub fn with_profile(self, name: &str) -> Result<Self, UnknownProfileError> {
        Ok(Self { limits: by_name(name)?.into(), ..self })
    }

    /// Returns the namespace with these quotas and limits.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Returns the namespace in a project with these settings.
    #[must_use]
    pub fn with_platform(self, platform: Platform) -> Self {
        Self { platform, ..self }
    }

    /// Returns the namespace with the id of the tool's user.
    #[must_use]
    pub fn with_uid(self, uid: i64) -> Self {
        Self { uid, ..self }
    }
}
