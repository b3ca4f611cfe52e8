//! The commands, one file each.

pub(crate) mod as_tool;
pub(crate) mod demo;
pub(crate) mod down;
pub(crate) mod kubectl;
pub(crate) mod logs;
pub(crate) mod status;
pub(crate) mod test;
pub(crate) mod tool;
pub(crate) mod up;
