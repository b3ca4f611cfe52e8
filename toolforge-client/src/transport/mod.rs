//! The connection under kube's client: one for all requests of a command, because a second one would cost a
//! second signature with the tool's RSA key, which takes longer than all else.

mod connector;
mod error;
mod pool;
mod service;
mod tls;

pub use error::TransportError;
pub use service::ConnectOptions;
pub(crate) use service::Transport;
