//! The quotas and limits of a namespace, of which the user may not be allowed to read both kinds.

use k8s_openapi::api::core::v1::{LimitRange, ResourceQuota};
use kube::api::ListParams;
use toolforge_render::namespace::LimitObjects;

use crate::{Client, Error, ResourceType, StatusKind};

impl Client {
    /// Fetches the quotas and limits of a namespace, with two concurrent requests.
    ///
    /// # Errors
    /// When a request fails. If only one of the two is forbidden, the other kind is returned.
    pub async fn fetch_limits(&self, namespace: &str) -> Result<LimitObjects, Error> {
        let params = ListParams::default();
        let (ranges, quotas) = (
            ResourceType::of::<LimitRange>().in_namespace(namespace),
            ResourceType::of::<ResourceQuota>().in_namespace(namespace),
        );
        let (limit_ranges, quotas) = tokio::join!(
            biased;
            self.list::<LimitRange>(&ranges, &params),
            self.list::<ResourceQuota>(&quotas, &params),
        );
        match (limit_ranges, quotas) {
            (Err(error), Ok(quotas)) if is_forbidden(&error) => {
                Ok(LimitObjects { quotas: Some(quotas.items), limit_ranges: None })
            }
            (Ok(ranges), Err(error)) if is_forbidden(&error) => {
                Ok(LimitObjects { quotas: None, limit_ranges: Some(ranges.items) })
            }
            (ranges, quotas) => {
                Ok(LimitObjects { limit_ranges: Some(ranges?.items), quotas: Some(quotas?.items) })
            }
        }
    }
}

fn is_forbidden(error: &Error) -> bool {
    error.api_status().is_some_and(|status| matches!(status.kind(), StatusKind::Forbidden { .. }))
}
