//! Placeholder.
use crate::failure::Failure;
use crate::folder::Sandbox;

/// Writes the API server's present port into every tool's kubeconfig.
pub(crate) fn rewrite_kubeconfigs(_sandbox: &Sandbox, _api_port: u16) -> Result<(), Failure> {
    Ok(())
}
