//! Kubernetes quantities as exact whole numbers of one unit.

mod cpu;
mod memory;
mod parse;
mod suffix;

pub use cpu::Cpu;
pub use memory::Memory;
pub use suffix::{ImprobableAmount, QuantityError, parse_count, parse_count_bound};
