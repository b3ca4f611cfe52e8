//! The program behind `cargo sandbox`.

use std::process::ExitCode;

fn main() -> ExitCode {
    toolforge_sandbox::run()
}
