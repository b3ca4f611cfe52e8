use std::path::Path;

use toolforge_cli::{ExitCode, Failure, Notice, Session, has_other_content, print_text, write_file};
use toolforge_client::JobFetchOptions;
use toolforge_model::{JobKind, JobRequest, Retry, Untrusted, write_jobs};
use toolforge_render::job::{JobWorkload, observe_job};

use super::facts::facts_to_show;
use crate::arguments::DumpArguments;

/// Prints the jobs as a jobs file, or writes it to a file.
pub(super) fn run(session: &Session, options: &DumpArguments) -> Result<ExitCode, Failure> {
    let DumpArguments { to_file, force } = options;
    let mut wanted = JobFetchOptions::for_list();
    wanted.events = false;
    // `load` would delete the jobs that are missing in the file.
    wanted.leave_out_unread = false;
    let facts = facts_to_show(session, wanted)?.facts;
    let live = facts.live.jobs_of(&facts.namespace.tool);
    let mut requests: Vec<JobRequest> = live.iter().map(|job| observe_job(job, &facts)).collect();
    requests.iter_mut().for_each(limit_retries);
    for job in &live {
        if matches!(&job.workload, JobWorkload::Scheduled(cron_job) if cron_job.spec.as_ref().is_some_and(|spec| spec.suspend == Some(true)))
        {
            Notice::warning(format!("job {} is suspended; a jobs file cannot express that", job.name))
                .print();
        }
    }
    match (requests.as_slice(), to_file) {
        ([], None) => Notice::warning("no jobs defined").print(),
        ([], Some(file)) => {
            let file = Untrusted::new(file.display().to_string());
            Notice::warning(format!("no jobs defined, file {} will not be created", file.escaped())).print();
        }
        (requests, None) => print_text(&write_jobs(requests))?,
        (requests, Some(file)) if !force && is_other(file, &write_jobs(requests)) => {
            return Err(has_other_content(file).hint(
                "A dump has no comments, anchors or defaults: name another file, or replace it with `--force`.",
            ));
        }
        (requests, Some(file)) => write_file(file, &write_jobs(requests))?,
    }
    Ok(ExitCode::Success)
}

/// Limits the retries of a job that another program has created to those that a jobs file can have.
fn limit_retries(request: &mut JobRequest) {
    let (JobKind::OneOff { retry } | JobKind::Scheduled { retry, .. }) = &mut request.kind else { return };
    if let Ok(most) = Retry::try_from(u32::from(Retry::MAX))
        && retry.count() > Retry::MAX
    {
        Notice::warning(format!(
            "job {} has {retry} retries, more than a jobs file can have; {most} are printed",
            request.name
        ))
        .print();
        *retry = most;
    }
}

/// Returns whether a regular file exists that contains something else.
pub(super) fn is_other(path: &Path, text: &str) -> bool {
    match path.metadata() {
        Ok(existing) if existing.is_file() && existing.len() > 0 => {
            existing.len() != text.len() as u64
                || std::fs::read(path).map_or(true, |bytes| bytes != text.as_bytes())
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn only_files_with_other_content_are_kept() {
        let directory = std::env::temp_dir().join(format!("toolforge-jobs-dump-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&directory);
        std::fs::create_dir_all(&directory).unwrap();
        let (file, link) = (directory.join("jobs.yaml"), directory.join("link.yaml"));
        std::fs::write(&file, "second").unwrap();
        symlink("jobs.yaml", &link).unwrap();
        let others = [(&file, true), (&link, true), (&directory, false)];
        assert_eq!(others.map(|(path, _)| is_other(path, "third")), others.map(|(_, is_other)| is_other));
        assert!(!is_other(&file, "second") && !is_other(Path::new("/dev/null"), "third"));
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
