//! The object that an adoption deletes before it creates the job: it is not lost if that fails.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use toolforge_cli::{ExitCode, Failure, Session};
use toolforge_client::serde_json::{self, Value};
use toolforge_client::{Attempt, ResourceType, WriteKind, Written, post_params};
use toolforge_model::Untrusted;
use toolforge_render::convert::as_created;
use toolforge_render::job::{JobObjects, WorkloadRef, is_job};
use toolforge_report::{DetailCode, FailureCode};

/// How the names of files begin that have the manifests of objects while they are adopted.
const COPY: &str = ".toolforge-adopt-";

/// The object that is adopted, and whether it was deleted: until its job is created, only this program has its definition.
#[derive(Default)]
pub(super) struct Deleted {
    pub(super) planned: Option<JobObjects>,
    /// Whether the command has started to apply a plan that deletes it: from then on, a lost answer may be that to its deletion.
    pub(super) may_be_deleted: bool,
    is_deleted: bool,
    /// The files with the manifests of objects that were about to be deleted.
    copies: Vec<PathBuf>,
}

/// What is in the place of an object that may have been deleted.
enum Place {
    /// The object itself.
    Unchanged,
    /// Nothing, until it was created again.
    PutBack,
    /// The job.
    Job,
    /// Nothing, or nobody knows, or an object of somebody else, or one that terminates.
    Lost(Option<Failure>),
}

impl Deleted {
    /// Adds what was written.
    pub(super) fn add<'a>(&mut self, written: impl IntoIterator<Item = &'a Written>) {
        let Some(job) = &self.planned else { return };
        let (kind, name) = (job.workload.kind(), job.name.as_str());
        for written in written.into_iter().filter(|found| found.id.kind == kind && found.id.name == name) {
            self.is_deleted = written.kind == WriteKind::Deleted;
        }
    }

    /// Returns the object if earlier attempts have deleted it and not created its job.
    pub(super) fn after(&mut self, attempt: &Attempt) -> Option<JobObjects> {
        self.is_deleted = false;
        self.add(attempt.written());
        self.planned.clone().filter(|_| self.is_deleted)
    }

    /// Writes the manifest of the object to the tool's home, for the case that this process is killed after the deletion.
    ///
    /// # Errors
    /// When it cannot be written; this object was not deleted yet.
    pub(super) fn keep_copy(&mut self, session: &Session) -> Result<(), Failure> {
        let (Some(job), Some(home)) = (&self.planned, &session.home) else { return Ok(()) };
        let kind = job.workload.kind().as_str().to_lowercase();
        let uid = job.workload.metadata().uid.as_deref().unwrap_or("0");
        let path = home.path().join(format!("{COPY}{kind}-{}.{uid}.yaml", job.name));
        if self.copies.contains(&path) {
            return Ok(());
        }
        // An earlier copy of the same object.
        let _ = fs::remove_file(&path);
        // Others may read the home, and the environment may have secrets.
        let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        opened.and_then(|mut file| file.write_all(as_created(job).to_yaml().as_bytes())).map_err(
            |error| {
                let _ = fs::remove_file(&path);
                let name = Untrusted::new(path.display().to_string());
                Failure::new(ExitCode::Failed, format!("{} cannot be written", name.escaped()))
                    .with_code(FailureCode::FileAccess)
                    .coded_detail(DetailCode::Source, error.to_string())
            },
        )?;
        self.copies.push(path);
        Ok(())
    }

    /// Deletes the copies of manifests that this process has written: the cluster has the objects, or their job.
    pub(super) fn remove_copies(&self) {
        for path in &self.copies {
            // It does not matter if it stays.
            let _ = fs::remove_file(path);
        }
    }

    /// Creates the object again if it was deleted, and returns the failure with what became of it: at worst, its manifest.
    pub(super) fn put_back(&self, session: &Session, failure: Failure) -> Failure {
        let Some(job) = self.planned.as_ref().filter(|_| self.may_be_deleted) else { return failure };
        let subject = job.workload_ref();
        let place = place(session, job);
        if !matches!(place, Place::Lost(_)) {
            self.remove_copies();
        }
        let (exit_code, message) = match &place {
            Place::Unchanged => return failure,
            Place::PutBack => (
                match failure.exit_code() {
                    ExitCode::DoesNotFit => ExitCode::DoesNotFit,
                    _ => ExitCode::Cluster,
                },
                format!("{subject} is not a job: it was deleted, and created again as it was"),
            ),
            Place::Job => (
                ExitCode::Partial,
                format!(
                    "{subject} was deleted and created again, but not all of the job may have been created"
                ),
            ),
            Place::Lost(_) if self.is_deleted => (
                ExitCode::Partial,
                format!("{subject} was deleted, and is not a job yet; this is its manifest:"),
            ),
            Place::Lost(_) => {
                (ExitCode::Partial, format!("{subject} may have been deleted; this is its manifest:"))
            }
        };
        let exit_code = match failure.exit_code() {
            signal @ ExitCode::Propagated(_) => signal,
            _ => exit_code,
        };
        let reasons = [failure.message().to_owned()].into_iter().chain(failure.details());
        let reported = reasons.fold(Failure::new(exit_code, message), Failure::detail);
        let error = match place {
            Place::Lost(error) => error,
            Place::Job => {
                return reported.hint(format!("`toolforge jobs show {}` shows what there is.", job.name));
            }
            Place::Unchanged | Place::PutBack => return reported,
        };
        let text = as_created(job).to_yaml();
        let text = Untrusted::new(text.trim_start_matches("---\n"));
        let reported = match error {
            Some(error) => reported.detail(format!("it could not be created again: {}", error.message())),
            None => reported.detail(
                "an object of its name exists or still terminates, so it cannot be created again now",
            ),
        };
        reported
            .coded_detail(DetailCode::Manifest, text.lines_escaped().to_string())
            .hint(format!(
                "Save the manifest: `kubectl create -f FILE` creates {subject} again, and `toolforge jobs convert FILE` prints it for \
                 a jobs file."
            ))
    }
}

/// Returns a copy of the manifest of an object of this name that a killed command has left.
pub(super) fn copy_of(session: &Session, name: &WorkloadRef) -> Option<PathBuf> {
    let home = session.home.as_ref()?.path();
    let is_copy = |file: &str| {
        let rest = file.strip_prefix(COPY)?.strip_suffix(".yaml")?;
        let (kind, rest) = rest.split_once('-')?;
        let is_kind = name.kind.is_none_or(|wanted| wanted.as_str().eq_ignore_ascii_case(kind));
        let (found, _uid) = rest.rsplit_once('.')?;
        (is_kind && found == name.name.as_str()).then_some(())
    };
    let files = fs::read_dir(home).ok()?.flatten();
    let mut copies = files.filter(|file| is_copy(&file.file_name().to_string_lossy()).is_some());
    copies.next().map(|file| file.path())
}

/// Looks at what is in the place of an object, and creates the object again if it is gone.
fn place(session: &Session, job: &JobObjects) -> Place {
    let found = session.cluster().and_then(|(runtime, client)| {
        let original = as_created(job);
        let collection = ResourceType::of_kind(original.kind()).in_namespace(session.tool.namespace());
        let path = collection.clone().named(job.name.as_str());
        runtime.block_on(async {
            if let Some(found) = client.get_opt::<Value>(&path).await? {
                if !found["metadata"]["deletionTimestamp"].is_null() {
                    return Ok(Place::Lost(None));
                }
                let uid = job.workload.metadata().uid.as_deref();
                let labels = serde_json::from_value(found["metadata"]["labels"].clone()).ok();
                return Ok(if found["metadata"]["uid"].as_str() == uid {
                    Place::Unchanged
                } else if is_job(labels.as_ref(), &session.tool) {
                    Place::Job
                } else {
                    // Somebody else has created it, and the name is taken.
                    Place::Lost(None)
                });
            }
            let _: Value = client.create(&collection, &original.to_json(), &post_params()).await?;
            Ok(Place::PutBack)
        })
    });
    found.unwrap_or_else(|error| Place::Lost(Some(error)))
}
