//! The platform's admission webhooks: they change pods and deny requests with the platform's own messages.
//!
//! Like the real ones, a denial has only a message, without a code or a reason. The API server then returns 400.

mod ingress;
mod pod_policy;
mod registry;
mod review;
mod server;
mod volumes;

pub(crate) use server::serve;
