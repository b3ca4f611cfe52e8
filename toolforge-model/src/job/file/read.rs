use std::collections::BTreeSet;

use super::entry::{self, FileJob, ImageCheck};
use crate::yaml::{self, YamlValue};
use crate::{Diagnostic, Diagnostics, DocumentKind, JobImage, JobName, ToolName, Untrusted};

/// The jobs of a jobs file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct JobsFile {
    /// The jobs, in the order of the file.
    pub jobs: Vec<FileJob>,
    /// Warnings about deprecated or useless lines, in the order of the file.
    pub warnings: Vec<Diagnostic>,
}

/// All errors and warnings of a jobs file, and its jobs without errors.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct JobsFileFindings {
    /// The jobs without errors, in the order of the file.
    pub jobs: Vec<FileJob>,
    /// The errors, in the order of the file.
    pub errors: Vec<Diagnostic>,
    /// The warnings, in the order of the file.
    pub warnings: Vec<Diagnostic>,
}

impl JobsFile {
    /// Reads a jobs file of a tool. If two jobs have the same name, the first one counts, with a warning.
    ///
    /// Anchors and merge keys work.
    ///
    /// # Errors
    /// When the text is not YAML, not a list of jobs, or a job is wrong: all errors at once, each with its location.
    pub fn parse(text: &str, tool: &ToolName) -> Result<Self, Diagnostics> {
        let findings = Self::check(text, tool, None);
        Diagnostics::or(findings.errors, Self { jobs: findings.jobs, warnings: findings.warnings })
    }

    /// Reads one job of a tool's jobs file; errors in its other jobs are warnings. The result has no job if
    /// the file has none of that name.
    ///
    /// # Errors
    /// When the text is not YAML, not a list of jobs, or the job is wrong.
    pub fn parse_one(text: &str, tool: &ToolName, name: &JobName) -> Result<Self, Diagnostics> {
        let findings = find(text, tool, Some(name), None);
        Diagnostics::or(findings.errors, Self { jobs: findings.jobs, warnings: findings.warnings })
    }

    /// Returns all errors and all warnings of a tool's jobs file.
    ///
    /// `image` looks an image up, as `Catalog::check_job_image` of the crate `toolforge-images` does.
    ///
    /// ```
    /// use toolforge_model::{JobImage, JobsFile};
    ///
    /// let text = "- name: a\n  image: pyhton3.11\n  command: ./a.py\n  comand: x\n";
    /// let findings = JobsFile::check(text, &"stashbot".parse()?, Some(&|image: &JobImage| match image.as_str() {
    ///     "python3.11" => Ok(None),
    ///     other => Err(format!("no image {other}")),
    /// }));
    /// let errors: Vec<String> = findings.errors.iter().map(ToString::to_string).collect();
    /// assert_eq!(errors, [
    ///     "line 2, column 10: no image pyhton3.11",
    ///     "line 4, column 3: unknown key \"comand\"; did you mean \"command\"?",
    /// ]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn check(
        text: &str,
        tool: &ToolName,
        image: Option<&dyn Fn(&JobImage) -> ImageCheck>,
    ) -> JobsFileFindings {
        find(text, tool, None, image)
    }
}

/// Reads all jobs of a file, or only the chosen one.
fn find(
    text: &str,
    tool: &ToolName,
    chosen: Option<&JobName>,
    image: Option<&dyn Fn(&JobImage) -> ImageCheck>,
) -> JobsFileFindings {
    let error = |error| JobsFileFindings { errors: vec![error], ..JobsFileFindings::default() };
    let document = match yaml::parse(text) {
        Ok(document) => document,
        Err(invalid) => return error(invalid),
    };
    let entries = match (&document.value, DocumentKind::of(&document)) {
        (YamlValue::Sequence(entries), DocumentKind::JobsFile) => entries,
        (YamlValue::Null, _) => {
            let message = "this file has no jobs; a jobs file is a list, like `- name: my-job`";
            return error(Diagnostic::new(document.location, message));
        }
        (_, kind) => {
            let expected = "a list of jobs, each beginning with `- name:`";
            let message = kind.unexpected(expected, &document.describe());
            return error(Diagnostic::new(document.location, message));
        }
    };
    let mut findings = JobsFileFindings::default();
    let mut names = BTreeSet::new();
    for entry in entries {
        let read = entry::read(entry, tool, image);
        let is_chosen = chosen.is_none_or(|chosen| read.name.as_deref() == Some(chosen.as_str()));
        if let Some(name) = read.name.filter(|name| !names.insert(name.clone())) {
            let name = Untrusted::new(name);
            let message = format!("a second job {} is ignored; the first one counts", name.quoted());
            findings.warnings.push(Diagnostic::new(entry.location, message));
            // The second one may be the one that the owner wants.
            if is_chosen {
                findings.errors.extend(read.errors);
            }
            continue;
        }
        if is_chosen {
            findings.warnings.extend(read.warnings);
            findings.errors.extend(read.errors);
            findings.jobs.extend(read.job);
        } else {
            findings.warnings.extend(read.errors);
        }
    }
    for found in [&mut findings.warnings, &mut findings.errors] {
        found.sort_by_key(|found| found.location);
        // An error in an anchor is an error in every job that merges it.
        let mut known = BTreeSet::new();
        found.retain(|found| known.insert((found.location, found.text().as_raw().to_owned())));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool() -> ToolName {
        "tf-test".parse().unwrap()
    }

    fn errors(text: &str) -> Vec<String> {
        JobsFile::parse(text, &tool()).unwrap_err().iter().map(ToString::to_string).collect()
    }

    fn warnings(text: &str) -> Vec<String> {
        JobsFile::parse(text, &tool()).unwrap().warnings.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn reports_all_errors_with_locations() {
        let text = "- name: my_job\n  comand: x\n  image: bookworm\n- name: b\n  command: y\n  image: python3.13\n  mem: lots\n  schedule: 0 0 * *\n  continuous: true\n- just text\n";
        insta::assert_snapshot!(errors(text).join("\n"), @r#"
        line 1, column 9: job name "my_job" has '_'; use a-z, 0-9, '-' and '.'; did you mean "my-job"?
        line 2, column 3: unknown key "comand"; did you mean "command"?
        line 7, column 8: "lots" is not an amount of memory; write it like 512Mi, 1.5Gi or 1G
        line 8, column 13: a job is either scheduled or continuous, not both
        line 10, column 3: a job is a mapping, like `name: my-job`, not "just text"
        "#);
    }

    #[test]
    fn rejects_other_documents() {
        assert_eq!(
            errors(""),
            ["line 1, column 1: this file has no jobs; a jobs file is a list, like `- name: my-job`"]
        );
        assert!(
            errors("x: x\n")[0].ends_with("a list of jobs, each beginning with `- name:`, not a mapping")
        );
        for (text, expected) in [
            ("apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: x}\n", "this is a Kubernetes manifest"),
            ("components:\n  bot: {}\n", "a component configuration"),
            ("config-version: v1\ncomponents: {}\n", "a component configuration"),
            ("jobs:\n- name: x\n", "must be the whole file"),
            ("name: x\nimage: bookworm\n", "this is one job: write `- `"),
            ("- kind: Pod\n", "this is a list of Kubernetes objects"),
            ("# mine\n0 3 * * * ./a.sh\n*/5 * * * * ./b.sh\n", "this is a crontab"),
            ("jsub -N a ./a.sh\n", "this is a crontab"),
            ("- name: {{ x }}\n  image: bookworm\n", "template with {{ }}"),
            ("- command: echo {{ x }}\n  name: {% y %}\n", "template with {{ }}"),
        ] {
            assert!(errors(text)[0].contains(expected), "{text}");
        }
        assert!(errors("- [")[0].contains("invalid YAML"));
        assert_eq!(JobsFile::parse("[]", &tool()).unwrap(), JobsFile::default());
    }

    #[test]
    fn errors_of_an_anchor_are_reported_once() {
        let text = "- &d\n  name: d\n  command: x\n  image: bookworm\n  mem: 1GB\n  env: {1: x}\n  retry: &r 9\n\
                    - <<: *d\n  name: e\n- <<: *d\n  name: f\n  cpu: 1GB\n  retry: *r\n";
        insta::assert_snapshot!(errors(text).join("\n"), @r#"
        line 5, column 8: "1GB" has the unknown suffix "GB"; did you mean 1Gi?
        line 6, column 9: "1" is not a variable name; use letters, digits and '_', and no digit first
        line 7, column 13: "9" is not a number of retries; expected 0 to 5
        line 12, column 8: "1GB" has the unknown suffix "GB"; write CPU like 500m, 0.5 or 2
        line 13, column 10: "9" is not a number of retries; expected 0 to 5
        "#);
        let text =
            "- &d\n  name: d\n  command: x\n  image: bookworm\n  no-filelog: false\n- <<: *d\n  name: e\n";
        insta::assert_snapshot!(warnings(text).join("\n"), @"line 5, column 15: `no-filelog: false` has no effect; remove it: this job has log files");
    }

    #[test]
    fn one_document_is_expected() {
        let job = "- name: a\n  command: x\n  image: bookworm\n";
        insta::assert_snapshot!(errors(&format!("# jobs\n---\n{job}\n--- # more\n{job}")).join("\n"), @"line 7, column 1: a second YAML document begins here, and only one is read; remove this line");
        assert_eq!(JobsFile::parse(&format!("---\n{job}"), &tool()).unwrap().jobs.len(), 1);
    }

    #[test]
    fn useless_file_log_is_explained() {
        let job =
            |image: &str, rest: &str| format!("- {{name: a, command: x, image: '{image}', {rest}: false}}\n");
        let built = "tool-tf-test/web:latest";
        insta::assert_snapshot!(warnings(&job("bookworm", "filelog")).join("\n"), @"line 1, column 53: `filelog: false` has no effect; write `no-filelog: true` to turn log files off");
        insta::assert_snapshot!(warnings(&job("bookworm", "no-filelog")).join("\n"), @"line 1, column 56: `no-filelog: false` has no effect; remove it: this job has log files");
        insta::assert_snapshot!(warnings(&job(built, "filelog")).join("\n"), @"line 1, column 68: `filelog: false` has no effect; remove it: this job has no log files");
        insta::assert_snapshot!(warnings(&job(built, "no-filelog")).join("\n"), @"line 1, column 71: `no-filelog: false` has no effect; write `filelog: true` to turn log files on");
    }

    #[test]
    fn wait_is_a_boolean_or_seconds() {
        let wait = |value: &str| {
            let text = format!("- {{name: a, command: x, image: bookworm, wait: {value}}}\n");
            JobsFile::parse(&text, &tool()).map(|file| file.jobs[0].wait)
        };
        for (value, expected) in
            [("true", Some(600)), ("'on'", Some(600)), ("3600", Some(3600)), ("false", None), ("", None)]
        {
            assert_eq!(wait(value).unwrap(), expected, "{value}");
        }
        insta::assert_snapshot!(wait("1h").unwrap_err(), @r#"line 1, column 48: wait: "1h" is not a boolean or a number of seconds; write true, false or seconds like 3600"#);
        insta::assert_snapshot!(wait("[]").unwrap_err(), @"line 1, column 48: wait: a list is not a boolean or a number of seconds; write true, false or seconds like 3600");
    }

    #[test]
    fn resolves_anchors_and_merge_keys() {
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

    const JOB: &str = "- name: a\n  command: x\n  image: bookworm\n";

    #[test]
    fn warns_of_deprecated_booleans() {
        assert_eq!(
            warnings(&format!("{JOB}  filelog: \"yes\"\n")),
            ["line 4, column 12: filelog: \"yes\" is deprecated here; write true"]
        );
    }

    #[test]
    fn warns_of_lines_without_effect() {
        assert_eq!(
            warnings(&format!("{JOB}  no-filelog: false\n  wait: false\n")),
            ["line 4, column 15: `no-filelog: false` has no effect; remove it: this job has log files"]
        );
        for cpu in ["100m", "0.1"] {
            assert_eq!(
                warnings(&format!("{JOB}  cpu: {cpu}\n")),
                [
                    "line 4, column 8: `cpu: 100m` has no effect; it is the default, with a limit of 1, and any other amount is also the limit"
                ]
            );
        }
        assert_eq!(warnings(&format!("{JOB}  cpu: 101m\n")), [""; 0]);
    }

    #[test]
    fn last_of_two_equal_keys_wins() {
        assert_eq!(
            warnings(&format!("{JOB}  mem: 1Gi\n  mem: 2Gi\n")),
            ["line 4, column 3: mem has no effect here, because it is set again at line 5, column 3"]
        );
    }

    #[test]
    fn first_of_two_jobs_with_one_name_wins() {
        assert_eq!(
            warnings(&format!("{JOB}{JOB}")),
            ["line 4, column 3: a second job \"a\" is ignored; the first one counts"]
        );
    }

    #[test]
    fn rejects_contradicting_log_choices() {
        for both in ["filelog: true\n  no-filelog: true", "no-filelog: true\n  filelog: true"] {
            assert!(errors(&format!("{JOB}  {both}\n"))[0].contains("not both"), "{both}");
        }
    }

    #[test]
    fn only_one_off_jobs_can_be_waited_for() {
        assert!(errors(&format!("{JOB}  schedule: '@daily'\n  wait: true\n"))[0].contains("one-off"));
    }

    #[test]
    fn rejects_other_booleans() {
        assert!(errors(&format!("{JOB}  continuous: maybe\n"))[0].contains("write true or false"));
    }

    #[test]
    fn does_not_guess_short_keys() {
        assert!(errors(&format!("{JOB}  a: 1\n"))[0].contains("unknown key \"a\"; the keys are name,"));
    }

    #[test]
    fn check_reports_errors_and_warnings_together() {
        let text = format!("{JOB}  mem: lots\n{JOB}");
        let unknown = |image: &JobImage| Err(format!("no image {image}"));
        let findings = JobsFile::check(&text, &tool(), Some(&unknown));
        let lines = |found: &[Diagnostic]| found.iter().map(|found| found.location.line).collect::<Vec<_>>();
        assert_eq!((lines(&findings.errors), lines(&findings.warnings)), (vec![3, 4, 7], vec![5]));
        assert!(findings.jobs.is_empty());
    }

    #[test]
    fn check_reports_image_warnings() {
        let deprecated = |image: &JobImage| Ok(Some(format!("{image} is deprecated")));
        let findings = JobsFile::check(JOB, &tool(), Some(&deprecated));
        assert_eq!(findings.jobs.len(), 1);
        assert_eq!(findings.warnings[0].to_string(), "line 3, column 10: bookworm is deprecated");
    }

    #[test]
    fn parse_one_ignores_errors_of_others() {
        let text = "- name: a\n  command: x\n  image: bookworm\n- name: b\n  mem: lots\n";
        let chosen: JobName = "a".parse().unwrap();
        let file = JobsFile::parse_one(text, &tool(), &chosen).unwrap();
        assert_eq!((file.jobs.len(), file.warnings.len()), (1, 3));
        assert!(JobsFile::parse_one(text, &tool(), &"b".parse().unwrap()).is_err());
        assert!(JobsFile::parse_one(text, &tool(), &"c".parse().unwrap()).unwrap().jobs.is_empty());
    }
}
