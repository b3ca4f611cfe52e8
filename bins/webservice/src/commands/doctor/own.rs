//! The checks of this machine: the kubeconfig, the certificate, the tool's home.

use std::os::unix::fs::PermissionsExt as _;

use k8s_openapi::jiff::Timestamp;
use toolforge_cli::{Failure, GlobalOptions, Session, kubeconfig_files};
use toolforge_client::{FoundTemplate, Kubeconfig, ToolHome};
use toolforge_images::Catalog;
use toolforge_model::{Backend, TypeName, Untrusted, platform};
use toolforge_report::CheckCode;

use super::check::Check;
use crate::failures::{self, TypeOrigin};
use crate::invocation::Action;

/// Days of validity below which a renewal is overdue: the platform renews with thirty days left (maintain-kubeusers, 2023).
const LATE: i64 = 7;

const DAY: i64 = 24 * 60 * 60;

/// Returns the checks of the kubeconfig and its certificate.
pub(super) fn kubeconfig(options: &GlobalOptions) -> Vec<Check> {
    let paths = kubeconfig_files(options);
    let kubeconfig = match Kubeconfig::load(&paths) {
        Ok(kubeconfig) => kubeconfig,
        Err(error) => return vec![Check::failed(CheckCode::Kubeconfig, &Failure::from(error))],
    };
    let readable = paths
        .iter()
        .find(|path| path.metadata().is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0));
    let mut checks = Vec::new();
    checks.push(match readable {
        Some(path) => Check::warn(
            CheckCode::Kubeconfig,
            format!("{} can be read by others", path.display()),
            format!("Run `chmod go= {}`.", path.display()),
        ),
        None => Check::ok(CheckCode::Kubeconfig, format!("for {}", kubeconfig.server())),
    });
    if kubeconfig.is_insecure() {
        checks.push(Check::fail(
            CheckCode::Authority,
            "the kubeconfig disables the verification of the server's certificate",
            "Remove `insecure-skip-tls-verify`.",
        ));
    }
    checks.push(match kubeconfig.certificate() {
        None => Check::warn(
            CheckCode::Certificate,
            "the kubeconfig has no certificate",
            "The platform's kubeconfigs have one; is this the tool's kubeconfig?",
        ),
        Some(certificate) => certificate_check(certificate.not_after(), Timestamp::now()),
    });
    checks
}

fn certificate_check(not_after: Timestamp, now: Timestamp) -> Check {
    let days = not_after.as_second().saturating_sub(now.as_second()) / DAY;
    let found = format!("valid for {days} days, and matches its key");
    if days < LATE {
        return Check::warn(
            CheckCode::Certificate,
            found,
            "Its renewal is overdue; report it to the platform's admins.",
        );
    }
    Check::ok(CheckCode::Certificate, found)
}

/// Returns the checks of the tool's home, whose files name a type of the catalog.
pub(super) fn home(session: &Session, catalog: &Catalog) -> Vec<Check> {
    match &session.home {
        Some(home) => home_checks(home, catalog),
        None => vec![Check::skipped(CheckCode::Home, "this user is not the tool")],
    }
}

fn home_checks(home: &ToolHome, catalog: &Catalog) -> Vec<Check> {
    let mut checks = Vec::new();
    let probe = home.path().join(format!(".webservice-doctor-{}", std::process::id()));
    checks.push(match std::fs::OpenOptions::new().create_new(true).write(true).open(&probe) {
        Ok(_) => {
            // A file that cannot be removed is empty.
            let _ = std::fs::remove_file(&probe);
            Check::ok(CheckCode::Home, format!("{} is writable", home.path().display()))
        }
        Err(error) => Check::warn(
            CheckCode::Home,
            format!("{} is not writable: {error}", home.path().display()),
            "Requests are not remembered.",
        ),
    });
    checks.push(template(home, catalog));
    checks.push(manifest(home, catalog));
    if home.path().join("service.manifest~").exists() {
        checks.push(Check::warn(
            CheckCode::StaleManifest,
            "service.manifest~ was left by a command that was killed",
            "Remove it: the platform's older tool cannot save its manifest while it exists.",
        ));
    }
    checks
}

fn template(home: &ToolHome, catalog: &Catalog) -> Check {
    let FoundTemplate { path, template, .. } = match home.template() {
        Ok(None) => return Check::ok(CheckCode::Template, "no service.template, which is optional"),
        Ok(Some(found)) => found,
        Err(error) => return Check::failed(CheckCode::Template, &failures::of_template(&error)),
    };
    if template.backend == Some(Backend::GridEngine) {
        return Check::fail(
            CheckCode::Template,
            "`backend: gridengine` blocks every start; the grid no longer exists",
            "Remove that line.",
        );
    }
    let name = Untrusted::new(path.strip_prefix(home.path()).unwrap_or(&path).display().to_string());
    let line = template.location("type").map(|location| format!(":{}", location.line)).unwrap_or_default();
    let origin = TypeOrigin::Template { place: format!("{}{line}", name.escaped()) };
    if let Some(failure) = type_failure(template.options.type_name.as_ref(), &origin, catalog) {
        return Check::failed(CheckCode::Template, &failure);
    }
    if template.unknown_keys.is_empty() {
        return Check::ok(CheckCode::Template, "valid");
    }
    let keys: Vec<String> = template.unknown_keys.iter().map(ToString::to_string).collect();
    Check::warn(CheckCode::Template, keys.join("; "), "Unknown keys have no effect.")
}

fn manifest(home: &ToolHome, catalog: &Catalog) -> Check {
    let manifest = match home.manifest() {
        Ok(_) if !home.path().join("service.manifest").exists() => {
            return Check::ok(CheckCode::Manifest, "no service.manifest; the first start writes it");
        }
        Ok(manifest) => manifest,
        Err(error) => {
            return Check::failed(CheckCode::Manifest, &failures::of_manifest(&error, Action::Start));
        }
    };
    let name = manifest.options.type_name.as_ref();
    if let Some(failure) = type_failure(name, &TypeOrigin::Manifest, catalog) {
        return Check::failed(CheckCode::Manifest, &failure);
    }
    if manifest.invalid_values.is_empty() {
        return Check::ok(CheckCode::Manifest, "valid");
    }
    let errors: Vec<String> = manifest.invalid_values.iter().map(ToString::to_string).collect();
    Check::warn(CheckCode::Manifest, errors.join("; "), "These values are ignored.")
}

/// Returns why the type that a template or a manifest names cannot be started.
fn type_failure(name: Option<&TypeName>, origin: &TypeOrigin, catalog: &Catalog) -> Option<Failure> {
    // The catalog does not list it.
    let name = name.filter(|name| name.as_str() != platform::BUILD_SERVICE_TYPE)?;
    let error = catalog.web(name).err()?;
    let line = |type_name: &str| format!("webservice {type_name} start");
    Some(failures::of_type_lookup(&error, Action::Start, origin, line))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::super::check::Level;
    use super::*;

    #[test]
    fn certificate_is_overdue_in_its_last_week() {
        let moment = |days: i64| Timestamp::from_second(days * DAY).unwrap();
        assert_eq!(certificate_check(moment(40), moment(0)).level, Level::Ok);
        assert_eq!(certificate_check(moment(7), moment(0)).level, Level::Ok);
        let late = certificate_check(moment(6), moment(0));
        assert_eq!(
            (late.level, late.message.as_str()),
            (Level::Warn, "valid for 6 days, and matches its key")
        );
    }

    /// Returns the checks of a template and a manifest, a line each.
    fn said(template: &str, manifest: &str) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("toolforge-doctor-{}-{number}", std::process::id()));
        std::fs::create_dir(&path).unwrap();
        std::fs::write(path.join("service.template"), template).unwrap();
        std::fs::write(path.join("service.manifest"), manifest).unwrap();
        let checks = home_checks(&ToolHome::at(&path), &Catalog::bundled());
        std::fs::remove_dir_all(&path).unwrap();
        let line = |check: &Check| {
            let hints: String = check.hints.iter().map(|hint| format!("; {hint}")).collect();
            format!("{} {}: {}{hints}", check.level.as_str(), check.code.as_str(), check.message)
        };
        checks[1..].iter().map(line).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn type_of_the_template_must_exist() {
        insta::assert_snapshot!(said("mem: 1Gi\ntype: lighttpd\n", "web: php8.2\n"), @r#"
        FAIL template: unknown image type "lighttpd"; did you mean "php8.4"?; service.template:2 names this type; Write `type: php8.4` in service.template:2.
        OK manifest: valid
        "#);
        insta::assert_snapshot!(said("type: php8.3\n", "web: generic\n"), @r#"
        FAIL template: unknown image type "php8.3"; did you mean "php8.4"?; service.template:1 names this type; Write `type: php8.4` in service.template:1.
        FAIL manifest: unknown image type "generic"; did you mean "trixie"?; service.manifest names this type; Run `webservice trixie start`.
        "#);
        insta::assert_snapshot!(said("type: buildservice\n", "web: python3.13\n"), @"
        OK template: valid
        OK manifest: valid
        ");
    }
}
