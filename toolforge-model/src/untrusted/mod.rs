mod escape;
mod line;
mod text;

pub use line::Colors;
pub use text::Untrusted;
