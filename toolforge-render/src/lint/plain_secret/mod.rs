//! Where secrets are written out.

mod broken;
mod find;
mod forms;
mod token;

pub(crate) use broken::values_near_secrets;
pub(crate) use find::{PlainSecret, anywhere, last_applied, of_object, of_platform_file, values_of_secrets};
pub(crate) use forms::{SHORTEST, of_lines};
