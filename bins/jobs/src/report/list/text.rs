//! The list of jobs, and one job in detail.

use k8s_openapi::jiff::Timestamp;
use toolforge_cli::{Document, Failure, Table, columns, to_json, wrap};
use toolforge_client::ToolHome;
use toolforge_report::{JobList, UnmanagedWorkload};

use super::json::job_report;
use super::{ListedJob, cells, hints};
use crate::advice::{AdvisingVerb, Asked};
use crate::arguments::JobsFormat;
use crate::report::{grid, pretty};

/// Returns the list of jobs; without jobs, the text is empty.
pub(crate) fn list(
    jobs: &[ListedJob],
    unmanaged: Vec<UnmanagedWorkload>,
    now: Timestamp,
    format: JobsFormat,
) -> Result<Document, Failure> {
    let value = to_json(JobList { jobs: jobs.iter().map(job_report).collect(), unmanaged })?;
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
        JobsFormat::Table | JobsFormat::Json | JobsFormat::Yaml | JobsFormat::Sarif => {
            let mut table = Table::new(&["NAME", "TYPE", "STATUS"]);
            for job in jobs {
                table.row(cells::normal(job, now));
            }
            table.for_stdout()
        }
    }
}

/// Returns one job in detail: the cells of a long list, one per row, and the details of its status.
pub(crate) fn show(
    job: &ListedJob,
    now: Timestamp,
    format: JobsFormat,
    home: Option<&ToolHome>,
) -> Result<Document, Failure> {
    let text = match format {
        JobsFormat::Name => format!("{}\n", job.request.name),
        JobsFormat::Table
        | JobsFormat::Sarif
        | JobsFormat::Wide
        | JobsFormat::Json
        | JobsFormat::Yaml
        | JobsFormat::Normal
        | JobsFormat::Long => {
            let asked =
                Asked { verb: AdvisingVerb::Show, ..Asked::from(&job.request).in_home(&job.request, home) };
            let names = cells::LONG.into_iter().chain(["Hints:"]);
            let cells = cells::long(job, now).into_iter().chain([hints(&job.status, asked)]);
            let cells = cells.map(|cell| wrapped(&cell, columns()));
            grid(&names.zip(cells).map(|(name, cell)| vec![name.to_owned(), cell]).collect::<Vec<_>>())
        }
    };
    Ok(Document { text, value: to_json(job_report(job))? })
}

/// The width of the headings and borders of a job in detail.
const FRAME: usize = 20;

/// Returns a cell whose lines fit a terminal.
fn wrapped(cell: &str, columns: Option<usize>) -> String {
    let Some(width) = columns.and_then(|columns| columns.checked_sub(FRAME)) else { return cell.to_owned() };
    cell.lines().flat_map(|line| wrap(line, width, 0)).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_fit_the_terminal() {
        assert_eq!(wrapped("one two\nthree", Some(24)), "one\ntwo\nthree");
        assert_eq!(wrapped("one two\nthree", None), "one two\nthree");
    }
}
