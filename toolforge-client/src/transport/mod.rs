//! The connection below kube's client: one for all requests of a command. A second connection would need a second
//! signature with the tool's RSA key, which takes longer than everything else.

mod connector;
mod error;
mod pool;
mod service;
mod tls;

pub use error::TransportError;
pub use service::ConnectOptions;
pub(crate) use service::Transport;
