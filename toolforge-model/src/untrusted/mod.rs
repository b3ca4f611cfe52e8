mod line;
mod text;

pub use line::Colors;
#[cfg(feature = "yaml")]
pub(crate) use line::is_unsafe;
pub use text::Untrusted;
