//! How secrets are written, and values without them.

mod forms;
mod shown;
mod token;

pub(crate) use forms::{
    SHORTEST, Written, assigned, is_identifier, is_secret, is_secret_name, is_written_out, of_arguments,
    of_command_line, of_lines, passwords_of_urls,
};
pub use shown::words_without_secrets;
pub(crate) use shown::{without_secrets, without_secrets_in_text};
pub(crate) use token::tokens;
