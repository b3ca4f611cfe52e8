//! Connects to the API server and checks whether it is ready.

use std::path::Path;
use std::time::Duration;

use kube::Client;
use kube::api::GetParams;
use kube::config::{Config, KubeConfigOptions, Kubeconfig};
use kube::core::Request;
use tokio::time::{sleep, timeout};

use crate::failure::{Failure, OrFail, with_sources};

/// Interval between two checks.
const PAUSE: Duration = Duration::from_millis(50);
/// Timeout of one check: a connection that nobody answers would otherwise hang forever.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Returns a client for a kubeconfig. Sends no request.
pub(crate) async fn connect(kubeconfig: &Path) -> Result<Client, Failure> {
    let cannot = || format!("cannot use {}", kubeconfig.display());
    let failure = |error: &dyn std::error::Error| Failure::new(with_sources(error));
    let config = Kubeconfig::read_from(kubeconfig).map_err(|error| failure(&error)).or_fail(cannot())?;
    let options = KubeConfigOptions::default();
    let config = Config::from_custom_kubeconfig(config, &options)
        .await
        .map_err(|error| failure(&error))
        .or_fail(cannot())?;
    Client::try_from(config).or_fail(cannot())
}

/// Waits until the API server reports that it is ready.
pub(crate) async fn ready(client: &Client) {
    while !is_ready(client).await {
        sleep(PAUSE).await;
    }
}

/// Waits until the API server forwards requests to metrics-server. The first measurement may be later.
pub(crate) async fn metrics_ready(client: &Client) {
    while !answers(client, "apis/metrics.k8s.io/v1beta1").await {
        sleep(PAUSE).await;
    }
}

/// Returns whether the API server reports that it is ready.
pub(crate) async fn is_ready(client: &Client) -> bool {
    answers(client, "readyz").await
}

/// Returns whether a request for a path succeeds in time.
async fn answers(client: &Client, path: &str) -> bool {
    match Request::new("").get(path, &GetParams::default()) {
        Ok(request) => matches!(timeout(TIMEOUT, client.request_text(request)).await, Ok(Ok(_))),
        Err(_) => false,
    }
}
