use k8s_openapi::apimachinery::pkg::apis::meta::v1::Status;
use toolforge_model::Untrusted;

/// How a command in a container ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RemoteEnd {
    /// It ended with this exit code; 128 and more for a signal.
    Code(u8),
    /// It could not be run, or its container went away; in the cluster's own words.
    Failed(Untrusted),
    /// The connection ended before the command did, as far as is known.
    Lost,
}

impl RemoteEnd {
    /// Reads the `Status` that the server sends when a command has ended; its causes hold the exit code (`remotecommand`,
    /// v4).
    pub(super) fn read(bytes: &[u8]) -> Self {
        let words = || Untrusted::new(String::from_utf8_lossy(bytes));
        let Ok(status) = serde_json::from_slice::<Status>(bytes) else { return Self::Failed(words()) };
        let Status { status, reason, message, details, metadata: _, code: _ } = status;
        if status.as_deref() == Some("Success") {
            return Self::Code(0);
        }
        let causes = details.and_then(|details| details.causes).unwrap_or_default();
        let code = causes
            .iter()
            .find(|cause| cause.reason.as_deref() == Some("ExitCode"))
            .and_then(|cause| cause.message.as_deref()?.parse::<u8>().ok());
        match (reason.as_deref(), code) {
            (Some("NonZeroExitCode"), Some(code)) => Self::Code(code),
            _ => Self::Failed(message.map_or_else(words, Untrusted::new)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exit_code_stands_in_the_causes() {
        let status = |text: &str| RemoteEnd::read(text.as_bytes());
        assert_eq!(status(r#"{"metadata":{},"status":"Success"}"#), RemoteEnd::Code(0));
        let seven = r#"{"status":"Failure","message":"command terminated with non-zero exit code","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"7"}]}}"#;
        assert_eq!(status(seven), RemoteEnd::Code(7));
        let missing = r#"{"status":"Failure","message":"exec: \"nope\": executable file not found in $PATH","reason":"InternalError"}"#;
        assert_eq!(
            status(missing),
            RemoteEnd::Failed(Untrusted::new("exec: \"nope\": executable file not found in $PATH"))
        );
        assert_eq!(status("half"), RemoteEnd::Failed(Untrusted::new("half")));
    }
}
