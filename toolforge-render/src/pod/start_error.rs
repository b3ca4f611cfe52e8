//! Why a container could not be started, from the message of the container runtime.

use toolforge_model::Untrusted;

/// What the container runtime writes before the reason, outermost first (containerd 2, runc 1.3).
const BEFORE: [&str; 4] = [
    "OCI runtime create failed: ",
    "runc create failed: ",
    "unable to start container process: ",
    "error during container init: ",
];

/// What containerd adds to an error without a code.
const AFTER: &str = ": unknown";

/// Returns the reason in a message, without what the runtime did: for `failed to create containerd task: … unable to start
/// container process: exec: "./x": no such file or directory: unknown` it is `exec: "./x": no such file or directory`.
pub(super) fn reason(message: &str) -> Untrusted {
    let message = message.trim();
    let ends = BEFORE.iter().filter_map(|before| message.rfind(before).map(|start| start + before.len()));
    let inner = &message[ends.max().unwrap_or(0)..];
    Untrusted::new(inner.strip_suffix(AFTER).unwrap_or(inner))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reason_is_the_innermost_error() {
        let before = "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: ";
        for (message, expected) in [
            (
                format!(
                    "{before}error during container init: exec: \"./x\": stat ./x: no such file or directory: unknown"
                ),
                "exec: \"./x\": stat ./x: no such file or directory",
            ),
            (
                format!("{before}exec: \"x\": executable file not found in $PATH: unknown\n"),
                "exec: \"x\": executable file not found in $PATH",
            ),
            ("secret \"x\" not found".to_owned(), "secret \"x\" not found"),
            (String::new(), ""),
        ] {
            assert_eq!(reason(&message).as_raw(), expected, "{message}");
        }
    }
}
