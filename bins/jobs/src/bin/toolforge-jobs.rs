//! The program `jobs` under the name by which the platform's `toolforge jobs` calls it. In a shell the short name is the
//! shell's own `jobs`.

use std::process::ExitCode;

fn main() -> ExitCode {
    jobs::main()
}
