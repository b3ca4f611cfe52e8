//! The last lines of a program that failed.

use std::cmp::Reverse;

use k8s_openapi::api::core::v1::Pod;
use kube::api::LogParams;
use toolforge_model::{ToolName, Untrusted};
use toolforge_render::pod::main_container;

use crate::{Client, ResourceType};

/// How many of the last lines of a program that failed are read.
pub const LAST_LINES: u32 = 20;

impl Client {
    /// Returns the last 20 lines of the newest pod whose main container has terminated or is not ready, and has written any;
    /// between two runs, those of the previous one. A log that cannot be read is left out.
    pub async fn last_lines<'a>(
        &self,
        tool: &ToolName,
        pods: impl IntoIterator<Item = &'a Pod>,
    ) -> Option<Untrusted> {
        let present = |pod: &&Pod| pod.metadata.deletion_timestamp.is_none();
        let mut pods: Vec<&Pod> = pods.into_iter().filter(present).collect();
        pods.sort_by_key(|pod| Reverse(pod.metadata.creation_timestamp.as_ref().map(|time| time.0)));
        for pod in pods {
            let main = main_container(pod);
            let mut statuses =
                pod.status.iter().flat_map(|status| status.container_statuses.iter().flatten());
            let status = statuses.find(|status| {
                Some(status.name.as_str()) == main && !status.ready && status.container_id.is_some()
            });
            let (Some(status), Some(name)) = (status, pod.metadata.name.as_deref()) else { continue };
            let state = status.state.as_ref();
            let params = LogParams {
                container: Some(status.name.clone()),
                previous: state.is_none_or(|state| state.terminated.is_none() && state.running.is_none()),
                tail_lines: Some(LAST_LINES.into()),
                ..LogParams::default()
            };
            let path = ResourceType::of::<Pod>().in_namespace(tool.namespace()).named(name);
            let Ok(lines) = self.logs(&path, &params).await else { continue };
            let lines = lines.as_raw().trim_end();
            if !lines.trim().is_empty() {
                return Some(Untrusted::new(lines));
            }
        }
        None
    }
}
