mod escape;
mod line;
mod text;

#[cfg(feature = "yaml")]
pub(crate) use escape::is_unsafe;
pub use line::Colors;
pub use text::Untrusted;
