use toolforge_model::Untrusted;

use crate::describe::{codes, structs};
use crate::plan::{QuotaRow, Violation};
use crate::web_service::CauseCode;

structs! {
    /// Why a command failed: on standard error, from every verb of every program.
    pub struct Failure {
        /// The code.
        pub code: FailureCode,
        /// The code as a sentence, for people.
        pub message: String,
        /// What the failure consists of, like each error in a file.
        pub details: Vec<FailureDetail>,
        /// What to do next, in words.
        pub hints: Vec<String>,
        /// Warnings and notes from before the failure.
        pub notes: Vec<Note>,
        /// The exit code of the program.
        pub exit_code: u8,
    }

    /// Warnings and notes of a command that did not fail: on standard error, if there are any.
    pub struct Notes {
        /// The warnings and notes, in the order in which they came up.
        pub notes: Vec<Note>,
    }

    /// What people should know in addition to the output of a command.
    pub struct Note {
        /// How important it is.
        pub level: NoteLevel,
        /// The sentence, for people.
        pub message: String,
        /// Lines that belong to it, for people.
        pub details: Vec<String>,
        /// What to do about it, in words.
        pub hints: Vec<String>,
    }

    /// A part of a failure.
    pub struct FailureDetail {
        /// The code.
        pub code: DetailCode,
        /// The code as a sentence, for people.
        pub message: String,
        /// The file; `null` if it is not about one.
        pub file: Option<Untrusted>,
        /// The line in the file, from 1.
        pub line: Option<u64>,
        /// The column in the line, from 1.
        pub column: Option<u64>,
        /// The resource that exceeds a quota.
        pub quota: Option<QuotaRow>,
        /// The limit that a container exceeds.
        pub violation: Option<Violation>,
        /// Why something does not run.
        pub cause: Option<CauseCode>,
    }
}

codes! {
    /// Why a command failed.
    pub enum FailureCode {
        /// The arguments are invalid.
        InvalidArguments = "invalid-arguments",
        /// The request is invalid, or the check failed.
        InvalidRequest = "invalid-request",
        /// A file has errors, each of them in `details`.
        InvalidFile = "invalid-file",
        /// A file cannot be read or written.
        FileAccess = "file-access",
        /// The named object does not exist.
        NotFound = "not-found",
        /// An object of that name exists already.
        AlreadyExists = "already-exists",
        /// The image or image type does not exist.
        UnknownImage = "unknown-image",
        /// The user declined, or there is no terminal to confirm on.
        NotConfirmed = "not-confirmed",
        /// The quota or the limits are exceeded, each row of it in `details`; nothing was changed.
        QuotaExceeded = "quota-exceeded",
        /// The kubeconfig or its certificate cannot be used.
        Kubeconfig = "kubeconfig",
        /// The kubeconfig names no tool.
        UnknownTool = "unknown-tool",
        /// The cluster cannot be reached, or does not answer.
        Unreachable = "unreachable",
        /// The cluster rejects the certificate.
        Unauthorized = "unauthorized",
        /// The tool lacks a permission.
        Forbidden = "forbidden",
        /// The cluster is overloaded.
        Overloaded = "overloaded",
        /// Somebody else changed the object at the same time.
        Conflict = "conflict",
        /// The cluster refuses the request for another reason.
        Refused = "refused",
        /// Pods do not become ready, or a run failed.
        RolloutFailed = "rollout-failed",
        /// Something took longer than the program waits.
        TimedOut = "timed-out",
        /// A part was done; the document on standard output says which.
        PartiallyDone = "partially-done",
        /// The command in a container failed.
        CommandFailed = "command-failed",
    }

    /// How important a note is.
    pub enum NoteLevel {
        /// Something may be wrong.
        Warning = "warning",
        /// Something may be unexpected.
        Note = "note",
        /// What to do next.
        Hint = "hint",
    }

    /// What a part of a failure is about.
    pub enum DetailCode {
        /// An error that is the reason for this one.
        Source = "source",
        /// An error in a file, with `file`, `line` and `column`.
        Diagnostic = "diagnostic",
        /// A resource that exceeds a quota, in `quota`.
        Quota = "quota",
        /// A limit that a container exceeds, in `violation`.
        Limit = "limit",
        /// Why something does not run, in `cause`.
        Cause = "cause",
        /// What was done to an object.
        Object = "object",
        /// Lines of a log.
        Log = "log",
        /// The manifest of an object that was deleted, as YAML.
        Manifest = "manifest",
        /// Anything else.
        Note = "note",
    }
}
