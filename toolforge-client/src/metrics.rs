//! Fetching measurements of pods.

use std::time::Duration;

use kube::api::ListParams;
use toolforge_model::ToolName;
use toolforge_render::usage::PodMetrics;

use crate::{Client, ResourceType};

/// How long measurements may take; nobody waits longer for what is not essential.
const PATIENCE: Duration = Duration::from_secs(3);

impl Client {
    /// Fetches what the pods of a tool's namespace used when they were measured last (`metrics.k8s.io/v1beta1`).
    ///
    /// Returns `None` where the cluster has no measurements, the tool may not read them, or they take longer than three
    /// seconds.
    pub async fn fetch_pod_metrics(&self, tool: &ToolName) -> Option<Vec<PodMetrics>> {
        let resource = ResourceType { group: "metrics.k8s.io", version: "v1beta1", plural: "pods" };
        let collection = resource.in_namespace(tool.namespace());
        let params = ListParams::default();
        let found = tokio::time::timeout(PATIENCE, self.list::<PodMetrics>(&collection, &params)).await;
        found.ok()?.ok().map(|list| list.items)
    }
}
