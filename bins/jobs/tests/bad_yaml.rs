//! Files that cannot be read, or that are made to exhaust a reader, given to `lint` and `convert`: a clear message each, and no
//! panic, within some seconds and half a gigabyte of addresses.
#![expect(clippy::unwrap_used, reason = "a test's own function may stop the test")]

use std::process::Command;

/// The most addresses of the process, in KiB.
const ADDRESSES: u32 = 512 * 1024;

/// The most time on a processor, in seconds.
const SECONDS: u32 = 20;

/// Returns the exit code and the first lines of what each file is answered with.
fn answers(verb: &[&str]) -> String {
    let directory = std::env::temp_dir().join(format!("toolforge-bad-{}-{}", std::process::id(), verb[0]));
    std::fs::create_dir_all(&directory).unwrap();
    let mut out = String::new();
    for (name, bytes) in toolforge_fixtures::bad_yaml() {
        std::fs::write(directory.join("bad.yaml"), bytes).unwrap();
        let output = Command::new("sh")
            .args([
                "-c",
                &format!("ulimit -v {ADDRESSES}; ulimit -t {SECONDS}; exec \"$0\" \"$@\""),
                env!("CARGO_BIN_EXE_jobs"),
            ])
            .args(verb)
            .args(["--tool", "stashbot", "bad.yaml"])
            .current_dir(&directory)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", "/nonexistent")
            .output()
            .unwrap();
        let said =
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let code = output.status.code();
        assert!(matches!(code, Some(0 | 1 | 6)), "{name}: {code:?}: {said}");
        let is_message = |line: &&str| {
            ["error", "warning", "note"].iter().any(|level| line.starts_with(level))
                || line.starts_with("  bad.yaml")
        };
        let lines: Vec<String> =
            said.lines().filter(is_message).take(3).map(|line| line.chars().take(200).collect()).collect();
        out.push_str(&format!("## {name} [exit {}]\n{}\n", code.unwrap_or(-1), lines.join("\n")));
    }
    std::fs::remove_dir_all(&directory).unwrap();
    out
}

#[test]
fn lint_explains_bad_files() {
    insta::assert_snapshot!(answers(&["lint", "--offline"]));
}

#[test]
fn convert_explains_bad_files() {
    insta::assert_snapshot!(answers(&["convert"]));
}
