//! The program `quota-check`: see the library beside it.

use std::process::ExitCode;

fn main() -> ExitCode {
    quota_check::main()
}
