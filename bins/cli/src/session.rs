use std::ffi::OsStr;
use std::io::Read;
use std::path::{Path, PathBuf};

use k8s_openapi::jiff::Timestamp;
use tokio::runtime::Runtime;
use toolforge_client::{Connection, Kubeconfig, Project, read_platform_files};
use toolforge_model::{ToolName, Untrusted};
use toolforge_quota::{LimitRange, ResourceQuota};
use toolforge_render::facts::{Documents, Facts};

use crate::failure::{ExitKind, Failure};
use crate::options::GlobalOptions;

/// For which tool a command works, and where its facts come from.
pub struct Session {
    /// The tool.
    pub tool: ToolName,
    /// The project, as the platform's files say.
    pub project: Project,
    /// Where facts come from.
    pub source: Source,
}

/// Where facts come from.
pub enum Source {
    /// What kubectl printed; nothing can be changed.
    Files(Documents),
    /// The cluster.
    Cluster {
        /// What the requests run on: this thread alone.
        runtime: Runtime,
        /// The connection.
        connection: Connection,
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
        let project = read_platform_files(Path::new("/"))?;
        if !options.from.is_empty() {
            let tool = options.tool.clone().ok_or_else(|| {
                Failure::new(ExitKind::Usage, "which tool's web service is it? files do not tell")
                    .hint("Name the tool: `--tool NAME`.")
            })?;
            return Ok(Self { tool, project, source: Source::Files(documents(&options.from)?) });
        }
        let path = kubeconfig_path(options.kubeconfig.as_deref())?;
        let kubeconfig = Kubeconfig::read(&path, Timestamp::now())?;
        let tool = options.tool.clone().map_or_else(|| kubeconfig.tool(), Ok)?;
        // One thread: the login hosts allow few, and one connection needs no more.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::from_error(ExitKind::Cluster, &error))?;
        let agent = format!("{program}/{}", env!("CARGO_PKG_VERSION"));
        let connection = {
            let _inside = runtime.enter();
            Connection::new(&kubeconfig, tool.clone(), &agent, options.impersonate.as_deref())?
        };
        Ok(Self { tool, project, source: Source::Cluster { runtime, connection } })
    }

    /// Returns the facts for the tool's web service.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn web_service_facts(&self) -> Result<Facts, Failure> {
        match &self.source {
            Source::Files(documents) => Ok(documents.facts(&self.tool, self.project.platform.clone())?),
            Source::Cluster { runtime, connection } => {
                Ok(runtime.block_on(connection.web_service_facts(self.project.platform.clone()))?)
            }
        }
    }

    /// Returns the facts that saying how the web service fares needs; a catalogue that cannot be had is only warned
    /// of.
    ///
    /// # Errors
    /// When the facts cannot be read.
    pub fn web_service_state(&self) -> Result<Facts, Failure> {
        match &self.source {
            Source::Files(_) => self.web_service_facts(),
            Source::Cluster { runtime, connection } => {
                let state = runtime.block_on(connection.web_service_state(self.project.platform.clone()));
                let (facts, problem) = state?;
                if let Some(problem) = problem {
                    anstream::eprintln!("warning: {problem}");
                }
                Ok(facts)
            }
        }
    }

    /// Returns the namespace's quotas and limits.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn limits(&self) -> Result<(Vec<ResourceQuota>, Vec<LimitRange>), Failure> {
        match &self.source {
            Source::Files(_) => {
                let facts = self.web_service_facts()?;
                Ok((facts.quotas, facts.limit_ranges))
            }
            Source::Cluster { runtime, connection } => Ok(runtime.block_on(connection.limits())?),
        }
    }

    /// Returns the cluster to change.
    ///
    /// # Errors
    /// When the facts come from files: they cannot be changed.
    pub fn cluster(&self) -> Result<(&Runtime, &Connection), Failure> {
        match &self.source {
            Source::Cluster { runtime, connection } => Ok((runtime, connection)),
            Source::Files(_) => Err(Failure::new(ExitKind::Usage, "facts from files cannot be changed")
                .hint("Leave `--from` out to work with the cluster, or use `plan`, `render` or `status`.")),
        }
    }
}

fn documents(files: &[PathBuf]) -> Result<Documents, Failure> {
    let mut documents = Documents::default();
    for file in files {
        let name = Untrusted::new(file.display().to_string());
        let unreadable = |error: std::io::Error| {
            Failure::new(ExitKind::Request, format!("{} cannot be read", name.escaped()))
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

/// Returns the kubeconfig to read: of a list, the first that exists, else the first; by default that of the home.
fn kubeconfig_path(given: Option<&OsStr>) -> Result<PathBuf, Failure> {
    let listed: Vec<PathBuf> = given
        .map(std::env::split_paths)
        .into_iter()
        .flatten()
        .filter(|path| !path.as_os_str().is_empty())
        .collect();
    if let Some(path) = listed.iter().find(|path| path.exists()).or(listed.first()) {
        return Ok(path.clone());
    }
    let home = std::env::home_dir().filter(|home| !home.as_os_str().is_empty());
    home.map(|home| home.join(".kube/config")).ok_or_else(|| {
        Failure::new(ExitKind::Cluster, "there is no home folder to look for a kubeconfig in")
            .hint("Name the file with `--kubeconfig FILE`.")
    })
}
