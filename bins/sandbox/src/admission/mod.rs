//! The platform's admission webhooks: what they add to pods and what they refuse, in their own words.
//!
//! As the real ones, they answer with a message alone, without a code or a reason: the API server then answers 400.

mod ingress;
mod pod_policy;
mod registry;
mod review;
mod server;
mod volumes;

pub(crate) use server::serve;
