use toolforge_model::Untrusted;

use crate::describe::{codes, structs};

structs! {
    /// What `lint` finds in files: from `jobs lint` and `webservice lint`.
    pub struct LintReport {
        /// The tool whose limits and namespace were used.
        pub tool: Option<String>,
        /// The day of the bundled policy that was used; `null` if the facts are those of the cluster.
        pub policy_date: Option<String>,
        /// The files, in the order of the arguments.
        pub files: Vec<LintedFile>,
        /// The number of errors.
        pub errors: usize,
        /// The number of warnings.
        pub warnings: usize,
        /// The number of notes.
        pub notes: usize,
    }

    /// The findings of one file.
    pub struct LintedFile {
        /// The file as it was named.
        pub file: Untrusted,
        /// What is found, sorted by location; with `--fix`, what is left.
        pub findings: Vec<LintFinding>,
        /// What `--fix` has fixed.
        pub fixed: Vec<LintFinding>,
        /// Where `--fix` has kept the original.
        pub backup: Option<Untrusted>,
    }

    /// Something that a rule finds.
    pub struct LintFinding {
        /// The id of the rule; `docs/reference/lint.md` lists them.
        pub code: String,
        /// How bad it is.
        pub level: Level,
        /// What was found, and what is allowed.
        pub message: Untrusted,
        /// What the API server, an admission plugin or kubectl would answer, if that is known.
        pub answer: Option<Untrusted>,
        /// Kind of the object that it is in, like `CronJob`; `null` if it is in none.
        pub object_kind: Option<Untrusted>,
        /// Name of the object; `null` if it has none.
        pub name: Option<Untrusted>,
        /// The line, from 1.
        pub line: u64,
        /// The column in the line in characters, from 1.
        pub column: u64,
        /// The first byte of the file that it is about, from 0.
        pub start: usize,
        /// The byte after the last one.
        pub end: usize,
        /// What `--fix` does about it.
        pub fix: Option<LintFix>,
    }

    /// A change of a file that removes a finding.
    pub struct LintFix {
        /// What it does, in words.
        pub title: Untrusted,
        /// The edits, all or none.
        pub edits: Vec<LintEdit>,
    }

    /// The replacement of some bytes of a file.
    pub struct LintEdit {
        /// The first replaced byte, from 0.
        pub start: usize,
        /// The byte after the last replaced one.
        pub end: usize,
        /// Replacement text.
        pub replacement: Untrusted,
    }
}

codes! {
    /// How bad a finding is.
    pub enum Level {
        /// It is refused, or will be once it is created again, or it cannot be read.
        Error = "error",
        /// It is accepted, but causes problems later, or has no effect.
        Warning = "warning",
        /// It works, and is worth knowing.
        Note = "note",
    }
}
