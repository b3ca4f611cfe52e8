//! Where secrets are written out.

mod find;
mod text;

pub(crate) use find::{PlainSecret, last_applied, of_object, of_platform_file, values_of_secrets};
pub(crate) use text::{SHORTEST, is_secret_name, of_lines};
