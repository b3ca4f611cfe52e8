use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use tokio::runtime::Runtime;
use toolforge_client::{
    Client, ConnectOptions, FetchedNamespace, Kubeconfig, NamespaceFetchOptions, PlatformFiles, ToolHome,
    Unread, kubeconfig_paths,
};
use toolforge_images::Catalog;
use toolforge_model::{ToolName, platform};
use toolforge_quota::Limits;
use toolforge_render::namespace::{Documents, Namespace, Platform};
use toolforge_report::FailureCode;

use crate::failure::{ExitCode, Failure};
use crate::notice::Notice;
use crate::object_stream::read_documents;
use crate::options::GlobalOptions;

/// The maximum size of a YAML file of `--from` in bytes; the objects of a namespace have less than one MiB.
const YAML_LIMIT: u64 = 256 * 1024 * 1024;

/// The tool of a command, and the source of its facts.
pub struct Session {
    /// The tool.
    pub tool: ToolName,
    /// The project's settings, from the platform's files.
    pub platform: Platform,
    /// The id of the tool's user: from the options, else that of this process if it is a tool's.
    pub uid: Option<u32>,
    /// The tool's home; `None` for another tool, and for facts from files.
    pub home: Option<ToolHome>,
    /// The source of facts.
    pub source: Source,
}

/// The number of tools that are named if files have no object of the requested one.
const MAX_TOOLS: usize = 5;

/// The source of facts.
#[expect(clippy::large_enum_variant, reason = "a command holds one, for its whole life")]
pub enum Source {
    /// Files that kubectl printed; read-only.
    Files(Documents),
    /// The cluster.
    Cluster {
        /// The runtime for requests, on this thread.
        runtime: Runtime,
        /// The client.
        client: Client,
    },
}

impl Session {
    /// Opens a session. `program` is the user agent in the API server's log.
    ///
    /// No request is sent.
    ///
    /// # Errors
    /// When a file cannot be read, the tool is unknown, or the kubeconfig cannot be used.
    pub fn open(options: &GlobalOptions, program: &str) -> Result<Self, Failure> {
        let PlatformFiles { platform, .. } = PlatformFiles::read(Path::new("/"))?;
        let uid = tool_uid(options);
        if !options.cluster.from.is_empty() {
            let tool = options.tool.clone().ok_or_else(|| {
                Failure::new(ExitCode::Usage, "no tool name given; --from requires one")
                    .hint("Name the tool: `--tool NAME`.")
            })?;
            let source = Source::Files(documents(&tool, &options.cluster.from)?);
            return Ok(Self { tool, platform, uid, home: None, source });
        }
        let kubeconfig = Kubeconfig::load(&kubeconfig_files(options))?;
        let (tool, tool_home) = tool_and_home(options, &kubeconfig)?;
        let runtime = runtime()?;
        let client = {
            let _inside = runtime.enter();
            let agent = format!("{program}/{}", env!("CARGO_PKG_VERSION"));
            let impersonate = options.cluster.impersonate.clone();
            Client::connect(&kubeconfig, &ConnectOptions::new(agent).with_impersonate(impersonate))?
        };
        Ok(Self { tool, platform, uid, home: tool_home, source: Source::Cluster { runtime, client } })
    }

    /// Opens a session for a command whose quotas are those of a profile, if `has_profile`: such a command works without a
    /// kubeconfig.
    ///
    /// # Errors
    /// Same as for [`open`](Self::open) and [`offline`](Self::offline).
    pub fn open_for_profile(
        options: &GlobalOptions,
        program: &str,
        has_profile: bool,
    ) -> Result<Self, Failure> {
        let is_offline = has_profile && !options.names_facts() && !has_kubeconfig(options);
        if is_offline { Self::offline(options) } else { Self::open(options, program) }
    }

    /// Opens a session without a cluster: without facts, and with the bundled catalog.
    ///
    /// # Errors
    /// When a settings file cannot be read, or the options name no tool.
    pub fn offline(options: &GlobalOptions) -> Result<Self, Failure> {
        let PlatformFiles { platform, .. } = PlatformFiles::read(Path::new("/"))?;
        let tool = options.tool.clone().ok_or_else(|| {
            Failure::new(ExitCode::Usage, "no tool name given, and no kubeconfig found")
                .hint("Name the tool: `--tool NAME`.")
        })?;
        let source = Source::Files(Documents::default());
        Ok(Self { tool, platform, uid: tool_uid(options), home: None, source })
    }

    /// Returns the session of a verb that only reads: all of its requests [share one time
    /// limit](Client::sharing_read_time).
    #[must_use]
    pub fn for_reading(self) -> Self {
        let source = match self.source {
            Source::Files(documents) => Source::Files(documents),
            Source::Cluster { runtime, client } => {
                let client = {
                    let _inside = runtime.enter();
                    client.sharing_read_time()
                };
                Source::Cluster { runtime, client }
            }
        };
        Self { source, ..self }
    }

    /// Returns the image catalog.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn catalog(&self) -> Result<Catalog, Failure> {
        match &self.source {
            Source::Files(documents) => Ok(documents.namespace(&self.tool)?.catalog),
            Source::Cluster { runtime, client } => {
                let wanted = NamespaceFetchOptions::catalog();
                Ok(runtime.block_on(client.fetch_namespace(&self.tool, wanted))?.catalog()?)
            }
        }
    }

    /// Returns the namespace's quotas and limits. If the user may read only one of the two kinds, the other is
    /// [unread](Limits#structfield.unread).
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn limits(&self) -> Result<Limits, Failure> {
        Ok(match &self.source {
            Source::Files(documents) => documents.namespace(&self.tool)?.limits,
            Source::Cluster { runtime, client } => {
                let wanted = NamespaceFetchOptions::limits();
                let fetched = runtime.block_on(client.fetch_namespace(&self.tool, wanted))?;
                fetched.facts(self.namespace(Catalog::default())).limits
            }
        })
    }

    /// Returns the namespace with a catalog, without quotas and limits.
    #[must_use]
    pub fn namespace(&self, catalog: Catalog) -> Namespace {
        self.on_this_host(Namespace::new(&self.tool, catalog))
    }

    /// Returns the facts of the namespace in files.
    ///
    /// # Errors
    /// When the catalog is invalid, or the files have only objects of other tools.
    pub fn namespace_of(&self, documents: &Documents) -> Result<Namespace, Failure> {
        let others = documents.other_tools(&self.tool);
        if !others.is_empty() {
            return Err(not_in_files(&self.tool, &others));
        }
        Ok(self.on_this_host(documents.namespace(&self.tool)?))
    }

    fn on_this_host(&self, namespace: Namespace) -> Namespace {
        let namespace = namespace.with_platform(self.platform.clone());
        match self.uid {
            Some(uid) => namespace.with_uid(uid.into()),
            None => namespace,
        }
    }

    /// Runs a future on this thread.
    ///
    /// # Errors
    /// When facts come from files, and no runtime can be created.
    pub fn block_on<T>(&self, future: impl Future<Output = T>) -> Result<T, Failure> {
        match &self.source {
            Source::Cluster { runtime, .. } => Ok(runtime.block_on(future)),
            Source::Files(_) => Ok(runtime()?.block_on(future)),
        }
    }

    /// Returns the cluster.
    ///
    /// # Errors
    /// When the facts come from files, which are read-only.
    pub fn cluster(&self) -> Result<(&Runtime, &Client), Failure> {
        match &self.source {
            Source::Cluster { runtime, client } => Ok((runtime, client)),
            Source::Files(_) => {
                Err(Failure::new(ExitCode::Usage, "this command needs the cluster; --from is read-only"))
            }
        }
    }

    /// Returns the cluster, for a verb that changes it unless it has the option `--dry-run`.
    ///
    /// # Errors
    /// When the facts come from files, which are read-only.
    pub fn cluster_to_change(&self) -> Result<(&Runtime, &Client), Failure> {
        // Without `--from`, the verb would change the cluster, which the user may not want.
        self.cluster()
            .map_err(|failure| failure.hint("With `--from`, `--dry-run` alone shows what would be done."))
    }
}

/// Returns a runtime on this thread: the login hosts limit the number of threads, and one connection needs no more.
fn runtime() -> Result<Runtime, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Failure::from_error(ExitCode::Cluster, &error))
}

/// Returns the image catalog; if it cannot be read, prints a warning and returns the bundled one. For commands that only
/// show something, and do not need every image's name.
#[must_use]
pub fn catalog_or_bundled(fetched: &FetchedNamespace) -> Catalog {
    fetched.catalog().unwrap_or_else(|error| {
        let message = match &fetched.unread_catalog {
            Some(Unread { resource, verb, .. }) => format!(
                "the cluster does not let you {} {resource}, so the bundled catalog is used for image names",
                verb.as_str()
            ),
            None => error.to_string(),
        };
        Notice::warning(message).print();
        Catalog::bundled()
    })
}

/// What to add to an error about an image that was looked up in the bundled catalog.
pub const BUNDLED_HINT: &str =
    "The bundled catalog of August 2025 was used; `--from FILE` reads the cluster's catalog.";

/// Returns the cluster's catalog, or, with a note, the bundled one. For commands that show the images.
#[must_use]
pub fn images_to_show(session: Result<&Session, Failure>) -> Catalog {
    session.and_then(Session::catalog).unwrap_or_else(|failure| {
        Notice::note(format!("the cluster's catalog is not available: {}", failure.message())).print();
        Notice::note("using the bundled catalog of August 2025").print();
        Catalog::bundled()
    })
}

/// Returns the paths that are searched for a kubeconfig.
#[must_use]
pub fn kubeconfig_files(options: &GlobalOptions) -> Vec<PathBuf> {
    kubeconfig_paths(options.cluster.kubeconfig.as_deref(), own_home().as_deref())
}

/// Returns whether one of the files that are searched for a kubeconfig exists.
#[must_use]
pub fn has_kubeconfig(options: &GlobalOptions) -> bool {
    kubeconfig_files(options).iter().any(|file| file.exists())
}

/// Returns the tool of the options, else that of the kubeconfig, and its home if it is this user's own tool.
pub(crate) fn tool_and_home(
    options: &GlobalOptions,
    kubeconfig: &Kubeconfig,
) -> Result<(ToolName, Option<ToolHome>), Failure> {
    let own_tool = kubeconfig.tool();
    let is_own = options.tool.is_none() || options.tool.as_ref() == own_tool.as_ref().ok();
    let tool = options.tool.clone().map_or(own_tool, Ok)?;
    let home = own_home();
    // With another kubeconfig, this user may be somebody else, and the home not the tool's.
    let own_home = home.as_deref().filter(|_| options.cluster.kubeconfig.is_none());
    let tool_home = if is_own { ToolHome::of(&tool, own_home) } else { None };
    Ok((tool, tool_home))
}

/// Returns the failure that files have only objects of other tools.
fn not_in_files(tool: &ToolName, others: &BTreeSet<ToolName>) -> Failure {
    let mut names: Vec<String> = others.iter().take(MAX_TOOLS).map(ToString::to_string).collect();
    if others.len() > MAX_TOOLS {
        names.push(format!("{} more", others.len() - MAX_TOOLS));
    }
    let (last, first) = names.split_last().map_or(("", &[][..]), |(last, first)| (last.as_str(), first));
    let names = if first.is_empty() { last.to_owned() } else { format!("{} and {last}", first.join(", ")) };
    Failure::new(ExitCode::Failed, format!("the `--from` files contain no objects of tool {tool}"))
        .with_code(FailureCode::NotFound)
        .hint(format!("They contain objects of {names}; set the tool with `--tool`."))
}

/// Returns the id of the tool's user: from the options, else that of this process if it is a tool's.
fn tool_uid(options: &GlobalOptions) -> Option<u32> {
    let own = rustix::process::getuid().as_raw();
    options.uid.or(Some(own).filter(|uid| *uid >= platform::FIRST_TOOL_UID))
}

fn own_home() -> Option<PathBuf> {
    std::env::home_dir().filter(|home| !home.as_os_str().is_empty())
}

fn documents(tool: &ToolName, files: &[PathBuf]) -> Result<Documents, Failure> {
    let mut documents = Documents::default();
    files.iter().try_for_each(|file| read_documents(&mut documents, tool, file, YAML_LIMIT))?;
    Ok(documents)
}
