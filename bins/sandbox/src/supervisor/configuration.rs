//! The components' configuration files, from `fixtures/cluster/node/`.

use std::fs;
use std::path::Path;

use crate::failure::{Failure, OrFail};

/// The files, relative to the configuration directory, with their contents.
const FILES: [(&str, &str); 8] = [
    ("containerd.toml", include_str!("../../../../fixtures/cluster/node/containerd.toml")),
    ("registries/_default/hosts.toml", include_str!("../../../../fixtures/cluster/node/registries.toml")),
    ("registry.yaml", include_str!("../../../../fixtures/cluster/node/registry.yaml")),
    ("cni/10-pods.conflist", include_str!("../../../../fixtures/cluster/node/network.json")),
    ("kubelet.yaml", include_str!("../../../../fixtures/cluster/node/kubelet.yaml")),
    ("kube-proxy.yaml", include_str!("../../../../fixtures/cluster/node/kube-proxy.yaml")),
    ("Corefile", include_str!("../../../../fixtures/cluster/node/Corefile")),
    // Names outside the cluster do not resolve: the sandbox has no route to other networks.
    ("resolv.conf", "nameserver 10.244.0.1\n"),
];

/// The line of the kubelet's configuration that differs between sandboxes.
const CGROUP_ROOT: &str = "cgroupRoot: /toolforge-sandbox\n";

/// Writes all configuration files to a directory.
pub(crate) fn write(directory: &Path, cgroup: &str) -> Result<(), Failure> {
    for (file, text) in FILES {
        let path = directory.join(file);
        let cannot = || format!("cannot write {}", path.display());
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).or_fail(cannot())?;
        }
        fs::write(&path, render(text, cgroup)).or_fail(cannot())?;
    }
    Ok(())
}

fn render(text: &str, cgroup: &str) -> String {
    text.replace(CGROUP_ROOT, &format!("cgroupRoot: /{cgroup}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_kubelet_config_depends_on_name() {
        let changed: Vec<_> = FILES
            .iter()
            .filter(|(_, text)| render(text, "toolforge-sandbox-x") != *text)
            .map(|(file, _)| file)
            .collect();
        assert_eq!(changed, [&"kubelet.yaml"]);
    }

    #[test]
    fn kube_proxy_and_kubelet_agree_on_node_name() {
        let proxy = FILES.iter().find(|(file, _)| *file == "kube-proxy.yaml").unwrap().1;
        assert!(proxy.contains(&format!("hostnameOverride: {}\n", crate::pki::NODE)));
    }
}
