//! ingress-admission: a tool's routes may only use the tool's own host name.

use serde_json::Value;

use super::review::{Answer, Review};

/// The public domain of the sandbox, as in its `/etc/toolforge/webservice.yaml`.
const DOMAIN: &str = "localhost";

/// Reviews an Ingress or an HTTPRoute. A route without host names is allowed, as on the platform.
pub(super) fn review(review: &Review<'_>) -> Answer {
    let spec = &review.object["spec"];
    let hosts: Vec<&str> = if review.kind == "HTTPRoute" {
        spec["hostnames"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
    } else {
        let rules = spec["rules"].as_array().into_iter().flatten();
        rules.map(|rule| rule["host"].as_str().unwrap_or_default()).collect()
    };
    let tool = review.tool().unwrap_or_default();
    let own = format!("{tool}.{DOMAIN}");
    // The platform's pattern is not anchored at the end, so `tool.DOMAIN.example` is allowed there and here.
    if review.namespace == "kube-system" || hosts.iter().all(|host| host.starts_with(&own)) {
        Answer::Allowed
    } else {
        Answer::Denied(format!("Ingress host must be <toolname>.{DOMAIN}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn allows_only_the_tools_own_host() {
        let answer = |kind: &str, spec: Value| {
            let object = json!({"spec": spec});
            review(&Review { namespace: "tool-x", name: "x", kind, object: &object })
        };
        let refused = Answer::Denied("Ingress host must be <toolname>.localhost".to_owned());
        assert_eq!(answer("Ingress", json!({"rules": [{"host": "x.localhost"}]})), Answer::Allowed);
        assert_eq!(answer("Ingress", json!({"rules": [{"host": "y.localhost"}]})), refused);
        assert_eq!(answer("Ingress", json!({"rules": [{}]})), refused);
        assert_eq!(answer("Ingress", json!({"defaultBackend": {}})), Answer::Allowed);
        assert_eq!(answer("HTTPRoute", json!({"hostnames": ["x.localhost"]})), Answer::Allowed);
        assert_eq!(answer("HTTPRoute", json!({"hostnames": ["x.example.org"]})), refused);
    }
}
