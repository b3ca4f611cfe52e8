//! The checks of this machine: the kubeconfig, the certificate, the tool's home.

use std::os::unix::fs::PermissionsExt as _;

use k8s_openapi::jiff::Timestamp;
use toolforge_cli::{Failure, GlobalOptions, Session, kubeconfig_files};
use toolforge_client::Kubeconfig;
use toolforge_model::Backend;
use toolforge_report::CheckCode;

use super::check::Check;
use crate::failures;

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
            format!("Type `chmod go= {}`.", path.display()),
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

/// Returns the checks of the tool's home.
pub(super) fn home(session: &Session) -> Vec<Check> {
    let Some(home) = &session.home else {
        return vec![Check::skipped(CheckCode::Home, "this user is not the tool")];
    };
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
    checks.push(match home.template() {
        Ok(None) => Check::ok(CheckCode::Template, "no service.template, which is optional"),
        Ok(Some(found)) if found.template.backend == Some(Backend::GridEngine) => Check::fail(
            CheckCode::Template,
            "`backend: gridengine` blocks every start; the grid no longer exists",
            "Remove that line.",
        ),
        Ok(Some(found)) if found.template.unknown_keys.is_empty() => Check::ok(CheckCode::Template, "valid"),
        Ok(Some(found)) => {
            let keys: Vec<String> = found.template.unknown_keys.iter().map(ToString::to_string).collect();
            Check::warn(CheckCode::Template, keys.join("; "), "Unknown keys have no effect.")
        }
        Err(error) => Check::failed(CheckCode::Template, &failures::of_template(&error)),
    });
    checks.push(match home.manifest() {
        Ok(_) if !home.path().join("service.manifest").exists() => {
            Check::ok(CheckCode::Manifest, "no service.manifest; the first start writes it")
        }
        Ok(manifest) if manifest.invalid_values.is_empty() => Check::ok(CheckCode::Manifest, "valid"),
        Ok(manifest) => {
            let errors: Vec<String> = manifest.invalid_values.iter().map(ToString::to_string).collect();
            Check::warn(CheckCode::Manifest, errors.join("; "), "These values are ignored.")
        }
        Err(error) => Check::failed(CheckCode::Manifest, &failures::of_manifest(&error)),
    });
    if home.path().join("service.manifest~").exists() {
        checks.push(Check::warn(
            CheckCode::Leftover,
            "service.manifest~ was left by a command that was killed",
            "Remove it: the platform's older tool cannot save its manifest while it exists.",
        ));
    }
    checks
}

#[cfg(test)]
mod tests {
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
}
