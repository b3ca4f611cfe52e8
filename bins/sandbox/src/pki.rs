//! Keys, certificates and kubeconfigs of the control plane.
//!
//! One authority signs everything, including the tools' certificates (through the API), so it is kept as long as the sandbox's
//! data. A second one signs only the certificate that the API server uses to forward requests, because anyone with that
//! certificate can act as any user. Every file is created once; a missing file is created again.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use serde_json::json;

use crate::directory::Sandbox;
use crate::failure::{Failure, OrFail};

/// The node's name, like those of the platform's workers that mount the homes.
pub(crate) const NODE: &str = "tools-k8s-worker-nfs-1";
/// The API server's address inside the sandbox.
pub(crate) const INNER_SERVER: &str = "https://127.0.0.1:6443";

/// A certificate: its file name, its subject and its use.
struct Subject {
    file: &'static str,
    name: &'static str,
    organization: Option<&'static str>,
    /// Names and addresses of the server. Empty for a certificate of a client only.
    server: &'static [&'static str],
    /// Whether a kubeconfig is written for it.
    kubeconfig: bool,
}

/// The members of the control plane. Kubernetes' default roles are bound to these names and groups.
const SUBJECTS: [Subject; 9] = [
    Subject {
        file: "apiserver",
        name: "kube-apiserver",
        organization: None,
        // Kubernetes gives the first address of the Services' range to its own API.
        server: &[
            "localhost",
            "kubernetes",
            "kubernetes.default",
            "kubernetes.default.svc",
            "127.0.0.1",
            "10.96.0.1",
        ],
        kubeconfig: false,
    },
    Subject {
        file: "webhook",
        name: "admission-webhook",
        organization: None,
        server: &["localhost", "127.0.0.1"],
        kubeconfig: false,
    },
    // Also the node's serving certificate, by the address of its bridge.
    client("kubelet", "system:node:tools-k8s-worker-nfs-1", Some("system:nodes"), &["10.244.0.1"]),
    client("apiserver-kubelet-client", "kube-apiserver-kubelet-client", Some("system:masters"), &[]),
    client("admin", "kubernetes-admin", Some("system:masters"), &[]),
    client("kube-controller-manager", "system:kube-controller-manager", None, &[]),
    client("kube-scheduler", "system:kube-scheduler", None, &[]),
    client("kube-proxy", "system:kube-proxy", None, &[]),
    // Also its serving certificate, by the name of its Service. The rights in its manifest are those of a ServiceAccount.
    client(
        "metrics-server",
        "system:serviceaccount:kube-system:metrics-server",
        None,
        &["metrics-server.kube-system.svc"],
    ),
];

/// The API server as it forwards a user's request to another server. The names are those that kubeadm uses.
const FRONT_PROXY: Subject = Subject {
    file: "front-proxy-client",
    name: "front-proxy-client",
    organization: None,
    server: &[],
    kubeconfig: false,
};

const fn client(
    file: &'static str,
    name: &'static str,
    organization: Option<&'static str>,
    server: &'static [&'static str],
) -> Subject {
    Subject { file, name, organization, server, kubeconfig: true }
}

/// Creates the missing keys, certificates and kubeconfigs of the control plane.
pub(crate) fn ensure(sandbox: &Sandbox) -> Result<(), Failure> {
    let directory = sandbox.pki();
    ensure_in(&directory).or_fail(format!("cannot create the certificates in {}", directory.display()))
}

/// Writes the admin's kubeconfig for the host, with the API server's port there.
pub(crate) fn write_admin_kubeconfig(sandbox: &Sandbox, api_port: u16) -> Result<(), Failure> {
    let server = format!("https://127.0.0.1:{api_port}");
    let text = kubeconfig(&server, "admin", "pki/");
    write(&sandbox.admin_kubeconfig(), &text).or_fail("cannot write the admin's kubeconfig")
}

fn ensure_in(directory: &Path) -> Result<(), Failure> {
    // The name that kubeadm uses, so certificates look like those of the platform.
    let issuer = ensure_authority(directory, "ca", "kubernetes")?;
    for subject in &SUBJECTS {
        ensure_subject(directory, subject, &issuer)?;
    }
    let front_proxy = ensure_authority(directory, "front-proxy-ca", "front-proxy-ca")?;
    ensure_subject(directory, &FRONT_PROXY, &front_proxy)?;
    let service_account = existing_or_new_key(&directory.join("service-account.key"))?;
    write(&directory.join("service-account.pub"), &service_account.public_key_pem())
}

fn ensure_authority(directory: &Path, file: &str, name: &str) -> Result<Issuer<'static, KeyPair>, Failure> {
    let certificate = directory.join(format!("{file}.crt"));
    let key = existing_or_new_key(&directory.join(format!("{file}.key")))?;
    let params = authority_params(name)?;
    if !certificate.exists() {
        write(&certificate, &params.self_signed(&key).map_err(certificate_failure)?.pem())?;
    }
    // The issuer needs only the name, the usages and the key, which are the same in every run.
    Ok(Issuer::new(params, key))
}

fn ensure_subject(directory: &Path, subject: &Subject, issuer: &Issuer<'_, KeyPair>) -> Result<(), Failure> {
    let Subject { file, name, organization, server, kubeconfig: with_kubeconfig } = subject;
    let certificate = directory.join(format!("{file}.crt"));
    let key = existing_or_new_key(&directory.join(format!("{file}.key")))?;
    if !certificate.exists() {
        let names: Vec<String> = server.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).map_err(certificate_failure)?;
        params.distinguished_name.push(DnType::CommonName, *name);
        if let Some(organization) = organization {
            params.distinguished_name.push(DnType::OrganizationName, *organization);
        }
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        if !server.is_empty() {
            params.extended_key_usages.push(ExtendedKeyUsagePurpose::ServerAuth);
        }
        write(&certificate, &params.signed_by(&key, issuer).map_err(certificate_failure)?.pem())?;
    }
    if *with_kubeconfig {
        write(&directory.join(format!("{file}.kubeconfig")), &kubeconfig(INNER_SERVER, file, ""))?;
    }
    Ok(())
}

fn authority_params(name: &str) -> Result<CertificateParams, Failure> {
    let mut params = CertificateParams::new(Vec::new()).map_err(certificate_failure)?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages =
        vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
    Ok(params)
}

/// Returns a kubeconfig as JSON, which is also YAML. Paths are relative to its directory.
fn kubeconfig(server: &str, user: &str, pki: &str) -> String {
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "sandbox",
        "clusters": [{"name": "sandbox", "cluster": {
            "server": server,
            "certificate-authority": format!("{pki}ca.crt"),
        }}],
        "users": [{"name": user, "user": {
            "client-certificate": format!("{pki}{user}.crt"),
            "client-key": format!("{pki}{user}.key"),
        }}],
        "contexts": [{"name": "sandbox", "context": {"cluster": "sandbox", "user": user}}],
    });
    format!("{config:#}\n")
}

fn existing_or_new_key(path: &Path) -> Result<KeyPair, Failure> {
    match fs::read_to_string(path) {
        Ok(pem) => KeyPair::from_pem(&pem).map_err(certificate_failure).or_fail(path.display()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let key = KeyPair::generate().map_err(certificate_failure)?;
            write(path, &key.serialize_pem())?;
            Ok(key)
        }
        Err(error) => Err(error).or_fail(path.display()),
    }
}

/// Writes a file that only its owner can read, if its content changes. Readers never see a half-written file.
fn write(path: &Path, text: &str) -> Result<(), Failure> {
    if fs::read_to_string(path).is_ok_and(|current| current == text) {
        return Ok(());
    }
    let partial: PathBuf = path.with_added_extension("new");
    let mut file =
        fs::OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&partial)?;
    file.write_all(text.as_bytes())?;
    Ok(fs::rename(&partial, path)?)
}

#[expect(clippy::needless_pass_by_value, reason = "map_err passes the error by value")]
fn certificate_failure(error: rcgen::Error) -> Failure {
    Failure::new(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kubelet_certificate_names_the_node() {
        let kubelet = SUBJECTS.iter().find(|subject| subject.file == "kubelet").unwrap();
        assert_eq!(kubelet.name, format!("system:node:{NODE}"));
    }

    #[test]
    fn missing_files_come_from_same_authority() {
        let directory = std::env::temp_dir().join(format!("toolforge-sandbox-pki-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        ensure_in(&directory).unwrap();
        let read = |file: &str| fs::read_to_string(directory.join(file)).unwrap();
        let (authority, admin) = (read("ca.crt"), read("admin.crt"));
        fs::remove_file(directory.join("kube-proxy.crt")).unwrap();
        ensure_in(&directory).unwrap();
        assert_eq!((authority, admin), (read("ca.crt"), read("admin.crt")));
        assert!(read("kube-proxy.crt").contains("BEGIN CERTIFICATE"));
        fs::remove_dir_all(&directory).unwrap();
    }
}
