//! Placeholder.
use std::net::TcpListener;
use std::path::Path;

use crate::failure::Failure;
use crate::settings::Settings;

/// Answers admission reviews for as long as the sandbox runs. Runs inside.
pub(crate) async fn serve(
    _listener: TcpListener,
    _tls: (&Path, &Path),
    _settings: Settings,
) -> Result<(), Failure> {
    std::future::pending().await
}
