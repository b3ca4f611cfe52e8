//! Placeholder.
use tokio::net::UnixListener;

use crate::failure::Failure;
use crate::settings::Settings;

/// Answers HTTP requests for as long as the sandbox runs. Runs inside.
pub(crate) async fn serve(
    _listener: UnixListener,
    _client: kube::Client,
    _settings: Settings,
) -> Result<(), Failure> {
    std::future::pending().await
}
