use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;

use toolforge_cli::{ExitCode, Failure, Session, print_text};
use toolforge_client::JobFetchOptions;
use toolforge_model::{JobRequest, Untrusted, write_jobs};
use toolforge_render::job::{JobWorkload, observe_job};

use super::facts::facts_to_show;
use crate::arguments::DumpArguments;

/// Prints the jobs as a jobs file, or writes it to a file.
pub(super) fn run(session: &Session, options: &DumpArguments) -> Result<ExitCode, Failure> {
    let DumpArguments { to_file, force } = options;
    let mut wanted = JobFetchOptions::for_list();
    wanted.events = false;
    let facts = facts_to_show(session, wanted)?;
    let live = facts.live.jobs_of(&facts.namespace.tool);
    let requests: Vec<JobRequest> = live.iter().map(|job| observe_job(job, &facts)).collect();
    for job in &live {
        if matches!(&job.workload, JobWorkload::Scheduled(cron_job) if cron_job.spec.as_ref().is_some_and(|spec| spec.suspend == Some(true)))
        {
            anstream::eprintln!("warning: job {} is suspended; a jobs file cannot express that", job.name);
        }
    }
    let shown = |file: &Path| Untrusted::new(file.display().to_string()).escaped().to_string();
    match (requests.as_slice(), to_file) {
        ([], None) => anstream::eprintln!("warning: no jobs defined"),
        ([], Some(file)) => {
            anstream::eprintln!("warning: no jobs defined, file {} will not be created", shown(file));
        }
        (requests, None) => print_text(&write_jobs(requests))?,
        (requests, Some(file)) if !force && is_other(file, &write_jobs(requests)) => {
            return Err(Failure::new(
                ExitCode::Failed,
                format!("{} exists and has other content", shown(file)),
            )
            .hint("A dump has no comments, anchors or defaults: name another file, or replace it with `--force`."));
        }
        (requests, Some(file)) => write(file, &write_jobs(requests)).map_err(|error| {
            Failure::new(ExitCode::Failed, format!("{} cannot be written", shown(file)))
                .detail(error.to_string())
        })?,
    }
    Ok(ExitCode::Success)
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

/// Writes or replaces a file atomically.
pub(super) fn write(path: &Path, text: &str) -> io::Result<()> {
    // A device or standard output cannot be replaced; opening a directory fails.
    let is_open = ["/dev/stdout", "/dev/stderr", "/dev/fd"].iter().any(|open| path.starts_with(open));
    let existing = path.metadata().ok().map(|existing| existing.file_type());
    // Opening a named pipe would wait for its reader.
    if !is_open && existing.is_some_and(|kind| kind.is_fifo()) {
        return Err(io::Error::other("it is a named pipe; pipe standard output instead"));
    }
    if is_open || existing.is_some_and(|kind| !kind.is_file()) {
        return OpenOptions::new().append(true).open(path)?.write_all(text.as_bytes());
    }
    // The target of a symbolic link is replaced, and the link stays.
    let path = match path.canonicalize() {
        Ok(path) => path,
        Err(error) if error.kind() == io::ErrorKind::NotFound => path.to_owned(),
        Err(error) => return Err(error),
    };
    let permissions = path.metadata().ok().map(|existing| existing.permissions());
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_string_lossy();
    let partial = path.with_file_name(format!(".{name}.{}~", std::process::id()));
    let written = write_new(&partial, text, permissions).and_then(|()| std::fs::rename(&partial, &path));
    if written.is_err() {
        // The first error is the one to report.
        let _ = std::fs::remove_file(&partial);
    }
    written
}

fn write_new(path: &Path, text: &str, permissions: Option<std::fs::Permissions>) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    if let Some(permissions) = permissions {
        file.set_permissions(permissions)?;
    }
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn file_is_replaced_atomically() {
        let directory = std::env::temp_dir().join(format!("toolforge-jobs-dump-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&directory);
        std::fs::create_dir_all(&directory).unwrap();
        let (file, link) = (directory.join("jobs.yaml"), directory.join("link.yaml"));
        write(&file, "first").unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
        symlink("jobs.yaml", &link).unwrap();
        write(&link, "second").unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "second");
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o640);
        assert!(link.symlink_metadata().unwrap().is_symlink());
        write(Path::new("/dev/null"), "nothing").unwrap();
        let others = [(&file, true), (&link, true), (&directory, false)];
        assert_eq!(others.map(|(path, _)| is_other(path, "third")), others.map(|(_, is_other)| is_other));
        assert!(!is_other(&file, "second") && !is_other(Path::new("/dev/null"), "third"));
        assert!(write(&directory, "a directory").is_err());
        let pipe = directory.join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert!(write(&pipe, "a pipe").is_err());
        std::fs::remove_file(&pipe).unwrap();
        assert!(write(&directory.join("missing/jobs.yaml"), "no directory").is_err());
        let mut names: Vec<_> =
            std::fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["jobs.yaml", "link.yaml"]);
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
