use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};

use super::*;

/// A home directory with the files of maintain-kubeusers, removed at the end.
struct Home(PathBuf);

impl Home {
    fn new(name: &str) -> Self {
        let home = std::env::temp_dir().join(format!("toolforge-client-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&home);
        fs::create_dir_all(home.join(".kube")).unwrap();
        fs::create_dir_all(home.join(".toolskube")).unwrap();
        Self(home)
    }

    fn provisioned(name: &str) -> Self {
        let home = Self::new(name);
        home.write_pair(&pair("stashbot", 2020, 2040));
        home.write(".kube/config", &config("tool-stashbot"));
        home
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.join(name), text).unwrap();
    }

    fn write_pair(&self, (certificate, key): &(String, String)) {
        self.write(".toolskube/client.crt", certificate);
        self.write(".toolskube/client.key", key);
    }

    fn path(&self) -> PathBuf {
        self.0.join(".kube/config")
    }

    fn load(&self) -> Result<Kubeconfig, KubeconfigError> {
        Kubeconfig::load_with(&[self.path()], || {})
    }

    /// Returns the error's message, with the home directory as `~`.
    fn error(&self) -> String {
        self.load().unwrap_err().to_string().replace(&self.0.display().to_string(), "~")
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn pair(common_name: &str, from: i32, to: i32) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let mut parameters = CertificateParams::new(Vec::<String>::new()).unwrap();
    parameters.distinguished_name.push(DnType::OrganizationName, "toolforge");
    parameters.distinguished_name.push(DnType::CommonName, common_name);
    parameters.not_before = date_time_ymd(from, 1, 1);
    parameters.not_after = date_time_ymd(to, 2, 3);
    (parameters.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

fn config(namespace: &str) -> String {
    let authority = BASE64_STANDARD.encode(pair("ca", 2020, 2040).0);
    format!(
        "apiVersion: v1
kind: Config
current-context: toolforge
clusters: [{{name: toolforge, cluster: {{server: 'https://k8s.example:6443', certificate-authority-data: {authority}}}}}]
users: [{{name: tf-stashbot, user: {{client-certificate: ../.toolskube/client.crt, client-key: ../.toolskube/client.key}}}}]
contexts: [{{name: toolforge, context: {{cluster: toolforge, user: tf-stashbot, namespace: {namespace}}}}}]
"
    )
}

#[test]
fn kubeconfig_of_maintain_kubeusers_is_read() {
    let home = Home::provisioned("own");
    let kubeconfig = home.load().unwrap();
    assert_eq!(kubeconfig.server().to_string(), "https://k8s.example:6443/");
    assert_eq!(kubeconfig.namespace(), Some("tool-stashbot"));
    assert_eq!(kubeconfig.tool().unwrap().as_str(), "stashbot");
    assert!(!kubeconfig.is_insecure());
    let certificate = kubeconfig.certificate().unwrap();
    assert_eq!(certificate.common_name().unwrap().as_raw(), "stashbot");
    assert_eq!(certificate.not_after().to_string(), "2040-02-03T00:00:00Z");
    let shown = format!("{kubeconfig:?}");
    assert!(!shown.contains("PRIVATE") && shown.contains("client.crt"), "{shown}");
}

#[test]
fn absolute_paths_links_and_data_are_read() {
    let home = Home::provisioned("data");
    let absolute =
        config("tool-stashbot").replace("../.toolskube", &home.0.join(".toolskube").display().to_string());
    home.write(".kube/config", &absolute);
    home.load().unwrap();

    fs::rename(home.0.join(".toolskube"), home.0.join("elsewhere")).unwrap();
    symlink(home.0.join("elsewhere"), home.0.join(".toolskube")).unwrap();
    home.load().unwrap();

    let (certificate, key) = pair("stashbot", 2020, 2040);
    let data = format!(
        "client-certificate-data: {}, client-key-data: {}",
        BASE64_STANDARD.encode(certificate),
        BASE64_STANDARD.encode(key)
    );
    let inline = "client-certificate: ../.toolskube/client.crt, client-key: ../.toolskube/client.key";
    home.write(".kube/config", &config("tool-stashbot").replace(inline, &data));
    home.load().unwrap();
}

#[test]
fn first_existing_kubeconfig_wins() {
    let home = Home::provisioned("several");
    home.write("other", "current-context: nowhere\ncontexts: []\n");
    let load = |names: &[&str]| {
        let paths: Vec<_> = names.iter().map(|name| home.0.join(name)).collect();
        Kubeconfig::load_with(&paths, || {})
    };
    load(&["missing", ".kube/config", "other"]).unwrap();
    assert!(matches!(load(&["other", ".kube/config"]), Err(KubeconfigError::NotFound { .. })));
    assert!(matches!(load(&[]), Err(KubeconfigError::NoPath)));
}

#[test]
fn kubeconfig_paths_fall_back_to_home() {
    let home = Some(Path::new("/home/x"));
    assert_eq!(kubeconfig_paths(Some("/a::/b".as_ref()), home), ["/a", "/b"].map(PathBuf::from));
    assert_eq!(kubeconfig_paths(Some("".as_ref()), home), [PathBuf::from("/home/x/.kube/config")]);
    assert_eq!(kubeconfig_paths(None, None), Vec::<PathBuf>::new());
}

#[test]
fn tool_comes_from_namespace_or_certificate() {
    let home = Home::provisioned("tool");
    for (namespace, expected) in
        [("tool-other", "other"), ("default", "stashbot"), ("''", "stashbot"), ("null", "stashbot")]
    {
        home.write(".kube/config", &config(namespace));
        assert_eq!(home.load().unwrap().tool().unwrap().as_str(), expected, "{namespace}");
    }
    home.write(".kube/config", &config("kube-system"));
    let error = home.load().unwrap().tool().unwrap_err();
    assert_eq!(error.to_string(), "the kubeconfig's namespace is \"kube-system\"; a tool's is tool-NAME");
    home.write(".kube/config", &config("default"));
    home.write_pair(&pair("Not a Tool", 2020, 2040));
    let error = home.load().unwrap().tool().unwrap_err();
    assert_eq!(error.to_string(), "the client certificate's common name \"Not a Tool\" is not a tool name");
}

#[test]
fn broken_kubeconfigs_have_distinct_errors() {
    let home = Home::provisioned("broken");
    let good = config("tool-stashbot");
    for (text, expected) in [
        (String::new(), "kubeconfig ~/.kube/config is empty"),
        (" \n".to_owned(), "kubeconfig ~/.kube/config is empty"),
        (
            good.replace("current-context: toolforge\n", ""),
            "kubeconfig ~/.kube/config has no `current-context`",
        ),
        (good.replace("context: toolforge", "context: x"), "kubeconfig ~/.kube/config has no context \"x\""),
        (good.replace("cluster: toolforge", "cluster: y"), "kubeconfig ~/.kube/config has no cluster \"y\""),
        (good.replace("user: tf-stashbot", "user: z"), "kubeconfig ~/.kube/config has no user \"z\""),
        (
            good.replace("https://k8s.example:6443", "k8s.example:6443"),
            "kubeconfig ~/.kube/config has server \"k8s.example:6443\"; expected https://HOST:PORT",
        ),
        (
            good.replace(
                "client-certificate: ../.toolskube/client.crt",
                "exec: {command: touch, args: [pwned]}",
            ),
            "user \"tf-stashbot\" in kubeconfig ~/.kube/config gets credentials from a program (`exec`), which is not supported",
        ),
        (
            good.replace("client-certificate: ../.toolskube/client.crt", "auth-provider: {name: gcp}"),
            "user \"tf-stashbot\" in kubeconfig ~/.kube/config gets credentials from a program (`auth-provider`), which is not supported",
        ),
        (
            good.replace("server:", "proxy-url: 'http://p', server:"),
            "kubeconfig ~/.kube/config has `proxy-url`, which is not supported",
        ),
        (
            good.replace("certificate-authority-data", "ignored"),
            "kubeconfig ~/.kube/config names no certificate authority for the cluster",
        ),
        (
            good.replace("certificate-authority-data: ", "certificate-authority-data: '%%', x: "),
            "`certificate-authority-data` in ~/.kube/config is not base64",
        ),
        (
            good.replace(", client-key: ../.toolskube/client.key", ""),
            "kubeconfig ~/.kube/config has a client certificate without a client key",
        ),
        (
            good.replace("../.toolskube/client.crt", "client.crt"),
            "client certificate ~/.kube/client.crt does not exist",
        ),
        ("clusters: 5\n".to_owned(), "~/.kube/config is YAML, but not a kubeconfig: see line 1, column 11"),
    ] {
        home.write(".kube/config", &text);
        assert_eq!(home.error(), expected);
    }
    home.write(".kube/config", "clusters: [{name: a,\n  - b: }\n");
    let error = home.error();
    assert!(error.starts_with("kubeconfig ~/.kube/config is not YAML: line 2, column "), "{error}");
    assert_eq!(error.lines().count(), 1, "{error}");
    fs::remove_file(home.path()).unwrap();
    assert_eq!(home.error(), "kubeconfig ~/.kube/config does not exist");
}

#[test]
fn errors_do_not_contain_keys() {
    let home = Home::provisioned("canary");
    for user in ["user: c4n4ry", "user: {token: [c4n4ry]}", "user: {client-key-data: {a: c4n4ry}}"] {
        home.write(
            ".kube/config",
            &config("tool-x").replace("user: {client-certificate", &format!("{user}, x: {{y")),
        );
        let error = home.load().unwrap_err();
        assert!(!format!("{error} {error:?}").contains("c4n4ry"), "{error:?}");
    }
}

#[test]
fn only_small_regular_files_are_read() {
    let home = Home::provisioned("files");
    let certificate = home.0.join(".toolskube/client.crt");
    for (target, expected) in [("/dev/zero", "is not a regular file"), ("/tmp", "is not a regular file")] {
        fs::remove_file(&certificate).unwrap();
        symlink(target, &certificate).unwrap();
        assert_eq!(home.error(), format!("client certificate ~/.kube/../.toolskube/client.crt {expected}"));
    }
    fs::remove_file(&certificate).unwrap();
    let made = std::process::Command::new("mkfifo").arg(&certificate).status().unwrap();
    assert!(made.success());
    assert_eq!(home.error(), "client certificate ~/.kube/../.toolskube/client.crt is not a regular file");
    fs::remove_file(&certificate).unwrap();
    fs::File::create(&certificate).unwrap().set_len(1 << 40).unwrap();
    assert_eq!(home.error(), "client certificate ~/.kube/../.toolskube/client.crt is larger than 1 MiB");
}

#[test]
fn unreadable_file_is_reported_with_its_path() {
    let home = Home::provisioned("permission");
    let key = home.0.join(".toolskube/client.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::File::open(&key).is_ok() {
        // Root may read every file, so the kernel's error is simulated.
        let problem = super::super::file::FileProblem::NotPermitted;
        assert_eq!(problem.to_string(), "is not readable by this user");
        return;
    }
    assert_eq!(home.error(), "client key ~/.kube/../.toolskube/client.key is not readable by this user");
}

#[test]
fn certificate_must_match_key_and_time() {
    let home = Home::provisioned("pairs");
    let (certificate, key) = pair("stashbot", 2020, 2040);
    for (pair, expected) in [
        (
            pair("stashbot", 2020, 2021),
            "client certificate ~/.kube/../.toolskube/client.crt expired at 2021-02-03T00:00:00Z",
        ),
        (
            pair("stashbot", 2050, 2060),
            "client certificate ~/.kube/../.toolskube/client.crt is valid from 2050-01-01T00:00:00Z, which is in the future by this machine's clock",
        ),
        (
            (certificate.clone(), pair("stashbot", 2020, 2040).1),
            "client certificate ~/.kube/../.toolskube/client.crt and client key ~/.kube/../.toolskube/client.key do not match",
        ),
        (
            ("rubbish".to_owned(), key.clone()),
            "client certificate ~/.kube/../.toolskube/client.crt is not PEM",
        ),
        (
            (certificate.clone(), "rubbish".to_owned()),
            "client key ~/.kube/../.toolskube/client.key is not PEM",
        ),
        ((String::new(), key.clone()), "client certificate ~/.kube/../.toolskube/client.crt is empty"),
        (
            ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_owned(), key.clone()),
            "client certificate ~/.kube/../.toolskube/client.crt cannot be used",
        ),
        (
            (
                certificate.clone(),
                "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n".to_owned(),
            ),
            "client key ~/.kube/../.toolskube/client.key cannot be used",
        ),
    ] {
        home.write_pair(&pair);
        assert_eq!(home.error(), expected);
    }
}

#[test]
fn renewal_in_progress_is_read_again() {
    let home = Home::provisioned("renewal");
    let fresh = pair("stashbot", 2020, 2040);
    home.write(".toolskube/client.crt", &fresh.0);
    let mut pauses = 0;
    let loaded = Kubeconfig::load_with(&[home.path()], || {
        pauses += 1;
        if pauses == 2 {
            home.write(".toolskube/client.key", &fresh.1);
        }
    });
    assert_eq!((loaded.is_ok(), pauses), (true, 2));

    home.write(".toolskube/client.crt", &fresh.0[..fresh.0.len() / 2]);
    let mut pauses = 0;
    let torn = Kubeconfig::load_with(&[home.path()], || pauses += 1);
    assert!(matches!(torn, Err(KubeconfigError::NotPem { .. })), "{torn:?}");
    assert_eq!(pauses, 3);

    home.write_pair(&pair("stashbot", 2020, 2021));
    let mut pauses = 0;
    assert!(Kubeconfig::load_with(&[home.path()], || pauses += 1).is_err());
    assert_eq!(pauses, 0, "an expired certificate does not get better by waiting");
}

#[test]
fn connecting_needs_a_runtime() {
    let home = Home::provisioned("runtime");
    let options = crate::ConnectOptions::new("test/1");
    let error = crate::Client::connect(&home.load().unwrap(), &options).err().unwrap();
    assert_eq!(error, crate::ConnectError::NoRuntime);
}
