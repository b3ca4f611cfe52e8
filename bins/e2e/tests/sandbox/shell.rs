//! `cargo sandbox as NAME` without a command: opens a shell.

use std::io::Write;
use std::process::Stdio;

use toolforge_e2e::Tool;

#[test]
fn tool_shell_finds_the_programs() {
    let tool = Tool::new("shell");
    let mut shell = tool.sandbox().command(&["as", "shell"]);
    let mut shell =
        shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let lines = "command -v webservice quota-check kubectl\npwd\nid -un\nwebservice status\nexit 7\n";
    shell.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let output = shell.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    for expected in [
        "/webservice\n",
        "/quota-check\n",
        "/kubectl\n",
        "/data/project/shell\n",
        "tools.shell\n",
        "is not running",
    ] {
        assert!(
            text.contains(expected),
            "`{expected:?}` is not in\n{text}{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    assert_eq!(output.status.code(), Some(7));
}
