//! `jobs.yaml`: the jobs of a tool, written down.

mod entry;
mod flag;
mod written;

pub use written::write_jobs;

use std::collections::BTreeSet;
use std::fmt;

use crate::job::JobRequest;
use crate::yaml::{self, Mistake, Shape, TextPlace};
use crate::{JobName, ToolName};

/// The jobs that a file asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobsFile {
    /// The jobs, in the file's order.
    pub jobs: Vec<FileJob>,
    /// What works, but should be written otherwise, in the order of the lines.
    pub warnings: Vec<Mistake>,
}

/// One job of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileJob {
    /// What is asked for.
    pub request: JobRequest,
    /// Whether, and for how many seconds at most, the end of a one-off job is waited for.
    pub wait: Option<u32>,
    /// Where it stands.
    pub place: TextPlace,
    /// Where its image stands.
    pub image_place: TextPlace,
}

/// All that is wrong in a jobs file, in the order of its lines; at least one mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobsFileMistakes(pub Vec<Mistake>);

impl std::error::Error for JobsFileMistakes {}

impl fmt::Display for JobsFileMistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

/// The seconds for which the end of a job is waited for where none are said (jobs-cli 16).
pub const DEFAULT_WAIT_SECONDS: u32 = 600;

impl JobsFile {
    /// Reads a file for a tool. Of two jobs of one name the first holds, with a warning.
    ///
    /// Anchors and merge keys work. A file without jobs asks for none.
    ///
    /// # Errors
    /// When the text is not YAML, not a list of jobs, or a job is wrong: all mistakes at once, each with its place.
    pub fn parse(text: &str, tool: &ToolName) -> Result<Self, JobsFileMistakes> {
        Self::parse_chosen(text, tool, None)
    }

    /// Reads one job of a file for a tool; mistakes in its other jobs are warnings. A file without it asks for no job.
    ///
    /// # Errors
    /// When the text is not YAML, not a list of jobs, or the job is wrong.
    pub fn parse_one(text: &str, tool: &ToolName, name: &JobName) -> Result<Self, JobsFileMistakes> {
        Self::parse_chosen(text, tool, Some(name))
    }

    fn parse_chosen(text: &str, tool: &ToolName, chosen: Option<&JobName>) -> Result<Self, JobsFileMistakes> {
        let alone = |mistake| JobsFileMistakes(vec![mistake]);
        let document = yaml::parse(text).map_err(alone)?;
        let place = document.place;
        let entries = match document.shape {
            Shape::List(entries) => entries,
            Shape::Null => {
                let message = "this file has no jobs; a jobs file is a list, like `- name: my-job`";
                return Err(alone(Mistake::new(place, message)));
            }
            Shape::Text(_) | Shape::Plain(_) | Shape::Mapping(_) => {
                let found = document.described();
                let message =
                    format!("a jobs file is a list, each job beginning with `- name:`, and this is {found}");
                return Err(alone(Mistake::new(place, message)));
            }
        };
        let mut file = Self::default();
        let mut mistakes = Vec::new();
        let mut names = BTreeSet::new();
        for entry in &entries {
            let read = entry::read(entry, tool);
            let is_chosen = chosen.is_none_or(|chosen| read.name.as_deref() == Some(chosen.as_str()));
            if let Some(name) = read.name.filter(|name| !names.insert(name.clone())) {
                let name = crate::Untrusted::new(name);
                let message = format!("{} stands here for a second time; the first one holds", name.quoted());
                file.warnings.push(Mistake::new(entry.place, message));
                // What is left out may still be what was meant.
                if is_chosen {
                    mistakes.extend(read.mistakes);
                }
                continue;
            }
            if is_chosen {
                file.warnings.extend(read.warnings);
                mistakes.extend(read.mistakes);
                file.jobs.extend(read.job);
            } else {
                file.warnings.extend(read.mistakes);
            }
        }
        file.warnings.sort_by_key(|warning| warning.place);
        mistakes.sort_by_key(|mistake: &Mistake| mistake.place);
        if mistakes.is_empty() { Ok(file) } else { Err(JobsFileMistakes(mistakes)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool() -> ToolName {
        "tf-test".parse().unwrap()
    }

    fn mistakes(text: &str) -> Vec<String> {
        JobsFile::parse(text, &tool()).unwrap_err().0.iter().map(ToString::to_string).collect()
    }

    fn warnings(text: &str) -> Vec<String> {
        JobsFile::parse(text, &tool()).unwrap().warnings.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn all_mistakes_of_a_file_are_told_at_once_with_their_places() {
        let text = "- name: my_job\n  comand: x\n  image: bookworm\n- name: b\n  command: y\n  image: python3.13\n  mem: lots\n  schedule: 0 0 * *\n  continuous: true\n- just text\n";
        insta::assert_snapshot!(mistakes(text).join("\n"), @r#"
        line 1, column 9: job name "my_job" has '_'; use a-z, 0-9, '-' and '.'
        line 2, column 3: "comand" is no key; did you mean command?
        line 7, column 8: "lots" is not an amount of memory; write it like 512Mi, 1.5Gi or 1G
        line 8, column 13: a job is either scheduled or continuous, not both
        line 10, column 3: a job is a mapping, like `name: my-job`, and this is "just text"
        "#);
    }

    #[test]
    fn what_is_no_list_of_jobs_is_refused() {
        assert_eq!(
            mistakes(""),
            ["line 1, column 1: this file has no jobs; a jobs file is a list, like `- name: my-job`"]
        );
        assert!(
            mistakes("name: x\n")[0]
                .contains("a list, each job beginning with `- name:`, and this is a mapping")
        );
        assert!(mistakes("- [")[0].contains("not YAML"));
        assert_eq!(JobsFile::parse("[]", &tool()).unwrap(), JobsFile::default());
    }

    #[test]
    fn anchors_and_merge_keys_are_followed() {
        let text = "- &base\n  name: a\n  command: x\n  image: bookworm\n  mem: 1Gi\n- <<: *base\n  name: b\n  mem: 2Gi\n";
        let file = JobsFile::parse(text, &tool()).unwrap();
        let shown: Vec<_> = file
            .jobs
            .iter()
            .map(|job| (job.request.name.as_str(), job.request.memory_limit().to_string()))
            .collect();
        assert_eq!(shown, [("a", "1Gi".to_owned()), ("b", "2Gi".to_owned())]);
        assert_eq!(file.jobs[1].request.command, "x");
    }

    #[test]
    fn old_spellings_work_with_a_warning() {
        let job = "- name: a\n  command: x\n  image: bookworm\n";
        assert_eq!(
            warnings(&format!("{job}  filelog: \"yes\"\n")),
            ["line 4, column 12: write `filelog: true`; \"yes\" will not be understood for ever"]
        );
        assert_eq!(
            warnings(&format!("{job}  no-filelog: false\n  wait: false\n")),
            [
                "line 4, column 15: no-filelog that is false says nothing; write `filelog: true` for the opposite"
            ]
        );
        assert_eq!(
            warnings(&format!("{job}  mem: 1Gi\n  mem: 2Gi\n")),
            ["line 4, column 3: mem stands here and again at line 5, column 3, which holds"]
        );
        for both in ["filelog: true\n  no-filelog: true", "no-filelog: true\n  filelog: true"] {
            assert!(mistakes(&format!("{job}  {both}\n"))[0].contains("not both"), "{both}");
        }
        assert!(mistakes(&format!("{job}  schedule: '@daily'\n  wait: true\n"))[0].contains("one-off"));
        assert_eq!(
            warnings(&format!("{job}{job}")),
            ["line 4, column 3: \"a\" stands here for a second time; the first one holds"]
        );
        assert!(mistakes(&format!("{job}  continuous: maybe\n"))[0].contains("write true or false"));
    }

    #[test]
    fn one_job_is_read_whatever_the_others_are() {
        let text = "- name: a\n  command: x\n  image: bookworm\n- name: b\n  mem: lots\n";
        let chosen: JobName = "a".parse().unwrap();
        let file = JobsFile::parse_one(text, &tool(), &chosen).unwrap();
        assert_eq!((file.jobs.len(), file.warnings.len()), (1, 3));
        assert!(JobsFile::parse_one(text, &tool(), &"b".parse().unwrap()).is_err());
        assert!(JobsFile::parse_one(text, &tool(), &"c".parse().unwrap()).unwrap().jobs.is_empty());
    }
}
