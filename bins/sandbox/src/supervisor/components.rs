//! The components: the programs inside and their arguments.

use std::path::{Path, PathBuf};

use crate::build::debian::program;
use crate::failure::Failure;
use crate::pki::NODE;

/// The names of the components, as in `cargo sandbox logs NAME`.
pub(crate) const NAMES: [&str; 10] = [
    "containerd",
    "coredns",
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-proxy",
    "kube-scheduler",
    "kubelet",
    "metrics-server",
    "registry",
];

/// A program that runs as long as the sandbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Component {
    pub(crate) name: &'static str,
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<String>,
}

/// Returns the components that start at once: etcd, the API server, containerd and the registry.
pub(crate) fn first() -> Result<Vec<Component>, Failure> {
    Ok(vec![
        kubernetes("etcd", ETCD),
        kubernetes("kube-apiserver", API_SERVER),
        debian("containerd", "containerd", &["--config", "/sandbox/run/config/containerd.toml"])?,
        debian("registry", "docker-registry", &["serve", "/sandbox/run/config/registry.yaml"])?,
    ])
}

/// Returns the components that start when the API server is ready.
pub(crate) fn second() -> Vec<Component> {
    vec![
        kubernetes("kube-controller-manager", CONTROLLER_MANAGER),
        kubernetes("kube-scheduler", SCHEDULER),
        kubernetes("kubelet", KUBELET),
        kubernetes("kube-proxy", &["--config=/sandbox/run/config/kube-proxy.yaml"]),
        kubernetes("metrics-server", METRICS_SERVER),
        new("coredns", Path::new("/parts/coredns/coredns"), &["-conf", "/sandbox/run/config/Corefile"]),
    ]
}

const ETCD: &[&str] = &[
    "--data-dir=/sandbox/data/etcd",
    "--listen-client-urls=http://127.0.0.1:2379",
    "--advertise-client-urls=http://127.0.0.1:2379",
    "--listen-peer-urls=http://127.0.0.1:2380",
    "--initial-advertise-peer-urls=http://127.0.0.1:2380",
    "--initial-cluster=default=http://127.0.0.1:2380",
    // A sandbox's data may be lost in a power failure.
    "--unsafe-no-fsync",
    "--auto-compaction-retention=1h",
    "--log-level=warn",
];

const API_SERVER: &[&str] = &[
    "--etcd-servers=http://127.0.0.1:2379",
    "--bind-address=127.0.0.1",
    "--secure-port=6443",
    "--advertise-address=127.0.0.1",
    "--endpoint-reconciler-type=none",
    "--tls-cert-file=/sandbox/pki/apiserver.crt",
    "--tls-private-key-file=/sandbox/pki/apiserver.key",
    "--client-ca-file=/sandbox/pki/ca.crt",
    "--service-account-issuer=https://kubernetes.default.svc",
    "--service-account-key-file=/sandbox/pki/service-account.pub",
    "--service-account-signing-key-file=/sandbox/pki/service-account.key",
    "--kubelet-client-certificate=/sandbox/pki/apiserver-kubelet-client.crt",
    "--kubelet-client-key=/sandbox/pki/apiserver-kubelet-client.key",
    "--kubelet-certificate-authority=/sandbox/pki/ca.crt",
    "--kubelet-preferred-address-types=InternalIP",
    "--authorization-mode=Node,RBAC",
    "--allow-privileged=true",
    "--service-cluster-ip-range=10.96.0.0/16",
    "--enable-admission-plugins=NodeRestriction",
    // Requests for `metrics.k8s.io` are forwarded to metrics-server, at the address in its Endpoints.
    "--enable-aggregator-routing",
    "--proxy-client-cert-file=/sandbox/pki/front-proxy-client.crt",
    "--proxy-client-key-file=/sandbox/pki/front-proxy-client.key",
    "--requestheader-client-ca-file=/sandbox/pki/front-proxy-ca.crt",
    "--requestheader-allowed-names=front-proxy-client",
    "--requestheader-username-headers=X-Remote-User",
    "--requestheader-group-headers=X-Remote-Group",
    "--requestheader-extra-headers-prefix=X-Remote-Extra-",
    "--profiling=false",
    "--cert-dir=/run/kube-apiserver",
];

const CONTROLLER_MANAGER: &[&str] = &[
    "--kubeconfig=/sandbox/pki/kube-controller-manager.kubeconfig",
    "--service-account-private-key-file=/sandbox/pki/service-account.key",
    "--root-ca-file=/sandbox/pki/ca.crt",
    "--cluster-signing-cert-file=/sandbox/pki/ca.crt",
    "--cluster-signing-key-file=/sandbox/pki/ca.key",
    "--use-service-account-credentials",
    "--leader-elect=false",
    "--bind-address=127.0.0.1",
    "--cert-dir=/run/kube-controller-manager",
    "--cluster-cidr=10.244.0.0/16",
    "--allocate-node-cidrs=false",
    "--profiling=false",
];

const SCHEDULER: &[&str] = &[
    "--kubeconfig=/sandbox/pki/kube-scheduler.kubeconfig",
    "--leader-elect=false",
    "--bind-address=127.0.0.1",
    "--cert-dir=/run/kube-scheduler",
    "--profiling=false",
];

const KUBELET: &[&str] = &[
    "--config=/sandbox/run/config/kubelet.yaml",
    "--kubeconfig=/sandbox/pki/kubelet.kubeconfig",
    // The kubelet rejects a loopback address.
    "--node-ip=10.244.0.1",
    "--node-labels=kubernetes.wmcloud.org/nfs-mounted=true",
    "--root-dir=/sandbox/data/kubelet",
    "--cert-dir=/run/kubelet",
];

const METRICS_SERVER: &[&str] = &[
    "--kubeconfig=/sandbox/pki/metrics-server.kubeconfig",
    "--authentication-kubeconfig=/sandbox/pki/metrics-server.kubeconfig",
    "--authorization-kubeconfig=/sandbox/pki/metrics-server.kubeconfig",
    // At the first start, it may not read the API server's ConfigMap of these settings yet, and would exit.
    "--authentication-skip-lookup",
    "--requestheader-client-ca-file=/sandbox/pki/front-proxy-ca.crt",
    "--requestheader-allowed-names=front-proxy-client",
    // Endpoints must not have a loopback address.
    "--bind-address=10.244.0.1",
    "--secure-port=4443",
    "--tls-cert-file=/sandbox/pki/metrics-server.crt",
    "--tls-private-key-file=/sandbox/pki/metrics-server.key",
    "--kubelet-certificate-authority=/sandbox/pki/ca.crt",
    "--kubelet-preferred-address-types=InternalIP",
    // The shortest interval that it allows. A request to the kubelet must be over before the next one.
    "--metric-resolution=10s",
    "--kubelet-request-timeout=5s",
    "--profiling=false",
];

fn kubernetes(name: &'static str, arguments: &[&str]) -> Component {
    let mut component = new(name, &Path::new("/parts/kubernetes").join(name), arguments);
    if name == "kubelet" {
        component.arguments.push(format!("--hostname-override={NODE}"));
    }
    component
}

fn debian(name: &'static str, file: &str, arguments: &[&str]) -> Result<Component, Failure> {
    Ok(new(name, &program(file)?, arguments))
}

fn new(name: &'static str, program: &Path, arguments: &[&str]) -> Component {
    let arguments = arguments.iter().map(ToString::to_string).collect();
    Component { name, program: program.to_path_buf(), arguments }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_listen_on_no_public_address() {
        for list in [ETCD, API_SERVER, CONTROLLER_MANAGER, SCHEDULER, KUBELET, METRICS_SERVER] {
            assert!(!list.iter().any(|argument| argument.contains("0.0.0.0")), "{list:?}");
        }
    }

    #[test]
    fn every_component_has_a_log_name() {
        let second = second();
        assert!(second.iter().all(|component| NAMES.contains(&component.name)));
        assert_eq!(second.len() + 4, NAMES.len());
    }
}
