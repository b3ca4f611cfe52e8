//! The front door: `http://NAME.localhost:PORT/` leads to the tool's route, its Service and a ready pod.

mod destination;
mod route;
mod server;

pub(crate) use server::serve;
