//! What was converted, and what was not.

use std::fmt;

use toolforge_model::{JobRequest, Location, Untrusted, write_jobs};

use crate::convert::ConversionNote;
use crate::convert::loss::Carried;
use crate::job::JobObjects;

/// A job that was converted, and what was lost.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ConvertedJob {
    /// The job.
    pub request: JobRequest,
    /// What could not be converted, or was guessed.
    pub notes: Vec<ConversionNote>,
    /// Where it begins in its file.
    pub location: Location,
    /// The fields of its object that the job has in another form.
    pub(super) carried: Carried,
    /// Its objects, if they were compared with the original.
    pub(super) rendered: Option<JobObjects>,
}

/// What a conversion found out about a job.
#[derive(Debug, Default)]
pub(super) struct ConvertedFields {
    pub(super) notes: Vec<ConversionNote>,
    pub(super) carried: Carried,
    pub(super) rendered: Option<JobObjects>,
}

/// A web service that was converted to a `service.template`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ConvertedWebService {
    /// The text of the `service.template`, without the notes.
    pub template: String,
    /// What could not be converted, or was guessed.
    pub notes: Vec<ConversionNote>,
    /// Where it begins in its file.
    pub location: Location,
}

/// Something that cannot be a job, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unconverted {
    /// What it is, such as `Secret token`, or the line.
    pub what: Untrusted,
    /// Why it is not converted.
    pub reason: Untrusted,
    /// The file; `None` if its name is unknown.
    pub file: Option<Untrusted>,
    /// Where it begins in its file.
    pub location: Location,
}

impl fmt::Display for Unconverted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.file {
            Some(file) => write!(f, "{}:{}", file.escaped(), self.location.line)?,
            None => write!(f, "line {}", self.location.line)?,
        }
        write!(f, ": {}: not converted: {}", self.what.escaped(), self.reason.escaped())
    }
}

/// What was converted, and what was not.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Conversion {
    /// The jobs, in the order of the files.
    pub jobs: Vec<ConvertedJob>,
    /// The web service; a tool has only one.
    pub web_service: Option<ConvertedWebService>,
    /// Objects that another object or the web service creates, so they need no job.
    pub dependents: Vec<Unconverted>,
    /// Everything else.
    pub unconverted: Vec<Unconverted>,
}

impl Conversion {
    /// Returns the text of the jobs file: before each job, a comment for each note, and at the end one for everything that is not
    /// converted. It is empty if there are no jobs.
    #[must_use]
    pub fn to_yaml(&self) -> String {
        let mut text = String::new();
        for job in &self.jobs {
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(&comments(&job.notes));
            text.push_str(&write_jobs([&job.request]));
        }
        if !self.jobs.is_empty() && !self.unconverted.is_empty() {
            text.push('\n');
            text.extend(self.unconverted.iter().map(|left| format!("# {left}\n")));
        }
        text
    }

    /// Returns why jobs and the web service do not work until somebody changes them, each with its subject: `job bot`.
    #[must_use]
    pub fn blocking(&self) -> Vec<(String, &ConversionNote)> {
        let job = |job: &ConvertedJob| format!("job {}", job.request.name);
        let jobs = self.jobs.iter().flat_map(|found| found.notes.iter().map(move |note| (job(found), note)));
        let web = self.web_service.iter().flat_map(|web| &web.notes);
        let all = jobs.chain(web.map(|note| ("the web service".to_owned(), note)));
        all.filter(|(_, note)| note.is_blocking()).collect()
    }
}

impl ConvertedWebService {
    /// Returns the text of the `service.template`, with a comment for each note.
    #[must_use]
    pub fn to_yaml(&self) -> String {
        format!("{}{}", comments(&self.notes), self.template)
    }
}

fn comments(notes: &[ConversionNote]) -> String {
    // A note has no line breaks, so it stays a comment.
    notes.iter().map(|note| format!("# {note}\n")).collect()
}
