//! The program `quota-check`; see the library of this crate.

use std::process::ExitCode;

fn main() -> ExitCode {
    quota_check::main()
}
