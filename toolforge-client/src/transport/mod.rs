//! The connection below kube's client: one for all requests of a command. A second connection would need a second
//! signature with the tool's RSA key, which takes longer than everything else.

mod connection;
mod connector;
mod error;
mod pool;
mod tls;

pub use connection::ConnectOptions;
pub(crate) use connection::Transport;
pub use error::TransportError;
