//! The program `webservice`: see the library beside it.

use std::process::ExitCode;

fn main() -> ExitCode {
    webservice::main()
}
