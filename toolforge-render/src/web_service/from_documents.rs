//! Facts for a web service from the output of `kubectl get … -o yaml|json`.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1 as core;
use toolforge_model::{ToolName, platform};

use crate::namespace::{Documents, DocumentsError, Namespace};
use crate::object::{HttpRoute, has_label};
use crate::pod::{FetchTime, with_unsettled_pods};
use crate::web_service::{LiveWebService, WebServiceFacts};

impl Documents {
    /// Returns the facts for a web service: `facts`, which [`namespace`](Self::namespace) returned, and the live objects.
    ///
    /// Objects of other namespaces are skipped; objects without a namespace count as the tool's.
    ///
    /// # Errors
    /// When an object lacks required fields.
    pub fn web_service_facts(&self, mut facts: Namespace) -> Result<WebServiceFacts, DocumentsError> {
        let tool = &facts.tool;
        let namespace = tool.namespace();
        let pods = self.all_of_kind::<core::Pod>("Pod", &namespace)?;
        let web = |name: &str| name == tool.as_str();
        let subdomain = format!("{tool}-subdomain");
        let live = LiveWebService {
            deployment: self.of_kind("Deployment", &namespace, web)?.pop(),
            service: self.of_kind("Service", &namespace, web)?.pop(),
            ingress: self.of_kind("Ingress", &namespace, |name| name == subdomain)?.pop(),
            http_route: self.of_kind::<HttpRoute>("HTTPRoute", &namespace, web)?.pop(),
            pods: pods.iter().filter(|pod| is_named(pod, tool)).cloned().collect(),
            replica_sets: self.of_kind("ReplicaSet", &namespace, |_| true)?,
            events: self.of_kind("Event", &namespace, |_| true)?,
        };
        let deployments = self.all_of_kind::<Deployment>("Deployment", &namespace)?;
        let jobs = self.all_of_kind::<Job>("Job", &namespace)?;
        facts.limits = with_unsettled_pods(facts.limits, &deployments, &jobs, &pods, FetchTime::Unknown);
        Ok(WebServiceFacts {
            namespace: facts,
            http_routes: live.http_route.is_some(),
            live,
            unread_kinds: Vec::new(),
        })
    }
}

/// Returns whether a pod has the tool's `name` label, which the web service's Service selects.
fn is_named(pod: &core::Pod, tool: &ToolName) -> bool {
    has_label(pod.metadata.labels.as_ref(), platform::LABEL_NAME, tool.as_str())
}
