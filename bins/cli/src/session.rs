use std::io::Read;
use std::path::{Path, PathBuf};

use tokio::runtime::Runtime;
use toolforge_client::{
    Client, ConnectOptions, FetchOptions, Kubeconfig, PlatformFiles, ToolHome, kubeconfig_paths,
};
use toolforge_images::Catalog;
use toolforge_model::{ToolName, Untrusted};
use toolforge_quota::{LimitRange, ResourceQuota};
use toolforge_render::namespace::{Documents, Platform};
use toolforge_render::web_service::Facts;

use crate::failure::{ExitCode, Failure};
use crate::options::GlobalOptions;

/// For which tool a command works, and where its facts come from.
pub struct Session {
    /// The tool.
    pub tool: ToolName,
    /// The project's settings, as the platform's files say.
    pub platform: Platform,
    /// The tool's home; `None` where it is not at hand: for another tool, and for facts from files.
    pub home: Option<ToolHome>,
    /// Where facts come from.
    pub source: Source,
}

/// Where facts come from.
#[expect(clippy::large_enum_variant, reason = "a command holds one, for its whole life")]
pub enum Source {
    /// What kubectl printed; nothing can be changed.
    Files(Documents),
    /// The cluster.
    Cluster {
        /// What the requests run on: this thread alone.
        runtime: Runtime,
        /// The client.
        client: Client,
    },
}

impl Session {
    /// Opens a session as the options say. `program` is what the API server's log shows.
    ///
    /// No request is made.
    ///
    /// # Errors
    /// When a file cannot be read, the tool is not known, or the kubeconfig cannot be used.
    pub fn open(options: &GlobalOptions, program: &str) -> Result<Self, Failure> {
        let PlatformFiles { platform, .. } = PlatformFiles::read(Path::new("/"))?;
        if !options.from.is_empty() {
            let tool = options.tool.clone().ok_or_else(|| {
                Failure::new(ExitCode::Usage, "which tool is it? files do not tell")
                    .hint("Name the tool: `--tool NAME`.")
            })?;
            let source = Source::Files(documents(&options.from)?);
            return Ok(Self { tool, platform, home: None, source });
        }
        let home = own_home();
        let kubeconfig = Kubeconfig::load(&kubeconfig_files(options))?;
        let own_tool = kubeconfig.tool();
        let is_own = options.tool.is_none() || options.tool.as_ref() == own_tool.as_ref().ok();
        let tool = options.tool.clone().map_or(own_tool, Ok)?;
        // Whoever names another kubeconfig may be anybody, and that home is not the tool's.
        let own_home = home.as_deref().filter(|_| options.kubeconfig.is_none());
        let tool_home = if is_own { ToolHome::of(&tool, own_home) } else { None };
        // One thread: the login hosts allow few, and one connection needs no more.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::from_error(ExitCode::Cluster, &error))?;
        let client = {
            let _inside = runtime.enter();
            let agent = format!("{program}/{}", env!("CARGO_PKG_VERSION"));
            let impersonate = options.impersonate.clone();
            Client::connect(&kubeconfig, &ConnectOptions::new(agent).with_impersonate(impersonate))?
        };
        Ok(Self { tool, platform, home: tool_home, source: Source::Cluster { runtime, client } })
    }

    /// Opens a session without a cluster and without facts: what the program knows by itself.
    ///
    /// # Errors
    /// When a settings file cannot be read, or the options name no tool.
    pub fn offline(options: &GlobalOptions) -> Result<Self, Failure> {
        let PlatformFiles { platform, .. } = PlatformFiles::read(Path::new("/"))?;
        let tool = options.tool.clone().ok_or_else(|| {
            Failure::new(ExitCode::Usage, "which tool is it? there is no kubeconfig to tell")
                .hint("Name the tool: `--tool NAME`.")
        })?;
        Ok(Self { tool, platform, home: None, source: Source::Files(Documents::default()) })
    }

    /// Returns the image catalogue.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn catalog(&self) -> Result<Catalog, Failure> {
        match &self.source {
            Source::Files(documents) => Ok(documents.facts(&self.tool, self.platform.clone())?.catalog),
            Source::Cluster { runtime, client } => {
                let wanted = FetchOptions { catalog: true, ..FetchOptions::default() };
                let objects = runtime.block_on(client.fetch_web_service(&self.tool, wanted))?;
                Ok(objects.facts(None, self.platform.clone())?.catalog)
            }
        }
    }

    /// Returns the namespace's quotas and limits.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn limits(&self) -> Result<(Vec<ResourceQuota>, Vec<LimitRange>), Failure> {
        let Facts { limits, .. } = match &self.source {
            Source::Files(documents) => documents.facts(&self.tool, self.platform.clone())?,
            Source::Cluster { runtime, client } => {
                let objects =
                    runtime.block_on(client.fetch_web_service(&self.tool, FetchOptions::for_limits()))?;
                objects.facts(Some(Catalog::default()), self.platform.clone())?
            }
        };
        Ok((limits.quotas, limits.limit_ranges))
    }

    /// Returns the cluster to change.
    ///
    /// # Errors
    /// When the facts come from files: they cannot be changed.
    pub fn cluster(&self) -> Result<(&Runtime, &Client), Failure> {
        match &self.source {
            Source::Cluster { runtime, client } => Ok((runtime, client)),
            Source::Files(_) => Err(Failure::new(ExitCode::Usage, "facts from files cannot be changed")
                .hint("Leave `--from` out to work with the cluster, or use `plan`, `render` or `status`.")),
        }
    }
}

/// Returns where the kubeconfig is looked for.
#[must_use]
pub fn kubeconfig_files(options: &GlobalOptions) -> Vec<PathBuf> {
    kubeconfig_paths(options.kubeconfig.as_deref(), own_home().as_deref())
}

fn own_home() -> Option<PathBuf> {
    std::env::home_dir().filter(|home| !home.as_os_str().is_empty())
}

fn documents(files: &[PathBuf]) -> Result<Documents, Failure> {
    let mut documents = Documents::default();
    for file in files {
        let name = Untrusted::new(file.display().to_string());
        let unreadable = |error: std::io::Error| {
            Failure::new(ExitCode::Failed, format!("{} cannot be read", name.escaped()))
                .detail(error.to_string())
        };
        let mut bytes = Vec::new();
        if file.as_os_str() == "-" {
            std::io::stdin().lock().read_to_end(&mut bytes).map_err(unreadable)?;
        } else {
            bytes = std::fs::read(file).map_err(unreadable)?;
        }
        let text = String::from_utf8_lossy(&bytes);
        documents.read(&file.display().to_string(), &text)?;
    }
    Ok(documents)
}
