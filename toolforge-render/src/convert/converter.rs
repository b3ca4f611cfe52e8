//! Collects jobs from several files.

use std::collections::{BTreeMap, BTreeSet};

use toolforge_model::{JobImage, JobName, JobOptions, JobRequest, JobsFile, Location, Untrusted, write_jobs};

use crate::convert::conversion::ConvertedFields;
use crate::convert::{Conversion, ConversionNote, ConvertedJob, Unconverted};
use crate::job::{JobFacts, JobObjects, JobPlan, JobPlanError};
use crate::manifest::Manifest;
use crate::namespace::Namespace;
use crate::secret::without_secrets_in_text;

/// The length reserved for a `-` and a number in the name of a job whose name another one has.
const LONGEST_NUMBER: usize = 10;

/// Converts files for a tool.
#[derive(Debug)]
pub struct Converter<'a> {
    pub(super) namespace: &'a Namespace,
    /// The image of jobs whose source does not name one.
    image: Option<JobImage>,
    names: BTreeSet<String>,
    /// The last number of the jobs whose names begin alike, so no number is tried twice.
    numbers: BTreeMap<String, usize>,
    /// The file that is converted.
    file: Option<Untrusted>,
    /// The facts and the live job, if it is adopted.
    adopted: Option<(&'a JobFacts, &'a JobObjects)>,
    pub(super) conversion: Conversion,
}

impl<'a> Converter<'a> {
    /// Returns a converter. `image` is the image of jobs from crontabs and `jsub` lines, which do not name one; without it, one
    /// is guessed from the command.
    #[must_use]
    pub fn new(namespace: &'a Namespace, image: Option<JobImage>) -> Self {
        Self {
            namespace,
            image,
            names: BTreeSet::new(),
            numbers: BTreeMap::new(),
            file: None,
            adopted: None,
            conversion: Conversion::default(),
        }
    }

    /// Returns a converter of a live job that no tool manages.
    pub(super) fn of_live(facts: &'a JobFacts, job: &'a JobObjects) -> Self {
        Self { adopted: Some((facts, job)), ..Self::new(&facts.namespace, None) }
    }

    /// Returns the objects of a converted job.
    pub(super) fn rendered(&self, request: JobRequest) -> Result<JobObjects, JobPlanError> {
        let plan = match self.adopted {
            Some((facts, live)) => JobPlan::of_live(request, facts, Some(live)),
            None => JobPlan::new(request, &JobFacts::new(self.namespace.clone())),
        };
        Ok(plan?.objects())
    }

    /// Sets the name of the file that is added next, for what is not converted.
    pub fn start_file(&mut self, name: &Untrusted) {
        self.file = Some(name.clone());
    }

    /// Returns everything that was converted.
    #[must_use]
    pub fn finish(self) -> Conversion {
        self.conversion
    }

    /// Adds a job, or reports why its options are invalid.
    pub(super) fn add(
        &mut self,
        options: JobOptions,
        found: ConvertedFields,
        what: &str,
        location: Location,
    ) {
        let ConvertedFields { mut notes, carried, rendered } = found;
        ConversionNote::sort(&mut notes);
        match options.into_request(&self.namespace.tool) {
            Ok(request) => match JobsFile::parse(&write_jobs([&request]), &self.namespace.tool) {
                Ok(_) => {
                    self.conversion.jobs.push(ConvertedJob { request, notes, location, carried, rendered });
                }
                Err(errors) => self.leave(what, errors.to_string(), location),
            },
            Err(errors) => self.leave(what, errors.to_string(), location),
        }
    }

    pub(super) fn leave(&mut self, what: &str, reason: impl Into<String>, location: Location) {
        let left = self.unconverted(what, reason, location);
        self.conversion.unconverted.push(left);
    }

    /// Adds an object that something else creates.
    pub(super) fn add_dependent(&mut self, manifest: &Manifest, creator: &str) {
        let left =
            self.unconverted(&manifest.to_string(), format!("{creator} creates it"), manifest.location);
        self.conversion.dependents.push(left);
    }

    fn unconverted(&self, what: &str, reason: impl Into<String>, location: Location) -> Unconverted {
        let shown = |text: &str| Untrusted::new(without_secrets_in_text("", text));
        let (what, reason) = (shown(what), shown(&reason.into()));
        Unconverted { what, reason, file: self.file.clone(), location }
    }

    /// Returns a name like the wanted one that no other job has.
    pub(super) fn unique_name(&mut self, wanted: &str) -> JobName {
        if let Ok(name) = wanted.parse::<JobName>()
            && self.names.insert(wanted.to_owned())
        {
            return name;
        }
        let base: String = wanted
            .to_ascii_lowercase()
            .chars()
            .map(|character| if character.is_ascii_alphanumeric() { character } else { '-' })
            .collect();
        let base = match base.trim_matches('-') {
            "" => "job",
            base => base,
        };
        let up_to = |length: usize| base[..base.len().min(length)].trim_end_matches('-').to_owned();
        let mut name = up_to(JobName::MAX_LENGTH);
        let stem = up_to(JobName::MAX_LENGTH - LONGEST_NUMBER);
        let number = self.numbers.entry(stem.clone()).or_insert(1);
        loop {
            if let Ok(parsed) = name.parse::<JobName>()
                && self.names.insert(name)
            {
                return parsed;
            }
            *number += 1;
            name = format!("{stem}-{number}");
        }
    }

    /// Returns the image for a command without a known image, and how it was found.
    pub(super) fn image_for(&self, program: &str) -> Option<(JobImage, Option<ConversionNote>)> {
        if let Some(image) = &self.image {
            return Some((image.clone(), None));
        }
        let language = ["python", "php", "node", "perl", "ruby", "tcl", "jdk", "mono", "rust"]
            .into_iter()
            .find(|language| uses_language(program, language));
        // The images without a language are named after Debian's releases.
        let mut families = language.into_iter().chain(["trixie", "bookworm"]);
        let image = families.find_map(|family| self.namespace.catalog.newest_for_jobs(family))?;
        let note = ConversionNote::GuessedImage { image: image.name.clone() };
        Some((JobImage::Type(image.name.clone()), Some(note)))
    }
}

/// Returns whether a program is written in a language, by its name or its extension.
fn uses_language(program: &str, language: &str) -> bool {
    let name = program.trim_matches(['"', '\'']).rsplit('/').next().unwrap_or_default();
    let (stem, ending) = name.rsplit_once('.').unwrap_or((name, ""));
    match language {
        "python" => ending == "py" || stem.starts_with("python") || matches!(name, "pip" | "pip3" | "pwb"),
        "php" => ending == "php" || stem.starts_with("php"),
        "node" => matches!(ending, "js" | "mjs") || matches!(name, "node" | "nodejs" | "npm"),
        "perl" => ending == "pl" || name == "perl",
        "ruby" => ending == "rb" || name == "ruby",
        "tcl" => ending == "tcl" || stem.starts_with("tclsh"),
        "jdk" => ending == "jar" || name == "java",
        "mono" => ending == "exe" || name == "mono",
        _ => name == "cargo",
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use toolforge_images::Catalog;

    use super::*;

    #[test]
    fn equal_names_get_numbers_in_linear_time() {
        let namespace = Namespace::new(&"tf-test".parse().unwrap(), Catalog::bundled());
        let mut converter = Converter::new(&namespace, None);
        let long = "a".repeat(JobName::MAX_LENGTH + 9);
        let before = Instant::now();
        for wanted in ["x".to_owned(), long.clone()] {
            let names: BTreeSet<JobName> = (0..20_000).map(|_| converter.unique_name(&wanted)).collect();
            assert_eq!(names.len(), 20_000);
        }
        let names: BTreeSet<JobName> =
            (0..20_000).map(|index| converter.unique_name(&format!("{long}{index}"))).collect();
        assert_eq!(names.len(), 20_000);
        assert!(before.elapsed() < Duration::from_secs(30), "{:?}", before.elapsed());
    }

    #[test]
    fn language_of_a_quoted_program_is_known() {
        assert!(uses_language("\"my bot.py\"", "python"));
        assert!(uses_language("'a b.php'", "php"));
        assert!(!uses_language("\"my bot.sh\"", "python"));
    }

    #[test]
    fn taken_numbers_are_left_out() {
        let namespace = Namespace::new(&"tf-test".parse().unwrap(), Catalog::bundled());
        let mut converter = Converter::new(&namespace, None);
        let names =
            ["a", "a-2", "a", "A", "a-b", "a_b", "--", ""].map(|wanted| converter.unique_name(wanted));
        let names = names.map(|name| name.to_string());
        assert_eq!(names, ["a", "a-2", "a-3", "a-4", "a-b", "a-b-2", "job", "job-2"]);
    }
}
