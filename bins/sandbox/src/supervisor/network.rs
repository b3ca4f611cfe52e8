//! The network inside: a loopback, a bridge for the pods, and no way out.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use crate::build::debian::program;
use crate::failure::{Failure, OrFail};

/// Commands for `ip -batch`. Without the default route the Services' addresses could not be reached from the node.
const COMMANDS: &str = "\
link set lo up
link add sbx0 type bridge
address add 10.244.0.1/24 dev sbx0
link set sbx0 up
route add default dev sbx0
";

/// Sets up the network of this process's own network namespace.
pub(crate) fn set_up() -> Result<(), Failure> {
    let cannot = "cannot set up the sandbox's network";
    let mut ip =
        Command::new(program("ip")?).args(["-batch", "-"]).stdin(Stdio::piped()).spawn().or_fail(cannot)?;
    if let Some(mut stdin) = ip.stdin.take() {
        stdin.write_all(COMMANDS.as_bytes()).or_fail(cannot)?;
    }
    if !ip.wait()?.success() {
        return Err(Failure::new(format!("{cannot}: `ip` failed")));
    }
    fs::write("/proc/sys/net/ipv4/ip_forward", "1").or_fail(cannot)
}
