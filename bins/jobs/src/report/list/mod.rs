//! The jobs and their states.

mod cells;
mod document;
mod hints;

use k8s_openapi::jiff::Timestamp;
use toolforge_cli::{Document, Failure, Table, to_json};
use toolforge_images::State;
use toolforge_model::JobRequest;
use toolforge_render::job::{JobFacts, JobObjects, JobStatus, job_status, observe_job};
use toolforge_report::JobList;

use self::document::job_report;
use super::{grid, pretty};
use crate::arguments::JobsFormat;

/// A job with everything that is printed about it.
#[derive(Clone, Debug)]
pub(crate) struct ListedJob {
    /// Its request.
    request: JobRequest,
    /// Its state.
    status: JobStatus,
    /// The state of its image; `None` if the catalog does not have it.
    image_state: Option<State>,
    /// Its URL outside the cluster.
    public_url: Option<String>,
}

impl ListedJob {
    /// Returns a live job at a time.
    pub(crate) fn of(job: &JobObjects, facts: &JobFacts, now: Timestamp) -> Self {
        let request = observe_job(job, facts);
        let image = facts.catalog.job_image(&request.image, &facts.platform.build_service_repository);
        let is_public = request.kind.port().is_some_and(|port| port.is_public());
        Self {
            status: job_status(job, &facts.live, now),
            image_state: image.ok().map(|image| image.state),
            public_url: is_public
                .then(|| format!("https://{}.{}/", facts.tool, facts.platform.public_domain)),
            request,
        }
    }

    /// Returns the job for the JSON output.
    pub(crate) fn report(&self) -> toolforge_report::Job {
        job_report(self)
    }

    /// Returns all jobs of the tool: continuous ones, scheduled ones, one-off ones.
    pub(crate) fn all(facts: &JobFacts, now: Timestamp) -> Vec<Self> {
        facts.live.jobs_of(&facts.tool).iter().map(|job| Self::of(job, facts, now)).collect()
    }
}

/// Returns the list of jobs; without jobs, the text is empty.
pub(crate) fn list(jobs: &[ListedJob], now: Timestamp, format: JobsFormat) -> Result<Document, Failure> {
    let value = to_json(JobList { jobs: jobs.iter().map(job_report).collect() })?;
    let text = if jobs.is_empty() { String::new() } else { list_text(jobs, now, format) };
    Ok(Document { text, value })
}

fn list_text(jobs: &[ListedJob], now: Timestamp, format: JobsFormat) -> String {
    match format {
        JobsFormat::Name => jobs.iter().map(|job| format!("{}\n", job.request.name)).collect(),
        JobsFormat::Normal => {
            let rows: Vec<Vec<String>> = jobs.iter().map(|job| cells::normal(job, now).into()).collect();
            pretty(&cells::NORMAL, &rows)
        }
        JobsFormat::Long => {
            let rows: Vec<Vec<String>> = jobs.iter().map(|job| cells::long(job, now).into()).collect();
            pretty(&cells::LONG, &rows)
        }
        JobsFormat::Wide => {
            let mut table = Table::new(&cells::WIDE);
            for job in jobs {
                table.row(cells::wide(job, now));
            }
            table.for_stdout()
        }
        // JSON and YAML do not use this text.
        JobsFormat::Table | JobsFormat::Json | JobsFormat::Yaml => {
            let mut table = Table::new(&["NAME", "TYPE", "STATUS"]);
            for job in jobs {
                table.row(cells::normal(job, now));
            }
            table.for_stdout()
        }
    }
}

/// Returns one job in detail: the cells of a long list, one per row, and the details of its status.
pub(crate) fn show(job: &ListedJob, now: Timestamp, format: JobsFormat) -> Result<Document, Failure> {
    let text = match format {
        JobsFormat::Name => format!("{}\n", job.request.name),
        JobsFormat::Table
        | JobsFormat::Wide
        | JobsFormat::Json
        | JobsFormat::Yaml
        | JobsFormat::Normal
        | JobsFormat::Long => {
            let names = cells::LONG.into_iter().chain(["Hints:"]);
            let cells = cells::long(job, now).into_iter().chain([hints::hints(job)]);
            grid(&names.zip(cells).map(|(name, cell)| vec![name.to_owned(), cell]).collect::<Vec<_>>())
        }
    };
    Ok(Document { text, value: to_json(job_report(job))? })
}

#[cfg(test)]
mod tests;
