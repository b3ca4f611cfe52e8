//! What is on this machine: the kubeconfig, the certificate, the tool's home.

use std::os::unix::fs::PermissionsExt as _;

use k8s_openapi::jiff::Timestamp;
use toolforge_cli::{Failure, GlobalOptions, Session, kubeconfig_files};
use toolforge_client::Kubeconfig;

use super::check::Check;
use crate::failures;

/// Below so many days a certificate is late: the platform renews it when thirty are left (maintain-kubeusers, 2023).
const LATE: i64 = 7;

const DAY: i64 = 24 * 60 * 60;

/// Returns how the kubeconfig and its certificate are.
pub(super) fn kubeconfig(options: &GlobalOptions) -> Vec<Check> {
    let paths = kubeconfig_files(options);
    let kubeconfig = match Kubeconfig::load(&paths) {
        Ok(kubeconfig) => kubeconfig,
        Err(error) => return vec![Check::failed("kubeconfig", &Failure::from(error))],
    };
    let readable = paths
        .iter()
        .find(|path| path.metadata().is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0));
    let mut checks = Vec::new();
    checks.push(match readable {
        Some(path) => Check::warn(
            "kubeconfig",
            format!("{} can be read by others", path.display()),
            format!("Type `chmod go= {}`.", path.display()),
        ),
        None => Check::ok("kubeconfig", format!("for {}", kubeconfig.server())),
    });
    if kubeconfig.is_insecure() {
        checks.push(Check::fail(
            "authority",
            "the kubeconfig turns the check of the server's certificate off",
            "Take `insecure-skip-tls-verify` out of it.",
        ));
    }
    checks.push(match kubeconfig.certificate() {
        None => Check::warn(
            "certificate",
            "there is none",
            "The platform's kubeconfigs have one; is this one yours?",
        ),
        Some(certificate) => judged(certificate.not_after(), Timestamp::now()),
    });
    checks
}

fn judged(not_after: Timestamp, now: Timestamp) -> Check {
    let days = not_after.as_second().saturating_sub(now.as_second()) / DAY;
    let found = format!("it and its key match; valid for {days} days");
    if days < LATE {
        return Check::warn(
            "certificate",
            found,
            "It should have been renewed by itself; tell the platform's admins.",
        );
    }
    Check::ok("certificate", found)
}

/// Returns how the tool's home is.
pub(super) fn home(session: &Session) -> Vec<Check> {
    let Some(home) = &session.home else {
        return vec![Check::skipped("home", "the tool is not this user")];
    };
    let mut checks = Vec::new();
    let probe = home.path().join(format!(".webservice-doctor-{}", std::process::id()));
    checks.push(match std::fs::OpenOptions::new().create_new(true).write(true).open(&probe) {
        Ok(_) => {
            // What cannot be removed was made by this line, and is empty.
            let _ = std::fs::remove_file(&probe);
            Check::ok("home", format!("{} can be written to", home.path().display()))
        }
        Err(error) => Check::warn(
            "home",
            format!("{} cannot be written to: {error}", home.path().display()),
            "What is asked for is not remembered then.",
        ),
    });
    checks.push(match home.template() {
        Ok(None) => Check::ok("template", "there is none"),
        Ok(Some(found)) if found.template.unknown_keys.is_empty() => Check::ok("template", "it can be read"),
        Ok(Some(found)) => {
            let keys: Vec<String> = found.template.unknown_keys.iter().map(ToString::to_string).collect();
            Check::warn("template", keys.join("; "), "Keys without a meaning set nothing.")
        }
        Err(error) => Check::failed("template", &failures::of_template(&error)),
    });
    checks.push(match home.manifest() {
        Ok(manifest) if manifest.invalid_values.is_empty() => Check::ok("manifest", "it can be read"),
        Ok(manifest) => {
            let mistakes: Vec<String> = manifest.invalid_values.iter().map(ToString::to_string).collect();
            Check::warn("manifest", mistakes.join("; "), "These values are left out.")
        }
        Err(error) => Check::failed("manifest", &failures::of_manifest(&error)),
    });
    if home.path().join("service.manifest~").exists() {
        checks.push(Check::warn(
            "leftover",
            "service.manifest~ is left of a command that was killed",
            "The platform's older tool cannot save while it is there; remove it.",
        ));
    }
    checks
}

#[cfg(test)]
mod tests {
    use super::super::check::Level;
    use super::*;

    #[test]
    fn a_certificate_is_late_in_its_last_week() {
        let moment = |days: i64| Timestamp::from_second(days * DAY).unwrap();
        assert_eq!(judged(moment(40), moment(0)).level, Level::Ok);
        assert_eq!(judged(moment(7), moment(0)).level, Level::Ok);
        let late = judged(moment(6), moment(0));
        assert_eq!(
            (late.level, late.found.as_str()),
            (Level::Warn, "it and its key match; valid for 6 days")
        );
    }
}
