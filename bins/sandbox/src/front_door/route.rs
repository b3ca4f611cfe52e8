//! Which Service a route leads to, for a host name and a path.
//!
//! Of a route's conditions the path alone is looked at; filters and weights are not, and the first backend is taken.

use k8s_openapi::api::networking::v1::{HTTPIngressPath, Ingress};
use serde_json::Value;

/// A Service that a route leads to.
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

/// How closely a rule fits a path: exact before prefix, long before short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Fit {
    exact: bool,
    length: usize,
}

impl Fit {
    fn exact(rule: &str, path: &str) -> Option<Self> {
        (rule == path).then_some(Self { exact: true, length: rule.len() })
    }

    /// A prefix holds for whole elements of a path: `/a` for `/a/b`, not for `/ab`.
    fn prefix(rule: &str, path: &str) -> Option<Self> {
        let rule = rule.trim_end_matches('/');
        let rest = path.strip_prefix(rule)?;
        (rest.is_empty() || rest.starts_with('/')).then_some(Self { exact: false, length: rule.len() })
    }
}

/// Returns where an HTTPRoute of the platform's gateway leads, given its spec.
pub(super) fn of_http_route(spec: &Value, host: &str, path: &str) -> Option<(Fit, Backend)> {
    let is_parent = |parent: &Value| parent["name"] == "toolforge" && parent["namespace"] == "istio-gateway";
    if !items(&spec["parentRefs"]).any(is_parent) || !items(&spec["hostnames"]).any(|name| name == host) {
        return None;
    }
    closest(items(&spec["rules"]).filter_map(|rule| {
        let fit = match rule["matches"].as_array() {
            Some(matches) if !matches.is_empty() => {
                matches.iter().filter_map(|matched| fit_of_match(&matched["path"], path)).max()
            }
            _ => Fit::prefix("/", path),
        };
        Some((fit?, backend_of_reference(&rule["backendRefs"][0])?))
    }))
}

fn fit_of_match(matched: &Value, path: &str) -> Option<Fit> {
    // The API's own defaults, which a server fills in.
    let rule = matched["value"].as_str().unwrap_or("/");
    match matched["type"].as_str().unwrap_or("PathPrefix") {
        "Exact" => Fit::exact(rule, path),
        "PathPrefix" => Fit::prefix(rule, path),
        _ => None,
    }
}

fn backend_of_reference(reference: &Value) -> Option<Backend> {
    let port = Port::Number(i32::try_from(reference["port"].as_i64()?).ok()?);
    Some(Backend { service: reference["name"].as_str()?.to_owned(), port })
}

/// Returns where an Ingress leads.
pub(super) fn of_ingress(ingress: &Ingress, host: &str, path: &str) -> Option<(Fit, Backend)> {
    let rules = ingress.spec.as_ref()?.rules.iter().flatten();
    let of_host = rules.filter(|rule| rule.host.as_deref() == Some(host));
    let paths = of_host.flat_map(|rule| rule.http.iter().flat_map(|http| &http.paths));
    closest(paths.filter_map(|rule| {
        let value = rule.path.as_deref().unwrap_or("/");
        let fit = match rule.path_type.as_str() {
            "Exact" => Fit::exact(value, path),
            _ => Fit::prefix(value, path),
        };
        Some((fit?, backend_of_path(rule)?))
    }))
}

fn backend_of_path(rule: &HTTPIngressPath) -> Option<Backend> {
    let service = rule.backend.service.as_ref()?;
    let port = service.port.as_ref()?;
    let port = port.number.map(Port::Number).or_else(|| port.name.clone().map(Port::Name))?;
    Some(Backend { service: service.name.clone(), port })
}

/// Returns the closest of what fits; of two that fit alike, the first.
pub(super) fn closest(found: impl Iterator<Item = (Fit, Backend)>) -> Option<(Fit, Backend)> {
    found.reduce(|best, next| if next.0 > best.0 { next } else { best })
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn leads(found: Option<(Fit, Backend)>) -> Option<String> {
        found.map(|(_, backend)| backend.service)
    }

    #[test]
    fn a_route_of_the_platforms_gateway_leads_to_its_service() {
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
    fn the_closest_rule_of_a_route_wins() {
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
            assert_eq!(leads(of_http_route(&spec, "x.localhost", path)).as_deref(), Some(service), "{path}");
        }
    }

    #[test]
    fn an_ingress_leads_by_host_and_path_to_a_named_port_as_well() {
        let path = |path: &str, service: &str, port: Value| json!({"path": path, "pathType": "Prefix", "backend": {"service": {"name": service, "port": port}}});
        let ingress: Ingress = serde_json::from_value(json!({"metadata": {}, "spec": {"rules": [
            {"host": "y.localhost", "http": {"paths": [path("/", "y", json!({"number": 1}))]}},
            {"host": "x.localhost", "http": {"paths": [
                path("/", "x", json!({"number": 8000})), path("/static/", "files", json!({"name": "http"})),
            ]}},
        ]}}))
        .unwrap();
        assert_eq!(leads(of_ingress(&ingress, "x.localhost", "/page")).as_deref(), Some("x"));
        let files = of_ingress(&ingress, "x.localhost", "/static/a.css").map(|(_, backend)| backend);
        assert_eq!(files, Some(Backend { service: "files".to_owned(), port: Port::Name("http".to_owned()) }));
        assert_eq!(of_ingress(&ingress, "z.localhost", "/"), None);
    }
}
