//! Completion in a shell: the script that calls the program, and the candidates for the word at the cursor.

mod answer;
mod candidates;
mod script;

pub use answer::CompletionRequest;
pub use candidates::{CandidateSource, choices, generate_choices, topic_choices};
pub use clap_complete::CompletionCandidate;
pub use clap_complete::engine::ArgValueCandidates;
pub use script::{Shell, completion_script};
