//! A tool's home: its owner, its kubeconfig, its certificate.

use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown};
use std::path::PathBuf;

use toolforge_model::ToolName;

use super::owned::OwnedDirectory;
use crate::directory::Sandbox;
use crate::failure::{Failure, OrFail};

/// The first user id that is given to a tool; the platform's tools have 50000 and more.
const FIRST_UID: u32 = 50_001;

/// The directories of the credentials, and the files in them, as the platform has them.
const KUBECONFIG: (&str, &str) = (".kube", "config");
const CREDENTIALS: &str = ".toolskube";

/// The API server's address on the host, up to its port.
const SERVER: &str = "https://127.0.0.1:";

/// Returns a tool's home, seen from the host.
pub(super) fn home(sandbox: &Sandbox, tool: &ToolName) -> PathBuf {
    sandbox.homes().join(tool.as_str())
}

/// Makes a tool's home with a user id of its own, which the home's owner tells from then on, and returns both. What
/// an interrupted run has made is completed.
pub(super) fn make_home(sandbox: &Sandbox, tool: &ToolName) -> Result<(OwnedDirectory, u32), Failure> {
    let lock = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(sandbox.directory().join("tools.lock"))?;
    // Two tools that are made side by side must not get the same id.
    lock.lock()?;
    let path = home(sandbox, tool);
    let cannot = || format!("cannot make the home {}", path.display());
    match DirBuilder::new().mode(0o700).create(&path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error).or_fail(cannot()),
        _ => {}
    }
    let uids = fs::read_dir(sandbox.homes())?.flatten();
    let uids: Vec<u32> =
        uids.filter_map(|entry| entry.metadata().ok()).map(|metadata| metadata.uid()).collect();
    let standing = fs::symlink_metadata(&path).or_fail(cannot())?.uid();
    let uid = if standing < FIRST_UID { next_uid(uids.into_iter()) } else { standing };
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

/// Returns whether a tool has been made to the end: its kubeconfig is written last.
pub(crate) fn is_complete(sandbox: &Sandbox, tool: &ToolName) -> bool {
    let (directory, file) = KUBECONFIG;
    fs::symlink_metadata(home(sandbox, tool).join(directory).join(file)).is_ok()
}

/// Returns the user id of a tool, which owns its home.
pub(crate) fn uid(sandbox: &Sandbox, tool: &ToolName) -> Result<u32, Failure> {
    let metadata = fs::symlink_metadata(home(sandbox, tool)).ok();
    metadata.map(|metadata| metadata.uid()).filter(|uid| *uid >= FIRST_UID).ok_or_else(|| {
        Failure::new(format!("there is no tool {tool}"))
            .hint(format!("Add it: `cargo sandbox tool add {tool}`."))
    })
}

/// Returns the tools that have a home, by name; none where the sandbox was never up.
pub(crate) fn tools(sandbox: &Sandbox) -> Result<Vec<(ToolName, u32)>, Failure> {
    let homes = match fs::read_dir(sandbox.homes()) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        homes => homes.or_fail("cannot read the directory of the tools' homes")?,
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

/// Makes the tools' kubeconfigs follow the API server's port on the host. What a person has written there stays; a
/// tool without a kubeconfig stays without.
pub(super) fn rewrite_kubeconfigs(sandbox: &Sandbox, api_port: u16) -> Result<(), Failure> {
    let (directory, file) = KUBECONFIG;
    for (tool, _) in tools(sandbox)? {
        let directory = OwnedDirectory::home(&home(sandbox, &tool)).and_then(|home| home.existing(directory));
        let Ok(directory) = directory else { continue };
        let Some(standing) = directory.read(file) else { continue };
        let following = with_port(&standing, api_port);
        if following != standing {
            directory.write(file, following.as_bytes(), 0o600)?;
        }
    }
    Ok(())
}

/// Returns a kubeconfig that names another port of the API server.
fn with_port(kubeconfig: &str, api_port: u16) -> String {
    let mut parts = kubeconfig.split(SERVER);
    let mut text = parts.next().unwrap_or_default().to_owned();
    for rest in parts {
        let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        text.push_str(&format!("{SERVER}{api_port}{rest}"));
    }
    text
}

/// Returns a tool's kubeconfig, as maintain-kubeusers writes it: certificate and key beside it, by relative paths.
/// No value needs quotes: names have a prefix, and base64 has none of YAML's signs.
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
    fn each_tool_gets_the_next_user_id() {
        assert_eq!(next_uid([].into_iter()), 50_001);
        assert_eq!(next_uid([0].into_iter()), 50_001);
        assert_eq!(next_uid([50_003, 50_001].into_iter()), 50_004);
    }

    #[test]
    fn a_kubeconfig_names_its_certificate_beside_it() {
        // A name that YAML would read as a number.
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
    fn only_the_port_follows_the_api_server() {
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
