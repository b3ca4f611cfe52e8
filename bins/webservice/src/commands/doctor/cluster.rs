//! What the cluster says.

use k8s_openapi::jiff::Timestamp;
use toolforge_cli::{Failure, Session};
use toolforge_client::{Client, FetchOptions, OwnRules, ServerVersion};
use toolforge_images::Catalog;

use super::check::Check;

/// How many seconds two clocks may differ: more, and ages and certificates are judged wrongly.
const SKEW: i64 = 60;

/// The minor versions of Kubernetes 1 between which everything that is used is known to be there: a pause before a
/// pod's end without a program (1.30), and what the newest kubectl of today still speaks to.
const MINORS: std::ops::RangeInclusive<u32> = 30..=36;

/// What is needed: group, resource, verbs, and what does not work without.
const RIGHTS: [(&str, &str, &[&str], &str); 11] = [
    ("apps", "deployments", &["get", "list", "watch", "patch", "delete"], "start, stop, restart"),
    ("", "services", &["get", "patch", "delete"], "start, stop, restart"),
    (
        "networking.k8s.io",
        "ingresses",
        &["get", "patch", "delete"],
        "start and stop, where pages come by Ingress",
    ),
    ("apps", "replicasets", &["list", "watch"], "to say why pods are missing"),
    ("", "pods", &["get", "list", "watch"], "status"),
    ("", "pods", &["create", "delete"], "shell"),
    ("", "pods/log", &["get"], "logs"),
    ("", "pods/exec", &["create", "get"], "shell, exec"),
    ("", "resourcequotas", &["list"], "to say whether it fits"),
    ("", "limitranges", &["list"], "to say whether it fits"),
    ("", "events", &["list"], "to say why something does not run"),
];

/// Returns how the cluster is, as far as it answers.
pub(super) async fn checks(client: &Client, session: &Session) -> Vec<Check> {
    let version = match client.server_version().await {
        Ok(version) => version,
        Err(error) => {
            let mut checks = vec![Check::failed("server", &Failure::from(error))];
            let rest = super::NEEDS_CLUSTER.into_iter().skip(1);
            checks.extend(rest.map(|name| Check::skipped(name, "the server cannot be reached")));
            return checks;
        }
    };
    let mut checks = vec![judged_version(&version), judged_clock(&version, Timestamp::now())];
    checks.push(match client.own_rules(&session.tool.namespace()).await {
        Ok(rules) => judged_rights(&rules),
        Err(error) => Check::failed("rights", &Failure::from(error)),
    });
    let wanted = FetchOptions { limits: true, ..FetchOptions::default() };
    match client.fetch_web_service(&session.tool, wanted).await {
        Ok(objects) => match objects.facts(Some(Catalog::default()), session.platform.clone()) {
            Ok(facts) => {
                checks.push(if facts.limits.quotas.is_empty() {
                    Check::warn(
                        "quota",
                        "the namespace has none",
                        "Whether something fits is not known then.",
                    )
                } else if facts.limits.quotas.iter().all(toolforge_quota::ResourceQuota::has_status) {
                    Check::ok("quota", "what is used is counted")
                } else {
                    Check::warn("quota", "the cluster has not counted what is used", "Try again in a minute.")
                });
                checks.push(if facts.limits.limit_ranges.is_empty() {
                    Check::warn(
                        "limits",
                        "the namespace has no LimitRange",
                        "Pods without limits may be refused.",
                    )
                } else {
                    Check::ok("limits", "the namespace has a LimitRange")
                });
            }
            Err(error) => checks.push(Check::failed("limits", &Failure::from(error))),
        },
        Err(error) => checks.push(Check::failed("limits", &Failure::from(error))),
    }
    checks.push(catalogue(client, session).await);
    checks
}

async fn catalogue(client: &Client, session: &Session) -> Check {
    let wanted = FetchOptions { catalog: true, ..FetchOptions::default() };
    let objects = match client.fetch_web_service(&session.tool, wanted).await {
        Ok(objects) => objects,
        Err(error) => return Check::failed("catalogue", &Failure::from(error)),
    };
    match objects.facts(None, session.platform.clone()) {
        Ok(facts) if facts.catalog.problems().is_empty() => {
            Check::ok("catalogue", format!("{} image types", facts.catalog.types().count()))
        }
        Ok(facts) => {
            let problems: Vec<String> = facts.catalog.problems().iter().map(ToString::to_string).collect();
            Check::warn("catalogue", problems.join("; "), "Tell the platform's admins.")
        }
        Err(error) => Check::failed("catalogue", &Failure::from(error)),
    }
}

fn judged_version(version: &ServerVersion) -> Check {
    let shown = version.version.escaped().to_string();
    let minor = version
        .version
        .as_raw()
        .strip_prefix("v1.")
        .and_then(|rest| rest.split('.').next()?.parse::<u32>().ok());
    if minor.is_some_and(|minor| MINORS.contains(&minor)) {
        return Check::ok("server", format!("Kubernetes {shown}, and its certificate is the authority's"));
    }
    Check::warn(
        "server",
        format!("Kubernetes {shown}; 1.{} to 1.{} are known to work", MINORS.start(), MINORS.end()),
        "Is there a newer release of this program?",
    )
}

fn judged_clock(version: &ServerVersion, now: Timestamp) -> Check {
    let Some(server) = version.now else {
        return Check::skipped("clock", "the server does not tell its time");
    };
    let skew = now.as_second().saturating_sub(server.as_second());
    if skew.abs() <= SKEW {
        return Check::ok("clock", "this machine and the server agree");
    }
    let (seconds, word) = (skew.abs(), if skew > 0 { "ahead of" } else { "behind" });
    let found = format!("this machine is {seconds} s {word} the server");
    Check::warn("clock", found, "Ages are wrong by that, and certificates may count as not valid yet.")
}

fn judged_rights(rules: &OwnRules) -> Check {
    let mut missing = Vec::new();
    for (group, resource, verbs, use_) in RIGHTS {
        let refused: Vec<&str> =
            verbs.iter().copied().filter(|verb| !rules.allow(verb, group, resource)).collect();
        if !refused.is_empty() {
            missing.push(format!("{} {resource} (needed for: {use_})", refused.join("/")));
        }
    }
    if !missing.is_empty() && rules.incomplete {
        let found =
            format!("the server lists only part of the tool's rights, without {}", missing.join("; "));
        return Check::warn("rights", found, "If a command is refused, tell the platform's admins.");
    }
    if missing.is_empty() {
        return Check::ok("rights", "the tool may do all that is needed");
    }
    Check::fail("rights", format!("the tool may not {}", missing.join("; ")), "Tell the platform's admins.")
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
    fn a_version_that_is_not_known_is_warned_of() {
        for (text, level) in
            [("v1.32.11", Level::Ok), ("v1.29.0", Level::Warn), ("v1.99.0", Level::Warn), ("x", Level::Warn)]
        {
            assert_eq!(judged_version(&version(text, 0)).level, level, "{text}");
        }
    }

    #[test]
    fn clocks_may_differ_by_a_minute() {
        let judged =
            |second| judged_clock(&version("v1.32.0", 1000), Timestamp::from_second(second).unwrap());
        assert_eq!(judged(1060).level, Level::Ok);
        assert_eq!(judged(1061).found, "this machine is 61 s ahead of the server");
        assert_eq!(judged(900).found, "this machine is 100 s behind the server");
    }

    #[test]
    fn a_missing_right_is_named_with_what_needs_it() {
        let rule = |verbs: &[&str], resources: &[&str]| ResourceRule {
            verbs: verbs.iter().map(|&verb| verb.to_owned()).collect(),
            api_groups: Some(vec!["*".to_owned()]),
            resources: Some(resources.iter().map(|&resource| resource.to_owned()).collect()),
            resource_names: None,
        };
        let judged = |rules: &[ResourceRule], incomplete| {
            judged_rights(&OwnRules { rules: rules.to_vec(), incomplete })
        };
        assert_eq!(judged(&[rule(&["*"], &["*"])], false).level, Level::Ok);
        let some = [
            rule(&["*"], &["deployments", "services", "ingresses", "replicasets", "pods/log", "pods/exec"]),
            rule(&["get", "list", "watch"], &["pods", "resourcequotas", "limitranges", "events"]),
        ];
        let check = judged(&some, false);
        assert_eq!(check.found, "the tool may not create/delete pods (needed for: shell)");
        // A rule for one name only is none for all.
        let named = ResourceRule { resource_names: Some(vec!["x".to_owned()]), ..rule(&["*"], &["*"]) };
        assert_eq!(judged(std::slice::from_ref(&named), false).level, Level::Fail);
        assert_eq!(judged(&[named], true).level, Level::Warn);
    }
}
