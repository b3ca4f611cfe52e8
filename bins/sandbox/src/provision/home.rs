//! A tool's home: its owner, its kubeconfig, its certificate.

use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown};
use std::path::PathBuf;

use toolforge_model::ToolName;

use super::owned::OwnedDirectory;
use crate::directory::Sandbox;
use crate::failure::{Failure, OrFail};

/// The first user ID of a tool. The platform's tools have 50000 and above.
const FIRST_UID: u32 = 50_001;

/// The directories of the credentials in a tool's home, and the kubeconfig's name, as on the platform.
const KUBECONFIG: (&str, &str) = (".kube", "config");
const CREDENTIALS: &str = ".toolskube";

/// The API server's address on the host, without its port.
const SERVER: &str = "https://127.0.0.1:";

/// Returns the path of a tool's home on the host.
pub(super) fn home(sandbox: &Sandbox, tool: &ToolName) -> PathBuf {
    sandbox.homes().join(tool.as_str())
}

/// Creates a tool's home with a new user ID and returns both. The owner of the home records the ID. A home that an
/// interrupted run has created is completed.
pub(super) fn make_home(sandbox: &Sandbox, tool: &ToolName) -> Result<(OwnedDirectory, u32), Failure> {
    let lock = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(sandbox.directory().join("tools.lock"))?;
    // Two tools that are created concurrently must not get the same ID.
    lock.lock()?;
    let path = home(sandbox, tool);
    let cannot = || format!("cannot create the home {}", path.display());
    match DirBuilder::new().mode(0o700).create(&path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error).or_fail(cannot()),
        _ => {}
    }
    let uids = fs::read_dir(sandbox.homes())?.flatten();
    let uids: Vec<u32> =
        uids.filter_map(|entry| entry.metadata().ok()).map(|metadata| metadata.uid()).collect();
    let current = fs::symlink_metadata(&path).or_fail(cannot())?.uid();
    let uid = if current < FIRST_UID { next_uid(uids.into_iter()) } else { current };
    chown(&path, Some(uid), Some(uid)).or_fail(cannot())?;
    let home = OwnedDirectory::home(&path)?;
    for directory in ["logs", KUBECONFIG.0, CREDENTIALS] {
        home.directory(directory, 0o775)?;
    }
    home.as_file().set_permissions(Permissions::from_mode(0o2775)).or_fail(cannot())?;
    Ok((home, uid))
}

fn next_uid(taken: impl Iterator<Item = u32>) -> u32 {
    taken.max().map_or(FIRST_UID, |uid| uid.saturating_add(1).max(FIRST_UID))
}

/// Returns whether a tool is complete. Its kubeconfig is written last.
pub(crate) fn is_complete(sandbox: &Sandbox, tool: &ToolName) -> bool {
    let (directory, file) = KUBECONFIG;
    fs::symlink_metadata(home(sandbox, tool).join(directory).join(file)).is_ok()
}

/// Returns the user ID of a tool: the owner of its home.
pub(crate) fn uid(sandbox: &Sandbox, tool: &ToolName) -> Result<u32, Failure> {
    let metadata = fs::symlink_metadata(home(sandbox, tool)).ok();
    metadata.map(|metadata| metadata.uid()).filter(|uid| *uid >= FIRST_UID).ok_or_else(|| {
        Failure::new(format!("there is no tool {tool}"))
            .hint(format!("Add it: `{}`.", sandbox.typed(&format!("tool add {tool}"))))
    })
}

/// Returns the tools that have a home, sorted by name. Empty if the sandbox was never started.
pub(crate) fn tools(sandbox: &Sandbox) -> Result<Vec<(ToolName, u32)>, Failure> {
    let homes = match fs::read_dir(sandbox.homes()) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        homes => homes.or_fail("cannot read the directory of the homes")?,
    };
    let names = homes.flatten().filter_map(|entry| entry.file_name().to_string_lossy().parse().ok());
    let mut found: Vec<(ToolName, u32)> =
        names.filter_map(|tool| uid(sandbox, &tool).ok().map(|uid| (tool, uid))).collect();
    found.sort();
    Ok(found)
}

/// Writes a tool's certificate, key and kubeconfig with the permissions of the platform.
pub(super) fn write_credentials(
    sandbox: &Sandbox,
    tool: &ToolName,
    (certificate, key): (&[u8], &[u8]),
    api_port: u16,
) -> Result<(), Failure> {
    let home = OwnedDirectory::home(&home(sandbox, tool))?;
    let credentials = home.existing(CREDENTIALS)?;
    credentials.write("client.crt", certificate, 0o400)?;
    credentials.write("client.key", key, 0o400)?;
    let authority = fs::read(sandbox.pki().join("ca.crt")).or_fail("cannot read the cluster's authority")?;
    let (directory, file) = KUBECONFIG;
    home.existing(directory)?.write(file, kubeconfig(tool, &authority, api_port).as_bytes(), 0o600)
}

/// Updates the API server's port in the tools' kubeconfigs. Other content is kept, and no kubeconfig is created for a
/// tool without one.
pub(super) fn rewrite_kubeconfigs(sandbox: &Sandbox, api_port: u16) -> Result<(), Failure> {
    let (directory, file) = KUBECONFIG;
    for (tool, _) in tools(sandbox)? {
        let directory = OwnedDirectory::home(&home(sandbox, &tool)).and_then(|home| home.existing(directory));
        let Ok(directory) = directory else { continue };
        let Some(current) = directory.read(file) else { continue };
        let updated = with_port(&current, api_port);
        if updated != current {
            directory.write(file, updated.as_bytes(), 0o600)?;
        }
    }
    Ok(())
}

/// Returns a kubeconfig with another port of the API server.
fn with_port(kubeconfig: &str, api_port: u16) -> String {
    let mut parts = kubeconfig.split(SERVER);
    let mut text = parts.next().unwrap_or_default().to_owned();
    for rest in parts {
        let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        text.push_str(&format!("{SERVER}{api_port}{rest}"));
    }
    text
}

/// Returns a tool's kubeconfig, as maintain-kubeusers writes it, with relative paths to the certificate and the key.
/// No value needs quotes: names have a prefix, and base64 contains none of YAML's special characters.
fn kubeconfig(tool: &ToolName, authority: &[u8], api_port: u16) -> String {
    let authority = super::cluster::base64(authority);
    let authority = authority.as_str().unwrap_or_default();
    let namespace = tool.namespace();
    format!(
        "apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: {authority}
    server: {SERVER}{api_port}
  name: toolforge
contexts:
- context:
    cluster: toolforge
    namespace: {namespace}
    user: tf-{tool}
  name: toolforge
current-context: toolforge
kind: Config
users:
- name: tf-{tool}
  user:
    client-certificate: ../{CREDENTIALS}/client.crt
    client-key: ../{CREDENTIALS}/client.key
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn tools_get_consecutive_user_ids() {
        assert_eq!(next_uid([].into_iter()), 50_001);
        assert_eq!(next_uid([0].into_iter()), 50_001);
        assert_eq!(next_uid([50_003, 50_001].into_iter()), 50_004);
    }

    #[test]
    fn kubeconfig_refers_to_the_tools_certificate() {
        // Without its prefix, YAML would parse the name as a number.
        let text = kubeconfig(&"1e3".parse().unwrap(), b"pem", 7443);
        let config: Value = serde_saphyr::from_str(&text).unwrap();
        assert_eq!(config["users"][0]["name"], "tf-1e3");
        assert_eq!(config["users"][0]["user"]["client-certificate"], "../.toolskube/client.crt");
        assert_eq!(config["contexts"][0]["context"]["namespace"], "tool-1e3");
        assert_eq!(config["contexts"][0]["context"]["user"], "tf-1e3");
        assert_eq!(config["current-context"], config["contexts"][0]["name"]);
        assert_eq!(config["clusters"][0]["cluster"]["server"], "https://127.0.0.1:7443");
        assert_eq!(config["clusters"][0]["cluster"]["certificate-authority-data"], "cGVt");
    }

    #[test]
    fn with_port_changes_only_the_port() {
        let text = kubeconfig(&"x".parse().unwrap(), b"pem", 7443) + "# my own note\n";
        assert_eq!(with_port(&text, 7443), text);
        assert_eq!(with_port(&text, 6443), text.replace(":7443", ":6443"));
        assert_eq!(
            with_port("{\"server\":\"https://127.0.0.1:1\"}", 2),
            "{\"server\":\"https://127.0.0.1:2\"}"
        );
        assert_eq!(with_port("no server", 2), "no server");
    }
}
