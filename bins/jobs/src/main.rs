//! The program `jobs`; see the library of this crate.

use std::process::ExitCode;

fn main() -> ExitCode {
    jobs::main()
}
