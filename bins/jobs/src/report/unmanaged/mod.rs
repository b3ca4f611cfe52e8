//! Objects that neither these programs nor the platform's tools manage.

mod object;
mod text;

#[cfg(test)]
mod tests;

pub(crate) use object::UnmanagedObject;
pub(crate) use text::{note_of_unmanaged, show_unmanaged, unmanaged_table};
