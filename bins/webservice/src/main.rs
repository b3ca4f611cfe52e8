//! The program `webservice`; see the library of this crate.

use std::process::ExitCode;

fn main() -> ExitCode {
    webservice::main()
}
