//! A tool's home: its owner, its kubeconfig, its certificate.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use toolforge_model::ToolName;

use crate::failure::{Failure, OrFail};
use crate::folder::Sandbox;

/// The first user id that is given to a tool; the platform's tools have 50000 and more.
const FIRST_UID: u32 = 50_001;

/// Returns a tool's home, seen from the host.
pub(super) fn home(sandbox: &Sandbox, tool: &ToolName) -> PathBuf {
    sandbox.homes().join(tool.as_str())
}

/// Makes a tool's home with a user id of its own, which the home's owner tells from then on, and returns the id.
pub(super) fn make_home(sandbox: &Sandbox, tool: &ToolName) -> Result<u32, Failure> {
    let homes = sandbox.homes();
    let lock = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(sandbox.folder().join("tools.lock"))?;
    // Two tools that are made side by side must not get the same id.
    lock.lock()?;
    let uids = fs::read_dir(&homes)?
        .flatten()
        .filter_map(|entry| entry.metadata().ok())
        .map(|metadata| metadata.uid());
    let uid = next_uid(uids);
    let home = home(sandbox, tool);
    fs::create_dir(&home).or_fail(format!("cannot make the home {}", home.display()))?;
    for folder in [home.clone(), home.join("logs"), home.join(".kube"), home.join(".toolskube")] {
        fs::create_dir_all(&folder)?;
        own(&folder, uid, 0o775)?;
    }
    own(&home, uid, 0o2775)?;
    Ok(uid)
}

fn next_uid(taken: impl Iterator<Item = u32>) -> u32 {
    taken.max().map_or(FIRST_UID, |uid| uid.saturating_add(1).max(FIRST_UID))
}

/// Returns the user id of a tool, which owns its home.
pub(crate) fn uid(sandbox: &Sandbox, tool: &ToolName) -> Result<u32, Failure> {
    let home = home(sandbox, tool);
    let metadata = fs::metadata(&home);
    metadata.map(|metadata| metadata.uid()).map_err(|_| {
        Failure::new(format!("there is no tool {tool}"))
            .hint(format!("Add it: `cargo sandbox tool add {tool}`."))
    })
}

/// Returns the tools that have a home, by name.
pub(crate) fn tools(sandbox: &Sandbox) -> Result<Vec<(ToolName, u32)>, Failure> {
    let mut found = Vec::new();
    for entry in fs::read_dir(sandbox.homes())?.flatten() {
        if let (Ok(tool), Ok(metadata)) = (entry.file_name().to_string_lossy().parse(), entry.metadata()) {
            found.push((tool, metadata.uid()));
        }
    }
    found.sort();
    Ok(found)
}

/// Writes a tool's certificate, key and kubeconfig with the modes of the platform.
pub(super) fn write_credentials(
    sandbox: &Sandbox,
    tool: &ToolName,
    (certificate, key): (&[u8], &[u8]),
    api_port: u16,
) -> Result<(), Failure> {
    let uid = uid(sandbox, tool)?;
    let home = home(sandbox, tool);
    for (name, bytes) in [("client.crt", certificate), ("client.key", key)] {
        write(&home.join(".toolskube").join(name), bytes, uid, 0o400)?;
    }
    let authority = fs::read(sandbox.pki().join("ca.crt")).or_fail("cannot read the cluster's authority")?;
    let text = kubeconfig(tool, &authority, api_port).to_string();
    write(&home.join(".kube/config"), text.as_bytes(), uid, 0o600)
}

/// Writes the kubeconfigs of all tools anew, as the API server's port on the host has changed.
pub(super) fn rewrite_kubeconfigs(sandbox: &Sandbox, api_port: u16) -> Result<(), Failure> {
    let authority = fs::read(sandbox.pki().join("ca.crt")).or_fail("cannot read the cluster's authority")?;
    for (tool, uid) in tools(sandbox)? {
        let path = home(sandbox, &tool).join(".kube/config");
        let text = kubeconfig(&tool, &authority, api_port).to_string();
        // What a person has changed there by hand stays where the port stays.
        let server = format!("https://127.0.0.1:{api_port}\"");
        if fs::read_to_string(&path).is_ok_and(|standing| !standing.contains(&server)) {
            write(&path, text.as_bytes(), uid, 0o600)?;
        }
    }
    Ok(())
}

/// Returns a tool's kubeconfig, as maintain-kubeusers writes it: certificate and key beside it, by relative paths.
/// JSON is YAML.
fn kubeconfig(tool: &ToolName, authority: &[u8], api_port: u16) -> Value {
    let user = format!("tf-{tool}");
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "toolforge",
        "clusters": [{"name": "toolforge", "cluster": {
            "server": format!("https://127.0.0.1:{api_port}"),
            "certificate-authority-data": super::cluster::base64(authority),
        }}],
        "users": [{"name": user, "user": {
            "client-certificate": "../.toolskube/client.crt", "client-key": "../.toolskube/client.key",
        }}],
        "contexts": [{"name": "toolforge", "context": {
            "cluster": "toolforge", "user": user, "namespace": tool.namespace(),
        }}],
    })
}

fn write(path: &Path, bytes: &[u8], uid: u32, mode: u32) -> Result<(), Failure> {
    let partial = path.with_added_extension("new");
    let cannot = || format!("cannot write {}", path.display());
    // Owned and closed to others before anything stands in it.
    File::create(&partial).or_fail(cannot())?;
    own(&partial, uid, mode)?;
    fs::write(&partial, bytes).and_then(|()| fs::rename(&partial, path)).or_fail(cannot())
}

fn own(path: &Path, uid: u32, mode: u32) -> Result<(), Failure> {
    chown(path, Some(uid), Some(uid))?;
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(mode))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_tool_gets_the_next_user_id() {
        assert_eq!(next_uid([].into_iter()), 50_001);
        assert_eq!(next_uid([0].into_iter()), 50_001);
        assert_eq!(next_uid([50_003, 50_001].into_iter()), 50_004);
    }

    #[test]
    fn a_kubeconfig_names_its_certificate_beside_it() {
        let config = kubeconfig(&"x".parse().unwrap(), b"pem", 7443);
        assert_eq!(config["users"][0]["user"]["client-certificate"], "../.toolskube/client.crt");
        assert_eq!(config["contexts"][0]["context"]["namespace"], "tool-x");
        assert_eq!(config["clusters"][0]["cluster"]["server"], "https://127.0.0.1:7443");
    }
}
