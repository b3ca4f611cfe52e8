//! Finds the Service that a route selects for a host name and a path.
//!
//! Only the path of a rule's conditions is evaluated. Filters and weights are ignored; the first backend is used.

use k8s_openapi::api::networking::v1::{HTTPIngressPath, Ingress};
use serde_json::Value;

/// A Service that a route selects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Backend {
    pub(super) service: String,
    pub(super) port: Port,
}

/// One of a Service's ports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Port {
    Number(i32),
    Name(String),
}

/// How specific a matching rule is: exact before prefix, long before short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Specificity {
    exact: bool,
    length: usize,
}

impl Specificity {
    fn exact(rule: &str, path: &str) -> Option<Self> {
        (rule == path).then_some(Self { exact: true, length: rule.len() })
    }

    /// A prefix matches whole elements of a path: `/a` matches `/a/b`, but not `/ab`.
    fn prefix(rule: &str, path: &str) -> Option<Self> {
        let rule = rule.trim_end_matches('/');
        let rest = path.strip_prefix(rule)?;
        (rest.is_empty() || rest.starts_with('/')).then_some(Self { exact: false, length: rule.len() })
    }
}

/// Returns the backend of an HTTPRoute of the platform's gateway, given its spec.
pub(super) fn of_http_route(spec: &Value, host: &str, path: &str) -> Option<(Specificity, Backend)> {
    let is_parent = |parent: &Value| parent["name"] == "toolforge" && parent["namespace"] == "istio-gateway";
    if !items(&spec["parentRefs"]).any(is_parent) || !items(&spec["hostnames"]).any(|name| name == host) {
        return None;
    }
    most_specific(items(&spec["rules"]).filter_map(|rule| {
        let specificity = match rule["matches"].as_array() {
            Some(matches) if !matches.is_empty() => {
                matches.iter().filter_map(|matched| specificity_of_match(&matched["path"], path)).max()
            }
            _ => Specificity::prefix("/", path),
        };
        Some((specificity?, backend_of_reference(&rule["backendRefs"][0])?))
    }))
}

fn specificity_of_match(matched: &Value, path: &str) -> Option<Specificity> {
    // The API server's defaults.
    let rule = matched["value"].as_str().unwrap_or("/");
    match matched["type"].as_str().unwrap_or("PathPrefix") {
        "Exact" => Specificity::exact(rule, path),
        "PathPrefix" => Specificity::prefix(rule, path),
        _ => None,
    }
}

fn backend_of_reference(reference: &Value) -> Option<Backend> {
    let port = Port::Number(i32::try_from(reference["port"].as_i64()?).ok()?);
    Some(Backend { service: reference["name"].as_str()?.to_owned(), port })
}

/// Returns the backend of an Ingress.
pub(super) fn of_ingress(ingress: &Ingress, host: &str, path: &str) -> Option<(Specificity, Backend)> {
    let rules = ingress.spec.as_ref()?.rules.iter().flatten();
    let of_host = rules.filter(|rule| rule.host.as_deref() == Some(host));
    let paths = of_host.flat_map(|rule| rule.http.iter().flat_map(|http| &http.paths));
    most_specific(paths.filter_map(|rule| {
        let value = rule.path.as_deref().unwrap_or("/");
        let specificity = match rule.path_type.as_str() {
            "Exact" => Specificity::exact(value, path),
            _ => Specificity::prefix(value, path),
        };
        Some((specificity?, backend_of_path(rule)?))
    }))
}

fn backend_of_path(rule: &HTTPIngressPath) -> Option<Backend> {
    let service = rule.backend.service.as_ref()?;
    let port = service.port.as_ref()?;
    let port = port.number.map(Port::Number).or_else(|| port.name.clone().map(Port::Name))?;
    Some(Backend { service: service.name.clone(), port })
}

/// Returns the most specific match, or the first of several.
pub(super) fn most_specific(
    found: impl Iterator<Item = (Specificity, Backend)>,
) -> Option<(Specificity, Backend)> {
    found.reduce(|best, next| if next.0 > best.0 { next } else { best })
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn service_of(found: Option<(Specificity, Backend)>) -> Option<String> {
        found.map(|(_, backend)| backend.service)
    }

    #[test]
    fn http_route_selects_its_service() {
        let spec = |gateway: &str| {
            json!({
                "parentRefs": [{"name": gateway, "namespace": "istio-gateway"}],
                "hostnames": ["x.localhost"],
                "rules": [{"backendRefs": [{"name": "x", "port": 8000}]}],
            })
        };
        let found = of_http_route(&spec("toolforge"), "x.localhost", "/a").map(|(_, backend)| backend);
        assert_eq!(found, Some(Backend { service: "x".to_owned(), port: Port::Number(8000) }));
        assert_eq!(of_http_route(&spec("another"), "x.localhost", "/"), None);
        assert_eq!(of_http_route(&spec("toolforge"), "y.localhost", "/"), None);
    }

    #[test]
    fn most_specific_rule_wins() {
        let rule = |kind: &str, path: &str, service: &str| {
            json!({
                "matches": [{"path": {"type": kind, "value": path}}],
                "backendRefs": [{"name": service, "port": 8000}],
            })
        };
        let spec = json!({
            "parentRefs": [{"name": "toolforge", "namespace": "istio-gateway"}],
            "hostnames": ["x.localhost"],
            "rules": [rule("PathPrefix", "/", "all"), rule("PathPrefix", "/api", "api"), rule("Exact", "/api/v", "v")],
        });
        for (path, service) in
            [("/", "all"), ("/apis", "all"), ("/api", "api"), ("/api/", "api"), ("/api/v", "v")]
        {
            assert_eq!(
                service_of(of_http_route(&spec, "x.localhost", path)).as_deref(),
                Some(service),
                "{path}"
            );
        }
    }

    #[test]
    fn ingress_selects_by_host_and_path() {
        let path = |path: &str, service: &str, port: Value| json!({"path": path, "pathType": "Prefix", "backend": {"service": {"name": service, "port": port}}});
        let ingress: Ingress = serde_json::from_value(json!({"metadata": {}, "spec": {"rules": [
            {"host": "y.localhost", "http": {"paths": [path("/", "y", json!({"number": 1}))]}},
            {"host": "x.localhost", "http": {"paths": [
                path("/", "x", json!({"number": 8000})), path("/static/", "files", json!({"name": "http"})),
            ]}},
        ]}}))
        .unwrap();
        assert_eq!(service_of(of_ingress(&ingress, "x.localhost", "/page")).as_deref(), Some("x"));
        let files = of_ingress(&ingress, "x.localhost", "/static/a.css").map(|(_, backend)| backend);
        assert_eq!(files, Some(Backend { service: "files".to_owned(), port: Port::Name("http".to_owned()) }));
        assert_eq!(of_ingress(&ingress, "z.localhost", "/"), None);
    }
}
