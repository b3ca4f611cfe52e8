//! The program `jobs`: see the library beside it.

use std::process::ExitCode;

fn main() -> ExitCode {
    jobs::main()
}
