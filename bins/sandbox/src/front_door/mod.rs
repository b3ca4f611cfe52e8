//! The front door: an HTTP proxy from `http://NAME.localhost:PORT/` to a ready pod, by the tool's route and Service.

mod destination;
mod route;
mod server;

pub(crate) use server::serve;
