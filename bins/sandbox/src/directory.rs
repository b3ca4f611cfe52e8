//! The directory of a sandbox: where its files are, and whether the sandbox is running.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::api_server;
use crate::failure::{Failure, OrFail};
use crate::saved_state::{Ports, State};

/// The sandbox's directory as its components see it.
pub(crate) const INNER_DIRECTORY: &str = "/sandbox";

/// Maximum length of a sandbox's name: keeps the names of the cgroups and of the directory short.
const MAX_NAME: usize = 40;
/// Maximum length of a Unix socket's path, in bytes (`sun_path` in unix(7), without the final zero).
const MAX_SOCKET_PATH: usize = 107;

/// A sandbox: its name and its directory. The directory need not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sandbox {
    name: String,
    directory: PathBuf,
}

impl Sandbox {
    /// Returns the sandbox with this name, or the checkout's default sandbox.
    pub(crate) fn named(name: Option<&str>) -> Result<Self, Failure> {
        let name = match name {
            Some(name) => checked_name(name)?,
            None => name_of_checkout(&checkout()),
        };
        let directory = state_root()?.join(&name);
        let sandbox = Self { name, directory };
        let longest = sandbox.pages_socket().as_os_str().len();
        if longest > MAX_SOCKET_PATH {
            let directory = sandbox.directory.display();
            return Err(Failure::new(format!(
                "the path of the directory {directory} is too long for a Unix socket"
            ))
            .hint("Set XDG_STATE_HOME to a directory with a shorter path, or choose a shorter `--name`."));
        }
        Ok(sandbox)
    }

    /// Returns the same sandbox as its components see it.
    pub(crate) fn inside(&self) -> Self {
        Self { name: self.name.clone(), directory: PathBuf::from(INNER_DIRECTORY) }
    }

    /// Returns a client with the cluster's admin rights, for use on the host. Sends no request.
    pub(crate) async fn client(&self) -> Result<kube::Client, Failure> {
        api_server::connect(&self.admin_kubeconfig()).await
    }

    /// Returns the name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Returns what to type to run a command of this sandbox: `cargo sandbox up`, with `--name` unless it is the
    /// checkout's default sandbox.
    pub(crate) fn typed(&self, command: &str) -> String {
        if self.name == name_of_checkout(&checkout()) {
            format!("cargo sandbox {command}")
        } else {
            format!("cargo sandbox --name {} {command}", self.name)
        }
    }

    /// Returns the directory that holds all of this sandbox's files.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Returns the kubeconfig of the cluster's admin, for use on the host.
    pub(crate) fn admin_kubeconfig(&self) -> PathBuf {
        self.directory.join("admin.kubeconfig")
    }

    /// Returns the kubeconfig of the cluster's admin, for use inside the sandbox's network namespace.
    pub(crate) fn inner_admin_kubeconfig(&self) -> PathBuf {
        self.pki().join("admin.kubeconfig")
    }

    /// Returns the directory of the tools' homes, mounted as `/data/project` inside.
    pub(crate) fn homes(&self) -> PathBuf {
        self.directory.join("homes")
    }

    /// Returns the directory of the components' logs, one file per component.
    pub(crate) fn logs(&self) -> PathBuf {
        self.directory.join("logs")
    }

    /// Returns the directory of keys, certificates and the components' kubeconfigs.
    pub(crate) fn pki(&self) -> PathBuf {
        self.directory.join("pki")
    }

    /// Returns the directory of the data that survives `down`: etcd's data, containerd's images.
    pub(crate) fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    /// Returns the directory of files that `down` deletes: sockets, rendered configuration, PID files.
    pub(crate) fn runtime(&self) -> PathBuf {
        self.directory.join("run")
    }

    /// Returns the socket that leads to the API server, like the port on the host.
    pub(crate) fn api_socket(&self) -> PathBuf {
        self.runtime().join("api.sock")
    }

    /// Returns the socket that leads to the front door, like the port on the host.
    pub(crate) fn pages_socket(&self) -> PathBuf {
        self.runtime().join("pages.sock")
    }

    /// Returns the name of the parent cgroup of all pods: `toolforge-sandbox-NAME`.
    pub(crate) fn cgroup(&self) -> String {
        format!("toolforge-sandbox-{}", self.name)
    }

    /// Returns the state of the last start, or `None` if there was none.
    pub(crate) fn state(&self) -> Result<Option<State>, Failure> {
        let path = self.state_path();
        match fs::read(&path) {
            Ok(text) => Ok(serde_json::from_slice(&text).ok()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).or_fail(format!("cannot read {}", path.display())),
        }
    }

    /// Saves the state of this start. Readers never see a half-written file.
    pub(crate) fn remember(&self, state: &State) -> Result<(), Failure> {
        let (path, partial) = (self.state_path(), self.directory.join("state.json.new"));
        fs::write(&partial, serde_json::to_vec_pretty(state)?)
            .and_then(|()| fs::rename(&partial, &path))
            .or_fail(format!("cannot write {}", path.display()))
    }

    /// Returns the ports on the host.
    ///
    /// # Errors
    /// The sandbox is not running.
    pub(crate) fn ports(&self) -> Result<Ports, Failure> {
        match self.state()? {
            Some(state) if self.is_running() => Ok(state.ports),
            _ => Err(self.not_running()),
        }
    }

    /// Returns whether the supervisor is running.
    pub(crate) fn is_running(&self) -> bool {
        let Ok(file) = File::open(self.lock_path()) else { return false };
        matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
    }

    /// Returns the error for a command that needs a running sandbox.
    pub(crate) fn not_running(&self) -> Failure {
        Failure::new(format!("the sandbox {} is not running", self.name))
            .hint(format!("Start it: `{}`.", self.typed("up")))
    }

    /// Returns the file that the supervisor locks while it runs, open for writing.
    pub(crate) fn lock_file(&self) -> Result<File, Failure> {
        self.open_lock(&self.lock_path())
    }

    /// Returns the file that `up` and `down` lock, so only one of them runs at a time.
    pub(crate) fn command_lock_file(&self) -> Result<File, Failure> {
        self.open_lock(&self.directory.join("turn.lock"))
    }

    /// Creates the sandbox's directories. The tools' uids must be able to enter the one with the homes.
    pub(crate) fn create(&self) -> Result<(), Failure> {
        for directory in
            [self.directory.clone(), self.homes(), self.logs(), self.pki(), self.data(), self.runtime()]
        {
            fs::create_dir_all(&directory)
                .or_fail(format!("cannot create the directory {}", directory.display()))?;
        }
        Ok(())
    }

    fn lock_path(&self) -> PathBuf {
        self.directory.join("supervisor.lock")
    }

    fn state_path(&self) -> PathBuf {
        self.directory.join("state.json")
    }

    fn open_lock(&self, path: &Path) -> Result<File, Failure> {
        fs::create_dir_all(&self.directory)
            .and_then(|()| OpenOptions::new().create(true).read(true).write(true).truncate(false).open(path))
            .or_fail(format!("cannot open {}", path.display()))
    }
}

/// Returns the root of the workspace.
pub(crate) fn checkout() -> PathBuf {
    // Cargo sets the variable for programs that it runs. A program that is run by its path uses the path of its build.
    let package = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    let root = package.ancestors().nth(2).unwrap_or(&package).to_path_buf();
    fs::canonicalize(&root).unwrap_or(root)
}

/// Returns the per-user directory of all sandboxes.
pub(crate) fn state_root() -> Result<PathBuf, Failure> {
    user_directory("XDG_STATE_HOME", ".local/state")
}

/// Returns the per-user cache of built components, shared by all sandboxes and checkouts.
pub(crate) fn cache_root() -> Result<PathBuf, Failure> {
    user_directory("XDG_CACHE_HOME", ".cache")
}

fn user_directory(variable: &str, below_home: &str) -> Result<PathBuf, Failure> {
    // The XDG Base Directory Specification requires relative paths to be ignored.
    let set = std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    let root = match (set, std::env::home_dir()) {
        (Some(root), _) => root,
        (None, Some(home)) if home.is_absolute() => home.join(below_home),
        (None, _) => {
            return Err(Failure::new(format!("neither {variable} nor HOME is set to an absolute path")));
        }
    };
    Ok(root.join("toolforge-sandbox"))
}

/// Returns the SHA-256 of these inputs in hexadecimal. The boundaries between the inputs are part of the hash.
pub(crate) fn digest(inputs: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for input in inputs {
        hash.update(input.len().to_le_bytes());
        hash.update(input);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn checked_name(name: &str) -> Result<String, Failure> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() || name.len() > MAX_NAME || name.starts_with('-') || !name.chars().all(allowed) {
        let name = name.escape_debug();
        return Err(Failure::new(format!(
            "\"{name}\" is not a valid sandbox name; use at most {MAX_NAME} lowercase letters, digits and '-'"
        ))
        .code(2));
    }
    Ok(name.to_owned())
}

/// Returns `<directory name>-<short hash of its path>`, so two checkouts never share a sandbox.
fn name_of_checkout(checkout: &Path) -> String {
    let hash = digest(&[checkout.as_os_str().as_encoded_bytes()]);
    let directory = checkout.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let plain = |c: char| if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '-' };
    let directory: String = directory.chars().map(plain).take(MAX_NAME - 8).collect();
    let directory = directory.trim_matches('-');
    let directory = if directory.is_empty() { "checkout" } else { directory };
    format!("{directory}-{}", &hash[..6])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digest_depends_on_input_boundaries() {
        assert_ne!(digest(&[b"ab", b"c"]), digest(&[b"a", b"bc"]));
        assert_ne!(digest(&[b"a"]), digest(&[b"a", b""]));
        assert_eq!(digest(&[b"a", b"b"]), digest(&[b"a", b"b"]));
    }

    #[test]
    fn checkouts_have_different_names() {
        let first = name_of_checkout(Path::new("/home/a/Toolforge RS"));
        let second = name_of_checkout(Path::new("/home/b/Toolforge RS"));
        assert!(first.starts_with("toolforge-rs-"), "{first}");
        assert_ne!(first, second);
        assert_eq!(checked_name(&first).ok(), Some(first));
    }

    #[test]
    fn typed_commands_name_another_sandbox() {
        let default = Sandbox::named(None).unwrap();
        assert_eq!(default.typed("up"), "cargo sandbox up");
        assert_eq!(Sandbox::named(Some("vol")).unwrap().typed("up"), "cargo sandbox --name vol up");
    }

    #[test]
    fn rejects_invalid_names() {
        for name in ["", "-x", "a/b", "..", "Big", "a b", &"a".repeat(41)] {
            assert!(checked_name(name).is_err(), "{name}");
        }
    }
}
