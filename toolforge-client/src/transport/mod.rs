//! How requests reach the API server: one connection for all of a command's requests, on the calling thread.

mod connector;
mod service;

pub use connector::ConnectError;

pub(crate) use service::{Credentials, client};
