//! A server on this machine, for tests of the connection.

mod echo;

pub(crate) use echo::{Authority, Home, Server, Style};
