use std::fmt;
use std::sync::Arc;

use toolforge_images::Catalog;
use toolforge_model::{ExpectedDocument, ToolName};
use toolforge_quota::{Limits, profiles};

use crate::files::FilePlanFacts;
use crate::job::FileFacts;
use crate::namespace::{Namespace, Platform};
use crate::web_service::HomeFiles;

/// The day on which the bundled policy was last compared with the platform: its registries, its rules for pods, the kinds
/// that a tool may create, and the versions of the API that were removed.
pub const POLICY_DATE: &str = "2026-11-29";

/// The tool name that is used if none is known; only what the tool owns depends on it.
pub(crate) const SOME_TOOL: &str = "tool";

/// What is known when a text is checked.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LintContext {
    /// The tool; without it, the one that the namespace of each object names.
    pub tool: Option<ToolName>,
    /// The id of the tool's user, which its pods run as.
    pub uid: Option<i64>,
    /// The image catalog.
    pub catalog: Catalog,
    /// The project's domain and registry.
    pub platform: Platform,
    /// The quotas with their usage, and the limits.
    pub limits: Limits,
    /// Whether these limits are only assumed: exceeding them is a warning.
    pub assumes_limits: bool,
    /// Whether the API server is asked, too, as with [`server_objects`](super::server_objects).
    pub asks_server: bool,
    /// The objects of the namespace, which are counted together with those of a text; without them, its quota counts as unused.
    pub facts: Option<FilePlanFacts>,
    /// The tool's home, if it can be looked at.
    pub home: Option<LintHome>,
    /// What the name of the file says about it.
    pub expected: ExpectedDocument,
}

/// Returns what is known about a path.
type Look = dyn Fn(&str) -> Option<FileFacts> + Send + Sync;

/// What a tool's home contains.
#[derive(Clone)]
pub struct LintHome {
    /// The files that image types start from.
    pub(crate) files: HomeFiles,
    look: Arc<Look>,
}

impl LintHome {
    /// Returns a home. `look` returns what is known about a path relative to it, and `None` if that cannot be looked at.
    #[must_use]
    pub fn new(files: HomeFiles, look: impl Fn(&str) -> Option<FileFacts> + Send + Sync + 'static) -> Self {
        Self { files, look: Arc::new(look) }
    }

    /// Returns what is known about a path.
    pub(crate) fn look(&self, path: &str) -> Option<FileFacts> {
        (self.look)(path)
    }
}

impl fmt::Debug for LintHome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LintHome").field("files", &self.files).finish_non_exhaustive()
    }
}

impl LintContext {
    /// Returns what is known without a cluster: the bundled catalog, and the unused quota and the limits of the platform in
    /// 2023.
    #[must_use]
    pub fn offline(tool: Option<ToolName>) -> Self {
        let limits = profiles::by_name("toolforge-2023").map(Limits::from).unwrap_or_default();
        Self {
            tool,
            uid: None,
            catalog: Catalog::bundled(),
            platform: Platform::default(),
            limits,
            assumes_limits: true,
            asks_server: false,
            facts: None,
            home: None,
            expected: ExpectedDocument::Any,
        }
    }

    /// Returns the facts of a tool's namespace.
    ///
    /// `uid` is the id of the tool's user, if it is known.
    #[must_use]
    pub fn of_namespace(namespace: &Namespace, uid: Option<i64>) -> Self {
        Self {
            tool: Some(namespace.tool.clone()),
            uid,
            catalog: namespace.catalog.clone(),
            platform: namespace.platform.clone(),
            limits: namespace.limits.clone(),
            assumes_limits: false,
            asks_server: false,
            facts: None,
            home: None,
            expected: ExpectedDocument::Any,
        }
    }
}
