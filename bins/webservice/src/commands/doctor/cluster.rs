//! The checks that ask the cluster.

use k8s_openapi::jiff::Timestamp;
use toolforge_cli::{Failure, Session};
use toolforge_client::{Client, NamespaceFetchOptions, OwnRules, ServerVersion};
use toolforge_images::Catalog;
use toolforge_quota::{LimitsKind, ResourceQuota};
use toolforge_report::CheckCode;

use super::check::Check;

/// Largest accepted difference between two clocks in seconds; beyond it, ages and certificate dates are wrong.
const SKEW: i64 = 60;

/// Supported minor versions of Kubernetes 1: `preStop` sleep needs 1.30, and 1.36 is the newest that was tested.
const MINORS: std::ops::RangeInclusive<u32> = 30..=36;

/// The permissions that are needed: group, resource, verbs, and what needs them.
const PERMISSIONS: [(&str, &str, &[&str], &str); 11] = [
    ("apps", "deployments", &["get", "list", "watch", "patch", "delete"], "start, stop, restart"),
    ("", "services", &["get", "patch", "delete"], "start, stop, restart"),
    ("networking.k8s.io", "ingresses", &["get", "patch", "delete"], "start and stop, with an Ingress"),
    ("apps", "replicasets", &["list", "watch"], "causes of missing pods"),
    ("", "pods", &["get", "list", "watch"], "status"),
    ("", "pods", &["create", "delete"], "shell"),
    ("", "pods/log", &["get"], "logs"),
    ("", "pods/exec", &["create", "get"], "shell, exec"),
    ("", "resourcequotas", &["list"], "quota checks"),
    ("", "limitranges", &["list"], "quota checks"),
    ("", "events", &["list"], "causes in status"),
];

/// Returns the checks of the cluster, and its catalog, if it can be read.
pub(super) async fn checks(client: &Client, session: &Session) -> (Vec<Check>, Option<Catalog>) {
    let version = match client.server_version().await {
        Ok(version) => version,
        Err(error) => {
            let mut checks = vec![Check::failed(CheckCode::Server, &Failure::from(error))];
            let rest = super::NEEDS_CLUSTER.into_iter().skip(1);
            checks.extend(rest.map(|code| Check::skipped(code, "the server is unreachable")));
            return (checks, None);
        }
    };
    let mut checks = vec![version_check(&version), clock_check(&version, Timestamp::now())];
    checks.push(match client.own_rules(&session.tool.namespace()).await {
        Ok(rules) => permission_check(&rules),
        Err(error) => Check::failed(CheckCode::Permissions, &Failure::from(error)),
    });
    match client.fetch_namespace(&session.tool, NamespaceFetchOptions::limits()).await {
        Ok(fetched) => {
            let limits = fetched.facts(session.namespace(Catalog::default())).limits;
            let is_unread = |kind| limits.unread.contains(&kind);
            checks.push(if is_unread(LimitsKind::ResourceQuota) {
                Check::warn(CheckCode::Quota, "the quota cannot be read", "The cluster forbids it.")
            } else if limits.quotas.is_empty() {
                Check::warn(
                    CheckCode::Quota,
                    "the namespace has no quota",
                    "Changes are not checked against a quota.",
                )
            } else if limits.quotas.iter().all(ResourceQuota::has_status) {
                Check::ok(CheckCode::Quota, "the usage is known")
            } else {
                Check::warn(CheckCode::Quota, "the usage is not known yet", "Try again in a minute.")
            });
            checks.push(if is_unread(LimitsKind::LimitRange) {
                Check::warn(CheckCode::Limits, "the LimitRange cannot be read", "The cluster forbids it.")
            } else if limits.limit_ranges.is_empty() {
                Check::warn(
                    CheckCode::Limits,
                    "the namespace has no LimitRange",
                    "Pods without limits may be refused.",
                )
            } else {
                Check::ok(CheckCode::Limits, "the namespace has a LimitRange")
            });
        }
        Err(error) => checks.push(Check::failed(CheckCode::Limits, &Failure::from(error))),
    }
    let (check, catalog) = catalog(client, session).await;
    checks.push(check);
    (checks, catalog)
}

async fn catalog(client: &Client, session: &Session) -> (Check, Option<Catalog>) {
    let fetched = match client.fetch_namespace(&session.tool, NamespaceFetchOptions::catalog()).await {
        Ok(fetched) => fetched,
        Err(error) => return (Check::failed(CheckCode::Catalog, &Failure::from(error)), None),
    };
    let catalog = match fetched.catalog() {
        Ok(catalog) => catalog,
        Err(error) => return (Check::failed(CheckCode::Catalog, &Failure::from(error)), None),
    };
    (catalog_check(&catalog), Some(catalog))
}

fn catalog_check(catalog: &Catalog) -> Check {
    if catalog.problems().is_empty() {
        return Check::ok(CheckCode::Catalog, format!("{} image types", catalog.types().count()));
    }
    let problems: Vec<String> = catalog.problems().iter().map(ToString::to_string).collect();
    Check::warn(CheckCode::Catalog, problems.join("; "), "Report it to the platform's admins.")
}

fn version_check(version: &ServerVersion) -> Check {
    let shown = version.version.escaped().to_string();
    let minor = version
        .version
        .as_raw()
        .strip_prefix("v1.")
        .and_then(|rest| rest.split('.').next()?.parse::<u32>().ok());
    if minor.is_some_and(|minor| MINORS.contains(&minor)) {
        return Check::ok(
            CheckCode::Server,
            format!("Kubernetes {shown}, with a certificate of the kubeconfig's authority"),
        );
    }
    Check::warn(
        CheckCode::Server,
        format!("Kubernetes {shown}; supported are 1.{} to 1.{}", MINORS.start(), MINORS.end()),
        "Look for a newer release of this program.",
    )
}

fn clock_check(version: &ServerVersion, now: Timestamp) -> Check {
    let Some(server) = version.now else {
        return Check::skipped(CheckCode::Clock, "the server sends no time");
    };
    let skew = now.as_second().saturating_sub(server.as_second());
    if skew.abs() <= SKEW {
        return Check::ok(CheckCode::Clock, "in sync with the server");
    }
    let (seconds, word) = (skew.abs(), if skew > 0 { "ahead of" } else { "behind" });
    let found = format!("this machine is {seconds} s {word} the server");
    Check::warn(
        CheckCode::Clock,
        found,
        "Ages are wrong by this difference, and certificates may appear to be not yet valid.",
    )
}

fn permission_check(rules: &OwnRules) -> Check {
    let mut missing = Vec::new();
    for (group, resource, verbs, use_) in PERMISSIONS {
        let refused: Vec<&str> =
            verbs.iter().copied().filter(|verb| !rules.allow(verb, group, resource)).collect();
        if !refused.is_empty() {
            missing.push(format!("{} {resource} (needed for: {use_})", refused.join("/")));
        }
    }
    if !missing.is_empty() && rules.incomplete {
        let found =
            format!("the server lists only part of the tool's rights, without {}", missing.join("; "));
        return Check::warn(
            CheckCode::Permissions,
            found,
            "If a command is refused, tell the platform's admins.",
        );
    }
    if missing.is_empty() {
        return Check::ok(CheckCode::Permissions, "the tool has all permissions");
    }
    Check::fail(
        CheckCode::Permissions,
        format!("missing permissions: {}", missing.join("; ")),
        "Report it to the platform's admins.",
    )
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::authorization::v1::ResourceRule;

    use super::super::check::Level;
    use super::*;

    fn version(text: &str, second: i64) -> ServerVersion {
        ServerVersion { version: text.into(), now: Timestamp::from_second(second).ok() }
    }

    #[test]
    fn warns_of_unsupported_versions() {
        for (text, level) in
            [("v1.32.11", Level::Ok), ("v1.29.0", Level::Warn), ("v1.99.0", Level::Warn), ("x", Level::Warn)]
        {
            assert_eq!(version_check(&version(text, 0)).level, level, "{text}");
        }
    }

    #[test]
    fn clock_skew_of_a_minute_is_accepted() {
        let judged = |second| clock_check(&version("v1.32.0", 1000), Timestamp::from_second(second).unwrap());
        assert_eq!(judged(1060).level, Level::Ok);
        assert_eq!(judged(1061).message, "this machine is 61 s ahead of the server");
        assert_eq!(judged(900).message, "this machine is 100 s behind the server");
    }

    #[test]
    fn missing_permissions_are_listed_with_their_use() {
        let rule = |verbs: &[&str], resources: &[&str]| ResourceRule {
            verbs: verbs.iter().map(|&verb| verb.to_owned()).collect(),
            api_groups: Some(vec!["*".to_owned()]),
            resources: Some(resources.iter().map(|&resource| resource.to_owned()).collect()),
            resource_names: None,
        };
        let judged = |rules: &[ResourceRule], incomplete| {
            permission_check(&OwnRules { rules: rules.to_vec(), incomplete })
        };
        assert_eq!(judged(&[rule(&["*"], &["*"])], false).level, Level::Ok);
        let some = [
            rule(&["*"], &["deployments", "services", "ingresses", "replicasets", "pods/log", "pods/exec"]),
            rule(&["get", "list", "watch"], &["pods", "resourcequotas", "limitranges", "events"]),
        ];
        let check = judged(&some, false);
        assert_eq!(check.message, "missing permissions: create/delete pods (needed for: shell)");
        // A rule for one object name does not count.
        let named = ResourceRule { resource_names: Some(vec!["x".to_owned()]), ..rule(&["*"], &["*"]) };
        assert_eq!(judged(std::slice::from_ref(&named), false).level, Level::Fail);
        assert_eq!(judged(&[named], true).level, Level::Warn);
    }
}
