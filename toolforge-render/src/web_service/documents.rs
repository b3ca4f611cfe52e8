//! Facts for a web service from what `kubectl get … -o yaml|json` printed.

use k8s_openapi::api::core::v1 as core;
use toolforge_model::{ToolName, platform};

use crate::namespace::{Documents, DocumentsError, Platform, limits};
use crate::object::HttpRoute;
use crate::web_service::{Facts, LiveWebService};

impl Documents {
    /// Returns the facts for a tool's web service.
    ///
    /// Objects of other namespaces are passed over, except the catalogue's ConfigMap; objects without a
    /// namespace count as the tool's. Where no file holds the catalogue, the one that this library brings is used.
    ///
    /// # Errors
    /// When an object lacks the fields of its kind, or the catalogue, a quota or a limit cannot be read.
    pub fn facts(&self, tool: &ToolName, platform: Platform) -> Result<Facts, DocumentsError> {
        let namespace = tool.namespace();
        let web = |name: &str| name == tool.as_str();
        let subdomain = format!("{tool}-subdomain");
        let live = LiveWebService {
            deployment: self.of_kind("Deployment", &namespace, web)?.pop(),
            service: self.of_kind("Service", &namespace, web)?.pop(),
            ingress: self.of_kind("Ingress", &namespace, |name| name == subdomain)?.pop(),
            http_route: self.of_kind::<HttpRoute>("HTTPRoute", &namespace, web)?.pop(),
            pods: self
                .of_kind::<core::Pod>("Pod", &namespace, |_| true)?
                .into_iter()
                .filter(|pod| named(pod, tool))
                .collect(),
            replica_sets: self.of_kind("ReplicaSet", &namespace, |_| true)?,
            events: self.of_kind("Event", &namespace, |_| true)?,
        };
        let quotas = self.of_kind::<core::ResourceQuota>("ResourceQuota", &namespace, |_| true)?;
        let limit_ranges = self.of_kind::<core::LimitRange>("LimitRange", &namespace, |_| true)?;
        Ok(Facts {
            catalog: self.catalog()?,
            platform,
            limits: limits(&quotas, &limit_ranges)?,
            http_routes: live.http_route.is_some(),
            live,
        })
    }
}

/// Returns whether a pod carries the tool's `name` label, by which the web service's Service selects.
fn named(pod: &core::Pod, tool: &ToolName) -> bool {
    let labels = pod.metadata.labels.as_ref();
    labels.and_then(|labels| labels.get(platform::LABEL_NAME)).is_some_and(|name| name == tool.as_str())
}
